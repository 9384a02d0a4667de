/**
 * Kernels on an NVIDIA GPU in Node. In: a driver (tools/cuda/driver.ts), requests. Out: results as numbers, and times by the device's
 * own events. Holds: what the driver refuses is a diagnostic; memory is given back however a launch ends; outputs are poisoned first.
 */
import type { LaunchInput } from '../../compiler/interpreters/launch.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import { described, resolveLaunch } from '../../compiler/launch/resolve.ts';
import type { ResolvedLaunch } from '../../compiler/launch/resolve.ts';
import { compileChain, compileSpec } from '../../compiler/pipeline.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import { bad, CompilerBug, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { noCudaDevice } from '../../dsl/catalogue/index.ts';
import { printCuda } from '../../backends/cuda/module.ts';
import { sm120a, sm80, sm90a } from '../../backends/targets.ts';
import { loadDriver } from '../cuda/driver.ts';
import type { CudaDriver, Handle } from '../cuda/driver.ts';
import { runNvcc } from '../cuda/nvcc.ts';
import { chainInput } from './chain-input.ts';
import { openCudaChain } from './cuda-chain.ts';
import { ensure, kernelLauncher, refusalsOf } from './cuda-launch.ts';
import type { CudaSessionOptions, Setting } from './cuda-launch.ts';
import { allocate, neededOf, readBack, stageOutputs } from './cuda-emulated.ts';
import type { EmulatedArtefact, Memory } from './cuda-emulated.ts';
import type { ChainOpening, ChainRequest, ChainResult, EngineOutput, EngineRequest, EngineResult, KeptChain } from './engine.ts';

export interface CudaSession {
  readonly name: string;
  readonly target: TargetRecord;
  /** Compiles, uploads, runs once and reads back; then runs `repeats` times more and gives the milliseconds of each. */
  readonly run: (request: EngineRequest, repeats?: number) => Promise<Checked<EngineResult & { readonly milliseconds: readonly number[] }>>;
  /** The same of a chain. */
  readonly runChain: (request: ChainRequest, repeats?: number) => Promise<Checked<ChainResult & { readonly milliseconds: readonly number[] }>>;
  /** The same of what is compiled already, for the session's target or one that offers no more. */
  readonly runCompiled: (artefact: EmulatedArtefact, launch: LaunchInput, repeats?: number) => ReturnType<CudaSession['run']>;
  /** A chain whose parameters may stay on the device from launch to launch. */
  readonly openChain: (request: ChainOpening) => Promise<Checked<KeptChain>>;
  readonly close: () => void;
}

/** What nvcc compiles for, and the record that says what such a machine can do. */
export function targetOfCapability(major: number, minor: number): { readonly arch: string; readonly target: TargetRecord } | undefined {
  if (major < 8) return undefined;
  if (major === 9) return { arch: 'sm_90a', target: sm90a };
  if (major === 12) return { arch: `sm_12${minor}a`, target: sm120a };
  // Machines between them have at least what 8.0 has, but 8.6 and 8.9 hold less workgroup memory: as much as 12.0.
  return { arch: `sm_${major}${minor}`, target: major === 8 && minor !== 0 && minor !== 7 ? { ...sm80, workgroupBytes: sm120a.workgroupBytes } : sm80 };
}

/** Opens the first device. */
export function openCudaSession(driver: CudaDriver, options: CudaSessionOptions = {}): Checked<CudaSession> {
  const started = driver.start();
  if (started.status !== 0) return bad([noCudaDevice(noSpan, { reason: driver.words(started.status) })]);
  if (started.devices < 1) return bad([noCudaDevice(noSpan, { reason: 'the driver knows none' })]);
  const device = driver.describe(0);
  if (device.status !== 0) return bad([noCudaDevice(noSpan, { reason: driver.words(device.status) })]);
  const found = targetOfCapability(device.major, device.minor);
  if (found === undefined) return bad([noCudaDevice(noSpan, { reason: `${device.name} has compute capability ${device.major}.${device.minor}, and 8.0 is needed` })]);
  const context = driver.createContext(0);
  if (context.status !== 0) return bad([noCudaDevice(noSpan, { reason: driver.words(context.status) })]);
  const { arch, target } = found;
  return good({
    name: `${device.name} (${arch})`,
    target,
    run: (request, repeats = 0) => runOn(driver, { arch, target, ...options }, request, repeats),
    runChain: (request, repeats = 0) => runChainOn(driver, { arch, target, ...options }, request, repeats),
    openChain: (opening) => openCudaChain(driver, { arch, target, ...options }, opening, `${device.name} (${arch})`),
    runCompiled: (artefact, launch, repeats = 0) => runArtefact(driver, { arch, target, ...options }, artefact, launch, repeats),
    close: () => void driver.destroyContext(context.handle),
  });
}

async function runOn(driver: CudaDriver, setting: Setting, request: EngineRequest, repeats: number): ReturnType<CudaSession['run']> {
  const { spec, launch, inputs, dtype, products } = request;
  const compiled = compileSpec(spec, { target: setting.target, dim: launch.sizes.dim, dtype, ...(products === undefined ? {} : { products }) });
  return compiled.ok ? runArtefact(driver, setting, compiled.value, { ...launch, ...inputs }, repeats) : compiled;
}

