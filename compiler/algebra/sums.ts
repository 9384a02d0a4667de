/**
 * Sums: integer combinations `constant + c1*e1 + c2*e2 + ...` read as mathematics (they never wrap). In: expressions whose
 * arithmetic provably does not wrap. Out: sums with equal terms gathered, so that `(w - 1) - w` is -1; and back to
 * expressions. `emit` may only be asked when `sumRange` lies within 32 bits; partial sums on the way may wrap, which
 * two's complement undoes.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import { intMax, intMin } from '../expr/arithmetic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { exprKey } from '../expr/traverse.ts';
import { cannotWrap, fits, knownRange, unwrappedRange, type Range } from './known-range.ts';

export interface Term {
  readonly expr: Expr;
  readonly coefficient: number;
}

export interface Sum {
  readonly constant: number;
  /** Distinct expressions, none a literal or a non-wrapping sum, coefficients not 0, ordered by key. */
  readonly terms: readonly Term[];
}

// Terms meet again in every sum that is made of theirs: their keys are remembered.
const keys = new WeakMap<Expr, string>();
function keyOf(e: Expr): string {
  const known = keys.get(e);
  if (known !== undefined) return known;
  const key = exprKey(e);
  keys.set(e, key);
  return key;
}

export function constantSum(constant: number): Sum {
  return { constant, terms: [] };
}

/** a * factorA + b * factorB. */
export function combine(a: Sum, factorA: number, b: Sum, factorB: number): Sum {
  const found = new Map<string, Term>();
  const put = (terms: readonly Term[], factor: number): void => {
    for (const { expr, coefficient } of terms) {
      const key = keyOf(expr);
      found.set(key, { expr, coefficient: (found.get(key)?.coefficient ?? 0) + coefficient * factor });
    }
  };
  put(a.terms, factorA);
  put(b.terms, factorB);
  const terms = [...found].filter(([, t]) => t.coefficient !== 0).sort(([p], [q]) => (p < q ? -1 : 1)).map(([, t]) => t);
  return { constant: a.constant * factorA + b.constant * factorB, terms };
}

const nothing = constantSum(0);
export const addSums = (a: Sum, b: Sum): Sum => combine(a, 1, b, 1);
export const subSums = (a: Sum, b: Sum): Sum => combine(a, 1, b, -1);
export const negSum = (a: Sum): Sum => combine(a, -1, nothing, 0);
export const shiftSum = (a: Sum, by: number): Sum => ({ constant: a.constant + by, terms: a.terms });

/** The int expression as a sum; what may wrap, or is no sum, is a term of its own. */
export function sumOf(e: Expr): Sum {
  if (e.kind === 'literal') return constantSum(e.value);
  const whole: Sum = { constant: 0, terms: [{ expr: e, coefficient: 1 }] };
  // What stays within 32 bits only by requirement of the launch stays one term, with the range it is required to have.
  const range = unwrappedRange(e);
  if (!cannotWrap(e) || (range !== undefined && !fits(range))) return whole;
  if (e.kind === 'unary' && e.op === 'neg') return negSum(sumOf(e.arg));
  if (e.kind !== 'binary') return whole;
  switch (e.op) {
    case 'add':
      return addSums(sumOf(e.left), sumOf(e.right));
    case 'sub':
      return subSums(sumOf(e.left), sumOf(e.right));
    case 'mul':
      return e.right.kind === 'literal' ? combine(sumOf(e.left), e.right.value, nothing, 0) : whole;
    default:
      return whole;
  }
}

/** An interval (of unbounded integers) that holds the sum at every launch. */
export function sumRange(s: Sum): Range {
  let lo = s.constant;
  let hi = s.constant;
  for (const { expr, coefficient } of s.terms) {
    const r = knownRange(expr);
    lo += Math.min(r.lo * coefficient, r.hi * coefficient);
    hi += Math.max(r.lo * coefficient, r.hi * coefficient);
  }
  return { lo, hi };
}

function factOf(positive: readonly string[], negative: readonly string[], constant: number): Sum {
  const term = (name: string, coefficient: number): Term => ({ expr: x.ref(name, 'int'), coefficient });
  return { constant, terms: [...positive.map((n) => term(n, 1)), ...negative.map((n) => term(n, -1))] };
}

