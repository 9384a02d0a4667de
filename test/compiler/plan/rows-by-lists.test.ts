/**
 * Rows that a run-time list names: when they are gathered, that every level agrees, and that a row of one pass is written by it alone.
 */
import { describe, expect, test } from 'vitest';
import { webgpuDefault } from '../../../backends/targets.ts';
import { compileSpec } from '../../../compiler/pipeline.ts';
import { measure } from '../../../compiler/plan/measure.ts';
import type { Plan } from '../../../compiler/plan/ir.ts';
import { makeMap } from '../../../compiler/plan/map-table.ts';
import { verifyPlan } from '../../../compiler/plan/verify.ts';
import { worldOf } from '../../../compiler/plan/world.ts';
import type { TensorValue } from '../../../compiler/spec/ir.ts';
import { caseOf, coverageComplaints, intTensor, kernelComplaints, levelsOf, planOf, sizesOf, specOf, tileComplaints, type Case } from '../../support/levels.ts';

const planOfMask = (mask: string, params = 'g: int[n]'): Plan => planOf(specOf(`attention m(${params}) { mask ${mask} }`, 'm'));
const rowsOf = (plan: Plan): readonly string[] => plan.passes.map((pass) => pass.rows.kind);
const merges = (plan: Plan): boolean => plan.merged.rows.kind !== 'literal';

describe('rows of a list are gathered', () => {
  test.each([
    ['alone', 'queries(g)'],
    ['with the keys before them', 'causal & queries(g)'],
    ['with a range of keys', 'queries(g) & keys(0 .. 64)'],
    ['with listed keys', 'queries(g) & keys(g)'],
    ['with one residue of the keys', 'queries(g) & { (q, k) => k mod 8 == 3 }'],
  ])('%s', (_, mask) => {
    expect(rowsOf(planOfMask(mask))).toEqual(['listed', 'contiguous']);
  });

  test('as a set of bools', () => {
    expect(rowsOf(planOfMask('causal & queries(g)', 'g: bool[queries]'))).toEqual(['listed', 'contiguous']);
  });

  test('and walk a map of their own tiles where the keys must be asked', () => {
    const plan = planOfMask('queries(g) & tiles(t) | band(0 .. 4)', 'g: int[n], t: bool[queries / 4, keys / 4]');
    expect(plan.tables.filter((t) => t.kind === 'map').map((t) => t.rows.kind)).toEqual(['listed']);
  });
});

describe('rows of a list stay in order', () => {
  test.each([
    ['in a band', 'queries(g) & band(0 .. 64)', 'g: int[n]'],
    ['within segments', 'queries(g) & segments(ids)', 'g: int[n], ids: int[keys]'],
    ['along slashes', 'queries(g) & slashes(w)', 'g: int[n], w: int[m]'],
    ['where they are left out', 'causal - queries(g)', 'g: int[n]'],
  ])('%s', (_, mask, params) => {
    expect(rowsOf(planOfMask(mask, params))).toEqual(['contiguous']);
  });

  test('and follow their residue class where keys do', () => {
    expect(rowsOf(planOfMask('queries(g) & { (q, k) => (q - k) mod 6 == 1 }'))).toEqual(['residue']);
  });
});

describe('rows that several passes could serve', () => {
  test('are of the list alone where it leaves the others nothing', () => {
    const plan = planOfMask('causal & (band(0 .. 64) | keys(g) | queries(g))');
    expect(merges(plan)).toBe(false);
    expect(plan.passes.map((pass) => pass.rows.kind)).toEqual(['listed', 'contiguous']);
  });

  test('are of one pass where the mask says so', () => {
    expect(merges(planOfMask('queries(g) & keys(0 .. 9) | band(0 .. 4) - queries(g)'))).toBe(false);
    expect(merges(planOfMask('per head choose which { 0 => queries(g), else => causal }', 'g: int[n], which: int[heads]'))).toBe(false);
  });

  test('are merged, and only they, where each adds keys', () => {
    const plan = planOfMask('queries(g) & keys(0 .. 9) | band(0 .. 4)');
    expect(merges(plan)).toBe(true);
    expect(plan.passes.map((pass) => pass.alone.kind)).toEqual(['binary', 'literal']);
  });
});

/** Rows of two heads: scattered, twice, outside, none at all. */
const scattered = [33, 5, 5, -1, 16, 99, 8, 9, 21, 30, 31, 12];
const lists: Readonly<Record<string, TensorValue>> = {
  g: intTensor([2, 12], [...scattered, ...scattered.map((x) => x + 2)]),
  w: intTensor([12], [4, 5, 6, 20, 21, 22, 23, 33, 34, 35, 36, 7]),
  few: intTensor([2, 3], [-1, -1, 99, 36, 36, 36]),
  long: intTensor([60], Array.from({ length: 60 }, (_, i) => (i * 7) % 41)),
};

