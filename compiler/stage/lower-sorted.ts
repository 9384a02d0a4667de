/**
 * Orders of long lines by merging sorted runs. In: a rank, mass or order rule. Out: programs that run one after the other: the pairs of all
 * elements, runs sorted by counting, runs merged `fan` at a time (each element finds its place in every other run by bisection), and the
 * tensor from the sorted lines. A line of n elements takes n * (run + fan * log n) steps, each program a lane an element; running sums take
 * a lane a chunk, which is near the root of the line. A last merge takes as many runs as are left, however long the line.
 */
import type { Expr } from '../expr/ir.ts';
import { add, and, div, element, eq, falseExpr, float, fold, gt, int, lt, min, mod, mul, not, or, read, ref, select, sub, toFloat, trueExpr, unary } from '../expr/build.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import type { TileProgram, TileStmt } from '../tile/ir.ts';
import type { StageContext } from './context.ts';
import { chunkOf, comesBefore, numberBy, orderBuffers, pairAt, pairOf, takesPartBy, type OrderRule, type OrderShape, type Turn } from './orders.ts';
import { numberOf, placesOf, valuesOf, type Places, type Ranged } from './places.ts';
import { product } from './tensors.ts';

/** A program of an order, and when it runs: launch level, in the names of the program. */
export interface OrderStep {
  readonly program: TileProgram;
  readonly when: Expr;
}

interface Sorting {
  readonly c: StageContext;
  readonly rule: OrderRule;
  readonly type: 'float' | 'int';
  readonly lines: readonly Ranged[];
  readonly over: readonly Ranged[];
  /** Elements of a line. */
  readonly size: Expr;
  readonly column: { readonly rows: number; readonly cols: number };
}

const tile = (name: string): Expr => element(name, 'int');
const isTrue = (name: string): Expr => element(name, 'bool');

/** Runs of this length after each merge, shortest first; the last one is the whole line, however long. */
function mergesOf(shape: OrderShape): readonly { readonly from: number; readonly fan: number | undefined }[] {
  const { run, fan } = shape;
  return [{ from: run, fan }, { from: run * fan, fan }, { from: run * fan ** 2, fan }, { from: run * fan ** 3, fan: undefined }];
}

/** Whether the sorted lines lie in `a` when all merges are done: runs lie there at first, and each merge changes the turn. */
function endsInA(s: Sorting, shape: OrderShape): Expr {
  return mergesOf(shape).reduceRight((inA: { readonly yes: Expr; readonly no: Expr }, { from }) => {
    const merged = gt(s.size, int(from));
    return { yes: or(not(merged), inA.no), no: and(merged, inA.yes) };
  }, { yes: trueExpr, no: falseExpr }).yes;
}

function columnPlaces(s: Sorting, last: Ranged): Places {
  return placesOf(s.c.b, s.c.rows, [...s.lines, last], true);
}

function atPlace(places: Places, last: Ranged): Expr {
  return places.at.get(last.name) ?? int(0);
}

/** The pair of every element, in `b`. */
function pairs(s: Sorting): TileProgram {
  const { c, rule, over, size, column } = s;
  const place: Ranged = { name: "place'", extent: size };
  const places = columnPlaces(s, place);
  const at = atPlace(places, place);
  const fixed = new Map([...places.at].filter(([name]) => name !== place.name));
  const own = valuesOf(at, over);
  const pair = pairOf(at, isTrue('takes_part'), ownKey(s));
  return c.program(places.grid, places.around([
    c.b.tile('key', s.type, column, c.say(rule.key, fixed, own)),
    c.b.tile('takes_part', 'bool', column, c.say(rule.where, fixed, own)),
    ...storePair(s, 'b', places.number, pair.key, pair.code, places.exists),
  ]), 'pairs');
}

function storePair(s: Sorting, turn: Turn, at: Expr, key: Expr, code: Expr, where: Expr): readonly TileStmt[] {
  const { b, rows } = s.c;
  return [
    b.store(orderBuffers.key(s.type, turn), { rows, cols: 1 }, [at], key, where),
    b.store(orderBuffers.code(turn), { rows, cols: 1 }, [at], code, where),
  ];
}

