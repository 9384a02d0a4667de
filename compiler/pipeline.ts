/**
 * The whole compiler on one screen: spec -> plan -> tile programs -> kernel programs -> host plan. Each stage is a
 * plain function; each result is verified before the next stage sees it. Text is made by a backend, not here.
 */
import type { Checked } from '../dsl/diagnostic.ts';
import type { HostPlan } from './launch/plan.ts';
import type { KernelProgram } from './kernel/ir.ts';
import type { Plan } from './plan/ir.ts';
import type { Schedule } from './schedule.ts';
import type { Spec } from './spec/ir.ts';
import type { TargetRecord } from './target.ts';
import type { TileProgram } from './tile/ir.ts';

export interface CompileOptions {
  readonly target: TargetRecord;
  /** Head dimension, 1..256: fixed per kernel. */
  readonly dim: number;
  /** Storage type of q, k, v and out. Accumulation is f32; lse is f32. */
  readonly dtype: 'f32' | 'f16';
  /** Pins schedules, for benchmarks and fuzzing. */
  readonly schedules?: { readonly prefill?: Schedule; readonly decode?: Schedule };
  /** Receives every level as text: (order and name such as `2-plan`, text). */
  readonly trace?: (level: string, text: string) => void;
}

export interface Compiled {
  readonly spec: Spec;
  readonly plan: Plan;
  readonly prefill: Schedule;
  readonly decode: Schedule;
  readonly tilePrograms: readonly TileProgram[];
  readonly kernelPrograms: readonly KernelProgram[];
  readonly hostPlan: HostPlan;
}

export function compileSpec(_spec: Spec, _options: CompileOptions): Checked<Compiled> {
  throw new Error('the stages are being connected');
}
