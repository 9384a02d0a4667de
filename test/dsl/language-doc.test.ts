/**
 * docs/language.md stays true: its programs are clean and in canonical layout up to line breaks, its table of codes is the catalogue.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileChainSource, compileSource } from '../../compiler/spec/from-source.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import { catalogue } from '../../dsl/catalogue/index.ts';
import { formatSource } from '../../dsl/format-source.ts';
import { declarations, readProgram } from '../../dsl/program.ts';
import { reservedWords } from '../../dsl/tokens.ts';
import { constructors, functions, reservedNames } from '../../dsl/builtins.ts';
import { root } from './fuzz-support.ts';

const doc = readFileSync(join(root, 'docs/language.md'), 'utf8');
const programs = [...doc.matchAll(/```fil\n([^]*?)```/g)].map((m) => m[1] ?? '');
const library = 'mask window(n: int tokens) = band(0 .. n)\nmask far(n: int tokens) = ~band(0 .. n)\n';

function causal(): Spec {
  const made = compileSource({ file: 'dense.fil', text: 'attention dense { mask causal }' }, () => undefined, 'dense');
  if (!made.ok) throw new Error(made.diagnostics.map((d) => d.message).join('\n'));
  return made.value;
}

const dense = causal();

describe('programs on the page', () => {
  test('are many', () => expect(programs.length).toBeGreaterThan(12));

  test.each(programs)('%s', (text) => {
    const read = (path: string): string | undefined => (path === 'x/main.fil' ? text : library);
    const { program, diagnostics } = readProgram('x/main.fil', read);
    expect(diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([]);
    expect(formatSource(text).ok).toBe(true);
    for (const d of declarations(program.files, 'x/main.fil')) {
      const constants = new Map(d.params.filter((p) => p.isConst).map((p) => [p.name.name, 4] as const));
      const lowered = d.kind === 'chain'
        ? compileChainSource({ file: 'x/main.fil' }, read, d.name, constants, new Map(d.params.filter((p) => p.type.scalar === 'attention').map((p) => [p.name.name, dense])))
        : compileSource({ file: 'x/main.fil' }, read, d.name, constants);
      expect(lowered.ok, d.name).toBe(true);
    }
  });
});

test('the table of codes is the catalogue', () => {
  const rows = [...doc.matchAll(/^\| (FIL\d{4}) \| (.*) \|$/gm)].map((m) => `${m[1]} ${m[2]}`);
  expect(rows).toEqual(catalogue.map((i) => `${i.code} ${i.title}${i.severity === 'warning' ? ' (warning)' : ''}`));
});

test('every constructor, function and reserved word is named', () => {
  const words = new Set(doc.match(/[A-Za-z_]+/g));
  for (const word of [...constructors.keys(), ...functions.keys(), ...reservedNames, ...reservedWords]) expect(words, word).toContain(word);
});
