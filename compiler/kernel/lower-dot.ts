/**
 * Loads of operands and the dots that use them. In: a `load` or `dot` statement and the layouts. Out: for streamed operands, at the
 * load, the rows a lane will read (index and whether inside, as values of that moment), and at the dot the loop over chunks in
 * which rows are fetched as the atom says and multiplied into the target's registers.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import type { TileStmt } from '../tile/ir.ts';
import { flatIndex, guardedChunk, heldIndex, loadElement } from './access.ts';
import { elementTiles } from './analyse-tiles.ts';
import { spreadsKeys } from './assign-layouts.ts';
import { chooseAtom } from './atoms.ts';
import { bin, conjunction, extract, f32, fma, i32, lane, pick, subgroupLane, vec4, zeroOf } from './build.ts';
import { lowerExpr, type Scope } from './code.ts';
import { chunkValue, indexBinding, partOf, registerScope, scalarScope } from './elements.ts';
import { conjuncts } from '../expr/traverse.ts';
import { chunksOf, forChunks, heldTile, isRolled, placeValue, readChunk, readRegister, rowsOf, variablesOf, writeChunk, type Held, type Lowering, type StreamedRow } from './held.ts';
import type { KernelExpr } from './ir.ts';
import { leftMatrices, lowerProduct, stageMatrix } from './lower-fragments.ts';
import { asShare, isLinear, withTotals } from './partial.ts';
import { isPadded, registerCount, registerPlace, spreads, type Layout } from './layout.ts';

type LoadStmt = TileStmt & { readonly kind: 'load' };
type DotStmt = TileStmt & { readonly kind: 'dot' };
type Streamed = Held & { readonly kind: 'streamed' };

/** Length of the buffer's last axis, which must be known when the kernel is made. */
export function lastExtent(low: Lowering, buffer: string): number {
  const { extents } = low.access.view(buffer).decl;
  const last = extents[extents.length - 1];
  if (last === undefined || last.kind !== 'literal') throw new CompilerBug('lower-tile', `last axis of '${buffer}' has no fixed length`);
  return last.value;
}

/** Index of a row over all axes but the last. */
function rowIndex(low: Lowering, s: LoadStmt, scope: Scope): { readonly row: KernelExpr; readonly inside: KernelExpr } {
  const { emit } = low;
  const { extents } = low.access.view(s.buffer).decl;
  const where = lowerExpr(emit, s.where, scope);
  const index = flatIndex(low.access, scope, s.index, extents.slice(0, -1), conjuncts(s.where));
  const inside = emit.value(conjunction([where, index.inside]), 'inside');
  return { inside, row: heldIndex(emit, { flat: index.flat, inside }) };
}

