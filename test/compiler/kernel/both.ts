/**
 * Runs a tile program in the tile interpreter (float64, no lanes) and its lowered kernel in the lock-step interpreter, on the same memory.
 * Out: what both wrote, and every problem either of them found. A refused lowering throws: tests of refusals call lowerTile themselves.
 */
import { runKernel } from '../../../compiler/interpreters/lockstep/index.ts';
import { storageOf, storageValues, unwrittenStorage } from '../../../compiler/interpreters/lockstep/storage.ts';
import { runTile, type BufferValue } from '../../../compiler/interpreters/tile.ts';
import { printProblem } from '../../../compiler/interpreters/problem.ts';
import { evaluate } from '../../../compiler/expr/evaluate.ts';
import type { KernelProgram } from '../../../compiler/kernel/ir.ts';
import { lowerTile } from '../../../compiler/kernel/lower-tile.ts';
import type { Schedule } from '../../../compiler/schedule.ts';
import type { TargetRecord } from '../../../compiler/target.ts';
import type { TileProgram } from '../../../compiler/tile/ir.ts';

export interface Launch {
  readonly values: ReadonlyMap<string, number>;
  readonly inputs: ReadonlyMap<string, readonly number[]>;
}

export interface Ran {
  readonly kernel: KernelProgram;
  readonly problems: readonly string[];
  /** Per written buffer: element values; NaN where nothing was written. */
  readonly expected: ReadonlyMap<string, Float64Array>;
  readonly actual: ReadonlyMap<string, Float64Array>;
}

function masked(values: Float64Array, written: Uint8Array): Float64Array {
  return values.map((v, i) => (written[i] === 1 ? v : NaN));
}

export function lowered(program: TileProgram, schedule: Schedule, target: TargetRecord): KernelProgram {
  const result = lowerTile(program, schedule, target);
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('\n'));
  return result.value;
}

export function runBoth(program: TileProgram, schedule: Schedule, target: TargetRecord, width: number, launch: Launch): Ran {
  const kernel = lowered(program, schedule, target);
  const buffers = new Map<string, BufferValue>();
  const storage = new Map<string, ReturnType<typeof storageOf>>();
  const lengthOf = (extents: TileProgram['buffers'][number]['extents']): number => extents.reduce((n, e) => n * evaluate(e, launch.values), 1);
  for (const b of program.buffers) {
    const length = lengthOf(b.extents);
    if (b.access === 'read') {
      const data = launch.inputs.get(b.name) ?? [];
      // What the device holds is what both see: halves and f32 are rounded first.
      const memory = storageOf(b.element, data);
      storage.set(b.name, memory);
      buffers.set(b.name, { element: b.element, data: storageValues(memory) });
    } else {
      buffers.set(b.name, { element: b.element, data: new Float64Array(length), written: new Uint8Array(length) });
      storage.set(b.name, unwrittenStorage(b.element, length));
    }
  }
  const problems = runTile(program, { values: launch.values, buffers }).map(printProblem);
  const grid = [0, 1, 2].map((axis) => {
    const a = program.grid[axis];
    return a === undefined ? 1 : evaluate(a.extent, launch.values);
  });
  const report = runKernel(kernel, {
    uniforms: kernel.uniforms.map((u) => launch.values.get(u.name) ?? NaN),
    groups: [grid[0] ?? 1, grid[1] ?? 1, grid[2] ?? 1],
    storage,
  }, { subgroupWidth: width });
  const expected = new Map<string, Float64Array>();
  const actual = new Map<string, Float64Array>();
  for (const b of program.buffers) {
    if (b.access === 'read') continue;
    const tile = buffers.get(b.name);
    const memory = storage.get(b.name);
    if (tile?.written !== undefined) expected.set(b.name, masked(Float64Array.from(tile.data), tile.written));
    if (memory?.written !== undefined) actual.set(b.name, masked(storageValues(memory), memory.written));
  }
  return { kernel, problems: [...problems, ...report.problems.map(printProblem)], expected, actual };
}

/** The largest difference, with NaN (nothing written) equal to NaN only; Infinity where one wrote and the other did not. */
export function worstDifference(ran: Ran): number {
  let worst = 0;
  for (const [name, expected] of ran.expected) {
    const actual = ran.actual.get(name) ?? new Float64Array(0);
    for (let i = 0; i < expected.length; i += 1) {
      const e = expected[i] ?? NaN;
      const a = actual[i] ?? NaN;
      if (Number.isNaN(e) && Number.isNaN(a)) continue;
      const difference = e === a ? 0 : Math.abs(e - a);
      worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
    }
  }
  return worst;
}

/** Pseudo-random numbers in [-1, 1), the same for the same seed. */
export function noise(length: number, seed: number): readonly number[] {
  let state = (seed * 2654435761) >>> 0;
  return Array.from({ length }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return (state / 4294967296) * 2 - 1;
  });
}
