/**
 * Which keys a query tile meets in a part. In: a conjunction of atoms and the first and last query position of the tile. Out:
 * bounds on k and guards, all free of q and k: for some query of the tile the part can hold at key k only if the guards are
 * true and k lies between the bounds. Fourier-Motzkin elimination of q: exact over the integers for linear atoms whose
 * factor of q is -1, 0 or 1; bounds (`k div m`) and atoms free of k are projected one by one.
 */
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { intervalOf, type Interval } from './abstract.ts';
import type { Part } from './dnf.ts';
import { atomKey, isPosition, quotient, type Atom } from './formula.ts';
import { knownRange, positionLimit } from './known-range.ts';
import {
  addSums, coefficientOf, combine, constantSum, emit, emitAtLeastZero, fitsInt, leastOf, negSum, partition, shiftSum, subSums, sumOf, sumRange, type Sum,
} from './sums.ts';

export const qFirst: Expr = x.ref('q_first', 'int');
export const qLast: Expr = x.ref('q_last', 'int');
export const kFirst: Expr = x.ref('k_first', 'int');
export const kLast: Expr = x.ref('k_last', 'int');

/** Bounds of k as int expressions of the query tile, ends included. */
export interface KeyBounds {
  /** bool; the part is empty for this query tile where one is false. */
  readonly guards: readonly Expr[];
  readonly lowers: readonly Expr[];
  readonly uppers: readonly Expr[];
}

const zero = constantSum(0);
/** Beyond every a*q + b*k of a linear atom (|a| + |b| <= 8). */
const beyond = 2 ** 27 + 1;

interface LinearSum {
  readonly sum: Sum;
  /** The same, its uniform part held within +-beyond: the truth of `>= 0` does not change. */
  readonly held: Sum;
}

function linearSum(sum: Sum): LinearSum {
  const [positional, uniform] = partition(sum, isPosition);
  const r = sumRange(uniform);
  if (r.lo >= -beyond && r.hi <= beyond) return { sum, held: sum };
  const clamped = sumOf(x.clamp(emit(uniform), x.int(-beyond), x.int(beyond)));
  return { sum, held: combine(positional, 1, clamped, 1) };
}

/**
 * A linear atom along the direction of a congruence can be moved to the next number of that residue:
 * x >= l and x mod m == r give x >= l + (r - l) mod m.
 */
function tighten(sum: Sum, part: Part): Sum {
  const [positional, uniform] = partition(sum, isPosition);
  for (const atom of part) {
    if (atom.kind !== 'congruence' || !atom.holds || knownRange(atom.modulus).hi > 2 ** 30) continue;
    const { modulus: m, residue: r } = atom;
    for (const sign of [1, -1]) {
      if (coefficientOf(positional, 'q') !== sign * atom.q || coefficientOf(positional, 'k') !== sign * atom.k) continue;
      const u = emit(uniform);
      // sign 1: x >= -u. sign -1: x <= u.
      const slack = sign === 1 ? x.mod(x.add(r, x.mod(u, m)), m) : x.mod(x.sub(x.mod(u, m), r), m);
      const known = sign === 1 && u.kind === 'literal' && u.value === 0 ? r : slack;
      const moved = subSums(uniform, sumOf(known));
      if (fitsInt(moved)) return combine(positional, 1, moved, 1);
    }
  }
  return sum;
}

interface Found {
  readonly guards: Expr[];
  /** Bounds as sums; of the others only the expression. */
  readonly lowers: { readonly sum?: Sum; readonly expr: Expr }[];
  readonly uppers: { readonly sum?: Sum; readonly expr: Expr }[];
}

type Bound = Found['lowers'][number];

/** Adds a bound unless one as strong is there; drops those it makes superfluous. `sign` 1: lower. */
function addBound(list: Bound[], bound: Bound, sign: number): void {
  const stronger = (a: Bound, b: Bound): boolean =>
    a.sum !== undefined && b.sum !== undefined && leastOf(sign > 0 ? subSums(a.sum, b.sum) : subSums(b.sum, a.sum)) >= 0;
  if (list.some((other) => stronger(other, bound))) return;
  for (let i = list.length - 1; i >= 0; i -= 1) {
    const other = list[i];
    if (other !== undefined && stronger(bound, other)) list.splice(i, 1);
  }
  list.push(bound);
}

/** `sum >= 0` over k and tile names: a bound on k, or a guard. Undefined: nothing can be said within 32 bits. */
function takeSum(found: Found, sum: Sum): boolean {
  const c = coefficientOf(sum, 'k');
  const [, rest] = partition(sum, (e) => isPosition(e));
  if (c === 0) {
    if (leastOf(rest) >= 0) return true;
    const [positive, negative] = partition(rest, (e) => rest.terms.some((t) => t.expr === e && t.coefficient > 0));
    if (!fitsInt(positive) || !fitsInt(negative) || !fitsInt(shiftSum(negative, 2))) return false;
    found.guards.push(emitAtLeastZero(rest, () => false));
    return true;
  }
  if (!fitsInt(rest)) return false;
  if (c === 1) addBound(found.lowers, { sum: negSum(rest), expr: emit(negSum(rest)) }, 1);
  else if (c === -1) addBound(found.uppers, { sum: rest, expr: emit(rest) }, -1);
  else if (c > 0) addBound(found.lowers, { expr: x.neg(x.div(emit(rest), x.int(c))) }, 1);
  else addBound(found.uppers, { expr: x.div(emit(rest), x.int(-c)) }, -1);
  return true;
}

