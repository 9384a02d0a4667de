/**
 * Comparing what a kernel wrote with the dense interpreter. In: both, and an allowed error per row. Out: the worst row
 * as error / bound, and the first element that is worst there. NaN fails always, and so does an element that was never
 * written: outputs are filled with `poisonBits` (a NaN) before a kernel runs.
 */
import type { BufferElement } from '../tile/ir.ts';

/** f32 pattern that outputs are filled with before a run: a quiet NaN that no arithmetic makes. */
export const poisonBits = 0x7fc0dead;
const poisonHalf = 0x7ead;
const poisonBfloat = 0x7fad;

/** The pattern for outputs of this element, in as many bits as it has. */
export function poisonOf(element: BufferElement): number {
  return element === 'f16' ? poisonHalf : element === 'bf16' ? poisonBfloat : poisonBits;
}

export interface Comparison {
  readonly ok: boolean;
  /** Largest error / bound over all elements; Infinity for NaN, and for an error where none is allowed. */
  readonly ratio: number;
  /** Where it is; -1 where everything is exact. */
  readonly row: number;
  readonly element: number;
  readonly actual: number;
  readonly expected: number;
  readonly bound: number;
}

/** Compares rows of `actual.length / bounds.length` elements, each with its bound. */
export function compareRows(actual: ArrayLike<number>, expected: ArrayLike<number>, bounds: ArrayLike<number>): Comparison {
  if (actual.length !== expected.length || (bounds.length === 0 ? actual.length > 0 : actual.length % bounds.length !== 0)) {
    return { ok: false, ratio: Infinity, row: -1, element: -1, actual: actual.length, expected: expected.length, bound: bounds.length };
  }
  const width = bounds.length === 0 ? 0 : actual.length / bounds.length;
  let worst: Comparison = { ok: true, ratio: 0, row: -1, element: -1, actual: 0, expected: 0, bound: 0 };
  for (let row = 0; row < bounds.length; row += 1) {
    const bound = bounds[row] ?? 0;
    for (let i = 0; i < width; i += 1) {
      const element = row * width + i;
      const a = actual[element] ?? NaN;
      const e = expected[element] ?? NaN;
      const ratio = errorRatio(a, e, bound);
      if (ratio > worst.ratio) worst = { ok: ratio <= 1, ratio, row, element, actual: a, expected: e, bound };
    }
  }
  return worst;
}

function errorRatio(actual: number, expected: number, bound: number): number {
  if (Number.isNaN(actual) || Number.isNaN(expected)) return Infinity;
  if (actual === expected) return 0;
  const error = Math.abs(actual - expected);
  // Infinite where only one is; with an infinite bound anything but NaN passes.
  if (bound === Infinity) return 0;
  return bound > 0 && Number.isFinite(error) ? error / bound : Infinity;
}
