/**
 * Declarations, elementwise updates, reductions and whole-tile loads. In: a statement and the layouts. Out: one assignment a slot,
 * unrolled over registers; rows of chunks in workgroup memory are walked by a loop.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import type { TileDecl, TileStmt } from '../tile/ir.ts';
import { elementTiles } from './analyse-tiles.ts';
import { bin, i32, zeroOf } from './build.ts';
import { kernelType, lowerExpr } from './code.ts';
import { chunkValue, insideParts, registerScope } from './elements.ts';
import { chunksOf, forChunks, heldTile, isRolled, readChunk, readRegister, rowsOf, variablesOf, writeChunk, type Held, type Lowering } from './held.ts';
import type { KernelExpr } from './ir.ts';
import { isPadded, registerCount, registerPlace, slotCount, spreads, type Assignment, type Layout } from './layout.ts';
import { lowerLoad } from './lower-dot.ts';
import { roundedTo } from './rounded.ts';
import { alongColumns, asShare, isLinear, overLanes, withTotals } from './partial.ts';

type Owned = Held & { readonly kind: 'registers' | 'workgroup' | 'array' };

/** Gives the value of a scalar register, or of a chunk of a row. */
type SlotValue = (row: number, chunk: KernelExpr) => KernelExpr;

function assignmentOf(low: Lowering, name: string): Assignment {
  const found = low.assignment.get(name);
  if (found === undefined) throw new CompilerBug('lower-tile', `tile '${name}' has no layout`);
  return found;
}

function valueAt(low: Lowering, layout: Layout, value: Expr): SlotValue {
  if (layout.vector === 4) return (row, chunk) => chunkValue(low, value, layout, row, chunk);
  return (register) => lowerExpr(low.emit, value, registerScope(low, layout, register));
}

export function declareTile(low: Lowering, decl: TileDecl, value: Expr): void {
  const assigned = assignmentOf(low, decl.name);
  declareSlots(low, decl, assigned, elementTiles(value).map((t) => heldTile(low, t)), valueAt(withTotals(low, elementTiles(value)), assigned.layout, value), value);
}

export function loadTile(low: Lowering, s: TileStmt & { readonly kind: 'load' }): void {
  const streamed = lowerLoad(low, s, (value) => declareSlots(low, s.tile, assignmentOf(low, s.tile.name), [], value));
  if (streamed !== undefined) low.env.tiles.set(s.tile.name, streamed);
}

function declareSlots(low: Lowering, decl: TileDecl, assigned: Assignment, sources: readonly Held[], value: SlotValue, initial?: Expr): void {
  const { emit } = low;
  const { layout } = assigned;
  if (assigned.place === 'workgroup') {
    const shared = emit.fresh(decl.name);
    low.shared.push({ name: shared, element: 'vec4f', length: slotCount(layout) * low.schedule.lanes });
    low.lanePrivate.add(shared);
    const held: Held = { kind: 'workgroup', layout, shared, partial: false, type: decl.type };
    low.env.tiles.set(decl.name, held);
    writeAll(low, held, sources, value);
    return;
  }
  if (assigned.place === 'arrays') {
    const array = emit.fresh(decl.name);
    emit.push({ kind: 'array', name: array, type: 'vec4f', length: slotCount(layout), value: zeroOf('vec4f'), origin: emit.origin() });
    const held: Held = { kind: 'array', layout, array, partial: false, type: decl.type };
    low.env.tiles.set(decl.name, held);
    if (!isZero(initial)) writeAll(low, held, sources, value);
    return;
  }
  const written = low.uses.tiles.get(decl.name)?.written === true;
  const chunks = layout.vector === 4 ? chunksOf(layout) : 1;
  const slots: KernelExpr[] = [];
  for (let slot = 0; slot < slotCount(layout); slot += 1) {
    const row = layout.vector === 4 ? Math.floor(slot / chunks) : slot;
    const name = slotName(decl.name, layout, slot);
    const own = value(row, i32(slot % chunks));
    const first = assigned.partial ? asShare(low, own) : own;
    slots.push(written ? emit.variable(name, first) : emit.named(name, first));
  }
  low.env.tiles.set(decl.name, { kind: 'registers', layout, slots, partial: assigned.partial, type: decl.type });
  if (slots.some((s) => s.type !== (layout.vector === 4 ? 'vec4f' : kernelType(decl.type)))) throw new CompilerBug('lower-tile', `tile '${decl.name}' has a value of another type`);
}

function isZero(e: Expr | undefined): boolean {
  return e?.kind === 'literal' && Object.is(e.value, 0);
}

