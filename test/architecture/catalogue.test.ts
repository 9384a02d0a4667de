/**
 * Every code that a message can carry stands once in the catalogue, with words and examples, and in docs/errors.md, which is written
 * from it (`npx vitest run test/architecture -u`).
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue } from '../../dsl/catalogue/index.ts';
import type { CatalogueInfo } from '../../dsl/catalogue/index.ts';
import { toolCatalogue } from '../../tools/command-line/problems.ts';
import { modelOf, readModels, repositoryRoot } from './model.ts';
import type { SourceModel } from './model.ts';

const sources = readModels(repositoryRoot, ['dsl', 'compiler', 'backends', 'tools']);

/** Codes that sources mention, with the file of the first mention. */
function mentionedCodes(sources: readonly { readonly path: string; readonly text: string }[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { path, text } of sources) {
    for (const [code] of text.matchAll(/\bFIL\d{4}\b/g)) if (!found.has(code)) found.set(code, path);
  }
  return found;
}

function unknownCodes(sources: readonly { readonly path: string; readonly text: string }[], known: readonly string[]): readonly string[] {
  return [...mentionedCodes(sources)].filter(([code]) => !known.includes(code)).map(([code, path]) => `${path}: ${code}`);
}

const kinds = { user: 'a mistake in the input', resource: 'something that does not suffice', bug: 'a mistake of ours' };

function fenced(text: string): string {
  return text.includes('\n') || text.length < 200 ? text : `${text.slice(0, 197)}...`;
}

function section(info: CatalogueInfo): string {
  return [
    `## ${info.code}: ${info.title}`, '', info.explanation, '', `*${info.severity === 'warning' ? 'A warning about ' : ''}${kinds[info.kind]}*`, '',
    'wrong:', '```', fenced(info.wrong), '```', 'right:', '```', fenced(info.right), '```', '',
  ].join('\n');
}

test('a code that is in no catalogue is found', () => {
  expect(unknownCodes([{ path: 'tools/a.ts', text: "refuse('FIL9999', 'x'); entry('FIL0101')" }], ['FIL0101'])).toEqual(['tools/a.ts: FIL9999']);
});

/** Diagnostics that are made by hand, beside the catalogue: their codes can clash, and nobody explains them. */
function handMade(models: readonly SourceModel[]): readonly string[] {
  return models
    .filter((m) => !m.path.startsWith('dsl/catalogue/'))
    .flatMap((m) => m.literals.filter((l) => l.pieces.some((p) => /\bFIL\d{4}\b/.test(p))).map((l) => `${m.path}:${l.line} ${l.text}`));
}

test('a diagnostic made beside the catalogue is found', () => {
  const bad = modelOf('compiler/a.ts', "export const d = { code: 'FIL0901' };\n// FIL0902 in a comment");
  expect(handMade([bad, modelOf('dsl/catalogue/b.ts', "export const d = { code: 'FIL0901' };")])).toEqual(["compiler/a.ts:1 'FIL0901'"]);
});

test('every code in the sources is in a catalogue', () => {
  const known = [...catalogue, ...toolCatalogue].map((i) => i.code);
  expect(unknownCodes(sources, known)).toEqual([]);
  expect(new Set(known).size).toBe(known.length);
});

test('below the tools every diagnostic is made by a function of the catalogue', () => {
  expect(handMade(sources.filter((m) => !m.path.startsWith('tools/')))).toEqual([]);
});

test('codes are unique, ascending, and have words and examples', () => {
  const codes = catalogue.map((i) => i.code);
  expect([...new Set(codes)].sort()).toEqual(codes);
  for (const info of catalogue) {
    expect(info.title.length, info.code).toBeGreaterThan(5);
    expect(info.explanation.length, info.code).toBeGreaterThan(20);
    expect(info.wrong, info.code).not.toBe(info.right);
    expect(info.right.length, info.code).toBeGreaterThan(0);
  }
});

test('docs/errors.md is written from the catalogue', async () => {
  const text = ['# Messages', '', 'Every message with its code. `npx filigree explain-code FIL0412` shows one of them in the terminal.', '', ...catalogue.map(section)].join('\n');
  await expect(text).toMatchFileSnapshot(join(repositoryRoot, 'docs/errors.md'));
});
