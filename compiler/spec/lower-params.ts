/**
 * Parameters: of the declaration that is lowered (they become launch scalars, tensors and constants of the spec), and of masks that
 * are inlined (they are bound to the values of the arguments). Both leave the requirements that their axes imply.
 */
import { matchArguments, readAxis } from '../../dsl/program.ts';
import * as report from '../../dsl/catalogue/index.ts';
import type { Arg, Expr as Syntax, Param, TypeExpr } from '../../dsl/ast.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Span } from '../../dsl/span.ts';
import * as x from '../expr/build.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import type { Axis, ScalarParam, TensorParam } from './ir.ts';
import { automaticIndex, broken, scalarOf, scalarValue } from './lower-scalar.ts';
import { require } from './lower-state.ts';
import type { BoundTensor, Lowering, Value } from './lower-state.ts';
import { extentName, extentOfAxis } from './names.ts';

function elementOf(p: Param): ScalarType {
  const { scalar } = p.type;
  return scalar === 'hole' || scalar === 'attention' ? broken('a parameter without a type') : scalar;
}

function converted(expr: Expr, type: ScalarType): Expr {
  return type === 'float' ? x.toFloat(expr) : expr;
}

/** The axes of a tensor parameter, sizes taken from the values of the other parameters. */
export function axesOf(l: Lowering, type: Pick<TypeExpr, 'axes'>, params: readonly Param[], values: ReadonlyMap<string, Value>): readonly Axis[] {
  return type.axes.map((e): Axis => {
    const reading = readAxis(e, params);
    if (!reading.ok) return broken('an axis the checker did not accept');
    const { axis } = reading;
    const size = (text: string): Expr => (reading.uses === undefined ? x.int(Number(text)) : scalarOf(values.get(reading.uses) ?? broken(`no value of ${text}`)));
    switch (axis.kind) {
      case 'fixed': {
        const extent = size(axis.extent);
        if (extent.kind !== 'literal') return broken('an extent that is not known');
        require(l, x.ge(extent, x.int(1)), `the extent \`${axis.extent}\` must be at least 1`, e.span);
        return { kind: 'fixed', extent: extent.value };
      }
      case 'blocks': {
        const block = size(axis.size);
        require(l, x.ge(block, x.int(1)), `the block size \`${axis.size}\` must be at least 1`, e.span);
        return { kind: 'blocks', of: axis.of, size: block };
      }
      case 'free':
      case 'batch':
      case 'heads':
      case 'kv_heads':
      case 'queries':
      case 'keys':
      case 'dim':
        return axis;
      case 'counted':
        return broken('a counted axis of a parameter');
      default:
        return unreachable(axis);
    }
  });
}

/** The extent of a free or fixed axis. */
export function extentOf(tensor: Pick<BoundTensor, 'name'>, axis: Axis): Expr {
  if (axis.kind === 'free') return x.ref(extentName(tensor.name, axis.name), 'int');
  return axis.kind === 'fixed' ? x.int(axis.extent) : axis.kind === 'counted' ? axis.extent : broken(`the extent of axis ${axis.kind}`);
}

/** The extent of any axis of a tensor. */
export function extentAt(tensor: Pick<BoundTensor, 'name'>, axis: Axis): Expr {
  return axis.kind === 'free' || axis.kind === 'fixed' || axis.kind === 'counted' ? extentOf(tensor, axis) : extentOfAxis(axis);
}

/** Binds the name of a free axis; a name that has an extent already requires that the two agree. */
function bindExtent(l: Lowering, values: Map<string, Value>, name: string, extent: Expr, what: string, span: Span): void {
  const known = values.get(name);
  if (known === undefined) values.set(name, scalarValue(extent));
  else require(l, x.eq(scalarOf(known), extent), `the axes \`${name}\` must have one extent, also in \`${what}\``, span);
}

export interface SpecParams {
  readonly scalars: readonly ScalarParam[];
  readonly tensors: readonly TensorParam[];
  readonly values: ReadonlyMap<string, Value>;
}

/** Batch and heads axes that the tensors given to a declaration have before the axes it declares, by parameter. */
export type LeadingAxes = ReadonlyMap<string, readonly Axis[]>;

/** The parameters of the lowered declaration itself. `lowerDefault` gives the value of an expression without names. */
export function specParams(
  l: Lowering,
  params: readonly Param[],
  constants: ReadonlyMap<string, number>,
  lowerDefault: (e: Syntax) => Value,
  leadingAxes: LeadingAxes = new Map(),
): SpecParams {
  const scalars: ScalarParam[] = [];
  const tensors: TensorParam[] = [];
  const values = new Map<string, Value>();
  for (const p of params) l.taken.add(p.name.name);
  for (const p of params) {
    if (p.type.axes.length > 0) continue;
    const name = p.name.name;
    const type = elementOf(p);
    const value = p.defaultValue === undefined ? undefined : literalDefault(l, p, p.defaultValue, type, lowerDefault);
    if (p.isConst) {
      values.set(name, scalarValue(constantOf(l, p, type, constants.get(name) ?? value)));
      continue;
    }
    const unit = p.type.unit?.name;
    scalars.push({ name, type, doc: p.doc, span: p.span, ...(unit === undefined ? {} : { unit }), ...(value === undefined ? {} : { defaultValue: value }) });
    l.launchRefs.add(name);
    values.set(name, scalarValue(x.ref(name, type)));
  }
  for (const p of params) {
    if (p.type.axes.length === 0) continue;
    const name = p.name.name;
    const axes = axesOf(l, p.type, params, values);
    const unit = p.type.unit?.name;
    const element = elementOf(p);
    const before = leadingAxes.get(name) ?? [];
    tensors.push({ name, element, axes: [...before, ...axes], doc: p.doc, span: p.span, ...(unit === undefined ? {} : { unit }) });
    const tensor: BoundTensor = { name, element, leading: before.map(automaticIndex), axes };
    for (const axis of axes) {
      if (axis.kind !== 'free') continue;
      l.launchRefs.add(extentName(name, axis.name));
      bindExtent(l, values, axis.name, extentOf(tensor, axis), name, p.span);
    }
    values.set(name, { kind: 'tensor', tensor });
  }
  return { scalars, tensors, values };
}

