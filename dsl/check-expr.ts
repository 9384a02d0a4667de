/**
 * Types of expressions. One function over all kinds; operators and calls have files of their own. An expression with a reported
 * error has the type `error`, which goes with everything, so that one mistake gives one message.
 */
import type { Expr, Ident } from './ast.ts';
import * as report from './catalogue/index.ts';
import { callType } from './check-call.ts';
import { asScalar, declareLocal, maskHere, refuse, requireBool, requireHeads, requireInt, requireMask, resolveName, withValue } from './check-env.ts';
import type { Env } from './check-env.ts';
import { checkIndices } from './check-index.ts';
import { agreeOnUnit, binaryType, unaryType } from './check-operators.ts';
import { reduceType } from './check-reduce.ts';
import { unreachable } from './diagnostic.ts';
import { errorType, isAutomatic, maskType, scalarType, tensorText, typeText } from './types.ts';
import type { Type } from './types.ts';

type Of<K extends Expr['kind']> = Extract<Expr, { readonly kind: K }>;

export function infer(e: Expr, env: Env): Type {
  switch (e.kind) {
    case 'hole':
      return errorType;
    case 'int':
    case 'float':
    case 'bool':
      return scalarType(e.kind, true);
    case 'name':
      return resolveName(e.name, e.span, env);
    case 'call':
      return callType(e, env);
    case 'index':
      return indexType(e, env);
    case 'unary':
      return unaryType(e, infer(e.arg, env), env);
    case 'binary':
      return binaryType(e, infer(e.left, env), infer(e.right, env), env);
    case 'if':
      return ifType(e, env);
    case 'let':
      return infer(e.body, declareLocal(env, e.name, infer(e.value, env), 'a local name'));
    case 'any':
      return anyType(e, env);
    case 'reduce':
      return reduceType(e, env);
    case 'predicate':
      return predicateType(e, env);
    case 'choose':
      return chooseType(e, env);
    default:
      return unreachable(e);
  }
}

function ifType(e: Of<'if'>, env: Env): Type {
  const cond = requireBool(e.cond, 'the condition of `if`', env);
  const then = infer(e.then, env);
  const otherwise = infer(e.otherwise, env);
  if (then.kind === 'mask' || otherwise.kind === 'mask') {
    requireMask(then, e.then.span, env);
    requireMask(otherwise, e.otherwise.span, env);
    return maskType;
  }
  const a = asScalar(then, e.then.span, env);
  const b = asScalar(otherwise, e.otherwise.span, env);
  if (a === undefined || b === undefined) return errorType;
  if ((a.scalar === 'bool') !== (b.scalar === 'bool')) {
    return refuse(report.branchesDiffer(e.otherwise.span, { then: a.scalar, otherwise: b.scalar }, [{ span: e.then.span, text: `this is ${a.scalar}` }]), env);
  }
  const scalar = a.scalar === b.scalar ? a.scalar : 'float';
  return scalarType(scalar, cond?.constant === true && a.constant && b.constant, agreeOnUnit('`if`', e.span, a.unit, b.unit, env));
}

function anyType(e: Of<'any'>, env: Env): Type {
  const from = requireInt(e.from, 'the start of the range', env);
  const to = requireInt(e.to, 'the end of the range', env);
  const unit = agreeOnUnit('the range', e.from.span, from?.unit, to?.unit, env);
  requireBool(e.body, 'the condition of `any`', declareLocal(env, e.variable, scalarType('int', false, unit), 'the variable of `any`'));
  return scalarType('bool', false);
}

function predicateType(e: Of<'predicate'>, env: Env): Type {
  const query = headerName(e.query, 'q', 'k', env);
  const key = headerName(e.key, 'k', 'q', env);
  if (e.query.name === e.key.name) env.checking.report(report.duplicateName(e.key.span, { name: e.key.name }, [{ span: e.query.span, text: 'first meaning' }]));
  const position = scalarType('int', false, 'tokens');
  const inner = withValue(withValue({ ...env, place: 'predicate' }, query, { type: position, span: e.query.span }), key, { type: position, span: e.key.span });
  const result = maskHere(e.span, env);
  requireBool(e.body, 'the condition of a predicate', inner);
  return result;
}

/** A header name is the usual letter or a free name; the letter of the other position would mislead. */
function headerName(name: Ident, own: string, other: string, env: Env): string {
  if (name.name === other) env.checking.report(report.headerOrder(name.span, {}));
  else if (name.name !== own) declareLocal(env, name, errorType, 'a position');
  return name.name;
}

function chooseType(e: Of<'choose'>, env: Env): Type {
  const result = maskHere(e.span, env);
  if (result.kind === 'error') return result;
  requireInt(e.selector, 'the selector of `per head choose`', env);
  const seen = new Map<number, Expr>();
  for (const c of e.cases) {
    requireInt(c.value, 'a case', env);
    requireMask(infer(c.body, env), c.body.span, env);
    if (c.value.kind !== 'int') continue;
    const first = seen.get(c.value.value);
    if (first !== undefined) env.checking.report(report.repeatedCase(c.value.span, { value: c.value.value }, [{ span: first.span, text: 'first case' }]));
    seen.set(c.value.value, c.value);
  }
  if (e.otherwise !== undefined) requireMask(infer(e.otherwise, env), e.otherwise.span, env);
  return result;
}

function indexType(e: Of<'index'>, env: Env): Type {
  const base = resolveName(e.base.name, e.base.span, env);
  if (base.kind === 'error') {
    for (const i of e.indices) requireInt(i, 'an index', env);
    return errorType;
  }
  if (base.kind !== 'tensor') return refuse(report.notATensor(e.base.span, { name: e.base.name, found: typeText(base) }), env);
  const { axes } = base;
  const left = axes.length - e.indices.length;
  const mayOmit = axes.findIndex((a) => !isAutomatic(a));
  const least = mayOmit < 0 ? 1 : axes.length - mayOmit;
  if (left < 0 || !axes.slice(0, left).every(isAutomatic)) {
    const wanted = least === axes.length ? indices(axes.length) : `${least} to ${indices(axes.length)}`;
    env.checking.report(report.wrongIndexCount(e.span, { name: e.base.name, type: tensorText(base.element, axes), given: e.indices.length, wanted }));
    checkIndices(e.base.name, axes, e.indices, env);
  } else if (checkIndices(e.base.name, axes, e.indices, env)) requireHeads(base, left, e.span, env);
  return scalarType(base.element, false, base.unit);
}

function indices(n: number): string {
  return n === 1 ? '1 index' : `${n} indices`;
}
