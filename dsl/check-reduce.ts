/**
 * Types of reductions over indices, of operators that see a whole axis, and of `dot`. All of them stand in equations of stages only.
 */
import type { Expr } from './ast.ts';
import { alternatives } from './catalogue/entry.ts';
import * as report from './catalogue/index.ts';
import { asScalar, refuse, requireBool, requireHeads, requireInt, requireNumber, withValue } from './check-env.ts';
import type { Env } from './check-env.ts';
import { checkIndices } from './check-index.ts';
import { agreeOnUnit } from './check-operators.ts';
import { axisOfRange, indexBinding } from './check-stage.ts';
import { isAutomatic, errorType, scalarType, typeText } from './types.ts';
import type { AxisType, Type } from './types.ts';

type Reduce = Extract<Expr, { readonly kind: 'reduce' }>;
type Call = Extract<Expr, { readonly kind: 'call' }>;

const seesAxis: ReadonlySet<string> = new Set(['softmax', 'rank', 'mass', 'cumsum', 'top', 'top_mass']);
const orders: ReadonlySet<string> = new Set(['argmax', 'nth']);

export function reduceType(e: Reduce, env: Env): Type {
  const { stage, checking } = env;
  if (stage === undefined) return refuse(report.reductionOutsideStage(e.span, { op: e.op }), env);
  const whole = seesAxis.has(e.op);
  const [, second] = e.over;
  if (e.op === 'cumsum' && second !== undefined) checking.report(report.wholeAxis(second.name.span, { op: e.op, reason: 'runs along one index' }));
  if ((whole || orders.has(e.op)) && stage.reduced) checking.report(report.wholeAxis(e.span, { op: e.op, reason: 'stands inside another reduction', help: 'give its result a tensor of its own, by an equation before this one' }));
  let inner = env;
  const own = new Set(stage.own);
  for (const { name, range } of e.over) {
    if (whole) {
      if (range !== undefined || !stage.own.has(name.name)) {
        const indices = [...stage.own].map((i) => `\`${i}\``);
        const help = indices.length === 0 ? undefined : `it gives every element its place among others: run it over ${alternatives(indices)}, and write no range`;
        checking.report(report.wholeAxis(name.span, { op: e.op, reason: 'runs over indices of its equation', help }));
      } else checking.usedNames.add(name.name);
      continue;
    }
    const declared = stage.indices.get(name.name);
    if (own.has(name.name)) checking.report(report.indexTaken(name.span, { name: name.name }));
    own.add(name.name);
    let axis: AxisType | undefined;
    if (range === undefined) {
      axis = declared;
      if (axis === undefined) checking.report(report.unknownIndex(name.span, { name: name.name, candidates: stage.indices.keys() }));
    } else if (range.kind === 'range') {
      const from = requireInt(range.from, 'the start of the range', inner);
      const to = requireInt(range.to, 'the end of the range', inner);
      const unit = agreeOnUnit('the range', range.from.span, from?.unit, to?.unit, inner);
      inner = withValue(inner, name.name, { type: scalarType('int', false, unit), span: name.span });
      continue;
    } else {
      axis = axisOfRange(range, stage.decl, { ...inner, place: 'scale' });
    }
    inner = withValue(inner, name.name, axis === undefined ? { type: errorType, span: name.span } : indexBinding(axis, name));
  }
  inner = { ...inner, stage: { ...stage, own, reduced: true } };
  if (e.where !== undefined) requireBool(e.where, 'the condition of `where`', inner);
  if (e.arg !== undefined) {
    if (e.op === 'top_mass') requireNumber(e.arg, 'the mass', env);
    else requireInt(e.arg, `the argument of \`${e.op}\``, env);
  }
  if (e.op === 'any' || e.op === 'all') {
    requireBool(e.body, `the condition of \`${e.op}\``, inner);
    return scalarType('bool', false);
  }
  const body = requireNumber(e.body, `the values of \`${e.op}\``, inner);
  switch (e.op) {
    case 'sum':
    case 'min':
    case 'max':
    case 'cumsum':
      return body === undefined ? errorType : scalarType(body.scalar, false, body.unit);
    case 'mean':
    case 'softmax':
    case 'mass':
      return scalarType('float', false);
    case 'rank':
      return scalarType('int', false);
    case 'top':
    case 'top_mass':
      return scalarType('bool', false);
    case 'argmax':
    case 'nth': {
      const [only, more] = e.over;
      const found = only === undefined || more !== undefined ? undefined : inner.values.get(only.name.name)?.type;
      return scalarType('int', false, found?.kind === 'scalar' ? found.unit : undefined);
    }
  }
}

/** `dot(x[i], y[j])`: the sum of products over the last axes, which are left open. */
export function dotType(e: Call, env: Env): Type {
  if (env.stage === undefined) return refuse(report.reductionOutsideStage(e.span, { op: 'dot' }), env);
  if (e.args.length !== 2) return refuse(report.wrongArgumentCount(e.span, { name: 'dot', wanted: '2 arguments', given: e.args.length }), env);
  for (const arg of e.args) if (arg.value.kind !== 'range') rowOf(arg.value, env);
  return scalarType('float', false);
}

function rowOf(e: Expr, env: Env): void {
  const { checking } = env;
  if (e.kind !== 'index' && e.kind !== 'name') {
    const type = asScalar(checking.infer(e, env), e.span, env);
    if (type !== undefined) checking.report(report.rowExpected(e.span, { found: type.scalar }));
    return;
  }
  const name = e.kind === 'index' ? e.base.name : e.name;
  const given = e.kind === 'index' ? e.indices : [];
  const found = checking.infer({ kind: 'name', name, span: e.kind === 'index' ? e.base.span : e.span }, env);
  if (found.kind === 'error') return;
  if (found.kind !== 'tensor' || found.element === 'bool') {
    checking.report(report.rowExpected(e.span, { found: typeText(found) }));
    return;
  }
  const left = found.axes.length - given.length - 1;
  // The batch is written by its name or not at all: another index in its place was meant for an axis behind it.
  const [first] = given;
  const isElement = left === 0 && found.axes[0]?.kind === 'batch' && !(first?.kind === 'name' && first.name === 'b');
  if (left < 0 || isElement || !found.axes.slice(0, left).every(isAutomatic)) {
    checking.report(report.rowExpected(e.span, { found: `an element of \`${name}\` (${typeText(found)})` }));
    return;
  }
  if (checkIndices(name, found.axes.slice(0, -1), given, env)) requireHeads(found, left, e.span, env);
}
