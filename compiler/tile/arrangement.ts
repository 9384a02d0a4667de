/**
 * Rows and keys of a tile as numbers. In: how a pass arranges its rows and a phase its keys. Out: scalar statements and
 * expressions for them. Every arrangement is `base + i * step` over slots, except listed keys and rows, which are read from a sorted table.
 * Steps are clamped to the sequence length, so that products of rows and keys that exist stay within 32 bits.
 */
import type { Expr } from '../expr/ir.ts';
import { add, and, div, eq, ge, int, lt, max, min, mod, mul, read, ref, select, sub } from '../expr/build.ts';
import { freeRefs, readTensors } from '../expr/traverse.ts';
import type { KeyArrangement, RowArrangement } from '../plan/ir.ts';
import type { Builder } from './build.ts';
import type { TileStmt } from './ir.ts';
import { bufferName, type Names } from './names.ts';

export const nQ = ref('n_q', 'int');
export const nK = ref('n_k', 'int');

export function ceilDiv(a: Expr, b: Expr): Expr {
  return div(add(a, sub(b, int(1))), b);
}

/** The position of query row 0. */
export const firstPosition = sub(nK, nQ);

/** Members of a residue class of `n` rows or keys with this modulus, at most (launch level). */
function classSize(n: Expr, modulus: Expr): Expr {
  return ceilDiv(n, max(int(1), min(modulus, n)));
}

/** Tiles along the row axis of the grid (in the names of `modulus`). */
export function rowTiles(rows: Exclude<RowArrangement, { readonly kind: 'listed' }>, tileRows: Expr, modulus: Expr): Expr {
  switch (rows.kind) {
    case 'contiguous':
      return ceilDiv(nQ, tileRows);
    case 'residue': {
      const perClass = ceilDiv(classSize(nQ, modulus), tileRows);
      return rows.only === undefined ? mul(min(modulus, nQ), perClass) : perClass;
    }
  }
}

/** Whether a launch knows the modulus of a pass, and with it how many tiles its rows make. */
export function isLaunchModulus(modulus: Expr): boolean {
  const refs = freeRefs(modulus);
  return readTensors(modulus).size === 0 && !refs.has('h') && !refs.has('b');
}

/**
 * Statements that define `row_base` and `row_step`: row i of the tile is row_base + i * row_step, existing while below n_q; of listed rows
 * `row_base` and `row_count`, slots of the table: row i is the entry of slot row_base + i, existing while below row_count.
 */
export function defineRows(b: Builder, names: Names, rows: RowArrangement, tileRows: number): readonly TileStmt[] {
  const tile = ref('tile', 'int');
  if (rows.kind === 'contiguous') {
    return [b.letScalar('row_base', mul(tile, int(tileRows))), b.letScalar('row_step', int(1))];
  }
  if (rows.kind === 'listed') {
    return [
      b.note('rows of a list, in order'),
      b.letScalar('row_base', mul(tile, int(tileRows))),
      b.letScalar('row_count', listedEntry(names, rows.table, rows.leading, int(-1))),
    ];
  }
  const modulus = names.inside(rows.modulus);
  const step = ref('row_step', 'int');
  const perClass = ref('tiles_per_class', 'int');
  const within = mul(mul(mod(tile, perClass), int(tileRows)), step);
  const wanted = (only: Expr): Expr => mod(sub(mod(names.inside(only), modulus), mod(firstPosition, modulus)), modulus);
  // Where only the kernel knows the modulus there may be more instances than tiles: those beyond have a class that no row is in.
  const rowClass = rows.only === undefined
    ? div(tile, perClass)
    : isLaunchModulus(rows.modulus) ? wanted(rows.only) : select(lt(tile, perClass), wanted(rows.only), nQ);
  return [
    b.note('rows of one residue class, a modulus apart'),
    b.letScalar('row_step', max(int(1), min(modulus, nQ))),
    b.letScalar('tiles_per_class', ceilDiv(ceilDiv(nQ, step), int(tileRows))),
    b.letScalar('row_class', rowClass),
    b.letScalar('row_base', select(lt(ref('row_class', 'int'), min(modulus, nQ)), add(ref('row_class', 'int'), within), nQ)),
  ];
}

/** Rows of the arrangement: the tile has some while `row_base` is below. */
export function rowLimit(rows: RowArrangement): Expr {
  return rows.kind === 'listed' ? ref('row_count', 'int') : nQ;
}

/** Rows of a tile that has some. */
export function rowsHere(rows: RowArrangement, tileRows: number): Expr {
  const left = sub(rowLimit(rows), ref('row_base', 'int'));
  return min(int(tileRows), rows.kind === 'listed' ? left : ceilDiv(left, ref('row_step', 'int')));
}

/** Row i of the tile (before asking whether it exists; only `row_count` entries of a table are written, slots beyond repeat the last). */
export function rowAt(names: Names, rows: RowArrangement, i: Expr): Expr {
  const base = ref('row_base', 'int');
  if (rows.kind !== 'listed') return add(base, mul(i, ref('row_step', 'int')));
  return listedEntry(names, rows.table, rows.leading, min(add(base, i), sub(ref('row_count', 'int'), int(1))));
}

/** Scalars that a phase sets before it walks. */
export interface KeySlots {
  readonly base: Expr;
  readonly step: Expr;
  /** Number of slots. */
  readonly count: Expr;
}

export function keySlots(names: Names, keys: KeyArrangement): KeySlots {
  switch (keys.kind) {
    case 'contiguous':
      return { base: int(0), step: int(1), count: nK };
    case 'residue': {
      const modulus = names.inside(keys.modulus);
      const base = mod(names.inside(keys.residue), modulus);
      const step = max(int(1), min(modulus, nK));
      return { base, step, count: select(lt(base, nK), ceilDiv(sub(nK, base), step), int(0)) };
    }
    case 'listed':
      return { base: int(0), step: int(1), count: listedEntry(names, keys.table, keys.leading, int(-1)) };
  }
}

/** Entry `slot` of a sorted table; slot -1 is the count. */
export function listedEntry(names: Names, table: string, leading: readonly Expr[], slot: Expr): Expr {
  return read(bufferName(table, new Set([table])), 'int', [...leading.map(names.inside), add(slot, int(1))]);
}

/** First slot of an affine arrangement whose key is at least `position` (>= 0). */
export function slotFrom(slots: KeySlots, position: Expr): Expr {
  return max(int(0), ceilDivNonNegative(sub(position, slots.base), slots.step));
}

/** ceil(a / b) for b >= 1 and any a, as floor division: floor((a - 1) / b) + 1. */
function ceilDivNonNegative(a: Expr, b: Expr): Expr {
  if (b.kind === 'literal' && b.value === 1) return a;
  return add(div(sub(a, int(1)), b), int(1));
}

export const isPhase = (i: number): Expr => eq(ref('phase', 'int'), int(i));

export function inRange(x: Expr, from: Expr, to: Expr): Expr {
  return and(ge(x, from), lt(x, to));
}