/** The own pair of a place as tiles `key` and `code`. */
function ownPair(s: Sorting, turn: Turn, at: Expr): readonly TileStmt[] {
  const pair = pairAt(s.type, turn, at);
  return [s.c.b.tile('key', s.type, s.column, pair.key), s.c.b.tile('code', 'int', s.column, pair.code)];
}

const ownKey = (s: Sorting): Expr => element('key', s.type);

/** Runs sorted by counting, from `b` to `a`. */
function runs(s: Sorting, run: number): TileProgram {
  const { c, size, column } = s;
  const place: Ranged = { name: "place'", extent: size };
  const places = columnPlaces(s, place);
  const at = atPlace(places, place);
  const line = sub(places.number, at);
  const other = add(sub(at, mod(at, int(run))), ref('n', 'int'));
  const pair = pairAt(s.type, 'b', add(line, min(other, sub(size, int(1)))));
  const first = and(lt(other, size), comesBefore(pair.key, pair.code, ownKey(s), tile('code')));
  return c.program(places.grid, places.around([
    ...ownPair(s, 'b', places.number),
    c.b.tile('before', 'int', column, fold('sum', 'n', int(0), int(run), select(first, int(1), int(0)))),
    ...storePair(s, 'a', add(line, add(sub(at, mod(at, int(run))), tile('before'))), ownKey(s), tile('code'), places.exists),
  ]), 'runs');
}

/** Runs of length `from` merged, `fan` of them to one (absent: all that there are). */
function merge(s: Sorting, from: number, fan: number | undefined, turn: Turn, level: number): TileProgram {
  const { c, size, column } = s;
  const { b } = c;
  const to: Turn = turn === 'a' ? 'b' : 'a';
  const place: Ranged = { name: "place'", extent: size };
  const places = columnPlaces(s, place);
  const at = atPlace(places, place);
  const line = sub(places.number, at);
  const runsOfLine = ceilDiv(size, int(from));
  const group = fan === undefined ? int(0) : mul(div(at, int(from * fan)), int(from * fan));
  const run = add(tile('group'), mul(ref('run', 'int'), int(from)));
  const low = tile('low');
  const high = tile('high');
  const middle = tile('middle');
  const pair = pairAt(s.type, turn, add(tile('line'), min(middle, sub(size, int(1)))));
  const open = lt(low, high);
  return c.program(places.grid, places.around([
    b.tile('line', 'int', column, line),
    b.tile('own', 'int', column, at),
    b.tile('group', 'int', column, group),
    ...ownPair(s, turn, places.number),
    b.tile('before', 'int', column, mod(tile('own'), int(from))),
    b.loop('run', int(0), fan === undefined ? runsOfLine : min(int(fan), runsOfLine), [
      b.note('how many of a run come before the own element'),
      b.tile('first', 'int', column, min(run, size)),
      b.tile('low', 'int', column, tile('first')),
      b.tile('high', 'int', column, select(eq(div(tile('own'), int(from)), div(run, int(from))), tile('first'), min(add(run, int(from)), size))),
      b.loop('halving', int(0), int(32 - Math.clz32(from)), [
        b.tile('middle', 'int', column, div(add(low, high), int(2))),
        b.tile('comes', 'bool', column, and(open, comesBefore(pair.key, pair.code, ownKey(s), tile('code')))),
        b.map('high', select(and(open, not(isTrue('comes'))), middle, high)),
        b.map('low', select(isTrue('comes'), add(middle, int(1)), low)),
      ]),
      b.map('before', add(tile('before'), sub(low, tile('first')))),
    ]),
    ...storePair(s, to, add(tile('line'), add(tile('group'), tile('before'))), ownKey(s), tile('code'), places.exists),
  ]), `merge_${level}`);
}

/** A tile `code` of the element at a sorted place, wherever the merges left it. */
function sortedCode(s: Sorting, shape: OrderShape, at: Expr): readonly TileStmt[] {
  const { b } = s.c;
  const fill = (turn: Turn): readonly TileStmt[] => [b.map('code', read(orderBuffers.code(turn), 'int', [at]))];
  return [b.tile('code', 'int', s.column, int(0)), ...b.when(endsInA(s, shape), fill('a'), fill('b'))];
}

