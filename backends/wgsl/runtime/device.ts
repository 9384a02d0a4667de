/**
 * A WebGPU device opened with all its adapter offers; the same in Node and in a browser. In: an adapter. Out: the device, its
 * capability record and a description. Holds: limits are the adapter's, features are those kernels or timing can use, loss
 * and errors outside any scope are collected as diagnostics.
 */
import type { Checked, Diagnostic } from '../../../dsl/diagnostic.ts';
import { bad, good } from '../../../dsl/diagnostic.ts';
import type { TargetRecord } from '../../../compiler/target.ts';
import { targetOfAdapter } from '../../targets.ts';
import { deviceLost, deviceRefused, noAdapter, noWebGpu } from './device-diagnostics.ts';

export interface DeviceInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly software: boolean;
  readonly features: readonly string[];
}

export interface OpenDevice {
  readonly device: GPUDevice;
  readonly adapter: GPUAdapter;
  readonly target: TargetRecord;
  readonly info: DeviceInfo;
  /** Loss of the device and errors nobody waited for, in order of arrival. */
  readonly problems: () => readonly Diagnostic[];
}

const wantedFeatures: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const;

function describeAdapter(adapter: GPUAdapter): DeviceInfo {
  const { vendor, architecture, device, description } = adapter.info;
  const words = [vendor, architecture, device, description].join(' ').toLowerCase();
  const software = adapter.info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/.test(words);
  return { vendor, architecture, device, description, software, features: [...adapter.features].sort() };
}

/** Opens a device on this adapter. */
export async function openDevice(adapter: GPUAdapter): Promise<Checked<OpenDevice>> {
  const info = describeAdapter(adapter);
  const requiredLimits: Record<string, number> = {};
  for (const name of wantedLimits) requiredLimits[name] = adapter.limits[name];
  const requiredFeatures = wantedFeatures.filter((f) => adapter.features.has(f));
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  } catch (error) {
    return bad([deviceRefused('a device', error instanceof Error ? error.message : String(error))]);
  }
  const problems: Diagnostic[] = [];
  void device.lost.then((lost) => {
    problems.push(deviceLost(lost.reason, lost.message));
  });
  device.addEventListener('uncapturederror', (event) => {
    problems.push(deviceRefused('an operation', event.error.message));
  });
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const target = targetOfAdapter({ ...info, subgroupMinSize, subgroupMaxSize }, device.limits, [...device.features]);
  return good({ device, adapter, target, info, problems: () => [...problems] });
}

/** Opens the browser's device; `gpu` is `navigator.gpu`. */
export async function openBrowserDevice(gpu: GPU | undefined): Promise<Checked<OpenDevice>> {
  if (gpu === undefined) return bad([noWebGpu('navigator.gpu is undefined')]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  return adapter === null ? bad([noAdapter(undefined, 'those of the browser')]) : openDevice(adapter);
}
