/**
 * One test per kind of silent error that shipped in other attention libraries: wrong numbers, no message. The names say what must be true
 * here; the comment above each says what went wrong elsewhere.
 */
import { describe, expect, test } from 'vitest';
import { denseAttention, denseMask } from '../../compiler/interpreters/dense/index.ts';
import { resolveLaunch } from '../../compiler/launch/resolve.ts';
import { checkCoverage } from '../../compiler/plan/coverage.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { TensorValue } from '../../compiler/spec/ir.ts';
import {
  caseOf, coverageComplaints, intTensor, kernelComplaints, levelsOf, lockstepResult, lowerFrom, planOf, sizesOf, smallDecode, smallPrefill, specOf, tileComplaints,
} from '../support/levels.ts';

const windowText = 'attention m(window: int = 9, sinks: int = 2) { mask causal & (band(0 .. window) | keys(0 .. sinks)) }';

// The step over keys was 32 on the host and 16 in the shader of one GPU family: keys 16 to 31 of each step were skipped.
describe('kernels do not depend on the width of a subgroup', () => {
  const spec = specOf(windowText, 'm');
  const of = caseOf(spec, sizesOf(19, 23));
  const levels = levelsOf(spec, 8);
  const decodeCase = caseOf(spec, sizesOf(2, 40));

  test.each([4, 8, 16, 32, 64])('with subgroups of %i lanes the result is right and the same to the bit', (width) => {
    expect(kernelComplaints(levels, of, width)).toEqual([]);
    expect(kernelComplaints(levels, decodeCase, width)).toEqual([]);
    const narrow = lockstepResult(levels, of, 4);
    const wide = lockstepResult(levels, of, width);
    expect(wide.out).toEqual(narrow.out);
    expect(wide.lse).toEqual(narrow.lse);
  });

  test.each([[1, 4], [2, 8], [4, 8], [8, 8], [4, 16]])('key steps of %i in tiles of %i give the same attention', (keyStep, keyTile) => {
    const other = levelsOf(spec, 8, { prefill: { ...smallPrefill, keyStep, keyTile, operand: keyStep % 4 === 0 ? 'shuffle' : 'direct', subgroup: keyStep % 4 === 0 ? 4 : 1 } });
    expect(kernelComplaints(other, of)).toEqual([]);
  });
});

// Errors near 1 for cached keys plus new queries, found by a user's script; the library's own tests had equal lengths only.
describe('past and new lengths of every proportion', () => {
  const spec = specOf(windowText, 'm');
  const levels = levelsOf(spec, 8);
  const lengths = [[1, 1], [1, 2], [1, 37], [2, 37], [3, 8], [7, 9], [8, 8], [9, 8], [16, 5], [17, 40], [33, 1], [24, 25]] as const;

  test.each(lengths)('%i queries and %i keys', (nQ, nK) => {
    const of = caseOf(spec, sizesOf(nQ, nK), {}, {}, nQ * 100 + nK);
    expect(coverageComplaints(levels.plan, of)).toEqual([]);
    expect(tileComplaints(levels, of)).toEqual([]);
    expect(kernelComplaints(levels, of)).toEqual([]);
  });
});

// `n + 63 / 64` instead of `(n + 63) / 64`: 63 times too many workgroups, or (elsewhere) too few.
describe('dispatches cover the rows exactly once', () => {
  const spec = specOf('attention m { mask causal }', 'm');
  const levels = levelsOf(spec, 8);

  test.each([1, 7, 8, 9, 16, 63, 64, 65])('%i rows take just the tiles they need', (n) => {
    const sizes = sizesOf(n, n);
    const resolved = resolveLaunch(levels.hostPlan, sizes, new Map(), new Map());
    if (!resolved.ok) throw new Error('the launch was refused');
    const decoding = n <= smallDecode.rowsPerLane;
    const queryTile = decoding ? smallDecode.rowsPerLane : smallPrefill.lanes * smallPrefill.rowsPerLane;
    const attention = resolved.value.pieces.filter((p) => p.bindings.some((b) => b.buffer === 'q'));
    expect(attention.map((p) => p.workgroups[0])).toEqual([Math.ceil(n / queryTile)]);
    expect(attention.map((p) => p.workgroups[2])).toEqual([sizes.heads]);
    // Stores of two lanes to one place, and outputs that nobody wrote, are problems of the run.
    expect(lockstepResult(levels, caseOf(spec, sizes), 4).problems).toEqual([]);
  });
});

