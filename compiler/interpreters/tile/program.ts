/**
 * Tile programs as closures. In: a program. Out: a runner that can be given launch values and memory many times: names have become
 * slots of one frame, tiles float64 arrays, expressions closures. Instances of the grid run one after another.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import { compileExpr, elementName } from '../../expr/evaluate.ts';
import type { TensorReader } from '../../expr/evaluate.ts';
import type { Expr } from '../../expr/ir.ts';
import { children } from '../../expr/traverse.ts';
import { allStatements } from '../../tile/build.ts';
import type { TileDecl, TileProgram, TileShape, TileStmt } from '../../tile/ir.ts';
import { printTileStatement } from '../../tile/print.ts';
import { problemLog } from '../problem.ts';
import type { Problem, ProblemKind, ProblemLog } from '../problem.ts';
import { bindBuffer, isWritten, locate, storeElement, unboundBuffer } from './buffers.ts';
import type { BufferState, BufferValue } from './buffers.ts';

export interface TileEnvironment {
  /** Launch values by name: whatever grid extents, buffer extents and scalars mention. */
  readonly values: ReadonlyMap<string, number>;
  readonly buffers: ReadonlyMap<string, BufferValue>;
  /** Instances along each axis, as a launch gives them; absent: the extents that the program declares. */
  readonly grid?: readonly number[];
}

export interface TileOptions {
  /** Loop iterations and instances after which a run is given up. */
  readonly maxSteps?: number;
}

/** Runs one compiled program over its whole grid. */
export type TileRunner = (env: TileEnvironment, options?: TileOptions) => readonly Problem[];

// Far above what a fuzzed launch needs (a few thousand), far below what a person would wait for.
const defaultMaxSteps = 20_000_000;

interface Tile {
  readonly decl: TileDecl;
  readonly data: Float64Array;
  /** Steps of the linear index along rows and columns; 0 where the axis broadcasts. */
  readonly alongRow: number;
  readonly alongCol: number;
}

