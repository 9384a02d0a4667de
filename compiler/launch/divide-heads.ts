/**
 * Dividing a dispatch over flattened (batch, head) pairs. In: how many heads there are, how many share a key-value head, how far
 * apart heads lie in each buffer, and a test of a range. Out: ranges that pass the test and whose parts of buffers start where
 * bindings may start; or why there are none. Query heads that share a key-value head stay together unless they do not fit.
 */
import type { Diagnostic } from '../../dsl/diagnostic.ts';

/** A range of flattened (batch, head) pairs and the key-value heads that they share. */
export interface HeadRange {
  readonly first: number;
  readonly count: number;
  readonly kvFirst: number;
  readonly kvCount: number;
}

export interface HeadDivision {
  /** Query heads in all. */
  readonly heads: number;
  /** Query heads that share a key-value head. */
  readonly group: number;
  /** Bytes from one head to the next, for each buffer that is bound in parts. */
  readonly strides: readonly { readonly over: 'query-heads' | 'kv-heads'; readonly bytes: number }[];
  /** Bindings start at multiples of this many bytes. */
  readonly alignment: number;
  readonly refused: (range: HeadRange) => Diagnostic | undefined;
}

export type Division =
  | { readonly ranges: readonly HeadRange[]; readonly refusal?: undefined }
  | { readonly ranges?: undefined; readonly refusal: Diagnostic };

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

function rangeOf(d: HeadDivision, first: number, count: number): HeadRange {
  const kvFirst = Math.floor(first / d.group);
  return { first, count, kvFirst, kvCount: Math.ceil((first + count) / d.group) - kvFirst };
}

/** Heads from one possible start of a binding to the next. */
function startUnit(d: HeadDivision, over: 'query-heads' | 'kv-heads'): number {
  const units = d.strides.filter((s) => s.over === over).map((s) => d.alignment / greatestCommonDivisor(d.alignment, s.bytes));
  return units.reduce(leastCommonMultiple, 1);
}

/** The largest multiple of `unit` up to `most` whose first range passes (a smaller range never asks for more); or what stands against one unit. */
function largest(d: HeadDivision, unit: number, most: number): number | Diagnostic {
  const refused = (n: number): Diagnostic | undefined => d.refused(rangeOf(d, 0, Math.min(n * unit, most)));
  const smallest = refused(1);
  if (smallest !== undefined) return smallest;
  let low = 1;
  let high = Math.ceil(most / unit);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (refused(middle) === undefined) low = middle;
    else high = middle - 1;
  }
  return low * unit;
}

/** Consecutive ranges of `size` heads that tile [from, to). */
function consecutive(d: HeadDivision, from: number, to: number, size: number): readonly HeadRange[] {
  const ranges: HeadRange[] = [];
  for (let first = from; first < to; first += size) ranges.push(rangeOf(d, first, Math.min(size, to - first)));
  return ranges;
}

/** The ranges, or the first refusal among them. */
function tested(d: HeadDivision, ranges: readonly HeadRange[]): Division {
  // What a range asks for may depend on where it starts: each is tested, not only the first.
  for (const range of ranges) {
    const refusal = d.refused(range);
    if (refusal !== undefined) return { refusal };
  }
  return { ranges };
}

/** Divides the heads into as few ranges as pass the test. */
export function divideHeads(d: HeadDivision): Division {
  const queryUnit = startUnit(d, 'query-heads');
  const kvUnit = startUnit(d, 'kv-heads');
  const size = largest(d, leastCommonMultiple(queryUnit, d.group * kvUnit), d.heads);
  if (typeof size === 'number') return tested(d, consecutive(d, 0, d.heads, size));
  // Not even one group passes. Where groups may start anywhere, they are cut within, never across two.
  if (kvUnit > 1 || d.group % queryUnit !== 0) return { refusal: size };
  const part = largest(d, queryUnit, d.group);
  if (typeof part !== 'number') return { refusal: part };
  const groups = Array.from({ length: d.heads / d.group }, (_, g) => g * d.group);
  return tested(d, groups.flatMap((first) => consecutive(d, first, first + d.group, part)));
}
