/**
 * Comparisons of a predicate as formulas. In: `left >= right` or `left == right` over q and k. Out: atoms as strong as this
 * reasoning finds: min, max, abs and conditionals are taken apart, sides that cannot wrap become linear atoms, a single
 * `k div m` a bound, equal remainders a congruence; all else stays opaque. Every rewriting is exact on 32-bit ints.
 */
import { intMax } from '../expr/arithmetic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { freeRefs, readTensors, sameExpr } from '../expr/traverse.ts';
import { atomFormula, conjunction, disjunction, isPosition, isUniform, negate, no, uniformFormula, uses, yes, type Formula } from './formula.ts';
import { cannotWrap, knownRange, positionLimit } from './known-range.ts';
import { coefficientOf, combine, constantSum, emit, fitsInt, negSum, partition, shiftSum, subSums, sumOf, type Sum } from './sums.ts';

/** |a| + |b| of `a*q + b*k` in a linear atom; products with positions then stay below 2^27. */
const maxWeight = 8;
/** Beyond every `a*q + b*k + constant` of a linear atom. */
const beyond = 2 ** 28;
/** Largest factor of a quotient's bound that is multiplied out. */
const maxFactor = 7;

type Decide = (cond: Expr) => Formula;

/** `left >= right` on ints; `decide` turns the conditions of conditionals into formulas. */
export function atLeast(left: Expr, right: Expr, decide: Decide): Formula {
  if (isUniform(left) && isUniform(right)) return uniformFormula(x.ge(left, right));
  const cut = takeApart(left, (l) => atLeast(l, right, decide), true, decide) ?? takeApart(right, (r) => atLeast(left, r, decide), false, decide);
  if (cut !== undefined) return cut;
  return sumAtLeastZero(subSums(sumOf(left), sumOf(right))) ?? atomFormula({ kind: 'opaque', cond: x.ge(left, right) });
}

/** `left == right` on ints. */
export function equal(left: Expr, right: Expr, decide: Decide): Formula {
  if (isUniform(left) && isUniform(right)) return uniformFormula(x.eq(left, right));
  const congruent = congruence(left, right) ?? congruence(right, left);
  if (congruent !== undefined) return congruent;
  const both = conjunction([atLeast(left, right, decide), atLeast(right, left, decide)]);
  // Two halves of an equation that nothing is known of would only be asked twice.
  return hasOpaque(both) ? atomFormula({ kind: 'opaque', cond: x.eq(left, right) }) : both;
}

function hasOpaque(f: Formula): boolean {
  switch (f.kind) {
    case 'constant':
      return false;
    case 'atom':
      return f.atom.kind === 'opaque';
    case 'and':
    case 'or':
      return f.args.some(hasOpaque);
    case 'cases':
      return f.arms.some((arm) => hasOpaque(arm.body));
  }
}

/** `e >= ...` (large) or `... >= e` (not large) where e is a min, max, abs or conditional: by its parts. */
function takeApart(e: Expr, ask: (part: Expr) => Formula, large: boolean, decide: Decide): Formula | undefined {
  if (isUniform(e)) return undefined;
  if (e.kind === 'binary' && (e.op === 'min' || e.op === 'max')) {
    const parts = [ask(e.left), ask(e.right)];
    return (e.op === 'max') === large ? disjunction(parts) : conjunction(parts);
  }
  if (e.kind === 'unary' && e.op === 'abs' && cannotWrap(e)) {
    const parts = [ask(e.arg), ask(x.neg(e.arg))];
    return large ? disjunction(parts) : conjunction(parts);
  }
  if (e.kind === 'select') {
    const cond = decide(e.cond);
    if (isUniform(e.cond)) {
      return { kind: 'cases', arms: [{ guard: [e.cond], body: ask(e.then) }, { guard: [x.not(e.cond)], body: ask(e.otherwise) }] };
    }
    return disjunction([conjunction([cond, ask(e.then)]), conjunction([negate(cond), ask(e.otherwise)])]);
  }
  return undefined;
}

/**
 * A sum that fits, equal to `s` in every comparison with `a*q + b*k` within maxWeight: one term of unknown size is clamped.
 */
