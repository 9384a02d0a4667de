/**
 * Calls of the built-in constructors of masks: ranges, lists of positions, segments and tables of tiles.
 */
import type { Arg, Expr, RangeExpr } from './ast.ts';
import type { ConstructorShape } from './builtins.ts';
import * as report from './catalogue/index.ts';
import { maskHere, refuse, requireInt } from './check-env.ts';
import type { Env } from './check-env.ts';
import { agreeOnUnit } from './check-operators.ts';
import { unreachable } from './diagnostic.ts';
import { isAutomatic, tensorText, typeText } from './types.ts';
import type { AxisType, ScalarName, TensorType, Type } from './types.ts';

type Call = Extract<Expr, { readonly kind: 'call' }>;

export function constructorType(e: Call, shape: ConstructorShape, env: Env): Type {
  const { name } = e.callee;
  const result = maskHere(e.span, env);
  const wanted = shape === 'nothing' ? 0 : 1;
  if (e.args.length !== wanted) {
    return refuse(report.wrongArgumentCount(e.span, { name, wanted: wanted === 0 ? 'no arguments' : '1 argument', given: e.args.length }), env);
  }
  const [arg] = e.args;
  if (arg === undefined) return result;
  if (arg.name !== undefined) env.checking.report(report.unknownArgument(arg.name.span, { callee: name, name: arg.name.name, candidates: [] }));
  checkArgument(name, shape, arg, env);
  return result;
}

function checkArgument(name: string, shape: ConstructorShape, arg: Arg, env: Env): void {
  const { value } = arg;
  switch (shape) {
    case 'nothing':
      return;
    case 'range':
      if (value.kind === 'range') return checkRange(name, value, env);
      env.checking.infer(value, env);
      env.checking.report(report.rangeExpected(value.span, { name, listToo: false }));
      return;
    case 'range-or-list':
      if (value.kind === 'range') return checkRange(name, value, env);
      return checkTensor(name, value, env, listShape, true);
    case 'list':
      return checkTensor(name, value, env, listShape, false);
    case 'segments':
      return checkTensor(name, value, env, segmentsShape, false);
    case 'table':
      return checkTensor(name, value, env, tableShape, false);
    default:
      return unreachable(shape);
  }
}

function checkRange(name: string, range: RangeExpr, env: Env): void {
  const from = requireInt(range.from, `the start of \`${name}\``, env);
  const to = requireInt(range.to, `the end of \`${name}\``, env);
  // Levels count nothing; all other ranges are positions or distances.
  const unit = name === 'levels' ? undefined : 'tokens';
  agreeOnUnit(`\`${name}\``, range.from.span, unit, from?.unit, env);
  agreeOnUnit(`\`${name}\``, range.to.span, unit, to?.unit, env);
  if (range.from.kind === 'int' && range.to.kind === 'int' && range.from.value >= range.to.value) {
    env.checking.report(report.emptyRange(range.span, { from: range.from.value, to: range.to.value }));
  }
}

/** What a tensor argument must be after its leading batch and heads axes. */
interface TensorShape {
  readonly element: ScalarName;
  readonly wanted: string;
  readonly fits: readonly ((axis: AxisType) => boolean)[];
  readonly unit: 'tokens' | undefined;
}

const isList = (axis: AxisType): boolean => axis.kind === 'free' || axis.kind === 'fixed' || axis.kind === 'counted';
const isBlocks = (of: 'queries' | 'keys') => (axis: AxisType): boolean => axis.kind === 'blocks' && axis.of === of;

const isKeyBlocks = (axis: AxisType): boolean => axis.kind === 'keys' || isBlocks('keys')(axis);

const listShape: TensorShape = { element: 'int', wanted: 'int[n]', fits: [isList], unit: 'tokens' };
const segmentsShape: TensorShape = { element: 'int', wanted: 'int[keys]', fits: [(axis) => axis.kind === 'keys'], unit: undefined };
const tableShape: TensorShape = { element: 'bool', wanted: 'bool[queries / B, keys / B]', fits: [isBlocks('queries'), isKeyBlocks], unit: undefined };

/** A set of positions, one truth value each. */
const setShapes: Readonly<Record<string, TensorShape>> = {
  keys: { element: 'bool', wanted: 'bool[keys]', fits: [(axis) => axis.kind === 'keys'], unit: undefined },
  queries: { element: 'bool', wanted: 'bool[queries]', fits: [(axis) => axis.kind === 'queries'], unit: undefined },
  slashes: { element: 'bool', wanted: 'bool[n]', fits: [isList], unit: undefined },
};

function fitsAxes(axes: readonly AxisType[], shape: TensorShape): boolean {
  const leading = axes.length - shape.fits.length;
  return leading >= 0 && axes.every((axis, i) => (i < leading ? isAutomatic(axis) : shape.fits[i - leading]?.(axis) === true));
}

function tensorHelp(name: string, axesFit: boolean, type: TensorType): string | undefined {
  if (name === 'tiles') {
    if (axesFit) return 'for a table of ints write a predicate: `{ (q, k) => table[...] != 0 }`';
    return type.element === 'bool' && type.axes.some((a) => a.kind === 'queries') ? 'a table with a row per query is read by a predicate: `{ (q, k) => table[q, k div B] }`' : undefined;
  }
  const set = setShapes[name];
  return set !== undefined && type.element === 'bool' ? `truth values are given for every position: \`${set.wanted}\`` : undefined;
}

function checkTensor(name: string, value: Expr | RangeExpr, env: Env, shape: TensorShape, rangeToo: boolean): void {
  const { report: tell, infer } = env.checking;
  if (value.kind === 'range') {
    tell(report.rangeNotAllowed(value.span, { name }));
    return;
  }
  const type = infer(value, env);
  if (type.kind === 'error') return;
  if (type.kind !== 'tensor') {
    if (rangeToo) tell(report.rangeExpected(value.span, { name, listToo: true }));
    else tell(report.tensorExpected(value.span, { callee: name, wanted: `a tensor ${shape.wanted}`, found: typeText(type) }));
    return;
  }
  const found = tensorText(type.element, type.axes);
  const set = setShapes[name];
  if (set !== undefined && type.element === 'bool' && fitsAxes(type.axes, set)) return;
  const axesFit = fitsAxes(type.axes, shape);
  if (type.element !== shape.element || !axesFit) {
    const help = tensorHelp(name, axesFit, type);
    tell(report.axesDoNotFit(value.span, { callee: name, wanted: shape.wanted, found, help }));
    return;
  }
  if (shape.unit !== undefined) agreeOnUnit(`\`${name}\``, value.span, shape.unit, type.unit, env);
}
