import { swiftshader, webgpuDefault, webgpuSubgroupsF16 } from '../../backends/targets.ts';
import { openNodeDevice, type NodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { denseExecutor, lockstepExecutor, tileExecutor, wgslExecutor, type Executor } from './executor.ts';
import { conformance } from './suite.ts';

let opened: Promise<Checked<NodeDevice>> | undefined;

/** The device of this machine: a real GPU where there is one, the embedded SwiftShader elsewhere. */
async function openWgsl(): Promise<Executor | string> {
  opened ??= openNodeDevice();
  const device = await opened;
  return device.ok ? wgslExecutor(device.value) : device.diagnostics.map((d) => d.message).join('; ');
}

const here = (executor: Executor) => async (): Promise<Executor> => executor;

conformance({ name: 'the dense interpreter', open: here(denseExecutor), compile: { target: swiftshader, dtype: 'f32' }, randomRuns: 5 });
conformance({ name: 'tile programs', open: here(tileExecutor), compile: { target: swiftshader, dtype: 'f32' }, randomRuns: 40 });
conformance({ name: 'kernel programs in lock step, subgroups of 4', open: here(lockstepExecutor(4)), compile: { target: swiftshader, dtype: 'f32' }, randomRuns: 20 });
conformance({ name: 'kernel programs in lock step, subgroups of 8, f16', open: here(lockstepExecutor(8)), compile: { target: webgpuSubgroupsF16, dtype: 'f16' }, randomRuns: 10 });
conformance({ name: 'WGSL on the device', open: openWgsl, compile: { target: swiftshader, dtype: 'f32' }, randomRuns: 15 });
conformance({ name: 'WGSL on the device, packed f16, default limits', open: openWgsl, compile: { target: webgpuDefault, dtype: 'f16' }, randomRuns: 10 });
