/**
 * Sums of products by tiles of dots. In: the value of a stage tensor, and the shape of tiles. Out: a program that makes tiles of two of its
 * indices: a loop over pieces of the summed axis loads or computes a piece of both factors and adds their dot to a tile, all else of the
 * value is elementwise; undefined where the value has no such sum (products.ts). Factors are 0 outside their tensor, as reads are, and beyond
 * the ends of a sum. A factor whose rows are longer than a piece is declared with its last axis in two.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { add, all, and, div, element, float, ge, int, lt, mod, mul, read, ref, select, sub, trueExpr } from '../expr/build.ts';
import { mapChildren, sameExpr } from '../expr/traverse.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import { mapExpressions } from '../tile/build.ts';
import type { TileProgram, TileStmt } from '../tile/ir.ts';
import { bufferName } from '../tile/names.ts';
import type { StageContext } from './context.ts';
import { gridOf, instanceNumber, loopName, numberOf, valuesOf } from './places.ts';
import { contractionOf, innermost, withFolds, type Contraction, type Factor, type Fold, type Product, type Read, type Sum } from './products.ts';
import { canHold, spanOf } from './reached.ts';
import { product } from './tensors.ts';

/** Tiles of a contraction: rows of the left factor, rows of the right one; pieces of rows, and columns of right factors that lie the other way, at most. */
export interface ContractionShape {
  readonly rows: number;
  readonly cols: number;
  readonly piece?: number;
}

const i = (name: string): Expr => ref(name, 'int');

/** Elements of a factor that is no plain row, made a step: each is text of its own. */
const step = 4;

/** Last axes that a program sees in two, by buffer: the length of the inner one. */
type Splits = Map<string, number>;

export interface Tiles {
  readonly c: StageContext;
  readonly contraction: Contraction;
  readonly rows: number;
  readonly cols: number;
  readonly piece: number;
  /** Whether every right factor lies along the result: its columns are those of the tile. */
  readonly isAcross: boolean;
  readonly splits: Splits;
}

/** The longest piece of `length`, by fours and at most `most`; the whole where it is short or odd. */
function pieceOf(length: number, most: number): number | undefined {
  if (length <= most) return length;
  for (let n = most - (most % 4); n >= 4; n -= 4) if (length % n === 0) return n;
  return undefined;
}

const bufferOf = (e: Read): string => bufferName(e.tensor, new Set());

/** How a factor is read, given what pieces there are. */
function settled(f: Factor, piece: number): Factor {
  if (f.kind === 'elements') return f;
  return f.kind === 'along' && pieceOf(f.length, piece) !== undefined ? f : { kind: 'elements', value: f.read };
}

export function inTile({ row, col }: Contraction): ReadonlyMap<string, Expr> {
  return new Map([[row.name, add(i('row_first'), i('row'))], [col.name, add(i('col_first'), i('col'))]]);
}

/** Statements that declare tile `target` and leave the sum in it. */
function sumInto(t: Tiles, sum: Sum, target: string, shared: ReadonlyMap<string, Expr>): readonly TileStmt[] {
  const { c } = t;
  const zero = c.b.tile(target, 'float', { rows: t.rows, cols: t.cols }, float(0));
  return [zero, ...addSum(t, sum, target, shared)];
}

export function addSum(t: Tiles, sum: Sum, target: string, shared: ReadonlyMap<string, Expr>): readonly TileStmt[] {
  const { c, contraction } = t;
  if (sum.kind === 'product') return addProduct(t, sum.product, target, shared);
  const { fold, inner } = sum;
  const name = loopName(`${target}_${fold.local}`);
  const within = new Map([...shared, [fold.local, i(name)]]);
  const from = c.say(fold.from, shared);
  const to = c.say(fold.to, shared);
  // A sum of nothing but products adds up in place.
  if (sameExpr(fold.body, inner.fold) && (inner.kind === 'loop' || inner.product.beside === undefined)) return [c.b.loop(name, from, to, addSum(t, inner, target, within))];
  const part = `${target}_part`;
  const value = c.say(withFolds(fold.body, [[inner.fold, partValue(inner, part)]]), within, inTile(contraction));
  return [c.b.loop(name, from, to, [...sumInto(t, inner, part, within), c.b.map(target, add(element(target, 'float'), value))])];
}

