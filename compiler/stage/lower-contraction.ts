/**
 * Maps that contract: value = f(sum over outer loops of g(sum over c of left[.., c] * right[.., c])), where c runs over the whole last axis of both
 * factors, `left` speaks of one index of the tensor that `right` does not, and the other way round. In: the tensor's value. Out: a program
 * that makes tiles of these two indices by dots of loaded rows, all else elementwise; undefined where the value is no such sum. Rows outside
 * a factor are 0, as reads are.
 */
import type { Expr } from '../expr/ir.ts';
import { add, all, and, div, element, float, ge, int, lt, min, mod, mul, ref } from '../expr/build.ts';
import { children, freeRefs, mapChildren, readTensors, sameExpr } from '../expr/traverse.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import type { TileProgram, TileStmt } from '../tile/ir.ts';
import { bufferName } from '../tile/names.ts';
import type { StageContext } from './context.ts';
import { across, loopName, numberOf, valuesOf, type Ranged } from './places.ts';
import { product } from './tensors.ts';

/** Tiles of a contraction: rows of the left factor, rows of the right one, and the longest last axis that the schedule is made for. */
export interface ContractionShape {
  readonly rows: number;
  readonly cols: number;
  readonly longest: number;
}

type Read = Expr & { readonly kind: 'read' };
type Fold = Expr & { readonly kind: 'fold' };

type Sum =
  | { readonly kind: 'dot'; readonly fold: Fold; readonly left: Read; readonly right: Read; readonly row: Ranged; readonly col: Ranged }
  | { readonly kind: 'loop'; readonly fold: Fold; readonly inner: Sum };

/** Below this an axis leaves most of a tile empty. */
const fewest = 4;

function isShort(extent: Expr): boolean {
  return extent.kind === 'literal' && extent.value < fewest;
}

/** A factor of the product: a float tensor whose last axis, of a fixed length, is the one summed over. */
function isFactor(c: StageContext, e: Expr, fold: Fold, longest: number): e is Read {
  if (e.kind !== 'read' || e.type !== 'float' || e.tensor === c.tensor.name) return false;
  const last = e.indices.at(-1);
  const length = c.extentsOf(bufferName(e.tensor, new Set())).at(-1);
  const to = c.say(fold.to);
  return last?.kind === 'ref' && last.name === fold.local && !e.indices.slice(0, -1).some((x) => freeRefs(x).has(fold.local)) &&
    length?.kind === 'literal' && to.kind === 'literal' && to.value === length.value && length.value <= longest &&
    fold.from.kind === 'literal' && fold.from.value === 0;
}

function speaksOf(e: Read, index: Ranged): boolean {
  return e.indices.some((x) => freeRefs(x).has(index.name));
}

function dotOf(c: StageContext, fold: Fold, longest: number): Sum | undefined {
  const { body } = fold;
  if (body.kind !== 'binary' || body.op !== 'mul') return undefined;
  const { left, right } = body;
  if (!isFactor(c, left, fold, longest) || !isFactor(c, right, fold, longest)) return undefined;
  const row = c.indices.filter((x) => speaksOf(left, x) && !speaksOf(right, x)).at(-1);
  const col = c.indices.filter((x) => speaksOf(right, x) && !speaksOf(left, x)).at(-1);
  return row === undefined || col === undefined || isShort(row.extent) || isShort(col.extent) ? undefined : { kind: 'dot', fold, left, right, row, col };
}

function outerFolds(e: Expr): readonly Fold[] {
  return e.kind === 'fold' ? [e] : children(e).flatMap(outerFolds);
}

function innermost(sum: Sum): Sum & { readonly kind: 'dot' } {
  return sum.kind === 'dot' ? sum : innermost(sum.inner);
}

/** Whether the loop is the same for all elements of a tile; `hidden` are locals of loops around it. */
function sumOf(c: StageContext, fold: Fold, longest: number, hidden: readonly string[]): Sum | undefined {
  if (fold.op !== 'sum' || fold.type !== 'float' || hidden.includes(fold.local)) return undefined;
  const dot = dotOf(c, fold, longest);
  if (dot !== undefined) return dot;
  for (const within of outerFolds(fold.body)) {
    const inner = sumOf(c, within, longest, [...hidden, fold.local]);
    if (inner === undefined) continue;
    const { row, col } = innermost(inner);
    const uniform = (e: Expr): boolean => readTensors(e).size === 0 && !freeRefs(e).has(row.name) && !freeRefs(e).has(col.name);
    if (uniform(fold.from) && uniform(fold.to)) return { kind: 'loop', fold, inner };
  }
  return undefined;
}

function replaced(e: Expr, node: Expr, by: Expr): Expr {
  return e === node ? by : e.kind === 'fold' ? e : mapChildren(e, (x) => replaced(x, node, by));
}

const i = (name: string): Expr => ref(name, 'int');

