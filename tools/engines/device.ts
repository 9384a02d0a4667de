/**
 * Kernels on a WebGPU device in Node. In: a compiled attention, a launch, inputs. Out: results as numbers, and a way to run the
 * same launch again with everything left on the device, for timing. Only kernels that the launch needs are compiled by the driver.
 */
/// <reference types="@webgpu/types" />
import { bf16Bits, bf16FromBits, f16Bits, f16FromBits } from '../../compiler/interpreters/number.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import { resolveLaunch } from '../../compiler/launch/resolve.ts';
import type { Launch } from '../../compiler/spec/ir.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import { bad, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { uploadTensor } from '../../backends/wgsl/runtime/buffers.ts';
import type { Tensor } from '../../backends/wgsl/runtime/buffers.ts';
import { launch as launchPlan, launchLimits, preparePlan } from '../../backends/wgsl/runtime/execute.ts';
import type { Output, PreparedPlan, RunOptions } from '../../backends/wgsl/runtime/execute.ts';
import { openNodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import type { NodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import { compileWgsl } from './compile.ts';
import type { CompiledText } from './compile.ts';
import type { EngineOutput, EngineRequest, EngineResult } from './engine.ts';
import { patiently } from './patience.ts';

export interface DeviceSession {
  /** The device in words. */
  readonly name: string;
  readonly software: boolean;
  readonly device: GPUDevice;
  readonly target: TargetRecord;
  /** Compiles what a launch needs; several may be prepared at once. */
  readonly prepare: (compiled: CompiledText, launch: Launch) => Promise<Checked<ReadyLaunch>>;
  readonly close: () => void;
}

export interface ReadyLaunch {
  /** Uploads, runs on poisoned outputs, reads back. */
  readonly run: (inputs: Inputs) => Promise<Checked<EngineResult>>;
  /**
   * Uploads once; the answer runs the launch with nothing moved, and waits for it. `only`: the dispatches of some kernels, on what the last
   * run left in all buffers: for timing parts.
   */
  readonly keep: (inputs: Inputs, only?: (kernel: string) => boolean) => Promise<() => Promise<void>>;
  /** Kernels that the launch runs, in order. */
  readonly kernels: readonly string[];
  readonly destroy: () => void;
}

function deviceName({ info }: NodeDevice): string {
  const words = [info.description, info.device, info.vendor, info.architecture].filter((w) => w !== '');
  return words[0] ?? 'WebGPU device';
}

/** Opens a device; a real GPU where there is one, else the embedded software driver. */
export async function openDeviceSession(adapter?: string): Promise<Checked<DeviceSession>> {
  const opened = await openNodeDevice(adapter === undefined ? {} : { adapter });
  if (!opened.ok) return opened;
  const device = opened.value;
  return good({
    name: deviceName(device),
    software: device.info.software,
    device: device.device,
    target: device.target,
    prepare: (compiled, launch) => prepare(device.device, compiled, launch),
    close: () => device.device.destroy(),
  });
}

/** The plan with only the kernels and steps of this launch: drivers take seconds for a kernel. */
function trimmed(plan: HostPlan, launch: Launch, device: GPUDevice): Checked<HostPlan> {
  const extents = new Map([...launch.tensors].map(([name, t]) => [name, t.extents]));
  const resolved = resolveLaunch(plan, launch.sizes, launch.scalars, extents, launchLimits(device));
  if (!resolved.ok) return resolved;
  const used = new Set(resolved.value.pieces.map((p) => p.step));
  const steps = plan.steps.filter((_, i) => used.has(i));
  const kernels = plan.kernels.filter((k) => steps.some((s) => s.kernel === k.name));
  return good({ ...plan, steps, kernels });
}

async function prepare(device: GPUDevice, compiled: CompiledText, launch: Launch): Promise<Checked<ReadyLaunch>> {
  const plan = trimmed(compiled.hostPlan, launch, device);
  if (!plan.ok) return plan;
  const prepared = await preparePlan(device, plan.value, compiled.texts);
  if (!prepared.ok) return prepared;
  return good({
    run: (inputs) => runOnce(prepared.value, launch, inputs),
    keep: (inputs, only) => keepOnDevice(prepared.value, launch, inputs, only),
    kernels: plan.value.steps.map((s) => s.kernel),
    destroy: prepared.value.destroy,
  });
}

function tensorsOf(plan: HostPlan, { sizes, tensors }: Launch, inputs: Inputs): ReadonlyMap<string, Tensor> {
  const stored = (data: ArrayLike<number>): Float32Array | Uint16Array => (plan.dtype === 'f32' ? Float32Array.from(data) : Uint16Array.from(data, plan.dtype === 'f16' ? f16Bits : bf16Bits));
  const { batch, heads, kvHeads, nQ, nK, dim } = sizes;
  return new Map<string, Tensor>([
    ['q', { extents: [batch, heads, nQ, dim], data: stored(inputs.q) }],
    ['k', { extents: [batch, kvHeads, nK, dim], data: stored(inputs.k) }],
    ['v', { extents: [batch, kvHeads, nK, dim], data: stored(inputs.v) }],
    ...[...tensors].map(([name, { extents, data }]): [string, Tensor] => [name, { extents, data }]),
  ]);
}

function numbersOf(output: Output | undefined, dtype: FloatElement): Float32Array {
  const data = output?.data;
  if (data instanceof Float32Array) return data;
  return data instanceof Uint16Array ? Float32Array.from(data, dtype === 'bf16' ? bf16FromBits : f16FromBits) : new Float32Array(0);
}

/** The numbers of an output whose halves, if it has any, are of `dtype`. */
export function valuesOf(output: Output, dtype: FloatElement): ArrayLike<number> {
  return output.data instanceof Int32Array ? output.data : numbersOf(output, dtype);
}

async function runOnce(prepared: PreparedPlan, launch: Launch, inputs: Inputs): Promise<Checked<EngineResult>> {
  const ran = await patiently(launchPlan(prepared, launch.sizes, launch.scalars, tensorsOf(prepared.plan, launch, inputs)));
  if (!ran.ok) return ran;
  const { outputs } = ran.value;
  const { dtype } = prepared.plan;
  const stages = (prepared.plan.stages?.outputs ?? []).flatMap(({ name, buffer }): readonly (readonly [string, EngineOutput])[] => {
    const found = outputs.get(buffer);
    return found === undefined ? [] : [[name, { extents: found.extents, values: valuesOf(found, dtype) }]];
  });
  return good({ out: numbersOf(outputs.get('out'), dtype), lse: numbersOf(outputs.get('lse'), dtype), outputs: new Map(stages) });
}

async function keepOnDevice(prepared: PreparedPlan, launch: Launch, inputs: Inputs, only?: (kernel: string) => boolean): Promise<() => Promise<void>> {
  const host = tensorsOf(prepared.plan, launch, inputs);
  const elements = new Map(prepared.plan.tensors.map((t) => [t.name, t.element === 'float' ? 'f32' : t.element] as const));
  const uploaded = new Map<string, Tensor>();
  for (const [name, tensor] of host) {
    const data = tensor.data;
    const buffer = ArrayBuffer.isView(data) ? uploadTensor(prepared.device, name, data, elements.get(name) ?? prepared.plan.dtype) : data;
    uploaded.set(name, { extents: tensor.extents, data: buffer ?? data });
  }
  const options: RunOptions = { outputs: 'leave', poison: false, ...(only === undefined ? {} : { only }) };
  return async () => {
    const ran = await patiently(launchPlan(prepared, launch.sizes, launch.scalars, uploaded, options));
    if (!ran.ok) throw new Error(ran.diagnostics.map((d) => d.message).join('; '));
  };
}

const sessions = new Map<string, Promise<Checked<DeviceSession>>>();

/** A device that stays open for the process, one for each wanted adapter. */
export function sharedSession(adapter?: string): Promise<Checked<DeviceSession>> {
  const known = sessions.get(adapter ?? '') ?? openDeviceSession(adapter);
  sessions.set(adapter ?? '', known);
  return known;
}

export async function runOnDevice(request: EngineRequest): Promise<Checked<EngineResult>> {
  const session = await sharedSession(request.adapter);
  if (!session.ok) return session;
  const { spec, launch, inputs, dtype } = request;
  const compiled = compileWgsl(spec, { target: session.value.target, dim: launch.sizes.dim, dtype });
  if (!compiled.ok) return compiled;
  const ready = await session.value.prepare(compiled.value, launch);
  if (!ready.ok) return bad(ready.diagnostics);
  const result = await ready.value.run(inputs);
  ready.value.destroy();
  return result.ok ? good({ ...result.value, device: session.value.name }) : result;
}
