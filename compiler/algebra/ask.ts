/**
 * Questions about whole tiles. In: a part (or a formula), the box of a tile, and how its rows and keys are arranged. Out: a bool
 * expression of the tile: `mayHold` is true whenever some existing pair satisfies the part, and rarely otherwise; what holds
 * for no pair of the negation holds for all. Exact for linear atoms, congruences, marks and single opaque atoms whose interval
 * reasoning is exact; a conjunction of exact atoms can be asked too much (true although no pair satisfies all at once).
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { sameExpr } from '../expr/traverse.ts';
import type { KeyArrangement, RowArrangement } from '../plan/ir.ts';
import { truthOf, type Box, type Interval } from './abstract.ts';
import { outside, toParts, type Part } from './dnf.ts';
import { boundsMeet, keyBounds } from './eliminate.ts';
import {
  atomTest, combinationOf, domainIndex, isPosition, k, marksWord, negateAtom, uses, type Atom, type Formula,
} from './formula.ts';
import { anyPiece } from './pieces.ts';
import { coefficientOf, emit, fitsInt, negSum, partition } from './sums.ts';

export interface Arrangement {
  readonly rows: RowArrangement;
  readonly keys: KeyArrangement;
}

export const contiguous: Arrangement = { rows: { kind: 'contiguous' }, keys: { kind: 'contiguous' } };

/** Words of a marks table looked through for one tile; beyond, anything may be. */
const maxWords = 64;

type Congruence = Extract<Atom, { readonly kind: 'congruence' }>;

/** Whether q (or k) is one residue of `modulus` all over a tile. */
function fixedRows(a: Arrangement, modulus: Expr): boolean {
  return a.rows.kind === 'residue' && sameExpr(a.rows.modulus, modulus);
}
function fixedKeys(a: Arrangement, modulus: Expr): boolean {
  return a.keys.kind === 'residue' && sameExpr(a.keys.modulus, modulus);
}

/** Whether the atom is true of all pairs of a tile or of none, by the residues that the arrangement fixes. */
export function fixedByArrangement(atom: Congruence, a: Arrangement): boolean {
  return (atom.q === 0 || fixedRows(a, atom.modulus)) && (atom.k === 0 || fixedKeys(a, atom.modulus));
}

/** [lo, hi] of factorQ * q + factorK * k on the box, within what linear atoms along the same direction leave. */
function directionInterval(fq: number, fk: number, box: Box, part: Part): Interval {
  const side = (i: Interval, f: number, end: 'lo' | 'hi'): Expr => (f >= 0 ? i[end] : i[end === 'lo' ? 'hi' : 'lo']);
  let lo = combinationOf(fq, fk, side(box.q, fq, 'lo'), side(box.k, fk, 'lo'));
  let hi = combinationOf(fq, fk, side(box.q, fq, 'hi'), side(box.k, fk, 'hi'));
  for (const atom of part) {
    if (atom.kind !== 'linear') continue;
    const [, uniform] = partition(atom.sum, isPosition);
    const [aq, ak] = [coefficientOf(atom.sum, 'q'), coefficientOf(atom.sum, 'k')];
    if (!fitsInt(uniform)) continue;
    if (aq === fq && ak === fk) lo = x.max(lo, emit(negSum(uniform)));
    else if (aq === -fq && ak === -fk) hi = x.min(hi, emit(uniform));
  }
  return { lo, hi };
}

function congruenceMay(atom: Congruence, box: Box, part: Part, a: Arrangement): Expr {
  const { modulus: m, residue: r } = atom;
  if (fixedByArrangement(atom, a)) {
    const value = x.mod(combinationOf(atom.q, atom.k, box.q.lo, box.k.lo), m);
    return atom.holds ? x.eq(value, r) : x.ne(value, r);
  }
  const { lo, hi } = directionInterval(atom.q, atom.k, box, part);
  const first = x.mod(lo, m);
  // The first number of the residue at or after lo is lo + (r - lo) mod m.
  if (atom.holds) return x.le(x.mod(x.sub(r, first), m), x.sub(hi, lo));
  return x.or(x.and(x.lt(lo, hi), x.gt(m, x.int(1))), x.and(x.le(lo, hi), x.ne(first, r)));
}

/** Whether some bit (or some missing bit) of a marks table lies in [lo, hi]. */
function anyMark(atom: Extract<Atom, { readonly kind: 'member' }>, lo: Expr, hi: Expr): Expr {
  const five = x.int(5);
  const [from, to] = [x.binary('shr', lo, five), x.binary('shr', hi, five)];
  const w = x.ref('mark_word', 'int');
  const word = marksWord(atom.what, atom.list, w);
  const wanted = atom.holds ? word : x.unary('bit_not', word);
  const above = x.select(x.eq(w, from), x.binary('shl', x.int(-1), x.binary('bit_and', lo, x.int(31))), x.int(-1));
  const below = x.select(x.eq(w, to), x.sub(x.binary('shl', x.int(2), x.binary('bit_and', hi, x.int(31))), x.int(1)), x.int(-1));
  const hit = x.ne(x.binary('bit_and', wanted, x.binary('bit_and', above, below)), x.int(0));
  const few = x.lt(x.sub(to, from), x.int(maxWords));
  const scan = x.fold('any', 'mark_word', from, x.select(few, x.add(to, x.int(1)), from), hit);
  return x.and(x.le(lo, hi), x.or(x.not(few), scan));
}

