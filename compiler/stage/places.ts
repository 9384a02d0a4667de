/**
 * Which elements a stage program makes. In: named indices with their extents. Out: statements that give each row of a [rows, 1] tile one
 * combination of index values, counted in row-major order over the grid; expressions of the indices in terms of those tiles. Instances
 * lie on two grid axes, since devices limit each; a row beyond the last combination does not exist.
 */
import type { Expr } from '../expr/ir.ts';
import { add, div, element, fold, int, lt, max, min, mod, mul, ref, sub } from '../expr/build.ts';
import { conjuncts, freeRefs, readTensors, substitute } from '../expr/traverse.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import type { Builder } from '../tile/build.ts';
import type { GridAxis, TileStmt } from '../tile/ir.ts';
import { product } from './tensors.ts';

/** An index with its extent in the names of the program. */
export interface Ranged {
  readonly name: string;
  readonly extent: Expr;
}

export interface Places {
  readonly grid: readonly GridAxis[];
  /** Wraps the statements of one instance: declares the index tiles, and skips instances beyond the last place. */
  readonly around: (body: readonly TileStmt[]) => readonly TileStmt[];
  /** Number of the row's place. */
  readonly number: Expr;
  /** Whether the row has a place. */
  readonly exists: Expr;
  /** Index values by name. */
  readonly at: ReadonlyMap<string, Expr>;
}

/** Instances along the first grid axis, a power of two below every device's limit. */
const across = 32768;

const i = (name: string): Expr => ref(name, 'int');

/** Two axes for `tiles` instances. */
export function gridOf(tiles: Expr): readonly GridAxis[] {
  return [
    { name: 'tile_x', extent: min(tiles, int(across)) },
    { name: 'tile_y', extent: ceilDiv(tiles, int(across)) },
    { name: 'one', extent: int(1) },
  ];
}

/** The number of the instance among them. */
export const instanceNumber: Expr = add(mul(i('tile_y'), int(across)), i('tile_x'));

/** One place a row; `rows` of them an instance. With `held` a row that has no place stands at the last one, so that it reads what all may read. */
export function placesOf(b: Builder, rows: number, indices: readonly Ranged[], held = false): Places {
  const total = product(indices.map((x) => x.extent));
  const tiles = ceilDiv(total, int(rows));
  const column = { rows, cols: 1 };
  const number = element(held ? 'held' : 'place', 'int');
  const declared: TileStmt[] = [
    b.tile('place', 'int', column, add(mul(instanceNumber, int(rows)), i('row'))),
    ...(held ? [b.tile('held', 'int', column, min(element('place', 'int'), sub(total, int(1))))] : []),
  ];
  const at = new Map<string, Expr>();
  let rest = number;
  [...indices].reverse().forEach((x, n) => {
    const outermost = n === indices.length - 1;
    declared.push(b.tile(`at_${x.name}`, 'int', column, outermost ? rest : mod(rest, x.extent)));
    at.set(x.name, element(`at_${x.name}`, 'int'));
    if (outermost) return;
    declared.push(b.tile(`above_${x.name}`, 'int', column, div(rest, x.extent)));
    rest = element(`above_${x.name}`, 'int');
  });
  return {
    grid: gridOf(tiles),
    around: (body) => b.when(lt(instanceNumber, tiles), [...declared, ...body]),
    number,
    exists: lt(element('place', 'int'), total),
    at,
  };
}

/** The name of a loop variable over an index: no name of the user's has a quote. */
export function loopName(index: string): string {
  return `${index}'`;
}

/** Loop variables over the indices, by index name. */
export function loopRefs(indices: readonly Ranged[]): ReadonlyMap<string, Expr> {
  return new Map(indices.map((x) => [x.name, i(loopName(x.name))]));
}

/** Row-major number of a combination of index values. */
export function numberOf(indices: readonly Ranged[], values: ReadonlyMap<string, Expr>): Expr {
  return indices.reduce((n: Expr, x) => add(mul(n, x.extent), values.get(x.name) ?? int(0)), int(0));
}

/** The combination of index values with this row-major number. */
export function valuesOf(number: Expr, indices: readonly Ranged[]): ReadonlyMap<string, Expr> {
  return new Map(indices.map((x, n) => {
    const below = product(indices.slice(n + 1).map((y) => y.extent));
    return [x.name, n === 0 ? div(number, below) : mod(div(number, below), x.extent)];
  }));
}

/** What a conjunct of a condition says of a loop variable: it is at least, or at most, an expression. */
export function boundOf(cond: Expr, name: string): { readonly least?: Expr; readonly most?: Expr } {
  if (cond.kind !== 'binary' || cond.left.type !== 'int') return {};
  const own = (e: Expr): boolean => e.kind === 'ref' && e.name === name;
  const [op, other] = own(cond.left) ? [cond.op, cond.right] : own(cond.right) ? [turned[cond.op], cond.left] : [undefined, cond.right];
  switch (op) {
    case 'le':
      return { most: other };
    case 'lt':
      return { most: sub(other, int(1)) };
    case 'ge':
      return { least: other };
    case 'gt':
      return { least: add(other, int(1)) };
    case 'eq':
      return { least: other, most: other };
    default:
      return {};
  }
}

const turned: Partial<Record<string, string>> = { le: 'ge', lt: 'gt', ge: 'le', gt: 'lt', eq: 'eq' };

/**
 * A fold over every combination; `body` speaks of the indices' loop variables. It is the neutral element of `op` wherever `where` fails, so
 * the loops keep to what bounds in `where` leave of them: below a diagonal that is half the work.
 */
export function foldOver(op: 'sum' | 'max', indices: readonly Ranged[], where: Expr, body: Expr): Expr {
  return indices.reduceRight((inner, x, n) => {
    const name = loopName(x.name);
    const hidden = new Set(indices.slice(n).map((y) => loopName(y.name)));
    const last = sub(x.extent, int(1));
    let from: Expr = int(0);
    let to = x.extent;
    for (const cond of conjuncts(where)) {
      const { least, most } = boundOf(cond, name);
      const outer = (e: Expr): boolean => ![...freeRefs(e)].some((r) => hidden.has(r)) && readTensors(e).size === 0;
      // The bound is held within the axis first, so that nothing can wrap.
      if (least !== undefined && outer(least)) from = max(from, min(least, x.extent));
      if (most !== undefined && outer(most)) to = min(to, add(min(most, last), int(1)));
    }
    return fold(op, name, from, to, inner);
  }, body);
}

/** Loops over every combination; the statements speak of the indices' loop variables. */
export function loopOver(b: Builder, indices: readonly Ranged[], body: readonly TileStmt[]): readonly TileStmt[] {
  return indices.reduceRight((inner: readonly TileStmt[], x) => [b.loop(loopName(x.name), int(0), x.extent, inner)], body);
}

/** An expression of the spec with its indices in place. */
export function placed(e: Expr, ...maps: readonly ReadonlyMap<string, Expr>[]): Expr {
  return substitute(e, new Map(maps.flatMap((m) => [...m])));
}

