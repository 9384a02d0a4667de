/**
 * Every code of the language (FIL01xx to FIL04xx) has a wrong example that produces it and a right one that is clean. What a user sees
 * is kept as one snapshot file per code: the source, then the rendered message.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogue } from '../../dsl/catalogue/index.ts';
import type { CatalogueInfo } from '../../dsl/catalogue/index.ts';
import { readProgram } from '../../dsl/program.ts';
import { renderDiagnostics } from '../../dsl/render-diagnostic.ts';

/** What the examples import. */
const library = new Map([
  ['library.fil', 'mask window(n: int tokens) =\n  band(0 .. n)\n\nattention whole {\n  mask all\n}\n'],
  ['cycle.fil', 'import base from "./main.fil"\n\nmask looped =\n  base\n'],
]);

function diagnose(source: string): ReturnType<typeof readProgram> {
  return readProgram('main.fil', (path) => (path === 'main.fil' ? source : library.get(path)));
}

function shortened(source: string): string {
  return source.length <= 600 ? source : `${source.slice(0, 100)} ... (${source.length} characters)`;
}

function page(info: CatalogueInfo, source: string): string {
  const { program, diagnostics } = diagnose(source);
  const sources = new Map([...program.files].map(([path, file]) => [path, file.text]));
  return `${info.code}: ${info.title}\n\n${shortened(source)}\n\n${'-'.repeat(80)}\n${renderDiagnostics(diagnostics, sources)}\n`;
}

const language = catalogue.filter((info) => /^FIL0[1-4]/.test(info.code));

test('codes are unique, ascending, and of the hundred of their file', () => {
  const codes = catalogue.map((info) => info.code);
  expect(codes).toEqual([...new Set(codes)].sort());
  expect(language.length).toBeGreaterThan(60);
  for (const info of catalogue) {
    expect(info.code).toMatch(/^FIL0\d{3}$/);
    for (const text of [info.title, info.explanation, info.wrong, info.right]) expect(text.length, info.code).toBeGreaterThan(3);
  }
});

test('every snapshot is of a code that exists', () => {
  const files = readdirSync(join(import.meta.dirname, 'snapshots')).sort();
  expect(files).toEqual(language.map((info) => `${info.code}.txt`));
});

describe.each(language.map((info) => [info.code, info] as const))('%s', (code, info) => {
  test('its wrong example produces it', async () => {
    expect(diagnose(info.wrong).diagnostics.map((d) => d.code)).toContain(code);
    await expect(page(info, info.wrong)).toMatchFileSnapshot(`snapshots/${code}.txt`);
  });

  test('its wrong example produces nothing else', () => {
    expect([...new Set(diagnose(info.wrong).diagnostics.map((d) => d.code))]).toEqual([code]);
  });

  test('its right example is clean', () => {
    expect(diagnose(info.right).diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([]);
  });
});
