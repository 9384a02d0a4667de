/**
 * Which arrangement of rows and keys makes a part dense. In: a part. Out: the arrangement, and the atoms that it does not already
 * imply. Congruences become residue classes (rows, keys, or keys that follow the rows' class), a list of keys becomes
 * listed keys, a list of queries listed rows unless the keys follow the row; everything else stays contiguous.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Arrangement } from '../algebra/ask.ts';
import type { Part } from '../algebra/dnf.ts';
import { memberKey, uses, type Atom } from '../algebra/formula.ts';
import { qFirst } from '../algebra/eliminate.ts';
import { coefficientOf } from '../algebra/sums.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { exprKey, sameExpr } from '../expr/traverse.ts';
import type { KeyArrangement, RowArrangement } from './ir.ts';

export interface Arranged {
  readonly arrangement: Arrangement;
  /** The part without the atoms that rows and keys imply. */
  readonly rest: Part;
  /** The part itself. */
  readonly whole: Part;
  /** What the arrangement says of each of its rows; undefined where it holds all rows. */
  readonly ofRows: Atom | undefined;
}

type Congruence = Extract<Atom, { readonly kind: 'congruence' }>;
type Member = Extract<Atom, { readonly kind: 'member' }>;

const isCongruence = (atom: Atom): atom is Congruence => atom.kind === 'congruence' && atom.holds;

/** Name of the table of the distinct entries of a list, in order. */
export function sortedName(domain: 'keys' | 'queries', list: string): string {
  return `${list}_${domain}_sorted`;
}

/** Whether something of the row equals something of the key, as in segments: it holds near the row. */
function isShared(cond: Expr): boolean {
  if (cond.kind !== 'binary' || cond.op !== 'eq') return false;
  const has = (e: Expr): string => ['q', 'k'].filter((name) => uses(e, name)).join('');
  return `${has(cond.left)} ${has(cond.right)}` === 'q k' || `${has(cond.left)} ${has(cond.right)}` === 'k q';
}

/** To which sides an atom bounds the keys by something that moves with the row. */
function followsRow(atom: Atom): readonly ('below' | 'above')[] {
  switch (atom.kind) {
    case 'linear': {
      const key = coefficientOf(atom.sum, 'k');
      return key === 0 || coefficientOf(atom.sum, 'q') === 0 ? [] : [key > 0 ? 'below' : 'above'];
    }
    case 'bound':
      return atom.other.terms.some((t) => uses(t.expr, 'q')) ? [atom.sense === 'least' ? 'below' : 'above'] : [];
    case 'congruence':
      return atom.holds && atom.q !== 0 && atom.k !== 0 ? ['below', 'above'] : [];
    case 'member':
      return atom.holds && atom.what === 'slashes' ? ['below', 'above'] : [];
    case 'opaque':
      return isShared(atom.cond) ? ['below', 'above'] : [];
    case 'uniform':
      return [];
    default:
      return unreachable(atom);
  }
}

/**
 * The list whose rows are gathered. Rows far from each other are worth a tile of their own where they see the same keys; where each sees a
 * stretch around itself, a tile of them would walk all that lies between.
 */
function gatheredRows(part: Part): Member | undefined {
  const sides = new Set(part.flatMap(followsRow));
  return sides.size === 2 ? undefined : part.find((atom): atom is Member => atom.kind === 'member' && atom.what === 'queries' && atom.holds);
}

/** Keys k with (a*q + b*k) mod m == r for a row class: k = b * (r - a*q) mod m, which stays within (-2m, 2m). */
function keysOfClass(atom: Congruence): KeyArrangement {
  const q = x.mod(qFirst, atom.modulus);
  const target = atom.q === 0 ? atom.residue : atom.q > 0 ? x.sub(atom.residue, q) : x.add(atom.residue, q);
  return { kind: 'residue', modulus: atom.modulus, residue: atom.k > 0 ? target : x.neg(target) };
}

/** The arrangement of one part. */
export function arrange(part: Part): Arranged {
  const congruences = part.filter(isCongruence);
  const link = congruences.find((c) => c.q !== 0 && c.k !== 0);
  const ofRows = congruences.find((c) => c.k === 0 && (link === undefined || sameExpr(link.modulus, c.modulus)));
  const ofKeys = congruences.find((c) => c.q === 0);
  const listed = part.find((atom) => atom.kind === 'member' && atom.what === 'keys' && atom.holds);
  const gathered = ofRows === undefined && link === undefined ? gatheredRows(part) : undefined;
  const rows: RowArrangement = ofRows !== undefined
    ? { kind: 'residue', modulus: ofRows.modulus, only: ofRows.residue }
    : link !== undefined ? { kind: 'residue', modulus: link.modulus }
      : gathered !== undefined ? { kind: 'listed', table: sortedName('queries', gathered.list.tensor), leading: gathered.list.leading } : { kind: 'contiguous' };
  const keyAtom = link ?? ofKeys;
  const keys: KeyArrangement = keyAtom !== undefined
    ? keysOfClass(keyAtom)
    : listed?.kind === 'member'
      ? { kind: 'listed', table: sortedName('keys', listed.list.tensor), leading: listed.list.leading }
      : { kind: 'contiguous' };
  const implied = new Set<Atom>([ofRows, gathered, keyAtom, keyAtom === undefined ? listed : undefined].filter((a) => a !== undefined));
  return { arrangement: { rows, keys }, rest: part.filter((atom) => !implied.has(atom)), whole: part, ofRows: ofRows ?? gathered };
}

/** The same string for the same arrangement of rows. */
export function rowsKey(rows: RowArrangement): string {
  switch (rows.kind) {
    case 'contiguous':
      return 'contiguous';
    case 'residue':
      return `residue ${exprKey(rows.modulus)} ${rows.only === undefined ? '' : exprKey(rows.only)}`;
    case 'listed':
      return `listed ${rows.table} ${rows.leading.map(exprKey).join(',')}`;
    default:
      return unreachable(rows);
  }
}

/** The same string for the same arrangement of keys. */
export function keysKey(keys: KeyArrangement): string {
  switch (keys.kind) {
    case 'contiguous':
      return 'contiguous';
    case 'residue':
      return `residue ${exprKey(keys.modulus)} ${exprKey(keys.residue)}`;
    case 'listed':
      return `listed ${keys.table} ${keys.leading.map(exprKey).join(',')}`;
  }
}

/** What an arrangement implies of a part that was put into it: its atoms that need not be asked again. */
export function withoutImplied(part: Part, home: Arranged): Part {
  const implied = home.whole.filter((atom) => !home.rest.includes(atom));
  const same = (a: Atom, b: Atom): boolean => a === b || (a.kind === 'member' && b.kind === 'member' && a.holds === b.holds && memberKey(a) === memberKey(b)) ||
    (a.kind === 'congruence' && b.kind === 'congruence' && a.holds === b.holds && a.q === b.q && a.k === b.k && sameExpr(a.modulus, b.modulus) && sameExpr(a.residue, b.residue));
  return part.filter((atom) => !implied.some((other) => same(atom, other)));
}
