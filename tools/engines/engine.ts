/**
 * What every engine is asked and answers: a spec, a checked launch and inputs as they are stored; out and lse. Or a chain and a checked
 * launch of it; its outputs.
 */
import type { ChainLaunch } from '../../compiler/interpreters/dense/chain.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { CompileOptions } from '../../compiler/pipeline.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';

export const backends = ['interpreter', 'wgsl', 'cuda', 'cuda-emulated', 'tile', 'lockstep'] as const;

export type Backend = (typeof backends)[number];

export interface EngineRequest {
  readonly spec: Spec;
  readonly launch: Launch;
  readonly inputs: Inputs;
  readonly dtype: FloatElement;
  /** For CUDA: factors of products of f32 may be rounded to this. */
  readonly products?: 'tf32';
  /** Part of the name of a WebGPU adapter. */
  readonly adapter?: string;
  /** Lanes of a subgroup, for the lock-step interpreter. */
  readonly subgroupWidth?: number;
}

/** One launch of a chain. */
export interface ChainRequest {
  readonly chain: ChainSpec;
  readonly launch: ChainLaunch;
  readonly dtype: FloatElement;
  readonly adapter?: string;
  readonly subgroupWidth?: number;
  /** `all`: everything that the calls make comes out, by the names of the values. */
  readonly outputs?: 'all';
  /** Pins schedules of attentions, for tests and benchmarks. */
  readonly schedules?: NonNullable<CompileOptions['schedules']>;
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

export interface ChainResult {
  readonly outputs: ReadonlyMap<string, EngineOutput>;
  /** The device that computed it, in words. */
  readonly device?: string;
}
