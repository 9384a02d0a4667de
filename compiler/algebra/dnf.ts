/**
 * Formulas as unions of parts. In: a formula. Out: parts (conjunctions of atoms) whose union is the formula, without
 * duplicates, contradictions, atoms that others imply, or parts that lie in another; undefined when there would be too
 * many. Parts may overlap.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { sameExpr } from '../expr/traverse.ts';
import { atomFormula, atomKey, conjunction, negate, negateAtom, uniformFormula, type Atom, type Formula } from './formula.ts';
import { leastOf, subSums } from './sums.ts';

/** A conjunction; empty: everything. */
export type Part = readonly Atom[];

/** More parts than this are not worth walking one by one. */
export const maxParts = 24;
/** On the way; simplification often brings it down again. */
const maxOnTheWay = 96;

const keys = new WeakMap<Atom, string>();
function keyOf(atom: Atom): string {
  const known = keys.get(atom);
  if (known !== undefined) return known;
  const key = atomKey(atom);
  keys.set(atom, key);
  return key;
}

function equalsLiteral(e: Expr): { readonly subject: Expr; readonly value: number } | undefined {
  return e.kind === 'binary' && e.op === 'eq' && e.right.kind === 'literal' ? { subject: e.left, value: e.right.value } : undefined;
}

/** `x == 3` implies `x != 4`. */
function uniformImplies(a: Expr, b: Expr): boolean {
  const known = equalsLiteral(a);
  if (known === undefined || b.kind !== 'binary' || b.op !== 'ne' || b.right.kind !== 'literal') return false;
  return sameExpr(known.subject, b.left) && known.value !== b.right.value;
}

/** Whether `a` is known to imply `b` (false: not known). */
export function implies(a: Atom, b: Atom): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  if (keyOf(a) === keyOf(b)) return true;
  switch (a.kind) {
    case 'linear':
      return b.kind === 'linear' && leastOf(subSums(b.sum, a.sum)) >= 0;
    case 'bound':
      if (b.kind !== 'bound' || a.sense !== b.sense || !sameExpr(a.modulus, b.modulus)) return false;
      return leastOf(a.sense === 'least' ? subSums(a.other, b.other) : subSums(b.other, a.other)) >= 0;
    case 'congruence':
      return (
        b.kind === 'congruence' && a.holds && !b.holds && a.q === b.q && a.k === b.k && sameExpr(a.modulus, b.modulus) &&
        a.residue.kind === 'literal' && b.residue.kind === 'literal' && a.residue.value !== b.residue.value
      );
    case 'uniform':
      return b.kind === 'uniform' && uniformImplies(a.cond, b.cond);
    case 'member':
    case 'opaque':
      return false;
    default:
      return unreachable(a);
  }
}

export function contradict(a: Atom, b: Atom): boolean {
  return implies(a, negateAtom(b)) || implies(b, negateAtom(a));
}

/** The part and the atom together; undefined when nothing satisfies both. */
function withAtom(part: Part, atom: Atom): Part | undefined {
  if (part.some((a) => implies(a, atom))) return part;
  if (part.some((a) => contradict(a, atom))) return undefined;
  return [...part.filter((a) => !implies(atom, a)), atom];
}

/** Both parts together; undefined when nothing satisfies both. */
export function meet(a: Part, b: Part): Part | undefined {
  let out: Part | undefined = a;
  for (const atom of b) out = out === undefined ? undefined : withAtom(out, atom);
  return out;
}

/** Whether every pair of `a` is known to be in `b`. */
export function within(a: Part, b: Part): boolean {
  return b.every((atom) => a.some((other) => implies(other, atom)));
}

/** Drops parts that lie in another. */
export function simplifyParts(parts: readonly Part[]): readonly Part[] {
  const kept: Part[] = [];
  for (const part of parts) {
    if (kept.some((other) => within(part, other))) continue;
    for (let i = kept.length - 1; i >= 0; i -= 1) {
      const other = kept[i];
      if (other !== undefined && within(other, part)) kept.splice(i, 1);
    }
    kept.push(part);
  }
  return kept;
}

/** Every part of `a` with every part of `b`. */
export function product(a: readonly Part[], b: readonly Part[]): readonly Part[] | undefined {
  if (a.length * b.length > maxOnTheWay * 8) return undefined;
  const met = a.flatMap((p) => b.map((r) => meet(p, r)));
  const out = simplifyParts(met.filter((p) => p !== undefined));
  return out.length > maxOnTheWay ? undefined : out;
}

function expandUnion(args: readonly Formula[]): readonly Part[] | undefined {
  const out: Part[] = [];
  for (const arg of args) {
    const parts = expand(arg);
    if (parts === undefined) return undefined;
    out.push(...parts);
  }
  const simple = simplifyParts(out);
  return simple.length > maxOnTheWay ? undefined : simple;
}

function expand(f: Formula): readonly Part[] | undefined {
  switch (f.kind) {
    case 'constant':
      return f.value ? [[]] : [];
    case 'atom':
      return [[f.atom]];
    case 'cases':
      return expandUnion(f.arms.map((arm) => conjunction([...arm.guard.map(uniformFormula), arm.body])));
    case 'or':
    case 'and': {
      if (f.kind === 'or') return expandUnion(f.args);
      let out: readonly Part[] | undefined = [[]];
      for (const arg of f.args) {
        const parts = expand(arg);
        out = parts === undefined || out === undefined ? undefined : product(out, parts);
      }
      return out;
    }
    default:
      return unreachable(f);
  }
}

/** The formula as a union of parts; undefined when there are too many. */
export function toParts(f: Formula): readonly Part[] | undefined {
  const parts = expand(f);
  return parts === undefined || parts.length > maxParts ? undefined : parts;
}

export function partFormula(part: Part): Formula {
  return conjunction(part.map(atomFormula));
}

/** The pairs in none of `parts`. */
export function outside(parts: readonly Part[]): Formula {
  return conjunction(parts.map((p) => negate(partFormula(p))));
}
