import { expect, it, vi } from 'vitest';

vi.mock('webgpu', () => {
  throw new Error("Cannot find package 'webgpu'");
});

it('is a diagnostic, not an exception, when the package webgpu is not installed', async () => {
  const { openNodeDevice } = await import('../../backends/wgsl/runtime/node-device.ts');
  const result = await openNodeDevice();
  expect(result.ok).toBe(false);
  if (result.ok) return;
  expect(result.diagnostics.map((d) => [d.code, d.kind])).toEqual([['FIL0605', 'resource']]);
  expect(result.diagnostics[0]?.help).toContain('npm ci');
});
