/**
 * Values against a golden tensor. In: the expected tensor, what was made, the tolerance of the file and the backend's precision. Out: the
 * worst error as a share of what is allowed, or what is wrong. Ints and bools are compared exactly; infinities must be the same.
 */
import type { GoldenCase, GoldenTensor } from './case.ts';

export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** Float32 kernels: what the files of `abs` and `rel` name in words for a float32 kernel. */
const float32Absolute = 1e-5;

/** The tolerance of a case: `f64` and `f32`, or `abs` and `rel` of float64 results. */
export function toleranceOf(c: GoldenCase, precision: 'f64' | 'f32'): Tolerance {
  const number = (name: string): number | undefined => {
    const value = c.tolerance[name];
    return typeof value === 'number' ? value : undefined;
  };
  const one = number(precision);
  if (one !== undefined) return { absolute: one, relative: one };
  const absolute = number('abs') ?? 0;
  const relative = number('rel') ?? 0;
  return precision === 'f64' ? { absolute, relative } : { absolute: Math.max(absolute, float32Absolute), relative: Math.max(relative, float32Absolute) };
}

export type Comparison =
  | { readonly kind: 'equal' }
  | { readonly kind: 'near'; readonly error: number }
  /** `choices`: how many ints or bools are others; absent where a number is wrong. */
  | { readonly kind: 'differs'; readonly text: string; readonly choices?: number };

function placeOf(index: number, shape: readonly number[]): string {
  const places: number[] = [];
  let rest = index;
  for (const extent of [...shape].reverse()) {
    places.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return `[${places.join(', ')}]`;
}

export function compareTensor(expected: GoldenTensor, made: ArrayLike<number>, { absolute, relative }: Tolerance): Comparison {
  if (made.length !== expected.data.length) return { kind: 'differs', text: `${made.length} elements, ${expected.data.length} expected ([${expected.shape.join(', ')}])` };
  const exact = !expected.dtype.startsWith('float');
  let worst = 0;
  let wrong = 0;
  let first: number | undefined;
  expected.data.forEach((wanted, i) => {
    const found = made[i] ?? NaN;
    if (found === wanted) return;
    const error = Math.abs(found - wanted);
    worst = Math.max(worst, error);
    // Written so that NaN is wrong.
    if (!exact && Number.isFinite(wanted) && error <= absolute + relative * Math.abs(wanted)) return;
    wrong += 1;
    first ??= i;
  });
  if (first === undefined) return exact ? { kind: 'equal' } : { kind: 'near', error: worst };
  return { kind: 'differs', ...(exact ? { choices: wrong } : {}), text: `${wrong} of ${made.length} elements, the first at ${placeOf(first, expected.shape)}: ${made[first]}, expected ${expected.data[first]}` };
}