function memberMay(atom: Extract<Atom, { readonly kind: 'member' }>, box: Box, part: Part): Expr {
  switch (atom.what) {
    case 'keys':
      return anyMark(atom, box.k.lo, box.k.hi);
    case 'queries': {
      const at = (e: Expr): Expr => domainIndex('queries', { q: e, k });
      return anyMark(atom, at(box.q.lo), at(box.q.hi));
    }
    case 'slashes': {
      const { lo, hi } = directionInterval(1, -1, box, part);
      const at = (difference: Expr): Expr => domainIndex('slashes', { q: difference, k: x.int(0) });
      return anyMark(atom, at(lo), at(hi));
    }
    default:
      return unreachable(atom.what);
  }
}

/** Whether one atom can hold on the tile, given the rest of its part. */
function atomMay(atom: Atom, box: Box, part: Part, a: Arrangement): Expr {
  switch (atom.kind) {
    case 'linear':
    case 'uniform':
      // Asked together: keyBounds.
      return x.trueExpr;
    case 'bound':
      return truthOf(atomTest(atom), box).may;
    case 'congruence':
      return congruenceMay(atom, box, part, a);
    case 'member':
      return memberMay(atom, box, part);
    case 'opaque':
      return truthOf(atom.cond, box).may;
    default:
      return unreachable(atom);
  }
}

const conditionsOf = (part: Part): readonly Expr[] => part.flatMap((atom) => (atom.kind === 'opaque' ? [atom.cond] : []));

/** What is asked of the whole tile: everything but opaque atoms. */
function wholeMay(part: Part, box: Box, a: Arrangement): Expr {
  return x.all([
    // Bounds by quotients are asked as quotients: that takes no products.
    boundsMeet(keyBounds(part.filter((atom) => atom.kind !== 'bound'), box.q), box.k),
    ...part.filter((atom) => atom.kind !== 'opaque').map((atom) => atomMay(atom, box, part, a)),
  ]);
}

/** What is asked of each piece: opaque atoms, and the bounds beside them where there is more than one piece. */
function pieceMay(part: Part, piece: Box, cut: boolean): Expr {
  const beside = part.flatMap((atom) => (cut && atom.kind === 'bound' ? [atomTest(atom)] : []));
  const conditions = conditionsOf(part);
  return x.all([...conditions, ...beside].map((e) => truthOf(e, { ...piece, beside: conditions.filter((other) => other !== e) }).may));
}

/** Whether some pair of the tile may satisfy one of the parts. */
export function anyMayHold(parts: readonly Part[], box: Box, a: Arrangement): Expr {
  const [plain, opaque] = [parts.filter((p) => conditionsOf(p).length === 0), parts.filter((p) => conditionsOf(p).length > 0)];
  const byPieces = anyPiece(box, opaque.flatMap(conditionsOf), (piece) => {
    const cut = piece.q !== box.q || piece.k !== box.k;
    return x.any(opaque.map((part) => x.and(wholeMay(part, box, a), pieceMay(part, piece, cut))));
  });
  return x.or(x.any(plain.map((part) => wholeMay(part, box, a))), byPieces);
}

/** Whether some pair of the tile may satisfy every atom of the part. */
export function mayHold(part: Part, box: Box, a: Arrangement): Expr {
  return anyMayHold([part], box, a);
}

/** The same for a formula that has too many parts. */
export function formulaMay(f: Formula, box: Box, a: Arrangement): Expr {
  switch (f.kind) {
    case 'constant':
      return x.bool(f.value);
    case 'atom':
      return mayHold([f.atom], box, a);
    case 'and':
      return x.all(f.args.map((g) => formulaMay(g, box, a)));
    case 'or':
      return x.any(f.args.map((g) => formulaMay(g, box, a)));
    case 'cases':
      return x.any(f.arms.map((arm) => x.and(x.all(arm.guard), formulaMay(arm.body, box, a))));
    default:
      return unreachable(f);
  }
}

const isGuard = (atom: Atom): boolean => atom.kind === 'uniform';

/**
 * Whether every pair of the tile is in one of the parts. Parts under uniform guards (the cases of a choice) are taken guard by
 * guard: under a set of guards, the parts that need no other must cover the tile.
 */
export function allHold(parts: readonly Part[], box: Box, a: Arrangement): Expr {
  const guardSets = new Map<string, readonly Expr[]>();
  for (const part of parts) {
    const guards = part.flatMap((atom) => (atom.kind === 'uniform' ? [atom.cond] : []));
    guardSets.set(JSON.stringify(guards), guards);
  }
  return x.any([...guardSets.values()].map((guards) => {
    const among = (e: Expr): boolean => guards.some((g) => sameExpr(g, e));
    const here = parts.filter((part) => part.every((atom) => atom.kind !== 'uniform' || among(atom.cond)));
    return x.and(x.all(guards), coversTile(here.map((part) => part.filter((atom) => !isGuard(atom))), box, a));
  }));
}

function coversTile(parts: readonly Part[], box: Box, a: Arrangement): Expr {
  const missing = toParts(outside(parts));
  if (missing !== undefined) return x.not(anyMayHold(missing, box, a));
  // Too many ways to miss the union: one part must cover the tile alone.
  return x.any(parts.map((part) => x.all(part.map((atom) => x.not(mayHold([negateAtom(atom)], box, a))))));
}

/** Whether an atom can be asked of the query tile alone. */
export function freeOfKeys(atom: Atom): boolean {
  switch (atom.kind) {
    case 'linear':
    case 'bound':
    case 'uniform':
      return false;
    case 'congruence':
      return atom.k === 0;
    case 'member':
      return atom.what === 'queries';
    case 'opaque':
      return !uses(atom.cond, 'k');
    default:
      return unreachable(atom);
  }
}
