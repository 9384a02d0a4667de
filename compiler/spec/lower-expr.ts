/**
 * The walk over syntax: scalars and masks alike, since the grammar does not tell them apart. In: a checked expression and the values
 * of its names. Out: its value. Named masks are inlined, `let` names are replaced by what they stand for; every mask keeps its span.
 */
import type { Expr as Syntax } from '../../dsl/ast.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import { bareMasks, isMaskConstructor } from '../../dsl/program.ts';
import type { Global } from '../../dsl/program.ts';
import type { Span } from '../../dsl/span.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { MaskExpr } from './ir.ts';
import { lowerConstructor } from './lower-constructor.ts';
import { bindArguments } from './lower-params.ts';
import { binaryScalar, boundedScalar, broken, callScalar, readAt, scalarOf, scalarValue, unaryScalar } from './lower-scalar.ts';
import { bounded, enter, leave, quantifierEnd, requireDivisor } from './lower-state.ts';
import type { Env, Lowering, Value } from './lower-state.ts';
import { lowerDot, lowerReduce } from './lower-reduce.ts';
import { firstQuery, headNames, sizeNames } from './names.ts';

type Of<K extends Syntax['kind']> = Extract<Syntax, { readonly kind: K }>;

export function lower(l: Lowering, e: Syntax, env: Env): Value {
  enter(l, e.span);
  const value = lowerInner(l, e, env);
  leave(l);
  return value;
}

export function lowerScalar(l: Lowering, e: Syntax, env: Env): Expr {
  return scalarOf(lower(l, e, env));
}

export function lowerMask(l: Lowering, e: Syntax, env: Env): MaskExpr {
  const value = lower(l, e, env);
  return value.kind === 'mask' ? value.mask : broken(`a ${value.kind} where a mask is expected`);
}

function lowerInner(l: Lowering, e: Syntax, env: Env): Value {
  switch (e.kind) {
    case 'hole':
      return broken('a hole in a checked program');
    case 'int':
      return scalarValue(x.int(e.value));
    case 'float':
      return scalarValue(x.float(e.value));
    case 'bool':
      return scalarValue(x.bool(e.value));
    case 'name':
      return lowerName(l, e.name, e.span, env);
    case 'call':
      return lowerCall(l, e, env);
    case 'index': {
      const base = env.values.get(e.base.name);
      if (base?.kind !== 'tensor') return broken(`\`${e.base.name}\` is no tensor`);
      return boundedScalar(l, readAt(base.tensor, e.indices.map((i) => lowerScalar(l, i, env)), env), e);
    }
    case 'unary':
      return lowerUnary(l, e, env);
    case 'binary':
      return lowerBinary(l, e, env);
    case 'if':
      return lowerIf(l, e, env);
    case 'let':
      return lower(l, e.body, bind(env, e.name.name, lower(l, e.value, env)));
    case 'any':
      return lowerAny(l, e, env);
    case 'reduce':
      return boundedScalar(l, lowerReduce(l, e, env), e);
    case 'predicate': {
      const query = bind(env, e.query.name, scalarValue(x.ref('q', 'int')));
      const body = lowerScalar(l, e.body, bind(query, e.key.name, scalarValue(x.ref('k', 'int'))));
      return maskValue(l, { kind: 'predicate', body, span: e.span });
    }
    case 'choose':
      return lowerChoose(l, e, env);
    default:
      return unreachable(e);
  }
}

function bind(env: Env, name: string, value: Value): Env {
  return { ...env, values: new Map(env.values).set(name, value) };
}

function maskValue(l: Lowering, mask: MaskExpr): Value {
  return { kind: 'mask', mask: bounded(l, mask, mask.span) };
}

function lowerName(l: Lowering, name: string, span: Span, env: Env): Value {
  const value = env.values.get(name);
  if (value !== undefined) return value;
  if (name === 'first_q') return scalarValue(firstQuery());
  if ([...sizeNames, ...headNames].some((n) => n === name)) return scalarValue(x.ref(name, 'int'));
  const global = env.scope.get(name);
  if (global?.kind === 'mask') return lowerMaskCall(l, global, [], env);
  if (bareMasks.has(name)) return maskValue(l, lowerConstructor(name, undefined, span));
  return broken(`\`${name}\` is not bound`);
}