function fitted(s: Sum): Sum | undefined {
  if (fitsInt(shiftSum(s, 2)) && fitsInt(shiftSum(s, -2))) return s;
  const [term] = s.terms;
  if (term === undefined || s.terms.length > 1 || Math.abs(term.coefficient) !== 1 || Math.abs(s.constant) > beyond / 4) return undefined;
  return { constant: s.constant, terms: [{ expr: x.clamp(term.expr, x.int(-beyond), x.int(beyond)), coefficient: term.coefficient }] };
}

/** `s >= 0`, where it is linear or a bound. */
export function sumAtLeastZero(s: Sum): Formula | undefined {
  const [positional, uniform] = partition(s, (e) => !isUniform(e));
  if (positional.terms.every((t) => isPosition(t.expr))) {
    const weight = Math.abs(coefficientOf(s, 'q')) + Math.abs(coefficientOf(s, 'k'));
    const rest = fitted(uniform);
    if (weight > maxWeight || rest === undefined) return undefined;
    return atomFormula({ kind: 'linear', sum: combine(positional, 1, rest, 1) });
  }
  return quotientAtLeastZero(positional, uniform) ?? keyBound(s);
}

/** x div m + c >= 0 for linear x: x >= -c * m. */
function quotientAtLeastZero(positional: Sum, uniform: Sum): Formula | undefined {
  const [term] = positional.terms;
  if (term === undefined || positional.terms.length > 1 || Math.abs(term.coefficient) !== 1) return undefined;
  const e = term.expr;
  if (e.kind !== 'binary' || e.op !== 'div' || !atLeastOne(e.right) || !isUniform(e.right)) return undefined;
  const dividend = sumOf(e.left);
  if (!partition(dividend, (t) => !isUniform(t))[0].terms.every((t) => isPosition(t.expr))) return undefined;
  if (term.coefficient < 0) {
    // -(x div m) + c >= 0 is not (x div m - c - 1 >= 0)
    const inner = quotientAtLeastZero({ constant: 0, terms: [{ expr: e, coefficient: 1 }] }, shiftSum(negSum(uniform), -1));
    return inner === undefined ? undefined : negate(inner);
  }
  if (e.right.kind === 'literal') return sumAtLeastZero(combine(dividend, 1, uniform, e.right.value));
  if (uniform.terms.length > 0 || Math.abs(uniform.constant) > maxFactor) return undefined;
  // A modulus beyond the dividend gives -1 or 0, whatever it is.
  const reach = Math.max(Math.abs(knownRange(e.left).lo), knownRange(e.left).hi) + 1;
  if (reach * (maxFactor + 1) > intMax) return undefined;
  const modulus = knownRange(e.right).hi > reach ? x.min(e.right, x.int(reach)) : e.right;
  return sumAtLeastZero(combine(dividend, 1, { constant: 0, terms: [{ expr: modulus, coefficient: 1 }] }, uniform.constant));
}

/** A sum with k in one term only, which is k or k div m. */
function keyBound(s: Sum): Formula | undefined {
  const [keyed, rest] = partition(s, (e) => uses(e, 'k'));
  const [term] = keyed.terms;
  if (term === undefined || keyed.terms.length > 1 || Math.abs(term.coefficient) !== 1) return undefined;
  const modulus = keyModulus(term.expr);
  if (modulus === undefined) return undefined;
  const other = fitted(term.coefficient > 0 ? negSum(rest) : rest);
  if (other === undefined) return undefined;
  return atomFormula({ kind: 'bound', sense: term.coefficient > 0 ? 'least' : 'most', modulus, other });
}

function keyModulus(e: Expr): Expr | undefined {
  if (isPosition(e)) return x.int(1);
  if (e.kind !== 'binary') return undefined;
  if (!isPosition(e.left) || !isUniform(e.right)) return undefined;
  if (e.op === 'div') return atLeastOne(e.right) ? e.right : undefined;
  const count = knownRange(e.right);
  return e.op === 'shr' && count.lo >= 0 && count.hi <= 30 ? x.binary('shl', x.int(1), e.right) : undefined;
}

/**
 * Whether a divisor is at least 1 at every launch. The spec requires it of every divisor that is free of q, k and tensor
 * reads; those with h or b in them are asked for their range.
 */
