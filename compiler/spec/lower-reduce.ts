/**
 * Reductions of equations. In: a checked reduction and the equation it stands in. Out: folds over fresh local indices, or, for operators
 * that see a whole axis, a read of a helper tensor that has been put before the equation. Sums over rows (`dot`) are folds as well.
 */
import type { Expr as Syntax, ReduceIndex } from '../../dsl/ast.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { freeRefs, readTensors, substitute } from '../expr/traverse.ts';
import * as report from '../../dsl/catalogue/index.ts';
import type { Axis } from './ir.ts';
import { broken, readAt, scalarAt, scalarValue } from './lower-scalar.ts';
import { isLaunchKnown, require, stop } from './lower-state.ts';
import type { BoundTensor, Env, EquationContext, Lowering, Value } from './lower-state.ts';
import { indexName, indexValue, rangeAxis } from './lower-stage.ts';
import { extentOfAxis, firstQuery } from './names.ts';
import { ruleParts, type StageIndex, type StageRule } from './stage.ts';

type Reduce = Extract<Syntax, { readonly kind: 'reduce' }>;
type Call = Extract<Syntax, { readonly kind: 'call' }>;

/** One index of a fold: its range in order, and what it is called. */
interface Loop {
  readonly local: string;
  readonly from: Expr;
  readonly to: Expr;
}

export function lowerReduce(l: Lowering, e: Reduce, env: Env): Expr {
  const equation = env.equation ?? broken('a reduction outside an equation');
  switch (e.op) {
    case 'sum':
    case 'min':
    case 'max':
    case 'any':
    case 'all':
    case 'mean':
      return lowerFold(l, e, e.op, env);
    case 'softmax':
    case 'rank':
    case 'mass':
    case 'cumsum':
    case 'top':
    case 'top_mass':
      return lowerWhole(l, e, e.op, env, equation);
    case 'argmax':
      return lowerOrder(l, e, x.int(0), env, equation);
    case 'nth':
      return lowerOrder(l, e, scalarAt(l, e.arg ?? broken('nth of nothing'), env), env, equation);
    default:
      return unreachable(e.op);
  }
}

/** Binds the indices of a reduction; later ranges may use earlier indices. */
function loops(l: Lowering, over: readonly ReduceIndex[], start: Env): { readonly env: Env; readonly loops: readonly Loop[]; readonly indices: readonly StageIndex[] } {
  const stage = start.stage ?? broken('a reduction outside a stage');
  let env = start;
  const list: Loop[] = [];
  const indices: StageIndex[] = [];
  for (const { name, range } of over) {
    let axis: Axis | undefined;
    let from: Expr = x.int(0);
    let to: Expr | undefined;
    if (range?.kind === 'range') {
      from = scalarAt(l, range.from, env);
      to = scalarAt(l, range.to, env);
    } else {
      axis = range === undefined ? stage.indices.get(name.name) : rangeAxis(l, range, env);
    }
    const known: Axis = axis ?? { kind: 'counted', extent: x.max(x.int(0), x.sub(to ?? broken('no range'), from)) };
    const local = indexName(l, name.name, known, env.locals);
    list.push({ local, from, to: to ?? extentOfAxis(known) });
    indices.push({ name: local, axis: known });
    const value = axis === undefined ? scalarValue(x.ref(local, 'int')) : indexValue(axis, local);
    env = { ...env, values: new Map(env.values).set(name.name, value), locals: [...env.locals, local] };
  }
  return { env, loops: list, indices };
}

function nest(op: 'sum' | 'min' | 'max' | 'any' | 'all', list: readonly Loop[], body: Expr): Expr {
  return list.reduceRight((inner, loop) => x.fold(op, loop.local, loop.from, loop.to, inner), body);
}

function lowerFold(l: Lowering, e: Reduce, op: 'sum' | 'min' | 'max' | 'any' | 'all' | 'mean', env: Env): Expr {
  const inside = loops(l, e.over, env);
  const where = e.where === undefined ? undefined : scalarAt(l, e.where, inside.env);
  const body = scalarAt(l, e.body, inside.env);
  const fold = op === 'mean' ? 'sum' : op;
  const value = op === 'mean' ? x.toFloat(body) : body;
  const total = nest(fold, inside.loops, where === undefined ? value : x.select(where, value, x.emptyFold(fold, value.type)));
  if (op !== 'mean') return total;
  const count = nest('sum', inside.loops, where === undefined ? x.int(1) : x.select(where, x.int(1), x.int(0)));
  return x.divide(total, x.toFloat(x.max(x.int(1), count)));
}

