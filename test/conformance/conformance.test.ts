import { findNvcc } from '../../tools/cuda/find-nvcc.ts';
import { sm80, swiftshader, webgpuDefault, webgpuSubgroupsF16 } from '../../backends/targets.ts';
import { openNodeDevice, type NodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import { compileSpec } from '../../compiler/pipeline.ts';
import type { Schedule } from '../../compiler/schedule.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { denseExecutor, emulatedExecutor, lockstepExecutor, tileExecutor, wgslExecutor, type Executor } from './executor.ts';
import { conformance, launchesOf, type Candidate } from './suite.ts';

let opened: Promise<Checked<NodeDevice>> | undefined;

/** The device of this machine (a real GPU where there is one, the embedded SwiftShader elsewhere), or the one that was asked for. */
async function openWgsl(): Promise<Executor | string> {
  const adapter = process.env['FILIGREE_ADAPTER'];
  opened ??= openNodeDevice(adapter === undefined ? {} : { adapter });
  const device = await opened;
  return device.ok ? wgslExecutor(device.value) : device.diagnostics.map((d) => d.message).join('; ');
}

const here = (executor: Executor) => async (): Promise<Executor> => executor;

/** Small tiles: many of them at small sizes, and kernels that software drivers compile quickly. */
function schedules(change: Partial<Schedule>): { readonly prefill: Schedule; readonly decode: Schedule } {
  const common = { lanes: 8, rowsPerLane: 2, keyTile: 16, operand: 'direct', subgroup: 4, rowStorage: 'registers', chunkUnroll: 64 } as const;
  return {
    prefill: { ...common, layout: 'rows-on-lanes', keyStep: 2, ...change },
    decode: { ...common, layout: 'keys-on-lanes', keyStep: 8 },
  };
}

const direct = { target: swiftshader, dtype: 'f32', schedules: schedules({}) } as const;
const shuffled = { target: webgpuSubgroupsF16, dtype: 'f16', schedules: schedules({ operand: 'shuffle', keyStep: 4 }) } as const;
const warp = { target: sm80, dtype: 'f32', schedules: schedules({}) } as const;
const warps = { target: sm80, dtype: 'f16', schedules: schedules({ operand: 'workgroup', lanes: 64, rowsPerLane: 1 }) } as const;
const staged = { target: webgpuDefault, dtype: 'f16', schedules: schedules({ operand: 'workgroup', rowStorage: 'workgroup', chunkUnroll: 1, rowsPerLane: 1 }) } as const;

conformance({ name: 'the dense interpreter', open: here(denseExecutor), compile: direct, randomRuns: 5 });
conformance({ name: 'tile programs', open: here(tileExecutor), compile: direct, randomRuns: 40 });
conformance({ name: 'kernel programs in lock step, subgroups of 4', open: here(lockstepExecutor(4)), compile: direct, randomRuns: 20 });
conformance({ name: 'kernel programs in lock step, subgroups of 8, shuffled operands, f16', open: here(lockstepExecutor(8)), compile: shuffled, randomRuns: 10 });
conformance({ name: 'WGSL on the device', open: openWgsl, compile: direct, randomRuns: 10 });
conformance({ name: 'WGSL on the device, operands in workgroup memory, packed f16', open: openWgsl, compile: staged, randomRuns: 5 });

const emulated: readonly Omit<Candidate, 'open'>[] = [
  { name: 'CUDA on the emulator, small tiles', compile: warp, randomRuns: 5 },
  { name: 'CUDA on the emulator, operands in workgroup memory, f16', compile: warps, randomRuns: 5 },
];

/** One run of nvcc for each candidate, both at once. */
function compileEmulatedCandidates(): readonly Promise<Executor>[] {
  return emulated.map((candidate) => emulatedExecutor(launchesOf(candidate).flatMap(({ spec, launch }) => {
    const compiled = compileSpec(spec, { ...candidate.compile, dim: launch.sizes.dim });
    return compiled.ok ? [{ artefact: compiled.value, launch }] : [];
  })));
}

let executors: readonly Promise<Executor>[] | undefined;

emulated.forEach((candidate, i) => {
  const found = findNvcc();
  const open = async (): Promise<Executor | string> => {
    if ('looked' in found) return ['no nvcc in', found.looked.join(', ')].join(' ');
    executors ??= compileEmulatedCandidates();
    return (await executors[i]) ?? 'there is no such executor';
  };
  conformance({ ...candidate, open });
});
