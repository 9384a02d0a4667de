/**
 * Everything that can run a chain, behind one function. In: a backend's name, a chain, a launch. Out: what the chain gives back, or
 * diagnostics. The interpreter is the definition; the others run what the compiler linked.
 */
import { denseChain } from '../../compiler/interpreters/dense/index.ts';
import { withAllResults } from '../../compiler/pipeline.ts';
import { good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import type { Backend, ChainRequest, ChainResult, EngineOutput } from './engine.ts';

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
