/**
 * WebGPU in Node. In: which adapter is wanted, if any. Out: a device with all it can do, its capability record, and what it
 * is; or a diagnostic. Holds: Dawn's instance is referenced for ever (dropping it while a device lives crashes the process);
 * the device has the adapter's limits and the features kernels may use; a missing WebGPU is a diagnostic, not an exception.
 */
import type { Checked } from '../../../dsl/diagnostic.ts';
import { bad, good } from '../../../dsl/diagnostic.ts';
import type { TargetRecord } from '../../../compiler/target.ts';
import { noAdapter, noWebGpu } from './device-diagnostics.ts';
import { openDevice, type OpenDevice } from './device.ts';
import { setUpDrivers, showDrivers, type DriverSetup } from './swiftshader.ts';

export interface NodeDeviceOptions {
  /**
   * Part of the adapter's name, such as `SwiftShader`, `llvmpipe` (or `lavapipe`), `NVIDIA`. Absent: a real GPU where there
   * is one, else the embedded SwiftShader.
   */
  readonly adapter?: string;
  /** Nanosecond timestamps instead of Dawn's coarse ones; for benchmarks. */
  readonly fineTimestamps?: boolean;
}

interface Dawn {
  readonly create: (options: string[]) => GPU;
}

/** Everything Dawn gave us, for the life of the process. */
const instances: GPU[] = [];

let dawn: Promise<Dawn | string> | undefined;

async function importDawn(): Promise<Dawn | string> {
  try {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    return { create };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Dawn's entry point, after the drivers have been made visible; the reason where it is missing. */
export function loadDawn(): Promise<Dawn | string> {
  setUpDrivers();
  dawn ??= importDawn();
  return dawn;
}

/** A GPU object that stays alive. */
export function createInstance(from: Dawn, options: readonly string[]): GPU {
  const gpu = from.create([...options]);
  instances.push(gpu);
  return gpu;
}

function describe(setup: DriverSetup): string {
  switch (setup.kind) {
    case 'user':
      return ['VK_DRIVER_FILES=', process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'] ?? ''].join('');
    case 'embedded':
      return ['the embedded SwiftShader', ...setup.others].join(', ');
    case 'machine':
      return ['those of the machine (', setup.reason, ')'].join('');
  }
}

/** Names people use for a driver, and what it calls itself. */
function deviceName(wanted: string): string {
  return wanted.toLowerCase() === 'lavapipe' ? 'llvmpipe' : wanted.toLowerCase() === 'swiftshader' ? 'SwiftShader' : wanted;
}

/** Dawn's binding throws where the specification gives null. */
async function request(gpu: GPU): Promise<GPUAdapter | undefined> {
  try {
    return (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ?? undefined;
  } catch {
    return undefined;
  }
}

async function findAdapter(from: Dawn, options: NodeDeviceOptions): Promise<GPUAdapter | undefined> {
  const features = options.fineTimestamps === true ? ['disable-dawn-features=timestamp_quantization'] : [];
  if (options.adapter !== undefined) {
    const name = ['adapter=', deviceName(options.adapter)].join('');
    return request(createInstance(from, [name, ...features]));
  }
  const first = await request(createInstance(from, features));
  // Another software driver of the machine is no reason to leave the one the project is tested with.
  if (first !== undefined && first.info.isFallbackAdapter && !isSwiftShader(first)) {
    const embedded = await request(createInstance(from, ['adapter=SwiftShader', ...features]));
    if (embedded !== undefined) return embedded;
  }
  return first;
}

function isSwiftShader(adapter: GPUAdapter): boolean {
  return adapter.info.architecture === 'swiftshader' || adapter.info.device.includes('SwiftShader');
}

export type NodeDevice = OpenDevice;

/** Opens a device in Node. The record in `target` says what kernels for it may use. */
export async function openNodeDevice(options: NodeDeviceOptions = {}): Promise<Checked<NodeDevice>> {
  const from = await loadDawn();
  if (typeof from === 'string') return bad([noWebGpu(from)]);
  const setup = showDrivers(options.adapter);
  const adapter = await findAdapter(from, options);
  if (adapter === undefined) return bad([noAdapter(options.adapter, describe(setup))]);
  return openDevice(adapter);
}

/** The record of the default device, for tools that compile for what is here. */
export async function nodeTarget(options: NodeDeviceOptions = {}): Promise<Checked<TargetRecord>> {
  const opened = await openNodeDevice(options);
  if (!opened.ok) return opened;
  opened.value.device.destroy();
  return good(opened.value.target);
}
