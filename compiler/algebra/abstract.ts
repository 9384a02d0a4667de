/**
 * Abstract interpretation: what an expression can be on a whole tile, as expressions of the tile. In: an expression over
 * q and k, and the intervals of positions. Out: for ints an interval that holds every value; for bools `may` (true for some
 * pair, at least when it is) and `must` (true for every pair, at most when it is). Sound for every tile and launch: what
 * could wrap is unknown. Sums of terms in q alone and k alone, div and mod by uniform divisors are exact.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { intMax, intMin } from '../expr/arithmetic.ts';
import * as x from '../expr/build.ts';
import type { BinaryOp, Expr, FoldOp } from '../expr/ir.ts';
import { freeRefs, readTensors, sameExpr, substitute } from '../expr/traverse.ts';
import { bitsInterval, bitLengthInterval, type Interval } from './abstract-bits.ts';
import { isUniform, uses } from './formula.ts';
import { cannotWrap, innerLocals, knownRange, type Locals } from './known-range.ts';
import { maxNodes, maxSpan, nodesOf, positionWalk } from './position-walk.ts';

export type { Interval };

/** Positions of a tile, ends included, not empty. */
export interface Box {
  readonly q: Interval;
  readonly k: Interval;
  /** Known ranges of the locals of quantifiers around. */
  readonly locals?: Locals;
  /**
   * Look-ups over any number of elements of their last axis: reads of `T:min` and `T:max`, with its first and last index (for measuring
   * on the host: plan/range-reads.ts). Without it, look-ups are folds over few elements.
   */
  readonly wideReads?: boolean;
  /** Conditions on q alone, or on k alone, that hold beside the one asked: a meeting of look-ups is sought where they do. */
  readonly beside?: readonly Expr[];
}

export interface Truth {
  readonly may: Expr;
  readonly must: Expr;
}

/** Elements read to bound one look-up on a tile; beyond, it is unknown. */
const maxReads = 512;

const anything: Interval = { lo: x.int(intMin), hi: x.int(intMax) };
const unknownTruth: Truth = { may: x.trueExpr, must: x.falseExpr };
const point = (e: Expr): Interval => ({ lo: e, hi: e });
const isPoint = (i: Interval): boolean => sameExpr(i.lo, i.hi);

const certain = (e: Expr): Truth => ({ may: e, must: e });
export const notTruth = (t: Truth): Truth => ({ may: x.not(t.must), must: x.not(t.may) });
export const andTruth = (a: Truth, b: Truth): Truth => ({ may: x.and(a.may, b.may), must: x.and(a.must, b.must) });
export const orTruth = (a: Truth, b: Truth): Truth => ({ may: x.or(a.may, b.may), must: x.or(a.must, b.must) });

/** An interval that holds every value of an int expression on the tile. */
export function intervalOf(e: Expr, box: Box): Interval {
  if (isUniform(e)) return point(e);
  const walk = positionWalk(e, box);
  const found = walk?.better === true ? anything : intervalByParts(e, box);
  if (walk?.better !== true && nodesOf(found.lo) + nodesOf(found.hi) <= maxNodes) return found;
  if (walk === undefined) return anything;
  return { lo: x.select(walk.few, walk.fold('min'), anything.lo), hi: x.select(walk.few, walk.fold('max'), anything.hi) };
}

function intervalByParts(e: Expr, box: Box): Interval {
  switch (e.kind) {
    case 'literal':
    case 'element':
      return point(e);
    case 'ref':
      return e.name === 'q' ? box.q : box.k;
    case 'read':
      return readInterval(e, box);
    case 'unary':
      return unaryInterval(e, box);
    case 'binary':
      return binaryInterval(e, box);
    case 'select': {
      const cond = truthOf(e.cond, box);
      const a = intervalOf(e.then, box);
      const b = intervalOf(e.otherwise, box);
      const pick = (one: Expr, other: Expr, both: Expr): Expr => x.select(cond.must, one, x.select(cond.may, both, other));
      return { lo: pick(a.lo, b.lo, x.min(a.lo, b.lo)), hi: pick(a.hi, b.hi, x.max(a.hi, b.hi)) };
    }
    case 'fold':
      return foldInterval(e, box);
    default:
      return unreachable(e);
  }
}