/** A helper tensor, and where the equation finds its own element in it; a last index of its own is left out. */
interface Helper {
  readonly tensor: BoundTensor;
  readonly here: readonly Expr[];
}

/**
 * Puts a helper tensor before the equation. Its indices are those of the equation that the rule speaks of, since along all others its
 * elements are the same: a list that is sorted for its entries is sorted once, not once an entry.
 */
function helper(l: Lowering, e: Reduce, equation: EquationContext, rule: StageRule, element: 'int' | 'float', more: readonly StageIndex[] = []): Helper {
  for (const part of ruleParts(rule)) {
    if (readTensors(part).has(equation.name)) stop(report.badRecurrence(e.span, { name: equation.name, reason: 'is needed whole to compute itself' }));
  }
  const name = uniqueName(l, `${equation.name}'${e.op}`);
  const spoken = new Set(ruleParts(rule).flatMap((part) => [...freeRefs(part)]).concat('over' in rule ? rule.over.map((i) => (typeof i === 'string' ? i : i.name)) : []));
  const own = equation.indices.filter((i, at) => at === 0 || spoken.has(i.name));
  const indices = [...own, ...more];
  l.stages.push({ name, doc: [], element, precision: 'f32', indices, rule, span: e.span });
  return { tensor: { name, element, leading: [], axes: indices.map((i) => i.axis) }, here: own.map((i) => x.ref(i.name, 'int')) };
}

function uniqueName(l: Lowering, base: string): string {
  let name = base;
  for (let i = 2; l.stages.some((t) => t.name === name); i += 1) name = `${base}_${i}`;
  return name;
}

const here = (equation: EquationContext): readonly Expr[] => equation.indices.map((i) => x.ref(i.name, 'int'));

function lowerWhole(l: Lowering, e: Reduce, op: 'softmax' | 'rank' | 'mass' | 'cumsum' | 'top' | 'top_mass', env: Env, equation: EquationContext): Expr {
  const over = e.over.map((i) => equation.byName.get(i.name.name)?.name ?? broken(`no index ${i.name.name}`));
  const where = e.where === undefined ? x.bool(true) : scalarAt(l, e.where, env);
  const body = scalarAt(l, e.body, env);
  const at = ({ tensor, here: own }: Helper): Expr => x.read(tensor.name, tensor.element, own);
  switch (op) {
    case 'softmax':
      return at(helper(l, e, equation, { kind: 'softmax', over, where, value: x.toFloat(body) }, 'float'));
    case 'rank':
      return at(helper(l, e, equation, { kind: 'rank', over, where, key: x.toFloat(body) }, 'int'));
    case 'mass':
      return at(helper(l, e, equation, { kind: 'mass', over, where, key: x.toFloat(body) }, 'float'));
    case 'top': {
      const rank = at(helper(l, e, equation, { kind: 'rank', over, where, key: x.toFloat(body) }, 'int'));
      return x.and(where, x.lt(rank, scalarAt(l, e.arg ?? broken('top of nothing'), env)));
    }
    case 'top_mass': {
      const mass = at(helper(l, e, equation, { kind: 'mass', over, where, key: x.toFloat(body) }, 'float'));
      return x.and(where, x.lt(mass, x.toFloat(scalarAt(l, e.arg ?? broken('top_mass of nothing'), env))));
    }
    case 'cumsum': {
      const [along] = over;
      if (along === undefined) return broken('cumsum over nothing');
      const element = body.type === 'int' ? 'int' : 'float';
      const name = uniqueName(l, `${equation.name}'cumsum`);
      const before = equation.indices.map((i) => (i.name === along ? x.sub(x.ref(i.name, 'int'), x.int(1)) : x.ref(i.name, 'int')));
      const value = x.add(x.read(name, element, before), where.kind === 'literal' ? body : x.select(where, body, x.emptyFold('sum', element)));
      l.stages.push({ name, doc: [], element, precision: 'f32', indices: equation.indices, rule: { kind: 'recurrence', along, value }, span: e.span });
      return x.read(name, element, here(equation));
    }
    default:
      return unreachable(op);
  }
}

