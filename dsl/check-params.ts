/**
 * Parameters: their types, axes, units and defaults. `paramTypes` gives the types without reports (for calls);
 * `declareParams` checks a declaration's list and gives the environment its body starts from.
 */
import type { Expr, Param } from './ast.ts';
import { reservedNames } from './builtins.ts';
import * as report from './catalogue/index.ts';
import { asScalar } from './check-env.ts';
import type { Binding, Checking } from './check-env.ts';
import { didYouMean } from './catalogue/entry.ts';
import { unreachable } from './diagnostic.ts';
import { nearestNames } from './suggest.ts';
import type { Span } from './span.ts';
import { attentionType, errorType, scalarType } from './types.ts';
import type { AxisType, Type, Unit } from './types.ts';

/** An axis read from the source, or why it is none. */
type AxisReading =
  | { readonly ok: true; readonly axis: AxisType; /** Parameter that gives a size. */ readonly uses?: string }
  | { readonly ok: false; readonly kind: 'axis' | 'block' | 'reserved' | 'hole'; readonly help?: string };

function unitOf(word: string | undefined): Unit | undefined {
  return word === 'tokens' || word === 'tiles' ? word : undefined;
}

export const plainAxes = ['batch', 'heads', 'kv_heads', 'queries', 'keys', 'dim'] as const;

/** What an axis expression means beside the other parameters. */
export function readAxis(e: Expr, params: readonly Param[]): AxisReading {
  const scalar = (name: string): Param | undefined => params.find((p) => p.name.name === name && p.type.axes.length === 0);
  if (e.kind === 'hole') return { ok: false, kind: 'hole' };
  if (e.kind === 'int') {
    return e.value >= 1 ? { ok: true, axis: { kind: 'fixed', extent: String(e.value) } } : { ok: false, kind: 'axis', help: 'an extent is at least 1' };
  }
  if (e.kind === 'name') {
    const plain = plainAxes.find((a) => a === e.name);
    if (plain !== undefined) return { ok: true, axis: { kind: plain } };
    const param = scalar(e.name);
    if (param !== undefined) {
      if (param.isConst && param.type.scalar === 'int') return { ok: true, axis: { kind: 'fixed', extent: e.name }, uses: e.name };
      return { ok: false, kind: 'axis', help: `\`${e.name}\` is a parameter; an extent can be a \`const\` int` };
    }
    if (e.name === 'n_q' || e.name === 'n_k') return { ok: false, kind: 'axis', help: `the axis of ${e.name === 'n_q' ? 'queries is written `queries`' : 'keys is written `keys`'}` };
    return reservedNames.has(e.name) ? { ok: false, kind: 'reserved' } : { ok: true, axis: { kind: 'free', name: e.name } };
  }
  if (e.kind === 'binary' && e.op === '/' && e.left.kind === 'name' && (e.left.name === 'queries' || e.left.name === 'keys')) {
    const of = e.left.name;
    if (e.right.kind === 'hole') return { ok: false, kind: 'hole' };
    if (e.right.kind === 'int') return e.right.value >= 1 ? { ok: true, axis: { kind: 'blocks', of, size: String(e.right.value) } } : { ok: false, kind: 'block' };
    if (e.right.kind !== 'name') return { ok: false, kind: 'block' };
    const param = scalar(e.right.name);
    if (param === undefined || param.type.scalar !== 'int') return { ok: false, kind: 'block' };
    return { ok: true, axis: { kind: 'blocks', of, size: e.right.name }, uses: e.right.name };
  }
  const near = e.kind === 'binary' && e.op === '/' && e.left.kind === 'name' ? nearestNames(e.left.name, ['queries', 'keys']) : [];
  return { ok: false, kind: 'axis', ...(near.length === 0 ? {} : { help: didYouMean(near) ?? '' }) };
}

function typeOf(param: Param, params: readonly Param[]): Type {
  const { scalar } = param.type;
  const unit = unitOf(param.type.unit?.name);
  if (scalar === 'hole') return errorType;
  if (scalar === 'attention') return attentionType;
  if (param.type.axes.length === 0) return scalarType(scalar, param.isConst, unit);
  const axes: AxisType[] = [];
  for (const e of param.type.axes) {
    const reading = readAxis(e, params);
    if (!reading.ok) return errorType;
    axes.push(reading.axis);
  }
  const base = { kind: 'tensor', name: param.name.name, element: scalar, axes } as const;
  return unit === undefined ? base : { ...base, unit };
}

/** Types of the parameters by name; `error` where a declaration is wrong. */
export function paramTypes(params: readonly Param[]): ReadonlyMap<string, Type> {
  return new Map(params.map((p) => [p.name.name, typeOf(p, params)]));
}