/** The scope of a load's index at a row that is no literal: elements of per-row tiles are chosen by comparing. */
function rowScope(low: Lowering, rows: number, row: KernelExpr): Scope {
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

export function lowerLoad(low: Lowering, s: LoadStmt, declare: (value: (row: number, chunk: KernelExpr) => KernelExpr) => void): Held | undefined {
  const assigned = low.assignment.get(s.tile.name);
  if (assigned === undefined) throw new CompilerBug('lower-tile', `tile '${s.tile.name}' has no layout`);
  if (assigned.place === 'streamed') return streamRows(low, s);
  const { layout } = assigned;
  const extent = lastExtent(low, s.buffer);
  const view = low.access.view(s.buffer);
  if (assigned.place === 'reread') {
    const rows = Array.from({ length: rowsOf(layout) }, (_, row) => {
      const register = row * chunksOf(layout) * 4;
      return { ...rowIndex(low, s, registerScope(low, layout, register)), first: registerPlace(layout, register).row };
    });
    return { kind: 'reread', layout, view, rows, extent };
  }
  declare((row, chunk) => {
    const register = layout.vector === 4 ? row * chunksOf(layout) * 4 : row;
    const at = rowIndex(low, s, registerScope(low, layout, register));
    if (layout.vector === 1) {
      const flat = low.emit.value(bin('mul', at.row, i32(extent)));
      return low.emit.value(pick(at.inside, loadElement(low.emit, view, flat), f32(0)));
    }
    return guardedChunk(low.emit, view, at, chunk, extent);
  });
  return undefined;
}

/** Fixes the rows that a lane reads, and stages them where the atom wants it. */
function streamRows(low: Lowering, s: LoadStmt): Held {
  const { emit, schedule, target } = low;
  const { rows, cols } = s.tile;
  const need = { rows, spread: spreadsKeys(rows, schedule) };
  const atom = chooseAtom(need, schedule, target);
  if (atom === undefined) throw new CompilerBug('lower-tile', 'no dot atom fits');
  const view = low.access.view(s.buffer);
  const extent = lastExtent(low, s.buffer);
  const chunks = Math.ceil(cols / 4);
  if (cols !== extent) throw new CompilerBug('lower-tile', `tile '${s.tile.name}' must span the last axis of '${s.buffer}'`);
  if (atom.name === 'fragments') {
    const matrix = stageMatrix(low, s.tile.name, s.tile, view, (row) => rowIndex(low, s, rowScope(low, rows, row)));
    const held: Streamed = { kind: 'streamed', atom, view, rows: [], extent, chunks, matrix };
    const kept = low.uses.tiles.get(s.tile.name)?.leftOnly === true && schedule.rowStorage === 'registers';
    return kept ? { ...held, fragments: leftMatrices(low, matrix) } : held;
  }
  if (atom.name === 'workgroup') return stage(low, s, { kind: 'streamed', atom, view, rows: [], extent, chunks });
  const layout = atom.reads(need, schedule);
  const group = atom.group(schedule);
  const list: StreamedRow[] = [];
  for (let register = 0; register < registerCount(layout); register += 1) {
    const first = registerPlace(layout, register).row;
    const own = group > 1 ? emit.value(bin('bit_and', subgroupLane, i32(group - 1))) : undefined;
    const row = own === undefined ? placeValue(low, layout, register, 'row') : emit.value(bin('add', own, i32(first)));
    const scope = group > 1 ? rowScope(low, rows, row) : registerScope(low, layout, register);
    list.push({ ...rowIndex(low, s, scope), first });
  }
  if (group > 1) low.usesSubgroups.value = true;
  return { kind: 'streamed', atom, view, rows: list, extent, chunks };
}

/** Copies the operand into workgroup memory, four elements a step and lane. */
function stage(low: Lowering, s: LoadStmt, held: Streamed): Held {
  const { emit } = low;
  const name = emit.fresh(`${s.tile.name}_staged`);
  const total = s.tile.rows * held.chunks;
  low.shared.push({ name, element: 'vec4f', length: total });
  const { lanes } = low.schedule;
  const copy = (at: KernelExpr): void => {
    const row = emit.value(bin('div', at, i32(held.chunks)));
    const chunk = emit.value(bin('mod', at, i32(held.chunks)));
    const index = rowIndex(low, s, rowScope(low, s.tile.rows, row));
    const value = guardedChunk(low.emit, held.view, index, chunk, held.extent);
    emit.push({ kind: 'store_shared', shared: name, index: at, value, origin: emit.origin() });
  };
  const whole = Math.floor(total / lanes) * lanes;
  if (whole > 0) emit.loop('part', i32(0), i32(whole), true, [], (first) => copy(emit.value(bin('add', first, lane))), lanes);
  if (whole < total) {
    const at = emit.value(bin('add', lane, i32(whole)));
    const then = emit.block(false, () => copy(at));
    emit.push({ kind: 'if', cond: emit.value(bin('lt', at, i32(total))), uniform: false, then, otherwise: [], origin: emit.origin() });
  }
  return { ...held, staged: name };
}

/** Gives every row of the operand at a chunk, with the lane-independent part of its number. */
function eachRow(low: Lowering, right: Held, rows: number, chunk: KernelExpr, use: (first: number, value: KernelExpr) => void): void {
  const { emit } = low;
  if (right.kind !== 'streamed') {
    for (let r = 0; r < rowsOf(right.layout); r += 1) use(registerPlace(right.layout, r * chunksOf(right.layout) * 4).row, readChunk(low, right, r, chunk));
    return;
  }
  if (right.staged !== undefined) {
    for (let r = 0; r < rows; r += 1) {
      const index = emit.value(bin('add', i32(r * right.chunks), chunk));
      use(r, emit.value({ kind: 'load_shared', type: 'vec4f', shared: right.staged, index }));
    }
    return;
  }
  const group = right.atom.group(low.schedule);
  for (const row of right.rows) {
    const own = guardedChunk(low.emit, right.view, row, chunk, right.extent);
    for (let i = 0; i < group; i += 1) {
      use(row.first + i, group === 1 ? own : emit.value({ kind: 'shuffle', type: 'vec4f', value: own, from: i32(i), ...(group === 4 ? { group } : {}) }));
    }
  }
}

/** Registers of a layout by the lane-independent part of a column number, then in order of rows. */
function registersAtColumn(layout: Layout, col: number): readonly number[] {
  const list: number[] = [];
  for (let r = 0; r < registerCount(layout); r += 1) if (registerPlace(layout, r).col === col && !isPadded(layout, r)) list.push(r);
  return list;
}

/** The register of `layout` in the same row as `row` (a lane-independent row number) of another tile, at column `col`. */
function registerAt(layout: Layout, row: number, col: number): number {
  for (let r = 0; r < registerCount(layout); r += 1) {
    const place = registerPlace(layout, r);
    if (place.row === row && place.col === col) return r;
  }
  throw new CompilerBug('lower-tile', 'operands of a dot have different layouts');
}

/** The element in a register, which may be a part of a chunk. */
function elementOf(low: Lowering, held: Owned, register: number): KernelExpr {
  if (held.layout.vector === 1) return readRegister(held, register);
  const slot = Math.floor(register / 4);
  const chunks = chunksOf(held.layout);
  return low.emit.value(extract(readChunk(low, held, Math.floor(slot / chunks), i32(slot % chunks)), partOf(register % 4)));
}

/** Whether a sum over rows can update its target by `value` on the way. */
export function takesMaps(low: Lowering, s: DotStmt, value: Expr): boolean {
  if (low.schedule.layout === 'fragments') return false;
  const isShare = (name: string): boolean => {
    const held = low.env.tiles.get(name);
    return held?.kind === 'registers' && held.partial;
  };
  const others = elementTiles(value).filter((t) => t !== s.target);
  return !others.some(isShare) && (!isShare(s.target) || isLinear(value, new Set([s.target])));
}

/** `update`: what becomes of the target's elements before the dot adds to them. */
export function lowerDot(low: Lowering, s: DotStmt, update: Expr | undefined): void {
  if (low.schedule.layout === 'fragments') return lowerProduct(low, s);
  const target = heldTile(low, s.target);
  const left = heldTile(withTotals(low, [s.left]), s.left);
  const right = heldTile(low, s.right);
  if (target.kind === 'streamed' || left.kind === 'streamed') throw new CompilerBug('lower-tile', 'a streamed tile is only a right operand');
  const decl = low.uses.tiles.get(s.right)?.decl;
  if (decl === undefined) throw new CompilerBug('lower-tile', `tile '${s.right}' is not declared`);
  if (s.transposed) scoreDot(low, s, target, left, right, decl);
  else sumDot(low, s, target, left, right, decl, update);
}

interface Shape {
  readonly rows: number;
  readonly cols: number;
}
type Owned = Exclude<Held, Streamed>;

/** target[r, key] (+)= left row . right row. */
function scoreDot(low: Lowering, s: DotStmt, target: Owned, left: Owned, right: Held, shape: Shape): void {
  const { emit } = low;
  if (left.layout.vector !== 4) throw new CompilerBug('lower-tile', 'this dot needs a row of chunks on the left');
  if (target.layout.vector === 4) return chunkedScores(low, s, target, left, right, shape);
  const rolled = isRolled(low, [left, right], Math.ceil(shape.cols / 4), false);
  let fresh = !s.accumulate;
  if (rolled && fresh) {
    for (const slot of variablesOf(target)) emit.assign(slot, f32(0));
    fresh = false;
  }
  forChunks(low, shape.cols, rolled, variablesOf(target), (chunk) => {
    const first = fresh;
    fresh = false;
    const rows = new Map<number, KernelExpr>();
    eachRow(low, right, shape.rows, chunk, (key, value) => {
      for (const register of registersAtColumn(target.layout, key)) {
        const { row } = registerPlace(target.layout, register);
        const own = rows.get(row) ?? readChunk(low, left, Math.floor(registerAt(left.layout, row, 0) / (4 * chunksOf(left.layout))), chunk);
        rows.set(row, own);
        const slot = readRegister(target, register);
        const product = bin('dot', own, value);
        emit.assign(slot, first ? product : bin('add', product, slot));
      }
    });
  });
}

/** The same into a tile of chunks: four keys at once. */
function chunkedScores(low: Lowering, s: DotStmt, target: Owned, left: Owned, right: Held, shape: Shape): void {
  const { emit } = low;
  const rolled = isRolled(low, [left, right], Math.ceil(shape.cols / 4), false);
  const fours = Array.from({ length: chunksOf(target.layout) }, (_, n) => n);
  const rows = Array.from({ length: rowsOf(target.layout) }, (_, r) => r);
  const each = (value: (row: number, four: number) => KernelExpr): void => rows.forEach((r) => fours.forEach((n) => writeChunk(low, target, r, i32(n), value(r, n))));
  if (!s.accumulate) each(() => zeroOf('vec4f'));
  forChunks(low, shape.cols, rolled, variablesOf(target), (chunk) => {
    const keys = new Map<number, KernelExpr>();
    eachRow(low, right, shape.rows, chunk, (key, value) => void keys.set(key, value));
    const own = rows.map((r) => {
      const { row } = registerPlace(target.layout, r * chunksOf(target.layout) * 4);
      return readChunk(low, left, Math.floor(registerAt(left.layout, row, 0) / (4 * chunksOf(left.layout))), chunk);
    });
    each((r, n) => {
      const part = (p: number): KernelExpr => {
        const [a, b] = [own[r], keys.get(4 * n + p)];
        return a === undefined || b === undefined ? f32(0) : emit.value(bin('dot', a, b));
      };
      return emit.value(bin('add', emit.value(vec4([part(0), part(1), part(2), part(3)])), readChunk(low, target, r, i32(n))));
    });
  });
}

/** target[r, c] (+)= sum over keys of left[r, key] * right[key, c]. */
function sumDot(low: Lowering, s: DotStmt, target: Owned, left: Owned, right: Held, shape: Shape, update: Expr | undefined): void {
  if (target.layout.vector !== 4) throw new CompilerBug('lower-tile', 'this dot needs rows of chunks as its target');
  const rolled = isRolled(low, [target, right], Math.ceil(shape.cols / 4), false);
  const count = rowsOf(target.layout);
  const spread = spreads(left.layout, 'col');
  const partial = target.kind === 'registers' && target.partial;
  if (spread && !partial) throw new CompilerBug('lower-tile', `tile '${s.target}' gets shares of a sum`);
  forChunks(low, shape.cols, rolled, variablesOf(target), (chunk) => {
    const sums: KernelExpr[] = [];
    const inRegisters = target.kind === 'registers';
    for (let r = 0; r < count; r += 1) {
      const before = update === undefined ? readChunk(low, target, r, chunk) : chunkValue(low, update, target.layout, r, chunk);
      if (inRegisters && update !== undefined) writeChunk(low, target, r, chunk, before);
      sums.push(s.accumulate ? before : zeroOf('vec4f'));
    }
    // Sums of workgroup tiles live in variables over one chunk.
    const running = inRegisters ? sums : sums.map((v) => low.emit.variable('sum', v));
    let first = inRegisters && !s.accumulate;
    eachRow(low, right, shape.rows, chunk, (key, value) => {
      for (let r = 0; r < count; r += 1) {
        const { row } = registerPlace(target.layout, r * chunksOf(target.layout) * 4);
        const own = elementOf(low, left, registerAt(left.layout, row, key));
        // A sum that every lane has whole goes into the shares once.
        const weight = partial && !spread ? asShare(low, own) : own;
        const slot = inRegisters ? readChunk(low, target, r, chunk) : running[r];
        if (slot === undefined) throw new CompilerBug('lower-tile', 'no such row');
        low.emit.assign(slot, first ? bin('mul', value, weight) : fma(value, weight, slot));
      }
      first = false;
    });
    if (!inRegisters) running.forEach((v, r) => writeChunk(low, target, r, chunk, v));
  });
}
