/**
 * Tiles as a lane holds them while code is made: per-register names, a part of workgroup memory that only this lane touches,
 * or a streamed operand. A slot is one variable: a scalar register, or a vec4 of four neighbouring columns. Slots of vector tiles
 * are named by a row number (register digit of the row) and a chunk, which may be the index of a rolled loop.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import type { Schedule } from '../schedule.ts';
import { guardedChunk, type Access, type BufferView } from './access.ts';
import type { ProgramUses } from './analyse-tiles.ts';
import type { DotAtom } from './atoms.ts';
import { bin, i32, intValue, lane } from './build.ts';
import type { Binding } from './code.ts';
import type { Emitter } from './emitter.ts';
import type { Four, KernelExpr, MatrixElement, SharedDecl } from './ir.ts';
import { matchingRegister, registerCount, registerPlace, type Assignment, type Layout, type TileAxis } from './layout.ts';
import type { TargetRecord } from '../target.ts';

/** A row that a lane reads of a streamed operand. */
export interface StreamedRow {
  /** Row-major index over all axes but the last; 0 where it is not inside. */
  readonly row: KernelExpr;
  readonly inside: KernelExpr;
  /** The lane-independent part of the row's number within the tile. */
  readonly first: number;
}

/** Rows of numbers in workgroup memory: row r from element r * pitch of 16 bytes on, columns past `cols` up to a whole fragment zero. */
export interface MatrixRows {
  readonly shared: string;
  readonly pitch: number;
  readonly rows: number;
  readonly cols: number;
  readonly element: MatrixElement;
}

export type Held =
  | { readonly kind: 'registers'; readonly layout: Layout; readonly slots: readonly KernelExpr[]; readonly partial: boolean; readonly type: ScalarType }
  /** Slot s of lane i at s * lanes + i: only lane i touches it. */
  | { readonly kind: 'workgroup'; readonly layout: Layout; readonly shared: string; readonly partial: false; readonly type: ScalarType }
  /** Slot s at s of a private array. */
  | { readonly kind: 'array'; readonly layout: Layout; readonly array: string; readonly partial: false; readonly type: ScalarType }
  /** A load that is used once: its chunks are read where they are used. */
  | { readonly kind: 'reread'; readonly layout: Layout; readonly view: BufferView; readonly rows: readonly StreamedRow[]; readonly extent: number }
  | {
      readonly kind: 'streamed';
      readonly atom: DotAtom;
      readonly view: BufferView;
      readonly rows: readonly StreamedRow[];
      readonly extent: number;
      /** Number of chunks of a row. */
      readonly chunks: number;
      /** Where the workgroup atom has staged it: chunk c of row r at r * chunks + c. */
      readonly staged?: string;
      /** Where matrix operations find it. */
      readonly matrix?: MatrixRows;
      /** Fragments of a left operand, by tile of rows and step along the columns, where they are held throughout. */
      readonly fragments?: readonly (readonly Four<KernelExpr>[])[];
    };

export interface Environment {
  readonly scalars: Map<string, Binding>;
  readonly tiles: Map<string, Held>;
}

/** Everything a statement's lowering needs. */
export interface Lowering {
  readonly emit: Emitter;
  readonly access: Access;
  readonly schedule: Schedule;
  readonly target: TargetRecord;
  readonly uses: ProgramUses;
  readonly assignment: ReadonlyMap<string, Assignment>;
  readonly env: Environment;
  readonly shared: SharedDecl[];
  /** Workgroup memory whose elements are each touched by one lane only. */
  readonly lanePrivate: Set<string>;
  readonly usesSubgroups: { value: boolean };
  /** Workgroup memory through which lanes exchange values, by purpose. */
  readonly exchanges: Map<string, string>;
  /** Launch-level extents of all buffers: what index facts are about. */
  readonly extents: readonly Expr[];
}

export function innerScope(low: Lowering): Lowering {
  return { ...low, env: { scalars: new Map(low.env.scalars), tiles: new Map(low.env.tiles) } };
}

export function heldTile(low: Lowering, name: string): Held {
  const found = low.env.tiles.get(name);
  if (found === undefined) throw new CompilerBug('lower-tile', `tile '${name}' is not in scope`);
  return found;
}

/** Chunks of a row of a vector layout. */
export function chunksOf(layout: Layout): number {
  return Math.ceil(layout.cols / 4);
}

/** Number of a lane's rows of a vector layout. */
export function rowsOf(layout: Layout): number {
  return registerCount(layout) / (4 * chunksOf(layout));
}

const matches = new WeakMap<Layout, WeakMap<Layout, Map<number, number>>>();

/** The register of `to` that holds what `register` of `from` holds; -1: none. */
export function matching(from: Layout, register: number, to: Layout): number {
  const perFrom = matches.get(from) ?? new WeakMap<Layout, Map<number, number>>();
  matches.set(from, perFrom);
  const table = perFrom.get(to) ?? new Map<number, number>();
  perFrom.set(to, table);
  const known = table.get(register);
  if (known !== undefined) return known;
  const found = matchingRegister(from, register, to) ?? -1;
  table.set(register, found);
  return found;
}

/** The row or column number of the element in a register, as this lane sees it: known from the start, and made there. */
export function placeValue(low: Lowering, layout: Layout, register: number, axis: TileAxis): KernelExpr {
  return low.emit.hoisted(1, () => placeHere(low, layout, register, axis));
}