/** How many of the own line take part: those that do not come last. Declares tiles `low` and `high`; the count is `low`. */
function countOfLine(s: Sorting, shape: OrderShape, line: Expr): readonly TileStmt[] {
  const { b } = s.c;
  const inA = endsInA(s, shape);
  const middle = div(add(tile('low'), tile('high')), int(2));
  const halve = (turn: Turn): readonly TileStmt[] => {
    const [at, takes, open] = [`middle_${turn}`, `takes_part_${turn}`, `open_${turn}`] as const;
    return [
      b.tile(at, 'int', s.column, middle),
      b.tile(takes, 'bool', s.column, takesPartBy(read(orderBuffers.code(turn), 'int', [add(line, min(tile(at), sub(s.size, int(1))))]))),
      b.tile(open, 'bool', s.column, lt(tile('low'), tile('high'))),
      b.map('low', select(and(isTrue(open), isTrue(takes)), add(tile(at), int(1)), tile('low'))),
      b.map('high', select(and(isTrue(open), not(isTrue(takes))), tile(at), tile('high'))),
    ];
  };
  const steps = unary('bit_length', s.size);
  return [
    b.note('how many take part'),
    b.tile('low', 'int', s.column, int(0)),
    b.tile('high', 'int', s.column, s.size),
    ...b.when(inA, [b.loop('halving', int(0), steps, halve('a'))], [b.loop('halving', int(0), steps, halve('b'))]),
  ];
}

/** Ranks, a lane a chunk of the sorted line: how many take part is looked up once a chunk. */
function rankOf(s: Sorting, shape: OrderShape): TileProgram {
  const { c, column } = s;
  const { places, line, first } = chunkPlaces(s);
  const fixed = new Map([...places.at].filter(([name]) => name !== chunkName));
  const at = add(tile('first'), ref('step', 'int'));
  const number = numberOf(c.indices, new Map([...fixed, ...valuesOf(numberBy(tile('code')), s.over)]));
  return c.program(places.grid, places.around([
    c.b.tile('first', 'int', column, first),
    c.b.tile('line', 'int', column, line),
    ...countOfLine(s, shape, tile('line')),
    c.b.loop('step', int(0), chunkOf(s.size), [
      ...sortedCode(s, shape, add(tile('line'), min(at, sub(s.size, int(1))))),
      c.put(number, select(takesPartBy(tile('code')), at, tile('low')), and(places.exists, lt(at, s.size))),
    ]),
  ]), 'ranks');
}

function listOf(s: Sorting, shape: OrderShape, rule: OrderRule & { readonly kind: 'order' }): TileProgram {
  const { c } = s;
  const ranks: Ranged = { name: rule.along, extent: c.indices.find((x) => x.name === rule.along)?.extent ?? int(0) };
  const places = columnPlaces(s, ranks);
  const at = atPlace(places, ranks);
  const line = mul(numberOf(s.lines, places.at), s.size);
  const isThere = and(lt(at, s.size), takesPartBy(tile('code')));
  return c.program(places.grid, places.around([
    ...sortedCode(s, shape, add(line, min(at, sub(s.size, int(1))))),
    c.put(numberOf(c.indices, places.at), select(isThere, numberBy(tile('code')), int(-1)), places.exists),
  ]), 'list');
}

const chunkName = "chunk'";

function chunkPlaces(s: Sorting): { readonly places: Places; readonly chunk: Expr; readonly chunks: Expr; readonly line: Expr; readonly first: Expr } {
  const chunks = ceilDiv(s.size, chunkOf(s.size));
  const place: Ranged = { name: chunkName, extent: chunks };
  const places = columnPlaces(s, place);
  const chunk = atPlace(places, place);
  return { places, chunk, chunks, line: mul(numberOf(s.lines, places.at), s.size), first: mul(chunk, chunkOf(s.size)) };
}

