/**
 * What is known about int expressions without running them: an interval, and launch-level extents that they stay below.
 * Sound for wrapping arithmetic: a result that could leave 32 bits has the full interval. Used to drop index guards and
 * the correction steps of floor division; knowing nothing is always right.
 */
import { sameExpr } from '../expr/same.ts';
import type { Expr } from '../expr/ir.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Facts {
  readonly range: Interval;
  /** Launch-level expressions that the value is strictly below. */
  readonly below: readonly Expr[];
}

export const anyInt: Interval = { low: -2147483648, high: 2147483647 };
export const nothing: Facts = { range: anyInt, below: [] };

export type FactsOf = (name: string) => Facts;

function interval(low: number, high: number): Interval {
  return low < anyInt.low || high > anyInt.high ? anyInt : { low, high };
}

function join(a: Interval, b: Interval): Interval {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

/** The smallest 2^k - 1 that is not below `value`. */
function maskOver(value: number): number {
  return 2 ** (32 - Math.clz32(value)) - 1;
}

/** The interval of an int expression. */
export function rangeOf(e: Expr, facts: FactsOf): Interval {
  switch (e.kind) {
    case 'literal':
      return { low: e.value, high: e.value };
    case 'ref':
      return e.type === 'int' ? facts(e.name).range : anyInt;
    case 'unary': {
      if (e.type !== 'int') return anyInt;
      if (e.op === 'bit_length' || e.op === 'popcount' || e.op === 'trailing_zeros') return { low: 0, high: 32 };
      const a = rangeOf(e.arg, facts);
      if (e.op === 'neg') return interval(-a.high, -a.low);
      if (e.op === 'bit_not') return { low: -1 - a.high, high: -1 - a.low };
      if (e.op === 'abs') return interval(a.low > 0 ? a.low : a.high < 0 ? -a.high : 0, Math.max(Math.abs(a.low), Math.abs(a.high)));
      return anyInt;
    }
    case 'binary':
      return e.type === 'int' && e.left.type === 'int' ? binaryRange(e.op, rangeOf(e.left, facts), rangeOf(e.right, facts)) : anyInt;
    case 'select':
      return e.type === 'int' ? join(rangeOf(e.then, facts), rangeOf(e.otherwise, facts)) : anyInt;
    case 'read':
    case 'fold':
    case 'element':
      return anyInt;
  }
}

function binaryRange(op: string, a: Interval, b: Interval): Interval {
  switch (op) {
    case 'add':
      return interval(a.low + b.low, a.high + b.high);
    case 'sub':
      return interval(a.low - b.high, a.high - b.low);
    case 'mul': {
      const all = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
      return interval(Math.min(...all), Math.max(...all));
    }
    case 'min':
      return { low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) };
    case 'max':
      return { low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) };
    case 'div':
      // Divisors below 1 give 0, so 0 is always possible there; a larger divisor brings a quotient nearer to 0 or -1.
      if (a.low >= 0) return { low: b.low >= 1 ? Math.floor(a.low / Math.max(1, b.high)) : 0, high: Math.floor(a.high / Math.max(1, b.low)) };
      return { low: Math.min(0, Math.floor(a.low / Math.max(1, b.low))), high: Math.max(0, a.high) };
    case 'mod':
      return { low: 0, high: a.low >= 0 ? Math.min(a.high, Math.max(0, b.high - 1)) : Math.max(0, b.high - 1) };
    case 'bit_and':
      if (a.low >= 0 && b.low >= 0) return { low: 0, high: Math.min(a.high, b.high) };
      if (a.low >= 0) return { low: 0, high: a.high };
      if (b.low >= 0) return { low: 0, high: b.high };
      return anyInt;
    case 'bit_or':
    case 'bit_xor':
      return a.low >= 0 && b.low >= 0 ? { low: 0, high: maskOver(Math.max(a.high, b.high)) } : anyInt;
    case 'shr':
      return a.low >= 0 ? { low: 0, high: b.low === b.high ? a.high >> (b.low & 31) : a.high } : anyInt;
    case 'shl':
      return b.low === b.high ? interval(a.low * 2 ** (b.low & 31), a.high * 2 ** (b.low & 31)) : anyInt;
    default:
      return anyInt;
  }
}

/** Whether the int expression is certainly below `extent`. */
export function isBelow(e: Expr, extent: Expr, facts: FactsOf): boolean {
  if (extent.kind === 'literal' && rangeOf(e, facts).high < extent.value) return true;
  switch (e.kind) {
    case 'ref':
      return facts(e.name).below.some((x) => sameExpr(x, extent));
    case 'select':
      return isBelow(e.then, extent, facts) && isBelow(e.otherwise, extent, facts);
    case 'binary':
      if (e.op === 'min') return isBelow(e.left, extent, facts) || isBelow(e.right, extent, facts);
      if (e.op === 'max') return isBelow(e.left, extent, facts) && isBelow(e.right, extent, facts);
      if (e.op === 'div') return rangeOf(e.left, facts).low >= 0 && rangeOf(e.right, facts).low >= 1 && isBelow(e.left, extent, facts);
      return false;
    default:
      return false;
  }
}

/** What is known about a name bound to `value`. `extents` are the launch-level expressions worth knowing. */
export function factsFor(value: Expr, extents: readonly Expr[], facts: FactsOf): Facts {
  if (value.type !== 'int') return nothing;
  return { range: rangeOf(value, facts), below: extents.filter((x) => isBelow(value, x, facts)) };
}

/** Whether one of the conditions says that index >= 0. */
export function saysNonNegative(known: readonly Expr[], index: Expr): boolean {
  return known.some(
    (c) =>
      c.kind === 'binary' && sameExpr(c.left, index) && c.right.kind === 'literal' &&
      ((c.op === 'ge' && c.right.value >= 0) || (c.op === 'gt' && c.right.value >= -1)),
  );
}

/** Whether one of the conditions says that index < extent. */
export function saysBelow(known: readonly Expr[], index: Expr, extent: Expr): boolean {
  return known.some(
    (c) =>
      c.kind === 'binary' &&
      ((c.op === 'lt' && sameExpr(c.left, index) && sameExpr(c.right, extent)) ||
        (c.op === 'gt' && sameExpr(c.left, extent) && sameExpr(c.right, index))),
  );
}
