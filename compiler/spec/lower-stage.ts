/**
 * Stages to stage tensors. In: a checked stage, its arguments. Out: the tensors of its equations, in order, under a prefix; uses of other
 * stages are inlined and `repeat` is unrolled (each round makes tensors of its own, and names mean the newest). Reductions are lowered
 * in lower-reduce.ts, which puts operators that see a whole axis into helper tensors of their own.
 */
import type { Arg, Expr as Syntax, RangeExpr, StageDecl, StageItem, StageUse } from '../../dsl/ast.ts';
import * as report from '../../dsl/catalogue/index.ts';
import { DiagnosticError, unreachable } from '../../dsl/diagnostic.ts';
import type { Global } from '../../dsl/program.ts';
import { mentions, readAxis } from '../../dsl/program.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { freeRefs, readsOf, sameExpr } from '../expr/traverse.ts';
import type { Axis } from './ir.ts';
import { axesOf, bindArguments } from './lower-params.ts';
import { broken, scalarAt, scalarOf, scalarValue } from './lower-scalar.ts';
import { bounded, stop } from './lower-state.ts';
import type { BoundTensor, Env, EquationContext, Lowering, StageScope, Value } from './lower-state.ts';
import { firstQuery } from './names.ts';
import type { StageIndex, StageTensor } from './stage.ts';

type StageGlobal = Extract<Global, { readonly kind: 'stage' }>;
type Equation = Extract<StageItem, { readonly kind: 'equation' }>;

/** Rounds of `repeat`, all taken together in one program. */
const roundLimit = 4096;

const keyAxes: readonly Axis[] = [{ kind: 'batch' }, { kind: 'kv_heads' }, { kind: 'keys' }, { kind: 'dim' }];

/** Axes of q, k and v. */
export const inputAxes: ReadonlyMap<string, readonly Axis[]> = new Map<string, readonly Axis[]>([
  ['q', [{ kind: 'batch' }, { kind: 'heads' }, { kind: 'queries' }, { kind: 'dim' }]], ['k', keyAxes], ['v', keyAxes],
]);

/** The tensors of the stage's equations as `prefix` + name; `values` are its parameters. */
export function lowerStage(l: Lowering, decl: StageDecl, values: ReadonlyMap<string, Value>, prefix: string, file: string): ReadonlyMap<string, Value> {
  const scope = l.program.scopes.get(file) ?? broken(`no scope of ${file}`);
  const all = new Map<string, Value>(values);
  for (const [name, axes] of inputAxes) if (!all.has(name)) all.set(name, { kind: 'tensor', tensor: { name, element: 'float', leading: [], axes } });
  const stage: StageScope = { decl, prefix, indices: new Map([['h', { kind: 'heads' }]]), rounds: { count: 0 } };
  const tensors = new Map<string, Value>();
  lowerItems(l, decl.items, { values: all, scope, locals: [], stage }, tensors);
  return tensors;
}

/** Tensors of `stage name = callee(args)`, by their full names. */
export function lowerUse(l: Lowering, use: StageUse, env: Env, prefix: string): ReadonlyMap<string, Value> {
  const global = env.scope.get(use.callee.name);
  if (global?.kind !== 'stage') return broken(`\`${use.callee.name}\` is no stage`);
  const values = argumentsOf(l, global, use.args, env);
  const tensors = lowerStage(l, global.decl, values, `${prefix}${use.name.name}.`, global.file);
  return new Map([...tensors].map(([name, value]) => [`${use.name.name}.${name}`, value]));
}

function argumentsOf(l: Lowering, global: StageGlobal, args: readonly Arg[], env: Env): ReadonlyMap<string, Value> {
  const scope = l.program.scopes.get(global.file) ?? broken(`no scope of ${global.file}`);
  return bindArguments(l, global.decl.params, args, (e) => l.lower(e, env), (e) => l.lower(e, { values: new Map(), scope, locals: [] }));
}

function lowerItems(l: Lowering, items: readonly StageItem[], start: Env, tensors: Map<string, Value>): Env {
  let env = start;
  const set = (name: string, value: Value): void => void (env = { ...env, values: new Map(env.values).set(name, value) });
  const stage = start.stage ?? broken('items outside a stage');
  for (const item of items) {
    switch (item.kind) {
      case 'index':
        stage.indices.set(item.name.name, rangeAxis(l, item.range, env));
        break;
      case 'let':
        set(item.name.name, l.lower(item.value, env));
        break;
      case 'equation': {
        const value = lowerEquation(l, item, env);
        set(item.name.name, value);
        tensors.set(item.name.name, value);
        break;
      }
      case 'repeat': {
        const count = scalarAt(l, item.count, env);
        if (count.kind !== 'literal') return broken('a count that is not known');
        stage.rounds.count += Math.max(0, count.value);
        if (stage.rounds.count > roundLimit) stop(report.programTooLarge(item.span, { name: l.name, what: 'rounds', limit: roundLimit }));
        if (count.value < 1) stop(report.requirementNotMet(item.count.span, { message: '`repeat` runs its equations at least once' }));
        for (let round = 0; round < count.value; round += 1) env = lowerItems(l, item.items, env, tensors);
        break;
      }
      case 'stage':
        for (const [name, value] of lowerUse(l, item, env, stage.prefix)) set(name, value);
        break;
      default:
        return unreachable(item);
    }
  }
  return env;
}

/** The axis of an index: counted where it is written as a range. */
export function rangeAxis(l: Lowering, range: Syntax | RangeExpr, env: Env): Axis {
  if (range.kind === 'range') return { kind: 'counted', extent: scalarAt(l, range.to, env) };
  const stage = env.stage ?? broken('an index outside a stage');
  const reading = readAxis(range, stage.decl.params);
  if (!reading.ok) return broken('a range the checker did not accept');
  if (reading.axis.kind === 'free') return { kind: 'counted', extent: scalarOf(env.values.get(reading.axis.name) ?? broken(`no extent ${reading.axis.name}`)) };
  return axesOf(l, { axes: [range] }, stage.decl.params, env.values)[0] ?? broken('no axis');
}

