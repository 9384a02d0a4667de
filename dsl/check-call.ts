/**
 * Types of calls: functions on numbers, and which of the other two kinds of callee it is (constructors and named masks have
 * files of their own).
 */
import type { Expr } from './ast.ts';
import { constructors, functions } from './builtins.ts';
import type { FunctionShape } from './builtins.ts';
import * as report from './catalogue/index.ts';
import { constructorType } from './check-constructor.ts';
import { asScalar, refuse } from './check-env.ts';
import type { Env } from './check-env.ts';
import { maskCallType } from './check-mask-call.ts';
import { agreeOnUnit } from './check-operators.ts';
import { dotType } from './check-reduce.ts';
import { errorType, scalarType, typeText } from './types.ts';
import type { ScalarType, Type, Unit } from './types.ts';

type Call = Extract<Expr, { readonly kind: 'call' }>;

export function callType(e: Call, env: Env): Type {
  const { name, span } = e.callee;
  const shape = constructors.get(name);
  if (shape !== undefined) return constructorType(e, shape, env);
  const fn = functions.get(name);
  if (fn !== undefined) return functionType(e, fn, env);
  if (name === 'dot') return dotType(e, env);
  const global = env.checking.scope.get(name);
  if (global?.kind === 'mask') return maskCallType(e, global, env);
  inferAll(e, env);
  if (global?.kind === 'stage') return refuse(report.stageExpected(span, { name, found: 'a stage, not a mask or a value', candidates: [] }), env);
  if (global !== undefined) return refuse(report.attentionUsed(span, { name }, [{ span: global.decl.name.span, text: 'declared here' }]), env);
  const value = env.values.get(name);
  if (value !== undefined) {
    env.checking.usedNames.add(name);
    return value.type.kind === 'error' ? errorType : refuse(report.notCallable(span, { name, found: typeText(value.type) }), env);
  }
  const candidates = [...constructors.keys(), ...functions.keys(), ...reductions, ...[...env.checking.scope].flatMap(([n, g]) => (g.kind === 'mask' ? [n] : []))];
  const help = reductions.has(name) ? reductionHelp(name) : undefined;
  return refuse(report.unknownCallee(span, { name, candidates, help }), env);
}

/** Reductions are words with an index and a colon, whatever other languages write. */
const reductions: ReadonlySet<string> = new Set(['sum', 'mean', 'argmax', 'softmax', 'rank', 'mass', 'cumsum', 'top', 'top_mass', 'nth', 'dot']);

function reductionHelp(name: string): string {
  return `it names its index: \`${name} j: x[j]\``;
}

/** Looks into the arguments of a call that is wrong anyway, so that errors in them are told and names count as used. */
function inferAll(e: Call, env: Env): void {
  for (const arg of e.args) {
    if (arg.value.kind === 'range') {
      env.checking.infer(arg.value.from, env);
      env.checking.infer(arg.value.to, env);
    } else {
      env.checking.infer(arg.value, env);
    }
  }
}

function functionType(e: Call, fn: FunctionShape, env: Env): Type {
  const { name } = e.callee;
  if (e.args.length < fn.least || e.args.length > fn.most) {
    inferAll(e, env);
    const help = env.stage !== undefined && e.args.length === 1 && (name === 'min' || name === 'max') ? `over an index it is written \`${name} j: x[j]\`` : undefined;
    return refuse(report.wrongArgumentCount(e.span, { name, wanted: argumentsWanted(fn), given: e.args.length, help }), env);
  }
  const types: ScalarType[] = [];
  for (const arg of e.args) {
    if (arg.name !== undefined) env.checking.report(report.unknownArgument(arg.name.span, { callee: name, name: arg.name.name, candidates: [] }));
    if (arg.value.kind === 'range') {
      env.checking.report(report.rangeNotAllowed(arg.value.span, { name }));
      continue;
    }
    const type = asScalar(env.checking.infer(arg.value, env), arg.value.span, env);
    if (type === undefined) continue;
    const wanted = fn.domain === 'int' ? 'int' : 'a number';
    if (fn.domain === 'int' ? type.scalar !== 'int' : type.scalar === 'bool') {
      env.checking.report(report.typeMismatch(arg.value.span, { where: `an argument of \`${name}\``, wanted, found: type.scalar }));
      continue;
    }
    types.push(type);
  }
  if (types.length < e.args.length) return errorType;
  const constant = types.every((t) => t.constant);
  const scalar = fn.domain === 'int' || fn.domain === 'int-of-float' ? 'int' : fn.domain === 'float' || types.some((t) => t.scalar === 'float') ? 'float' : 'int';
  let unit: Unit | undefined;
  if (fn.unit === 'same') for (const t of types) unit = agreeOnUnit(`\`${name}\``, e.span, unit, t.unit, env);
  return scalarType(scalar, constant, unit);
}

function argumentsWanted({ least, most }: FunctionShape): string {
  if (least === most) return least === 1 ? '1 argument' : `${least} arguments`;
  return `${least} to ${most} arguments`;
}
