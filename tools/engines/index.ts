/**
 * Everything that can run an attention or a chain, behind one function each. In: a backend's name, a spec, a checked launch, inputs as they are
 * stored. Out: out and lse, or diagnostics. The interpreter is the definition; the others run what the compiler made.
 */
import { denseChain } from '../../compiler/interpreters/dense/chain.ts';
import { denseAttention } from '../../compiler/interpreters/dense/index.ts';
import { withAllResults } from '../../compiler/pipeline.ts';
import { good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import type { Backend, ChainRequest, ChainResult, EngineOutput, EngineRequest, EngineResult } from './engine.ts';

export { backends } from './engine.ts';
export type { Backend, ChainRequest, ChainResult, EngineRequest, EngineResult } from './engine.ts';

/** Runs a launch once. */
export async function runBackend(backend: Backend, request: EngineRequest): Promise<Checked<EngineResult>> {
  switch (backend) {
    case 'interpreter': {
      const { out, lse, stages } = denseAttention(request.spec, request.launch, request.inputs);
      const outputs = request.spec.outputs.flatMap(({ name, tensor }): readonly (readonly [string, EngineOutput])[] => {
        const made = stages.get(tensor);
        return made === undefined ? [] : [[name, { extents: made.extents, values: made.data }]];
      });
      return good({ out, lse, outputs: new Map(outputs) });
    }
    case 'tile':
    case 'lockstep':
      return (await import('./host.ts')).runOnHost(backend, request);
    case 'cuda':
      return (await import('./cuda.ts')).runOnCuda(request);
    case 'cuda-emulated':
      return (await import('./cuda-emulated.ts')).runOnEmulator(request);
    case 'wgsl':
      return (await import('./device.ts')).runOnDevice(request);
    default:
      return unreachable(backend);
  }
}

/** Runs a launch of a chain once. */
export async function runChain(backend: Backend, request: ChainRequest): Promise<Checked<ChainResult>> {
  switch (backend) {
    case 'interpreter': {
      const chain = request.outputs === 'all' ? withAllResults(request.chain) : request.chain;
      const values = denseChain(chain, request.launch);
      return good({
        outputs: new Map(chain.outputs.flatMap(({ name, value }): readonly (readonly [string, EngineOutput])[] => {
          const made = values.get(value);
          return made === undefined ? [] : [[name, { extents: made.extents, values: made.data }]];
        })),
      });
    }
    case 'tile':
    case 'lockstep':
      return (await import('./host.ts')).runChainOnHost(backend, request);
    case 'cuda':
      return (await import('./cuda.ts')).runChainOnCuda(request);
    case 'cuda-emulated':
      return (await import('./cuda-emulated.ts')).runChainOnEmulator(request);
    case 'wgsl':
      return (await import('./device-chain.ts')).runChainOnDevice(request);
    default:
      return unreachable(backend);
  }
}
