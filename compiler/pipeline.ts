/**
 * The whole compiler on one screen: spec -> plan -> tile programs -> kernel programs -> host plan. Each stage is a
 * plain function; each result is verified before the next stage sees it. Text is made by a backend, not here.
 */
import { bad, CompilerBug, good, type Checked, type Diagnostic } from '../dsl/diagnostic.ts';
import { chooseSchedule, type KernelKind } from './choose-schedule.ts';
import type { KernelProgram, StorageDecl } from './kernel/ir.ts';
import { lowerTile, uniformsOf } from './kernel/lower-tile.ts';
import { printKernel } from './kernel/print.ts';
import { verifyKernel } from './kernel/verify.ts';
import { makeHostPlan } from './launch/host-plan.ts';
import { lowerPlan, type LowerOptions } from './launch/lower-plan.ts';
import { packBindings } from './launch/pack-bindings.ts';
import type { HostPlan } from './launch/plan.ts';
import { printHostPlan } from './launch/print.ts';
import { verifyHostPlan } from './launch/verify.ts';
import { flattenBranches } from './passes/flatten-branches.ts';
import type { Plan } from './plan/ir.ts';
import { makePlan } from './plan/make-plan.ts';
import { printPlan } from './plan/print.ts';
import { verifyPlan } from './plan/verify.ts';
import type { Schedule } from './schedule.ts';
import type { Spec } from './spec/ir.ts';
import { printSpec } from './spec/print.ts';
import { verifySpec } from './spec/verify.ts';
import type { TargetRecord } from './target.ts';
import type { TileProgram } from './tile/ir.ts';
import { printTile } from './tile/print.ts';
import { verifyTile } from './tile/verify.ts';

export interface CompileOptions {
  readonly target: TargetRecord;
  /** Head dimension, 1..256: fixed per kernel. */
  readonly dim: number;
  /** Storage type of q, k, v and out. Accumulation is f32; lse is f32. */
  readonly dtype: 'f32' | 'f16';
  /** Pins schedules, for benchmarks and fuzzing. */
  readonly schedules?: { readonly prefill?: Schedule; readonly decode?: Schedule };
  /** `tile`: kernels keep their interface but get no body, for those who only run the tile programs. */
  readonly upTo?: 'tile';
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

/** A broken rule of a level is a bug of the stage that made it. */
function verified<T>(stage: string, value: T, findings: readonly { readonly rule: string; readonly message: string }[], show: (value: T) => string): T {
  if (findings.length === 0) return value;
  throw new CompilerBug(stage, `${findings.map((f) => `${f.rule}: ${f.message}`).join('; ')}\n${show(value)}`);
}

/** What the host plan must know of a kernel. */
function interfaceOf(program: TileProgram): KernelProgram {
  const storage = program.buffers.map((b): StorageDecl => ({ name: b.name, buffer: b.name, element: b.element === 'f32' || b.element === 'f16' ? 'f32' : 'i32', access: b.access }));
  return { name: program.name, summary: program.summary, workgroupSize: 1, storage, uniforms: uniformsOf(program), shared: [], body: [], origin: program.origin };
}

export function compileSpec(spec: Spec, options: CompileOptions): Checked<Compiled> {
  const { target, dim, dtype } = options;
  const trace = (level: string, text: () => string): void => options.trace?.(level, text());
  const notes: Diagnostic[] = [];

  verified('spec', spec, verifySpec(spec).map((v) => ({ rule: v.rule, message: v.detail })), printSpec);
  trace('1-spec', () => printSpec(spec));

  const planned = makePlan(spec);
  if (!planned.ok) return planned;
  notes.push(...planned.diagnostics);
  const plan = verified('plan', planned.value, verifyPlan(planned.value), printPlan);
  trace('2-plan', () => printPlan(plan));

  const choose = (kind: KernelKind): Schedule => chooseSchedule(target, { dim, dtype, kind, pins: spec.pins });
  const lowering: LowerOptions = {
    dim, dtype,
    schedules: {
      prefill: options.schedules?.prefill ?? choose('prefill'),
      decode: options.schedules?.decode ?? choose('decode'),
      merge: choose('merge'),
      table: choose('table'),
      contraction: choose('contraction'),
    },
    parallelism: target.software ? 4 : 256,
  };
  const loweredPlan = lowerPlan(plan, lowering);
  if (!loweredPlan.ok) return loweredPlan;
  const checkedTile = (program: TileProgram): TileProgram => verified('tile', program, verifyTile(program), printTile);
  const lower = (program: TileProgram, schedule: Schedule): Checked<KernelProgram> => lowerTile(checkedTile(program), schedule, target);
  const { requests } = loweredPlan.value;
  const made = requests.map(({ program, schedule }) => (options.upTo === 'tile' ? good(interfaceOf(checkedTile(program))) : lower(program, schedule)));
  const refused = made.flatMap((k) => (k.ok ? [] : k.diagnostics));
  if (refused.length > 0) return bad(refused);

  const kernels = made.flatMap((k) => (k.ok ? [k.value] : []));
  const packed = options.upTo === 'tile' ? good({ lowered: loweredPlan.value, kernels }) : packBindings({ lowered: loweredPlan.value, kernels, target, schedule: lowering.schedules.table, lower });
  if (!packed.ok) return packed;
  const { lowered } = packed.value;
  const tilePrograms = lowered.requests.map(({ program }) => program);
  trace('3-tile', () => tilePrograms.map(printTile).join('\n'));
  const checkedKernel = (k: KernelProgram): KernelProgram => verified('kernel', k, verifyKernel(k), printKernel);
  const kernelPrograms = packed.value.kernels.map((k) => checkedKernel(target.masksBranches === true ? flattenBranches(k) : k));
  trace('4-kernel', () => kernelPrograms.map(printKernel).join('\n'));

  const hostPlan = makeHostPlan(plan, lowering, lowered, kernelPrograms);
  verified('launch', hostPlan, verifyHostPlan(hostPlan), printHostPlan);
  trace('5-launch', () => printHostPlan(hostPlan));

  const { prefill, decode } = lowering.schedules;
  return good({ spec, plan, prefill, decode, tilePrograms, kernelPrograms, hostPlan }, notes);
}
