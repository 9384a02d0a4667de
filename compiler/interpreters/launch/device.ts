/**
 * What runs a launch in place of a device: memory for the plan's buffers, an executor for its dispatches, and what goes in and
 * comes out. Types only.
 */
import type { KernelProgram } from '../../kernel/ir.ts';
import type { HostPlan } from '../../launch/plan.ts';
import type { LaunchLimits, ResolvedBuffer, ResolvedLaunch, ResolvedPiece } from '../../launch/resolve.ts';
import type { Launch } from '../../spec/ir.ts';
import type { BufferElement, TileProgram } from '../../tile/ir.ts';
import type { Problem } from '../problem.ts';

/** What the compiler makes, as far as the interpreters need it. */
export interface Artefact {
  readonly hostPlan: HostPlan;
  readonly tilePrograms: readonly TileProgram[];
  readonly kernelPrograms: readonly KernelProgram[];
  /** For each step of a linked plan, the buffers of the plan by the names that its tile program has for them; absent: the names are the same. */
  readonly tileBuffers?: readonly ReadonlyMap<string, string>[];
}

export interface LaunchInput extends Launch {
  /** Row-major values; they are rounded to the storage type of the plan. */
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
}

export interface LaunchOutput {
  /** Empty, like lse, where the program computes no attention. */
  readonly out: Float64Array;
  readonly lse: Float64Array;
  /** Stage tensors that the caller gets, by the names of the program. */
  readonly outputs: ReadonlyMap<string, OutputTensor>;
  readonly problems: readonly Problem[];
  readonly resolved: ResolvedLaunch;
}

export interface OutputTensor {
  readonly element: BufferElement;
  readonly extents: readonly number[];
  readonly values: Float64Array;
}

/** Runs one dispatch on the memory of a device. */
export type ExecuteKernel = (piece: ResolvedPiece, launch: ResolvedLaunch) => readonly Problem[];

/** Values of an output and which of them have been written. */
export interface ReadBack {
  readonly values: Float64Array;
  readonly written: Uint8Array;
}

/** Memory and execution in place of a device. */
export interface PretendDevice {
  /** Makes a buffer: with these values, or without any. */
  readonly allocate: (buffer: ResolvedBuffer, values?: ArrayLike<number>) => void;
  readonly execute: ExecuteKernel;
  /** Nothing in the buffer has a value any more. */
  readonly forget: (buffer: string) => void;
  readonly readBack: (buffer: string) => ReadBack;
}

export interface LaunchRunOptions {
  /** Limits of the device that is pretended: small ones make launches run in pieces. */
  readonly limits?: LaunchLimits;
  /** Steps after which a dispatch is given up. */
  readonly maxSteps?: number;
}

export interface LockstepRunOptions extends LaunchRunOptions {
  /** Lanes of a subgroup. */
  readonly subgroupWidth: number;
}