interface Machine {
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

type Run = () => void;

/** Evaluates at (row, col) of the frame, after fetching the elements of the tiles used. */
type ElementValue = (row: number, col: number) => number;

function tileOf(decl: TileDecl): Tile {
  return {
    decl,
    data: new Float64Array(decl.rows * decl.cols),
    alongRow: decl.rows === 1 ? 0 : decl.cols,
    alongCol: decl.cols === 1 ? 0 : 1,
  };
}

function machineFor(program: TileProgram): Machine {
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

function report(m: Machine, kind: ProblemKind, subject: string, message: () => string): void {
  const at = m.current;
  m.log.report(kind, at, subject, at.origin, () => ('kind' in at ? printTileStatement(at) : `program ${at.name}`), message);
}

function where(m: Machine): string {
  const grid = m.program.grid.map((g) => `${g.name} = ${slotValue(m, g.name)}`);
  return grid.length > 0 ? ` at ${grid.join(', ')}` : '';
}

function slotOf(m: Machine, name: string): number {
  const slot = m.slots.get(name);
  if (slot === undefined) throw new CompilerBug('tile interpreter', `'${name}' is declared nowhere in '${m.program.name}'`);
  return slot;
}

function slotValue(m: Machine, name: string): number {
  return m.frame[slotOf(m, name)] ?? 0;
}

function tileNamed(m: Machine, name: string): Tile {
  const tile = m.tiles.get(name);
  if (tile === undefined) throw new CompilerBug('tile interpreter', `no tile '${name}' in '${m.program.name}'`);
  return tile;
}

function bufferNamed(m: Machine, name: string): BufferState {
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

function scalar(m: Machine, e: Expr): () => number {
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

function elementwise(m: Machine, e: Expr): ElementValue {
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

function fill(m: Machine, tile: Tile, e: Expr): Run {
  const value = elementwise(m, e);
  const { rows, cols } = tile.decl;
  const { data } = tile;
  return () => {
    for (let r = 0; r < rows; r += 1) for (let c = 0; c < cols; c += 1) data[r * cols + c] = value(r, c);
  };
}

function load(m: Machine, s: Extract<TileStmt, { readonly kind: 'load' }>): Run {
  const { data, decl } = tileNamed(m, s.tile.name);
  const buffer = bufferNamed(m, s.buffer);
  const wanted = elementwise(m, s.where);
  const index = s.index.map((e) => elementwise(m, e));
  const at = new Array<number>(index.length + 1).fill(0);
  return () => {
    data.fill(0);
    const last = buffer.extents[buffer.extents.length - 1] ?? 0;
    for (let r = 0; r < decl.rows; r += 1) {
      if (wanted(r, 0) === 0) continue;
      for (let i = 0; i < index.length; i += 1) at[i] = index[i]?.(r, 0) ?? 0;
      at[index.length] = 0;
      const count = Math.min(decl.cols, last);
      if (count <= 0) continue;
      const first = locate(buffer, at);
      if (first < 0) {
        const shown = at.slice(0, -1).join(', ');
        report(m, 'outside', s.buffer, () => `row ${r} loads ${s.buffer}[${shown}, :], outside [${buffer.extents.join(', ')}]${where(m)}`);
        continue;
      }
      for (let c = 0; c < count; c += 1) {
        if (!isWritten(buffer, first + c)) {
          report(m, 'unwritten', s.buffer, () => `loads element ${first + c} of ${s.buffer}, which nothing has written${where(m)}`);
        }
        data[r * decl.cols + c] = buffer.value.data[first + c] ?? 0;
      }
    }
  };
}

function dot(m: Machine, s: Extract<TileStmt, { readonly kind: 'dot' }>): Run {
  const target = tileNamed(m, s.target);
  const left = tileNamed(m, s.left);
  const right = tileNamed(m, s.right);
  const { rows, cols } = target.decl;
  const depth = left.decl.cols;
  const rightCols = right.decl.cols;
  const alongDepth = s.transposed ? 1 : rightCols;
  const alongCol = s.transposed ? rightCols : 1;
  return () => {
    for (let r = 0; r < rows; r += 1) {
      for (let c = 0; c < cols; c += 1) {
        let sum = s.accumulate ? target.data[r * cols + c] ?? 0 : 0;
        for (let d = 0; d < depth; d += 1) sum += (left.data[r * depth + d] ?? 0) * (right.data[c * alongCol + d * alongDepth] ?? 0);
        target.data[r * cols + c] = sum;
      }
    }
  };
}

function reduce(m: Machine, s: Extract<TileStmt, { readonly kind: 'reduce' }>): Run {
  const target = tileNamed(m, s.target);
  const source = tileNamed(m, s.source);
  const { rows, cols } = source.decl;
  const isInt = source.decl.type === 'int';
  return () => {
    for (let r = 0; r < rows; r += 1) {
      let result = source.data[r * cols] ?? 0;
      for (let c = 1; c < cols; c += 1) {
        const x = source.data[r * cols + c] ?? 0;
        result = s.op === 'max' ? Math.max(result, x) : isInt ? (result + x) | 0 : result + x;
      }
      target.data[r] = result;
    }
  };
}

function store(m: Machine, s: Extract<TileStmt, { readonly kind: 'store' }>): Run {
  const buffer = bufferNamed(m, s.buffer);
  const wanted = elementwise(m, s.where);
  const index = s.index.map((e) => elementwise(m, e));
  const value = elementwise(m, s.value);
  const at = new Array<number>(index.length).fill(0);
  const { rows, cols }: TileShape = s.shape;
  return () => {
    for (let r = 0; r < rows; r += 1) {
      for (let c = 0; c < cols; c += 1) {
        if (wanted(r, c) === 0) continue;
        for (let i = 0; i < index.length; i += 1) at[i] = index[i]?.(r, c) ?? 0;
        const linear = locate(buffer, at);
        if (linear < 0 || linear >= buffer.stored.length) {
          const shown = at.join(', ');
          report(m, 'outside', s.buffer, () => `element (${r}, ${c}) stores ${s.buffer}[${shown}], outside [${buffer.extents.join(', ')}]${where(m)}`);
        } else if (!storeElement(buffer, linear, value(r, c))) {
          const shown = at.join(', ');
          report(m, 'store-twice', s.buffer, () => `element (${r}, ${c}) stores ${s.buffer}[${shown}] a second time${where(m)}`);
        }
      }
    }
  };
}

/** Takes a step of the budget; false when there is none left. */
function step(m: Machine, s: TileStmt): boolean {
  m.stepsLeft -= 1;
  if (m.stepsLeft >= 0) return true;
  m.current = s;
  if (!m.stopped) report(m, 'budget', '', () => `the step budget is used up${where(m)}`);
  m.stopped = true;
  return false;
}

function statement(m: Machine, s: TileStmt): Run {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'set': {
      const value = scalar(m, s.value);
      const slot = slotOf(m, s.name);
      const { frame } = m;
      return () => {
        frame[slot] = value();
      };
    }
    case 'tile':
      return fill(m, tileNamed(m, s.tile.name), s.value);
    case 'map':
      return fill(m, tileNamed(m, s.target), s.value);
    case 'load':
      return load(m, s);
    case 'dot':
      return dot(m, s);
    case 'reduce':
      return reduce(m, s);
    case 'store':
      return store(m, s);
    case 'if': {
      const cond = scalar(m, s.cond);
      const then = block(m, s.then);
      const otherwise = block(m, s.otherwise);
      return () => (cond() !== 0 ? then() : otherwise());
    }
    case 'for': {
      const from = scalar(m, s.from);
      const to = scalar(m, s.to);
      const body = block(m, s.body);
      const slot = slotOf(m, s.index);
      const { frame } = m;
      return () => {
        const end = to();
        for (let i = from(); i < end && !m.stopped && step(m, s); i += 1) {
          frame[slot] = i;
          body();
        }
      };
    }
    case 'while': {
      const cond = scalar(m, s.cond);
      const body = block(m, s.body);
      return () => {
        for (;;) {
          m.current = s;
          if (cond() === 0 || m.stopped || !step(m, s)) return;
          body();
        }
      };
    }
    case 'comment':
      return () => {};
    default:
      return unreachable(s);
  }
}

function block(m: Machine, body: readonly TileStmt[]): Run {
  const runs = body.filter((s) => s.kind !== 'comment').map((s) => ({ s, run: statement(m, s) }));
  return () => {
    for (const { s, run } of runs) {
      if (m.stopped) return;
      m.current = s;
      run();
    }
  };
}

/** Gives scalars and buffers their values; the extents of the grid, or undefined where the launch does not fit. */
function bind(m: Machine, env: TileEnvironment, extents: Map<object, readonly ((values: readonly number[]) => number)[]>, known: readonly string[], needed: readonly string[]): readonly number[] | undefined {
  const missing = [...needed, ...m.program.scalars.map((s) => s.name)].filter((name) => !env.values.has(name));
  if (missing.length > 0) {
    report(m, 'launch', missing.join(' '), () => `no value for ${missing.join(', ')}`);
    return undefined;
  }
  const values = known.map((name) => env.values.get(name) ?? 0);
  for (const s of m.program.scalars) m.frame[slotOf(m, s.name)] = env.values.get(s.name) ?? 0;
  for (const b of m.program.buffers) {
    const value = env.buffers.get(b.name);
    const shape = (extents.get(b) ?? []).map((f) => f(values));
    const fits = value !== undefined && value.element === b.element && shape.every((n) => n >= 0) && bindBuffer(bufferNamed(m, b.name), value, shape);
    if (fits) continue;
    const given = value === undefined ? 'no memory' : `${value.data.length} elements of ${value.element}`;
    report(m, 'launch', b.name, () => `buffer ${b.name} is declared ${b.element} [${shape.join(', ')}] and got ${given}`);
    return undefined;
  }
  const grid = env.grid ?? m.program.grid.map((g) => (extents.get(g) ?? []).map((f) => f(values))[0] ?? 0);
  if (grid.length !== m.program.grid.length || grid.some((n) => n < 0)) {
    report(m, 'launch', 'grid', () => `the grid is [${grid.join(', ')}]`);
    return undefined;
  }
  return grid;
}

function namesIn(e: Expr, into: Set<string>): void {
  if (e.kind === 'ref') into.add(e.name);
  for (const c of children(e)) namesIn(c, into);
}

/** Compiles a (verified) program once; the runner is used one call at a time. */
export function compileTile(program: TileProgram): TileRunner {
  const m = machineFor(program);
  const body = block(m, program.body);
  const launchNames = new Set<string>();
  for (const e of program.buffers.flatMap((b) => b.extents)) namesIn(e, launchNames);
  const gridNames = new Set<string>();
  for (const g of program.grid) namesIn(g.extent, gridNames);
  const known = [...new Set([...launchNames, ...gridNames])];
  const extents = new Map<object, readonly ((values: readonly number[]) => number)[]>();
  for (const g of program.grid) extents.set(g, [compileExpr(g.extent, known)]);
  for (const b of program.buffers) extents.set(b, b.extents.map((e) => compileExpr(e, known)));
  const gridSlots = program.grid.map((g) => slotOf(m, g.name));
  return (env, options = {}) => {
    m.log = problemLog();
    m.current = program;
    m.stopped = false;
    m.stepsLeft = options.maxSteps ?? defaultMaxSteps;
    const grid = bind(m, env, extents, known, env.grid === undefined ? known : [...launchNames]);
    if (grid === undefined) return m.log.list();
    const instances = grid.reduce((product, n) => product * n, 1);
    for (let i = 0; i < instances && !m.stopped; i += 1) {
      let rest = i;
      for (let axis = 0; axis < grid.length; axis += 1) {
        const extent = grid[axis] ?? 1;
        m.frame[gridSlots[axis] ?? 0] = rest % extent;
        rest = Math.floor(rest / extent);
      }
      m.stepsLeft -= 1;
      body();
    }
    return m.log.list();
  };
}
