import { expect, it } from 'vitest';
import { swiftshader, targetNamed, targetOfAdapter, targets, webgpuDefault } from '../../backends/targets.ts';

const limits = {
  maxBufferSize: 1 << 30,
  maxStorageBufferBindingSize: 1 << 29,
  maxStorageBuffersPerShaderStage: 10,
  maxComputeWorkgroupStorageSize: 32768,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 512,
  maxComputeWorkgroupsPerDimension: 65535,
};
const words = { vendor: 'acme', architecture: 'g9', device: '', description: 'Acme G9', software: false, subgroupMinSize: 8, subgroupMaxSize: 32 };

it('names are unique and lead to their records', () => {
  expect(new Set(targets.map((t) => t.name)).size).toBe(targets.length);
  for (const target of targets) expect(targetNamed(target.name)).toBe(target);
  expect(targetNamed('nothing')).toBeUndefined();
});
it('every named target has at least what WebGPU guarantees', () => {
  for (const t of targets) {
    expect(t.maxWorkgroupSize).toBeGreaterThanOrEqual(webgpuDefault.maxWorkgroupSize);
    expect(t.workgroupBytes).toBeGreaterThanOrEqual(webgpuDefault.workgroupBytes);
    expect(t.maxStorageBuffers).toBeGreaterThanOrEqual(webgpuDefault.maxStorageBuffers);
    expect(t.maxBindingBytes).toBeGreaterThanOrEqual(webgpuDefault.maxBindingBytes);
  }
});
it('the record of an adapter has its limits, and a feature only where it was enabled', () => {
  const plain = targetOfAdapter(words, limits, []);
  expect(plain).toMatchObject({ name: 'acme-g9', maxWorkgroupSize: 512, workgroupBytes: 32768, maxStorageBuffers: 10, f16: false });
  expect(plain.subgroups).toBeUndefined();
  expect(targetOfAdapter(words, limits, ['subgroups', 'shader-f16'])).toMatchObject({ subgroups: { min: 8, max: 32 }, f16: true });
  const unknownSize = { vendor: 'acme', architecture: '', device: '', description: '', software: false };
  expect(targetOfAdapter(unknownSize, limits, ['subgroups']).subgroups).toBeUndefined();
});
it('a software driver is recognised by what it calls itself', () => {
  const named = (architecture: string, description: string): string =>
    targetOfAdapter({ ...words, architecture, description, software: true }, limits, []).name;
  expect([named('swiftshader', 'SwiftShader driver 5.0.0'), named('', 'llvmpipe (LLVM 15.0.6)')]).toEqual([swiftshader.name, 'lavapipe']);
});
