/**
 * Everything that can run a chain, once or many times, behind one function each. In: a backend's name, a chain, a launch. Out: what the chain gives back, or
 * diagnostics. The interpreter is the definition; the others run what the compiler linked.
 */
import { denseChain } from '../../compiler/interpreters/dense/index.ts';
import { withAllResults } from '../../compiler/pipeline.ts';
import type { TensorValue } from '../../compiler/spec/ir.ts';
import { good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import type { Backend, ChainOpening, ChainRequest, ChainResult, EngineOutput, KeptChain } from './engine.ts';

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

/** Opens a chain that is to run many times. Devices keep what is kept; the other backends are given it again with every launch. */
export async function openChain(backend: Backend, opening: ChainOpening & Pick<ChainRequest, 'adapter'>): Promise<Checked<KeptChain>> {
  if (backend === 'wgsl') return (await import('./device-chain.ts')).openDeviceChain(opening.chain, opening);
  if (backend === 'cuda') return (await import('./cuda.ts')).openChainOnCuda(opening);
  const kept = new Map<string, TensorValue>();
  return good({
    name: backend,
    keep: (tensors) => {
      tensors.forEach((value, name) => kept.set(name, value));
      return good(undefined);
    },
    run: (launch) => runChain(backend, { ...opening, launch: { ...launch, tensors: new Map([...kept, ...launch.tensors]) } }),
    close: () => kept.clear(),
  });
}
