/**
 * Rows of operands in storage. In: a `load` and a row number within the tile. Out: the row-major index over all axes but the last, and
 * whether the row is inside.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { TileStmt } from '../tile/ir.ts';
import { flatIndex, heldIndex } from './access.ts';
import { bin, conjunction, i32, pick } from './build.ts';
import { lowerExpr, type Scope } from './code.ts';
import { indexBinding, scalarScope } from './elements.ts';
import { conjuncts } from './facts.ts';
import { heldTile, type Lowering } from './held.ts';
import type { KernelExpr } from './ir.ts';

export type LoadStmt = TileStmt & { readonly kind: 'load' };

/** Length of the buffer's last axis, which must be known when the kernel is made. */
export function lastExtent(low: Lowering, buffer: string): number {
  const { extents } = low.access.view(buffer).decl;
  const last = extents[extents.length - 1];
  if (last === undefined || last.kind !== 'literal') throw new CompilerBug('lower-tile', `last axis of '${buffer}' has no fixed length`);
  return last.value;
}

/** Index of a row over all axes but the last. */
export function rowIndex(low: Lowering, s: LoadStmt, scope: Scope): { readonly row: KernelExpr; readonly inside: KernelExpr } {
  const { emit } = low;
  const { extents } = low.access.view(s.buffer).decl;
  const where = lowerExpr(emit, s.where, scope);
  const index = flatIndex(low.access, scope, s.index, extents.slice(0, -1), conjuncts(s.where));
  const inside = emit.value(conjunction([where, index.inside]), 'inside');
  return { inside, row: heldIndex(emit, { flat: index.flat, inside }) };
}

/** The scope of a load's index at a row that is no literal: elements of per-row tiles are chosen by comparing. */
export function rowScope(low: Lowering, rows: number, row: KernelExpr): Scope {
  const { emit } = low;
  const base = scalarScope(low);
  return {
    ...base,
    lookup: (name) => (name === 'row' ? indexBinding(row, rows, false) : base.lookup(name)),
    element: (tile) => {
      const held = heldTile(low, tile);
      if (held.kind !== 'registers' || held.layout.lane.length > 0 || held.layout.cols !== 1) throw new CompilerBug('lower-tile', `tile '${tile}' in the index of a load`);
      return held.slots.reduce((chosen, slot, r) => (r === 0 ? slot : emit.value(pick(emit.value(bin('eq', row, i32(r))), slot, chosen))));
    },
  };
}
