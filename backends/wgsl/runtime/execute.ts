/**
 * Runs resolved launches on a WebGPU device; the same file in Node and in a browser. In: a prepared plan, a launch whose
 * sizes are numbers, tensors on the host or on the device. Out: the outputs, or diagnostics. Holds: outputs are NaN before the
 * run, every command stands inside error scopes, a lost device or a lack of memory is a diagnostic, nothing hangs.
 */
import type { Checked, Diagnostic } from '../../../dsl/diagnostic.ts';
import { bad, good } from '../../../dsl/diagnostic.ts';
import { hostInputs } from '../../../compiler/launch/inputs.ts';
import type { HostPlan } from '../../../compiler/launch/plan.ts';
import { resolveLaunch, uniformWords } from '../../../compiler/launch/resolve.ts';
import type { LaunchLimits, ResolvedBuffer, ResolvedLaunch, ResolvedPiece } from '../../../compiler/launch/resolve.ts';
import type { Sizes } from '../../../compiler/spec/ir.ts';
import type { BufferElement } from '../../../compiler/tile/ir.ts';
import * as buffers from './buffers.ts';
import { bufferUsage, type BufferPool, type Tensor } from './buffers.ts';
import { deviceLost, deviceRefused, missingTensor, outOfMemory, wrongArray, wrongLength, wrongShape } from './device-diagnostics.ts';
import { precompile, type CompiledKernel, type KernelText } from './pipelines.ts';
import { readTimer, startTimer, type GpuTimer } from './timestamps.ts';

export interface PreparedPlan {
  readonly device: GPUDevice;
  readonly plan: HostPlan;
  /** Pipelines of these kernels; made at the first call that asks for them. */
  readonly compile: (kernels: ReadonlySet<string>) => Promise<Checked<ReadonlyMap<string, CompiledKernel>>>;
  readonly inputs: BufferPool;
  readonly outputs: BufferPool;
  readonly workspace: BufferPool;
  readonly uniforms: BufferPool;
  /** Why the device is gone, once it is. */
  readonly lost: () => Diagnostic | undefined;
  /** Gives the plan's buffers back; the device stays. */
  readonly destroy: () => void;
}

export interface PrepareOptions {
  /**
   * `now` (default): every kernel is compiled before the plan is ready. `when-used`: each at the first launch that needs it;
   * a plan holds kernels for long and for short queries, and software drivers take seconds for each.
   */
  readonly compile?: 'now' | 'when-used';
}

/** Compiles the kernels of a plan and makes room for its buffers. */
export async function preparePlan(
  device: GPUDevice,
  plan: HostPlan,
  texts: ReadonlyMap<string, KernelText>,
  options: PrepareOptions = {},
): Promise<Checked<PreparedPlan>> {
  let lost: Diagnostic | undefined;
  void device.lost.then((info) => {
    lost = deviceLost(info.reason, info.message);
  });
  const compile = (names: ReadonlySet<string>): Promise<Checked<ReadonlyMap<string, CompiledKernel>>> =>
    precompile(device, plan.kernels.filter((k) => names.has(k.name)), texts);
  const first = await compile(new Set(options.compile === 'when-used' ? [] : plan.kernels.map((k) => k.name)));
  if (lost !== undefined) return bad([lost]);
  if (!first.ok) return first;
  const data = bufferUsage.storage | bufferUsage.copyDst | bufferUsage.copySrc;
  const inputs = buffers.createPool(device, data);
  const outputs = buffers.createPool(device, data);
  const workspace = buffers.createPool(device, data);
  const uniforms = buffers.createPool(device, bufferUsage.uniform | bufferUsage.copyDst);
  const destroy = (): void => [inputs, outputs, workspace, uniforms].forEach((pool) => pool.destroy());
  return good({ device, plan, compile, inputs, outputs, workspace, uniforms, lost: () => lost, destroy });
}

export interface RunOptions {
  /** `copy` (default): outputs come back as arrays; `leave`: as GPU buffers, which the next launch of the plan overwrites. */
  readonly outputs?: 'copy' | 'leave';
  /** Buffers of the caller for outputs, by name; they need the usage STORAGE (and COPY_SRC to be copied back). */
  readonly into?: ReadonlyMap<string, GPUBuffer>;
  /** Fill outputs and workspace with NaN first (default); without it a launch saves the time. */
  readonly poison?: boolean;
  /** Measure the device's time; needs the feature `timestamp-query`. */
  readonly timestamps?: boolean;
  /** Dispatch these kernels only, on what the last launch of the plan left in its buffers: for timing parts. */
  readonly only?: (kernel: string) => boolean;
}

