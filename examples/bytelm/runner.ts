/**
 * A chain made ready to run on many inputs of the same sizes. In: a chain, the tensors that stay (weights, tables), scalars, a backend. Out: a
 * function from the tensors that change to the chain's outputs. On a device the kernels are compiled and the weights uploaded once.
 */
import type { ChainLaunch } from '../../compiler/interpreters/dense/chain.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { TensorValue } from '../../compiler/spec/ir.ts';
import { bad, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { runChain } from '../../tools/engines/chains.ts';
import type { Backend, EngineOutput } from '../../tools/engines/engine.ts';

export type Outputs = ReadonlyMap<string, EngineOutput>;

export interface Runner {
  /** The device in words. */
  readonly device: string;
  /** `sizes`: those of the request where absent. */
  readonly run: (changing: ReadonlyMap<string, TensorValue>, sizes?: ChainLaunch['sizes']) => Promise<Checked<Outputs>>;
  readonly close: () => void;
}

export interface RunnerRequest {
  readonly chain: ChainSpec;
  readonly sizes: ChainLaunch['sizes'];
  readonly scalars: ReadonlyMap<string, number>;
  /** Tensors that are the same in every run; the chain may have no use for some. */
  readonly fixed: ReadonlyMap<string, TensorValue>;
  readonly backend: Backend;
  readonly adapter?: string | undefined;
}

export async function openRunner({ chain, sizes: usual, scalars, fixed, backend, adapter }: RunnerRequest): Promise<Checked<Runner>> {
  const kept = new Map([...fixed].filter(([name]) => chain.tensors.some((t) => t.name === name)));
  const chosen = adapter === undefined ? {} : { adapter };
  if (backend !== 'wgsl') {
    return good({
      device: backend,
      run: async (changing, sizes = usual) => {
        const ran = await runChain(backend, { chain, launch: { sizes, scalars, tensors: new Map([...kept, ...changing]) }, dtype: 'f32', ...chosen });
        return ran.ok ? good(ran.value.outputs) : ran;
      },
      close: () => undefined,
    });
  }
  const { openDeviceChain } = await import('../../tools/engines/device-chain.ts');
  // Every byte of every output is written: the tests run with poison, the evaluation saves the time.
  const opened = await openDeviceChain(chain, { dtype: 'f32', poison: false, ...chosen });
  if (!opened.ok) return opened;
  const { name, keep, run, close } = opened.value;
  const uploaded = keep(kept);
  if (!uploaded.ok) return bad(uploaded.diagnostics);
  return good({
    device: name,
    run: async (changing, sizes = usual) => {
      const ran = await run({ sizes, scalars, tensors: changing });
      return ran.ok ? good(ran.value.outputs) : ran;
    },
    close,
  });
}
