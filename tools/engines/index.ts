/**
 * Everything that can run an attention, behind one function. In: a backend's name, a spec, a checked launch, inputs as they are
 * stored. Out: out and lse, or diagnostics. The interpreter is the definition; the others run what the compiler made.
 */
import type { Launch, Spec } from '../../compiler/spec/ir.ts';
import { denseAttention } from '../../compiler/interpreters/dense/index.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import { good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';

export const backends = ['interpreter', 'wgsl', 'tile', 'lockstep'] as const;

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

export interface EngineResult {
  readonly out: Float64Array | Float32Array;
  readonly lse: Float64Array | Float32Array;
  /** The device that computed it, in words. */
  readonly device?: string;
}

/** Runs a launch once. */
export async function runBackend(backend: Backend, request: EngineRequest): Promise<Checked<EngineResult>> {
  switch (backend) {
    case 'interpreter': {
      const { out, lse } = denseAttention(request.spec, request.launch, request.inputs);
      return good({ out, lse });
    }
    case 'tile':
    case 'lockstep':
      return (await import('./host.ts')).runOnHost(backend, request);
    case 'wgsl':
      return (await import('./device.ts')).runOnDevice(request);
    default:
      return unreachable(backend);
  }
}
