/**
 * Everything that can run an attention, behind one function. In: a backend's name, a spec, a checked launch, inputs as they are
 * stored. Out: out and lse, or diagnostics. The interpreter is the definition; the others run what the compiler made.
 */
import { denseAttention } from '../../compiler/interpreters/dense/index.ts';
import { good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import type { Backend, EngineOutput, EngineRequest, EngineResult } from './engine.ts';

export { backends } from './engine.ts';
export type { Backend, EngineRequest, EngineResult } from './engine.ts';

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