export interface Output {
  readonly element: BufferElement;
  readonly extents: readonly number[];
  readonly data: Float32Array | Uint16Array | Int32Array | GPUBuffer;
}

export interface LaunchResult {
  readonly outputs: ReadonlyMap<string, Output>;
  /** Nanoseconds on the device, where they were asked for and the device can tell. */
  readonly gpuNanoseconds?: number;
}

const arrayNames = { f32: 'a Float32Array', f16: 'a Uint16Array of bit patterns', bf16: 'a Uint16Array of bit patterns', int: 'an Int32Array', bool: 'a Uint8Array or an Int32Array' } as const;

/** The GPU buffer of an input, uploaded where it lies on the host. */
function inputBuffer(prepared: PreparedPlan, buffer: ResolvedBuffer, tensors: ReadonlyMap<string, Tensor>): GPUBuffer | Diagnostic {
  const { name, element, extents } = buffer;
  const tensor = tensors.get(name);
  if (tensor === undefined) return missingTensor(name, extents);
  const sameShape = tensor.extents.length === extents.length && tensor.extents.every((n, i) => n === extents[i]);
  if (!sameShape) return wrongShape(name, tensor.extents, extents);
  const { elements } = buffer;
  if (buffers.isBuffer(tensor.data)) {
    const held = Math.floor(tensor.data.size / buffers.bytesPerElement(element));
    return held < elements ? wrongLength(name, held, extents) : tensor.data;
  }
  if (tensor.data.length !== elements) return wrongLength(name, tensor.data.length, extents);
  const bytes = buffers.uploadBytes(tensor.data, element);
  if (bytes === undefined) return wrongArray(name, tensor.data.constructor.name, arrayNames[element]);
  const device = prepared.inputs.take(name, buffer.bytes);
  prepared.device.queue.writeBuffer(device, 0, bytes);
  return device;
}

type Kernels = ReadonlyMap<string, CompiledKernel>;

interface Placed {
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  readonly problems: readonly Diagnostic[];
}

function placeBuffers(prepared: PreparedPlan, resolved: ResolvedLaunch, tensors: ReadonlyMap<string, Tensor>, options: RunOptions): Placed {
  const placed = new Map<string, GPUBuffer>();
  const problems: Diagnostic[] = [];
  for (const buffer of resolved.buffers) {
    if (buffer.role === 'input') {
      const found = inputBuffer(prepared, buffer, tensors);
      if ('code' in found) problems.push(found);
      else placed.set(buffer.name, found);
      continue;
    }
    const { bytes } = buffer;
    const given = options.into?.get(buffer.name);
    const pool = buffer.role === 'output' ? prepared.outputs : prepared.workspace;
    const taken = given ?? pool.take(buffer.name, bytes);
    if (taken.size < buffer.elements * buffers.bytesPerElement(buffer.element)) {
      problems.push(wrongLength(buffer.name, Math.floor(taken.size / buffers.bytesPerElement(buffer.element)), buffer.extents));
    }
    placed.set(buffer.name, taken);
    if (options.poison !== false && (given === undefined || (given.usage & bufferUsage.copyDst) !== 0)) {
      buffers.poison(prepared.device, taken, Math.min(bytes, taken.size - (taken.size % 4)));
    }
  }
  return { buffers: placed, problems };
}

/** All uniform blocks of a launch in one buffer, each at its own aligned offset. */
function uploadUniforms(prepared: PreparedPlan, kernels: Kernels, pieces: readonly ResolvedPiece[]): { readonly buffer: GPUBuffer; readonly stride: number } | undefined {
  const words = Math.max(0, ...pieces.map((p) => p.uniforms.length));
  if (words === 0) return undefined;
  const alignment = prepared.device.limits.minUniformBufferOffsetAlignment;
  const stride = Math.ceil((words * 4) / alignment) * alignment;
  const bytes = new Uint8Array(stride * pieces.length);
  pieces.forEach((piece, at) => {
    const kernel = kernels.get(piece.kernel)?.kernel;
    if (kernel !== undefined) new Int32Array(bytes.buffer, at * stride).set(uniformWords(kernel, piece.uniforms));
  });
  const buffer = prepared.uniforms.take('uniforms', bytes.byteLength);
  prepared.device.queue.writeBuffer(buffer, 0, bytes);
  return { buffer, stride };
}