/** The value of a sum that lies in a tile. */
export function partValue(sum: Sum, tile: string): Expr {
  const beside = sum.kind === 'product' ? sum.product.beside : undefined;
  return beside === undefined ? element(tile, 'float') : mul(element(tile, 'float'), beside);
}

function addProduct(t: Tiles, p: Product, target: string, shared: ReadonlyMap<string, Expr>): readonly TileStmt[] {
  if (t.isAcross) return acrossSum(t, p, target, shared);
  const factors = [settled(p.left, t.piece), settled(p.right, t.piece)] as const;
  // Beside a factor that is made element by element pieces are short, and a row is read in them only where it is made of whole ones.
  const isMixed = factors[0].kind !== factors[1].kind;
  const read = (f: Factor): Factor => (isMixed && f.kind === 'along' && f.length % step !== 0 ? { kind: 'elements', value: f.read } : f);
  const [left, right] = [read(factors[0]), read(factors[1])];
  const along = [left, right].flatMap((f) => (f.kind === 'along' ? [f] : []));
  const [first] = along;
  const whole = along.length === 2 && first !== undefined ? pieceOf(first.length, t.piece) : undefined;
  const { b } = t.c;
  if (first !== undefined && whole === first.length) return dotOf(t, { p, left, right, target, shared, width: whole });
  const width = whole ?? step;
  const name = loopName(`${target}_piece`);
  const terms = sub(t.c.say(p.fold.to, shared), t.c.say(p.fold.from, shared));
  return [b.loop(name, int(0), ceilDiv(terms, int(width)), dotOf(t, { p, left, right, target, shared, width, piece: i(name) }))];
}

interface Dot {
  readonly p: Product;
  readonly left: Factor;
  readonly right: Factor;
  readonly target: string;
  readonly shared: ReadonlyMap<string, Expr>;
  readonly width: number;
  readonly piece?: Expr;
}

/** A dot of rows of both factors over one piece of the sum. */
function dotOf(t: Tiles, d: Dot): readonly TileStmt[] {
  const { row, col } = t.contraction;
  const side = (name: string, f: Factor, rows: number, index: string, first: string, extent: Expr): TileStmt => {
    const at = add(i(first), i('row'));
    if (f.kind === 'along') return loadOf(t, name, rows, d, f.read, new Map([[index, at]]), lt(at, extent));
    const value = f.kind === 'elements' ? f.value : f.read;
    return t.c.b.tile(name, 'float', { rows, cols: d.width }, termAt(t, d, value, new Map([[index, at]]), i('col')));
  };
  const [left, right] = [`${d.target}_left`, `${d.target}_right`];
  return [
    side(left, d.left, t.rows, row.name, 'row_first', row.extent),
    side(right, d.right, t.cols, col.name, 'col_first', col.extent),
    t.c.b.dot(d.target, left, right, true, true),
  ];
}

/** A factor at the term `col` of the piece, 0 beyond the last. */
function termAt(t: Tiles, d: Dot, value: Expr, index: ReadonlyMap<string, Expr>, within: Expr): Expr {
  const { fold } = d.p;
  const from = t.c.say(fold.from, d.shared);
  const term = add(add(from, mul(d.piece ?? int(0), int(d.width))), within);
  const here = t.c.say(value, d.shared, index, new Map([[fold.local, term]]));
  return select(lt(term, t.c.say(fold.to, d.shared)), here, float(0));
}

/** Conditions under which the indices of a read are inside all axes but the last. */
function insideOf(c: StageContext, e: Read, indices: readonly Expr[]): readonly Expr[] {
  const extents = c.extentsOf(bufferOf(e));
  return indices.flatMap((x, n): readonly Expr[] => {
    const extent = extents[n];
    // Indices of the tensor itself never leave an axis of their own length.
    const own = e.indices[n];
    const whole = own?.kind === 'ref' && c.indices.some((y) => y.name === own.name && extent !== undefined && sameExpr(y.extent, extent));
    return whole || extent === undefined ? [] : [ge(x, int(0)), lt(x, extent)];
  });
}

