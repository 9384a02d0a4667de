/**
 * "Execute this plan", the one interface of the conformance suite, and everything that implements it. In: what the compiler
 * made, a launch and inputs. Out: out and lse as numbers, and problems in words. Holds: an executor never corrects a
 * result; poison that nobody overwrote comes back as NaN.
 */
import { printKernels } from '../../backends/wgsl/module.ts';
import { launch, preparePlan, type PreparedPlan } from '../../backends/wgsl/runtime/execute.ts';
import type { Tensor } from '../../backends/wgsl/runtime/buffers.ts';
import type { OpenDevice } from '../../backends/wgsl/runtime/device.ts';
import { denseAttention, type Inputs } from '../../compiler/interpreters/dense/index.ts';
import { runPlanWithLockstep, runPlanWithTiles, type LaunchInput, type LaunchOutput } from '../../compiler/interpreters/launch.ts';
import { bf16Bits, bf16FromBits, f16Bits, f16FromBits } from '../../compiler/interpreters/number.ts';
import { printProblem } from '../../compiler/interpreters/problem.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import type { Compiled } from '../../compiler/pipeline.ts';
import type { CudaSession } from '../../tools/engines/cuda.ts';
import { compileEmulated, neededOf, runEmulated } from '../../tools/engines/cuda-emulated.ts';
import type { EngineOutput } from '../../tools/engines/engine.ts';
import type { Launch, Sizes } from '../../compiler/spec/ir.ts';
import { good, type Checked, type Diagnostic } from '../../dsl/diagnostic.ts';

export interface Executed {
  readonly out: ArrayLike<number>;
  readonly lse: ArrayLike<number>;
  /** Stage tensors by name. */
  readonly outputs?: ReadonlyMap<string, EngineOutput>;
  /** Faults of the generated code (races, unwritten reads ...) and refusals, in words. Empty: all is well. */
  readonly problems: readonly string[];
}

export type Executor = (artefact: Compiled, request: { readonly launch: Launch; readonly inputs: Inputs }) => Promise<Executed>;

function refused(diagnostics: readonly Diagnostic[]): Executed {
  return { out: [], lse: [], problems: diagnostics.map((d) => [d.code, d.message].join(': ')) };
}

function onHost(run: (artefact: Compiled, input: LaunchInput) => Checked<LaunchOutput>): Executor {
  return async (artefact, { launch: asked, inputs }) => {
    const result = run(artefact, { ...asked, ...inputs });
    if (!result.ok) return refused(result.diagnostics);
    const { out, lse, outputs, problems } = result.value;
    return { out, lse, outputs, problems: problems.map(printProblem) };
  };
}

/** The meaning itself: what the suite judges by, so it must pass trivially; a failure here is a fault of the suite. */
export const denseExecutor: Executor = async (artefact, { launch: asked, inputs }) => {
  const { out, lse, stages } = denseAttention(artefact.spec, asked, inputs);
  return { out, lse, outputs: new Map([...stages].map(([name, { extents, data }]) => [name, { extents, values: data }])), problems: [] };
};

export const tileExecutor: Executor = onHost((artefact, input) => runPlanWithTiles(artefact, input));

/** The lock-step interpreter with subgroups of this many lanes. */
export function lockstepExecutor(subgroupWidth: number): Executor {
  return onHost((artefact, input) => runPlanWithLockstep(artefact, input, { subgroupWidth }));
}

/** Tensors of a launch as the WebGPU runtime takes them. */
export function deviceTensors(dtype: HostPlan['dtype'], asked: Launch, inputs: Inputs): ReadonlyMap<string, Tensor> {
  const { batch, heads, kvHeads, nQ, nK, dim }: Sizes = asked.sizes;
  const stored = (values: Inputs['q']): Float32Array | Uint16Array => (dtype === 'f32' ? Float32Array.from(values) : Uint16Array.from(values, dtype === 'f16' ? f16Bits : bf16Bits));
  const tensors = new Map<string, Tensor>([
    ['q', { extents: [batch, heads, nQ, dim], data: stored(inputs.q) }],
    ['k', { extents: [batch, kvHeads, nK, dim], data: stored(inputs.k) }],
    ['v', { extents: [batch, kvHeads, nK, dim], data: stored(inputs.v) }],
  ]);
  for (const [name, value] of asked.tensors) tensors.set(name, value);
  return tensors;
}

function numbers(data: Float32Array | Uint16Array | Int32Array | GPUBuffer | undefined, dtype: HostPlan['dtype']): ArrayLike<number> {
  if (data instanceof Uint16Array) return Float64Array.from(data, dtype === 'f16' ? f16FromBits : bf16FromBits);
  return data !== undefined && ArrayBuffer.isView(data) ? data : [];
}

/** WGSL on a device. Plans are prepared once for each artefact. */
export function wgslExecutor(opened: OpenDevice): Executor {
  const plans = new WeakMap<Compiled, Promise<Checked<PreparedPlan>>>();
  return async (artefact, { launch: asked, inputs }) => {
    const preparing = plans.get(artefact) ?? preparePlan(opened.device, artefact.hostPlan, printKernels(artefact.kernelPrograms), { compile: 'when-used' });
    plans.set(artefact, preparing);
    const prepared = await preparing;
    if (!prepared.ok) return refused(prepared.diagnostics);
    const { dtype } = artefact.hostPlan;
    const tensors = deviceTensors(dtype, asked, inputs);
    const result = await launch(prepared.value, asked.sizes, asked.scalars, tensors);
    if (!result.ok) return refused(result.diagnostics);
    const { outputs } = result.value;
    const stages = (artefact.hostPlan.stages?.outputs ?? []).flatMap(({ name, buffer }) => {
      const found = outputs.get(buffer);
      return found === undefined ? [] : [[name, { extents: found.extents, values: numbers(found.data, dtype) }] as const];
    });
    return { out: numbers(outputs.get('out')?.data, dtype), lse: numbers(outputs.get('lse')?.data, dtype), outputs: new Map(stages), problems: opened.problems().map((d) => d.message) };
  };
}

/**
 * What nvcc makes of the kernels, on the emulator. Kernels of the launches that are known beforehand are compiled with one run of nvcc,
 * others one by one.
 */
export async function emulatedExecutor(known: readonly { readonly artefact: Compiled; readonly launch: Launch }[]): Promise<Executor> {
  const units = known.map((k) => neededOf(k.artefact, k.launch));
  const batch = await compileEmulated(units);
  const ready = new Map(batch.ok ? units.map((unit, i) => [JSON.stringify(unit), batch.value[i]] as const) : []);
  return async (artefact, { launch: asked, inputs }) => {
    const unit = neededOf(artefact, asked);
    const known = ready.get(JSON.stringify(unit));
    // A batch that could not be compiled is compiled again one by one, so that the message names the case.
    const programs = known === undefined ? await compileEmulated([unit]) : good([known]);
    if (!programs.ok) return refused(programs.diagnostics);
    const [program] = programs.value;
    if (program === undefined) return { out: [], lse: [], problems: ['no program came back'] };
    const ran = runEmulated(program, { ...asked, ...inputs });
    return ran.ok ? ran.value : refused(ran.diagnostics);
  };
}

/** The engine that speaks to a CUDA driver: a GPU's, or a pretended one. Kernels are compiled launch by launch. */
export function cudaExecutor(session: CudaSession): Executor {
  return async (artefact, { launch: asked, inputs }) => {
    const ran = await session.runCompiled(artefact, { ...asked, ...inputs });
    return ran.ok ? { ...ran.value, problems: [] } : refused(ran.diagnostics);
  };
}