/** The number of the element of rank `rank`; the helper's last index runs over ranks. */
function lowerOrder(l: Lowering, e: Reduce, rank: Expr, env: Env, equation: EquationContext): Expr {
  const inside = loops(l, e.over, env);
  const where = e.where === undefined ? x.bool(true) : scalarAt(l, e.where, inside.env);
  const key = x.toFloat(scalarAt(l, e.body, inside.env));
  const [first] = inside.loops;
  if (first === undefined) return broken('an order over nothing');
  const extents = inside.indices.map((i) => extentOfAxis(i.axis));
  if (!extents.every((extent) => isLaunchKnown(l, extent))) {
    stop(report.wholeAxis(e.span, { op: e.op, reason: 'runs over ranges as long as a launch knows; choose among more with `where`' }));
  }
  const all = extents.reduce(x.mul);
  // A range that does not begin at 0 counts from its start.
  const fromZero = inside.loops.every((loop) => loop.from.kind === 'literal' && loop.from.value === 0);
  const along = indexName(l, 'r', { kind: 'dim' }, inside.env.locals);
  const asked = equation.indices.find((i) => rank.kind === 'ref' && rank.name === i.name);
  const extent = rank.kind === 'literal' ? x.int(Math.max(1, rank.value + 1)) : asked === undefined ? all : extentOfAxis(asked.axis);
  const ranks: StageIndex = { name: along, axis: { kind: 'counted', extent } };
  const counted = (part: Expr): Expr => (fromZero ? part : shift(part, inside.loops));
  const rule: StageRule = { kind: 'order', along, over: inside.indices, where: counted(where), key: counted(key) };
  const made = helper(l, e, equation, rule, 'int', [ranks]);
  const number = x.read(made.tensor.name, 'int', [...made.here, rank]);
  if (inside.loops.length > 1) return number;
  const isPosition = inside.indices[0]?.axis.kind === 'queries';
  const base = isPosition ? firstQuery() : first.from;
  return base.kind === 'literal' && base.value === 0 ? number : x.select(x.lt(number, x.int(0)), number, x.add(number, base));
}

/** Names of loop indices counted from the start of their range. */
function shift(e: Expr, list: readonly Loop[]): Expr {
  return substitute(e, new Map(list.map((loop) => [loop.local, x.add(x.ref(loop.local, 'int'), loop.from)])));
}

/** `dot(x[i], y[j])`: the sum over the last axes, which must have one extent. */
export function lowerDot(l: Lowering, e: Call, env: Env): Expr {
  const [left, right] = e.args.map((a) => (a.value.kind === 'range' ? broken('a range in dot') : openRow(l, a.value, env)));
  if (left === undefined || right === undefined) return broken('dot of one row');
  const local = indexName(l, 'c', { kind: 'dim' }, env.locals);
  const [a, b] = [extentOfAxis(left.last), extentOfAxis(right.last)];
  require(l, x.eq(a, b), 'the rows of `dot` must have one length', e.span);
  const channel = x.ref(local, 'int');
  return x.fold('sum', local, x.int(0), a, x.mul(x.toFloat(left.at(channel)), x.toFloat(right.at(channel))));
}

function openRow(l: Lowering, e: Syntax, env: Env): { readonly last: Axis; readonly at: (channel: Expr) => Expr } {
  const name = e.kind === 'index' ? e.base.name : e.kind === 'name' ? e.name : broken('a row that is no tensor');
  const value: Value | undefined = env.values.get(name) ?? l.lower({ kind: 'name', name, span: e.span }, env);
  if (value.kind !== 'tensor') return broken(`\`${name}\` is no tensor`);
  const { tensor } = value;
  const given = e.kind === 'index' ? e.indices.map((i) => scalarAt(l, i, env)) : [];
  const last = tensor.axes[tensor.axes.length - 1] ?? broken('a tensor without axes');
  return { last: withExtent(tensor, last), at: (channel) => readAt(tensor, [...given, last.kind === 'queries' ? x.add(channel, firstQuery()) : channel], env) };
}

/** A free axis as what the tensor has. */
function withExtent(tensor: BoundTensor, axis: Axis): Axis {
  return axis.kind === 'free' ? { kind: 'counted', extent: x.ref(`${tensor.name}.${axis.name}`, 'int') } : axis;
}