/** Names of registers tell the lane-independent part of their place. */
function slotName(name: string, layout: Layout, slot: number): string {
  if (slotCount(layout) === 1) return name;
  const place = registerPlace(layout, slot * layout.vector);
  const rows = layout.register.some((d) => d.axis === 'row' && d.count > 1);
  const cols = layout.cols > layout.vector;
  return [name, ...(rows ? [`r${place.row}`] : []), ...(cols ? [`c${place.col}`] : [])].join('_');
}

/** Writes every slot of a tile that exists. `sources` are the tiles that the value reads. */
function writeAll(low: Lowering, held: Owned, sources: readonly Held[], value: SlotValue): void {
  const { layout } = held;
  if (layout.vector === 1) {
    for (let r = 0; r < registerCount(layout); r += 1) low.emit.assign(readRegister(held, r), value(r, i32(0)));
    return;
  }
  forChunks(low, layout.cols, isRolled(low, [held, ...sources], chunksOf(layout), !low.emit.insideLoop()), variablesOf(held), (chunk) => {
    for (let row = 0; row < rowsOf(layout); row += 1) writeChunk(low, held, row, chunk, value(row, chunk));
  });
}

export function mapTile(low: Lowering, name: string, value: Expr, precision?: 'f32' | 'f16' | 'bf16'): void {
  const held = heldTile(low, name);
  if (held.kind === 'streamed' || held.kind === 'reread') throw new CompilerBug('lower-tile', `load '${name}' is written`);
  if (precision !== undefined && precision !== 'f32') {
    if (held.layout.vector === 4 || (held.kind === 'registers' && held.partial)) throw new CompilerBug('lower-tile', `tile '${name}' is not rounded by elements`);
    const exact = valueAt(withTotals(low, elementTiles(value)), held.layout, value);
    return writeAll(low, held, [], (row, chunk) => roundedTo(low.emit, precision, exact(row, chunk)));
  }
  const sources = elementTiles(value).map((t) => heldTile(low, t));
  const shares = new Set([...low.env.tiles].filter(([, h]) => h.kind === 'registers' && h.partial).map(([n]) => n));
  if (shares.has(name) && isLinear(value, shares)) {
    writeAll(low, held, sources, valueAt(low, held.layout, value));
    return;
  }
  const full = valueAt(withTotals(low, elementTiles(value)), held.layout, value);
  writeAll(low, held, sources, shares.has(name) ? (row, chunk) => asShare(low, full(row, chunk)) : full);
}

/** A balanced tree: short chains of dependence, and a smaller rounding error than one after the other. */
export function combineAll(low: Lowering, op: 'max' | 'sum', values: readonly KernelExpr[]): KernelExpr {
  const [first] = values;
  if (first === undefined) throw new CompilerBug('lower-tile', 'a reduction of nothing');
  if (values.length === 1) return first;
  const half = Math.ceil(values.length / 2);
  const combined = bin(op === 'sum' ? 'add' : 'max', combineAll(low, op, values.slice(0, half)), combineAll(low, op, values.slice(half)));
  return low.emit.value(combined);
}

export function reduceTile(low: Lowering, s: TileStmt & { readonly kind: 'reduce' }): void {
  const target = heldTile(low, s.target);
  const source = heldTile(withTotals(low, [s.source]), s.source);
  if (target.kind === 'streamed' || source.kind === 'streamed') throw new CompilerBug('lower-tile', 'a streamed tile is reduced');
  const results: KernelExpr[] = [];
  for (let register = 0; register < registerCount(target.layout); register += 1) {
    const { row } = registerPlace(target.layout, register);
    const values: KernelExpr[] = [];
    if (source.layout.vector === 1) {
      for (let r = 0; r < registerCount(source.layout); r += 1) {
        if (registerPlace(source.layout, r).row === row && !isPadded(source.layout, r)) values.push(readRegister(source, r));
      }
    } else {
      const chunks = chunksOf(source.layout);
      for (let slot = 0; slot < slotCount(source.layout); slot += 1) {
        if (registerPlace(source.layout, slot * 4).row !== row) continue;
        const chunk = i32(slot % chunks);
        values.push(...insideParts(chunk, readChunk(low, source, Math.floor(slot / chunks), chunk), source.layout.cols));
      }
    }
    results.push(combineAll(low, s.op, values));
  }
  const share = target.kind === 'registers' && target.partial;
  const spread = spreads(source.layout, 'col');
  const combine = (): readonly KernelExpr[] => (low.schedule.layout === 'fragments' ? results.map((v) => alongColumns(low, s.op, source.layout, v)) : overLanes(low, s.op, results));
  const finished = spread && !share ? combine() : !spread && share ? results.map((v) => asShare(low, v)) : results;
  finished.forEach((value, register) => low.emit.assign(readRegister(target, register), value));
}

