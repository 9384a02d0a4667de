/**
 * Finds sums of products in the value of a stage tensor. In: the value and the tensor's indices. Out: for each sum over t of
 * left(t, row, ..) * right(t, col, ..) the two factors, what stands beside them and does not speak of t, and how each factor may be read:
 * along its last axis, along the last axis of the result, or an element at a time. `row` and `col` are two indices of the tensor that no factor
 * speaks of together. Conditions inside the sum go to the factor whose indices they speak of. Nothing here knows tiles.
 */
import { float, mul, select } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { children, freeRefs, mapChildren, readTensors, sameExpr } from '../expr/traverse.ts';
import { bufferName } from '../tile/names.ts';
import type { StageContext } from './context.ts';
import type { Ranged } from './places.ts';

export type Read = Expr & { readonly kind: 'read' };
export type Fold = Expr & { readonly kind: 'fold' };

export type Factor =
  /** A float tensor whose last axis, of a fixed length, is the one summed over from end to end. */
  | { readonly kind: 'along'; readonly read: Read; readonly length: number }
  /** A float tensor whose last axis, of a fixed length, is the index `col` of the result, and which is 0 nowhere else. */
  | { readonly kind: 'across'; readonly read: Read; readonly length: number }
  /** Any expression. */
  | { readonly kind: 'elements'; readonly value: Expr };

export interface Product {
  readonly fold: Fold;
  readonly left: Factor;
  readonly right: Factor;
  /** What the sum is multiplied by, the same for every t; absent: nothing. */
  readonly beside: Expr | undefined;
}

export type Sum =
  | { readonly kind: 'product'; readonly fold: Fold; readonly product: Product }
  /** A sum over a loop that is the same for all elements of a tile. */
  | { readonly kind: 'loop'; readonly fold: Fold; readonly inner: Sum };

export interface Pair {
  readonly row: Ranged;
  readonly col: Ranged;
}

/** Below this an axis leaves most of a tile empty. */
const fewest = 4;

function isShort(extent: Expr): boolean {
  return extent.kind === 'literal' && extent.value < fewest;
}

/** Folds that stand in no other. */
export function outerFolds(e: Expr): readonly Fold[] {
  return e.kind === 'fold' ? [e] : children(e).flatMap(outerFolds);
}

function factorsOf(e: Expr): readonly Expr[] {
  if (e.kind === 'binary' && e.op === 'mul' && e.type === 'float') return [...factorsOf(e.left), ...factorsOf(e.right)];
  return [e];
}

const speaksOf = (e: Expr, name: string): boolean => freeRefs(e).has(name);

const joined = (factors: readonly Expr[]): Expr | undefined => (factors.length === 0 ? undefined : factors.reduce(mul));

interface Sides {
  readonly left: Expr;
  readonly right: Expr;
  readonly beside: Expr | undefined;
}

/** Parts the body of a fold by what its factors speak of; undefined where one speaks of both indices, or a side is empty. */
function partedBy({ body, local }: Fold, row: string, col: string): Sides | undefined {
  const isWhere = body.kind === 'select' && body.otherwise.kind === 'literal' && body.otherwise.value === 0;
  const product = isWhere ? body.then : body;
  if (outerFolds(body).length > 0) return undefined;
  // A condition counts as a factor of the side whose index it speaks of.
  const cond = isWhere ? body.cond : undefined;
  const atLeft = cond !== undefined && !speaksOf(cond, col);
  if (cond !== undefined && !atLeft && speaksOf(cond, row)) return undefined;
  const factors = factorsOf(product);
  const inner = factors.filter((f) => speaksOf(f, local));
  const rights = inner.filter((f) => speaksOf(f, col));
  const own = inner.filter((f) => !speaksOf(f, col) && speaksOf(f, row));
  const neutral = inner.filter((f) => !speaksOf(f, col) && !speaksOf(f, row));
  const hasLeft = own.length > 0 || (atLeft && cond !== undefined && speaksOf(cond, row));
  const hasRight = rights.length > 0 || (!atLeft && cond !== undefined);
  if (rights.some((f) => speaksOf(f, row)) || !hasLeft || !hasRight) return undefined;
  // What speaks of neither index joins the side that is no plain read already.
  const toLeft = atLeft || own.length !== 1 || own.some((f) => f.kind !== 'read');
  const left = joined(toLeft ? [...own, ...neutral] : own);
  const right = joined(toLeft ? rights : [...rights, ...neutral]);
  const beside = joined(factors.filter((f) => !speaksOf(f, local)));
  const where = (e: Expr, asks: boolean): Expr => (cond !== undefined && asks ? select(cond, e, float(0)) : e);
  return { left: where(left ?? float(1), atLeft), right: where(right ?? float(1), !atLeft), beside };
}

