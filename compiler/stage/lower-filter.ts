/**
 * Lists in the order of the index: `nth` whose key rises or falls with its only index is a filter. In: an order rule and its direction. Out:
 * programs that count what takes part in each chunk of a line, put the numbers of those at their ranks (a lane a chunk: it begins behind the
 * counts of the chunks before), and fill up the rest with -1. Work grows with the line; chunks are near its root.
 */
import type { Expr } from '../expr/ir.ts';
import { add, and, element, fold, ge, gt, int, lt, max, min, mul, read, ref, select, sub } from '../expr/build.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import type { StageContext } from './context.ts';
import type { OrderStep } from './lower-sorted.ts';
import { chunkOf, orderBuffers, type OrderRule, type OrderShape } from './orders.ts';
import { numberOf, placesOf, valuesOf, type Ranged } from './places.ts';
import { product } from './tensors.ts';

const tile = (name: string): Expr => element(name, 'int');
const i = (name: string): Expr => ref(name, 'int');

export function lowerFilter(c: StageContext, rule: OrderRule & { readonly kind: 'order' }, direction: 'ascending' | 'descending', shape: OrderShape): readonly OrderStep[] {
  const { b } = c;
  const over = c.ranged(rule.over);
  const lines = c.indices.filter((x) => x.name !== rule.along);
  const ranks = c.indices.find((x) => x.name === rule.along)?.extent ?? int(0);
  const size = product(over.map((x) => x.extent));
  const chunk = chunkOf(size);
  const chunks = ceilDiv(size, chunk);
  const column = { rows: c.rows, cols: 1 };
  const when = gt(size, int(shape.counted));
  const counts = (line: Expr, to: Expr): Expr => fold('sum', 'other', int(0), to, read(orderBuffers.counts, 'int', [add(line, i('other'))]));

  const perChunk: Ranged = { name: "chunk'", extent: chunks };
  const places = placesOf(b, c.rows, [...lines, perChunk], true);
  const own = places.at.get(perChunk.name) ?? int(0);
  const fixed = new Map([...places.at].filter(([name]) => name !== perChunk.name));
  // Places of the line in the order of the list.
  const place = add(mul(own, chunk), i('step'));
  const number = direction === 'ascending' ? place : sub(sub(size, int(1)), place);
  const takesPart = and(lt(place, size), c.say(rule.where, fixed, valuesOf(tile('number'), over)));
  const walk = (then: readonly Parameters<typeof b.loop>[3][number][]) => b.loop('step', int(0), chunk, [
    b.tile('number', 'int', column, max(int(0), min(number, sub(size, int(1))))),
    b.tile('takes_part', 'bool', column, takesPart),
    ...then,
    b.map('count', add(tile('count'), select(element('takes_part', 'bool'), int(1), int(0)))),
  ]);
  const counting = c.program(places.grid, places.around([
    b.tile('count', 'int', column, int(0)),
    walk([]),
    b.store(orderBuffers.counts, column, [places.number], tile('count'), places.exists),
  ]), 'counts');
  const at = (rank: Expr, from: ReadonlyMap<string, Expr>): Expr => numberOf(c.indices, new Map([...from, [rule.along, rank]]));
  const filling = c.program(places.grid, places.around([
    b.tile('count', 'int', column, counts(sub(places.number, own), own)),
    walk([c.put(at(tile('count'), fixed), tile('number'), and(places.exists, and(element('takes_part', 'bool'), lt(tile('count'), ranks))))]),
  ]), 'list');

  const rankChunk = chunkOf(max(ranks, int(1)));
  const perRanks: Ranged = { name: "chunk'", extent: ceilDiv(ranks, rankChunk) };
  const rest = placesOf(b, c.rows, [...lines, perRanks], true);
  const ownRanks = rest.at.get(perRanks.name) ?? int(0);
  const rank = add(mul(ownRanks, rankChunk), i('step'));
  const fixedRest = new Map([...rest.at].filter(([name]) => name !== perRanks.name));
  const ending = c.program(rest.grid, rest.around([
    b.note('ranks that nobody has'),
    b.tile('count', 'int', column, counts(mul(numberOf(lines, rest.at), chunks), chunks)),
    b.loop('step', int(0), rankChunk, [
      c.put(at(rank, fixedRest), int(-1), and(rest.exists, and(lt(rank, ranks), ge(rank, tile('count'))))),
    ]),
  ]), 'rest');
  return [{ program: counting, when }, { program: filling, when }, { program: ending, when }];
}
