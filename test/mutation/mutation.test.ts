/**
 * The checkers are checked: every way of breaking a stage that is written down in *-mutants.ts must be noticed, and what is not
 * broken must not be complained about. A mutant that applies nowhere is a failure as well: it would test nothing.
 */
import { describe, expect, test } from 'vitest';
import { applies, complaintsOf, hunt, runsAt } from './hunt.ts';
import type { Level } from './hunt.ts';
import { kernelMutants } from './kernel-mutants.ts';
import { planMutants, tableMutants } from './plan-mutants.ts';
import { programs } from './programs.ts';
import { countSites, is, removed, rewriteSite } from './rewrite.ts';
import type { Mutant } from './rewrite.ts';
import { tileMutants } from './tile-mutants.ts';

const mutantsOf: Readonly<Record<Level, readonly Mutant[]>> = {
  plan: planMutants, tables: tableMutants, tile: tileMutants, kernel: kernelMutants, staged: kernelMutants, halves: kernelMutants,
};

const levels: readonly Level[] = ['plan', 'tables', 'tile', 'kernel', 'staged', 'halves'];

test('there are at least 25 ways to break the compiler, each with its own name', () => {
  const names = [planMutants, tileMutants, kernelMutants].flatMap((list) => list.map((m) => m.name));
  expect(names.length).toBeGreaterThanOrEqual(25);
  expect(new Set(names).size).toBe(names.length);
});

describe.each(levels)('at level %s', (level) => {
  test.each(programs.filter((p) => runsAt(p, level)).map((p) => [p.name, p] as const))('the unbroken program "%s" draws no complaint', (_, program) => {
    expect(complaintsOf(program, level)).toEqual([]);
  });

  test.each(mutantsOf[level].map((m) => [m.name, m] as const))('it is noticed that %s', (_, mutant) => {
    const { tried, by } = hunt(mutant, level, programs);
    if (tried > 0) expect(by).toBeDefined();
  });
});

test('every mutant applies somewhere', () => {
  const idle = [
    ...(['plan', 'tables', 'tile'] as const).flatMap((level) => mutantsOf[level].filter((m) => !applies(m, level, programs))),
    ...kernelMutants.filter((m) => (['kernel', 'staged', 'halves'] as const).every((level) => !applies(m, level, programs))),
  ];
  expect(idle.map((m) => m.name)).toEqual([]);
});

describe('rewriting a site', () => {
  const tree = { kind: 'block', body: [{ kind: 'add', left: { kind: 'one' }, right: { kind: 'one' } }, { kind: 'one' }], origin: { span: { file: '', start: 0, end: 0 }, via: ['one'] } };
  const toTwo = { match: (n: { readonly [field: string]: unknown }) => (is(n, 'one') ? { kind: 'two' } : undefined) };

  test('replaces the n-th match and shares the rest', () => {
    const changed = rewriteSite(tree, toTwo.match, 1);
    expect(changed?.body[0]).toEqual({ kind: 'add', left: { kind: 'one' }, right: { kind: 'two' } });
    expect(changed?.body[1]).toBe(tree.body[1]);
    expect(tree.body[0]?.right).toEqual({ kind: 'one' });
  });

  test('gives nothing beyond the last match and counts the matches', () => {
    expect(rewriteSite(tree, toTwo.match, 3)).toBeUndefined();
    expect(countSites(tree, toTwo.match)).toBe(3);
  });

  test('removes a node from the list it stands in', () => {
    expect(rewriteSite(tree, (n) => (is(n, 'add') ? removed : undefined), 0)?.body).toEqual([{ kind: 'one' }]);
  });
});
