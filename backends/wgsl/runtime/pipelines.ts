/**
 * Compiled kernels. In: a device, and kernels with their WGSL. Out: pipelines, made concurrently and kept per device and
 * text; or diagnostics. Holds: a kernel that asks for more than the device has is refused with the sum shown before the
 * driver sees it; a refused module points at the user's source.
 */
import type { Checked, Diagnostic } from '../../../dsl/diagnostic.ts';
import { bad, good } from '../../../dsl/diagnostic.ts';
import type { HostKernel } from '../../../compiler/launch/plan.ts';
import type { RegionMap } from '../../document.ts';
import { diagnoseMessages, type WgslMessage } from '../messages.ts';
import { deviceRefused, featureMissing, kernelTooLarge, missingText } from './device-diagnostics.ts';

/** A printed module; without `regions` (texts read from files) messages carry no span. */
export interface KernelText {
  readonly text: string;
  readonly regions?: RegionMap;
}

export interface CompiledKernel {
  readonly kernel: HostKernel;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const cache = new WeakMap<GPUDevice, Map<string, Promise<Checked<CompiledKernel>>>>();

const computeStage = 0x4;

function layoutEntries(kernel: HostKernel): readonly GPUBindGroupLayoutEntry[] {
  const storage = kernel.storage.map((s, binding): GPUBindGroupLayoutEntry => ({
    binding,
    visibility: computeStage,
    buffer: { type: s.access === 'read' ? 'read-only-storage' : 'storage' },
  }));
  if (kernel.uniforms.length === 0) return storage;
  return [...storage, { binding: storage.length, visibility: computeStage, buffer: { type: 'uniform' } }];
}

/** What the kernel needs that the device lacks. */
function refusals(device: GPUDevice, kernel: HostKernel, text: string): readonly Diagnostic[] {
  const { limits } = device;
  const found: Diagnostic[] = [];
  const need = (what: string, wanted: number, limit: number): void => {
    if (wanted > limit) found.push(kernelTooLarge(kernel.name, what, wanted, limit));
  };
  need('lanes in a workgroup', kernel.workgroupSize, Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX));
  need('bytes of workgroup memory', kernel.sharedBytes, limits.maxComputeWorkgroupStorageSize);
  need('storage buffers', kernel.storage.length, limits.maxStorageBuffersPerShaderStage);
  if (kernel.subgroup !== undefined) {
    if (!device.features.has('subgroups')) found.push(featureMissing(kernel.name, 'subgroups'));
    // Where a device does not tell, the specification's smallest size holds.
    else need('lanes in every subgroup', kernel.subgroup, device.adapterInfo.subgroupMinSize ?? 4);
  }
  if (/^enable f16;/m.test(text) && !device.features.has('shader-f16')) found.push(featureMissing(kernel.name, 'shader-f16'));
  return found;
}

async function compile(device: GPUDevice, kernel: HostKernel, source: KernelText): Promise<Checked<CompiledKernel>> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: kernel.name, code: source.text });
  const layout = device.createBindGroupLayout({ label: kernel.name, entries: [...layoutEntries(kernel)] });
  const pipelineLayout = device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [layout] });
  const scope = device.popErrorScope();
  const making = device.createComputePipelineAsync({ label: kernel.name, layout: pipelineLayout, compute: { module } }).then(
    (pipeline): GPUComputePipeline | string => pipeline,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const [info, refused, pipeline] = await Promise.all([module.getCompilationInfo(), scope, making]);
  const messages = info.messages.map((m): WgslMessage => ({
    severity: m.type === 'error' ? 'error' : 'warning',
    line: m.lineNum,
    column: m.linePos,
    message: m.message,
  }));
  const errors = diagnoseMessages(kernel.name, messages, source.regions ?? []);
  if (errors.length > 0) return bad(errors);
  if (refused !== null) return bad([deviceRefused(['kernel `', kernel.name, '`'].join(''), refused.message)]);
  if (typeof pipeline === 'string') return bad([deviceRefused(['kernel `', kernel.name, '`'].join(''), pipeline)]);
  return good({ kernel, pipeline, layout });
}

function cachedCompile(device: GPUDevice, kernel: HostKernel, source: KernelText): Promise<Checked<CompiledKernel>> {
  const missing = refusals(device, kernel, source.text);
  if (missing.length > 0) return Promise.resolve(bad(missing));
  const perDevice = cache.get(device) ?? new Map<string, Promise<Checked<CompiledKernel>>>();
  cache.set(device, perDevice);
  // The bindings are a part of the text, so the text says all.
  const known = perDevice.get(source.text);
  if (known !== undefined) return known.then((c) => (c.ok ? good({ ...c.value, kernel }) : c));
  const fresh = compile(device, kernel, source).catch((error: unknown) =>
    bad([deviceRefused(['kernel `', kernel.name, '`'].join(''), error instanceof Error ? error.message : String(error))]),
  );
  perDevice.set(source.text, fresh);
  return fresh;
}

/** Makes the pipelines of all kernels at once; a second call with the same texts costs nothing. */
export async function precompile(
  device: GPUDevice,
  kernels: readonly HostKernel[],
  texts: ReadonlyMap<string, KernelText>,
): Promise<Checked<ReadonlyMap<string, CompiledKernel>>> {
  const all = await Promise.all(
    kernels.map((kernel) => {
      const source = texts.get(kernel.name);
      return source === undefined ? Promise.resolve(bad([missingText(kernel.name)])) : cachedCompile(device, kernel, source);
    }),
  );
  const compiled = new Map<string, CompiledKernel>();
  const problems: Diagnostic[] = [];
  for (const one of all) {
    if (one.ok) compiled.set(one.value.kernel.name, one.value);
    else problems.push(...one.diagnostics);
  }
  return problems.length > 0 ? bad(problems) : good(compiled);
}