function unaryInterval(e: Extract<Expr, { readonly kind: 'unary' }>, box: Box): Interval {
  if (e.arg.type !== 'int') return anything;
  const a = intervalOf(e.arg, box);
  switch (e.op) {
    case 'neg':
      return cannotWrap(e, box.locals) ? { lo: x.neg(a.hi), hi: x.neg(a.lo) } : anything;
    case 'abs':
      if (!cannotWrap(e, box.locals)) return anything;
      return { lo: x.max(x.max(a.lo, x.neg(a.hi)), x.int(0)), hi: x.max(x.neg(a.lo), a.hi) };
    case 'bit_not':
      return { lo: x.unary('bit_not', a.hi), hi: x.unary('bit_not', a.lo) };
    case 'bit_length':
      if (e.arg.kind === 'binary' && e.arg.op === 'bit_xor') {
        return bitLengthInterval(intervalOf(e.arg.left, box), intervalOf(e.arg.right, box));
      }
      return whenNonNegative([e.arg], [a], box, { lo: x.unary('bit_length', a.lo), hi: x.unary('bit_length', a.hi) }, { lo: x.int(0), hi: x.int(32) });
    case 'popcount':
    case 'trailing_zeros': {
      const same = x.eq(a.lo, a.hi);
      return { lo: x.select(same, x.unary(e.op, a.lo), x.int(0)), hi: x.select(same, x.unary(e.op, a.lo), x.int(32)) };
    }
    default:
      return anything;
  }
}

/** `then` where all intervals are known, or found, to lie at 0 and above. */
function whenNonNegative(args: readonly Expr[], found: readonly Interval[], box: Box, then: Interval, otherwise: Interval): Interval {
  const asked = found.filter((_, i) => {
    const arg = args[i];
    return arg === undefined || knownRange(arg, box.locals).lo < 0;
  });
  const holds = x.all(asked.map((i) => x.ge(i.lo, x.int(0))));
  return { lo: x.select(holds, then.lo, otherwise.lo), hi: x.select(holds, then.hi, otherwise.hi) };
}

function binaryInterval(e: Extract<Expr, { readonly kind: 'binary' }>, box: Box): Interval {
  const a = intervalOf(e.left, box);
  const b = intervalOf(e.right, box);
  switch (e.op) {
    case 'add':
      return unlessWrapping(e, a, b, box, { lo: x.add(a.lo, b.lo), hi: x.add(a.hi, b.hi) });
    case 'sub':
      return unlessWrapping(e, a, b, box, { lo: x.sub(a.lo, b.hi), hi: x.sub(a.hi, b.lo) });
    case 'mul':
      return cannotWrap(e, box.locals) ? productInterval(a, b) : anything;
    case 'min':
      return { lo: x.min(a.lo, b.lo), hi: x.min(a.hi, b.hi) };
    case 'max':
      return { lo: x.max(a.lo, b.lo), hi: x.max(a.hi, b.hi) };
    case 'div':
      if (isPoint(b)) return { lo: x.div(a.lo, b.lo), hi: x.div(a.hi, b.lo) };
      return { lo: x.min(a.lo, x.int(0)), hi: x.max(a.hi, x.int(0)) };
    case 'mod': {
      const whole: Interval = { lo: x.int(0), hi: x.max(x.sub(x.max(b.hi, x.int(1)), x.int(1)), x.int(0)) };
      if (!isPoint(b)) return whole;
      const same = x.eq(x.div(a.lo, b.lo), x.div(a.hi, b.lo));
      return { lo: x.select(same, x.mod(a.lo, b.lo), whole.lo), hi: x.select(same, x.mod(a.hi, b.lo), whole.hi) };
    }
    case 'shr': {
      if (isPoint(b)) return { lo: x.binary('shr', a.lo, b.lo), hi: x.binary('shr', a.hi, b.lo) };
      const one = x.eq(b.lo, b.hi);
      return {
        lo: x.select(one, x.binary('shr', a.lo, b.lo), x.min(a.lo, x.int(0))),
        hi: x.select(one, x.binary('shr', a.hi, b.lo), x.max(a.hi, x.int(-1))),
      };
    }
    case 'shl': {
      const exact = b.lo.kind === 'literal' && isPoint(b) && cannotWrap(x.mul(e.left, x.int(2 ** (b.lo.value & 31))), box.locals);
      if (exact) return { lo: x.binary('shl', a.lo, b.lo), hi: x.binary('shl', a.hi, b.lo) };
      // A power of two with an exponent that does not reach the sign.
      if (e.left.kind === 'literal' && e.left.value === 1) {
        const small = x.and(x.ge(b.lo, x.int(0)), x.le(b.hi, x.int(30)));
        return { lo: x.select(small, x.binary('shl', a.lo, b.lo), anything.lo), hi: x.select(small, x.binary('shl', a.lo, b.hi), anything.hi) };
      }
      return anything;
    }
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
      return whenNonNegative([e.left, e.right], [a, b], box, bitsInterval(e.op, a, b), maskedInterval(e, a, b, box));
    default:
      return anything;
  }
}