// Block-sparse results wrong by a factor of 150 where the mask, written densely, was exact.
describe('the same mask written in two ways gives the same attention', () => {
  const table = (rows: number, columns: number, at: (r: number, c: number) => boolean): TensorValue => ({
    extents: [rows, columns], data: Uint8Array.from({ length: rows * columns }, (_, i) => (at(Math.floor(i / columns), i % columns) ? 1 : 0)),
  });
  const n = 26;
  const causal = specOf('attention m { mask causal }', 'm');
  const sizes = sizesOf(n, n);
  const reference = caseOf(causal, sizes);
  const dense = denseAttention(causal, reference.launch, reference.inputs);
  const ids = intTensor([n], Array.from({ length: n }, () => 3));
  const everything = intTensor([n], Array.from({ length: n }, (_, i) => i));

  const ways: readonly (readonly [string, string, Readonly<Record<string, TensorValue>>])[] = [
    ['a block table of its lower triangle', 'attention m(t: bool[queries / 4, keys / 4]) { mask tiles(t) & causal }', { t: table(7, 7, (r, c) => c <= r) }],
    ['a table of blocks of one pair', 'attention m(t: bool[queries / 1, keys / 1]) { mask tiles(t) }', { t: table(n, n, (r, c) => c <= r) }],
    ['a band', 'attention m { mask band(0 .. n_q) }', {}],
    ['a predicate', 'attention m { mask { (q, k) => q >= k } }', {}],
    ['all levels', 'attention m { mask levels(0 .. 32) }', {}],
    ['one segment', 'attention m(ids: int[keys]) { mask segments(ids) & causal }', { ids }],
    ['all slashes', 'attention m(list: int[n]) { mask slashes(list) }', { list: everything }],
    ['all columns', 'attention m(list: int[n]) { mask keys(list) & causal }', { list: everything }],
    ['united with itself', 'attention m { mask causal | causal }', {}],
    ['residue classes that make the whole', 'attention m { mask causal & ({ (q, k) => (q - k) mod 3 == 0 } | { (q, k) => (q - k) mod 3 == 1 } | { (q, k) => (q - k) mod 3 == 2 }) }', {}],
    ['without nothing', 'attention m { mask causal - none }', {}],
    ['twice complemented', 'attention m { mask ~(~causal) }', {}],
  ];

  test.each(ways)('causal as %s', (_, text, tensors) => {
    const spec = specOf(text, 'm');
    const of = caseOf(spec, sizes, {}, tensors);
    expect(denseAttention(spec, of.launch, reference.inputs).out).toEqual(dense.out);
    const levels = levelsOf(spec, 8);
    expect(tileComplaints(levels, of)).toEqual([]);
    expect(kernelComplaints(levels, of)).toEqual([]);
  });
});

