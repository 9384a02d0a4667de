/**
 * The state of the tile interpreter while it runs one program: a frame of numbers for the names, float64 arrays for the tiles, buffers,
 * the log. Expressions become closures over it.
 */
import { CompilerBug } from '../../../dsl/diagnostic.ts';
import { compileExpr, elementName } from '../../expr/evaluate.ts';
import type { TensorReader } from '../../expr/evaluate.ts';
import type { Expr } from '../../expr/ir.ts';
import { children } from '../../expr/traverse.ts';
import { allStatements } from '../../tile/build.ts';
import type { TileDecl, TileProgram, TileStmt } from '../../tile/ir.ts';
import { printTileStatement } from '../../tile/print.ts';
import { problemLog } from '../problem.ts';
import type { ProblemKind, ProblemLog } from '../problem.ts';
import { isWritten, locate, unboundBuffer } from './buffers.ts';
import type { BufferState } from './buffers.ts';

export interface Tile {
  readonly decl: TileDecl;
  readonly data: Float64Array;
  /** Steps of the linear index along rows and columns; 0 where the axis broadcasts. */
  readonly alongRow: number;
  readonly alongCol: number;
}

export interface Machine {
  readonly program: TileProgram;
  readonly names: readonly string[];
  readonly slots: ReadonlyMap<string, number>;
  readonly frame: Float64Array;
  readonly tiles: ReadonlyMap<string, Tile>;
  readonly buffers: ReadonlyMap<string, BufferState>;
  readonly reader: TensorReader;
  /** What is being run, for reports. */
  current: TileStmt | TileProgram;
  log: ProblemLog;
  stepsLeft: number;
  stopped: boolean;
}

export type Run = () => void;

/** Evaluates at (row, col) of the frame, after fetching the elements of the tiles used. */
export type ElementValue = (row: number, col: number) => number;

function tileOf(decl: TileDecl): Tile {
  return {
    decl,
    data: new Float64Array(decl.rows * decl.cols),
    alongRow: decl.rows === 1 ? 0 : decl.cols,
    alongCol: decl.cols === 1 ? 0 : 1,
  };
}

/** The machine of a program, before its first run. */
export function machineFor(program: TileProgram): Machine {
  const names = ['row', 'col', ...program.grid.map((g) => g.name), ...program.scalars.map((s) => s.name)];
  const tiles = new Map<string, Tile>();
  for (const s of allStatements(program.body)) {
    if (s.kind === 'let' || s.kind === 'var') names.push(s.name);
    if (s.kind === 'for') names.push(s.index);
    if (s.kind === 'tile' || s.kind === 'load') {
      tiles.set(s.tile.name, tileOf(s.tile));
      names.push(elementName(s.tile.name));
    }
  }
  const buffers = new Map(program.buffers.map((b) => [b.name, unboundBuffer(b)]));
  const machine: Machine = {
    program, names, tiles, buffers,
    slots: new Map(names.map((name, i) => [name, i])),
    frame: new Float64Array(names.length),
    reader: (tensor, indices) => readElement(machine, tensor, indices),
    current: program, log: problemLog(), stepsLeft: 0, stopped: false,
  };
  return machine;
}

/** Notes a problem of the statement that is being run. */
export function report(m: Machine, kind: ProblemKind, subject: string, message: () => string): void {
  const at = m.current;
  m.log.report(kind, at, subject, at.origin, () => ('kind' in at ? printTileStatement(at) : `program ${at.name}`), message);
}

/** The present instance, in words. */
export function where(m: Machine): string {
  const grid = m.program.grid.map((g) => `${g.name} = ${slotValue(m, g.name)}`);
  return grid.length > 0 ? ` at ${grid.join(', ')}` : '';
}

export function slotOf(m: Machine, name: string): number {
  const slot = m.slots.get(name);
  if (slot === undefined) throw new CompilerBug('tile interpreter', `'${name}' is declared nowhere in '${m.program.name}'`);
  return slot;
}

function slotValue(m: Machine, name: string): number {
  return m.frame[slotOf(m, name)] ?? 0;
}

export function tileNamed(m: Machine, name: string): Tile {
  const tile = m.tiles.get(name);
  if (tile === undefined) throw new CompilerBug('tile interpreter', `no tile '${name}' in '${m.program.name}'`);
  return tile;
}

export function bufferNamed(m: Machine, name: string): BufferState {
  const buffer = m.buffers.get(name);
  if (buffer === undefined) throw new CompilerBug('tile interpreter', `no buffer '${name}' in '${m.program.name}'`);
  return buffer;
}

function readElement(m: Machine, name: string, indices: readonly number[]): number {
  const buffer = bufferNamed(m, name);
  const at = locate(buffer, indices);
  if (at < 0) return 0;
  if (!isWritten(buffer, at)) {
    const shown = indices.join(', ');
    report(m, 'unwritten', name, () => `reads ${name}[${shown}], which nothing has written${where(m)}`);
  }
  const value = buffer.value.data[at] ?? 0;
  return buffer.decl.element === 'bool' && value !== 0 ? 1 : value;
}

/** A closure for a scalar. */
export function scalar(m: Machine, e: Expr): () => number {
  if (tilesIn(e, new Set()).size > 0) {
    const value = elementwise(m, e);
    return () => value(0, 0);
  }
  const compiled = compileExpr(e, m.names, m.reader);
  const { frame } = m;
  return () => compiled(frame);
}

function tilesIn(e: Expr, into: Set<string>): Set<string> {
  if (e.kind === 'element') into.add(e.tile);
  for (const c of children(e)) tilesIn(c, into);
  return into;
}

/** A closure for the elements of a tile. */
export function elementwise(m: Machine, e: Expr): ElementValue {
  const compiled = compileExpr(e, m.names, m.reader);
  const { frame } = m;
  const rowSlot = slotOf(m, 'row');
  const colSlot = slotOf(m, 'col');
  const used = [...tilesIn(e, new Set())].map((name) => ({ slot: slotOf(m, elementName(name)), tile: tileNamed(m, name) }));
  return (row, col) => {
    frame[rowSlot] = row;
    frame[colSlot] = col;
    for (const { slot, tile } of used) frame[slot] = tile.data[row * tile.alongRow + col * tile.alongCol] ?? 0;
    return compiled(frame);
  };
}