/** x bit_and m with m >= 0 lies in [0, m] whatever x is. */
function maskedInterval(e: Extract<Expr, { readonly kind: 'binary' }>, a: Interval, b: Interval, box: Box): Interval {
  if (e.op !== 'bit_and') return anything;
  const side = knownRange(e.right, box.locals).lo >= 0 ? b : knownRange(e.left, box.locals).lo >= 0 ? a : undefined;
  return side === undefined ? anything : { lo: x.int(0), hi: side.hi };
}

/** Sums that may wrap are asked at run time whether they do. */
function unlessWrapping(e: Extract<Expr, { readonly kind: 'binary' }>, a: Interval, b: Interval, box: Box, sum: Interval): Interval {
  if (cannotWrap(e, box.locals)) return sum;
  const small = (i: Interval, of: Expr): Expr => {
    const r = knownRange(of, box.locals);
    const limit = 2 ** 30;
    return x.and(
      r.lo >= -limit ? x.trueExpr : x.ge(i.lo, x.int(-limit)),
      r.hi < limit ? x.trueExpr : x.lt(i.hi, x.int(limit)),
    );
  };
  const safe = x.and(small(a, e.left), small(b, e.right));
  return { lo: x.select(safe, sum.lo, anything.lo), hi: x.select(safe, sum.hi, anything.hi) };
}

function productInterval(a: Interval, b: Interval): Interval {
  if (isPoint(b) && b.lo.kind === 'literal') {
    const [lo, hi] = b.lo.value >= 0 ? [a.lo, a.hi] : [a.hi, a.lo];
    return { lo: x.mul(lo, b.lo), hi: x.mul(hi, b.lo) };
  }
  const corners = isPoint(b)
    ? [x.mul(a.lo, b.lo), x.mul(a.hi, b.lo)]
    : [x.mul(a.lo, b.lo), x.mul(a.lo, b.hi), x.mul(a.hi, b.lo), x.mul(a.hi, b.hi)];
  return { lo: corners.reduce(x.min), hi: corners.reduce(x.max) };
}

/** The indices of a look-up on the tile: which axes move, and whether all of it is few enough elements to go through. */
function lookUp(e: Extract<Expr, { readonly kind: 'read' }>, box: Box): { readonly indices: readonly Interval[]; readonly few: Expr } {
  const indices = e.indices.map((i) => intervalOf(i, box));
  const last = indices.length - 1;
  const moving = indices.filter((i, n) => !isPoint(i) && !(box.wideReads === true && n === last));
  // A difference of ends that wraps is negative, and not few.
  const spans = moving.map((i) => x.sub(i.hi, i.lo));
  const each = x.all(spans.map((s) => x.and(x.ge(s, x.int(0)), x.lt(s, x.int(maxSpan)))));
  const total = spans.map((s) => x.add(s, x.int(1))).reduce(x.mul, x.int(1));
  return { indices, few: spans.length > 1 ? x.and(each, x.le(total, x.int(maxReads))) : each };
}

function overElements(e: Extract<Expr, { readonly kind: 'read' }>, op: FoldOp, indices: readonly Interval[], few: Expr, wide: boolean): Expr {
  const names = indices.map((_, i) => `${e.tensor}_at_${i}`);
  const at = indices.map((i, n) => (isPoint(i) ? i.lo : x.ref(names[n] ?? '', 'int')));
  const last = indices[indices.length - 1];
  const ranged = wide && last !== undefined && !isPoint(last);
  const element = ranged
    ? x.read(`${e.tensor}:${op === 'min' || op === 'all' ? 'min' : 'max'}`, e.type, [...at.slice(0, -1), last.lo, last.hi])
    : x.read(e.tensor, e.type, at);
  return indices.reduceRight<Expr>((body, i, n) => {
    if (isPoint(i) || (ranged && n === indices.length - 1)) return body;
    return x.fold(op, names[n] ?? '', i.lo, x.select(few, x.add(i.hi, x.int(1)), i.lo), body);
  }, element);
}

