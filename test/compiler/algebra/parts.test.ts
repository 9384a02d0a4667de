import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contiguous, mayHold } from '../../../compiler/algebra/ask.ts';
import { implies, toParts, outside } from '../../../compiler/algebra/dnf.ts';
import { keyBounds, kFirst, kLast, qFirst, qLast } from '../../../compiler/algebra/eliminate.ts';
import { atomTest, negate, type Formula } from '../../../compiler/algebra/formula.ts';
import { boolFormula } from '../../../compiler/algebra/normalise.ts';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { formulaTest } from '../../../compiler/plan/predicate.ts';
import { accepted, bools, length, pairs, runner, tiles, type Tile } from './random-expr.ts';

const q = x.ref('q', 'int');
const k = x.ref('k', 'int');
const w = x.ref('w', 'int');
const box = { q: { lo: qFirst, hi: qLast }, k: { lo: kFirst, hi: kLast } };
const whole: Tile = { qFirst: -4, qLast: length - 1, kFirst: 0, kLast: length - 1 };

/** Comparisons of the shapes that masks have. */
const affine = fc.constantFrom(
  x.sub(q, k), x.add(q, k), q, k, x.sub(x.mul(q, x.int(2)), k), x.sub(q, x.mul(k, x.int(3))),
  x.div(x.sub(q, k), x.int(4)), x.sub(x.div(q, x.int(8)), x.div(k, x.int(8))), x.abs(x.sub(q, k)), x.max(q, x.sub(k, x.int(3))),
);
const limit = fc.oneof(fc.integer({ min: -20, max: 60 }).map(x.int), fc.constantFrom(w, x.neg(w)));
const shaped: fc.Arbitrary<Expr> = fc.oneof(
  fc.tuple(fc.constantFrom('lt', 'le', 'gt', 'ge', 'eq', 'ne'), affine, limit).map(([op, a, b]) => x.binary(op, a, b)),
  fc.tuple(fc.constantFrom(x.sub(q, k), x.sub(k, q), x.add(q, k), x.add(q, w), k), fc.constantFrom(x.int(3), x.int(5), x.max(w, x.int(1))), limit)
    .map(([a, m, r]) => x.eq(x.mod(a, m), r)),
  fc.constant(x.eq(x.mod(q, x.int(6)), x.mod(k, x.int(6)))),
);
const tree = fc.array(fc.tuple(fc.boolean(), shaped), { minLength: 1, maxLength: 5 }).map((list) =>
  list.map(([positive, e]) => (positive ? e : x.not(e))).reduce((a, b, i) => (i % 2 === 0 ? x.and(a, b) : x.or(a, b))));

function expectSame(e: Expr, f: Formula, scalar: number, tile: Tile): void {
  const parts = toParts(f);
  const meant = runner(e, scalar, tile);
  const formula = runner(formulaTest(f), scalar, tile);
  const tests = parts?.map((part) => part.map((atom) => runner(atomTest(atom), scalar, tile)));
  for (const [a, b] of pairs(tile)) {
    const truth = meant(a, b) !== 0;
    expect(formula(a, b) !== 0).toBe(truth);
    if (tests !== undefined) expect(tests.some((part) => part.every((t) => t(a, b) !== 0))).toBe(truth);
  }
}

const scalars = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -5, max: 30 }) }, { weight: 1, arbitrary: fc.constantFrom(1 << 30, -(1 << 30)) });

test('a formula and its parts hold exactly where the condition does', () => {
  fc.assert(fc.property(fc.oneof(tree, bools), scalars, tiles, (e, scalar, tile) => {
    fc.pre(accepted(e, scalar));
    expectSame(e, boolFormula(e), scalar, tile);
  }), { seed: 20262, numRuns: 400 });
});

test('the negation of a formula, and what lies outside of its parts, hold exactly where the condition does not', () => {
  fc.assert(fc.property(tree, scalars, tiles, (e, scalar, tile) => {
    fc.pre(accepted(e, scalar));
    const f = boolFormula(e);
    expectSame(x.not(e), negate(f), scalar, tile);
    const parts = toParts(f);
    if (parts !== undefined) expectSame(x.not(e), outside(parts), scalar, tile);
  }), { seed: 20263, numRuns: 200 });
});

