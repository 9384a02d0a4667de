/**
 * Intervals of bit operations. In: intervals whose ends are at least 0 (the caller asks). Out: intervals that hold every
 * result. All numbers of [lo, hi] share the bits above the highest one in which lo and hi differ.
 */
import { intMax } from '../expr/arithmetic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';

/** Ints lo .. hi, ends included, as expressions. */
export interface Interval {
  readonly lo: Expr;
  readonly hi: Expr;
}

const bits = (e: Expr): Expr => x.unary('bit_length', e);
const both = (a: Expr, b: Expr): Expr => x.binary('bit_and', a, b);
const either = (a: Expr, b: Expr): Expr => x.binary('bit_or', a, b);
const differ = (a: Expr, b: Expr): Expr => x.binary('bit_xor', a, b);
const invert = (a: Expr): Expr => x.unary('bit_not', a);

/** Ones in the bits that are not the same for all of [lo, hi]. */
function loose(i: Interval): Expr {
  const length = bits(differ(i.lo, i.hi));
  // 1 shl 31 is the least int; less 1 it wraps to 31 ones.
  return x.sub(x.binary('shl', x.int(1), length), x.int(1));
}

/** bit_and, bit_or, bit_xor of numbers >= 0. */
export function bitsInterval(op: 'bit_and' | 'bit_or' | 'bit_xor', a: Interval, b: Interval): Interval {
  const [la, lb] = [loose(a), loose(b)];
  const [least, most] = [both(a.lo, invert(la)), either(a.lo, la)];
  const [leastB, mostB] = [both(b.lo, invert(lb)), either(b.lo, lb)];
  switch (op) {
    case 'bit_and': {
      const plain: Interval = { lo: both(least, leastB), hi: x.min(both(most, mostB), x.min(a.hi, b.hi)) };
      return lowMask(a, b, lowMask(b, a, plain));
    }
    case 'bit_or':
      return { lo: x.max(x.max(a.lo, b.lo), either(least, leastB)), hi: either(most, mostB) };
    case 'bit_xor': {
      const free = either(la, lb);
      const fixed = both(differ(a.lo, b.lo), invert(free));
      return { lo: fixed, hi: both(either(fixed, free), x.int(intMax)) };
    }
  }
}

/** `a bit_and m` where m is one number of the form 2^n - 1: a remainder, exact when no multiple of 2^n lies between. */
function lowMask(a: Interval, m: Interval, otherwise: Interval): Interval {
  const isMask = x.and(x.eq(m.lo, m.hi), x.eq(both(m.lo, x.add(m.lo, x.int(1))), x.int(0)));
  const sameBlock = x.eq(both(a.lo, invert(m.lo)), both(a.hi, invert(m.lo)));
  const exact = x.and(isMask, sameBlock);
  if (exact.kind === 'literal' && exact.value === 0) return otherwise;
  return { lo: x.select(exact, both(a.lo, m.lo), otherwise.lo), hi: x.select(exact, both(a.hi, m.lo), otherwise.hi) };
}

/**
 * bit_length(a bit_xor b), the Fenwick level. With b below a the extremes are taken by the nearest and the farthest pair: what
 * lies between two numbers shares their common leading bits. Where a number may be negative, 0 .. 32.
 */
export function bitLengthInterval(a: Interval, b: Interval): Interval {
  const least = x.min(a.lo, b.lo);
  const most = x.max(a.hi, b.hi);
  const nearest = x.select(x.lt(b.hi, a.lo), bits(differ(a.lo, b.hi)), x.select(x.lt(a.hi, b.lo), bits(differ(b.lo, a.hi)), x.int(0)));
  const known = x.ge(least, x.int(0));
  return { lo: x.select(known, nearest, x.int(0)), hi: x.select(known, bits(differ(least, most)), x.int(32)) };
}