/** Sums of the keys of each chunk of the sorted lines. */
function sumsOf(s: Sorting, shape: OrderShape): TileProgram {
  const { c, column } = s;
  const { places, line, first } = chunkPlaces(s);
  const at = add(tile('first'), ref('step', 'int'));
  return c.program(places.grid, places.around([
    c.b.tile('first', 'int', column, first),
    c.b.tile('line', 'int', column, line),
    c.b.tile('sum', 'float', column, float(0)),
    c.b.loop('step', int(0), chunkOf(s.size), [
      ...sortedCode(s, shape, add(tile('line'), min(at, sub(s.size, int(1))))),
      c.b.map('sum', add(element('sum', 'float'), weightHere(s, new Map([...places.at].filter(([name]) => name !== chunkName)), at))),
    ]),
    c.b.store(orderBuffers.sums, column, [places.number], element('sum', 'float'), places.exists),
  ]), 'sums');
}

/** The key of the sorted place `at`, whose code is in tile `code`, where it lies in the line and takes part. */
function weightHere(s: Sorting, fixed: ReadonlyMap<string, Expr>, at: Expr): Expr {
  const key = s.c.say(s.rule.kind === 'mass' ? s.rule.key : float(0), fixed, valuesOf(numberBy(tile('code')), s.over));
  return select(and(lt(at, s.size), takesPartBy(tile('code'))), toFloat(key), float(0));
}

function massOf(s: Sorting, shape: OrderShape): TileProgram {
  const { c, column } = s;
  const { places, chunk, chunks, line, first } = chunkPlaces(s);
  const step = ref('step', 'int');
  const other = ref('other', 'int');
  const fixed = new Map([...places.at].filter(([name]) => name !== chunkName));
  const at = add(tile('first'), step);
  const number = numberOf(c.indices, new Map([...fixed, ...valuesOf(numberBy(tile('code')), s.over)]));
  const sums = (to: Expr): Expr => fold('sum', 'other', int(0), to, read(orderBuffers.sums, 'float', [add(sub(places.number, chunk), other)]));
  return c.program(places.grid, places.around([
    c.b.tile('first', 'int', column, first),
    c.b.tile('line', 'int', column, line),
    c.b.tile('before', 'float', column, sums(chunk)),
    c.b.tile('all', 'float', column, sums(chunks)),
    c.b.loop('step', int(0), chunkOf(s.size), [
      ...sortedCode(s, shape, add(tile('line'), min(at, sub(s.size, int(1))))),
      c.put(number, select(takesPartBy(tile('code')), element('before', 'float'), element('all', 'float')), and(places.exists, lt(at, s.size))),
      c.b.map('before', add(element('before', 'float'), weightHere(s, fixed, at))),
    ]),
  ]), 'masses');
}

/** The programs of an order whose lines are longer than `shape.counted`; none is made where lines are known to be shorter. */
export function lowerSorted(c: StageContext, rule: OrderRule, shape: OrderShape): readonly OrderStep[] {
  const over = rule.kind === 'order' ? c.ranged(rule.over) : c.indices.filter((x) => rule.over.includes(x.name));
  const lines = c.indices.filter((x) => (rule.kind === 'order' ? x.name !== rule.along : !rule.over.includes(x.name)));
  const size = product(over.map((x) => x.extent));
  const s: Sorting = { c, rule, type: rule.key.type === 'float' ? 'float' : 'int', lines, over, size, column: { rows: c.rows, cols: 1 } };
  const long = gt(size, int(shape.counted));
  const steps: OrderStep[] = [{ program: pairs(s), when: long }, { program: runs(s, shape.run), when: long }];
  mergesOf(shape).forEach(({ from, fan }, n) => {
    const when = and(long, gt(size, int(from)));
    if (when.kind !== 'literal' || when.value !== 0) steps.push({ program: merge(s, from, fan, n % 2 === 0 ? 'a' : 'b', n + 1), when });
  });
  switch (rule.kind) {
    case 'rank':
      return [...steps, { program: rankOf(s, shape), when: long }];
    case 'order':
      return [...steps, { program: listOf(s, shape, rule), when: long }];
    case 'mass':
      return [...steps, { program: sumsOf(s, shape), when: long }, { program: massOf(s, shape), when: long }];
  }
}
