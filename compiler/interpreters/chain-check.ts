/**
 * Judges what came out of the kernels of a chain, one call at a time. In: a chain whose calls give everything they make (withAllResults), a
 * launch, the tensors by the names of the values. Out: complaints, none for a correct compiler.
 *
 * The law: each call is compared with what its unit gives *on the tensors that were really made before it*, so errors do not pile up from
 * call to call: stages by their rules (stage-check.ts), attentions within the error that correct f32 arithmetic may have (bounds.ts).
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { ScalarType } from '../expr/ir.ts';
import type { Cuts } from '../launch/cuts.ts';
import type { ChainCall, ChainSpec } from '../spec/chain.ts';
import type { Spec } from '../spec/ir.ts';
import { asParameter } from '../stage/tensors.ts';
import type { FloatElement } from '../tile/ir.ts';
import { attentionWithBounds, compareRows, type Comparison } from './bounds.ts';
import { chainSizes, inputsOfCall, launchOfCall, type ChainLaunch } from './dense/chain.ts';
import { worldOf, type DenseLaunch, type StoredTensor } from './dense/scalar.ts';
import { checkStages, type MadeTensor } from './stage-check.ts';

export interface ChainCheckOptions {
  /** Storage of what attentions give. */
  readonly outType: FloatElement;
  /** How the attention of a unit cuts its rows; without it bounds allow for tiles of 16 keys and no splits. */
  readonly cutsOf?: (unit: number, launch: DenseLaunch) => Cuts;
}

/** Complaints about the calls of a chain, at most one a tensor. */
export function checkChain(chain: ChainSpec, launch: ChainLaunch, made: ReadonlyMap<string, MadeTensor>, options: ChainCheckOptions): readonly string[] {
  const sizes = chainSizes(chain, launch.sizes);
  const names = worldOf(chain, { ...launch, sizes }).constants;
  const values = new Map<string, StoredTensor>(launch.tensors);
  const elements = new Map<string, ScalarType>(chain.calls.flatMap((call) => elementsOf(chain.units[call.unit]).map(([result, element]) => [`${call.name}.${result}`, element] as const)));
  for (const [name, tensor] of made) values.set(name, storedAs(elements.get(name) ?? 'float', tensor));
  return chain.calls.flatMap((call) => {
    const unit = chain.units[call.unit];
    if (unit === undefined) throw new CompilerBug('chain check', `call '${call.name}' of no unit`);
    return checkCall(call, unit, launchOfCall(call, values, names, sizes), made, values, options).map((complaint) => `${call.name}: ${complaint}`);
  });
}

/** Elements of what a unit gives, by the names of its outputs. */
function elementsOf(unit: Spec | undefined): readonly (readonly [string, ScalarType])[] {
  return (unit?.outputs ?? []).flatMap(({ name, tensor }) => (unit?.stages ?? []).filter((t) => t.name === tensor).map((t) => [name, t.element] as const));
}

/** As the interpreter stores it: whether a list holds entries or truth values is told by its elements. */
function storedAs(element: ScalarType, { extents, values }: MadeTensor): StoredTensor {
  const data = element === 'bool' ? Uint8Array.from(values) : element === 'int' ? Int32Array.from(values) : Float64Array.from(values);
  return { extents, data };
}

function madeBy(call: ChainCall, result: string, made: ReadonlyMap<string, MadeTensor>): MadeTensor {
  const found = made.get(`${call.name}.${result}`);
  if (found === undefined) throw new CompilerBug('chain check', `'${call.name}.${result}' did not come out`);
  return found;
}

function checkCall(call: ChainCall, unit: Spec, launch: DenseLaunch, made: ReadonlyMap<string, MadeTensor>, values: ReadonlyMap<string, StoredTensor>, options: ChainCheckOptions): readonly string[] {
  const inputs = inputsOfCall(call, values);
  const stages = new Map(unit.outputs.map(({ name, tensor }) => [tensor, madeBy(call, name, made)]));
  const complaints = unit.stages.length === 0 ? [] : checkStages(unit, launch, inputs, stages);
  if (unit.computes === 'stages') return complaints;
  // The attention as one over ordinary parameters that hold what its stages really gave.
  const given: Spec = { ...unit, stages: [], outputs: [], tensors: [...unit.tensors, ...unit.stages.map(asParameter)] };
  const held = [...stages].map(([name, tensor]) => [name, storedAs(unit.stages.find((t) => t.name === name)?.element ?? 'float', tensor)] as const);
  const truth = attentionWithBounds(given, { ...launch, tensors: new Map([...launch.tensors, ...held]) }, inputs, { outType: options.outType, ...options.cutsOf?.(call.unit, launch) });
  const out = compareRows(madeBy(call, 'out', made).values, truth.out, truth.bounds.out);
  const lse = compareRows(madeBy(call, 'lse', made).values, truth.lse, truth.bounds.lse);
  return [...complaints, ...described('out', out), ...described('lse', lse)];
}

function described(name: string, c: Comparison): readonly string[] {
  return c.ok ? [] : [`${name}: element ${c.element} of row ${c.row} is ${c.actual}, expected ${c.expected} within ${c.bound}`];
}