async function runChainOn(driver: CudaDriver, setting: Setting, request: ChainRequest, repeats: number): ReturnType<CudaSession['runChain']> {
  const compiled = compileChain(request.chain, { target: setting.target, ...request });
  if (!compiled.ok) return compiled;
  const ran = await runArtefact(driver, setting, compiled.value, chainInput(request), repeats);
  return ran.ok ? good({ outputs: ran.value.outputs ?? new Map<string, EngineOutput>(), milliseconds: ran.value.milliseconds }) : ran;
}

async function runArtefact(driver: CudaDriver, { arch, target, make = 'cubin', nvcc }: Setting, artefact: EmulatedArtefact, launch: LaunchInput, repeats: number): ReturnType<CudaSession['run']> {
  const { hostPlan } = artefact;
  const { kernelPrograms } = neededOf(artefact, launch);
  const image = await runNvcc({ source: printCuda({ name: hostPlan.name, doc: hostPlan.doc, kernels: kernelPrograms }), arch, make }, nvcc);
  if (!image.ok) return image;
  const extents = new Map([...launch.tensors].map(([name, t]) => [name, t.extents]));
  const resolved = resolveLaunch(hostPlan, launch.sizes, launch.scalars, extents, { maxWorkgroupsPerAxis: target.maxWorkgroupsPerAxis, offsetAlignment: 16 });
  if (!resolved.ok) return resolved;
  const made: Handle[] = [];
  try {
    return refusalsOf(driver, () => execute(driver, hostPlan, image.value.data, resolved.value, launch, repeats, made));
  } finally {
    for (const address of made) driver.free(address);
  }
}

function execute(driver: CudaDriver, plan: HostPlan, image: Uint8Array, resolved: ResolvedLaunch, input: LaunchInput, repeats: number, made: Handle[]): EngineResult & { readonly milliseconds: readonly number[] } {
  const memory = new Map<string, Memory & { readonly address: Handle }>();
  for (const buffer of resolved.buffers) {
    const place = driver.allocate(buffer.bytes);
    ensure(place.status, described(buffer), buffer.bytes);
    made.push(place.handle);
    const held = allocate(plan, input, buffer);
    ensure(driver.upload(place.handle, held.bytes), `uploading ${buffer.name}`);
    memory.set(buffer.name, { ...held, address: place.handle });
  }
  const launchPiece = kernelLauncher(driver, plan, image);
  const runAll = (): void => resolved.pieces.forEach((piece) => launchPiece(piece, (name) => memory.get(name)?.address));

  runAll();
  ensure(driver.synchronize(), 'running the kernels');
  const outputs = new Map([...memory].flatMap(([name, held]) => {
    if (held.buffer.role !== 'output') return [];
    ensure(driver.download(held.bytes, held.address), `reading ${name}`);
    return [[name, { buffer: held.buffer, ...readBack(held) }] as const];
  }));
  const unwritten = [...outputs.values()].flatMap((o) => o.problems);
  if (unwritten.length > 0) throw new CompilerBug('cuda', unwritten.join('; '));

  const milliseconds = Array.from({ length: repeats }, () => {
    const [from, to] = [driver.createEvent(), driver.createEvent()];
    ensure(from.status || to.status || driver.recordEvent(from.handle), 'timing');
    runAll();
    ensure(driver.recordEvent(to.handle) || driver.synchronize(), 'timing');
    const took = driver.elapsed(from.handle, to.handle);
    ensure(took.status, 'timing');
    return took.milliseconds;
  });
  const given = (name: string): Float64Array => outputs.get(name)?.values ?? new Float64Array(0);
  return { out: given('out'), lse: given('lse'), outputs: stageOutputs(plan, outputs), milliseconds };
}

/** Does something with the first GPU of the machine. */
async function onFirst<T extends object>(work: (session: CudaSession) => Promise<Checked<T>>): Promise<Checked<T & { readonly device: string }>> {
  const driver = await loadDriver();
  if (typeof driver === 'string') return bad([noCudaDevice(noSpan, { reason: driver })]);
  const session = openCudaSession(driver);
  if (!session.ok) return session;
  try {
    const ran = await work(session.value);
    return ran.ok ? good({ ...ran.value, device: session.value.name }) : ran;
  } finally {
    session.value.close();
  }
}

/** Runs one request on the first GPU of the machine. */
export function runOnCuda(request: EngineRequest): Promise<Checked<EngineResult>> {
  return onFirst((session) => session.run(request));
}

/** Runs one launch of a chain there. */
export function runChainOnCuda(request: ChainRequest): Promise<Checked<ChainResult>> {
  return onFirst((session) => session.runChain(request));
}

/** Compiles a chain for it; it stays open until the chain is closed. */
export async function openChainOnCuda(opening: ChainOpening): Promise<Checked<KeptChain>> {
  const driver = await loadDriver();
  if (typeof driver === 'string') return bad([noCudaDevice(noSpan, { reason: driver })]);
  const session = openCudaSession(driver);
  if (!session.ok) return session;
  const opened = await session.value.openChain(opening);
  if (!opened.ok) {
    session.value.close();
    return opened;
  }
  const close = (): void => {
    opened.value.close();
    session.value.close();
  };
  return good({ ...opened.value, close });
}
