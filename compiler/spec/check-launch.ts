/**
 * Whether a launch fits its spec. In: a spec and the sizes, scalars and tensors of a launch, from outside and trusted
 * in nothing. Out: diagnostics, empty where every interpreter and backend may run it. After this check each parameter
 * has a value of its type (or a default), extents agree with the axes, and every requirement of the spec holds.
 */
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Span } from '../../dsl/span.ts';
import { newPoint, scalar, worldOf } from '../interpreters/dense/scalar.ts';
import type { Axis, Launch, ScalarParam, Sizes, Spec, TensorParam, TensorValue } from './ir.ts';

/** n_q and n_k (spec/ir.ts): positions and their products with small factors stay in int. */
export const maxLength = 2 ** 24;
/** Bound of `int` launch scalars (spec/ir.ts): the sum of two of them does not wrap. */
export const maxScalar = 2 ** 30;

function userError(code: string, message: string, span: Span, label: string, help?: string): Diagnostic {
  const base = { code, kind: 'user', severity: 'error', message, primary: { span, text: label }, related: [] } as const;
  return help === undefined ? base : { ...base, help };
}

/** The launch with the defaults of its scalar parameters written out. */
export function withDefaults(spec: Spec, launch: Launch): Launch {
  const scalars = new Map(launch.scalars);
  for (const p of spec.scalars) {
    if (p.defaultValue !== undefined && !scalars.has(p.name)) scalars.set(p.name, p.defaultValue);
  }
  return { ...launch, scalars };
}

/** Everything that is wrong with a launch; requirements are asked only where the rest is in order. */
export function checkLaunch(spec: Spec, launch: Launch): readonly Diagnostic[] {
  const simple = [
    ...checkSizes(spec, launch.sizes),
    ...spec.scalars.flatMap((p) => checkScalar(p, launch.scalars.get(p.name))),
    ...checkNames(spec, launch),
  ];
  if (simple.length > 0) return simple;
  const tensors = spec.tensors.flatMap((p) => checkTensor(spec, p, launch));
  return tensors.length > 0 ? tensors : checkRequirements(spec, launch);
}

function checkSizes(spec: Spec, sizes: Sizes): readonly Diagnostic[] {
  const named: readonly (readonly [string, number, number])[] = [
    ['batch', sizes.batch, 2 ** 16],
    ['heads', sizes.heads, 2 ** 16],
    ['kv_heads', sizes.kvHeads, 2 ** 16],
    ['n_q', sizes.nQ, maxLength],
    ['n_k', sizes.nK, maxLength],
    ['dim', sizes.dim, 2 ** 16],
  ];
  const found = named
    .filter(([, value, limit]) => !Number.isInteger(value) || value < 1 || value > limit)
    .map(([name, value, limit]) =>
      userError('FIL0501', `size ${name} is ${value}, but must be a whole number from 1 to ${limit}`, spec.span, `'${spec.name}' was launched here`),
    );
  if (found.length === 0 && sizes.heads % sizes.kvHeads !== 0) {
    found.push(
      userError(
        'FIL0502',
        `heads is ${sizes.heads}, which is no multiple of kv_heads ${sizes.kvHeads}`,
        spec.span,
        'each key-value head serves the same number of query heads',
      ),
    );
  }
  return found;
}

