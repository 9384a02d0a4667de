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
import { linkChain, resultName } from './launch/link.ts';
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
import { queryTileOf, type Schedule } from './schedule.ts';
import type { ChainSpec } from './spec/chain.ts';
import type { Spec } from './spec/ir.ts';
import type { OrderShape } from './stage/orders.ts';
import { rewriteStages } from './stage/rewrite-stages.ts';
import { printSpec } from './spec/print.ts';
import { verifySpec } from './spec/verify.ts';
import type { TargetRecord } from './target.ts';
import type { FloatElement, TileProgram } from './tile/ir.ts';
import { printTile } from './tile/print.ts';
import { verifyTile } from './tile/verify.ts';

export interface CompileOptions {
  readonly target: TargetRecord;
  /** Head dimension, 1..256: fixed per kernel. */
  readonly dim: number;
  /** Storage type of q, k, v and out. Accumulation is f32; lse is f32. */
  readonly dtype: FloatElement;
  /** Factors of the products of an attention in f32 may be rounded to this, where the target multiplies such numbers faster. */
  readonly products?: 'tf32';
  /** Pins schedules, for benchmarks and fuzzing. */
  readonly schedules?: { readonly prefill?: Schedule; readonly decode?: Schedule; readonly orders?: OrderShape };
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
  const storage = program.buffers.map((b): StorageDecl => ({ name: b.name, buffer: b.name, element: b.element === 'int' || b.element === 'bool' ? 'i32' : b.element, access: b.access }));
  return { name: program.name, summary: program.summary, workgroupSize: 1, storage, uniforms: uniformsOf(program), shared: [], body: [], origin: program.origin };
}

export function compileSpec(spec: Spec, options: CompileOptions): Checked<Compiled> {
  const { target, dim, dtype } = options;
  const trace = (level: string, text: () => string): void => options.trace?.(level, text());
  const notes: Diagnostic[] = [];

  verified('spec', spec, verifySpec(spec).map((v) => ({ rule: v.rule, message: v.detail })), printSpec);
  trace('1-spec', () => printSpec(spec));

  const planned = makePlan(rewriteStages(spec));
  if (!planned.ok) return planned;
  notes.push(...planned.diagnostics);
  const plan = verified('plan', planned.value, verifyPlan(planned.value), printPlan);
  trace('2-plan', () => printPlan(plan));

  const products = options.products !== undefined && dtype === 'f32' ? { products: options.products } : {};
  const choose = (kind: KernelKind): Schedule => chooseSchedule(target, { dim, dtype, kind, pins: spec.pins, ...products });
  const lowering: LowerOptions = {
    dim, dtype, ...products,
    schedules: {
      prefill: options.schedules?.prefill ?? choose('prefill'),
      decode: options.schedules?.decode ?? choose('decode'),
      merge: choose('merge'),
      table: choose('table'),
      contraction: choose('contraction'),
      ...(options.schedules?.orders === undefined ? {} : { orders: options.schedules.orders }),
    },
    parallelism: target.software ? 4 : 256,
  };
  if (dtype === 'f32' && lowering.products === undefined && [lowering.schedules.prefill, lowering.schedules.decode].some((s) => s.layout === 'fragments')) {
    throw new CompilerBug('choose-schedule', 'fragments of f32 are rounded to tf32, which was not asked for');
  }
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

export interface ChainOptions extends Omit<CompileOptions, 'dim'> {
  /** `all`: every tensor that a call makes comes out, inner ones too, by the name of its value (`call.tensor`): for checks. */
  readonly outputs?: 'all';
}

export interface CompiledChain {
  readonly chain: ChainSpec;
  /** `units[i]` was compiled from `chain.units[i]`. */
  readonly units: readonly Compiled[];
  readonly tilePrograms: readonly TileProgram[];
  readonly kernelPrograms: readonly KernelProgram[];
  readonly tileBuffers: readonly ReadonlyMap<string, string>[];
  readonly hostPlan: HostPlan;
}

/** What a unit gives: its outputs, behind them its other stage tensors as outputs under names that no source can have. */
function widened(spec: Spec): Spec {
  const inner = spec.stages.filter((t) => !spec.outputs.some((o) => o.tensor === t.name));
  return { ...spec, outputs: [...spec.outputs, ...inner.map((t) => ({ name: `inner ${t.name}`, tensor: t.name }))] };
}

/** The chain with everything that its calls make as outputs, each by the name of its value. */
export function withAllResults(chain: ChainSpec): ChainSpec {
  const units = chain.units.map(widened);
  const outputs = chain.calls.flatMap((call) => {
    const unit = units[call.unit];
    const results = [...(unit?.computes === 'attention' ? ['out', 'lse'] : []), ...(unit?.outputs.map((o) => o.name) ?? [])];
    return results.map((result) => ({ name: resultName(call, result), value: resultName(call, result) }));
  });
  return { ...chain, units, outputs };
}

/** Compiles each unit of a chain once, and links their plans to one. */
export function compileChain(given: ChainSpec, options: ChainOptions): Checked<CompiledChain> {
  const chain = options.outputs === 'all' ? withAllResults(given) : given;
  const { trace } = options;
  const compiled = chain.units.map((unit, i) =>
    compileSpec(unit, { ...options, dim: chain.sizes.dim, ...(trace === undefined ? {} : { trace: (level, text) => trace(`unit-${i}-${unit.name}-${level}`, text) }) }));
  const refused = compiled.flatMap((u) => (u.ok ? [] : u.diagnostics));
  if (refused.length > 0) return bad(refused);
  const units = compiled.flatMap((u) => (u.ok ? [u.value] : []));
  const schedule = chooseSchedule(options.target, { dim: chain.sizes.dim, dtype: options.dtype, kind: 'merge', pins: {} });
  const lower = (program: TileProgram): Checked<KernelProgram> => {
    const checked = verified('tile', program, verifyTile(program), printTile);
    if (options.upTo === 'tile') return good(interfaceOf(checked));
    const kernel = lowerTile(checked, schedule, options.target);
    return kernel.ok ? good(verified('kernel', kernel.value, verifyKernel(kernel.value), printKernel)) : kernel;
  };
  const linked = linkChain(chain, units, { rows: queryTileOf(schedule), lower });
  if (!linked.ok) return linked;
  verified('link', linked.value.hostPlan, verifyHostPlan(linked.value.hostPlan), printHostPlan);
  trace?.('chain-launch', printHostPlan(linked.value.hostPlan));
  return good({ chain, units, ...linked.value }, compiled.flatMap((u) => u.diagnostics));
}