function loadOf(t: Tiles, name: string, rows: number, d: Dot, from: Read, index: ReadonlyMap<string, Expr>, exists: Expr): TileStmt {
  const indices = from.indices.slice(0, -1).map((e) => t.c.say(e, d.shared, index));
  const inside = all([exists, ...insideOf(t.c, from, indices)]);
  if (d.piece !== undefined) t.splits.set(bufferOf(from), d.width);
  return t.c.b.load(name, { rows, cols: d.width }, bufferOf(from), [...indices, ...(d.piece === undefined ? [] : [d.piece])], inside);
}

/** target += left elements times rows of a factor that lie along the result, `step` terms at once. */
function acrossSum(t: Tiles, p: Product, target: string, shared: ReadonlyMap<string, Expr>): readonly TileStmt[] {
  const { c, contraction: { row } } = t;
  if (p.right.kind !== 'across') throw new CompilerBug('stage', 'a factor does not lie along the result');
  const name = loopName(`${target}_piece`);
  const d: Dot = { p, left: p.left, right: p.right, target, shared, width: step, piece: i(name) };
  const [left, right] = [`${target}_left`, `${target}_right`];
  const from = c.say(p.fold.from, shared);
  const to = c.say(p.fold.to, shared);
  const leftRows = p.left.kind === 'along' && p.left.length % step === 0 ? p.left.read : undefined;
  const value = p.left.kind === 'elements' ? p.left.value : p.left.read;
  const term = add(add(from, mul(i(name), int(step))), i('row'));
  const read = p.right.read;
  const indices = read.indices.slice(0, -1).map((e) => c.say(e, shared, new Map([[p.fold.local, term]])));
  const isSplit = t.cols < p.right.length;
  if (isSplit) t.splits.set(bufferOf(read), t.cols);
  const at = add(i('row_first'), i('row'));
  return [c.b.loop(name, int(0), ceilDiv(sub(to, from), int(step)), [
    leftRows === undefined
      ? c.b.tile(left, 'float', { rows: t.rows, cols: step }, termAt(t, d, value, new Map([[row.name, at]]), i('col')))
      : loadOf(t, left, t.rows, d, leftRows, new Map([[row.name, at]]), lt(at, row.extent)),
    c.b.load(right, { rows: step, cols: t.cols }, bufferOf(read), [...indices, ...(isSplit ? [div(i('col_first'), int(t.cols))] : [])], all([lt(term, to), ...insideOf(c, read, indices)])),
    c.b.dot(target, left, right, false, true),
  ])];
}

/** Reads of buffers whose last axis is seen in two. */
function splitReads(e: Expr, splits: Splits): Expr {
  const inner = mapChildren(e, (x) => splitReads(x, splits));
  const width = inner.kind === 'read' ? splits.get(inner.tensor) : undefined;
  const last = inner.kind === 'read' ? inner.indices.at(-1) : undefined;
  if (inner.kind !== 'read' || width === undefined || last === undefined) return inner;
  return read(inner.tensor, inner.type, [...inner.indices.slice(0, -1), div(last, int(width)), mod(last, int(width))]);
}

/** The program with the last axes of some buffers in two, and its reads of them to match. */
export function seenInTwo(p: TileProgram, splits: Splits): TileProgram {
  if (splits.size === 0) return p;
  const buffers = p.buffers.map((d) => {
    const width = splits.get(d.name);
    const last = d.extents.at(-1);
    return width === undefined || last === undefined ? d : { ...d, extents: [...d.extents.slice(0, -1), div(last, int(width)), int(width)] };
  });
  return { ...p, buffers, body: mapExpressions(p.body, (e) => splitReads(e, splits)) };
}

/** Columns of a tile whose right factors all lie along the result; undefined where they do not. */
function acrossCols(x: Contraction, most: number): number | undefined {
  const lengths = x.sums.map((s) => {
    const { right } = innermost(s);
    return right.kind === 'across' ? pieceOf(right.length, most) : undefined;
  });
  const [first] = lengths;
  return lengths.every((n) => n === first) ? first : undefined;
}

