/**
 * What the checker carries along: where it stands, which names mean what, and where reports go; and the resolution of a bare name.
 * Environments are immutable; `Checking` collects for one declaration which parameters and masks were used.
 */
import type { Expr, Ident, StageDecl } from './ast.ts';
import { bareMasks, constructors, functions, reservedNames, sizeNames } from './builtins.ts';
import * as report from './catalogue/index.ts';
import { unreachable } from './diagnostic.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { FileScope, Global } from './scope.ts';
import type { Span } from './span.ts';
import { errorType, isAutomatic, maskType, scalarType, tensorText, typeText } from './types.ts';
import type { AxisType, ScalarType, TensorType, Type } from './types.ts';

/** Where an expression stands; decides which positions and sizes it may name. */
export type Place = 'mask' | 'predicate' | 'score' | 'scale' | 'sink' | 'stage' | 'chain' | 'default' | 'pin';

export interface Binding {
  readonly type: Type;
  readonly span: Span;
}

export interface Use {
  readonly global: Global;
  readonly at: Span;
}

/** The equation of a stage that an expression belongs to. */
export interface StageContext {
  readonly decl: StageDecl;
  /** All declared indices. */
  readonly indices: ReadonlyMap<string, AxisType>;
  /** Indices of the equation and of the reductions around. */
  readonly own: ReadonlySet<string>;
  /** Whether a reduction is around. */
  readonly reduced: boolean;
}

/** The state of checking one declaration. */
export interface Checking {
  readonly scope: FileScope;
  readonly scopeOf: (file: string) => FileScope;
  readonly report: (diagnostic: Diagnostic) => void;
  readonly usedNames: Set<string>;
  readonly uses: Use[];
  /** The type of an expression; here so that files about calls need not import the file about expressions. */
  readonly infer: (e: Expr, env: Env) => Type;
}

export interface Env {
  readonly place: Place;
  readonly values: ReadonlyMap<string, Binding>;
  readonly checking: Checking;
  readonly stage?: StageContext;
}

const placeText: Readonly<Record<Place, string>> = {
  mask: 'a mask',
  predicate: 'a predicate',
  score: 'a score',
  scale: '`scale`',
  sink: '`sink`',
  stage: 'an equation',
  chain: 'a chain',
  default: 'a default',
  pin: 'a schedule',
};

export function withValue(env: Env, name: string, binding: Binding): Env {
  return { ...env, values: new Map(env.values).set(name, binding) };
}

/** Adds a local name after checking that it is free; a name that is not is bound all the same, so that uses make sense. */
export function declareLocal(env: Env, name: Ident, type: Type, what: string): Env {
  const taken = env.values.get(name.name);
  if (reservedNames.has(name.name)) env.checking.report(report.reservedName(name.span, { name: name.name, what }));
  else if (taken !== undefined) env.checking.report(report.duplicateName(name.span, { name: name.name }, [{ span: taken.span, text: 'first meaning' }]));
  return withValue(env, name.name, { type, span: name.span });
}

function hasHeads(place: Place): boolean {
  return place === 'mask' || place === 'predicate' || place === 'score' || place === 'sink' || place === 'stage';
}

/** The type of a bare name. */
export function resolveName(name: string, span: Span, env: Env): Type {
  const { checking, place } = env;
  const bound = env.values.get(name);
  if (bound !== undefined) {
    checking.usedNames.add(name);
    return bound.type;
  }
  // What comes from a use with a reported error is no further error.
  if (name.includes('.') && env.values.get(name.slice(0, name.indexOf('.')))?.type.kind === 'error') return errorType;
  if (sizeNames.has(name)) {
    const help = place === 'default' ? 'a default is made of literals; sizes are read where the parameter is used' : undefined;
    if (place === 'default' || place === 'pin') return refuse(report.notAvailable(span, { name, place: placeText[place], help }), env);
    return scalarType('int', false, sizeNames.get(name));
  }
  switch (name) {
    case 'h':
    case 'b':
      if (hasHeads(place) && !(name === 'h' && place === 'stage')) return scalarType('int', false);
      if (place === 'stage') return refuse(report.unknownIndex(span, { name, candidates: [] }), env);
      return refuse(report.notAvailable(span, { name, place: placeText[place], help: place === 'scale' ? 'a factor per head belongs into `score`' : undefined }), env);
    case 'q':
    case 'k':
      if (place === 'mask') return refuse(report.pairOutsidePredicate(span, { name }), env);
      return refuse(report.notAvailable(span, { name, place: placeText[place], help: place === 'predicate' ? 'the header of the predicate gives the positions other names' : undefined }), env);
    case 's':
      return refuse(report.notAvailable(span, { name, place: placeText[place], help: 'a change of the product is written `score s => ...`' }), env);
  }
  if (env.stage?.indices.has(name) === true) return refuse(report.unknownIndex(span, { name, candidates: [], elsewhere: true }), env);
  const global = checking.scope.get(name);
  if (global !== undefined) return resolveGlobal(global, name, span, env);
  if (bareMasks.has(name)) return maskHere(span, env);
  if (constructors.has(name)) return refuse(report.notAValue(span, { name, what: 'a constructor of masks' }), env);
  if (functions.has(name)) return refuse(report.notAValue(span, { name, what: 'a function' }), env);
  return refuse(report.unknownName(span, { name, candidates: knownNames(env) }), env);
}

