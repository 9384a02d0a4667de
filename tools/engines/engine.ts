/**
 * What every engine is asked and answers: a spec, a checked launch and inputs as they are stored; out and lse.
 */
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';

export const backends = ['interpreter', 'wgsl', 'cuda', 'cuda-emulated', 'tile', 'lockstep'] as const;

export type Backend = (typeof backends)[number];

export interface EngineRequest {
  readonly spec: Spec;
  readonly launch: Launch;
  readonly inputs: Inputs;
  readonly dtype: 'f32' | 'f16';
  /** Part of the name of a WebGPU adapter. */
  readonly adapter?: string;
  /** Lanes of a subgroup, for the lock-step interpreter. */
  readonly subgroupWidth?: number;
}

export interface EngineOutput {
  readonly extents: readonly number[];
  readonly values: ArrayLike<number>;
}

export interface EngineResult {
  readonly out: Float64Array | Float32Array;
  readonly lse: Float64Array | Float32Array;
  /** Stage tensors that the program gives back, by name; ints and bools as numbers. */
  readonly outputs?: ReadonlyMap<string, EngineOutput>;
  /** The device that computed it, in words. */
  readonly device?: string;
}