// Two empty rows in a row made one kernel wait for ever; another forbids empty rows.
describe('rows and columns that are empty, alone and in runs', () => {
  const texts: readonly (readonly [string, string])[] = [
    ['a run of rows at the start', 'attention m { mask causal - queries(0 .. 11) }'],
    ['a run of rows in the middle, across tiles', 'attention m { mask causal - queries(5 .. 22) }'],
    ['a run of rows at the end', 'attention m { mask band(0 .. 6) - queries(14 .. 40) }'],
    ['every other row', 'attention m { mask causal & { (q, k) => q mod 2 == 0 } }'],
    ['a run of columns', 'attention m { mask causal - keys(3 .. 19) }'],
    ['every row', 'attention m { mask none }'],
    ['all but one pair', 'attention m { mask queries(17 .. 18) & keys(9 .. 10) }'],
    ['rows that only a sink logit serves', 'attention m { mask causal - queries(5 .. 22) sink 0.25 }'],
  ];

  test.each(texts)('%s', (_, text) => {
    const spec = specOf(text, 'm');
    const levels = levelsOf(spec, 8);
    for (const sizes of [sizesOf(27, 27), sizesOf(2, 27)]) {
      const of = caseOf(spec, sizes);
      const { out, lse } = lockstepResult(levels, of, 4);
      expect(kernelComplaints(levels, of)).toEqual([]);
      const mask = denseMask(spec, of.launch);
      for (let row = 0; row < sizes.heads * sizes.nQ; row += 1) {
        if (mask.subarray(row * sizes.nK, (row + 1) * sizes.nK).some((live) => live !== 0)) continue;
        expect([...out.subarray(row * 8, (row + 1) * 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
        expect(lse[row]).toBe(spec.sink === undefined ? -Infinity : 0.25);
      }
    }
  });
});

// `causal` with a window silently became `causal`: one of two combined masks was dropped.
describe('every pair of masks under every operator', () => {
  const n = 21;
  const parts: Readonly<Record<string, string>> = {
    causal: 'causal', band: 'band(-2 .. 5)', keys: 'keys(4 .. 9)', queries: 'queries(6 .. 15)', segments: 'segments(ids)', listed: 'keys(list)', slashes: 'slashes(list)',
    tiles: 'tiles(table)', levels: 'levels(2 .. 4)', strided: '{ (q, k) => (q - k) mod 4 == 1 }', predicate: '{ (q, k) => abs(q div 5 - k div 5) <= 1 }',
  };
  const tensors: Readonly<Record<string, TensorValue>> = {
    ids: intTensor([n], Array.from({ length: n }, (_, i) => Math.floor((i * i) / 60))),
    list: intTensor([7], [2, 5, 5, 20, -1, 0, 11]),
    table: { extents: [6, 6], data: Uint8Array.from({ length: 36 }, (_, i) => ((i * 7) % 5 < 2 ? 1 : 0)) },
  };
  const declared = { ids: 'ids: int[keys]', list: 'list: int[n]', table: 'table: bool[queries / 4, keys / 4]' };
  const names = Object.keys(parts);
  const operators = [['and', '&', (a: number, b: number) => a & b], ['or', '|', (a: number, b: number) => a | b], ['without', '-', (a: number, b: number) => a & (1 - b)]] as const;

  function bits(text: string): { readonly of: ReturnType<typeof caseOf>; readonly mask: Uint8Array } {
    const used = Object.entries(declared).filter(([name]) => text.includes(`(${name})`));
    const spec = specOf(`attention m(${used.map(([, d]) => d).join(', ')}) { mask ${text} }`, 'm');
    const of = caseOf(spec, sizesOf(n, n, 4, 1, 1), {}, Object.fromEntries(used.map(([name]) => [name, tensors[name] ?? intTensor([0], [])])));
    return { of, mask: denseMask(spec, of.launch) };
  }

  const alone = new Map(names.map((name) => [name, bits(parts[name] ?? '').mask]));
  const pairs = names.flatMap((a) => names.filter((b) => b !== a).map((b) => [a, b] as const));

  test.each(operators)('%s', (_, sign, combine) => {
    for (const [a, b] of pairs) {
      const { of, mask } = bits(`${parts[a]} ${sign} ${parts[b]}`);
      const expected = (alone.get(a) ?? []).map((bit, i) => combine(bit, alone.get(b)?.[i] ?? 0));
      expect(mask, `${a} ${sign} ${b}`).toEqual(Uint8Array.from(expected));
      expect(checkCoverage(planOf(of.spec), of.launch, { queryTile: 4, keyTile: 8 }), `${a} ${sign} ${b}`).toEqual([]);
    }
  });
});

// A block mask built for 8192 tokens was used for 1024 and gave plausible, wrong output.
describe('what is made for one size serves every size, and tensors of another size are refused', () => {
  const spec = specOf('attention m(ids: int[keys], table: bool[queries / 4, keys / 4]) { mask segments(ids) & tiles(table) | band(0 .. 2) }', 'm');
  const levels = levelsOf(spec, 8);
  const tensorsFor = (n: number): Readonly<Record<string, TensorValue>> => ({
    ids: intTensor([n], Array.from({ length: n }, (_, i) => Math.floor(i / 5))),
    table: { extents: [Math.ceil(n / 4), Math.ceil(n / 4)], data: new Uint8Array(Math.ceil(n / 4) ** 2).fill(1) },
  });

  test('one compilation runs at many sizes, in any order', () => {
    for (const n of [40, 9, 33, 1, 24]) {
      expect(kernelComplaints(levels, caseOf(spec, sizesOf(n, n), {}, tensorsFor(n)))).toEqual([]);
    }
  });

  test.each([[24, 40], [40, 24], [8, 9]])('tensors made for %i tokens are refused at %i', (made, used) => {
    const extents = new Map(Object.entries(tensorsFor(made)).map(([name, t]) => [name, t.extents]));
    const refused = resolveLaunch(levels.hostPlan, sizesOf(used, used), new Map(), extents);
    expect(refused.ok).toBe(false);
    if (!refused.ok) expect(refused.diagnostics.map((d) => d.message).join(' ')).toContain('ids');
  });

  test('a head dimension other than the compiled one is refused', () => {
    const extents = new Map(Object.entries(tensorsFor(16)).map(([name, t]) => [name, t.extents]));
    expect(resolveLaunch(levels.hostPlan, sizesOf(16, 16, 16), new Map(), extents).ok).toBe(false);
    expect(resolveLaunch(levels.hostPlan, sizesOf(16, 16, 8), new Map(), extents).ok).toBe(true);
  });
});

// A default block size that did not match the model's gave silently wrong training.
describe('no geometry is assumed', () => {
  test('a block table does not say its block sizes by default', () => {
    const checked = compileSource({ file: 'case.fil', text: 'attention m(table: bool[rows, columns]) { mask tiles(table) }' }, () => undefined, 'm');
    expect(checked.ok).toBe(false);
  });

  test('pins of the schedule change no result', () => {
    const free = specOf(windowText, 'm');
    const pinned = specOf(windowText.replace(/}$/, ' schedule { key_tile = 16, query_tile = 16, splits = 3 } }'), 'm');
    const of = caseOf(pinned, sizesOf(29, 31));
    expect(denseAttention(pinned, of.launch, of.inputs)).toEqual(denseAttention(free, of.launch, of.inputs));
    expect(kernelComplaints(levelsOf(pinned, 8), of)).toEqual([]);
  });

  test.each([[4, 8, 1], [8, 4, 1], [2, 16, 3], [1, 4, 9]])('query tiles of %i lanes, key tiles of %i and parallelism %i change no result', (lanes, keyTile, parallelism) => {
    const spec = specOf('attention m { mask band(0 .. 4) | causal & { (q, k) => (q - k) mod 5 == 2 } }', 'm');
    const of = caseOf(spec, sizesOf(23, 26));
    const prefill = { ...smallPrefill, lanes, keyTile, ...(lanes % 4 === 0 ? {} : { operand: 'direct' as const, subgroup: 1 }) };
    expect(kernelComplaints(lowerFrom(planOf(spec), 8, { prefill, parallelism }), of)).toEqual([]);
  });
});

// Listed columns below the sink were counted twice; so were repeated entries of a list.
test('entries that are listed twice, or covered twice, count once', () => {
  const spec = specOf('attention m(list: int[n]) { mask causal & (keys(list) | keys(0 .. 6) | band(0 .. 3)) }', 'm');
  const of = caseOf(spec, sizesOf(20, 20), {}, { list: intTensor([8], [3, 3, 3, 12, 12, 19, 0, -1]) });
  const levels = levelsOf(spec, 8);
  expect(coverageComplaints(levels.plan, of)).toEqual([]);
  expect(kernelComplaints(levels, of)).toEqual([]);
});
