/**
 * CUDA kernels executed without a GPU: nvcc makes PTX of the printed text, and the emulator runs it. In: compiled attentions (several may
 * share one run of nvcc), then launches. Out: out and lse, and every problem the emulator finds: accesses out of bounds, races, missing
 * barriers, waits and values, outputs that nobody wrote. What ran is what would be shipped.
 */
import { poisonOf } from '../../compiler/interpreters/compare.ts';
import { storageOf, storageValues } from '../../compiler/interpreters/lockstep/storage.ts';
import { givenData } from '../../compiler/interpreters/launch.ts';
import type { LaunchInput } from '../../compiler/interpreters/launch.ts';
import type { KernelProgram } from '../../compiler/kernel/ir.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import { elementBytes, resolveLaunch, uniformWords } from '../../compiler/launch/resolve.ts';
import type { ResolvedBuffer, ResolvedPiece } from '../../compiler/launch/resolve.ts';
import { compileChain, compileSpec } from '../../compiler/pipeline.ts';
import type { Launch } from '../../compiler/spec/ir.ts';
import { CompilerBug, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { parsePtx, runPtxKernel } from '../../backends/cuda/emulator/index.ts';
import type { PtxLaunch, PtxModule, PtxParam, PtxProblem } from '../../backends/cuda/emulator/index.ts';
import { printCudaUnits } from '../../backends/cuda/module.ts';
import type { CudaUnit } from '../../backends/cuda/module.ts';
import { cudaEntry } from '../../backends/cuda/names.ts';
import { sm80 } from '../../backends/targets.ts';
import { runNvcc } from '../cuda/nvcc.ts';
import type { NvccOptions } from '../cuda/nvcc.ts';
import { chainInput } from './chain-input.ts';
import type { ChainRequest, ChainResult, EngineOutput, EngineRequest, EngineResult } from './engine.ts';

/** What is needed of a compilation. */
export interface EmulatedArtefact {
  readonly hostPlan: HostPlan;
  readonly kernelPrograms: readonly KernelProgram[];
}

export interface EmulatedProgram {
  readonly plan: HostPlan;
  readonly module: PtxModule;
  /** The name of a kernel in the module. */
  readonly entryOf: (kernel: string) => string;
}

export interface EmulatedOutput {
  readonly out: Float64Array;
  readonly lse: Float64Array;
  /** Stage tensors by name. */
  readonly outputs: ReadonlyMap<string, EngineOutput>;
  /** In words; empty: all is well. */
  readonly problems: readonly string[];
}

export interface EmulationOptions extends Pick<PtxLaunch, 'order' | 'completion' | 'stepLimit'> {
  readonly limits?: { readonly maxBindingBytes?: number };
}

/** The artefact with only the kernels that a launch runs: nvcc takes a third of a second for a kernel. */
export function neededOf(artefact: EmulatedArtefact, { sizes, scalars, tensors }: Launch): EmulatedArtefact {
  const extents = new Map([...tensors].map(([name, t]) => [name, t.extents]));
  const resolved = resolveLaunch(artefact.hostPlan, sizes, scalars, extents);
  if (!resolved.ok) return artefact;
  const used = new Set(resolved.value.pieces.map((p) => p.kernel));
  return { hostPlan: artefact.hostPlan, kernelPrograms: artefact.kernelPrograms.filter((k) => used.has(k.name)) };
}

/** Compiles several programs with one run of nvcc, which takes half a second to start. */
export async function compileEmulated(artefacts: readonly EmulatedArtefact[], options: NvccOptions = {}): Promise<Checked<readonly EmulatedProgram[]>> {
  const unitName = (i: number): string => (artefacts.length === 1 ? artefacts[0]?.hostPlan.name ?? '' : `u${i}`);
  const units = artefacts.map(({ hostPlan, kernelPrograms }, i): CudaUnit => ({ name: unitName(i), doc: hostPlan.doc, kernels: kernelPrograms }));
  const made = await runNvcc({ source: printCudaUnits(units), arch: 'sm_80', make: 'ptx' }, options);
  if (!made.ok) return made;
  const parsed = parsePtx(made.value.data.toString());
  if (!parsed.ok) return parsed;
  const module = parsed.value;
  return good(artefacts.map(({ hostPlan }, i) => ({ plan: hostPlan, module, entryOf: (kernel: string) => cudaEntry(unitName(i), kernel) })));
}

export interface Memory {
  readonly buffer: ResolvedBuffer;
  readonly bytes: Uint8Array;
}

function inputValues(plan: HostPlan, input: LaunchInput, name: string): ArrayLike<number> {
  const given = givenData(plan, input, name);
  if (given === undefined) throw new CompilerBug('launch', `nothing is known of the input buffer '${name}'`);
  return given;
}

/** The content of a buffer that nothing has been written to. */
export function poisoned({ bytes: length, element }: ResolvedBuffer): Uint8Array {
  const bytes = new Uint8Array(length);
  (elementBytes(element) === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer)).fill(poisonOf(element));
  return bytes;
}

/** Inputs as they are stored; everything else poisoned, so that what nobody writes is seen. */
export function allocate(plan: HostPlan, input: LaunchInput, buffer: ResolvedBuffer): Memory {
  if (buffer.role !== 'input') return { buffer, bytes: poisoned(buffer) };
  const bytes = new Uint8Array(buffer.bytes);
  bytes.set(storageOf(buffer.element, inputValues(plan, input, buffer.name)).bytes.subarray(0, buffer.bytes));
  return { buffer, bytes };
}

