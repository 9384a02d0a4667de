/**
 * Runs one kernel program on the device of the tests. In: a program, inputs, uniform values, workgroups. Out: its outputs as
 * arrays. Holds: the device is opened once for a file; any diagnostic becomes a failed test with its words.
 */
import type { Checked } from '../../dsl/diagnostic.ts';
import { printWgsl } from '../../backends/wgsl/module.ts';
import type { Tensor, TensorData } from '../../backends/wgsl/runtime/buffers.ts';
import { preparePlan, runResolved, type RunOptions } from '../../backends/wgsl/runtime/execute.ts';
import { openNodeDevice, type NodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import { elementBytes, paddedBytes, type ResolvedBuffer, type ResolvedLaunch, type ResolvedPiece } from '../../compiler/launch/resolve.ts';
import type { KernelProgram, StorageElement } from '../../compiler/kernel/ir.ts';
import type { BufferElement } from '../../compiler/tile/ir.ts';

/** The value, or an error with the diagnostics' messages. */
export function valueOf<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw new Error(checked.diagnostics.map((d) => [d.code, d.message].join(' ')).join('\n'));
}

let shared: Promise<NodeDevice> | undefined;

export function testDevice(): Promise<NodeDevice> {
  shared ??= openNodeDevice().then(valueOf);
  return shared;
}

const hostElements: Readonly<Record<StorageElement, BufferElement>> = {
  f32: 'f32', vec4f: 'f32', i32: 'int', u32: 'int', vec2u: 'int', f16: 'f16', vec4h: 'f16', vec4u: 'f16', bf16: 'bf16',
};

/** A plan of this one kernel; its launch binds every buffer whole. */
export function planOf(program: KernelProgram): HostPlan {
  const { name, summary, workgroupSize, storage, uniforms } = program;
  const sharedBytes = program.shared.reduce((sum, s) => sum + s.length * (s.element === 'vec4f' ? 16 : 4), 0);
  const kernel = { name, summary, workgroupSize, storage, uniforms, sharedBytes };
  return {
    format: 'filigree-plan-1', name, doc: [], dim: 1, dtype: 'f32', scalars: [], tensors: [], requires: [], variables: [], buffers: [], steps: [],
    kernels: [program.subgroup === undefined ? kernel : { ...kernel, subgroup: program.subgroup }],
  };
}

export interface KernelRun {
  /** Contents of inputs; for outputs the number of elements. */
  readonly buffers: Readonly<Record<string, TensorData | number>>;
  readonly uniforms?: readonly number[];
  readonly workgroups?: number;
}

export function resolvedBuffer(name: string, role: ResolvedBuffer['role'], element: BufferElement, elements: number): ResolvedBuffer {
  return { name, role, element, extents: [elements], elements, bytes: paddedBytes(elements * elementBytes(element)) };
}

/** A dispatch that binds these parts of buffers: name, first byte, bytes. */
export function piece(kernel: string, bindings: readonly (readonly [string, number, number])[], uniforms: readonly number[], workgroups: number): ResolvedPiece {
  return {
    kernel, step: 0, heads: { first: 0, count: 1, kvFirst: 0, kvCount: 1 }, uniforms, workgroups: [workgroups, 1, 1],
    bindings: bindings.map(([buffer, offset, bytes]) => ({ buffer, offset, bytes, elements: bytes / 4 })),
  };
}

export function launchOf(program: KernelProgram, run: KernelRun): ResolvedLaunch {
  const buffers = program.storage.map((s): ResolvedBuffer => {
    const given = run.buffers[s.buffer] ?? 0;
    const role = typeof given === 'number' ? 'output' : 'input';
    return resolvedBuffer(s.name, role, hostElements[s.element], typeof given === 'number' ? given : given.length);
  });
  const whole = buffers.map((b) => [b.name, 0, b.bytes] as const);
  return { values: new Map(), buffers, pieces: [piece(program.name, whole, run.uniforms ?? [], run.workgroups ?? 1)] };
}

export function tensorsOf(run: KernelRun): ReadonlyMap<string, Tensor> {
  return new Map(
    Object.entries(run.buffers).flatMap(([name, data]) => (typeof data === 'number' ? [] : [[name, { extents: [data.length], data }] as const])),
  );
}

/** Outputs of one run by name. */
export async function runKernel(program: KernelProgram, run: KernelRun, options: RunOptions = {}): Promise<Readonly<Record<string, readonly number[]>>> {
  const { device, problems } = await testDevice();
  const prepared = valueOf(await preparePlan(device, planOf(program), new Map([[program.name, printWgsl(program)]])));
  const result = valueOf(await runResolved(prepared, launchOf(program, run), tensorsOf(run), options));
  prepared.destroy();
  if (problems().length > 0) throw new Error(problems().map((d) => d.message).join('\n'));
  return Object.fromEntries([...result.outputs].map(([name, { data }]) => [name, ArrayBuffer.isView(data) ? [...data] : []]));
}
