/**
 * Tile programs as closures. In: a program. Out: a runner that can be given launch values and memory many times: names have become
 * slots of one frame, tiles float64 arrays, expressions closures. Instances of the grid run one after another.
 */
import { compileExpr } from '../../expr/evaluate.ts';
import type { Expr } from '../../expr/ir.ts';
import { children } from '../../expr/traverse.ts';
import type { BufferDecl, TileProgram } from '../../tile/ir.ts';
import { problemLog } from '../problem.ts';
import type { Problem } from '../problem.ts';
import { bindBuffer } from './buffers.ts';
import type { BufferValue } from './buffers.ts';
import { bufferNamed, machineFor, report, slotOf } from './machine.ts';
import type { Machine } from './machine.ts';
import { block } from './statement.ts';

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

/** Launch-level expressions: the names they need, and their values. */
interface Extents {
  readonly names: readonly string[];
  readonly of: (values: ReadonlyMap<string, number>) => readonly number[];
}

function namesIn(e: Expr, into: Set<string>): void {
  if (e.kind === 'ref') into.add(e.name);
  for (const c of children(e)) namesIn(c, into);
}

function compileExtents(exprs: readonly Expr[]): Extents {
  const found = new Set<string>();
  for (const e of exprs) namesIn(e, found);
  const names = [...found];
  const compiled = exprs.map((e) => compileExpr(e, names));
  return {
    names,
    of: (values) => {
      const given = names.map((name) => values.get(name) ?? 0);
      return compiled.map((f) => f(given));
    },
  };
}

interface Launchable {
  readonly grid: Extents;
  readonly buffers: readonly { readonly decl: BufferDecl; readonly extents: Extents }[];
}

/** Gives scalars and buffers their values; false, with a report, where the launch does not fit. */
function bind(m: Machine, launch: Launchable, env: TileEnvironment): boolean {
  const needed = [...m.program.scalars.map((s) => s.name), ...launch.buffers.flatMap((b) => b.extents.names), ...(env.grid === undefined ? launch.grid.names : [])];
  const missing = [...new Set(needed)].filter((name) => !env.values.has(name));
  if (missing.length > 0) {
    report(m, 'launch', 'values', () => `no value for ${missing.join(', ')}`);
    return false;
  }
  for (const s of m.program.scalars) m.frame[slotOf(m, s.name)] = env.values.get(s.name) ?? 0;
  for (const { decl, extents } of launch.buffers) {
    const value = env.buffers.get(decl.name);
    const shape = extents.of(env.values);
    if (value !== undefined && value.element === decl.element && shape.every((n) => n >= 0) && bindBuffer(bufferNamed(m, decl.name), value, shape)) continue;
    const given = value === undefined ? 'no memory' : `${value.data.length} elements of ${value.element}`;
    report(m, 'launch', decl.name, () => `buffer ${decl.name} is declared ${decl.element} [${shape.join(', ')}] and got ${given}`);
    return false;
  }
  return true;
}

/** Compiles a (verified) program once; the runner is used one call at a time. */
export function compileTile(program: TileProgram): TileRunner {
  const m = machineFor(program);
  const body = block(m, program.body);
  const launch: Launchable = {
    grid: compileExtents(program.grid.map((g) => g.extent)),
    buffers: program.buffers.map((decl) => ({ decl, extents: compileExtents(decl.extents) })),
  };
  const gridSlots = program.grid.map((g) => slotOf(m, g.name));
  return (env, options = {}) => {
    m.log = problemLog();
    m.current = program;
    m.stopped = false;
    m.stepsLeft = options.maxSteps ?? defaultMaxSteps;
    if (!bind(m, launch, env)) return m.log.list();
    const grid = env.grid ?? launch.grid.of(env.values);
    if (grid.length !== gridSlots.length || grid.some((n) => n < 0)) {
      report(m, 'launch', 'grid', () => `the grid is [${grid.join(', ')}]`);
      return m.log.list();
    }
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
