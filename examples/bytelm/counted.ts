/**
 * How many keys a pattern lets through. In: a chain. Out: the same chain in which every attention runs a second time on the same tensors with
 * all logits 0: the logarithm of its denominator is the logarithm of the number of keys it sees. So what is counted is the mask that was
 * used, chosen at run time or not, and no pattern needs to be known.
 */
import { float } from '../../compiler/expr/build.ts';
import type { ChainCall, ChainSpec } from '../../compiler/spec/chain.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import type { Outputs } from './runner.ts';

/** The attention with all logits 0. */
function levelled({ score: _score, sink: _sink, ...spec }: Spec): Spec {
  return { ...spec, name: `${spec.name}_counted`, scale: float(0), outputs: [] };
}

const suffix = '.counted';

export function withCounts(chain: ChainSpec): ChainSpec {
  const attentions = chain.units.flatMap((unit, at) => (unit.computes === 'attention' ? [{ unit, at }] : []));
  const countedUnit = new Map(attentions.map(({ at }, i) => [at, chain.units.length + i]));
  const counting = (call: ChainCall): readonly ChainCall[] => {
    const unit = countedUnit.get(call.unit);
    return unit === undefined ? [] : [{ ...call, name: `${call.name}${suffix}`, unit }];
  };
  return {
    ...chain,
    units: [...chain.units, ...attentions.map(({ unit }) => levelled(unit))],
    calls: chain.calls.flatMap((call) => [call, ...counting(call)]),
    outputs: [...chain.outputs, ...chain.calls.flatMap(counting).map(({ name }) => ({ name: `${name}.lse`, value: `${name}.lse` }))],
  };
}

/** Live pairs by attention, in the order of the chain, and head; of the last `counted` query rows. */
export function livePairs(outputs: Outputs, heads: number, counted = Infinity): readonly (readonly number[])[] {
  return [...outputs].flatMap(([name, { values }]) => {
    if (!name.endsWith(`${suffix}.lse`)) return [];
    const rows = values.length / heads;
    // A row that sees nothing has the logarithm of nothing: minus infinity, or the finite number that stands for it.
    return [Array.from({ length: heads }, (_, h) => {
      let live = 0;
      for (let i = Math.max(0, rows - counted); i < rows; i += 1) live += Math.round(Math.exp(values[h * rows + i] ?? NaN));
      return live;
    })];
  });
}