export function atLeastOne(m: Expr): boolean {
  const refs = freeRefs(m);
  const required = readTensors(m).size === 0 && !['q', 'k', 'h', 'b'].some((name) => refs.has(name));
  return required || knownRange(m).lo >= 1;
}

interface Remainder {
  readonly dividend: Expr;
  readonly modulus: Expr;
}

function remainderOf(e: Expr): Remainder | undefined {
  if (e.kind !== 'binary' || e.op !== 'mod' || isUniform(e) || !isUniform(e.right)) return undefined;
  return { dividend: e.left, modulus: e.right };
}

/** Whether a uniform is known to be below a modulus (which is at least 1). */
function isBelow(e: Expr, modulus: Expr): boolean {
  if (knownRange(e).hi < 1) return true;
  return e.kind === 'binary' && e.op === 'mod' && sameExpr(e.right, modulus);
}

/** `x mod m == p` and `x mod m == y mod m` for linear x, y with factors -1, 0, 1. */
function congruence(left: Expr, right: Expr): Formula | undefined {
  const a = remainderOf(left);
  if (a === undefined) return undefined;
  const b = remainderOf(right);
  const paired = b !== undefined && sameExpr(a.modulus, b.modulus);
  if (!paired && !isUniform(right)) return undefined;
  const [positional, uniform] = partition(sumOf(a.dividend), isPosition);
  const [otherPositional, otherUniform] = paired ? partition(sumOf(b.dividend), isPosition) : [constantSum(0), constantSum(0)];
  if (![uniform, otherUniform].every((s) => s.terms.every((t) => isUniform(t.expr)) && fitsInt(s))) return undefined;
  const both = subSums(positional, otherPositional);
  const factors = [coefficientOf(both, 'q'), coefficientOf(both, 'k')] as const;
  if (factors.some((f) => Math.abs(f) > 1)) return undefined;
  // A modulus below 1 leaves 0, as 1 does.
  const modulus = atLeastOne(a.modulus) ? a.modulus : x.max(a.modulus, x.int(1));
  const wanted = paired ? x.mod(emit(otherUniform), modulus) : right;
  const inRange = paired ? yes : conjunction([
    knownRange(right).lo >= 0 ? yes : uniformFormula(x.ge(right, x.int(0))),
    isBelow(right, modulus) ? yes : uniformFormula(x.lt(right, modulus)),
  ]);
  const shift = x.mod(emit(uniform), modulus);
  const residue = shift.kind === 'literal' && shift.value === 0 ? wanted : x.mod(x.sub(wanted, shift), modulus);
  const [fq, fk] = factors;
  if (fq === 0 && fk === 0) return conjunction([inRange, uniformFormula(x.eq(residue, x.int(0)))]);
  // One sign of the two that say the same: q, or else k, counts upwards.
  const turn = fq < 0 || (fq === 0 && fk < 0);
  return conjunction([
    inRange,
    atomFormula({
      kind: 'congruence',
      q: turn ? -fq + 0 : fq,
      k: turn ? -fk + 0 : fk,
      modulus,
      residue: turn ? x.mod(x.neg(residue), modulus) : residue,
      holds: true,
    }),
  ]);
}

/** level(q, k) < count for k <= q, and count in int: q and k agree above bit count - 1. */
export function levelBelow(count: Expr): Formula {
  if (count.kind === 'literal' && count.value <= 0) return no;
  const shift = x.clamp(x.sub(x.min(count, x.int(levelLimit)), x.int(1)), x.int(0), x.int(levelLimit - 1));
  const modulus = x.binary('shl', x.int(1), shift);
  const quotientOfQuery = shift.kind === 'literal' && shift.value === 0 ? x.ref('q', 'int') : x.binary('shr', x.ref('q', 'int'), shift);
  return conjunction([
    uniformFormula(x.gt(count, x.int(0))),
    atomFormula({ kind: 'bound', sense: 'least', modulus, other: sumOf(quotientOfQuery) }),
  ]);
}

/** Levels of positions are below this: bit_length(2^24 - 1) + 1, and one to spare. */
const levelLimit = Math.log2(positionLimit) + 2;
