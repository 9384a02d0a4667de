/**
 * Masks as formulas over atoms: what the algebra can reason about. An atom is a statement about one pair (q, k) of one
 * batch and head; `uniform` means free of q and k. Formulas are in negation normal form: only atoms are negated, and
 * `negate` keeps them so. `atomTest` gives an atom back as an element-level expression.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { exprKey, freeRefs } from '../expr/traverse.ts';
import type { TensorUse } from '../spec/ir.ts';
import { emit, emitAtLeastZero, leastOf, negSum, shiftSum, type Sum } from './sums.ts';

export type Atom =
  /** sum >= 0; positions occur as the terms q and k only. The uniform part fits 32 bits. */
  | { readonly kind: 'linear'; readonly sum: Sum }
  /** k div modulus >= other (least) or <= other (most); `other` is free of k and may use q in any way. modulus >= 1. */
  | { readonly kind: 'bound'; readonly sense: 'least' | 'most'; readonly modulus: Expr; readonly other: Sum }
  /** (q*q + k*k) mod modulus == residue, factors -1, 0, 1; 0 <= residue < modulus where it holds; modulus >= 1, uniform. */
  | { readonly kind: 'congruence'; readonly q: number; readonly k: number; readonly modulus: Expr; readonly residue: Expr; readonly holds: boolean }
  | { readonly kind: 'uniform'; readonly cond: Expr }
  /** The position (or the difference q - k) is an entry of the list. */
  | { readonly kind: 'member'; readonly what: 'keys' | 'queries' | 'slashes'; readonly list: TensorUse; readonly holds: boolean }
  | { readonly kind: 'opaque'; readonly cond: Expr };

export type Formula =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'atom'; readonly atom: Atom }
  | { readonly kind: 'and' | 'or'; readonly args: readonly Formula[] }
  /** The body of the one arm whose uniform guard holds; guards exclude each other and leave nothing out. */
  | { readonly kind: 'cases'; readonly arms: readonly { readonly guard: readonly Expr[]; readonly body: Formula }[] };

export const yes: Formula = { kind: 'constant', value: true };
export const no: Formula = { kind: 'constant', value: false };

export const q: Expr = x.ref('q', 'int');
export const k: Expr = x.ref('k', 'int');
export const nQ: Expr = x.ref('n_q', 'int');
export const nK: Expr = x.ref('n_k', 'int');

export const isPosition = (e: Expr): boolean => e.kind === 'ref' && (e.name === 'q' || e.name === 'k');

export function uses(e: Expr, name: string): boolean {
  return freeRefs(e).has(name);
}

/** Free of q and k. */
export function isUniform(e: Expr): boolean {
  const refs = freeRefs(e);
  return !refs.has('q') && !refs.has('k');
}

export function conjunction(args: readonly Formula[]): Formula {
  const flat = args.flatMap((f) => (f.kind === 'and' ? f.args : [f])).filter((f) => f.kind !== 'constant' || !f.value);
  if (flat.some((f) => f.kind === 'constant')) return no;
  const first = flat[0];
  return first === undefined ? yes : flat.length === 1 ? first : { kind: 'and', args: flat };
}

export function disjunction(args: readonly Formula[]): Formula {
  const flat = args.flatMap((f) => (f.kind === 'or' ? f.args : [f])).filter((f) => f.kind !== 'constant' || f.value);
  if (flat.some((f) => f.kind === 'constant')) return yes;
  const first = flat[0];
  return first === undefined ? no : flat.length === 1 ? first : { kind: 'or', args: flat };
}

/** An atom as a formula; what is known beforehand becomes a constant. */
export function atomFormula(atom: Atom): Formula {
  switch (atom.kind) {
    case 'linear': {
      if (leastOf(atom.sum) >= 0) return yes;
      if (leastOf(negSum(atom.sum)) > 0) return no;
      return atom.sum.terms.some((t) => isPosition(t.expr))
        ? { kind: 'atom', atom }
        : atomFormula({ kind: 'uniform', cond: emitAtLeastZero(atom.sum, isPosition) });
    }
    case 'uniform':
    case 'opaque':
      return atom.cond.kind === 'literal' ? { kind: 'constant', value: atom.cond.value !== 0 } : { kind: 'atom', atom };
    case 'congruence':
      return atom.modulus.kind === 'literal' && atom.modulus.value === 1 ? { kind: 'constant', value: atom.holds } : { kind: 'atom', atom };
    case 'bound':
    case 'member':
      return { kind: 'atom', atom };
    default:
      return unreachable(atom);
  }
}

export function uniformFormula(cond: Expr): Formula {
  return atomFormula({ kind: 'uniform', cond });
}

export function negateAtom(atom: Atom): Atom {
  switch (atom.kind) {
    case 'linear':
      return { kind: 'linear', sum: shiftSum(negSum(atom.sum), -1) };
    case 'bound':
      return atom.sense === 'least'
        ? { ...atom, sense: 'most', other: shiftSum(atom.other, -1) }
        : { ...atom, sense: 'least', other: shiftSum(atom.other, 1) };
    case 'congruence':
    case 'member':
      return { ...atom, holds: !atom.holds };
    case 'uniform':
    case 'opaque':
      return { ...atom, cond: x.not(atom.cond) };
    default:
      return unreachable(atom);
  }
}