/** Checks a parameter list and gives the names it brings: parameters and the extents of free axes. */
export function declareParams(params: readonly Param[], checking: Checking): ReadonlyMap<string, Binding> {
  const values = new Map<string, Binding>();
  for (const p of params) {
    const { name, span } = p.name;
    const taken = values.get(name);
    if (reservedNames.has(name)) {
      checking.report(report.reservedName(span, { name, what: 'a parameter' }));
      // Its uses are no further errors.
      values.set(name, { type: errorType, span });
    } else if (taken !== undefined) checking.report(report.duplicateName(span, { name }, [{ span: taken.span, text: 'first meaning' }]));
    else values.set(name, { type: typeOf(p, params), span });
    checkType(p, checking);
    checkDefault(p, checking);
  }
  for (const p of params) declareAxes(p, params, values, checking);
  return values;
}

function checkType(p: Param, checking: Checking): void {
  const { unit, scalar, axes } = p.type;
  if (unit !== undefined && unitOf(unit.name) === undefined) checking.report(report.unknownUnit(unit.span, { name: unit.name }));
  else if (unit !== undefined && (scalar === 'float' || scalar === 'bool')) checking.report(report.unitNotAllowed(unit.span, { type: scalar }));
  if (p.isConst && scalar === 'attention') checking.report(report.attentionParameter(p.span, { reason: 'is chosen when the chain is compiled in any case, without `const`' }));
  if (p.isConst && axes.length > 0) checking.report(report.constTensor(p.span, { name: p.name.name }));
}

function checkDefault(p: Param, checking: Checking): void {
  const value = p.defaultValue;
  if (value === undefined) return;
  if (p.type.axes.length > 0) {
    checking.report(report.badDefault(value.span, { reason: 'a tensor has no default' }));
    return;
  }
  if (p.type.scalar === 'attention') {
    checking.report(report.attentionParameter(value.span, { reason: 'has no default' }));
    return;
  }
  const env = { place: 'default', values: new Map<string, Binding>(), checking } as const;
  const found = asScalar(checking.infer(value, env), value.span, env);
  const wanted = p.type.scalar;
  if (found === undefined || wanted === 'hole') return;
  if (found.scalar !== wanted && !(wanted === 'float' && found.scalar === 'int')) {
    checking.report(report.badDefault(value.span, { reason: `the default of \`${p.name.name}\` must be ${wanted}, but this is ${found.scalar}` }));
  } else if (!found.constant) {
    checking.report(report.badDefault(value.span, { reason: 'a default is made of literals' }));
  }
}

function declareAxes(p: Param, params: readonly Param[], values: Map<string, Binding>, checking: Checking): void {
  const own = new Map<string, Span>();
  for (const e of p.type.axes) {
    const reading = readAxis(e, params);
    if (!reading.ok) {
      reportAxis(e, reading.kind, reading.help, checking);
      continue;
    }
    if (reading.uses !== undefined) checking.usedNames.add(reading.uses);
    if (reading.axis.kind === 'blocks') checkBlockUnit(e, reading.uses, params, checking);
    if (reading.axis.kind !== 'free') continue;
    const { name } = reading.axis;
    const twice = own.get(name);
    if (twice !== undefined) checking.report(report.duplicateAxis(e.span, { name }, [{ span: twice, text: 'first axis' }]));
    own.set(name, e.span);
    const taken = values.get(name);
    const isParam = params.some((x) => x.name.name === name);
    if (taken !== undefined && isParam) checking.report(report.duplicateName(e.span, { name }, [{ span: taken.span, text: 'first meaning' }]));
    else if (taken === undefined) values.set(name, { type: scalarType('int', false), span: e.span });
  }
}

function reportAxis(e: Expr, kind: 'axis' | 'block' | 'reserved' | 'hole', help: string | undefined, checking: Checking): void {
  switch (kind) {
    case 'axis':
      return checking.report(report.unknownAxis(e.span, { help }));
    case 'block':
      return checking.report(report.badBlockSize(e.kind === 'binary' ? e.right.span : e.span, {}));
    case 'reserved':
      return checking.report(report.reservedName(e.span, { name: e.kind === 'name' ? e.name : '', what: 'an axis' }));
    case 'hole':
      return;
    default:
      return unreachable(kind);
  }
}

/** A block holds tokens. */
function checkBlockUnit(e: Expr, size: string | undefined, params: readonly Param[], checking: Checking): void {
  const unit = params.find((p) => p.name.name === size)?.type.unit;
  if (unit?.name === 'tiles') checking.report(report.unitsMixed(e.span, { op: 'a block size', left: 'tokens', right: 'tiles' }));
}
