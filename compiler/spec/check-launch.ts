/**
 * Whether a launch fits its spec. In: a spec and the sizes, scalars and tensors of a launch, from outside and trusted
 * in nothing. Out: diagnostics, empty where every interpreter and backend may run it. After this check each parameter
 * has a value of its type (or a default), extents agree with the axes, and every requirement of the spec holds.
 */
import * as report from '../../dsl/catalogue/index.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import { newPoint, scalar, worldOf } from '../interpreters/dense/scalar.ts';
import type { ScalarType } from '../expr/ir.ts';
import type { Declared, Launch, ScalarParam, Sizes, TensorParam, TensorValue } from './ir.ts';
import { axisName } from './names.ts';
import { axisExtent } from './axis.ts';

/** n_q and n_k (spec/ir.ts): positions and their products with small factors stay in int. */
export const maxLength = 2 ** 24;
/** Bound of `int` launch scalars (spec/ir.ts): the sum of two of them does not wrap. */
export const maxScalar = 2 ** 30;
/** Largest head dimension that kernels hold in registers or workgroup memory. */
export const maxDim = 256;

/** The launch with the defaults of its scalar parameters written out. */
export function withDefaults(spec: Declared, launch: Launch): Launch {
  const scalars = new Map(launch.scalars);
  for (const p of spec.scalars) {
    if (p.defaultValue !== undefined && !scalars.has(p.name)) scalars.set(p.name, p.defaultValue);
  }
  return { ...launch, scalars };
}

/** Everything that is wrong with a launch; requirements are asked only where the rest is in order. */
export function checkLaunch(spec: Declared, launch: Launch): readonly Diagnostic[] {
  const simple = [
    ...checkSizes(spec, launch.sizes),
    ...spec.scalars.flatMap((p) => checkScalar(p, launch.scalars.get(p.name))),
    ...checkNames(spec, launch),
  ];
  if (simple.length > 0) return simple;
  const tensors = spec.tensors.flatMap((p) => checkTensor(spec, p, launch));
  return tensors.length > 0 ? tensors : checkRequirements(spec, launch);
}

function checkSizes(spec: Declared, sizes: Sizes): readonly Diagnostic[] {
  const named: readonly (readonly [string, number, number])[] = [
    ['batch', sizes.batch, 2 ** 16],
    ['heads', sizes.heads, 2 ** 16],
    ['kv_heads', sizes.kvHeads, 2 ** 16],
    ['n_q', sizes.nQ, maxLength],
    ['n_k', sizes.nK, maxLength],
    ['dim', sizes.dim, maxDim],
  ];
  const found = named
    .filter(([, value, limit]) => !Number.isInteger(value) || value < 1 || value > limit)
    .map(([name, value, most]) => report.sizeOutOfRange(spec.span, { name, value, least: 1, most }));
  if (found.length === 0 && sizes.heads % sizes.kvHeads !== 0) {
    found.push(report.headsNotMultiple(spec.span, { heads: sizes.heads, kvHeads: sizes.kvHeads }));
  }
  return found;
}

function checkScalar(p: ScalarParam, given: number | undefined): readonly Diagnostic[] {
  const value = given ?? p.defaultValue;
  if (value === undefined) return [report.missingValue(p.span, { name: p.name, type: p.type })];
  const wanted = scalarFault(p.type, value);
  return wanted === undefined ? [] : [report.badValue(p.span, { name: p.name, text: String(value), wanted })];
}

function scalarFault(type: ScalarParam['type'], value: number): string | undefined {
  switch (type) {
    case 'int':
      return Number.isInteger(value) && Math.abs(value) <= maxScalar ? undefined : 'a whole number within +-2^30';
    case 'float':
      return Number.isFinite(Math.fround(value)) ? undefined : 'a finite number of single precision';
    case 'bool':
      return value === 0 || value === 1 ? undefined : 'true (1) or false (0)';
    default:
      return unreachable(type);
  }
}

function checkNames(spec: Declared, launch: Launch): readonly Diagnostic[] {
  const scalars = spec.scalars.map((p) => p.name);
  const tensors = spec.tensors.map((p) => p.name);
  const unknown = (given: ReadonlyMap<string, unknown>, candidates: readonly string[]): readonly Diagnostic[] =>
    [...given.keys()].filter((name) => !candidates.includes(name)).map((name) => report.unknownParameter(spec.span, { owner: spec.name, name, candidates }));
  return [...unknown(launch.scalars, scalars), ...unknown(launch.tensors, tensors)];
}

function checkTensor(spec: Declared, p: TensorParam, launch: Launch): readonly Diagnostic[] {
  const value = launch.tensors.get(p.name);
  const type = `${p.element}[${p.axes.map(axisName).join(', ')}]`;
  if (value === undefined) return [report.missingTensor(p.span, { name: p.name, wanted: type })];
  const { extents } = value;
  if (extents.length !== p.axes.length) {
    return [report.wrongRank(p.span, { name: p.name, given: extents.length, wanted: p.axes.length, type })];
  }
  const found = p.axes.flatMap((axis, i) => {
    const given = extents[i] ?? 0;
    const wanted = axisExtent(axis, launch.sizes, (size) => scalar(size, worldOf(spec, launch))(newPoint())) ?? (Number.isInteger(given) && given >= 0 && given <= maxScalar ? given : 0);
    return given === wanted ? [] : [report.wrongShape(p.span, { name: p.name, axis: axisName(axis), given, wanted })];
  });
  return found.length > 0 ? found : checkData(p, value);
}

function checkData(p: TensorParam, { extents, data }: TensorValue): readonly Diagnostic[] {
  const length = extents.reduce((product, n) => product * n, 1);
  if (data.length !== length) return [report.wrongDataLength(p.span, { name: p.name, given: data.length, extents })];
  const found = dataFault(p.element, data);
  return found === undefined ? [] : [report.wrongElementType(p.span, { name: p.name, found, wanted: wantedData(p.element) })];
}

function wantedData(element: ScalarType): string {
  switch (element) {
    case 'int':
      return '32-bit ints';
    case 'float':
      return 'finite 32-bit floats';
    case 'bool':
      return 'bytes 0 and 1';
    default:
      return unreachable(element);
  }
}

/** What is found where the data are not of the element type. */
function dataFault(element: ScalarType, data: TensorValue['data']): string | undefined {
  const kind = data instanceof Int32Array ? 'ints' : data instanceof Float32Array ? 'floats' : 'bytes';
  switch (element) {
    case 'int':
      return kind === 'ints' ? undefined : kind;
    case 'float': {
      if (kind !== 'floats') return kind;
      const wrong = data.find((x) => !Number.isFinite(x));
      return wrong === undefined ? undefined : String(wrong);
    }
    case 'bool': {
      if (kind !== 'bytes') return kind;
      const wrong = data.find((x) => x > 1);
      return wrong === undefined ? undefined : String(wrong);
    }
    default:
      return unreachable(element);
  }
}

function checkRequirements(spec: Declared, launch: Launch): readonly Diagnostic[] {
  const world = worldOf(spec, launch);
  return spec.requires
    .filter((r) => scalar(r.condition, world)(newPoint()) === 0)
    .map((r) => report.requirementNotMet(r.span, { message: r.message }));
}