function encodePieces(
  prepared: PreparedPlan,
  kernels: Kernels,
  encoder: GPUCommandEncoder,
  pieces: readonly ResolvedPiece[],
  placed: ReadonlyMap<string, GPUBuffer>,
  timer: GpuTimer | undefined,
): Diagnostic | undefined {
  const uniforms = uploadUniforms(prepared, kernels, pieces);
  const pass = encoder.beginComputePass(timer === undefined ? {} : { timestampWrites: timer.writes });
  for (const [at, piece] of pieces.entries()) {
    const compiled = kernels.get(piece.kernel);
    if (compiled === undefined) return deviceRefused('a step', ['there is no kernel `', piece.kernel, '`'].join(''));
    const entries: GPUBindGroupEntry[] = [];
    for (const [binding, bound] of piece.bindings.entries()) {
      const buffer = placed.get(bound.buffer);
      if (buffer === undefined) return deviceRefused('a step', ['there is no buffer `', bound.buffer, '`'].join(''));
      const size = Math.min(bound.bytes, buffer.size - bound.offset);
      entries.push({ binding, resource: { buffer, offset: bound.offset, size } });
    }
    const words = compiled.kernel.uniforms.length;
    if (words > 0 && uniforms !== undefined) {
      const resource = { buffer: uniforms.buffer, offset: at * uniforms.stride, size: Math.ceil(words / 4) * 16 };
      entries.push({ binding: piece.bindings.length, resource });
    }
    pass.setPipeline(compiled.pipeline);
    pass.setBindGroup(0, prepared.device.createBindGroup({ label: piece.kernel, layout: compiled.layout, entries }));
    const [x, y, z] = piece.workgroups;
    pass.dispatchWorkgroups(x, y, z);
  }
  pass.end();
  return undefined;
}

interface Staged {
  readonly buffer: ResolvedBuffer;
  readonly staging: GPUBuffer;
}

function stageOutputs(prepared: PreparedPlan, encoder: GPUCommandEncoder, outputs: readonly ResolvedBuffer[], placed: ReadonlyMap<string, GPUBuffer>): readonly Staged[] {
  const staged: Staged[] = [];
  for (const buffer of outputs) {
    const source = placed.get(buffer.name);
    if (source === undefined) continue;
    const bytes = Math.ceil((buffer.elements * buffers.bytesPerElement(buffer.element)) / 4) * 4;
    const usage = bufferUsage.mapRead | bufferUsage.copyDst;
    const staging = prepared.device.createBuffer({ label: [buffer.name, 'read back'].join(' '), size: Math.max(4, bytes), usage });
    if (bytes > 0) encoder.copyBufferToBuffer(source, 0, staging, 0, bytes);
    staged.push({ buffer, staging });
  }
  return staged;
}

async function download(staged: readonly Staged[]): Promise<ReadonlyMap<string, Output>> {
  await Promise.all(staged.map(({ staging }) => staging.mapAsync(buffers.mapModeRead)));
  const outputs = new Map<string, Output>();
  for (const { buffer, staging } of staged) {
    const data = buffers.hostArray(staging.getMappedRange().slice(0), buffer.elements, buffer.element);
    staging.destroy();
    outputs.set(buffer.name, { element: buffer.element, extents: buffer.extents, data });
  }
  return outputs;
}

/** Lets a loss that has already happened be seen. */
async function lossOf(prepared: PreparedPlan): Promise<Diagnostic | undefined> {
  await Promise.race([prepared.device.lost, Promise.resolve()]);
  await Promise.resolve();
  return prepared.lost();
}

