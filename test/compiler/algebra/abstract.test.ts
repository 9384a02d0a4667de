import fc from 'fast-check';
import { expect, test } from 'vitest';
import { intervalOf, truthOf } from '../../../compiler/algebra/abstract.ts';
import { kFirst, kLast, qFirst, qLast } from '../../../compiler/algebra/eliminate.ts';
import { knownRange } from '../../../compiler/algebra/known-range.ts';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { countNodes } from '../../../compiler/expr/traverse.ts';
import { accepted, bools, ints, pairs, runner, tiles, type Tile } from './random-expr.ts';

const box = { q: { lo: qFirst, hi: qLast }, k: { lo: kFirst, hi: kLast } };
const scalar = fc.oneof(fc.integer({ min: -5, max: 30 }), fc.constantFrom(1 << 30, -(1 << 30)));
const settings = { seed: 20261, numRuns: 400 };
const q = x.ref('q', 'int');
const k = x.ref('k', 'int');

test('the known range of an expression holds its value', () => {
  fc.assert(fc.property(ints, scalar, tiles, (e, w, tile) => {
    fc.pre(accepted(e, w));
    const range = knownRange(e);
    const run = runner(e, w, tile);
    for (const [a, b] of pairs(tile)) {
      const value = run(a, b);
      expect(value).toBeGreaterThanOrEqual(range.lo);
      expect(value).toBeLessThanOrEqual(range.hi);
    }
  }), settings);
});

test('the interval of an expression on a tile holds its value at every pair', () => {
  fc.assert(fc.property(ints, scalar, tiles, (e, w, tile) => {
    fc.pre(accepted(e, w));
    const { lo, hi } = intervalOf(e, box);
    const [least, most] = [runner(lo, w, tile)(0, 0), runner(hi, w, tile)(0, 0)];
    const run = runner(e, w, tile);
    for (const [a, b] of pairs(tile)) {
      const value = run(a, b);
      expect(value).toBeGreaterThanOrEqual(least);
      expect(value).toBeLessThanOrEqual(most);
    }
  }), settings);
});

test('a condition that holds for some pair may hold, and one that must hold does for all', () => {
  fc.assert(fc.property(bools, scalar, tiles, (e, w, tile) => {
    fc.pre(accepted(e, w));
    const truth = truthOf(e, box);
    const may = runner(truth.may, w, tile)(0, 0) !== 0;
    const must = runner(truth.must, w, tile)(0, 0) !== 0;
    const run = runner(e, w, tile);
    for (const [a, b] of pairs(tile)) {
      const holds = run(a, b) !== 0;
      if (holds) expect(may).toBe(true);
      else expect(must).toBe(false);
    }
  }), settings);
});

const exact: readonly (readonly [string, Expr])[] = [
  ['equal quotients', x.eq(x.div(q, x.int(5)), x.div(k, x.int(5)))],
  ['near quotients', x.le(x.abs(x.sub(x.div(q, x.int(4)), x.div(k, x.int(4)))), x.int(1))],
  ['equal look-ups, sorted or not', x.eq(x.read('ids', 'int', [q]), x.read('ids', 'int', [k]))],
  ['a look-up at the query that names a key', x.eq(x.add(x.read('ids', 'int', [q]), x.int(9)), k)],
  ['a flag of the key', x.read('flags', 'bool', [k])],
  ['a Fenwick level below a bound, off the diagonal', x.or(x.le(q, x.add(k, x.int(16))), x.le(x.unary('bit_length', x.binary('bit_xor', q, k)), x.int(5)))],
];

test.each(exact)('on tiles of existing positions, %s may hold only if some pair does', (_, e) => {
  const truth = truthOf(e, box);
  const first = (n: number): number => n * 8;
  for (let i = 0; i < 8; i += 1) {
    for (let j = 0; j < 8; j += 1) {
      const tile: Tile = { qFirst: first(i), qLast: first(i) + 7, kFirst: first(j), kLast: first(j) + 7 };
      const run = runner(e, 0, tile);
      const some = [...pairs(tile)].some(([a, b]) => run(a, b) !== 0);
      expect(runner(truth.may, 0, tile)(0, 0) !== 0, `tile ${i}, ${j}`).toBe(some);
    }
  }
});

test('arithmetic on launch scalars that would wrap is refused by a requirement', () => {
  const w = x.ref('w', 'int');
  const product = x.ge(x.sub(q, x.mul(w, w)), k);
  expect(accepted(product, 1 << 15)).toBe(true);
  expect(accepted(product, (1 << 15) + 1)).toBe(false);
  expect(accepted(product, 1 << 16)).toBe(false);
  const sum = x.ge(x.sub(q, x.add(w, x.max(w, x.int(5)))), k);
  expect(accepted(sum, 1 << 29)).toBe(true);
  expect(accepted(sum, (1 << 29) + 1)).toBe(false);
  expect(accepted(sum, 1 << 30)).toBe(false);
});

/** ids[ids[... ids[q + 1] - 2 ...] - 2], this many look-ups deep. */
function nested(depth: number): Expr {
  let e: Expr = x.add(q, x.int(1));
  for (let i = 0; i < depth; i += 1) e = x.read('ids', 'int', [i === 0 ? e : x.sub(x.mul(e, x.int(9)), x.int(2))]);
  return e;
}

/** A case in a case in a case, each between two look-ups. */
function cases(depth: number): Expr {
  let e: Expr = x.read('ids', 'int', [q]);
  for (let i = 0; i < depth; i += 1) e = x.select(x.lt(e, x.int(3)), x.add(e, x.read('ids', 'int', [x.add(q, x.int(i))])), x.sub(x.int(i), e));
  return e;
}

const deep: readonly (readonly [string, (depth: number) => Expr, boolean])[] = [['look-ups in look-ups', nested, true], ['cases in cases', cases, false]];

test.each(deep)('%s of any depth get an answer of bounded size (and look-ups the exact one on few positions)', (_, make, exactly) => {
  for (const depth of [1, 2, 3, 4, 5, 6]) {
    const e = make(depth);
    const { lo, hi } = intervalOf(e, box);
    const meets = truthOf(x.eq(e, k), box);
    for (const answer of [lo, hi, meets.may, meets.must]) expect(countNodes(answer), `depth ${depth}`).toBeLessThan(200_000);
    for (const [qFirst, qLast] of [[3, 3], [0, 15], [20, 33]] as const) {
      const tile = { qFirst, qLast, kFirst: 0, kLast: 0 };
      const run = runner(e, 0, tile);
      const values = Array.from({ length: qLast - qFirst + 1 }, (_none, i) => run(qFirst + i, 0));
      const [least, most] = [runner(lo, 0, tile)(0, 0), runner(hi, 0, tile)(0, 0)];
      expect(least).toBeLessThanOrEqual(Math.min(...values));
      expect(most).toBeGreaterThanOrEqual(Math.max(...values));
      if (exactly) expect([least, most]).toEqual([Math.min(...values), Math.max(...values)]);
    }
  }
});
