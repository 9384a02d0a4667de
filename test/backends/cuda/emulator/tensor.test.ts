/** A pipelined f16 product: background copies, ldmatrix, mma.sync; and every weakened synchronisation of it is caught. */
import { expect, test } from 'vitest';
import { f16Bits, f16FromBits } from '../../../../compiler/interpreters/number.ts';
import type { PtxLaunch, PtxRun } from '../../../../backends/cuda/emulator/index.ts';
import { fixture, input, int, moduleOf, output, run } from './support.ts';

const text = fixture('tensor.ptx');
const [m, n, k] = [40, 50, 96];
const a = Uint16Array.from({ length: m * k }, (_, i) => f16Bits(((i * 29) % 13) - 6));
const b = Uint16Array.from({ length: n * k }, (_, i) => f16Bits(((i * 17) % 11) - 5));
const wanted = Array.from({ length: m * n }, (_, i) => {
  let sum = 0;
  for (let j = 0; j < k; j += 1) sum += f16FromBits(a[Math.floor(i / n) * k + j] ?? 0) * f16FromBits(b[(i % n) * k + j] ?? 0);
  return sum;
});

function product(ptx: string, options: Partial<PtxLaunch> = {}): { readonly c: Float32Array; readonly result: PtxRun } {
  const c = new Float32Array(m * n);
  const result = run(moduleOf(ptx), 'tensor', { grid: [2, 2, 1], block: 64, params: [input(a), input(b), output(c), int(m), int(n), int(k)], ...options });
  return { c, result };
}

test.each([['eager', 'forward'], ['late', 'reverse'], [3, 5]] as const)('copies that arrive %s in %s order give the exact product', (completion, order) => {
  const { c, result } = product(text, { completion, order });
  expect(result.problems).toEqual([]);
  expect([...c]).toEqual(wanted);
});

test('counters show that rows of 80 bytes suit the fragments and not the copies', () => {
  const { counts } = product(text).result;
  expect(counts.mix.get('mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32')).toBe(4 * 2 * 3 * 8);
  // 96 copies, each of four passes of two rows that overlap in four banks.
  expect(counts.sharedPhases - counts.sharedIdealPhases).toBe(96 * 4);
  expect(counts.globalSectors).toBeGreaterThan(0);
});

/** Places of a statement in the text. */
function places(pattern: RegExp): readonly { readonly index: number; readonly length: number }[] {
  return [...text.matchAll(pattern)].map((match) => ({ index: match.index, length: match[0].length }));
}

function without(place: { readonly index: number; readonly length: number }, by = ''): string {
  return text.slice(0, place.index) + by + text.slice(place.index + place.length);
}

const synchronisations = [
  ...places(/bar\.sync \t?0;/g).map((p) => ['barrier', without(p)] as const),
  ...places(/cp\.async\.wait_group \d;/g).map((p) => ['wait', without(p)] as const),
  ...places(/cp\.async\.wait_group 0;/g).map((p) => ['wait that leaves one', without(p, 'cp.async.wait_group 1;')] as const),
  ...places(/cp\.async\.wait_group 1;/g).map((p) => ['wait that leaves two', without(p, 'cp.async.wait_group 2;')] as const),
  ...places(/cp\.async\.commit_group;/g).map((p) => ['commit', without(p)] as const),
];

test('the fixture has the synchronisations that are weakened here', () => {
  expect(synchronisations.map(([name]) => name).sort()).toEqual([
    'barrier', 'barrier', 'commit', 'commit', 'wait', 'wait', 'wait that leaves one', 'wait that leaves two',
  ]);
});

test.each(synchronisations)('a missing %s is a problem whenever copies arrive', (_name, mutant) => {
  for (const completion of ['eager', 'late'] as const) expect(product(mutant, { completion }).result.problems.map((p) => p.kind)).not.toEqual([]);
});

test('every deleted copy, fragment load and product is seen, as a problem or in the result', () => {
  const unseen = places(/(?:cp\.async\.cg|ldmatrix|mma\.sync)[^;]*;/g).filter((place) => {
    const { c, result } = product(without(place));
    return result.problems.length === 0 && c.every((x, i) => x === wanted[i]);
  });
  expect(unseen.map(({ index, length }) => text.slice(index, index + length))).toEqual([]);
});
