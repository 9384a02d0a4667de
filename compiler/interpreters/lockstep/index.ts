/**
 * The lock-step interpreter: a kernel program with all lanes of a workgroup side by side, workgroup after workgroup, for a chosen
 * subgroup width. In: a (verified) program, uniforms, the dispatch and its memory. Out: the memory holds the results; what went
 * wrong and what was done comes back as a report. f32 is rounded after each operation, i32 and u32 wrap.
 */
import type { KernelProgram } from '../../kernel/ir.ts';
import { nameScope } from '../../scope.ts';
import { problemLog } from '../problem.ts';
import type { Problem } from '../problem.ts';
import type { Scope } from './expression.ts';
import { newCounters, report, room } from './machine.ts';
import type { Counters, Held, Lanes, Machine } from './machine.ts';
import { bindStorage, newCopies, resetCopies, sharedState } from './memory.ts';
import type { StorageValue, StorageView } from './memory.ts';
import { compileBlock } from './statement.ts';

export type { StorageValue } from './memory.ts';
export type { Counters } from './machine.ts';

export interface LockstepInput {
  /** Values in the order of the program's uniforms. */
  readonly uniforms: readonly number[];
  /** Workgroups of the dispatch. */
  readonly groups: readonly [number, number, number];
  /** Memory by buffer name (not by view). */
  readonly storage: ReadonlyMap<string, StorageValue>;
  /** Only this workgroup of the dispatch. */
  readonly only?: readonly [number, number, number];
}

export interface LockstepOptions {
  /** Lanes of a subgroup, 4 to 64; the last subgroup of a workgroup may be partial. */
  readonly subgroupWidth: number;
  /** Statements (of whole workgroups) after which the run is given up. */
  readonly maxSteps?: number;
}

export interface LockstepReport {
  readonly problems: readonly Problem[];
  readonly counters: Readonly<Counters>;
}

// A workgroup of a small launch takes some thousand steps.
const defaultMaxSteps = 20_000_000;

/** Runs one compiled kernel; used one call at a time. */
export type LockstepRunner = (input: LockstepInput, options?: { readonly maxSteps?: number }) => LockstepReport;

/** Compiles a program for one subgroup width. */
export function compileLockstep(program: KernelProgram, subgroupWidth: number): LockstepRunner {
  const lanes = program.workgroupSize;
  const everyone = new Uint8Array(lanes).fill(1);
  const m: Machine = {
    program, lanes, width: subgroupWidth,
    mask: everyone, full: true, tainted: false, sources: [], taints: [], clean: new Uint8Array(lanes),
    epoch: 1, groupEpoch: 1, firstLane: 1, group: [0, 0, 0],
    counters: newCounters(), current: program, log: problemLog(), stepsLeft: 0, stopped: false,
  };
  const group = [new Int32Array(lanes), new Int32Array(lanes), new Int32Array(lanes)];
  const laneNumbers = Int32Array.from(everyone.keys());
  const builtins = new Map<string, Int32Array>([
    ['lane', laneNumbers],
    ['subgroup_lane', laneNumbers.map((i) => i % subgroupWidth)],
    ...group.map((values, axis): [string, Int32Array] => [`group_${'xyz'[axis] ?? ''}`, values]),
  ]);
  const uniforms = program.uniforms.map((u): { readonly name: string; readonly type: 'i32' | 'f32'; readonly out: Lanes } => ({ ...u, out: room(u.type, lanes) }));
  const storage = new Map(program.storage.map((s): [string, { view: StorageView | undefined }] => [s.name, { view: undefined }]));
  const scope: Scope = {
    m, builtins, storage,
    values: nameScope(uniforms.map((u): [string, Held] => [u.name, { type: u.type, out: u.out, taint: m.clean }])),
    arrays: nameScope(),
    shared: new Map(program.shared.map((s) => [s.name, sharedState(m, s)])),
    copies: newCopies(lanes),
    divergent: false,
  };
  const body = compileBlock(scope, program.body);

  const runGroup = (at: readonly [number, number, number], groups: readonly [number, number, number]): void => {
    m.mask = everyone;
    m.full = true;
    m.epoch += 1;
    m.groupEpoch = m.epoch;
    m.group = at;
    resetCopies(scope.copies);
    m.firstLane = ((at[2] * groups[1] + at[1]) * groups[0] + at[0]) * lanes + 1;
    at.forEach((g, axis) => group[axis]?.fill(g));
    body();
  };

  return (input, options = {}) => {
    m.log = problemLog();
    m.counters = newCounters();
    m.current = program;
    m.stopped = false;
    m.stepsLeft = options.maxSteps ?? defaultMaxSteps;
    m.epoch = 1;
    if (m.tainted) for (const taint of m.taints) taint.fill(0);
    m.tainted = false;
    m.sources = [];
    for (const s of scope.shared.values()) s.writeEpoch.fill(0);
    for (const s of scope.shared.values()) s.readEpoch.fill(0);
    const { views, unfit } = bindStorage(program.storage, input.storage);
    const given = input.uniforms.length;
    if (given !== uniforms.length) report(m, 'launch', 'uniforms', () => `${uniforms.length} uniforms are declared and ${given} given`);
    const { subgroup } = program;
    const tooNarrow = subgroup !== undefined && subgroup > subgroupWidth;
    if (tooNarrow) report(m, 'launch', 'subgroup', () => `the kernel counts on subgroups of ${subgroup} lanes, and they have ${subgroupWidth}`);
    if (unfit.length > 0) report(m, 'launch', 'storage', () => `no fitting memory for ${unfit.join(', ')}`);
    if (given === uniforms.length && unfit.length === 0 && !tooNarrow) {
      uniforms.forEach((u, i) => u.out.fill(input.uniforms[i] ?? 0));
      for (const [name, holder] of storage) holder.view = views.get(name);
      const [gx, gy, gz] = input.groups;
      if (input.only !== undefined) {
        runGroup(input.only, input.groups);
      } else {
        for (let z = 0; z < gz; z += 1) {
          for (let y = 0; y < gy; y += 1) for (let x = 0; x < gx && !m.stopped; x += 1) runGroup([x, y, z], input.groups);
        }
      }
    }
    return { problems: m.log.list(), counters: m.counters };
  };
}

const compiled = new WeakMap<KernelProgram, Map<number, LockstepRunner>>();

/** Runs a kernel over its dispatch. Programs are compiled once for each subgroup width and remembered. */
export function runKernel(program: KernelProgram, input: LockstepInput, options: LockstepOptions): LockstepReport {
  let widths = compiled.get(program);
  if (widths === undefined) {
    widths = new Map();
    compiled.set(program, widths);
  }
  let runner = widths.get(options.subgroupWidth);
  if (runner === undefined) {
    runner = compileLockstep(program, options.subgroupWidth);
    widths.set(options.subgroupWidth, runner);
  }
  return runner(input, options);
}
