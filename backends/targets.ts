/**
 * Named capability records, and the record of a device that is here. In: a name, or what an adapter says of itself. Out: a
 * TargetRecord. Holds: a kernel compiled for a record runs on every machine that offers at least this; numbers are limits
 * that the WebGPU specification or the driver states, never guesses.
 */
import type { TargetRecord } from '../compiler/target.ts';

const mebibyte = 1024 * 1024;

/** The limits every WebGPU device has (specification, section "limits"); no optional feature. */
export const webgpuDefault: TargetRecord = {
  name: 'webgpu-default',
  language: 'wgsl',
  software: false,
  maxWorkgroupSize: 256,
  workgroupBytes: 16384,
  maxWorkgroupsPerAxis: 65535,
  maxStorageBuffers: 8,
  maxBindingBytes: 128 * mebibyte,
  maxBufferBytes: 256 * mebibyte,
  f16: false,
  dot4: true,
};

/** Default limits with subgroups of any size the specification allows. */
export const webgpuSubgroups: TargetRecord = { ...webgpuDefault, name: 'webgpu-subgroups', subgroups: { min: 4, max: 128 } };

/** Default limits with f16 arithmetic and storage. */
export const webgpuF16: TargetRecord = { ...webgpuDefault, name: 'webgpu-f16', f16: true };

/** Default limits with both: what most GPUs of the last years offer in a browser. */
export const webgpuSubgroupsF16: TargetRecord = { ...webgpuSubgroups, name: 'webgpu-subgroups-f16', f16: true };

/** The embedded software driver (adapter limits of SwiftShader in Dawn): subgroups of 4, no f16. */
export const swiftshader: TargetRecord = {
  name: 'swiftshader',
  language: 'wgsl',
  software: true,
  maxWorkgroupSize: 256,
  workgroupBytes: 32768,
  maxWorkgroupsPerAxis: 65535,
  maxStorageBuffers: 12,
  maxBindingBytes: 1024 * mebibyte,
  maxBufferBytes: 1024 * mebibyte,
  subgroups: { min: 4, max: 4 },
  f16: false,
  dot4: true,
  masksBranches: true,
};

/** Mesa's software driver 25.0: subgroups of 8, f16. */
export const lavapipe: TargetRecord = {
  name: 'lavapipe',
  language: 'wgsl',
  software: true,
  maxWorkgroupSize: 1024,
  workgroupBytes: 32768,
  maxWorkgroupsPerAxis: 65535,
  maxStorageBuffers: 16,
  maxBindingBytes: 128 * mebibyte,
  maxBufferBytes: 1024 * mebibyte,
  subgroups: { min: 8, max: 8 },
  f16: true,
  dot4: true,
};

export const targets: readonly TargetRecord[] = [
  webgpuDefault,
  webgpuSubgroups,
  webgpuF16,
  webgpuSubgroupsF16,
  swiftshader,
  lavapipe,
];

/** What is the same for all CUDA records: warps of 32, blocks of 1024, no limit on what a pointer spans but the memory. */
const cuda = {
  language: 'cuda',
  software: false,
  maxWorkgroupSize: 1024,
  // Of the second and third axis; the first reaches 2^31 - 1.
  maxWorkgroupsPerAxis: 65535,
  // 4 KiB of parameters hold far more pointers.
  maxStorageBuffers: 64,
  maxBindingBytes: 2 ** 46,
  maxBufferBytes: 2 ** 46,
  subgroups: { min: 32, max: 32 },
  f16: true,
  bf16: true,
  dot4: true,
  matrix: ['f16', 'bf16', 'tf32'],
} as const;

/** Records by architecture; the bytes are what one block may ask for dynamically (cuda-atoms, section 0). */
export const sm80: TargetRecord = { ...cuda, name: 'sm_80', workgroupBytes: 163 * 1024 };
export const sm90a: TargetRecord = { ...cuda, name: 'sm_90a', workgroupBytes: 227 * 1024 };
export const sm120a: TargetRecord = { ...cuda, name: 'sm_120a', workgroupBytes: 99 * 1024 };

export const cudaTargets: readonly TargetRecord[] = [sm80, sm90a, sm120a];

/** The record of this name. */
export function targetNamed(name: string): TargetRecord | undefined {
  return targets.find((t) => t.name === name);
}

/** What an adapter says of itself, in words. */
export interface AdapterWords {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly software: boolean;
  readonly subgroupMinSize?: number | undefined;
  readonly subgroupMaxSize?: number | undefined;
}

/** The limits of a device that a record reads; a GPUSupportedLimits is one. */
export interface DeviceLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupsPerDimension: number;
}

function nameOf(words: AdapterWords): string {
  const all = [words.vendor, words.architecture, words.device, words.description].join(' ').toLowerCase();
  if (all.includes('swiftshader')) return 'swiftshader';
  if (all.includes('llvmpipe') || all.includes('lavapipe')) return 'lavapipe';
  const named = [words.vendor, words.architecture].filter((w) => w !== '').join('-');
  return named === '' ? 'webgpu' : named;
}

/** The record of a device as it was opened: its limits, and the features that were enabled on it. */
export function targetOfAdapter(words: AdapterWords, limits: DeviceLimits, features: readonly string[]): TargetRecord {
  const { subgroupMinSize: min, subgroupMaxSize: max } = words;
  const subgroups = features.includes('subgroups') && min !== undefined && max !== undefined ? { subgroups: { min, max } } : {};
  const name = nameOf(words);
  return {
    name,
    language: 'wgsl',
    software: words.software,
    maxWorkgroupSize: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    maxWorkgroupsPerAxis: limits.maxComputeWorkgroupsPerDimension,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxBufferBytes: limits.maxBufferSize,
    ...subgroups,
    f16: features.includes('shader-f16'),
    // A core part of WGSL (language feature packed_4x8_integer_dot_product), emulated where the machine has no instruction.
    dot4: true,
    ...(name === 'swiftshader' ? { masksBranches: true } : {}),
  };
}
