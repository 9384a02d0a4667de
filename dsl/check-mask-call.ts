/**
 * Calls of named masks: arguments against parameters. Scalars convert int to float; tensors are passed by name, may have
 * leading batch and heads axes of their own, and otherwise have the axes of the parameter.
 */
import { matchArguments } from './arguments.ts';
import type { Problem } from './arguments.ts';
import type { Arg, Expr, MaskDecl, Param } from './ast.ts';
import * as report from './catalogue/index.ts';
import { asScalar, maskHere } from './check-env.ts';
import type { Env } from './check-env.ts';
import { agreeOnUnit } from './check-operators.ts';
import { paramTypes } from './check-params.ts';
import { unreachable } from './diagnostic.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Global } from './scope.ts';
import { isAutomatic, tensorText, typeText } from './types.ts';
import type { AxisType, TensorType, Type } from './types.ts';

type Call = Extract<Expr, { readonly kind: 'call' }>;

export function maskCallType(e: Call, global: Extract<Global, { readonly kind: 'mask' }>, env: Env): Type {
  env.checking.uses.push({ global, at: e.callee.span });
  const result = maskHere(e.span, env);
  checkArguments(e, global.decl, env);
  return result;
}

/** The arguments of a mask or of a stage against its parameters. */
export function checkArguments(e: Pick<Call, 'callee' | 'args' | 'span'>, decl: Pick<MaskDecl, 'name' | 'params'>, env: Env, callee: 'mask' | 'stage' = 'mask'): void {
  const name = e.callee.name;
  const { given, missing, problems } = matchArguments(decl.params, e.args);
  const tooMany = problems.some((p) => p.kind === 'too-many');
  if (tooMany) {
    const wanted = decl.params.length === 0 ? 'no arguments' : decl.params.length === 1 ? '1 argument' : `${decl.params.length} arguments`;
    env.checking.report(report.wrongArgumentCount(e.span, { name, wanted, given: e.args.length }, [{ span: decl.name.span, text: 'declared here' }]));
  }
  for (const p of problems) {
    const told = problemReport(name, p, decl.params);
    if (told !== undefined) env.checking.report(told);
  }
  const [first] = missing;
  if (first !== undefined && problems.length === 0) {
    env.checking.report(report.missingArgument(e.span, { callee: name, name: first.name.name }, [{ span: first.span, text: 'has no default' }]));
  }
  const types = paramTypes(decl.params);
  for (const param of decl.params) {
    const arg = given.get(param.name.name);
    const type = types.get(param.name.name);
    if (arg !== undefined && type !== undefined) checkArgument(name, param, type, arg, env, callee);
  }
}

function problemReport(callee: string, p: Problem, params: readonly Param[]): Diagnostic | undefined {
  switch (p.kind) {
    case 'too-many':
      return undefined;
    case 'unknown-name':
      return report.unknownArgument(p.arg.name?.span ?? p.arg.span, { callee, name: p.name, candidates: params.map((x) => x.name.name) });
    case 'twice':
      return report.argumentOrder(p.arg.span, { name: p.name });
    case 'positional-after-named':
      return report.argumentOrder(p.arg.span, { name: '' });
    default:
      return unreachable(p);
  }
}

function checkArgument(callee: string, param: Param, wanted: Type, arg: Arg, env: Env, kind: 'mask' | 'stage'): void {
  const { value } = arg;
  const tell = env.checking.report;
  const where = `argument \`${param.name.name}\` of \`${callee}\``;
  const related = [{ span: param.span, text: 'the parameter' }];
  if (value.kind === 'range') {
    tell(report.rangeNotAllowed(value.span, { name: callee }, related));
    return;
  }
  const found = env.checking.infer(value, env);
  if (found.kind === 'error' || wanted.kind === 'error' || wanted.kind === 'mask' || wanted.kind === 'attention') return;
  if (wanted.kind === 'tensor') {
    if (found.kind !== 'tensor') {
      tell(report.tensorExpected(value.span, { callee, wanted: `a tensor ${typeText(wanted)}`, found: typeText(found) }, related));
    } else if (found.element !== wanted.element || !axesFit(wanted, found, kind)) {
      const help = found.element === wanted.element ? undefined : 'the elements of tensors are not converted';
      tell(report.axesDoNotFit(value.span, { callee, wanted: typeText(wanted), found: tensorText(found.element, found.axes), help }, related));
    } else {
      agreeOnUnit(where, value.span, wanted.unit, found.unit, env);
    }
    return;
  }
  const scalar = asScalar(found, value.span, env);
  if (scalar === undefined) return;
  const fits = scalar.scalar === wanted.scalar || (wanted.scalar === 'float' && scalar.scalar === 'int');
  if (!fits) {
    const help = wanted.scalar === 'int' && value.kind === 'binary' && value.op === '/' ? 'whole numbers are divided with `div`' : undefined;
    tell(report.typeMismatch(value.span, { where, wanted: wanted.scalar, found: scalar.scalar, help }, related));
    return;
  }
  agreeOnUnit(where, value.span, wanted.unit, scalar.unit, env);
  if (param.isConst && !scalar.constant) tell(report.notConstant(value.span, { where }, related));
}

/** Extents behind `const` parameters and block sizes are compared by the lowering, which knows their values. */
function axesFit(wanted: TensorType, found: TensorType, kind: 'mask' | 'stage'): boolean {
  const leading = found.axes.length - wanted.axes.length;
  return leading >= 0 && found.axes.slice(0, leading).every(isAutomatic) && wanted.axes.every((axis, i) => axisFits(axis, found.axes[leading + i], kind));
}

function axisFits(wanted: AxisType, found: AxisType | undefined, kind: 'mask' | 'stage'): boolean {
  if (found === undefined) return false;
  if (wanted.kind === 'free') {
    if (found.kind === 'free' || found.kind === 'fixed' || found.kind === 'counted') return true;
    // What counts from 0 is a free axis to a stage, which only reads its elements; a mask may take the axis for a list.
    return kind === 'stage' && (found.kind === 'keys' || found.kind === 'blocks' || found.kind === 'dim');
  }
  if (wanted.kind === 'blocks') return found.kind === 'blocks' && found.of === wanted.of;
  // An index `0 .. 256` of a stage makes an axis that a parameter has as `256`.
  if (wanted.kind === 'fixed') return found.kind === 'fixed' || found.kind === 'counted';
  return found.kind === wanted.kind;
}
