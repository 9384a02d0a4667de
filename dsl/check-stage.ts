/**
 * Checks stages: indices, equations, uses of other stages. In: a declaration and the state of the checker. Out: reports, and the types of
 * the tensors that the stage gives to those who use it. Reductions are typed in check-reduce.ts.
 */
import type { Expr, Ident, RangeExpr, StageDecl, StageItem, StageUse } from './ast.ts';
import { childrenOf, mentions } from './ast-children.ts';
import { reservedNames } from './builtins.ts';
import * as report from './catalogue/index.ts';
import { asScalar, requireInt } from './check-env.ts';
import type { Binding, Checking, Env, StageContext } from './check-env.ts';
import { unitOfAxis } from './check-index.ts';
import { checkArguments } from './check-mask-call.ts';
import { declareParams, plainAxes, readAxis } from './check-params.ts';
import { didYouMean } from './catalogue/entry.ts';
import { unreachable } from './diagnostic.ts';
import type { Global } from './scope.ts';
import { printExpression } from './print-ast.ts';
import { nearestNames } from './suggest.ts';
import { errorType, scalarType } from './types.ts';
import type { AxisType, ScalarName, TensorType, Type } from './types.ts';

type StageGlobal = Extract<Global, { readonly kind: 'stage' }>;
type Equation = Extract<StageItem, { readonly kind: 'equation' }>;

export function indexBinding(axis: AxisType, name: Ident): Binding {
  return { type: { ...scalarType('int', false, unitOfAxis(axis)), axis: axis.kind }, span: name.span };
}

interface StageState {
  readonly decl: StageDecl;
  readonly checking: Checking;
  /** Parameters, local names and tensors so far. */
  values: ReadonlyMap<string, Binding>;
  readonly indices: Map<string, AxisType>;
  readonly tensors: Map<string, TensorType>;
  readonly repeated: boolean;
}

const keyAxes: readonly AxisType[] = [{ kind: 'batch' }, { kind: 'kv_heads' }, { kind: 'keys' }, { kind: 'dim' }];

/** Axes of q, k and v. */
export const inputAxes: ReadonlyMap<string, readonly AxisType[]> = new Map<string, readonly AxisType[]>([
  ['q', [{ kind: 'batch' }, { kind: 'heads' }, { kind: 'queries' }, { kind: 'dim' }]], ['k', keyAxes], ['v', keyAxes],
]);

/** Checks the declaration; its tensors by name. */
export function checkStage(decl: StageDecl, checking: Checking): ReadonlyMap<string, TensorType> {
  const values = new Map(declareParams(decl.params, checking));
  for (const [name, axes] of inputAxes) {
    if (!values.has(name)) values.set(name, { type: { kind: 'tensor', name, element: 'float', axes }, span: decl.name.span });
  }
  const state: StageState = { decl, checking, values, indices: new Map([['h', { kind: 'heads' }]]), tensors: new Map(), repeated: false };
  checkItems(decl.items, state);
  return state.tensors;
}

function checkItems(items: readonly StageItem[], state: StageState): void {
  for (const item of items) {
    switch (item.kind) {
      case 'index':
        declareIndex(item.name, item.range, state);
        break;
      case 'let':
        declare(item.name, state.checking.infer(item.value, launchEnv(state)), 'a local name', state);
        break;
      case 'equation':
        checkEquation(item, state);
        break;
      case 'repeat': {
        const type = requireInt(item.count, 'the count of `repeat`', launchEnv(state));
        if (type !== undefined && !type.constant) state.checking.report(report.notConstant(item.count.span, { where: 'the count of `repeat`' }));
        const inner = { ...state, repeated: true };
        checkItems(item.items, inner);
        state.values = inner.values;
        break;
      }
      case 'stage':
        for (const [name, binding] of useBindings(item, { place: 'stage', values: state.values, checking: state.checking })) {
          state.values = new Map(state.values).set(name, binding);
        }
        break;
      default:
        unreachable(item);
    }
  }
}

/** Sizes, parameters and local names, but no tensors: what a launch knows before anything is computed. */
function launchEnv(state: StageState): Env {
  const values = new Map([...state.values].filter(([, b]) => b.type.kind !== 'tensor'));
  return { place: 'scale', values, checking: state.checking };
}

