import { expect, test } from 'vitest';
import { measure } from '../../../compiler/plan/measure.ts';
import { compile, launchOf, programs, type Program } from './programs.ts';

const geometries = [[16, 16], [32, 16], [16, 32], [64, 64]] as const;
const cases = programs.map((p) => [p.name, p] as const);

test.each(cases)('%s visits hardly a tile without a live pair', (_, program) => {
  const { spec, plan } = compile(program);
  for (const n of [256, 331]) {
    for (const [queryTile, keyTile] of geometries) {
      const m = measure(plan, launchOf(program, spec, n), { queryTile, keyTile });
      expect(m.exact).toBe(true);
      expect(m.tilesVisited, `n ${n}, tiles ${queryTile}x${keyTile}`).toBeLessThanOrEqual(m.tilesNeeded * program.waste);
      expect(m.tilesFull + m.tilesPartial).toBe(m.tilesVisited);
    }
  }
});

test.each(cases)('%s: figures counted from closed forms are those of enumeration', (_, program) => {
  const { spec, plan } = compile(program);
  for (const [n, queryTile, keyTile] of [[331, 32, 16], [200, 16, 64]] as const) {
    const launch = launchOf(program, spec, n);
    const enumerated = measure(plan, launch, { queryTile, keyTile });
    const counted = measure(plan, launch, { queryTile, keyTile }, { enumerate: 0 });
    if (counted.exact) expect(counted).toEqual(enumerated);
    else expect(Math.abs(counted.tilesVisited - enumerated.tilesVisited)).toBeLessThanOrEqual(0.1 * enumerated.tilesVisited + 2);
  }
});

const find = (name: string): Program => {
  const found = programs.find((p) => p.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

test.each(['causal', 'a sliding window', 'a two-sided band', 'an A-shape', 'a range of keys', 'strided', 'antidiagonals', 'a prefix', 'chunks', 'Fenwick levels', 'a grid of row and column lines'])(
  '%s needs no mask memory and is counted at a million tokens', (name) => {
    const program = find(name);
    const { spec, plan } = compile(program);
    const m = measure(plan, launchOf(program, spec, 1_048_576, 1), { queryTile: 64, keyTile: 64 });
    expect(m.maskBytes).toBe(0);
    // Row lines without their columns have holes: their pairs are estimated.
    expect(m.exact).toBe(!name.startsWith('a grid'));
    expect(m.tilesVisited).toBeLessThanOrEqual(m.tilesNeeded * 1.05);
    if (name === 'causal') expect(m.livePairs).toBe((1_048_576 * 1_048_577) / 2);
    if (name === 'a sliding window') expect(m.livePairs).toBe(70 * 1_048_576 - (70 * 69) / 2);
  },
);

test.each(['{ (q, k) => (q - k) mod 64 == 3 }', '{ (q, k) => (q + k) mod 64 == 3 }', '{ (q, k) => k mod 64 == 3 }', '{ (q, k) => q mod 64 == 3 }', '({ (q, k) => q mod 64 == 3 } | { (q, k) => k mod 64 == 3 })'])(
  'below the diagonal of 16384 tokens %s costs at most 1.3 times its live pairs', (mask) => {
    const program: Program = { name: 'grid', parameters: '', mask: `causal & ${mask}`, waste: 1.05 };
    const { spec, plan } = compile(program);
    const m = measure(plan, launchOf(program, spec, 16_384, 1), { queryTile: 64, keyTile: 64 }, { enumerate: Infinity });
    expect(m.exact).toBe(true);
    expect(m.visitedWork).toBeLessThanOrEqual(1.3 * m.livePairs);
    expect(plan.strategies).toContain('permutation');
  },
);

test('tile maps are estimated at lengths where they cannot be enumerated', () => {
  const program = find('a 2-D neighbourhood');
  const { spec, plan } = compile(program);
  const small = measure(plan, launchOf(program, spec, 4096, 1), { queryTile: 64, keyTile: 64 }, { enumerate: 2 ** 25 });
  const large = measure(plan, launchOf(program, spec, 4096, 1), { queryTile: 64, keyTile: 64 }, { enumerate: 0 });
  expect(small.exact).toBe(true);
  expect(large.exact).toBe(false);
  expect(large.livePairs / small.livePairs).toBeGreaterThan(0.9);
  expect(large.livePairs / small.livePairs).toBeLessThan(1.1);
});

test('packed documents are estimated well although their ids can only be looked up', () => {
  const program = find('packed documents');
  const { spec, plan } = compile(program);
  const small = measure(plan, launchOf(program, spec, 4096, 1), { queryTile: 64, keyTile: 64 }, { enumerate: 2 ** 25 });
  const large = measure(plan, launchOf(program, spec, 4096, 1), { queryTile: 64, keyTile: 64 }, { enumerate: 0 });
  expect(large.tilesVisited / small.tilesVisited).toBeGreaterThan(0.9);
  expect(large.tilesVisited / small.tilesVisited).toBeLessThan(1.1);
});
