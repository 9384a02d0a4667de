/**
 * Kernels of a host plan on a CUDA driver. In: a driver, a plan, the image that nvcc made. Out: a function that launches one dispatch on
 * memory that the caller holds; and what the driver refuses as diagnostics instead of exceptions.
 */
import type { HostPlan } from '../../compiler/launch/plan.ts';
import { uniformWords } from '../../compiler/launch/resolve.ts';
import type { ResolvedPiece } from '../../compiler/launch/resolve.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import { deviceLost, outOfDeviceMemory } from '../../dsl/catalogue/index.ts';
import { bad, CompilerBug, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { cudaEntry } from '../../backends/cuda/names.ts';
import type { CudaDriver, Handle } from '../cuda/driver.ts';
import type { NvccOptions } from '../cuda/nvcc.ts';

export interface CudaSessionOptions {
  /** What the driver is given: machine code, or PTX that it compiles itself. */
  readonly make?: 'cubin' | 'ptx';
  readonly nvcc?: NvccOptions;
}

/** Options with what the device is compiled for. */
export type Setting = CudaSessionOptions & { readonly arch: string; readonly target: TargetRecord };

// cuda.h: CUDA_ERROR_OUT_OF_MEMORY.
const outOfMemory = 2;

/** A refusal of the driver, on its way to the caller of the session. */
class DriverRefusal extends Error {
  readonly status: number;
  readonly bytes: number;
  constructor(status: number, what: string, bytes = 0) {
    super(what);
    this.status = status;
    this.bytes = bytes;
  }
}

export function ensure(status: number, what: string, bytes = 0): void {
  if (status !== 0) throw new DriverRefusal(status, what, bytes);
}

function bytesOfHandle(address: Handle, offset: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(address) + BigInt(offset), true);
  return bytes;
}

/** Launches dispatches of a plan; `addressOf` says where its buffers lie. */
export function kernelLauncher(driver: CudaDriver, plan: HostPlan, image: Uint8Array): (piece: ResolvedPiece, addressOf: (buffer: string) => Handle | undefined) => void {
  const module = driver.loadModule(image);
  ensure(module.status, 'loading the kernels');
  const kernels = new Map<string, Handle>();
  const kernelOf = (name: string, sharedBytes: number): Handle => {
    const known = kernels.get(name);
    if (known !== undefined) return known;
    const entry = driver.getFunction(module.handle, cudaEntry(plan.name, name));
    ensure(entry.status, `finding the kernel ${name}`);
    if (sharedBytes > 48 * 1024) ensure(driver.allowShared(entry.handle, sharedBytes), `workgroup memory of ${name}`);
    kernels.set(name, entry.handle);
    return entry.handle;
  };
  return (piece, addressOf) => {
    const kernel = plan.kernels.find((k) => k.name === piece.kernel);
    if (kernel === undefined) throw new CompilerBug('launch', `no kernel '${piece.kernel}'`);
    const pointers = piece.bindings.map((b) => {
      const address = addressOf(b.buffer);
      if (address === undefined) throw new CompilerBug('launch', `no buffer '${b.buffer}'`);
      return bytesOfHandle(address, b.offset);
    });
    const words = uniformWords(kernel, piece.uniforms);
    const uniforms = kernel.uniforms.length === 0 ? [] : [new Uint8Array(words.buffer, 0, kernel.uniforms.length * 4)];
    const status = driver.launch(kernelOf(piece.kernel, kernel.sharedBytes), piece.workgroups, kernel.workgroupSize, kernel.sharedBytes, [...pointers, ...uniforms]);
    ensure(status, `launching ${piece.kernel}`);
  };
}

/** The work's result, or what the driver refused. */
export function refusalsOf<T>(driver: CudaDriver, work: () => T): Checked<T> {
  try {
    return good(work());
  } catch (error) {
    if (!(error instanceof DriverRefusal)) throw error;
    if (error.status === outOfMemory) return bad([outOfDeviceMemory(noSpan, { terms: [{ what: error.message, bytes: error.bytes }] })]);
    return bad([deviceLost(noSpan, { reason: `${error.message}: ${driver.words(error.status)}` })]);
  }
}