/** Runs a launch whose sizes, dispatches and bindings are numbers. */
export async function runResolved(
  prepared: PreparedPlan,
  resolved: ResolvedLaunch,
  tensors: ReadonlyMap<string, Tensor>,
  options: RunOptions = {},
): Promise<Checked<LaunchResult>> {
  const { device } = prepared;
  const kernels = await prepared.compile(new Set(resolved.pieces.map((p) => p.kernel)));
  const gone = await lossOf(prepared);
  if (gone !== undefined) return bad([gone]);
  if (!kernels.ok) return kernels;
  // Scopes are a stack of the device: nothing is awaited between push and pop, so launches cannot mix theirs.
  device.pushErrorScope('internal');
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  const outputs = resolved.buffers.filter((b) => b.role === 'output');
  let placed: Placed = { buffers: new Map(), problems: [] };
  let staged: readonly Staged[] = [];
  let timer: GpuTimer | undefined;
  let failure: Diagnostic | undefined;
  try {
    placed = placeBuffers(prepared, resolved, tensors, options);
    if (placed.problems.length === 0) {
      const encoder = device.createCommandEncoder({ label: prepared.plan.name });
      timer = options.timestamps === true ? startTimer(device) : undefined;
      const { only } = options;
      const pieces = only === undefined ? resolved.pieces : resolved.pieces.filter((p) => only(p.kernel));
      failure = encodePieces(prepared, kernels.value, encoder, pieces, placed.buffers, timer);
      if (options.outputs !== 'leave') staged = stageOutputs(prepared, encoder, outputs, placed.buffers);
      timer?.finish(encoder);
      if (failure === undefined) device.queue.submit([encoder.finish()]);
    }
  } catch (error) {
    failure = deviceRefused(['the launch of `', prepared.plan.name, '`'].join(''), error instanceof Error ? error.message : String(error));
  }
  const scopes = [device.popErrorScope(), device.popErrorScope(), device.popErrorScope()].map((scope) => scope.catch(() => null));
  const [memory, invalid, internal] = await Promise.all(scopes);
  if (memory) return bad([outOfMemory(resolved.buffers.map((b) => ({ what: b.name, bytes: b.bytes })))]);
  if (placed.problems.length > 0) return bad(placed.problems);
  const refused = invalid ?? internal;
  if (refused) failure = deviceRefused(['the launch of `', prepared.plan.name, '`'].join(''), refused.message);
  if (failure !== undefined) return bad([(await lossOf(prepared)) ?? failure]);
  try {
    const results = options.outputs === 'leave' ? leftOutputs(outputs, placed.buffers) : await download(staged);
    if (options.outputs === 'leave') await device.queue.onSubmittedWorkDone();
    const gpuNanoseconds = timer === undefined ? undefined : await readTimer(timer);
    const lost = await lossOf(prepared);
    if (lost !== undefined) return bad([lost]);
    return good({ outputs: results, ...(gpuNanoseconds === undefined ? {} : { gpuNanoseconds }) });
  } catch (error) {
    return bad([(await lossOf(prepared)) ?? deviceRefused('reading the outputs', error instanceof Error ? error.message : String(error))]);
  }
}

function leftOutputs(outputs: readonly ResolvedBuffer[], placed: ReadonlyMap<string, GPUBuffer>): ReadonlyMap<string, Output> {
  const left = new Map<string, Output>();
  for (const { name, element, extents } of outputs) {
    const data = placed.get(name);
    if (data !== undefined) left.set(name, { element, extents, data });
  }
  return left;
}

/** What a device allows a launch. */
export function launchLimits(device: GPUDevice): LaunchLimits {
  return {
    maxBindingBytes: device.limits.maxStorageBufferBindingSize,
    maxWorkgroupsPerAxis: device.limits.maxComputeWorkgroupsPerDimension,
    offsetAlignment: device.limits.minStorageBufferOffsetAlignment,
  };
}

/** The tensors under the names of the plan's buffers. */
function byBuffer(plan: HostPlan, tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  return new Map(hostInputs(plan).flatMap(({ name, buffer }) => {
    const tensor = tensors.get(name);
    return tensor === undefined ? [] : [[buffer.name, tensor] as const];
  }));
}

/**
 * Runs a plan: checks the launch, divides what is too large for a binding, dispatches, and gives the outputs back. `tensors`
 * holds q, k, v (for a chain: none of these) and every tensor parameter by name.
 */
export async function launch(
  prepared: PreparedPlan,
  sizes: Sizes,
  scalars: ReadonlyMap<string, number>,
  tensors: ReadonlyMap<string, Tensor>,
  options: RunOptions = {},
): Promise<Checked<LaunchResult>> {
  const parameters = new Set(prepared.plan.tensors.map((t) => t.name));
  const extents = new Map([...tensors].flatMap(([name, t]) => (parameters.has(name) ? [[name, t.extents] as const] : [])));
  const resolved = resolveLaunch(prepared.plan, sizes, scalars, extents, launchLimits(prepared.device));
  return resolved.ok ? runResolved(prepared, resolved.value, byBuffer(prepared.plan, tensors), options) : resolved;
}
