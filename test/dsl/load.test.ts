/**
 * Programs of several files: where imports lead, and what goes wrong with them.
 */
import { describe, expect, test } from 'vitest';
import { findCycles } from '../../dsl/cycles.ts';
import { loadProgram, resolveImport } from '../../dsl/load.ts';
import { declarations, readProgram } from '../../dsl/program.ts';

function read(files: Readonly<Record<string, string>>, entry = 'main.fil'): ReturnType<typeof readProgram> {
  return readProgram(entry, (path) => files[path]);
}

function codes(files: Readonly<Record<string, string>>): readonly string[] {
  return read(files).diagnostics.map((d) => `${d.primary.span.file} ${d.code}`);
}

describe('paths', () => {
  test.each([
    ['main.fil', './a.fil', 'a.fil'],
    ['x/main.fil', '../y/a.fil', 'y/a.fil'],
    ['x/main.fil', 'a.fil', 'x/a.fil'],
    ['/r/x/main.fil', '../../../a.fil', '/a.fil'],
    ['main.fil', '../a.fil', '../a.fil'],
    ['../x/main.fil', '../a.fil', '../a.fil'],
    ['x/main.fil', '/abs/a.fil', '/abs/a.fil'],
    ['x/main.fil', './/b/./a.fil', 'x/b/a.fil'],
  ])('in %s, %s is %s', (importer, spec, expected) => {
    expect(resolveImport(importer, spec)).toBe(expected);
  });
});

test('a file is read once, however many import it', () => {
  const asked: string[] = [];
  const files: Readonly<Record<string, string>> = {
    'main.fil': 'import a from "./a.fil"\nimport b from "./b.fil"\nmask m = a & b', 'a.fil': 'import c from "c.fil"\nmask a = c', 'b.fil': 'import c from "./c.fil"\nmask b = c', 'c.fil': 'mask c = all',
  };
  const { files: loaded, diagnostics } = loadProgram('main.fil', (path) => {
    asked.push(path);
    return files[path];
  });
  expect(diagnostics).toEqual([]);
  expect(asked.sort()).toEqual([...loaded.keys()].sort());
  expect(loaded.size).toBe(4);
});

test('a missing entry file is a diagnostic', () => {
  expect(read({}).diagnostics.map((d) => d.code)).toEqual(['FIL0513']);
});

test('errors of imported files are told, at their place', () => {
  expect(codes({ 'main.fil': 'import a from "./a.fil"\nmask m = a', 'a.fil': 'mask a = causal &' })).toEqual(['a.fil FIL0111']);
});

test('an import is known under its alias only, and clashes like a declaration', () => {
  const lib = 'mask a = all';
  expect(codes({ 'main.fil': 'import a as c from "./l.fil"\nmask m = c & a', 'l.fil': lib })).toEqual(['main.fil FIL0201']);
  expect(codes({ 'main.fil': 'import a from "./l.fil"\nmask a = all', 'l.fil': lib })).toContain('main.fil FIL0203');
});

test('imports are not passed on', () => {
  const files = { 'main.fil': 'import c from "./a.fil"\nmask m = c', 'a.fil': 'import c from "./c.fil"\nmask a = c', 'c.fil': 'mask c = all' };
  expect(codes(files)).toContain('main.fil FIL0208');
});

test('an attention is imported for chains and nothing else; a chain is not imported at all', () => {
  const part = 'chain c(p: float[heads, queries, dim], x: float[kv_heads, keys, dim]) {\n  attention y = t(q = p, k = x, v = x)\n  output y.out\n}';
  expect(codes({ 'main.fil': `import t from "./a.fil"\n${part}`, 'a.fil': 'attention t { mask all }' })).toEqual([]);
  expect(codes({ 'main.fil': 'import t from "./a.fil"\nmask m = t', 'a.fil': 'attention t { mask all }' })).toContain('main.fil FIL0210');
  expect(codes({ 'main.fil': 'import c from "./a.fil"', 'a.fil': `attention t { mask all }\n${part}` })).toContain('main.fil FIL0450');
});

test('a file that imports itself, and a long chain of masks, end', () => {
  expect(codes({ 'main.fil': 'import m from "./main.fil"\nmask m = all' })).toContain('main.fil FIL0209');
  const chain = Array.from({ length: 5000 }, (_, i) => `mask m${i} = ${i === 0 ? 'all' : `m${i - 1}`}`).join('\n');
  expect(codes({ 'main.fil': chain })).toEqual([]);
  expect(codes({ 'main.fil': `${chain}\nmask x = y\nmask y = x` })).toEqual(['main.fil FIL0412']);
});

test('each circle is found once, whatever leads to it', () => {
  const at = { file: '', start: 0, end: 0 };
  const edges = new Map(Object.entries({ a: ['b', 'c'], b: ['c'], c: ['d', 'b'], d: ['d'], e: ['a'] }).map(([from, to]) => [from, to.map((t) => ({ to: t, at }))]));
  expect(findCycles(edges).map((c) => c.nodes.join(' '))).toEqual(['d d', 'b c b']);
});

test('the declarations of a file are listed with what a caller needs', () => {
  const { program } = read({ 'main.fil': '/// Doc.\nmask m(w: int = 4) = band(0 .. w)\nattention t(const c: float) { mask m scale c }' });
  expect(declarations(program.files, 'main.fil')).toMatchObject([
    { kind: 'mask', name: 'm', doc: ['Doc.'], params: [{ name: { name: 'w' } }] },
    { kind: 'attention', name: 't', params: [{ name: { name: 'c' }, isConst: true }] },
  ]);
});