function readInterval(e: Extract<Expr, { readonly kind: 'read' }>, box: Box): Interval {
  const { indices, few } = lookUp(e, box);
  const wide = box.wideReads === true;
  if (indices.every(isPoint)) return point(x.read(e.tensor, e.type, indices.map((i) => i.lo)));
  return {
    lo: x.select(few, overElements(e, 'min', indices, few, wide), anything.lo),
    hi: x.select(few, overElements(e, 'max', indices, few, wide), anything.hi),
  };
}

/** The bounds of a quantifier: the widest and the narrowest range its ends allow, and the body's box. */
function foldScope(e: Extract<Expr, { readonly kind: 'fold' }>, box: Box): { readonly from: Interval; readonly to: Interval; readonly inner: Box } {
  const from = intervalOf(e.from, box);
  const to = intervalOf(e.to, box);
  return { from, to, inner: { ...box, locals: innerLocals(e, box.locals) } };
}

function foldInterval(e: Extract<Expr, { readonly kind: 'fold' }>, box: Box): Interval {
  if (e.op !== 'min' && e.op !== 'max') return anything;
  const { from, to, inner } = foldScope(e, box);
  const body = intervalOf(e.body, inner);
  const wide = (b: Expr): Expr => x.fold(e.op, e.local, from.lo, to.hi, b);
  const narrow = (b: Expr): Expr => x.fold(e.op, e.local, from.hi, to.lo, b);
  return e.op === 'min' ? { lo: wide(body.lo), hi: narrow(body.hi) } : { lo: narrow(body.lo), hi: wide(body.hi) };
}

/** What a bool expression can be on the tile. */
export function truthOf(e: Expr, box: Box): Truth {
  if (isUniform(e)) return certain(e);
  const walk = positionWalk(e, box);
  const found = walk?.better === true ? unknownTruth : truthByParts(e, box);
  if (walk?.better !== true && nodesOf(found.may) + nodesOf(found.must) <= maxNodes) return found;
  if (walk === undefined) return unknownTruth;
  return { may: x.or(x.not(walk.few), walk.fold('any')), must: x.and(walk.few, walk.fold('all')) };
}

function truthByParts(e: Expr, box: Box): Truth {
  switch (e.kind) {
    case 'literal':
    case 'ref':
    case 'element':
      return certain(e);
    case 'read': {
      const { indices, few } = lookUp(e, box);
      const wide = box.wideReads === true;
      if (indices.every(isPoint)) return certain(x.read(e.tensor, e.type, indices.map((i) => i.lo)));
      return {
        may: x.or(x.not(few), overElements(e, 'any', indices, few, wide)),
        must: x.and(few, overElements(e, 'all', indices, few, wide)),
      };
    }
    case 'unary':
      return e.op === 'not' ? notTruth(truthOf(e.arg, box)) : unknownTruth;
    case 'select': {
      const cond = truthOf(e.cond, box);
      return orTruth(andTruth(cond, truthOf(e.then, box)), andTruth(notTruth(cond), truthOf(e.otherwise, box)));
    }
    case 'binary':
      if (e.left.type === 'bool') return logic(e.op, truthOf(e.left, box), truthOf(e.right, box));
      return e.left.type === 'int' ? compare(e, box) : unknownTruth;
    case 'fold': {
      if (e.op !== 'any' && e.op !== 'all') return unknownTruth;
      const { from, to, inner } = foldScope(e, box);
      const body = truthOf(e.body, inner);
      const wide = (b: Expr): Expr => x.fold(e.op, e.local, from.lo, to.hi, b);
      const narrow = (b: Expr): Expr => x.fold(e.op, e.local, from.hi, to.lo, b);
      return e.op === 'any' ? { may: wide(body.may), must: narrow(body.must) } : { may: narrow(body.may), must: wide(body.must) };
    }
    default:
      return unreachable(e);
  }
}