function placeHere(low: Lowering, layout: Layout, register: number, axis: TileAxis): KernelExpr {
  let below = 1;
  let value: KernelExpr = i32(0);
  const total = layout.lane.reduce((n, d) => n * d.count, 1);
  for (const digit of layout.lane) {
    if (digit.axis === axis) {
      const high = below === 1 ? lane : low.emit.value(bin('div', lane, i32(below)));
      const own = below * digit.count === total && total === low.schedule.lanes ? high : low.emit.value(bin('mod', high, i32(digit.count)));
      value = low.emit.value(bin('add', value, low.emit.value(bin('mul', own, i32(digit.stride)))));
    }
    below *= digit.count;
  }
  const place = registerPlace(layout, register);
  return low.emit.value(bin('add', value, i32(axis === 'row' ? place.row : place.col)), axis);
}

function sharedIndex(low: Lowering, slot: KernelExpr): KernelExpr {
  return low.emit.value(bin('add', low.emit.value(bin('mul', slot, i32(low.schedule.lanes))), lane));
}

function chunkSlot(low: Lowering, layout: Layout, row: number, chunk: KernelExpr): KernelExpr {
  return low.emit.value(bin('add', i32(row * chunksOf(layout)), chunk));
}

export function readChunk(low: Lowering, held: Held, row: number, chunk: KernelExpr): KernelExpr {
  if (held.kind === 'workgroup') {
    return low.emit.value({ kind: 'load_shared', type: 'vec4f', shared: held.shared, index: sharedIndex(low, chunkSlot(low, held.layout, row, chunk)) });
  }
  if (held.kind === 'array') return low.emit.value({ kind: 'load_array', type: 'vec4f', array: held.array, index: chunkSlot(low, held.layout, row, chunk) });
  if (held.kind === 'reread') {
    const at = held.rows[row];
    if (at === undefined) throw new CompilerBug('lower-tile', 'no such row');
    return guardedChunk(low.emit, held.view, at, chunk, held.extent);
  }
  return registerOfChunk(held, row, chunk);
}

function registerOfChunk(held: Held, row: number, chunk: KernelExpr): KernelExpr {
  const number = intValue(chunk);
  const slot = held.kind === 'registers' && number !== undefined ? held.slots[row * chunksOf(held.layout) + number] : undefined;
  if (slot === undefined) throw new CompilerBug('lower-tile', 'a register cannot be chosen at run time');
  return slot;
}

export function writeChunk(low: Lowering, held: Held, row: number, chunk: KernelExpr, value: KernelExpr): void {
  if (held.kind === 'workgroup') {
    const index = sharedIndex(low, chunkSlot(low, held.layout, row, chunk));
    low.emit.push({ kind: 'store_shared', shared: held.shared, index, value, origin: low.emit.origin() });
  } else if (held.kind === 'array') {
    low.emit.push({ kind: 'assign_array', array: held.array, index: chunkSlot(low, held.layout, row, chunk), value, origin: low.emit.origin() });
  } else if (held.kind === 'reread') throw new CompilerBug('lower-tile', 'a load is written');
  else low.emit.assign(registerOfChunk(held, row, chunk), value);
}

/** A scalar register. */
export function readRegister(held: Held, register: number): KernelExpr {
  const slot = held.kind === 'registers' && held.layout.vector === 1 ? held.slots[register] : undefined;
  if (slot === undefined) throw new CompilerBug('lower-tile', `no register ${register}`);
  return slot;
}

/** Variables that change when the tile is written. */
export function variablesOf(held: Held | undefined): readonly KernelExpr[] {
  return held?.kind === 'registers' ? held.slots.filter((s) => s.kind === 'ref') : [];
}

/**
 * Whether rows of chunks are walked by a loop. Registers cannot be. Private arrays are where it saves text and costs nothing that
 * matters: outside loops (`once`); inside, constant indices are much faster.
 */
export function isRolled(low: Lowering, helds: readonly Held[], chunks: number, once: boolean): boolean {
  const rows = helds.filter((h) => h.kind !== 'streamed' && h.layout.vector === 4);
  if (rows.some((h) => h.kind === 'registers')) return false;
  if (rows.some((h) => h.kind === 'array')) return once && chunks > 1;
  return low.schedule.chunkUnroll < chunks;
}

/** Runs `build` for each chunk of a row: unrolled, or in a loop whose turns take `chunkUnroll` chunks. A short last chunk is never rolled. */
export function forChunks(low: Lowering, extent: number, rolled: boolean, writes: readonly KernelExpr[], build: (chunk: KernelExpr) => void): void {
  const { emit } = low;
  const chunks = Math.ceil(extent / 4);
  if (!rolled) {
    for (let c = 0; c < chunks; c += 1) build(i32(c));
    return;
  }
  const unroll = Math.max(1, Math.min(low.schedule.chunkUnroll, low.schedule.rowStorage === 'arrays' ? 1 : chunks));
  const whole = Math.floor(Math.floor(extent / 4) / unroll) * unroll;
  emit.loop('chunk', i32(0), loopEnd(low, whole), true, writes, (first) => {
    for (let u = 0; u < unroll; u += 1) build(emit.value(bin('add', first, i32(u))));
  }, unroll);
  for (let c = whole; c < chunks; c += 1) build(i32(c));
}

/**
 * The end of a loop over chunks. With rows in workgroup memory the schedule wants a loop in the machine code, too; drivers that know the
 * number of turns unroll it (Mesa up to 32 turns: 2.7 s of compilation became 55 s), so the number is hidden behind a size of
 * the launch, which is never negative.
 */
function loopEnd(low: Lowering, turns: number): KernelExpr {
  const { emit, access } = low;
  const size = low.extents.find((e) => e.kind === 'ref');
  if (low.schedule.rowStorage !== 'workgroup' || size === undefined || turns < 2) return i32(turns);
  return emit.hoisted(1, () => emit.value(bin('add', emit.value(bin('min', access.launch(size), i32(0))), i32(turns)), 'chunks'));
}
