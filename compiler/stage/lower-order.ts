/**
 * Orders by counting, a lane an element: larger keys first, equal keys by lower number. `rank` counts the elements before its own, `mass` adds
 * up their keys; `order` puts every element's number at its rank. The work grows with the square of the line; long lines are for
 * lower-select.ts.
 */
import type { Expr } from '../expr/ir.ts';
import { and, element, eq, float, gt, int, le, lt, max, not, or, select } from '../expr/build.ts';
import type { StageRule } from '../spec/stage.ts';
import type { TileProgram, TileStmt } from '../tile/ir.ts';
import type { StageContext } from './context.ts';
import { foldOver, loopRefs, numberOf, placesOf, valuesOf, type Places, type Ranged } from './places.ts';
import { product } from './tensors.ts';

type Rule<K extends StageRule['kind']> = Extract<StageRule, { readonly kind: K }>;

/** What the order is over, as one lane sees it: its own element in tiles `key` and `takes_part`, and every other in a fold. */
interface Line {
  readonly declare: readonly TileStmt[];
  /** The fold of `each` (0 where the other does not come before) over the others that come before the own element, or, where it takes no part, over all that do. */
  readonly before: (each: (key: Expr) => Expr) => Expr;
  readonly count: Expr;
}

const takesPart = element('takes_part', 'bool');

function lineOf(c: StageContext, where: Expr, key: Expr, over: readonly Ranged[], fixed: ReadonlyMap<string, Expr>, own: ReadonlyMap<string, Expr>, exists: Expr): Line {
  const column = { rows: c.rows, cols: 1 };
  const walked = loopRefs(over);
  const otherTakes = c.say(where, fixed, walked);
  const otherKey = c.say(key, fixed, walked);
  const ownKey = element('key', otherKey.type);
  const first = or(gt(otherKey, ownKey), and(eq(otherKey, ownKey), lt(numberOf(over, walked), element('own', 'int'))));
  const zero = (x: Expr): Expr => (x.type === 'float' ? float(0) : int(0));
  return {
    declare: [
      c.b.tile('own', 'int', column, numberOf(over, own)),
      c.b.tile('takes_part', 'bool', column, and(exists, c.say(where, fixed, own))),
      c.b.tile('key', otherKey.type, column, c.say(key, fixed, own)),
    ],
    before: (each) => {
      const value = each(otherKey);
      return foldOver('sum', over, otherTakes, select(and(otherTakes, or(not(takesPart), first)), value, zero(value)));
    },
    count: foldOver('sum', over, otherTakes, select(otherTakes, int(1), int(0))),
  };
}

function ownLine(c: StageContext, rule: Rule<'rank' | 'mass'>, places: Places): Line {
  const over = c.indices.filter((x) => rule.over.includes(x.name));
  const fixed = new Map([...places.at].filter(([name]) => !rule.over.includes(name)));
  const own = new Map([...places.at].filter(([name]) => rule.over.includes(name)));
  return lineOf(c, rule.where, rule.key, over, fixed, own, places.exists);
}

/** Rank and mass: each element of the tensor for itself. */
export function lowerPosition(c: StageContext, rule: Rule<'rank' | 'mass'>): TileProgram {
  const places = placesOf(c.b, c.rows, c.indices);
  const line = ownLine(c, rule, places);
  const value = line.before((key) => (rule.kind === 'rank' ? int(1) : key));
  return c.program(places.grid, places.around([...line.declare, c.put(places.number, value, places.exists)]));
}

/** Order: a place for each element of the bound indices and for each rank, whichever are more. */
export function lowerOrder(c: StageContext, rule: Rule<'order'>): TileProgram {
  const over = c.ranged(rule.over);
  const lines = c.indices.filter((x) => x.name !== rule.along);
  const ranks = c.indices.find((x) => x.name === rule.along)?.extent ?? int(0);
  const size = product(over.map((x) => x.extent));
  const place: Ranged = { name: "place'", extent: max(size, ranks) };
  const places = placesOf(c.b, c.rows, [...lines, place]);
  const number = places.at.get(place.name) ?? int(0);
  const fixed = new Map([...places.at].filter(([name]) => name !== place.name));
  const own = valuesOf(number, over);
  const line = lineOf(c, rule.where, rule.key, over, fixed, own, and(places.exists, lt(number, size)));
  const column = { rows: c.rows, cols: 1 };
  const at = (rank: Expr): Expr => numberOf(c.indices, new Map([...fixed, [rule.along, rank]]));
  const rank = element('rank', 'int');
  return c.program(places.grid, places.around([
    ...line.declare,
    c.b.tile('rank', 'int', column, line.before(() => int(1))),
    c.put(at(rank), element('own', 'int'), and(takesPart, lt(rank, ranks))),
    c.b.note('ranks that nobody has'),
    c.b.tile('count', 'int', column, line.count),
    c.put(at(number), int(-1), and(places.exists, and(lt(number, ranks), le(element('count', 'int'), number)))),
  ]));
}
