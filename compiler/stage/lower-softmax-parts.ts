/**
 * The largest value and the sum of exponentials of every segment of a line. In: the rule. Out: a program. Where the value is a sum of products, an
 * instance makes a tile of lines by one segment, some columns of dots at a time, and keeps a largest value and a sum a line, as an attention
 * does; else a lane walks a segment. Elements that take no part weigh 0; a segment without any is the least finite number, and 0.
 */
import { floatMax } from '../expr/arithmetic.ts';
import { add, and, div, element, eq, float, fold, int, lt, max, min, mod, mul, ref, select, sub, unary } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { StageRule } from '../spec/stage.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import type { TileProgram, TileStmt } from '../tile/ir.ts';
import type { StageContext } from './context.ts';
import { addSum, inTile, partValue, seenInTwo, usualPiece, type ContractionShape, type Tiles } from './lower-contraction.ts';
import { gridOf, instanceNumber, loopName, numberOf, placesOf, valuesOf, type Ranged } from './places.ts';
import { contractionOf, withFolds, type Fold } from './products.ts';
import { canHold, spanOf } from './reached.ts';
import { product } from './tensors.ts';

type Parts = Extract<StageRule, { readonly kind: 'softmax_parts' }>;

const i = (name: string): Expr => ref(name, 'int');
const f = (tile: string): Expr => element(tile, 'float');
const least = float(-floatMax);

/** exp(value - largest); held at 1 where rounding would go above. */
function weight(takes: Expr, value: Expr, largest: Expr): Expr {
  return select(takes, unary('exp', min(sub(value, largest), float(0))), float(0));
}

/** Stores both numbers of a segment. */
function stores(c: StageContext, rule: Parts, rows: number, at: ReadonlyMap<string, Expr>, exists: Expr): readonly TileStmt[] {
  const put = (part: number, tile: string): TileStmt =>
    c.b.store(c.buffer, { rows, cols: 1 }, [numberOf(c.indices, new Map([...at, [rule.part, int(part)]]))], f(tile), exists, c.tensor.precision);
  return [put(0, 'largest'), put(1, 'total')];
}

/** A lane a segment. */
export function lowerSoftmaxParts(c: StageContext, rule: Parts): TileProgram {
  const places = placesOf(c.b, c.rows, c.indices.filter((x) => x.name !== rule.part));
  const [line] = c.ranged([rule.line]);
  const name = loopName(rule.line.name);
  const within = new Map([[rule.line.name, i(name)]]);
  const from = mul(places.at.get(rule.along) ?? int(0), int(rule.length));
  const to = min(add(from, int(rule.length)), line?.extent ?? int(0));
  const takes = c.say(rule.where, places.at, within);
  const value = c.say(rule.value, places.at, within);
  const column = { rows: c.rows, cols: 1 };
  return c.program(places.grid, places.around([
    c.b.tile('largest', 'float', column, fold('max', name, from, to, select(takes, value, least))),
    c.b.tile('total', 'float', column, fold('sum', name, from, to, weight(takes, value, f('largest')))),
    ...stores(c, rule, c.rows, places.at, places.exists),
  ]));
}

/** Columns of dots at a time: as many as a tile has, or as cover a short segment. */
function columnsOf(length: number, most: number): number {
  let cols = most;
  while (cols % 2 === 0 && cols / 2 >= length && cols > 4) cols /= 2;
  return cols;
}

/** Tiles of lines by a segment; undefined where the value is no sum of products along the line. */
export function lowerPartsOfDots(c: StageContext, rule: Parts, shape: ContractionShape): TileProgram | undefined {
  const lines = c.indices.filter((x) => x.name !== rule.along && x.name !== rule.part);
  const [line] = c.ranged([rule.line]);
  const segment = c.indices.find((x) => x.name === rule.along);
  if (line === undefined || segment === undefined) return undefined;
  const along: StageContext = { ...c, indices: [...lines, line] };
  const contraction = contractionOf(along, rule.value, line.name);
  if (contraction === undefined) return undefined;
  const cols = columnsOf(rule.length, shape.cols);
  const t: Tiles = { c: along, contraction, piece: shape.piece ?? usualPiece, rows: shape.rows, cols, isAcross: false, splits: new Map() };
  return seenInTwo(partsProgram(c, rule, t, lines.filter((x) => x !== contraction.row), segment), t.splits);
}