function logic(op: BinaryOp, a: Truth, b: Truth): Truth {
  switch (op) {
    case 'and':
      return andTruth(a, b);
    case 'or':
      return orTruth(a, b);
    case 'eq':
      return orTruth(andTruth(a, b), andTruth(notTruth(a), notTruth(b)));
    case 'ne':
      return orTruth(andTruth(a, notTruth(b)), andTruth(notTruth(a), b));
    default:
      return unknownTruth;
  }
}

function compare(e: Extract<Expr, { readonly kind: 'binary' }>, box: Box): Truth {
  const a = intervalOf(e.left, box);
  const b = intervalOf(e.right, box);
  switch (e.op) {
    case 'le':
      return { may: x.le(a.lo, b.hi), must: x.le(a.hi, b.lo) };
    case 'lt':
      return { may: x.lt(a.lo, b.hi), must: x.lt(a.hi, b.lo) };
    case 'ge':
      return { may: x.ge(a.hi, b.lo), must: x.ge(a.lo, b.hi) };
    case 'gt':
      return { may: x.gt(a.hi, b.lo), must: x.gt(a.lo, b.hi) };
    case 'eq':
      return equality(e.left, e.right, a, b, box);
    case 'ne':
      return notTruth(equality(e.left, e.right, a, b, box));
    default:
      return unknownTruth;
  }
}

function equality(left: Expr, right: Expr, a: Interval, b: Interval, box: Box): Truth {
  const meet = x.and(x.le(a.lo, b.hi), x.le(b.lo, a.hi));
  const must = x.and(x.le(a.hi, b.lo), x.le(b.hi, a.lo));
  return { may: exactMeeting(left, right, b, meet, box) ?? exactMeeting(right, left, a, meet, box) ?? meet, must };
}

/**
 * A value of `left` over the queries that `right` takes over the keys (or the other way round): look-ups have gaps that
 * intervals do not show. The values of `left` are gone through, each change once; `meet` is what the intervals say.
 */
function exactMeeting(left: Expr, right: Expr, b: Interval, meet: Expr, box: Box): Expr | undefined {
  const [mine, theirs] = uses(left, 'q') ? (['q', 'k'] as const) : (['k', 'q'] as const);
  if (uses(left, theirs) || uses(right, mine) || readTensors(left).size === 0) return undefined;
  const own = box[mine];
  const others = box[theirs];
  if ([left, right, ...(box.beside ?? [])].some((e) => freeRefs(e).has('left_at') || freeRefs(e).has('right_at'))) return undefined;
  const span = (i: Interval): Expr => x.sub(i.hi, i.lo);
  const few = x.and(x.lt(span(own), x.int(maxSpan)), x.lt(span(others), x.int(maxSpan)));
  const go = x.and(few, meet);
  const at = (e: Expr, name: string, position: Expr): Expr => substitute(e, new Map([[name, position]]));
  const leftAt = x.ref('left_at', 'int');
  const rightAt = x.ref('right_at', 'int');
  const beside = box.beside ?? [];
  const besideLeft = beside.filter((e) => uses(e, mine) && !uses(e, theirs)).map((e) => at(e, mine, leftAt));
  const besideRight = beside.filter((e) => uses(e, theirs) && !uses(e, mine)).map((e) => at(e, theirs, rightAt));
  const value = at(left, mine, leftAt);
  const stop = x.select(go, x.add(own.hi, x.int(1)), own.lo);
  const inReach = x.and(x.ge(value, b.lo), x.le(value, b.hi));
  if (readTensors(right).size === 0 && besideRight.length === 0) {
    return x.and(meet, x.or(x.not(few), x.fold('any', 'left_at', own.lo, stop, x.all([inReach, ...besideLeft]))));
  }
  // A value is looked for once in a row of equal ones, unless conditions tell them apart.
  const changed = besideLeft.length > 0 ? x.trueExpr : x.or(x.eq(leftAt, own.lo), x.ne(value, at(left, mine, x.sub(leftAt, x.int(1)))));
  const worth = x.all([changed, inReach, ...besideLeft]);
  const found = x.all([x.eq(value, at(right, theirs, rightAt)), ...besideRight]);
  const inner = x.fold('any', 'right_at', others.lo, x.select(worth, x.add(others.hi, x.int(1)), others.lo), found);
  return x.and(meet, x.or(x.not(few), x.fold('any', 'left_at', own.lo, stop, inner)));
}