export function negate(f: Formula): Formula {
  switch (f.kind) {
    case 'constant':
      return f.value ? no : yes;
    case 'atom':
      return atomFormula(negateAtom(f.atom));
    case 'and':
      return disjunction(f.args.map(negate));
    case 'or':
      return conjunction(f.args.map(negate));
    case 'cases':
      return { kind: 'cases', arms: f.arms.map((arm) => ({ guard: arm.guard, body: negate(arm.body) })) };
    default:
      return unreachable(f);
  }
}

/** The same string for the same statement. */
export function atomKey(atom: Atom): string {
  switch (atom.kind) {
    case 'linear':
      return `linear ${sumKey(atom.sum)}`;
    case 'bound':
      return `${atom.sense} ${exprKey(atom.modulus)} ${sumKey(atom.other)}`;
    case 'congruence':
      return `congruence ${atom.q} ${atom.k} ${exprKey(atom.modulus)} ${exprKey(atom.residue)} ${atom.holds}`;
    case 'member':
      return `member ${memberKey(atom)} ${atom.holds}`;
    case 'uniform':
    case 'opaque':
      return `${atom.kind} ${exprKey(atom.cond)}`;
    default:
      return unreachable(atom);
  }
}

export function sumKey(s: Sum): string {
  return `${s.constant} ${s.terms.map((t) => `${t.coefficient}*${exprKey(t.expr)}`).join(' ')}`;
}

export function memberKey(m: { readonly what: string; readonly list: TensorUse }): string {
  return `${m.what} ${m.list.tensor}[${m.list.leading.map(exprKey).join(',')}]`;
}

/** Name of the bit set made of a list (compiler/plan/ir.ts, `marks`). */
export function marksName(what: 'keys' | 'queries' | 'slashes', list: string): string {
  return `${list}_${what}_marks`;
}

/** Index of a position, or of a difference, in the domain of a marks table. */
export function domainIndex(what: 'keys' | 'queries' | 'slashes', at: { readonly q: Expr; readonly k: Expr }): Expr {
  switch (what) {
    case 'keys':
      return at.k;
    case 'queries':
      return x.sub(at.q, x.sub(nK, nQ));
    case 'slashes':
      return x.add(x.sub(at.q, at.k), x.sub(nQ, x.int(1)));
    default:
      return unreachable(what);
  }
}

/** A word of the marks table of a list. */
export function marksWord(what: 'keys' | 'queries' | 'slashes', list: TensorUse, word: Expr): Expr {
  return x.read(marksName(what, list.tensor), 'int', [...list.leading, word]);
}

/** `p div modulus`, as a shift where the modulus is a power of two by construction. */
export function quotient(p: Expr, modulus: Expr): Expr {
  if (modulus.kind === 'binary' && modulus.op === 'shl' && modulus.left.kind === 'literal' && modulus.left.value === 1) {
    return x.binary('shr', p, modulus.right);
  }
  return x.div(p, modulus);
}

/** The atom as a bool of q and k. */
export function atomTest(atom: Atom): Expr {
  switch (atom.kind) {
    case 'linear':
      return emitAtLeastZero(atom.sum, isPosition);
    case 'bound': {
      const key = quotient(k, atom.modulus);
      const { constant } = atom.other;
      if (atom.sense === 'least') {
        return constant === 1 ? x.gt(key, emit({ ...atom.other, constant: 0 })) : x.ge(key, emit(atom.other));
      }
      return constant === -1 ? x.lt(key, emit({ ...atom.other, constant: 0 })) : x.le(key, emit(atom.other));
    }
    case 'congruence': {
      const sum = x.mod(combinationOf(atom.q, atom.k, q, k), atom.modulus);
      return atom.holds ? x.eq(sum, atom.residue) : x.ne(sum, atom.residue);
    }
    case 'member': {
      const index = domainIndex(atom.what, { q, k });
      const word = marksWord(atom.what, atom.list, x.binary('shr', index, x.int(5)));
      const bit = x.binary('bit_and', x.binary('shr', word, x.binary('bit_and', index, x.int(31))), x.int(1));
      return atom.holds ? x.ne(bit, x.int(0)) : x.eq(bit, x.int(0));
    }
    case 'uniform':
    case 'opaque':
      return atom.cond;
    default:
      return unreachable(atom);
  }
}

/** a*q + b*k for factors -1, 0, 1. */
export function combinationOf(a: number, b: number, qAt: Expr, kAt: Expr): Expr {
  return emitPair(a, qAt, b, kAt);
}

function emitPair(a: number, qAt: Expr, b: number, kAt: Expr): Expr {
  if (a >= b) return x.add(x.mul(qAt, x.int(a)), x.mul(kAt, x.int(b)));
  return x.add(x.mul(kAt, x.int(b)), x.mul(qAt, x.int(a)));
}

/** The atoms of a formula, as they stand in it. */
export function atomsOf(f: Formula): readonly Atom[] {
  switch (f.kind) {
    case 'constant':
      return [];
    case 'atom':
      return [f.atom];
    case 'and':
    case 'or':
      return f.args.flatMap(atomsOf);
    case 'cases':
      return f.arms.flatMap((arm) => atomsOf(arm.body));
    default:
      return unreachable(f);
  }
}
