/**
 * The validator behind ../validate.ts: a device of Dawn's null backend per set of features. In: module text. Out: messages.
 * Holds: devices are opened once and kept; nothing is run on them.
 */
import type { WgslFeatures, WgslMessage } from '../messages.ts';
import { createInstance, loadDawn } from './node-device.ts';

const devices = new Map<string, Promise<GPUDevice>>();

async function openNullDevice(features: readonly GPUFeatureName[]): Promise<GPUDevice> {
  const dawn = await loadDawn();
  if (typeof dawn === 'string') throw new Error(dawn);
  const adapter = await createInstance(dawn, ['backend=null']).requestAdapter();
  if (adapter === null) throw new Error('the null backend gave no adapter');
  const maxStorageBuffersPerShaderStage = adapter.limits.maxStorageBuffersPerShaderStage;
  const maxComputeWorkgroupStorageSize = adapter.limits.maxComputeWorkgroupStorageSize;
  return adapter.requestDevice({
    requiredFeatures: [...features],
    requiredLimits: { maxStorageBuffersPerShaderStage, maxComputeWorkgroupStorageSize },
  });
}

function nullDevice(features: WgslFeatures): Promise<GPUDevice> {
  const names: GPUFeatureName[] = [];
  if (features.f16) names.push('shader-f16');
  if (features.subgroups) names.push('subgroups');
  const key = names.join(' ');
  const device = devices.get(key) ?? openNullDevice(names);
  devices.set(key, device);
  return device;
}

/** Compiles the module and its pipeline on the null device. */
export async function checkOnNullDevice(text: string, features: WgslFeatures): Promise<readonly WgslMessage[]> {
  const device = await nullDevice(features);
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code: text });
  const [info, refused] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()]);
  const messages = info.messages
    .filter((m) => m.type !== 'info')
    .map((m): WgslMessage => ({
      severity: m.type === 'error' ? 'error' : 'warning',
      line: m.lineNum,
      column: m.linePos,
      message: m.message,
    }));
  if (refused !== null) {
    const errors = messages.some((m) => m.severity === 'error');
    return errors ? messages : [...messages, { severity: 'error', line: 0, column: 0, message: refused.message }];
  }
  // The null device binds no more than WebGPU guarantees; whether a real one does is for its capability record to say.
  const bindings = text.match(/\bvar<storage\b/g)?.length ?? 0;
  if (bindings > device.limits.maxStorageBuffersPerShaderStage) return messages;
  device.pushErrorScope('validation');
  device.createComputePipeline({ layout: 'auto', compute: { module } });
  const unfit = await device.popErrorScope();
  return unfit === null ? messages : [...messages, { severity: 'error', line: 0, column: 0, message: unfit.message }];
}
