/**
 * Stores. In: a store statement. Out: guarded writes, one `if` a row where whole rows are written, one an element otherwise. Values
 * that every lane holds are written by the first lane alone.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import type { TileStmt } from '../tile/ir.ts';
import { flatIndex, narrow, storeChunk, storeElement } from './access.ts';
import { elementTiles, storesRows } from './analyse-tiles.ts';
import { bin, conjunction, i32, lane } from './build.ts';
import { lowerExpr, type Scope } from './code.ts';
import { chunkValue, registerScope } from './elements.ts';
import { conjuncts } from '../expr/traverse.ts';
import { chunksOf, forChunks, heldTile, isRolled, placeValue, rowsOf, type Held, type Lowering } from './held.ts';
import type { KernelExpr } from './ir.ts';
import { digitCount, isPadded, registerCount, registerPlace, replicated, rowsOnLanes, type Layout } from './layout.ts';
import { withTotals } from './partial.ts';
import { roundedTo } from './rounded.ts';
import { packPair } from './packed.ts';

type StoreStmt = TileStmt & { readonly kind: 'store' };

/** The layout of the stored tiles; without tiles, rows over lanes where they divide. Rows of float buffers are walked by chunks. */
function storeLayout(low: Lowering, s: StoreStmt, vector: 1 | 4, helds: readonly Held[]): Layout {
  const { rows, cols } = s.shape;
  let best: Layout | undefined;
  for (const held of helds) {
    if (held.kind === 'streamed') throw new CompilerBug('lower-tile', 'a streamed tile is stored');
    if (held.layout.rows === rows && held.layout.cols === cols && held.layout.vector === vector) return held.layout;
    if (held.layout.lane.some((d) => d.axis === 'row') && held.layout.rows === rows) best = rowsOnLanes(rows, cols, low.schedule.lanes, vector);
  }
  if (best !== undefined) return best;
  const free = helds.length === 0 && rows > 1 && rows % low.schedule.lanes === 0;
  return free ? rowsOnLanes(rows, cols, low.schedule.lanes, vector) : replicated(rows, cols, vector);
}

/** Whether this lane is the one that writes: all, where each lane has elements of its own. */
function writer(low: Lowering, layout: Layout): readonly KernelExpr[] {
  if (low.schedule.layout === 'fragments' && layout.lane.length > 0) return firstOfEqual(low, layout);
  const holders = digitCount(layout.lane);
  return holders === low.schedule.lanes ? [] : [low.emit.value(bin('lt', lane, i32(holders)))];
}

/** Of lanes that hold the same elements, the first. */
function firstOfEqual(low: Lowering, layout: Layout): readonly KernelExpr[] {
  const conditions: KernelExpr[] = [];
  let below = 1;
  for (const digit of layout.lane) {
    if (digit.stride === 0 && digit.count > 1) {
      const own = low.emit.value(bin('mod', low.emit.value(bin('div', lane, i32(below))), i32(digit.count)));
      conditions.push(low.emit.value(bin('eq', own, i32(0))));
    }
    below *= digit.count;
  }
  return conditions;
}

export function storeTile(outer: Lowering, s: StoreStmt): void {
  const low = withTotals(outer, [s.value, s.where, ...s.index].flatMap(elementTiles));
  const view = low.access.view(s.buffer);
  const tiles = [s.value, s.where, ...s.index].flatMap(elementTiles);
  const helds = [...new Set(tiles)].map((t) => heldTile(low, t));
  const byRows = storesRows(view.decl, s) && view.element !== 'i32';
  const pairs = byRows && low.schedule.layout === 'fragments';
  const layout = storeLayout(low, s, byRows && !pairs ? 4 : 1, helds);
  if (byRows && s.precision !== undefined && s.precision !== 'f32') throw new CompilerBug('lower-tile', 'rows are stored as they are computed');
  if (pairs) return storePairs(low, s, layout);
  if (byRows) return storeRows(low, s, layout, helds);

  for (let register = 0; register < registerCount(layout); register += 1) {
    if (isPadded(layout, register)) continue;
    const scope = registerScope(low, layout, register);
    const index = flatIndex(low.access, scope, s.index, view.decl.extents, conjuncts(s.where));
    const value = roundedTo(low.emit, s.precision, lowerExpr(low.emit, s.value, scope));
    guarded(low, s.where, scope, [...writer(low, layout), index.inside], () => storeElement(low.emit, view, index.flat, value));
  }
}

function storeRows(low: Lowering, s: StoreStmt, layout: Layout, helds: readonly Held[]): void {
  const view = low.access.view(s.buffer);
  const rolled = isRolled(low, helds, chunksOf(layout), !low.emit.insideLoop());
  for (let row = 0; row < rowsOf(layout); row += 1) {
    const scope = registerScope(low, layout, row * chunksOf(layout) * 4);
    const index = flatIndex(low.access, scope, s.index.slice(0, -1), view.decl.extents.slice(0, -1), conjuncts(s.where));
    guarded(low, s.where, scope, [...writer(low, layout), index.inside], () => {
      forChunks(low, layout.cols, rolled, [], (chunk) => {
        storeChunk(low.emit, view, { row: index.flat, chunk, extent: layout.cols }, chunkValue(low, s.value, layout, row, chunk));
      });
    });
  }
}

/** Rows of sums: each lane writes pairs of neighbouring columns, a packed word where the buffer holds 16-bit numbers. */
function storePairs(low: Lowering, s: StoreStmt, layout: Layout): void {
  const { emit } = low;
  const view = low.access.view(s.buffer);
  const registers = Array.from({ length: registerCount(layout) }, (_, r) => r).filter((r) => !isPadded(layout, r));
  for (const row of new Set(registers.map((r) => registerPlace(layout, r).row))) {
    const own = registers.filter((r) => registerPlace(layout, r).row === row);
    const scope = registerScope(low, layout, own[0] ?? 0);
    const index = flatIndex(low.access, scope, s.index.slice(0, -1), view.decl.extents.slice(0, -1), conjuncts(s.where));
    guarded(low, s.where, scope, [...writer(low, layout), index.inside], () => {
      const first = emit.value(bin('mul', index.flat, i32(layout.cols)));
      for (const register of own) {
        if (registerPlace(layout, register).col % 2 !== 0) continue;
        const value = (r: number): KernelExpr => lowerExpr(emit, s.value, registerScope(low, layout, r));
        const at = emit.value(bin('add', first, placeValue(low, layout, register, 'col')));
        if (view.element === 'u32') {
          const word = packPair(emit, narrow(view), value(register), value(register + 1));
          emit.push({ kind: 'store', storage: view.storage, index: emit.value(bin('shr', at, i32(1))), value: word, origin: emit.origin() });
        } else {
          storeElement(emit, view, at, value(register));
          storeElement(emit, view, emit.value(bin('add', at, i32(1))), value(register + 1));
        }
      }
    });
  }
}

function guarded(low: Lowering, where: Expr, scope: Scope, more: readonly KernelExpr[], build: () => void): void {
  const { emit } = low;
  const cond = emit.value(conjunction([lowerExpr(emit, where, scope), ...more]), 'inside');
  if (cond.kind === 'literal') {
    if (cond.value !== 0) build();
    return;
  }
  emit.push({ kind: 'if', cond, uniform: false, then: emit.block(false, build), otherwise: [], origin: emit.origin() });
}
