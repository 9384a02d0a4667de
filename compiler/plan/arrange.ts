/**
 * Which arrangement of rows and keys makes a part dense. In: a part. Out: the arrangement, and the atoms that it does not already
 * imply. Congruences become residue classes (rows, keys, or keys that follow the rows' class), a list of keys becomes
 * listed keys; everything else stays contiguous.
 */
import type { Arrangement } from '../algebra/ask.ts';
import type { Part } from '../algebra/dnf.ts';
import { memberKey, type Atom } from '../algebra/formula.ts';
import { qFirst } from '../algebra/eliminate.ts';
import * as x from '../expr/build.ts';
import { exprKey, sameExpr } from '../expr/traverse.ts';
import type { KeyArrangement, RowArrangement } from './ir.ts';

export interface Arranged {
  readonly arrangement: Arrangement;
  /** The part without the atoms that rows and keys imply. */
  readonly rest: Part;
  /** The part itself. */
  readonly whole: Part;
}

type Congruence = Extract<Atom, { readonly kind: 'congruence' }>;

const isCongruence = (atom: Atom): atom is Congruence => atom.kind === 'congruence' && atom.holds;

/** Name of the table of the distinct entries of a list, in order. */
export function sortedName(list: string): string {
  return `${list}_sorted`;
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
  const rows: RowArrangement = ofRows !== undefined
    ? { kind: 'residue', modulus: ofRows.modulus, only: ofRows.residue }
    : link !== undefined ? { kind: 'residue', modulus: link.modulus } : { kind: 'contiguous' };
  const keyAtom = link ?? ofKeys;
  const keys: KeyArrangement = keyAtom !== undefined
    ? keysOfClass(keyAtom)
    : listed?.kind === 'member'
      ? { kind: 'listed', table: sortedName(listed.list.tensor), leading: listed.list.leading }
      : { kind: 'contiguous' };
  const implied = new Set<Atom>([ofRows, keyAtom, keyAtom === undefined ? listed : undefined].filter((a) => a !== undefined));
  return { arrangement: { rows, keys }, rest: part.filter((atom) => !implied.has(atom)), whole: part };
}

/** The same string for the same arrangement of rows. */
export function rowsKey(rows: RowArrangement): string {
  if (rows.kind === 'contiguous') return 'contiguous';
  return `residue ${exprKey(rows.modulus)} ${rows.only === undefined ? '' : exprKey(rows.only)}`;
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