function literalDefault(l: Lowering, p: Param, e: Syntax, type: ScalarType, lowerDefault: (e: Syntax) => Value): number | undefined {
  const folded = converted(scalarOf(lowerDefault(e)), type);
  if (folded.kind === 'literal') return folded.value;
  // Arithmetic of literals that has no finite value stays unfolded.
  l.found.push(report.badDefault(e.span, { reason: `the default of \`${p.name.name}\` has no finite value` }));
  return 0;
}

function constantOf(l: Lowering, p: Param, type: ScalarType, value: number | undefined): Expr {
  const { name } = p.name;
  if (value === undefined) {
    l.found.push(report.missingValue(p.span, { name, type, isConst: true }));
    return type === 'bool' ? x.bool(false) : type === 'float' ? x.float(0) : x.int(1);
  }
  const wrong = (wanted: string): void => void l.found.push(report.badValue(p.span, { name, text: String(value), wanted }));
  switch (type) {
    case 'int':
      if (Number.isInteger(value) && Math.abs(value) <= 2 ** 30) return x.int(value);
      wrong('a whole number within +-2^30');
      return x.int(1);
    case 'float':
      if (Number.isFinite(Math.fround(value))) return x.float(value);
      wrong('a finite number of single precision');
      return x.float(0);
    case 'bool':
      if (value === 0 || value === 1) return x.bool(value === 1);
      wrong('`true` (1) or `false` (0)');
      return x.bool(false);
    default:
      return unreachable(type);
  }
}

/** The names inside an inlined mask: its parameters bound to arguments or defaults, and the extents of its free axes. */
export function bindArguments(
  l: Lowering,
  params: readonly Param[],
  args: readonly Arg[],
  lowerArgument: (e: Syntax) => Value,
  lowerDefault: (e: Syntax) => Value,
): ReadonlyMap<string, Value> {
  const { given } = matchArguments(params, args);
  const values = new Map<string, Value>();
  const tensors: { readonly param: Param; readonly tensor: BoundTensor; readonly span: Span }[] = [];
  for (const p of params) {
    const arg = given.get(p.name.name)?.value;
    if (arg?.kind === 'range') return broken('a range as an argument of a mask');
    const source = arg ?? p.defaultValue ?? broken(`no value of ${p.name.name}`);
    const value = arg === undefined ? lowerDefault(source) : lowerArgument(source);
    if (p.type.axes.length === 0) {
      values.set(p.name.name, scalarValue(converted(scalarOf(value), elementOf(p))));
    } else {
      tensors.push({ param: p, tensor: value.kind === 'tensor' ? value.tensor : broken('a tensor argument that is none'), span: source.span });
    }
  }
  for (const { param, tensor, span } of tensors) {
    const wanted = axesOf(l, param.type, params, values);
    const leading = tensor.axes.length - wanted.length;
    const bound: BoundTensor = {
      ...tensor,
      leading: [...tensor.leading, ...tensor.axes.slice(0, leading).map(automaticIndex)],
      axes: tensor.axes.slice(leading),
    };
    wanted.forEach((axis, i) => matchAxis(l, values, axis, bound, bound.axes[i] ?? broken('a tensor with too few axes'), param, span));
    values.set(param.name.name, { kind: 'tensor', tensor: bound });
  }
  return values;
}

function matchAxis(l: Lowering, values: Map<string, Value>, wanted: Axis, tensor: BoundTensor, found: Axis, p: Param, span: Span): void {
  const what = p.name.name;
  if (wanted.kind === 'free') {
    bindExtent(l, values, wanted.name, extentAt(tensor, found), what, span);
  } else if (wanted.kind === 'fixed' && (found.kind === 'fixed' || found.kind === 'counted')) {
    const extent = extentOf(tensor, found);
    const has = extent.kind === 'literal' ? `, but this one has ${extent.value}` : '';
    require(l, x.eq(x.int(wanted.extent), extent), `\`${what}\` needs an axis of ${wanted.extent}${has}`, span);
  } else if (wanted.kind === 'blocks' && found.kind === 'blocks') {
    require(l, x.eq(wanted.size, found.size), `\`${what}\` must be cut into blocks of the size that its mask expects`, span);
  }
}
