/**
 * Whether a launch fits the declarations of a host plan. In: the plan's parameters, and sizes, scalars and tensor extents from outside,
 * trusted in nothing. Out: the scalars with defaults filled in, or a diagnostic for each thing that does not fit. The contents
 * of tensors are not looked at.
 */
import { badValue, headsNotMultiple, missingTensor, missingValue, sizeOutOfRange, unknownParameter, wrongRank, wrongShape } from '../../dsl/catalogue/inputs.ts';
import { bad, good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked, Diagnostic } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { evaluate } from '../expr/evaluate.ts';
import type { ScalarParam, Sizes, TensorParam } from '../spec/ir.ts';
import { axisName } from '../spec/names.ts';
import type { HostPlan } from './plan.ts';
import { axisExtent } from '../spec/axis.ts';

export { axisName } from '../spec/names.ts';

// spec/ir.ts: positions and scalars stay small enough that sums of two do not wrap.
const maxLength = 2 ** 24;
const maxScalar = 2 ** 30;
const maxHeads = 2 ** 16;

/** The sizes under the names that expressions use. */
export function sizeNames(sizes: Sizes): readonly (readonly [string, number])[] {
  return [
    ['batch', sizes.batch], ['heads', sizes.heads], ['kv_heads', sizes.kvHeads],
    ['n_q', sizes.nQ], ['n_k', sizes.nK], ['dim', sizes.dim],
  ];
}

/** The extents that only the tensors know, under their names. */
export function freeExtents(plan: HostPlan, extents: ReadonlyMap<string, readonly number[]>): readonly (readonly [string, number])[] {
  return plan.tensors.flatMap((t) => t.axes.flatMap((axis, i) => (axis.kind === 'free' ? [[`${t.name}.${axis.name}`, extents.get(t.name)?.[i] ?? 0] as const] : [])));
}

function checkSizes(plan: HostPlan, sizes: Sizes): readonly Diagnostic[] {
  const range = (name: string): readonly [number, number] =>
    name === 'dim' ? [plan.dim, plan.dim] : [1, name === 'n_q' || name === 'n_k' ? maxLength : maxHeads];
  const found = sizeNames(sizes).flatMap(([name, value]) => {
    const [least, most] = range(name);
    return Number.isInteger(value) && value >= least && value <= most ? [] : [sizeOutOfRange(noSpan, { name, value, least, most })];
  });
  if (found.length > 0) return found;
  // Flattened (batch, head) pairs are counted with i32 as well.
  if (sizes.batch * sizes.heads >= 2 ** 31) return [sizeOutOfRange(noSpan, { name: 'batch x heads', value: sizes.batch * sizes.heads, least: 1, most: 2 ** 31 - 1 })];
  return sizes.heads % sizes.kvHeads === 0 ? [] : [headsNotMultiple(noSpan, { heads: sizes.heads, kvHeads: sizes.kvHeads })];
}

function checkScalar(p: ScalarParam, given: number | undefined): Diagnostic | undefined {
  const value = given ?? p.defaultValue;
  if (value === undefined) return missingValue(p.span, { name: p.name, type: p.type });
  const fault = (wanted: string): Diagnostic => badValue(p.span, { name: p.name, text: String(value), wanted });
  switch (p.type) {
    case 'int':
      return Number.isInteger(value) && Math.abs(value) <= maxScalar ? undefined : fault('a whole number within +-2^30');
    case 'float':
      return Number.isFinite(Math.fround(value)) ? undefined : fault('a finite number of single precision');
    case 'bool':
      return value === 0 || value === 1 ? undefined : fault('true (1) or false (0)');
    default:
      return unreachable(p.type);
  }
}

function checkTensor(t: TensorParam, given: readonly number[] | undefined, sizes: Sizes, values: ReadonlyMap<string, number>): readonly Diagnostic[] {
  const type = `${t.element}[${t.axes.map(axisName).join(', ')}]`;
  if (given === undefined) return [missingTensor(t.span, { name: t.name, wanted: type })];
  if (given.length !== t.axes.length) return [wrongRank(t.span, { name: t.name, given: given.length, wanted: t.axes.length, type })];
  return t.axes.flatMap((axis, i) => {
    const extent = given[i] ?? 0;
    const wanted = axisExtent(axis, sizes, (size) => evaluate(size, values));
    if (wanted === undefined) {
      const sound = Number.isInteger(extent) && extent >= 0 && extent <= maxScalar;
      return sound ? [] : [badValue(t.span, { name: `${t.name}.${axisName(axis)}`, text: String(extent), wanted: 'a whole number from 0 to 2^30' })];
    }
    return extent === wanted ? [] : [wrongShape(t.span, { name: t.name, axis: axisName(axis), given: extent, wanted })];
  });
}

/** The values of all scalar parameters, or what is wrong with the launch. */
export function checkParameters(plan: HostPlan, sizes: Sizes, scalars: ReadonlyMap<string, number>, extents: ReadonlyMap<string, readonly number[]>): Checked<ReadonlyMap<string, number>> {
  const names = [...plan.scalars, ...plan.tensors].map((p) => p.name);
  const unknown = [...scalars.keys(), ...extents.keys()].filter((name) => !names.includes(name));
  const simple = [
    ...checkSizes(plan, sizes),
    ...plan.scalars.flatMap((p) => checkScalar(p, scalars.get(p.name)) ?? []),
    ...unknown.map((name) => unknownParameter(noSpan, { owner: plan.name, name, candidates: names })),
  ];
  if (simple.length > 0) return bad(simple);
  const filled = new Map(plan.scalars.map((p) => [p.name, scalars.get(p.name) ?? p.defaultValue ?? 0]));
  const values = new Map([...sizeNames(sizes), ...filled, ...freeExtents(plan, extents)]);
  const tensors = plan.tensors.flatMap((t) => checkTensor(t, extents.get(t.name), sizes, values));
  return tensors.length > 0 ? bad(tensors) : good(filled);
}