/** What the name of an index stands for: a position over `queries`, else its number. */
export function indexValue(axis: Axis, name: string): Value {
  const number = x.ref(name, 'int');
  return scalarValue(axis.kind === 'queries' ? x.add(number, firstQuery()) : number);
}

/** A name for an index that hides nothing. */
export function indexName(l: Lowering, base: string, axis: Axis, locals: readonly string[]): string {
  if (axis.kind === 'heads' && base === 'h') return 'h';
  let name = base;
  for (let i = 1; l.taken.has(name) || locals.includes(name); i += 1) name = `${base}_${i}`;
  return name;
}

function lowerEquation(l: Lowering, item: Equation, env: Env): Value {
  const stage = env.stage ?? broken('an equation outside a stage');
  const values = new Map(env.values);
  const locals = [...env.locals];
  const indices: StageIndex[] = [{ name: 'b', axis: { kind: 'batch' } }];
  for (const { name } of item.indices) {
    const axis = stage.indices.get(name) ?? broken(`no index ${name}`);
    const own = indexName(l, name, axis, locals);
    locals.push(own);
    indices.push({ name: own, axis });
    values.set(name, indexValue(axis, own));
  }
  const previous = env.values.get(item.name.name);
  const name = freshTensor(l, `${stage.prefix}${item.name.name}`);
  const axes = indices.map((i) => i.axis);
  const self: BoundTensor = { name, element: 'float', leading: [], axes };
  // In a round of `repeat` the name still means the tensor of the round before.
  if (previous === undefined) values.set(item.name.name, { kind: 'tensor', tensor: self });
  const equation: EquationContext = { name, indices, byName: new Map(item.indices.map((i, at) => [i.name, indices[at + 1] ?? broken('no index')])) };
  const inner: Env = { ...env, values, locals, equation };
  const lowered = elementOf(l, item, inner, self, previous);
  const value = bounded(l, lowered, item.span);
  const precision = item.precision?.name;
  const tensor: StageTensor = {
    name, doc: item.doc, element: value.type, indices, span: item.span,
    precision: precision === 'f16' || precision === 'bf16' ? precision : 'f32',
    rule: ruleOf(l, item, value, equation),
  };
  l.stages.push(tensor);
  return { kind: 'tensor', tensor: { ...self, element: value.type } };
}

/**
 * The body; where it reads its own tensor, the type of its elements is the one that comes out when it is assumed.
 */
function elementOf(l: Lowering, item: Equation, env: Env, self: BoundTensor, previous: Value | undefined): Expr {
  if (previous !== undefined) {
    const value = scalarAt(l, item.body, env);
    return previous.kind === 'tensor' && previous.tensor.element === 'float' ? x.toFloat(value) : value;
  }
  if (!mentions(item.body, item.name.name)) return scalarAt(l, item.body, env);
  // What stops one reading without being about its type stops all of them.
  let stopped: DiagnosticError | undefined;
  for (const element of ['int', 'float', 'bool'] as const) {
    const before = l.stages.length;
    try {
      const values = new Map(env.values).set(item.name.name, { kind: 'tensor', tensor: { ...self, element } });
      const value = scalarAt(l, item.body, { ...env, values });
      if (value.type === element) return value;
    } catch (error) {
      if (error instanceof DiagnosticError) stopped ??= error;
      if (element === 'bool') throw stopped ?? error;
    }
    l.stages.length = before;
  }
  return broken('an equation without a type');
}

function freshTensor(l: Lowering, base: string): string {
  const used = (name: string): boolean => l.taken.has(name) || l.stages.some((t) => t.name === name);
  let name = base;
  for (let i = 1; used(name); i += 1) name = `${base}'${i}`;
  return name;
}

/** A map, or a recurrence where the value reads its own tensor: at one smaller index, all others as they are. */
function ruleOf(l: Lowering, item: Equation, value: Expr, equation: EquationContext): StageTensor['rule'] {
  const reads = readsOf(value, equation.name);
  if (reads.length === 0) return { kind: 'map', value };
  const wrong = (reason: string): never => stop(report.badRecurrence(item.span, { name: item.name.name, reason }));
  const along = new Set<string>();
  for (const read of reads) {
    const different = equation.indices.filter((index, at) => !sameExpr(read.indices[at] ?? x.int(0), x.ref(index.name, 'int')));
    const [only] = different;
    if (only === undefined || different.length > 1) return wrong('reads itself at its own place, or at another place of several indices');
    const at = read.indices[equation.indices.indexOf(only)] ?? x.int(0);
    const step = x.sub(x.ref(only.name, 'int'), at);
    const behind = step.kind === 'literal' ? step.value >= 1 : isBehind(at, only.name);
    if (!behind || [...freeRefs(at)].some((r) => r !== only.name)) return wrong('must read itself at an earlier place of one index, such as `t - 1`');
    along.add(only.name);
  }
  const [first, second] = along;
  if (first === undefined || second !== undefined) return wrong('reads itself along two indices');
  return { kind: 'recurrence', along: first, value };
}

/** `name - c` or `name + -c` with a literal c of at least 1. */
function isBehind(at: Expr, name: string): boolean {
  if (at.kind !== 'binary' || at.left.kind !== 'ref' || at.left.name !== name || at.right.kind !== 'literal') return false;
  return at.op === 'sub' ? at.right.value >= 1 : at.op === 'add' && at.right.value <= -1;
}