function lastLength(c: StageContext, e: Read): number | undefined {
  const length = c.extentsOf(bufferName(e.tensor, new Set())).at(-1);
  return length?.kind === 'literal' ? length.value : undefined;
}

/** Whether only the last index speaks of the name, and is it. */
function isLastOnly(e: Read, name: string): boolean {
  const last = e.indices.at(-1);
  return last?.kind === 'ref' && last.name === name && !e.indices.slice(0, -1).some((x) => speaksOf(x, name));
}

function factorOf(c: StageContext, value: Expr, fold: Fold, col: Ranged): Factor {
  const any: Factor = { kind: 'elements', value };
  if (value.kind !== 'read' || value.type !== 'float' || value.indices.slice(0, -1).some((x) => readTensors(x).size > 0)) return any;
  const length = lastLength(c, value);
  if (length === undefined) return any;
  const to = c.say(fold.to);
  const isWhole = fold.from.kind === 'literal' && fold.from.value === 0 && to.kind === 'literal' && to.value === length;
  if (isLastOnly(value, fold.local)) return isWhole ? { kind: 'along', read: value, length } : any;
  const isAcross = isLastOnly(value, col.name) && col.extent.kind === 'literal' && col.extent.value === length;
  return isAcross ? { kind: 'across', read: value, length } : any;
}

function productOf(c: StageContext, fold: Fold, { row, col }: Pair): Product | undefined {
  const sides = partedBy(fold, row.name, col.name);
  if (sides === undefined) return undefined;
  const bounds = [fold.from, fold.to];
  if (bounds.some((e) => readTensors(e).size > 0 || speaksOf(e, row.name) || speaksOf(e, col.name))) return undefined;
  return { fold, left: factorOf(c, sides.left, fold, { ...col, name: '' }), right: factorOf(c, sides.right, fold, col), beside: sides.beside };
}

function sumOf(c: StageContext, fold: Fold, pair: Pair): Sum | undefined {
  if (fold.op !== 'sum' || fold.type !== 'float' || c.indices.some((x) => x.name === fold.local)) return undefined;
  if (readTensors(fold).has(c.tensor.name)) return undefined;
  const product = productOf(c, fold, pair);
  if (product !== undefined) return { kind: 'product', fold, product };
  const uniform = (e: Expr): boolean => readTensors(e).size === 0 && !speaksOf(e, pair.row.name) && !speaksOf(e, pair.col.name);
  if (!uniform(fold.from) || !uniform(fold.to)) return undefined;
  const within = outerFolds(fold.body);
  const [first] = within;
  if (first === undefined || within.length > 1 || first.local === fold.local) return undefined;
  const inner = sumOf(c, first, pair);
  return inner === undefined ? undefined : { kind: 'loop', fold, inner };
}

export function innermost(sum: Sum): Product {
  return sum.kind === 'product' ? sum.product : innermost(sum.inner);
}

export interface Contraction extends Pair {
  /** Sums of the value, none of which is within another. */
  readonly sums: readonly Sum[];
}

/** How well a pair of indices suits: rows that are streamed by fours are best. */
function rank({ sums }: Contraction): number {
  const kinds = sums.map((s) => {
    const { left, right } = innermost(s);
    if (right.kind === 'across') return 2;
    return left.kind === 'along' && right.kind === 'along' ? 3 : right.kind === 'along' || left.kind === 'along' ? 1 : 0;
  });
  return Math.min(...kinds);
}

/** The contraction that a value is, or undefined. Later indices of the tensor are preferred, the last as `col`; or `col` is the one named. */
export function contractionOf(c: StageContext, value: Expr, column?: string): Contraction | undefined {
  const folds = outerFolds(value).filter((f, at, all) => all.findIndex((g) => sameExpr(f, g)) === at);
  if (folds.length === 0) return undefined;
  const named = [...c.indices].reverse().filter((x) => !isShort(x.extent));
  let best: Contraction | undefined;
  for (const col of named.filter((x) => column === undefined || x.name === column)) {
    for (const row of named) {
      if (row === col) continue;
      const sums = folds.flatMap((f) => sumOf(c, f, { row, col }) ?? []);
      if (sums.length === 0) continue;
      const found = { row, col, sums };
      const isMore = best === undefined || sums.length > best.sums.length || (sums.length === best.sums.length && rank(found) > rank(best));
      if (isMore) best = found;
    }
  }
  return best;
}

/** The expression with each fold that equals one of `nodes` replaced. */
export function withFolds(e: Expr, nodes: readonly (readonly [Fold, Expr])[]): Expr {
  const found = e.kind === 'fold' ? nodes.find(([f]) => f === e || sameExpr(f, e)) : undefined;
  return found !== undefined ? found[1] : e.kind === 'fold' ? e : mapChildren(e, (x) => withFolds(x, nodes));
}