/** Adds `a * weightA + b * weightB >= 0`, with uniform parts held where they would not fit. Dropping it is sound. */
function takeCombination(found: Found, a: LinearSum, weightA: number, b: LinearSum, weightB: number): void {
  if (takeSum(found, combine(a.sum, weightA, b.sum, weightB))) return;
  takeSum(found, combine(a.held, weightA, b.held, weightB));
}

/** The extreme of a k-free sum over the queries of the tile. */
function extreme(s: Sum, side: 'lo' | 'hi', queries: Interval): Sum {
  const box = { q: queries, k: { lo: kFirst, hi: kLast } };
  const opposite = side === 'lo' ? 'hi' : 'lo';
  return s.terms.reduce(
    (sum, t) => addSums(sum, combine(sumOf(intervalOf(t.expr, box)[t.coefficient > 0 ? side : opposite]), t.coefficient, zero, 0)),
    constantSum(s.constant),
  );
}

/** A bound `k div m >= other` (or <=) as bounds on k. */
function takeQuotientBound(found: Found, atom: Extract<Atom, { readonly kind: 'bound' }>, queries: Interval): void {
  const least = atom.sense === 'least';
  const limit = extreme(atom.other, least ? 'lo' : 'hi', queries);
  if (atom.modulus.kind === 'literal' && atom.modulus.value === 1) {
    if (fitsInt(limit)) addBound(least ? found.lowers : found.uppers, { sum: limit, expr: emit(limit) }, least ? 1 : -1);
    else if (fitsInt(atom.other)) {
      const expr = x.clamp(emit(limit), x.int(-beyond), x.int(beyond));
      addBound(least ? found.lowers : found.uppers, { expr }, least ? 1 : -1);
    }
    return;
  }
  // A modulus beyond all positions leaves quotients -1 and 0, whatever it is.
  const reach = 2 * positionLimit;
  const m = knownRange(atom.modulus).hi > reach ? x.min(atom.modulus, x.int(reach)) : atom.modulus;
  const rows = isQuotientOfQuery(limit, atom.modulus) ? emit(limit) : heldQuotient(limit, m);
  if (rows === undefined) return;
  if (least) addBound(found.lowers, { expr: x.mul(rows, m) }, 1);
  else addBound(found.uppers, { expr: x.sub(x.mul(x.add(rows, x.int(1)), m), x.int(1)) }, -1);
}

/** q div m + c for a small c: its product with m stays near q. */
function isQuotientOfQuery(s: Sum, modulus: Expr): boolean {
  const [term] = s.terms;
  if (term === undefined || s.terms.length > 1 || term.coefficient !== 1 || Math.abs(s.constant) > 4) return false;
  return [qFirst, qLast].some((end) => atomKey({ kind: 'uniform', cond: quotient(end, modulus) }) === atomKey({ kind: 'uniform', cond: term.expr }));
}

function heldQuotient(s: Sum, m: Expr): Expr | undefined {
  if (!fitsInt(s)) return undefined;
  const most = x.add(x.div(x.int(2 * positionLimit), m), x.int(2));
  return x.clamp(emit(s), x.neg(most), most);
}

/**
 * Bounds of k over the queries [queries.lo, queries.hi]. Atoms that say nothing about k alone are left to the caller: what comes
 * out holds for the linear atoms and bounds of the part.
 */
export function keyBounds(part: Part, queries: Interval): KeyBounds {
  const found: Found = { guards: [], lowers: [], uppers: [] };
  const linear = part.flatMap((a) => (a.kind === 'linear' ? [linearSum(tighten(a.sum, part))] : []));
  const first = linearSum(subSums({ constant: 0, terms: [{ expr: x.ref('q', 'int'), coefficient: 1 }] }, sumOf(queries.lo)));
  const last = linearSum(subSums(sumOf(queries.hi), { constant: 0, terms: [{ expr: x.ref('q', 'int'), coefficient: 1 }] }));
  const factor = (s: LinearSum): number => coefficientOf(s.sum, 'q');
  const free = linear.filter((s) => factor(s) === 0);
  const below = linear.filter((s) => factor(s) > 0);
  const above = linear.filter((s) => factor(s) < 0);
  for (const s of free) takeCombination(found, s, 1, s, 0);
  for (const low of [...below, first]) {
    for (const high of [...above, last]) {
      if (low !== first || high !== last) takeCombination(found, low, -factor(high), high, factor(low));
    }
  }
  for (const atom of part) {
    if (atom.kind === 'uniform') found.guards.push(atom.cond);
    if (atom.kind === 'bound') takeQuotientBound(found, atom, queries);
  }
  return { guards: found.guards, lowers: found.lowers.map((l) => l.expr), uppers: found.uppers.map((u) => u.expr) };
}

/** Whether some key of [k_first, k_last] lies within the bounds. */
export function boundsMeet(bounds: KeyBounds, keys: Interval): Expr {
  const pairs = bounds.lowers.flatMap((l) => bounds.uppers.map((u) => ordered(l, u)));
  return x.all([
    ...bounds.guards,
    ...bounds.uppers.map((u) => ordered(keys.lo, u)),
    ...bounds.lowers.map((l) => ordered(l, keys.hi)),
    ...pairs,
  ]);
}

/** l <= u, folded where the order is known. */
function ordered(l: Expr, u: Expr): Expr {
  return leastOf(subSums(sumOf(u), sumOf(l))) >= 0 ? x.trueExpr : x.le(l, u);
}

