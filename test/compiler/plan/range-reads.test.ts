import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rangeReader } from '../../../compiler/plan/range-reads.ts';

test('extremes of ranges are those of the elements, with 0 for what lies outside', () => {
  const lengths = [3, 300];
  const data = Int32Array.from({ length: 900 }, (_, i) => ((i * 7919) % 1009) - 500);
  const read = rangeReader(new Map([['t', { extents: lengths, data }]]));
  fc.assert(fc.property(fc.nat(2), fc.integer({ min: -5, max: 305 }), fc.nat(310), (row, lo, span) => {
    const hi = lo + span;
    const elements = Array.from({ length: span + 1 }, (_, i) => (lo + i >= 0 && lo + i < 300 ? data[row * 300 + lo + i] ?? 0 : 0));
    expect(read('t:min', [row, lo, hi])).toBe(Math.min(...elements));
    expect(read('t:max', [row, lo, hi])).toBe(Math.max(...elements));
  }), { seed: 20331, numRuns: 500 });
});