/** Sums that are never negative: where positions and the rows of a tile lie. */
const facts: readonly Sum[] = [
  ...['q', 'k', 'q_first', 'q_last', 'k_first', 'k_last'].map((name) => factOf(['n_k'], [name], -1)),
  ...['q', 'q_first', 'q_last'].map((name) => factOf([name, 'n_q'], ['n_k'], 0)),
  factOf(['q_last'], ['q_first'], 0),
  factOf(['k_last'], ['k_first'], 0),
];

/** The least the sum can be, by the ranges of its terms and one of the facts. */
export function leastOf(s: Sum): number {
  let least = sumRange(s).lo;
  for (const fact of facts) {
    const ratios = fact.terms.map((t) => (t.expr.kind === 'ref' ? coefficientOf(s, t.expr.name) : 0) / t.coefficient);
    const by = Math.min(...ratios);
    if (by >= 1) least = Math.max(least, sumRange(combine(s, 1, fact, -by)).lo);
  }
  return least;
}

/** Whether the sum and its negative are int32 at every launch. */
export function fitsInt(s: Sum): boolean {
  const r = sumRange(s);
  return r.lo > intMin && r.hi <= intMax;
}

/** The terms for which `keep` holds, and the others with the constant. */
export function partition(s: Sum, keep: (e: Expr) => boolean): readonly [Sum, Sum] {
  return [
    { constant: 0, terms: s.terms.filter((t) => keep(t.expr)) },
    { constant: s.constant, terms: s.terms.filter((t) => !keep(t.expr)) },
  ];
}

/** Coefficient of the ref `name`. */
export function coefficientOf(s: Sum, name: string): number {
  return s.terms.find((t) => t.expr.kind === 'ref' && t.expr.name === name)?.coefficient ?? 0;
}

const scaled = (e: Expr, by: number): Expr => x.mul(e, x.int(by));

/** The sum as an int expression, positive terms first. */
export function emit(s: Sum): Expr {
  if (!Number.isSafeInteger(s.constant)) throw new CompilerBug('algebra', `constant ${s.constant}`);
  const positive = s.terms.filter((t) => t.coefficient > 0);
  const negative = s.terms.filter((t) => t.coefficient < 0);
  const start = positive.length === 0 ? x.int(s.constant) : positive.map((t) => scaled(t.expr, t.coefficient)).reduce(x.add);
  const difference = negative.reduce((acc, t) => x.sub(acc, scaled(t.expr, -t.coefficient)), start);
  return positive.length === 0 ? difference : x.add(difference, x.int(s.constant));
}

/**
 * `s >= 0` as a comparison of two sums, positions on the left: what people write. Both sides must fit.
 * `isLeft` says which terms are positions.
 */
export function emitAtLeastZero(s: Sum, isLeft: (e: Expr) => boolean): Expr {
  const [left, right] = partition(s, isLeft);
  const first = left.terms[0];
  if (first === undefined) {
    // No positions: positive terms against negative ones.
    const positive = { constant: 0, terms: right.terms.filter((t) => t.coefficient > 0) };
    const negative = negSum({ constant: 0, terms: right.terms.filter((t) => t.coefficient < 0) });
    if (positive.terms.length === 0) return x.le(emit(negative), x.int(right.constant));
    if (right.constant === -1) return x.gt(emit(positive), emit(negative));
    return x.ge(emit(positive), emit(shiftSum(negative, -right.constant)));
  }
  const [ahead, behind] = [left.terms.filter((t) => t.coefficient > 0), left.terms.filter((t) => t.coefficient < 0)];
  if (right.terms.length === 0 && ahead.length > 0 && behind.length > 0 && (right.constant === 0 || right.constant === -1)) {
    const [more, less] = [emit({ constant: 0, terms: ahead }), emit(negSum({ constant: 0, terms: behind }))];
    return right.constant === 0 ? x.ge(more, less) : x.gt(more, less);
  }
  const lead = left.terms.find((t) => t.expr.kind === 'ref' && t.expr.name.startsWith('q')) ?? first;
  if (lead.coefficient > 0) {
    // left >= -right
    return right.constant === -1 ? x.gt(emit(left), emit(negSum({ ...right, constant: 0 }))) : x.ge(emit(left), emit(negSum(right)));
  }
  // -left <= right
  return right.constant === -1 ? x.lt(emit(negSum(left)), emit({ ...right, constant: 0 })) : x.le(emit(negSum(left)), emit(right));
}
