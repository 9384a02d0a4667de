/**
 * The meaning of a chain: its calls, one after another. In: a chain and a launch of it. Out: every value by name, what calls give among
 * them, in float64: nothing is rounded between calls but what stages themselves store as f16 or bf16.
 */
import { CompilerBug } from '../../../dsl/diagnostic.ts';
import type { ChainCall, ChainSpec } from '../../spec/chain.ts';
import type { Launch, Sizes, Spec } from '../../spec/ir.ts';
import { denseAttention } from './attention.ts';
import type { Inputs } from './inputs.ts';
import { newPoint, scalar, worldOf } from './scalar.ts';
import type { DenseLaunch, StoredTensor } from './scalar.ts';
import { denseStages } from './stages.ts';

/** Sizes that a chain leaves open, and its parameters. */
export interface ChainLaunch {
  readonly sizes: Pick<Sizes, 'batch' | 'nQ' | 'nK'>;
  readonly scalars: Launch['scalars'];
  readonly tensors: Launch['tensors'];
}

/** All sizes of a launch of a chain. */
export function chainSizes(chain: ChainSpec, { batch, nQ, nK }: ChainLaunch['sizes']): Sizes {
  return { batch, nQ, nK, ...chain.sizes };
}

type Values = ReadonlyMap<string, StoredTensor>;

/** The tensors of the parameters and of all calls. Parameters may be given in float64. */
export function denseChain(chain: ChainSpec, launch: Omit<ChainLaunch, 'tensors'> & Pick<DenseLaunch, 'tensors'>, onCall?: (done: number) => void): Values {
  const sizes = chainSizes(chain, launch.sizes);
  const names = worldOf(chain, { ...launch, sizes }).constants;
  const values = new Map<string, StoredTensor>(launch.tensors);
  chain.calls.forEach((call, i) => {
    const spec = chain.units[call.unit];
    if (spec === undefined) throw new CompilerBug('dense interpreter', `call '${call.name}' of no unit`);
    for (const [name, tensor] of denseCall(spec, launchOfCall(call, values, names, sizes), inputsOfCall(call, values))) values.set(`${call.name}.${name}`, tensor);
    onCall?.(i + 1);
  });
  return values;
}

function valueNamed(name: string, values: Values): StoredTensor {
  const value = values.get(name);
  if (value === undefined) throw new CompilerBug('dense interpreter', `a chain reads '${name}', which is not made before`);
  return value;
}

/** The launch of a unit that a call is: `values` are those of the chain so far. */
export function launchOfCall(call: ChainCall, values: Values, names: ReadonlyMap<string, number>, sizes: Sizes): DenseLaunch {
  return {
    sizes,
    scalars: new Map([...call.scalars].map(([name, e]) => [name, scalar(e, { constants: names, tensors: new Map() })(newPoint())])),
    tensors: new Map([...call.tensors].flatMap(([name, value]) => (isInput(name) ? [] : [[name, valueNamed(value, values)] as const]))),
  };
}

function isInput(name: string): boolean {
  return name === 'q' || name === 'k' || name === 'v';
}

/** q, k and v of a call; empty where it reads none. */
export function inputsOfCall(call: ChainCall, values: Values): Inputs {
  const input = (name: string): Float64Array => {
    const value = call.tensors.get(name);
    return value === undefined ? new Float64Array(0) : Float64Array.from(valueNamed(value, values).data);
  };
  return { q: input('q'), k: input('k'), v: input('v') };
}

/** What a unit gives on one launch, under the names of its results. */
function denseCall(spec: Spec, launch: DenseLaunch, inputs: Inputs): readonly (readonly [string, StoredTensor])[] {
  const { batch, heads, nQ, dim } = launch.sizes;
  const attention = spec.computes === 'attention' ? denseAttention(spec, launch, inputs) : undefined;
  const stages = attention?.stages ?? denseStages(spec, launch, inputs);
  const outputs = spec.outputs.flatMap(({ name, tensor }): readonly (readonly [string, StoredTensor])[] => {
    const made = stages.get(tensor);
    return made === undefined ? [] : [[name, made]];
  });
  if (attention === undefined) return outputs;
  return [['out', { extents: [batch, heads, nQ, dim], data: attention.out }], ['lse', { extents: [batch, heads, nQ], data: attention.lse }], ...outputs];
}
