/**
 * The state of a workgroup in lock step: which lanes are active, which barrier interval runs, what has been counted and found.
 * Values of all lanes lie side by side in typed arrays, so that a machine step is one loop over lanes.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import type { KernelProgram, KernelStmt, KernelType } from '../../kernel/ir.ts';
import { printKernelStatement } from '../../kernel/print.ts';
import type { ProblemKind, ProblemLog } from '../problem.ts';

export interface Counters {
  /** Elements of storage loaded and stored, over all lanes. */
  loads: number;
  stores: number;
  /** Elements of workgroup memory loaded and stored, over all lanes. */
  sharedLoads: number;
  sharedStores: number;
  /** Barriers and subgroup operations, once a workgroup. */
  barriers: number;
  subgroupOps: number;
  /** Statements, once a workgroup. */
  steps: number;
}

/** Values of one expression or variable: component c of lane i at i * components + c. */
export type Lanes = Int32Array | Uint32Array | Float32Array;

export interface Machine {
  readonly program: KernelProgram;
  /** Lanes of a workgroup, and of a subgroup. */
  readonly lanes: number;
  readonly width: number;
  /** 1 for lanes that execute; `full` when all do. */
  mask: Uint8Array;
  full: boolean;
  /**
   * Whether any value without meaning has been loaded in this run. Loading one is harmless (guarded code loads an element and drops
   * it); storing it, branching on it or addressing with it is not. Until the first of them nothing is followed.
   */
  tainted: boolean;
  /** What taint number n (from 1) stands for. */
  sources: string[];
  /** Everything that can hold a taint, to be cleared before the next run. */
  readonly taints: Uint8Array[];
  /** The taints of literals and other values that always have a meaning. */
  readonly clean: Uint8Array;
  /** Grows with each barrier and each workgroup; workgroup memory last written before `groupEpoch` is uninitialised. */
  epoch: number;
  groupEpoch: number;
  /** Number of the workgroup's first lane within the dispatch, counted from 1. */
  firstLane: number;
  group: readonly [number, number, number];
  counters: Counters;
  current: KernelStmt | KernelProgram;
  log: ProblemLog;
  stepsLeft: number;
  stopped: boolean;
}

/** Components of a value of this type. */
export function componentsOf(type: KernelType | 'vec4u'): 1 | 2 | 4 {
  return type === 'vec4f' || type === 'vec4u' ? 4 : type === 'vec2u' ? 2 : 1;
}

/** Zeroed room for `count` values of a type. */
export function room(type: KernelType | 'vec4u', count: number): Lanes {
  const length = count * componentsOf(type);
  switch (type) {
    case 'bool':
    case 'i32':
      return new Int32Array(length);
    case 'u32':
    case 'vec2u':
    case 'vec4u':
      return new Uint32Array(length);
    case 'f32':
    case 'vec4f':
      return new Float32Array(length);
    default:
      return unreachable(type);
  }
}

export function floats(values: Lanes): Float32Array {
  if (values instanceof Float32Array) return values;
  throw new CompilerBug('lockstep', 'an operand is not f32');
}

export function ints(values: Lanes): Int32Array {
  if (values instanceof Int32Array) return values;
  throw new CompilerBug('lockstep', 'an operand is not i32 or bool');
}

export function words(values: Lanes): Uint32Array {
  if (values instanceof Uint32Array) return values;
  throw new CompilerBug('lockstep', 'an operand is not u32');
}

export type Run = () => void;

/** Values of all lanes, and for each lane its taint (0: none). */
export interface Held {
  readonly type: KernelType;
  readonly out: Lanes;
  readonly taint: Uint8Array;
}

/** Values that lie in `out` after `run`. */
export interface Value extends Held {
  readonly run: Run;
}

export function newCounters(): Counters {
  return { loads: 0, stores: 0, sharedLoads: 0, sharedStores: 0, barriers: 0, subgroupOps: 0, steps: 0 };
}

/** `lane 3 of workgroup (0, 1, 0)`. */
export function laneName(m: Machine, lane: number): string {
  return `lane ${lane} of workgroup (${m.group.join(', ')})`;
}

/** The same for a lane's number within the dispatch. */
export function dispatchLaneName(m: Machine, number: number): string {
  const lane = (number - 1) % m.lanes;
  return number - lane === m.firstLane ? `lane ${lane}` : `lane ${lane} of workgroup number ${(number - 1 - lane) / m.lanes}`;
}

/** Notes a problem of the statement that is being executed. */
export function report(m: Machine, kind: ProblemKind, subject: string, message: () => string): void {
  const at = m.current;
  m.log.report(kind, at, subject, at.origin, () => ('kind' in at ? printKernelStatement(at) : `kernel ${at.name}`), message);
}

/** Lanes of a mask, in words. */
export function lanesOf(mask: Uint8Array, wanted: 0 | 1): string {
  const found = [...mask.keys()].filter((i) => mask[i] === wanted);
  return found.length === 1 ? `lane ${found[0] ?? ''}` : `lanes ${found.slice(0, 4).join(', ')}${found.length > 4 ? ', ...' : ''}`;
}

/** Room for the taints of `count` values. */
export function taintRoom(m: Machine, count: number): Uint8Array {
  const taint = new Uint8Array(count);
  m.taints.push(taint);
  return taint;
}

/** The number of a new source of values without meaning. */
export function taintSource(m: Machine, source: string): number {
  m.tainted = true;
  const known = m.sources.indexOf(source);
  if (known >= 0) return known + 1;
  // 255 sources are told apart, the rest share a number: one is enough to find a fault.
  if (m.sources.length < 255) m.sources.push(source);
  return m.sources.length;
}

/** Reports executing lanes that let a value without meaning decide something. */
export function checkUse(m: Machine, taint: Uint8Array, what: string): void {
  if (!m.tainted) return;
  for (let lane = 0; lane < m.lanes; lane += 1) {
    const source = taint[lane] ?? 0;
    if (source === 0 || m.mask[lane] === 0) continue;
    report(m, 'unwritten', what, () => `${laneName(m, lane)} ${what} that depends on ${m.sources[source - 1] ?? ''}`);
  }
}
