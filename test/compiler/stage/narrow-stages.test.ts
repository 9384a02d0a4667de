/**
 * Tensors of which only a part is read, and tiles in which a condition can hold: what is left out is never asked for.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { evaluate } from '../../../compiler/expr/evaluate.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { boundFolds } from '../../../compiler/stage/bound-folds.ts';
import { hoistValues } from '../../../compiler/stage/hoist-values.ts';
import { narrowStages } from '../../../compiler/stage/narrow-stages.ts';
import { canHold, spanOf } from '../../../compiler/stage/reached.ts';
import { shareStages } from '../../../compiler/stage/share-stages.ts';
import { compiled, heads, i, inputsOf, launchOf, levels, run, stageSpec, tensor } from './specs.ts';

const keys = { kind: 'keys' } as const;
const queries = { kind: 'queries' } as const;
const product = x.mul(x.read('q', 'float', [i('b'), i('h'), i('I'), i('d')]), x.read('k', 'float', [i('b'), i('h'), i('J'), i('d')]));
const score = tensor('score', 'float', { h: heads, I: queries, J: keys }, { kind: 'map', value: x.fold('sum', 'd', x.int(0), i('dim'), product) });
const offset = x.sub(i('n_k'), i('n_q'));
const seen = x.le(i('C'), x.add(i('I'), offset));
const share = tensor("p'softmax", 'float', { h: heads, I: queries, C: keys }, { kind: 'softmax', over: ['C'], where: seen, value: x.read('score', 'float', [i('b'), i('h'), i('I'), i('C')]) });
const copy = tensor('p', 'float', { h: heads, I: queries, C: keys }, { kind: 'map', value: x.read("p'softmax", 'float', [i('b'), i('h'), i('I'), i('C')]) });
const total = tensor('total', 'float', { h: heads, I: queries }, { kind: 'map', value: x.fold('sum', 'j', x.int(0), i('n_k'), x.read('p', 'float', [i('b'), i('h'), i('I'), i('j')])) });
const given = (outputs: readonly string[]) => stageSpec([score, share, copy, total], [], { outputs: outputs.map((name) => ({ name, tensor: name })) });

describe('narrowed tensors', () => {
  test('are 0 where their only reader does not look, in the names of their own indices', () => {
    const [first] = narrowStages(given(['total'])).stages;
    expect(first?.rule).toEqual({ kind: 'map', value: x.select(x.le(i('J'), x.add(i('I'), offset)), x.fold('sum', 'd', x.int(0), i('dim'), product), x.float(0)) });
  });

  test('stay whole where the caller gets them, or another tensor reads them', () => {
    expect(narrowStages(given(['total', 'score'])).stages[0]).toBe(score);
    const other = { ...total, name: 'other', rule: { kind: 'map' as const, value: x.read('score', 'float', [i('b'), i('h'), i('I'), i('I')]) } };
    const spec = given(['total', 'other']);
    expect(narrowStages({ ...spec, stages: [...spec.stages, other] }).stages[0]).toBe(score);
  });

  test('a copy of a tensor is that tensor, under the name that the caller knows', () => {
    const stages = (outputs: readonly string[]) => shareStages(given(outputs)).stages.map((t) => `${t.name} ${t.rule.kind}`);
    expect(stages(['total'])).toEqual(['score map', "p'softmax softmax", 'total map']);
    expect(stages(['total', 'p'])).toEqual(['score map', 'p softmax', 'total map']);
    expect(stages(['total', 'p', "p'softmax"])).toEqual(['score map', "p'softmax softmax", 'p map', 'total map']);
  });
});

describe('reductions with conditions on their variable', () => {
  const list = (t: Expr): Expr => x.read('list', 'int', [t]);
  const stop = x.read('count', 'int', [i('h')]);
  const of = (value: Expr): Expr | undefined => {
    const [made] = boundFolds(stageSpec([tensor('m', value.type, { h: heads }, { kind: 'map', value })])).stages;
    return made?.rule.kind === 'map' ? made.rule.value : undefined;
  };

  test('end where a condition says so', () => {
    const found = x.and(x.lt(i('t'), stop), x.eq(list(i('t')), i('h')));
    const end = x.min(i('n_k'), x.add(x.min(x.sub(stop, x.int(1)), x.sub(i('n_k'), x.int(1))), x.int(1)));
    expect(of(x.fold('any', 't', x.int(0), i('n_k'), found))).toEqual(x.fold('any', 't', x.int(0), end, found));
    const added = x.select(x.lt(i('t'), stop), x.int(1), x.int(0));
    expect(of(x.fold('sum', 't', x.int(0), i('n_k'), added))).toEqual(x.fold('sum', 't', x.int(0), end, added));
  });

  test('keep their range where the condition leaves something to add, or says nothing of the variable alone', () => {
    const kept = [x.fold('sum', 't', x.int(0), i('n_k'), x.select(x.lt(i('t'), stop), x.int(1), x.int(2))), x.fold('any', 't', x.int(0), i('n_k'), x.lt(x.mul(i('t'), i('t')), stop))];
    for (const value of kept) expect(of(value)).toEqual(value);
  });

  test('have the value of the whole range', () => {
    const condition = fc.tuple(fc.constantFrom('lt', 'le', 'gt', 'ge', 'eq' as const), fc.constantFrom(-3, 0, 2, 5, 99, 2147483647, -2147483648), fc.boolean())
      .map(([op, n, turned]) => (turned ? x.binary(op === 'lt' ? 'lt' : op === 'le' ? 'le' : op === 'gt' ? 'gt' : op === 'ge' ? 'ge' : 'eq', x.add(i('z'), x.int(n)), i('t')) : x.binary(op === 'lt' ? 'lt' : op === 'le' ? 'le' : op === 'gt' ? 'gt' : op === 'ge' ? 'ge' : 'eq', i('t'), x.add(i('z'), x.int(n)))));
    const odd = x.eq(x.mod(i('t'), x.int(2)), x.int(1));
    const body = fc.tuple(condition, condition, fc.constantFrom('any', 'all', 'sum', 'max' as const)).map(([a, b, op]): Expr => {
      if (op === 'any') return x.fold('any', 't', x.int(0), x.int(6), x.and(x.and(a, b), odd));
      if (op === 'all') return x.fold('all', 't', x.int(0), x.int(6), x.or(x.not(x.and(a, b)), odd));
      return x.fold(op === 'max' ? 'max' : 'sum', 't', x.int(0), x.int(6), x.select(x.and(a, b), i('t'), x.int(op === 'max' ? -2147483648 : 0)));
    });
    let narrower = 0;
    fc.assert(fc.property(body, (e) => {
      const other = of(e);
      if (other === undefined) throw new Error('no value');
      const value = (y: Expr): number => evaluate(y, new Map([['z', 0]]));
      if (JSON.stringify(other) !== JSON.stringify(e)) narrower += 1;
      expect(value(other)).toBe(value(e));
    }), { seed: 2, numRuns: 400 });
    expect(narrower).toBeGreaterThan(200);
  });
});

describe('reductions in the value of a line rule', () => {
  const sum = x.fold('sum', 'd', x.int(0), i('dim'), product);
  const over = ['J'];
  const rules = [
    tensor('soft', 'float', { h: heads, I: queries, J: keys }, { kind: 'softmax', over, where: x.trueExpr, value: sum }),
    tensor('place', 'int', { h: heads, I: queries, J: keys }, { kind: 'rank', over, where: x.trueExpr, key: sum }),
    tensor('list', 'int', { h: heads, I: queries, r: keys }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: keys }], where: x.trueExpr, key: sum }),
  ];

  test('are tensors of their own, over the indices of the line and those around it', () => {
    const { stages } = hoistValues(stageSpec(rules));
    expect(stages.map((t) => t.name)).toEqual(["soft'value", 'soft', "place'value", 'place', "list'value", 'list']);
    for (const t of stages.filter((s) => s.name.endsWith("'value"))) {
      expect(t.rule).toEqual({ kind: 'map', value: sum });
      expect(t.indices.map((x2) => x2.name)).toEqual(['b', 'h', 'I', 'J']);
    }
    expect(hoistValues({ ...stageSpec([score, share]) }).stages).toEqual([score, share]);
  });

  test.each(levels)('give what the rule gives, at the %s level', (level) => {
    const sizes = { batch: 1, heads: 2, kvHeads: 2, nQ: 3, nK: 7, dim: 4 };
    const given = inputsOf(sizes, 5);
    const out = run(level, compiled(stageSpec(rules), 4), launchOf(sizes), given).outputs;
    const lists = [...(out.get('list')?.values ?? [])];
    const places = [...(out.get('place')?.values ?? [])];
    const shares = [...(out.get('soft')?.values ?? [])];
    for (let line = 0; line < 6; line += 1) {
      const keysOf = Array.from({ length: 7 }, (_, j) => [0, 1, 2, 3].reduce((s, d) => s + Number(given.q[line * 4 + d]) * Number(given.k[(Math.floor(line / 3) * 7 + j) * 4 + d]), 0));
      const sorted = keysOf.map((_, j) => j).sort((a, b) => (keysOf[b] ?? 0) - (keysOf[a] ?? 0) || a - b);
      expect(lists.slice(line * 7, line * 7 + 7)).toEqual(sorted);
      expect(places.slice(line * 7, line * 7 + 7)).toEqual(keysOf.map((_, j) => sorted.indexOf(j)));
      const total = keysOf.reduce((s, key) => s + Math.exp(key), 0);
      keysOf.forEach((key, j) => expect(shares[line * 7 + j]).toBeCloseTo(Math.exp(key) / total, 5));
    }
  });
});

test.each(levels)('rows of shares add up to one at the %s level, whatever tiles are passed over', (level) => {
  for (const [nQ, nK] of [[9, 9], [5, 13], [13, 6]] as const) {
    const sizes = { batch: 1, heads: 2, kvHeads: 2, nQ, nK, dim: 4 };
    const out = run(level, compiled(given(['total']), 4), launchOf(sizes), inputsOf(sizes, 5)).outputs.get('total');
    const expected = [0, 1].flatMap(() => Array.from({ length: nQ }, (_, r) => (r + nK - nQ >= 0 ? 1 : 0)));
    [...(out?.values ?? [])].forEach((v, n) => expect(v).toBeCloseTo(expected[n] ?? NaN, 5));
    expect(out?.values.length).toBe(expected.length);
  }
});

describe('tiles in which a condition can hold', () => {
  const term: fc.Arbitrary<Expr> = fc.constantFrom(i('I'), i('J'), x.mul(i('I'), x.int(3)), i('s'), x.int(2), x.read('t', 'int', [i('I')]));
  const side = fc.tuple(term, term, fc.boolean()).map(([a, b, plus]) => (plus ? x.add(a, b) : x.sub(a, b)));
  const comparison = fc.tuple(fc.constantFrom('le', 'lt', 'ge', 'gt', 'eq', 'ne' as const), side, side).map(([op, a, b]) => x.binary(op === 'ne' ? 'ne' : op === 'le' ? 'le' : op === 'lt' ? 'lt' : op === 'ge' ? 'ge' : op === 'gt' ? 'gt' : 'eq', a, b));
  const condition = fc.oneof(comparison, fc.tuple(comparison, comparison).map(([a, b]) => x.and(a, b)), fc.tuple(comparison, comparison).map(([a, b]) => x.or(a, b)));

  test('are never passed over', () => {
    let passed = 0;
    fc.assert(fc.property(condition, fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 12 }), fc.constantFrom(-7, 0, 3, 2 ** 30, -(2 ** 31)), (cond, row, col, s) => {
      const spans = new Map([['I', spanOf(x.int(row), 4, x.int(14))], ['J', spanOf(x.int(col), 3, x.int(13))]]);
      const value = (e: Expr, more: readonly (readonly [string, number])[] = []): number => evaluate(e, new Map([['s', s], ...more]), (_, [at = 0]) => (at * 5) % 7);
      const can = value(canHold(cond, spans)) !== 0;
      if (!can) passed += 1;
      for (let I = row; I < Math.min(row + 4, 14); I += 1) {
        for (let J = col; J < Math.min(col + 3, 13); J += 1) expect(can || value(cond, [['I', I], ['J', J]]) === 0).toBe(true);
      }
    }), { seed: 5, numRuns: 1500 });
    expect(passed).toBeGreaterThan(200);
  });
});