test('an atom that implies another holds only where the other does', () => {
  fc.assert(fc.property(tree, tree, scalars, (a, b, scalar) => {
    fc.pre(accepted(a, scalar) && accepted(b, scalar));
    const atoms = [a, b].flatMap((e) => toParts(boolFormula(e)) ?? []).flat();
    for (const one of atoms) {
      for (const other of atoms) {
        if (one === other || !implies(one, other)) continue;
        const [first, second] = [runner(atomTest(one), scalar, whole), runner(atomTest(other), scalar, whole)];
        for (const [i, j] of pairs(whole)) if (first(i, j) !== 0) expect(second(i, j)).not.toBe(0);
      }
    }
  }), { seed: 20264, numRuns: 20 });
});

test('a tile question is true whenever some pair of the tile is in the part', () => {
  fc.assert(fc.property(fc.oneof(tree, bools), scalars, tiles, (e, scalar, tile) => {
    fc.pre(accepted(e, scalar));
    for (const part of toParts(boolFormula(e)) ?? []) {
      const tests = part.map((atom) => runner(atomTest(atom), scalar, tile));
      if (![...pairs(tile)].some(([a, b]) => tests.every((t) => t(a, b) !== 0))) continue;
      expect(runner(mayHold(part, box, contiguous), scalar, tile)(0, 0)).not.toBe(0);
    }
  }), { seed: 20265, numRuns: 400 });
});

const difference = fc.constantFrom(x.sub(q, k), x.sub(k, q), x.add(q, k), q, k);
const inequality = fc.tuple(fc.constantFrom('lt', 'ge'), difference, fc.integer({ min: -20, max: 60 }).map(x.int)).map(([op, a, b]) => x.binary(op, a, b));

test('tile questions about inequalities of q, k, q - k and q + k are exact', () => {
  fc.assert(fc.property(fc.array(inequality, { minLength: 1, maxLength: 4 }), tiles, (list, tile) => {
    const e = list.reduce(x.and);
    const parts = toParts(boolFormula(e)) ?? [];
    const meant = runner(e, 0, tile);
    const some = [...pairs(tile)].some(([a, b]) => meant(a, b) !== 0);
    expect(parts.some((part) => runner(mayHold(part, box, contiguous), 0, tile)(0, 0) !== 0)).toBe(some);
  }), { seed: 20266, numRuns: 800 });
});

test('a tile question about one congruence beside an inequality along it is exact', () => {
  fc.assert(fc.property(fc.constantFrom(x.sub(q, k), x.add(q, k), q, k), fc.integer({ min: 1, max: 9 }), fc.nat(8), fc.integer({ min: -20, max: 60 }), fc.boolean(), tiles, (a, m, r, c, holds, tile) => {
    const congruence = x.eq(x.mod(a, x.int(m)), x.int(r));
    const e = x.and(holds ? congruence : x.not(congruence), x.ge(a, x.int(c)));
    const meant = runner(e, 0, tile);
    const some = [...pairs(tile)].some(([i, j]) => meant(i, j) !== 0);
    const parts = toParts(boolFormula(e)) ?? [];
    expect(parts.some((part) => runner(mayHold(part, box, contiguous), 0, tile)(0, 0) !== 0)).toBe(some);
  }), { seed: 20267, numRuns: 800 });
});

test('the key bounds of a query tile enclose exactly the keys that some query of it sees', () => {
  fc.assert(fc.property(fc.array(inequality, { minLength: 1, maxLength: 4 }), tiles, (list, tile) => {
    const e = list.reduce(x.and);
    const [part, ...others] = toParts(boolFormula(e)) ?? [];
    const meant = runner(e, 0, tile);
    const row: Tile = { ...tile, kFirst: 0, kLast: length - 1 };
    const seen = new Set([...pairs(row)].filter(([a, b]) => meant(a, b) !== 0).map(([, b]) => b));
    expect(others).toHaveLength(0);
    if (part === undefined) {
      expect(seen.size).toBe(0);
      return;
    }
    const bounds = keyBounds(part, box.q);
    const value = (b: Expr): number => runner(b, 0, tile)(0, 0);
    const open = bounds.guards.every((g) => value(g) !== 0);
    const [from, to] = [Math.max(0, ...bounds.lowers.map(value)), Math.min(length - 1, ...bounds.uppers.map(value))];
    const enclosed = open && from <= to ? to - from + 1 : 0;
    expect(enclosed).toBe(seen.size);
    for (const key of seen) expect(key >= from && key <= to).toBe(true);
  }), { seed: 20268, numRuns: 800 });
});