/** The longest piece, where the shape names none. */
export const usualPiece = 64;

/** Columns of a tile whose right factors lie along the result. */
const acrossWidth = 16;

/**
 * Stores the tile: rows by fours where every tile of columns is whole, else an element at a time. The buffer is declared with its elements
 * in one axis, or as tiles of columns.
 */
function storeResult(t: Tiles, value: Expr, at: ReadonlyMap<string, Expr>): TileStmt {
  const { c, contraction: { row, col } } = t;
  const shape = { rows: t.rows, cols: t.cols };
  const number = numberOf(c.indices, at);
  const rowExists = lt(add(i('row_first'), i('row')), row.extent);
  const isWhole = col.extent.kind === 'literal' && col.extent.value % t.cols === 0 && t.cols % step === 0;
  if (isWhole && c.indices.at(-1) === col && c.tensor.element === 'float' && c.tensor.precision === 'f32') {
    t.splits.set(c.buffer, t.cols);
    const first = numberOf(c.indices, new Map([...at, [col.name, i('col_first')]]));
    return c.b.store(c.buffer, shape, [div(first, int(t.cols)), i('col')], value, rowExists);
  }
  const exists = and(rowExists, lt(add(i('col_first'), i('col')), col.extent));
  return c.b.store(c.buffer, shape, [number], value, exists, c.tensor.element === 'float' ? c.tensor.precision : undefined);
}

export function lowerContraction(c: StageContext, value: Expr, shape: ContractionShape): TileProgram | undefined {
  const contraction = contractionOf(c, value);
  if (contraction === undefined) return undefined;
  const { row, col, sums } = contraction;
  const piece = shape.piece ?? usualPiece;
  const wide = acrossCols(contraction, acrossWidth);
  const t: Tiles = { c, contraction, piece, rows: shape.rows, cols: wide ?? shape.cols, isAcross: wide !== undefined, splits: new Map() };
  const { b } = c;
  const others = c.indices.filter((x) => x !== row && x !== col);
  const rowTiles = ceilDiv(row.extent, int(t.rows));
  const colTiles = ceilDiv(col.extent, int(t.cols));
  const tiles = mul(product(others.map((x) => x.extent)), mul(rowTiles, colTiles));
  const values = valuesOf(i('line'), others);
  const shared = new Map(others.map((x) => [x.name, i(`at_${x.name}`)]));
  const at = new Map([...shared, ...inTile(contraction)]);
  const named = sums.map((sum, n) => ({ sum, tile: n === 0 ? 'sum' : `sum_${n}` }));
  // Tiles in which no element asks for the sums do without.
  const spans = new Map([[row.name, spanOf(i('row_first'), t.rows, row.extent)], [col.name, spanOf(i('col_first'), t.cols, col.extent)]]);
  const reached = value.kind === 'select' && value.otherwise.kind === 'literal' ? canHold(c.say(value.cond, shared), spans) : trueExpr;
  const result = withFolds(value, named.map(({ sum, tile }): readonly [Fold, Expr] => [sum.fold, partValue(sum, tile)]));
  const program = c.program(gridOf(tiles), [
    b.letScalar('tile', instanceNumber),
    ...b.when(lt(i('tile'), tiles), [
      b.letScalar('col_first', mul(mod(i('tile'), colTiles), int(t.cols))),
      b.letScalar('row_first', mul(mod(div(i('tile'), colTiles), rowTiles), int(t.rows))),
      b.letScalar('line', div(div(i('tile'), colTiles), rowTiles)),
      ...others.map((x) => b.letScalar(`at_${x.name}`, values.get(x.name) ?? int(0))),
      ...named.map(({ tile }) => b.tile(tile, 'float', { rows: t.rows, cols: t.cols }, float(0))),
      ...b.when(reached, named.flatMap(({ sum, tile }) => addSum(t, sum, tile, shared))),
      storeResult(t, c.say(result, at), at),
    ]),
  ]);
  return seenInTwo(program, t.splits);
}