function caseFor(mask: string, params: string, [nQ, nK]: readonly [number, number]): Case {
  const spec = specOf(`attention m(${params}) { ${mask} }`, 'm');
  const made: Readonly<Record<string, TensorValue>> = {
    ...lists,
    rows: { extents: [2, nQ], data: Uint8Array.from({ length: 2 * nQ }, (_, i) => ((i * i) % 7 < 3 ? 1 : 0)) },
    table: { extents: [Math.ceil(nQ / 4), Math.ceil(nK / 4)], data: Uint8Array.from({ length: Math.ceil(nQ / 4) * Math.ceil(nK / 4) }, (_, i) => ((i * 7) % 3 === 0 ? 1 : 0)) },
  };
  return caseOf(spec, sizesOf(nQ, nK, 8, 2, 1), {}, Object.fromEntries(spec.tensors.map((t) => [t.name, made[t.name] ?? intTensor([0], [])])));
}

describe.each([
  ['global tokens of each head', 'mask causal & (band(0 .. 4) | keys(g) | queries(g))', 'g: int[heads, n]'],
  ['rows that are shared, and a sink', 'mask queries(g) & keys(0 .. 9) | queries(w) & keys(6 .. 20) | band(0 .. 3) sink 0.5', 'g: int[heads, n], w: int[m]'],
  ['listed rows and keys, and nothing else', 'mask queries(few) & keys(w)', 'few: int[heads, n], w: int[m]'],
  ['a list longer than there are rows', 'mask queries(long) & causal', 'long: int[n]'],
  ['a set, and its complement', 'mask causal & queries(rows) | keys(0 .. 3) - queries(rows)', 'rows: bool[heads, queries]'],
  ['a block table of listed rows', 'mask queries(g) & tiles(table) | (queries(w) - queries(g)) & causal', 'g: int[heads, n], w: int[m], table: bool[queries / 4, keys / 4]'],
])('%s', (_, mask, params) => {
  test('every level agrees, for many rows and for few', () => {
    const [many, few] = [caseFor(mask, params, [29, 37]), caseFor(mask, params, [3, 37])];
    const plan = planOf(many.spec);
    expect(verifyPlan(plan)).toEqual([]);
    expect([many, few].flatMap((of) => coverageComplaints(plan, of))).toEqual([]);
    const levels = levelsOf(many.spec, 8, { parallelism: 1 });
    expect([many, few].flatMap((of) => tileComplaints(levels, of))).toEqual([]);
    if (merges(plan)) expect(kernelComplaints(levels, many)).toEqual([]);
  });
});

test('keys in parts: the merge reads what was written', () => {
  const of = caseFor('mask queries(g) & keys(0 .. 9) | band(0 .. 3) - queries(w)', 'g: int[heads, n], w: int[m]', [29, 37]);
  expect(tileComplaints(levelsOf(of.spec, 8, { parallelism: 64 }), of)).toEqual([]);
});

test.each([
  ['a band and a list', 'queries(g) & keys(0 .. 9) | band(0 .. 4)'],
  ['a band, listed keys and a list', 'queries(g) & keys(0 .. 9) | band(0 .. 4) | keys(w)'],
  ['two lists that may meet', 'queries(g) & keys(0 .. 9) | queries(w) & keys(4 .. 20)'],
  ['listed rows and keys that share rows with a band', 'queries(g) & keys(w) | band(0 .. 4)'],
])('%s bind no more buffers than every device allows', (_, mask) => {
  const spec = specOf(`attention m(g: int[n], w: int[m]) { mask ${mask} }`, 'm');
  expect(merges(planOf(spec))).toBe(true);
  const compiled = compileSpec(spec, { target: webgpuDefault, dim: 8, dtype: 'f32' });
  expect(compiled.ok ? Math.max(...compiled.value.hostPlan.kernels.map((k) => k.storage.length)) : compiled.diagnostics.map((d) => d.message)).toBeLessThanOrEqual(8);
});

test('sixteen scattered rows that see all keys make one row tile, not one of every tile', () => {
  const spec = specOf('attention m(g: int[n]) { mask band(-64 .. 65) | keys(g) | queries(g) }', 'm');
  const n = 4096;
  const launch = { sizes: sizesOf(n, n, 64, 1, 1), scalars: new Map(), tensors: new Map([['g', intTensor([16], Array.from({ length: 16 }, (_, i) => i * 251 + 3))]]) };
  const m = measure(planOf(spec), launch, { queryTile: 64, keyTile: 64 });
  // 64 row tiles with three band tiles and at most one of listed keys each, and one row tile of 64 key tiles.
  expect(m.tilesVisited).toBeLessThanOrEqual(64 * 4 + 64);
  expect(m.tilesVisited).toBe(m.tilesNeeded);
  expect(m.exact).toBe(true);
});

test('the map of listed rows has nothing for tiles beyond the count', () => {
  const of = caseFor('mask queries(few) & tiles(table)', 'few: int[heads, n], table: bool[queries / 4, keys / 4]', [29, 37]);
  const plan = planOf(of.spec);
  const map = plan.tables.find((t) => t.kind === 'map');
  expect(map?.kind).toBe('map');
  if (map?.kind !== 'map') return;
  const made = makeMap(map, worldOf(plan, of.launch), { queryTile: 1, keyTile: 8 });
  expect(made.extents).toEqual([2, 1, 2, 3, 1]);
  // Head 0 lists no row that exists, head 1 one row, three times.
  expect(Array.from(made.data).slice(0, 6).map((word) => word !== 0)).toEqual([false, false, false, true, false, false]);
});