/** Reports a name that has a meaning already. */
function claim({ name, span }: Ident, what: string, { checking, values, indices }: StageState): void {
  const taken = values.get(name);
  if (reservedNames.has(name)) checking.report(report.reservedName(span, { name, what }));
  else if (taken !== undefined || indices.has(name)) {
    checking.report(report.duplicateName(span, { name }, taken === undefined ? [] : [{ span: taken.span, text: 'first meaning' }]));
  }
}

function declare(name: Ident, type: Type, what: string, state: StageState): void {
  claim(name, what, state);
  state.values = new Map(state.values).set(name.name, { type, span: name.span });
}

function declareIndex(name: Ident, range: Expr | RangeExpr, state: StageState): void {
  claim(name, 'an index', state);
  state.indices.set(name.name, axisOfRange(range, state.decl, launchEnv(state)) ?? { kind: 'counted', extent: '?' });
}

/** The axis that a range describes; reported and undefined where it is none. Ranges of indices begin at 0. */
export function axisOfRange(range: Expr | RangeExpr, decl: StageDecl, env: Env): AxisType | undefined {
  if (range.kind === 'range') {
    requireInt(range.from, 'the start of the range', env);
    requireInt(range.to, 'the end of the range', env);
    if (range.from.kind !== 'int' || range.from.value !== 0) {
      env.checking.report(report.unknownAxis(range.from.span, { help: 'the range of an index begins at 0; add what it should begin with where it is used' }));
    }
    return { kind: 'counted', extent: printExpression(range.to) };
  }
  const reading = readAxis(range, decl.params);
  if (reading.ok && reading.uses !== undefined) env.checking.usedNames.add(reading.uses);
  if (reading.ok && reading.axis.kind === 'free') {
    const bound = env.values.get(reading.axis.name);
    if (bound === undefined) env.checking.report(report.unknownAxis(range.span, { help: didYouMean(nearestNames(reading.axis.name, [...plainAxes, ...env.values.keys()])) ?? 'write `0 .. n`, or an axis such as `keys`, `queries / 64` or one of a tensor parameter' }));
    else env.checking.usedNames.add(reading.axis.name);
    return { kind: 'counted', extent: reading.axis.name };
  }
  if (reading.ok) return reading.axis;
  if (reading.kind !== 'hole') env.checking.report(report.unknownAxis(range.span, { help: reading.help }));
  return undefined;
}

/** Reads of the own tensor stand at one smaller index, written `i - 1`, all others as they are. */
function checkRecurrence(item: Equation, checking: Checking): void {
  const along = new Set<string>();
  for (const read of readsOf(item.body, item.name.name)) {
    const left = item.indices.length - read.indices.length;
    const behind = read.indices.flatMap((e, n): readonly string[] => {
      const index = item.indices[left + n]?.name ?? '';
      if (e.kind === 'name' && e.name === index) return [];
      const isEarlier = e.kind === 'binary' && e.op === '-' && e.left.kind === 'name' && e.left.name === index && e.right.kind === 'int' && e.right.value >= 1;
      return [isEarlier ? index : ''];
    });
    const [only, more] = behind;
    if (only === undefined || only === '' || more !== undefined || left !== 0) {
      checking.report(report.badRecurrence(read.span, { name: item.name.name, reason: 'may read itself at an earlier place of one index only, such as `t - 1`' }));
    } else along.add(only);
  }
  if (along.size > 1) checking.report(report.badRecurrence(item.span, { name: item.name.name, reason: 'reads itself along two indices' }));
}

function readsOf(e: Expr, name: string): readonly Extract<Expr, { readonly kind: 'index' }>[] {
  return [...(e.kind === 'index' && e.base.name === name ? [e] : []), ...childrenOf(e).flatMap((c) => readsOf(c, name))];
}