function partsProgram(c: StageContext, rule: Parts, t: Tiles, others: readonly Ranged[], segment: Ranged): TileProgram {
  const { b } = c;
  const { rows, cols, contraction: { row, col, sums } } = t;
  const rowTiles = ceilDiv(row.extent, int(rows));
  const tiles = mul(product(others.map((x) => x.extent)), mul(rowTiles, segment.extent));
  const values = valuesOf(i('line'), others);
  const shared = new Map(others.map((x) => [x.name, i(`at_${x.name}`)]));
  const at = new Map([...shared, ...inTile(t.contraction)]);
  const named = sums.map((sum, n) => ({ sum, tile: n === 0 ? 'sum' : `sum_${n}` }));
  const value = withFolds(rule.value, named.map(({ sum, tile }): readonly [Fold, Expr] => [sum.fold, partValue(sum, tile)]));
  const column = add(i('col_first'), i('col'));
  const takes = and(lt(column, i('col_end')), c.say(rule.where, at));
  const tile = { rows, cols };
  const perRow = { rows, cols: 1 };
  const spans = new Map([[row.name, spanOf(i('row_first'), rows, row.extent)], [col.name, { first: i('segment_first'), last: sub(i('col_end'), int(1)) }]]);
  const turn: readonly TileStmt[] = [
    b.letScalar('col_first', add(i('segment_first'), mul(i('turn'), int(cols)))),
    ...named.flatMap(({ sum, tile: name }) => [b.tile(name, 'float', tile, float(0)), ...addSum(t, sum, name, shared)]),
    b.tile('score', 'float', tile, select(takes, c.say(value, at), least)),
    b.tile('most', 'float', perRow, least),
    b.reduce('most', 'max', 'score'),
    b.map('most', max(f('largest'), f('most'))),
    b.tile('weight', 'float', tile, weight(takes, f('score'), f('most'))),
    b.tile('added', 'float', perRow, float(0)),
    b.reduce('added', 'sum', 'weight'),
    // Nothing is lifted that is not there: the least number less another may overflow.
    b.map('total', add(select(eq(f('total'), float(0)), float(0), mul(f('total'), unary('exp', min(sub(f('largest'), f('most')), float(0))))), f('added'))),
    b.map('largest', f('most')),
  ];
  return c.program(gridOf(tiles), [
    b.letScalar('tile', instanceNumber),
    ...b.when(lt(i('tile'), tiles), [
      b.letScalar('segment', mod(i('tile'), segment.extent)),
      b.letScalar('segment_first', mul(i('segment'), int(rule.length))),
      b.letScalar('col_end', min(add(i('segment_first'), int(rule.length)), col.extent)),
      b.letScalar('row_first', mul(mod(div(i('tile'), segment.extent), rowTiles), int(rows))),
      b.letScalar('line', div(div(i('tile'), segment.extent), rowTiles)),
      ...others.map((x) => b.letScalar(`at_${x.name}`, values.get(x.name) ?? int(0))),
      b.tile('largest', 'float', perRow, least),
      b.tile('total', 'float', perRow, float(0)),
      ...b.when(canHold(c.say(rule.where, shared), spans), [b.loop('turn', int(0), ceilDiv(sub(i('col_end'), i('segment_first')), int(cols)), turn)]),
      ...stores(c, rule, rows, new Map([...shared, [row.name, add(i('row_first'), i('row'))], [rule.along, i('segment')]]), lt(add(i('row_first'), i('row')), row.extent)),
    ]),
  ]);
}
