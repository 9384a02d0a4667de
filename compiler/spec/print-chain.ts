/**
 * Chains as text, for traces and messages: parameters, units by number, one line for each call, outputs.
 */
import { printExpr } from '../expr/print.ts';
import type { ChainSpec } from './chain.ts';
import { axisName } from './names.ts';

export function printChain(chain: ChainSpec): string {
  const { heads, kvHeads, dim } = chain.sizes;
  const parameters = [
    ...chain.scalars.map((p) => `  param ${p.name}: ${p.type}${p.defaultValue === undefined ? '' : ` = ${p.defaultValue}`}`),
    ...chain.tensors.map((t) => `  param ${t.name}: ${t.element}[${t.axes.map(axisName).join(', ')}]`),
  ];
  const calls = chain.calls.map((c) => {
    const scalars = [...c.scalars].map(([name, e]) => `${name} = ${printExpr(e)}`);
    const tensors = [...c.tensors].map(([name, value]) => `${name} = ${value}`);
    return `  ${c.name} = unit ${c.unit} (${[...scalars, ...tensors].join(', ')})`;
  });
  return [
    `chain ${chain.name}`, ...parameters, `  sizes heads = ${heads}, kv_heads = ${kvHeads}, dim = ${dim}`,
    ...chain.units.map((u, i) => `  unit ${i}: ${u.computes === 'attention' ? 'attention' : 'stage'} ${u.name}`),
    ...chain.requires.map((r) => `  require ${printExpr(r.condition)}: ${r.message}`), ...calls,
    ...chain.outputs.map((o) => `  output ${o.name} = ${o.value}`), '',
  ].join('\n');
}