function resolveGlobal(global: Global, name: string, span: Span, env: Env): Type {
  if (global.kind === 'stage') return refuse(report.stageExpected(span, { name, found: 'a stage, not a mask or a value', candidates: [] }), env);
  if (global.kind === 'chain') return refuse(report.chainUsed(span, { name }, [{ span: global.decl.name.span, text: 'declared here' }]), env);
  if (global.kind === 'attention') {
    return refuse(report.attentionUsed(span, { name }, [{ span: global.decl.name.span, text: 'declared here' }]), env);
  }
  env.checking.uses.push({ global, at: span });
  const missing = global.decl.params.find((p) => p.defaultValue === undefined);
  if (missing !== undefined) {
    return refuse(report.missingArgument(span, { callee: name, name: missing.name.name }, [{ span: missing.span, text: 'has no default' }]), env);
  }
  return maskHere(span, env);
}

function knownNames(env: Env): readonly string[] {
  const { place } = env;
  const names = [...env.values.keys()];
  if (place !== 'default' && place !== 'pin') names.push(...sizeNames.keys());
  if (hasHeads(place)) names.push('h', 'b');
  if (place === 'mask') names.push(...bareMasks, ...[...env.checking.scope].flatMap(([n, g]) => (g.kind === 'mask' ? [n] : [])));
  return names;
}

/** A mask may stand only where masks are combined. */
export function maskHere(span: Span, env: Env): Type {
  return env.place === 'mask' ? maskType : refuse(report.maskAsValue(span, {}), env);
}

export function refuse(diagnostic: Diagnostic, env: Env): Type {
  env.checking.report(diagnostic);
  return errorType;
}

/** The type as a scalar: a tensor over batch and heads stands for its current entry. Undefined (and reported) where it is none. */
export function asScalar(type: Type, span: Span, env: Env): ScalarType | undefined {
  switch (type.kind) {
    case 'scalar':
      return type;
    case 'tensor':
      if (hasHeads(env.place) && type.axes.every(isAutomatic) && requireHeads(type, type.axes.length, span, env)) return scalarType(type.element, false, type.unit);
      env.checking.report(report.tensorNeedsIndices(span, { name: type.name, type: tensorText(type.element, type.axes) }));
      return undefined;
    case 'mask':
      env.checking.report(report.maskAsValue(span, {}));
      return undefined;
    case 'attention':
      env.checking.report(report.attentionParameter(span, { reason: 'is no value' }));
      return undefined;
    case 'error':
      return undefined;
    default:
      return unreachable(type);
  }
}

/** Whether heads axes among the first `omitted` of a tensor have a current head; reported where an equation of a stage has none. */
export function requireHeads(type: TensorType, omitted: number, span: Span, env: Env): boolean {
  const needs = type.axes.slice(0, omitted).some((a) => a.kind === 'heads' || a.kind === 'kv_heads');
  if (!needs || env.place !== 'stage' || env.values.has('h')) return true;
  env.checking.report(report.tensorNeedsIndices(span, { name: type.name, type: tensorText(type.element, type.axes) }));
  return false;
}

/** Reports where the type is no mask. */
export function requireMask(type: Type, span: Span, env: Env): void {
  if (type.kind !== 'mask' && type.kind !== 'error') env.checking.report(report.valueAsMask(span, { found: typeText(type) }));
}

/** The type of `e` as an int; reported and undefined where it is something else. */
export function requireInt(e: Expr, where: string, env: Env): ScalarType | undefined {
  const type = asScalar(env.checking.infer(e, env), e.span, env);
  if (type === undefined || type.scalar === 'int') return type;
  const help = type.scalar === 'float' && e.kind === 'binary' && e.op === '/' ? '`/` is the division of floats; whole numbers are divided with `div`' : type.scalar === 'float' ? '`floor(...)` makes an int of it' : undefined;
  env.checking.report(report.typeMismatch(e.span, { where, wanted: 'int', found: type.scalar, help }));
  return undefined;
}

/** Reports where `e` is no bool. */
export function requireBool(e: Expr, where: string, env: Env): ScalarType | undefined {
  const type = asScalar(env.checking.infer(e, env), e.span, env);
  if (type === undefined || type.scalar === 'bool') return type;
  env.checking.report(report.typeMismatch(e.span, { where, wanted: 'bool', found: type.scalar, help: type.scalar === 'int' ? 'compare it, as in `... == 0`' : undefined }));
  return undefined;
}

/** The type of `e` as a number that may stand for a float; reported and undefined otherwise. */
export function requireNumber(e: Expr, where: string, env: Env): ScalarType | undefined {
  const type = asScalar(env.checking.infer(e, env), e.span, env);
  if (type === undefined || type.scalar !== 'bool') return type;
  env.checking.report(report.typeMismatch(e.span, { where, wanted: 'a number', found: 'bool' }));
  return undefined;
}