function checkScalar(p: ScalarParam, given: number | undefined): readonly Diagnostic[] {
  const value = given ?? p.defaultValue;
  if (value === undefined) {
    return [userError('FIL0503', `parameter '${p.name}' has no value`, p.span, `${p.type} parameter without a default`, `give ${p.name}=...`)];
  }
  const wrong = scalarFault(p.type, value);
  return wrong === undefined ? [] : [userError('FIL0504', `parameter '${p.name}' is ${value}, but must be ${wrong}`, p.span, `declared ${p.type}`)];
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

function checkNames(spec: Spec, launch: Launch): readonly Diagnostic[] {
  const report = (name: string, wanted: readonly string[], what: string): Diagnostic =>
    userError(
      'FIL0505',
      `'${spec.name}' has no ${what} parameter '${name}'`,
      spec.span,
      `declares ${wanted.length === 0 ? 'none' : wanted.join(', ')}`,
    );
  const scalars = spec.scalars.map((p) => p.name);
  const tensors = spec.tensors.map((p) => p.name);
  return [
    ...[...launch.scalars.keys()].filter((name) => !scalars.includes(name)).map((name) => report(name, scalars, 'scalar')),
    ...[...launch.tensors.keys()].filter((name) => !tensors.includes(name)).map((name) => report(name, tensors, 'tensor')),
  ];
}

function checkTensor(spec: Spec, p: TensorParam, launch: Launch): readonly Diagnostic[] {
  const value = launch.tensors.get(p.name);
  if (value === undefined) {
    return [userError('FIL0506', `tensor '${p.name}' is missing`, p.span, `${p.element}[${p.axes.map(axisName).join(', ')}]`)];
  }
  const { extents } = value;
  if (extents.length !== p.axes.length) {
    const message = `tensor '${p.name}' has ${extents.length} axes, but ${p.axes.length} are declared`;
    return [userError('FIL0507', message, p.span, `${p.element}[${p.axes.map(axisName).join(', ')}]`)];
  }
  const found = p.axes.flatMap((axis, i) => {
    const given = extents[i] ?? 0;
    const wanted = axisExtent(spec, launch, axis);
    if (wanted === undefined ? Number.isInteger(given) && given >= 0 && given <= maxScalar : given === wanted) return [];
    const message = `axis ${i} (${axisName(axis)}) of tensor '${p.name}' has ${given} entries${wanted === undefined ? '' : `, but this launch needs ${wanted}`}`;
    return [userError('FIL0508', message, p.span, `declared with axis ${axisName(axis)}`)];
  });
  return found.length > 0 ? found : checkData(p, value);
}

function axisExtent(spec: Spec, launch: Launch, axis: Axis): number | undefined {
  const { sizes } = launch;
  switch (axis.kind) {
    case 'batch':
      return sizes.batch;
    case 'heads':
      return sizes.heads;
    case 'kv_heads':
      return sizes.kvHeads;
    case 'queries':
      return sizes.nQ;
    case 'keys':
      return sizes.nK;
    case 'blocks': {
      const size = scalar(axis.size, worldOf(spec, launch))(newPoint());
      const length = axis.of === 'queries' ? sizes.nQ : sizes.nK;
      // A block size below 1 breaks a requirement of the spec; as `div` gives 0 for it, one block holds everything.
      return size < 1 ? 1 : Math.ceil(length / size);
    }
    case 'free':
      return undefined;
    case 'fixed':
      return axis.extent;
    default:
      return unreachable(axis);
  }
}

function axisName(axis: Axis): string {
  switch (axis.kind) {
    case 'blocks':
      return axis.size.kind === 'literal' ? `${axis.of} / ${axis.size.value}` : `${axis.of} / ...`;
    case 'free':
      return axis.name;
    case 'fixed':
      return String(axis.extent);
    default:
      return axis.kind;
  }
}

function checkData(p: TensorParam, { extents, data }: TensorValue): readonly Diagnostic[] {
  const length = extents.reduce((product, n) => product * n, 1);
  if (data.length !== length) {
    const message = `tensor '${p.name}' has ${data.length} elements, but ${extents.join(' x ')} = ${length} are needed`;
    return [userError('FIL0509', message, p.span, `declared ${p.element}`)];
  }
  const fault = (text: string): readonly Diagnostic[] => [userError('FIL0510', `tensor '${p.name}' ${text}`, p.span, `declared ${p.element}`)];
  switch (p.element) {
    case 'int':
      return data instanceof Int32Array ? [] : fault('must hold 32-bit ints');
    case 'float': {
      if (!(data instanceof Float32Array)) return fault('must hold 32-bit floats');
      const at = data.findIndex((x) => Number.isNaN(x));
      return at < 0 ? [] : fault(`holds NaN at element ${at}`);
    }
    case 'bool': {
      if (!(data instanceof Uint8Array)) return fault('must hold bytes');
      const at = data.findIndex((x) => x > 1);
      return at < 0 ? [] : fault(`holds ${data[at]} at element ${at}, but bools are 0 or 1`);
    }
    default:
      return unreachable(p.element);
  }
}

function checkRequirements(spec: Spec, launch: Launch): readonly Diagnostic[] {
  const world = worldOf(spec, launch);
  return spec.requires
    .filter((r) => scalar(r.condition, world)(newPoint()) === 0)
    .map((r) => userError('FIL0511', r.message, r.span, 'required here'));
}