/** Statements that declare tile `target` and leave the sum in it. */
function sumInto(c: StageContext, sum: Sum, target: string, shape: ContractionShape, shared: ReadonlyMap<string, Expr>): readonly TileStmt[] {
  const { b } = c;
  const { row, col } = innermost(sum);
  const zero = b.tile(target, 'float', { rows: shape.rows, cols: shape.cols }, float(0));
  if (sum.kind === 'dot') return [zero, ...dotInto(c, sum, target, shape, shared, false)];
  const { fold, inner } = sum;
  const name = loopName(fold.local);
  const within = new Map([...shared, [fold.local, i(name)]]);
  const from = c.say(fold.from, shared);
  const to = c.say(fold.to, shared);
  // A sum of nothing but dots adds up in place.
  if (inner.kind === 'dot' && fold.body === inner.fold) return [zero, b.loop(name, from, to, dotInto(c, inner, target, shape, within, true))];
  const part = `part_${fold.local}`;
  const value = c.say(replaced(fold.body, inner.fold, element(part, 'float')), within, inTile(row, col));
  return [zero, b.loop(name, from, to, [...sumInto(c, inner, part, shape, within), b.map(target, add(element(target, 'float'), value))])];
}

function inTile(row: Ranged, col: Ranged): ReadonlyMap<string, Expr> {
  return new Map([[row.name, add(i('row_first'), i('row'))], [col.name, add(i('col_first'), i('col'))]]);
}

function dotInto(c: StageContext, sum: Sum & { readonly kind: 'dot' }, target: string, shape: ContractionShape, shared: ReadonlyMap<string, Expr>, accumulate: boolean): readonly TileStmt[] {
  const load = (name: string, rows: number, from: Read, index: Ranged, first: string): TileStmt => {
    const at = add(i(first), i('row'));
    const buffer = bufferName(from.tensor, new Set());
    const extents = c.extentsOf(buffer);
    const length = extents.at(-1);
    const cols = length?.kind === 'literal' ? length.value : 0;
    const indices = from.indices.slice(0, -1).map((e) => c.say(e, shared, new Map([[index.name, at]])));
    const exists = lt(at, index.extent);
    const inside = indices.flatMap((e, n): readonly Expr[] => {
      const extent = extents[n];
      // Indices of the tensor itself never leave an axis of their own length.
      const own = from.indices[n];
      const whole = own?.kind === 'ref' && c.indices.some((x) => x.name === own.name && extent !== undefined && sameExpr(x.extent, extent));
      return whole || extent === undefined ? [] : [ge(e, int(0)), lt(e, extent)];
    });
    return c.b.load(name, { rows, cols }, buffer, indices, all([exists, ...inside]));
  };
  return [
    load('left', shape.rows, sum.left, sum.row, 'row_first'),
    load('right', shape.cols, sum.right, sum.col, 'col_first'),
    c.b.dot(target, 'left', 'right', true, accumulate),
  ];
}

export function lowerContraction(c: StageContext, value: Expr, shape: ContractionShape): TileProgram | undefined {
  const indexNames = c.indices.map((x) => x.name);
  const sum = outerFolds(value).map((e) => sumOf(c, e, shape.longest, indexNames)).find((s) => s !== undefined);
  if (sum === undefined) return undefined;
  const { row, col } = innermost(sum);
  const { b } = c;
  const others = c.indices.filter((x) => x !== row && x !== col);
  const rowTiles = ceilDiv(row.extent, int(shape.rows));
  const colTiles = ceilDiv(col.extent, int(shape.cols));
  const tiles = mul(product(others.map((x) => x.extent)), mul(rowTiles, colTiles));
  const values = valuesOf(i('line'), others);
  const shared = new Map(others.map((x) => [x.name, i(`at_${x.name}`)]));
  const at = new Map([...shared, ...inTile(row, col)]);
  const exists = and(lt(add(i('row_first'), i('row')), row.extent), lt(add(i('col_first'), i('col')), col.extent));
  const grid = [
    { name: 'tile_x', extent: min(tiles, int(across)) },
    { name: 'tile_y', extent: ceilDiv(tiles, int(across)) },
    { name: 'one', extent: int(1) },
  ];
  return c.program(grid, [
    b.letScalar('tile', add(mul(i('tile_y'), int(across)), i('tile_x'))),
    ...b.when(lt(i('tile'), tiles), [
      b.letScalar('col_first', mul(mod(i('tile'), colTiles), int(shape.cols))),
      b.letScalar('row_first', mul(mod(div(i('tile'), colTiles), rowTiles), int(shape.rows))),
      b.letScalar('line', div(div(i('tile'), colTiles), rowTiles)),
      ...others.map((x) => b.letScalar(`at_${x.name}`, values.get(x.name) ?? int(0))),
      ...sumInto(c, sum, 'sum', shape, shared),
      b.store(c.buffer, { rows: shape.rows, cols: shape.cols }, [numberOf(c.indices, at)], c.say(replaced(value, sum.fold, element('sum', 'float')), at), exists, c.tensor.element === 'float' ? c.tensor.precision : undefined),
    ]),
  ]);
}