function lowerCall(l: Lowering, e: Of<'call'>, env: Env): Value {
  const { name } = e.callee;
  if (name === 'dot') return boundedScalar(l, lowerDot(l, e, env), e);
  const global = env.scope.get(name);
  if (global?.kind === 'mask') return lowerMaskCall(l, global, e.args, env);
  const [arg] = e.args;
  if (isMaskConstructor(name)) {
    if (arg === undefined) return maskValue(l, lowerConstructor(name, undefined, e.span));
    if (arg.value.kind === 'range') {
      const range = { from: lowerScalar(l, arg.value.from, env), to: lowerScalar(l, arg.value.to, env) };
      return maskValue(l, lowerConstructor(name, { kind: 'range', ...range }, e.span));
    }
    const value = lower(l, arg.value, env);
    if (value.kind !== 'tensor') return broken(`\`${name}\` of a ${value.kind}`);
    return maskValue(l, lowerConstructor(name, { kind: 'tensor', tensor: value.tensor }, e.span));
  }
  const args = e.args.map((a) => (a.value.kind === 'range' ? broken('a range in a function') : lowerScalar(l, a.value, env)));
  const [, divisor] = args;
  if (name === 'ceil_div' && divisor !== undefined) requireDivisor(l, divisor, name, e.span);
  return boundedScalar(l, callScalar(name, args), e);
}

function lowerMaskCall(l: Lowering, global: Extract<Global, { readonly kind: 'mask' }>, args: Of<'call'>['args'], env: Env): Value {
  const scope = l.program.scopes.get(global.file) ?? broken(`no scope of ${global.file}`);
  const values = bindArguments(l, global.decl.params, args, (e) => lower(l, e, env), (e) => lower(l, e, { values: new Map(), scope, locals: [] }));
  return lower(l, global.decl.body, { values, scope, locals: [] });
}

function lowerUnary(l: Lowering, e: Of<'unary'>, env: Env): Value {
  const arg = lower(l, e.arg, env);
  if (arg.kind === 'mask') return maskValue(l, { kind: 'not', arg: arg.mask, span: e.span });
  return boundedScalar(l, unaryScalar(e.op, scalarOf(arg)), e);
}

function lowerBinary(l: Lowering, e: Of<'binary'>, env: Env): Value {
  const left = lower(l, e.left, env);
  const right = lower(l, e.right, env);
  if (left.kind !== 'mask' || right.kind !== 'mask') return boundedScalar(l, binaryScalar(l, e.op, scalarOf(left), scalarOf(right), e), e);
  if (e.op === '-') return maskValue(l, { kind: 'minus', left: left.mask, right: right.mask, span: e.span });
  const kind = e.op === '&' ? 'and' : 'or';
  // A chain of one operator is one node.
  const chained = e.left.kind === 'binary' && e.left.op === e.op && left.mask.kind === kind;
  return maskValue(l, { kind, args: chained ? [...left.mask.args, right.mask] : [left.mask, right.mask], span: e.span });
}

function lowerIf(l: Lowering, e: Of<'if'>, env: Env): Value {
  const cond = lowerScalar(l, e.cond, env);
  const then = lower(l, e.then, env);
  const otherwise = lower(l, e.otherwise, env);
  if (then.kind !== 'mask' || otherwise.kind !== 'mask') return boundedScalar(l, x.select(cond, scalarOf(then), scalarOf(otherwise)), e);
  if (cond.kind === 'literal') return cond.value !== 0 ? then : otherwise;
  const selector = bounded(l, x.select(cond, x.int(1), x.int(0)), e.span);
  return maskValue(l, { kind: 'choose', selector, cases: [{ value: x.int(1), mask: then.mask }], otherwise: otherwise.mask, span: e.span });
}

function lowerAny(l: Lowering, e: Of<'any'>, env: Env): Value {
  const from = lowerScalar(l, e.from, env);
  const to = quantifierEnd(l, from, lowerScalar(l, e.to, env), e.span);
  const local = freshName(e.variable.name, (name) => l.taken.has(name) || env.locals.includes(name));
  const inner = bind({ ...env, locals: [...env.locals, local] }, e.variable.name, scalarValue(x.ref(local, 'int')));
  return boundedScalar(l, x.fold('any', local, from, to, lowerScalar(l, e.body, inner)), e);
}

function freshName(base: string, taken: (name: string) => boolean): string {
  let name = base;
  for (let i = 1; taken(name); i += 1) name = `${base}_${i}`;
  return name;
}

function lowerChoose(l: Lowering, e: Of<'choose'>, env: Env): Value {
  const selector = lowerScalar(l, e.selector, env);
  const cases = e.cases.map((c) => ({ value: lowerScalar(l, c.value, env), mask: lowerMask(l, c.body, env) }));
  const otherwise: MaskExpr = e.otherwise === undefined ? { kind: 'none', span: e.span } : lowerMask(l, e.otherwise, env);
  return maskValue(l, { kind: 'choose', selector, cases, otherwise, span: e.span });
}