function checkEquation(item: Equation, state: StageState): void {
  const { checking } = state;
  const values = new Map(state.values);
  const axes: AxisType[] = [{ kind: 'batch' }];
  const seen = new Set<string>();
  for (const index of item.indices) {
    const axis = state.indices.get(index.name);
    if (axis === undefined) checking.report(report.unknownIndex(index.span, { name: index.name, candidates: state.indices.keys() }));
    if (seen.has(index.name)) checking.report(report.indexTaken(index.span, { name: index.name }));
    seen.add(index.name);
    const known = axis ?? { kind: 'counted', extent: '?' };
    axes.push(known);
    values.set(index.name, indexBinding(known, index));
  }
  const { name } = item.name;
  const before = state.tensors.get(name);
  const updates = before !== undefined && state.repeated;
  // The product of query and key has no name in stages.
  if (name !== 's' && reservedNames.has(name)) checking.report(report.reservedName(item.name.span, { name, what: 'a tensor' }));
  else if (!updates && (state.values.has(name) || state.indices.has(name))) {
    const first = state.values.get(name)?.span;
    checking.report(report.duplicateName(item.name.span, { name }, first === undefined ? [] : [{ span: first, text: 'first meaning' }]));
  }
  const stage: StageContext = { decl: state.decl, indices: state.indices, own: new Set(seen), reduced: false };
  const typed = (element: ScalarName): TensorType => ({ kind: 'tensor', name, element, axes });
  const envOf = (own: TensorType | undefined, to: Checking): Env => {
    const inner = new Map(values);
    if (own !== undefined) inner.set(name, { type: own, span: item.name.span });
    return { place: 'stage', values: inner, checking: to, stage };
  };
  let own: TensorType | undefined = before;
  if (!updates && mentions(item.body, name)) {
    checkRecurrence(item, checking);
    const fits = (['int', 'float', 'bool'] as const).find((element) => {
      let errors = 0;
      const quiet: Checking = { ...checking, uses: [], usedNames: new Set(), report: () => void (errors += 1) };
      const type = checking.infer(item.body, envOf(typed(element), quiet));
      return errors === 0 && type.kind === 'scalar' && type.scalar === element;
    });
    own = typed(fits ?? 'float');
  }
  const env = envOf(own, checking);
  const type = asScalar(checking.infer(item.body, env), item.body.span, env);
  const element = type?.scalar ?? 'float';
  const precision = item.precision;
  if (precision !== undefined && (element !== 'float' || !['f32', 'f16', 'bf16'].includes(precision.name))) {
    checking.report(report.unknownPrecision(precision.span, { name: precision.name }));
  }
  if (updates && before !== undefined && type !== undefined && type.scalar !== before.element && !(before.element === 'float' && type.scalar === 'int')) {
    checking.report(report.typeMismatch(item.body.span, { where: `the new value of \`${name}\``, wanted: before.element, found: type.scalar }));
  }
  const unit = type?.unit;
  const result: TensorType = updates && before !== undefined ? before : unit === undefined ? typed(element) : { ...typed(element), unit };
  state.tensors.set(name, result);
  state.values = new Map(state.values).set(name, { type: type === undefined ? errorType : result, span: item.name.span });
}

/** The names that `stage x = callee(...)` brings: `x.tensor` for every tensor of the callee. */
export function useBindings(use: StageUse, env: Env): readonly (readonly [string, Binding])[] {
  const { checking } = env;
  const global = checking.scope.get(use.callee.name);
  const taken = env.values.get(use.name.name);
  if (reservedNames.has(use.name.name)) checking.report(report.reservedName(use.name.span, { name: use.name.name, what: 'a used stage' }));
  else if (taken !== undefined) checking.report(report.duplicateName(use.name.span, { name: use.name.name }, [{ span: taken.span, text: 'first meaning' }]));
  if (global?.kind !== 'stage') {
    const candidates = [...checking.scope].flatMap(([n, g]) => (g.kind === 'stage' ? [n] : []));
    const found = global === undefined ? 'not declared' : `a declared ${global.kind}, not a stage`;
    checking.report(report.stageExpected(use.callee.span, { name: use.callee.name, found, candidates }));
    return [[use.name.name, { type: errorType, span: use.name.span }]];
  }
  checking.uses.push({ global, at: use.callee.span });
  checkArguments({ callee: use.callee, args: use.args, span: use.span }, global.decl, env, 'stage');
  return [...stageResults(global, checking)].map(([name, type]) => {
    const full = `${use.name.name}.${name}`;
    return [full, { type: { ...type, name: full }, span: use.name.span }] as const;
  });
}

const results = new WeakMap<StageDecl, ReadonlyMap<string, TensorType>>();

/** Tensors of a stage, without reports; a stage that uses itself gives none (the cycle is reported elsewhere). */
export function stageResults(global: StageGlobal, checking: Checking): ReadonlyMap<string, TensorType> {
  const known = results.get(global.decl);
  if (known !== undefined) return known;
  results.set(global.decl, new Map());
  const scope = checking.scopeOf(global.file);
  const found = checkStage(global.decl, { ...checking, scope, report: () => undefined, usedNames: new Set(), uses: [] });
  results.set(global.decl, found);
  return found;
}
