/**
 * A stage of the model as the arguments of an interpreter: its spec, a launch on the first bytes of the text, and no q, k, v. Parameters
 * that are not given are the model's own, under the names that the chain gives them.
 */
import type { Inputs } from '../../../compiler/interpreters/dense/index.ts';
import type { Launch, Spec, TensorValue } from '../../../compiler/spec/ir.ts';
import { stageSpec, tokens, weights } from './support.ts';

const ownNames: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ['embed', new Map([['table', 'tok_embed']])],
  ['project', new Map([['gain', 'attn_norm']])],
  ['mlp', new Map([['gain', 'mlp_norm']])],
  ['predict', new Map([['gain', 'final_norm']])],
]);

/** Zeros, for parts that read none of them. */
function nothing(n: number): Inputs {
  const zeros = (heads: number): Float32Array => new Float32Array(heads * n * 64);
  return { q: zeros(4), k: zeros(2), v: zeros(2) };
}

export function stageTensors(name: string, n: number, given: Readonly<Record<string, number | TensorValue>>): readonly [Spec, Launch, Inputs] {
  const spec = stageSpec(name);
  const tensors = new Map<string, TensorValue>();
  for (const { name: parameter } of spec.tensors) {
    const value = given[parameter];
    const own = parameter === 'token' ? { extents: [1, n], data: Int32Array.from(tokens(n)) } : weights.get(ownNames.get(name)?.get(parameter) ?? parameter);
    const chosen = typeof value === 'object' ? value : own;
    if (chosen === undefined) throw new Error(`'${name}' needs '${parameter}'`);
    tensors.set(parameter, chosen);
  }
  const scalars = new Map(spec.scalars.map((s) => {
    const value = given[s.name];
    return [s.name, typeof value === 'number' ? value : 0] as const;
  }));
  return [spec, { sizes: { batch: 1, heads: 4, kvHeads: 2, nQ: n, nK: n, dim: 64 }, scalars, tensors }, nothing(n)];
}
