/**
 * What every engine is asked and answers: a spec, a checked launch and inputs as they are stored; out and lse. Or a chain and a checked
 * launch of it; its outputs.
 */
import type { ChainLaunch } from '../../compiler/interpreters/dense/chain.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { CompileOptions } from '../../compiler/pipeline.ts';
import type { Launch, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import type { Checked } from '../../dsl/diagnostic.ts';

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

/** A chain that is to run many times. */
export interface ChainOpening extends Pick<ChainRequest, 'chain' | 'dtype' | 'outputs' | 'schedules'> {
  /** Fill outputs and workspace with NaN before each launch (default), so that what nobody writes is seen. */
  readonly poison?: boolean;
}

/** A compiled chain on a device. A launch moves what it is given and its outputs, nothing else. */
export interface KeptChain {
  /** The device in words. */
  readonly name: string;
  /** Uploads parameters that stay until they are kept anew. */
  readonly keep: (tensors: ReadonlyMap<string, TensorValue>) => Checked<undefined>;
  /** One launch; `launch.tensors` has the parameters that are not kept. */
  readonly run: (launch: ChainLaunch) => Promise<Checked<ChainResult>>;
  /** Gives its memory back; the device stays open. */
  readonly close: () => void;
}

export interface ChainResult {
  readonly outputs: ReadonlyMap<string, EngineOutput>;
  /** The device that computed it, in words. */
  readonly device?: string;
}
