/**
 * What selecting costs: arithmetic and memory of the stage tensors, from their rules alone. In: a spec. Out: for each tensor float
 * operations and bytes as float expressions of sizes, launch scalars and free extents. Counted is the text as written: every element, every step
 * of a fold, both sides of a choice; index arithmetic is free. What a kernel saves where a condition fails is not taken off.
 * Bounds of folds that move with an index count with that index in the middle, which is the mean for bounds that are affine.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { add, div, float, int, max, mul, ref, sub, toFloat, unary } from '../expr/build.ts';
import { evaluate } from '../expr/evaluate.ts';
import type { Expr } from '../expr/ir.ts';
import { children, mapChildren, readTensors, substitute } from '../expr/traverse.ts';
import { worldOf } from '../interpreters/dense/scalar.ts';
import type { Launch, Spec } from '../spec/ir.ts';
import { ruleParts, type StageIndex, type StageTensor } from '../spec/stage.ts';
import { shareStages } from '../stage/share-stages.ts';
import { indexExtents } from '../stage/tensors.ts';

export interface StageWork {
  readonly tensor: string;
  /** float: additions, products, comparisons and functions of floats, each one. */
  readonly flops: Expr;
  /** float: the tensor written once, and q, k, v and the stage tensors it reads read once. */
  readonly bytes: Expr;
}

const name = (text: string): Expr => ref(text, 'int');

const product = (factors: readonly Expr[]): Expr => factors.reduce(mul, float(1));
const total = (terms: readonly Expr[]): Expr => terms.reduce(add, float(0));
/** Extents of indices; nobody else's free axes are among them. */
const extentsOfIndices = (indices: readonly StageIndex[]): readonly Expr[] => indexExtents('', indices);
const countOf = (indices: readonly StageIndex[]): Expr => product(extentsOfIndices(indices).map(toFloat));

type Middles = ReadonlyMap<string, Expr>;

function middlesOf(indices: readonly StageIndex[], before: Middles = new Map()): Middles {
  return new Map([...before, ...extentsOfIndices(indices).map((extent, i) => [indices[i]?.name ?? '', div(extent, int(2))] as const)]);
}

/** A bound as an expression of the launch: entries of tensors, which only the device knows, count as 1. */
function atLaunch(bound: Expr, middles: Middles): Expr {
  const known = (e: Expr): Expr => (e.kind === 'read' ? int(1) : mapChildren(e, known));
  return substitute(known(bound), middles);
}

function operations(e: Expr, middles: Middles): Expr {
  const inside = (): Expr => total(children(e).map((child) => operations(child, middles)));
  switch (e.kind) {
    case 'literal':
    case 'ref':
    case 'element':
      return float(0);
    case 'read':
    case 'select':
      return inside();
    case 'unary':
      return e.op !== 'to_float' && e.arg.type === 'float' ? add(inside(), float(1)) : inside();
    case 'binary':
      return e.left.type === 'float' || e.right.type === 'float' ? add(inside(), float(1)) : inside();
    case 'fold': {
      const from = atLaunch(e.from, middles);
      const steps = max(int(0), sub(atLaunch(e.to, middles), from));
      const body = operations(e.body, new Map([...middles, [e.local, add(from, div(steps, int(2)))]]));
      return mul(toFloat(steps), e.type === 'float' ? add(body, float(1)) : body);
    }
    default:
      return unreachable(e);
  }
}

/** Comparisons of one element in a sort of these: the logarithm of how many there are, rounded up. */
function comparisons(over: readonly StageIndex[]): Expr {
  return total(extentsOfIndices(over).map((extent) => toFloat(unary('bit_length', max(int(0), sub(extent, int(1)))))));
}

function flopsOf(t: StageTensor): Expr {
  const { rule } = t;
  const elements = countOf(t.indices);
  const middles = middlesOf(t.indices);
  const along = (names: readonly string[]): readonly StageIndex[] => t.indices.filter((i) => names.includes(i.name));
  switch (rule.kind) {
    case 'map':
    case 'recurrence':
      return mul(elements, operations(rule.value, middles));
    case 'softmax':
      // Largest, difference, exponential, sum, quotient.
      return mul(elements, total([operations(rule.where, middles), operations(rule.value, middles), float(5)]));
    case 'softmax_parts': {
      // Largest, difference, exponential, sum.
      const each = total([operations(rule.where, middlesOf([rule.line], middles)), operations(rule.value, middlesOf([rule.line], middles)), float(4)]);
      return mul(mul(countOf(t.indices.filter((i) => i.name !== rule.along && i.name !== rule.part)), countOf([rule.line])), each);
    }
    case 'rank':
    case 'mass': {
      const sums = float(rule.kind === 'mass' ? 1 : 0);
      return mul(elements, total([operations(rule.where, middles), operations(rule.key, middles), comparisons(along(rule.over)), sums]));
    }
    case 'order': {
      const inner = middlesOf(rule.over, middles);
      const sorted = mul(countOf(t.indices.filter((i) => i.name !== rule.along)), countOf(rule.over));
      return mul(sorted, total([operations(rule.where, inner), operations(rule.key, inner), comparisons(rule.over)]));
    }
    default:
      return unreachable(rule);
  }
}

/** Bytes of a tensor: bools take one, all else four, halves two. */
function sizeOf(t: StageTensor): Expr {
  const width = t.element === 'bool' ? 1 : t.element === 'float' && t.precision !== 'f32' ? 2 : 4;
  return mul(countOf(t.indices), float(width));
}

/** The work of each stage tensor of a spec, in the order in which they are made; `elementBytes` are those of q, k and v. */
export function stageWork(spec: Spec, elementBytes = 4): readonly StageWork[] {
  const input = (heads: string, rows: string): Expr => product([name('batch'), name(heads), name(rows), name('dim')].map(toFloat).concat(float(elementBytes)));
  const sizes = new Map<string, Expr>([['q', input('heads', 'n_q')], ['k', input('kv_heads', 'n_k')], ['v', input('kv_heads', 'n_k')]]);
  return spec.stages.map((t) => {
    const own = sizeOf(t);
    const used = new Set(ruleParts(t.rule).flatMap((e) => [...readTensors(e)]));
    used.delete(t.name);
    const bytes = total([own, ...[...used].flatMap((tensor) => sizes.get(tensor) ?? [])]);
    sizes.set(t.name, own);
    return { tensor: t.name, flops: flopsOf(t), bytes };
  });
}

/** What the stages of a launch cost together, each made once and only where it is read: float operations and bytes. */
export function selectionWork(spec: Spec, launch: Launch, elementBytes = 4): { readonly flops: number; readonly bytes: number } {
  const { constants } = worldOf(spec, launch);
  const work = stageWork(shareStages(spec), elementBytes);
  const sum = (pick: (w: StageWork) => Expr): number => work.reduce((so, w) => so + evaluate(pick(w), constants), 0);
  return { flops: sum((w) => w.flops), bytes: sum((w) => w.bytes) };
}
