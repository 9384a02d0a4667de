import { findNvcc } from '../../tools/cuda/find-nvcc.ts';
import { sm80, swiftshader, webgpuDefault, webgpuSubgroupsF16 } from '../../backends/targets.ts';
import { openNodeDevice, type NodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import { compileSpec } from '../../compiler/pipeline.ts';
import type { Schedule } from '../../compiler/schedule.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { loadDriver } from '../../tools/cuda/driver.ts';
import { openCudaSession } from '../../tools/engines/cuda.ts';
import { pretended } from '../support/pretended-driver.ts';
import type { NamedCase } from './cases.ts';
import { cudaExecutor, denseExecutor, emulatedExecutor, lockstepExecutor, tileExecutor, wgslExecutor, type Executor } from './executor.ts';
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
const fragments = {
  layout: 'fragments', lanes: 32, rowsPerLane: 2, keyStep: 16, keyTile: 32, operand: 'workgroup', subgroup: 32, rowStorage: 'registers', chunkUnroll: 64,
} as const;
const tensorCores = { target: sm80, dtype: 'f16', schedules: schedules(fragments) } as const;
const tensorCoresBf16 = { target: sm80, dtype: 'bf16', schedules: schedules(fragments) } as const;
const staged = { target: webgpuDefault, dtype: 'f16', schedules: schedules({ operand: 'workgroup', rowStorage: 'workgroup', chunkUnroll: 1, rowsPerLane: 1 }) } as const;

/** Stage kernels are the same whatever the attention behind them does: one candidate of a device, which compiles them slowly, is enough. */
const withoutStages = ({ spec }: NamedCase): boolean => spec.stages.length === 0;

conformance({ name: 'the dense interpreter', open: here(denseExecutor), compile: direct, randomRuns: 5 });
conformance({ name: 'tile programs', open: here(tileExecutor), compile: direct, randomRuns: 40 });
conformance({ name: 'kernel programs in lock step, subgroups of 4', open: here(lockstepExecutor(4)), compile: direct, randomRuns: 20 });
conformance({ name: 'kernel programs in lock step, subgroups of 8, shuffled operands, f16', open: here(lockstepExecutor(8)), compile: shuffled, randomRuns: 10 });
conformance({ name: 'WGSL on the device', open: openWgsl, compile: direct, randomRuns: 10 });
conformance({ name: 'WGSL on the device, operands in workgroup memory, packed f16', open: openWgsl, compile: staged, randomRuns: 5, only: withoutStages });

/** What differs on fragments: edges of rows and keys, heads that share, permuted rows, lists, maps, scores, rows without keys, stages. */
const onFragments = [
  'causal, a length that no tile divides', 'causal, two batches, shared key-value heads', 'a head dimension of 64', 'a window with sinks', 'listed columns and slashes for each head',
  'documents in any order', 'a mask for each head', 'a bias, a slope and a soft cap', 'sinks, with rows that see nothing else', 'blocks, keys and numbers that stages choose',
];
const inBf16 = ['every third key on the phase of the query', 'rows that see nothing'];

const emulated: readonly Omit<Candidate, 'open'>[] = [
  { name: 'CUDA on the emulator, small tiles', compile: warp, randomRuns: 5 },
  { name: 'CUDA on the emulator, operands in workgroup memory, f16', compile: warps, randomRuns: 5, only: withoutStages },
  { name: 'CUDA on the emulator, tensor cores, f16', compile: tensorCores, randomRuns: 0, only: ({ name }) => onFragments.includes(name) },
  { name: 'CUDA on the emulator, tensor cores, bf16', compile: tensorCoresBf16, randomRuns: 0, only: ({ name }) => inBf16.includes(name) },
];

/** One run of nvcc for each candidate, all at once. */
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

/** Without a GPU the engine runs on a driver that is pretended, and each launch costs a run of nvcc: a decode, lists, and stages. */
const onPretended = ['causal, one query at the end of many keys', 'listed columns and slashes for each head', 'blocks, keys and numbers that stages choose'];

const driver = await loadDriver();
const device = typeof driver === 'string' ? undefined : openCudaSession(driver);

async function openCuda(): Promise<Executor | string> {
  const found = findNvcc();
  if ('looked' in found) return ['no nvcc in', found.looked.join(', ')].join(' ');
  const session = device?.ok === true ? device : openCudaSession(pretended(2 ** 28), { make: 'ptx' });
  return session.ok ? cudaExecutor(session.value) : session.diagnostics.map((d) => d.message).join('; ');
}

conformance({
  name: device?.ok === true ? device.value.name : 'the CUDA engine on a pretended driver',
  open: openCuda, compile: tensorCores, randomRuns: device?.ok === true ? 10 : 0,
  ...(device?.ok === true ? {} : { only: ({ name }) => onPretended.includes(name) }),
});