function said(p: PtxProblem): string {
  const lane = p.lane === undefined ? '' : `, lane ${p.lane}`;
  const warp = p.warp === undefined ? '' : `, warp ${p.warp}${lane}`;
  const line = p.source === undefined ? '' : ` (line ${p.source} of the .cu)`;
  return `${p.kind}: ${p.message} in: ${p.instruction}${line}; ${p.entry}, workgroup [${p.workgroup.join(', ')}]${warp}`;
}

function runPiece(program: EmulatedProgram, piece: ResolvedPiece, memory: ReadonlyMap<string, Memory>, options: EmulationOptions): readonly string[] {
  const kernel = program.plan.kernels.find((k) => k.name === piece.kernel);
  if (kernel === undefined) throw new CompilerBug('launch', `no kernel '${piece.kernel}'`);
  const pointers = kernel.storage.map((s, i): PtxParam => {
    const binding = piece.bindings[i];
    const whole = memory.get(binding?.buffer ?? '');
    if (binding === undefined || whole === undefined) throw new CompilerBug('launch', `no buffer for '${s.buffer}'`);
    return { kind: 'buffer', bytes: whole.bytes.subarray(binding.offset, binding.offset + binding.bytes), writable: s.access === 'write' };
  });
  const words = uniformWords(kernel, piece.uniforms);
  const uniforms: readonly PtxParam[] = kernel.uniforms.length === 0 ? [] : [{ kind: 'bytes', bytes: new Uint8Array(words.buffer, 0, kernel.uniforms.length * 4) }];
  const { order, completion, stepLimit } = options;
  const { problems } = runPtxKernel(program.module, program.entryOf(piece.kernel), {
    grid: piece.workgroups, block: kernel.workgroupSize, sharedBytes: kernel.sharedBytes, params: [...pointers, ...uniforms],
    ...(order === undefined ? {} : { order }), ...(completion === undefined ? {} : { completion }), ...(stepLimit === undefined ? {} : { stepLimit }),
  });
  return problems.map(said);
}

/** Values of an output, and what is said of elements that still hold poison. */
export function readBack({ buffer, bytes }: Memory): { readonly values: Float64Array; readonly problems: readonly string[] } {
  const { element, elements } = buffer;
  const raw = elementBytes(element) === 2 ? new Uint16Array(bytes.buffer, 0, elements) : new Uint32Array(bytes.buffer, 0, elements);
  const values = storageValues({ element, length: elements, bytes });
  const first = raw.indexOf(poisonOf(element));
  return { values, problems: first < 0 ? [] : [`nothing has written element ${first} of the output ${buffer.name} [${buffer.extents.join(', ')}]`] };
}

/** The stage tensors that the caller gets, of outputs by buffer. */
export function stageOutputs(plan: HostPlan, outputs: ReadonlyMap<string, { readonly buffer: ResolvedBuffer; readonly values: Float64Array }>): ReadonlyMap<string, EngineOutput> {
  return new Map((plan.stages?.outputs ?? []).flatMap(({ name, buffer }): readonly (readonly [string, EngineOutput])[] => {
    const found = outputs.get(buffer);
    return found === undefined ? [] : [[name, { extents: found.buffer.extents, values: found.values }]];
  }));
}

/** Runs a launch step by step, as a device would. */
export function runEmulated(program: EmulatedProgram, input: LaunchInput, options: EmulationOptions = {}): Checked<EmulatedOutput> {
  const extents = new Map([...input.tensors].map(([name, t]) => [name, t.extents]));
  const resolved = resolveLaunch(program.plan, input.sizes, input.scalars, extents, { ...options.limits, offsetAlignment: 16 });
  if (!resolved.ok) return resolved;
  const memory = new Map(resolved.value.buffers.map((b) => [b.name, allocate(program.plan, input, b)]));
  const problems = resolved.value.pieces.flatMap((piece) => runPiece(program, piece, memory, options));
  const outputs = new Map([...memory].flatMap(([name, m]) => (m.buffer.role === 'output' ? [[name, { buffer: m.buffer, ...readBack(m) }] as const] : [])));
  const given = (name: string): Float64Array => outputs.get(name)?.values ?? new Float64Array(0);
  return good({ out: given('out'), lse: given('lse'), outputs: stageOutputs(program.plan, outputs), problems: [...problems, ...[...outputs.values()].flatMap((o) => o.problems)] });
}

/** Compiles and runs one request. A problem that the emulator finds is a bug of the compiler. */
export async function runOnEmulator({ spec, launch, inputs, dtype, products }: EngineRequest): Promise<Checked<EngineResult>> {
  const compiled = compileSpec(spec, { target: sm80, dim: launch.sizes.dim, dtype, ...(products === undefined ? {} : { products }) });
  return compiled.ok ? runArtefact(compiled.value, { ...launch, ...inputs }) : compiled;
}

/** The same of a chain. */
export async function runChainOnEmulator(request: ChainRequest): Promise<Checked<ChainResult>> {
  const compiled = compileChain(request.chain, { target: sm80, ...request });
  if (!compiled.ok) return compiled;
  const ran = await runArtefact(compiled.value, chainInput(request));
  return ran.ok ? good({ outputs: ran.value.outputs ?? new Map<string, EngineOutput>(), device: 'emulated sm_80' }) : ran;
}

async function runArtefact(artefact: EmulatedArtefact, input: LaunchInput): Promise<Checked<EngineResult>> {
  const programs = await compileEmulated([neededOf(artefact, input)]);
  if (!programs.ok) return programs;
  const [program] = programs.value;
  if (program === undefined) throw new CompilerBug('cuda-emulated', 'one program went in and none came out');
  const ran = runEmulated(program, input);
  if (!ran.ok) return ran;
  const { out, lse, outputs, problems } = ran.value;
  if (problems.length > 0) throw new CompilerBug('cuda-emulated', problems.join('; '));
  return good({ out, lse, outputs, device: 'emulated sm_80' });
}
