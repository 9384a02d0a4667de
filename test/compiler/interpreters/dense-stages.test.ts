import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { denseAttention, denseMask, denseStages } from '../../../compiler/interpreters/dense/index.ts';
import type { Axis, Launch, Sizes, Spec } from '../../../compiler/spec/ir.ts';
import type { StageIndex, StageRule, StageTensor } from '../../../compiler/spec/stage.ts';
import { noSpan as span } from '../../../dsl/span.ts';
import { specAround } from '../../support/random-spec.ts';

const ref = (name: string): Expr => x.ref(name, 'int');
const batch: StageIndex = { name: 'b', axis: { kind: 'batch' } };
const axis = (name: string, over: Axis): StageIndex => ({ name, axis: over });
const upTo = (n: number): Axis => ({ kind: 'counted', extent: x.int(n) });

function tensor(name: string, element: StageTensor['element'], indices: readonly StageIndex[], rule: StageRule, precision: StageTensor['precision'] = 'f32'): StageTensor {
  return { name, doc: [], element, precision, indices: [batch, ...indices], rule, span };
}

function specOf(stages: readonly StageTensor[], mask: Spec['mask'] = { kind: 'all', span }): Spec {
  return { ...specAround(mask), stages };
}

function launchOf(sizes: Partial<Sizes> = {}): Launch {
  return { sizes: { batch: 1, heads: 1, kvHeads: 1, nQ: 1, nK: 1, dim: 1, ...sizes }, scalars: new Map(), tensors: new Map() };
}

function inputs(q: readonly number[], k: readonly number[], v: readonly number[] = k) {
  return { q: Float64Array.from(q), k: Float64Array.from(k), v: Float64Array.from(v) };
}

/** The values of the last tensor, for keys k of one head and channel. */
function valuesOf(stages: readonly StageTensor[], k: readonly number[]): readonly number[] {
  const made = denseStages(specOf(stages), launchOf({ nK: k.length }), inputs([1], k));
  return [...(made.get(stages[stages.length - 1]?.name ?? '')?.data ?? [])];
}

const j = axis('j', { kind: 'keys' });
const keyAt = (index: Expr): Expr => x.read('k', 'float', [ref('b'), x.int(0), index, x.int(0)]);
const isTrue = x.bool(true);
const positive = x.gt(keyAt(ref('j')), x.float(0));
const key = keyAt(ref('j'));

describe('map', () => {
  test('reads the inputs by batch, head, row and channel', () => {
    const product = x.fold('sum', 'd', x.int(0), ref('dim'), x.mul(
      x.read('q', 'float', [ref('b'), ref('h'), ref('i'), ref('d')]),
      x.read('k', 'float', [ref('b'), x.binary('div', ref('h'), x.int(2)), ref('j'), ref('d')]),
    ));
    const s = tensor('s', 'float', [axis('h', { kind: 'heads' }), axis('i', { kind: 'queries' }), j], { kind: 'map', value: product });
    const sizes = { batch: 2, heads: 2, nQ: 1, nK: 2, dim: 2 };
    const made = denseStages(specOf([s]), launchOf(sizes), inputs([1, 2, 3, 4, 5, 6, 7, 8], [1, 0, 0, 1, 1, 1, 2, 0])).get('s');
    expect(made?.extents).toEqual([2, 2, 1, 2]);
    expect([...(made?.data ?? [])]).toEqual([1, 2, 3, 4, 11, 10, 15, 14]);
  });

  test('a read outside a tensor gives 0', () => {
    expect(valuesOf([tensor('t', 'float', [j], { kind: 'map', value: keyAt(x.sub(ref('j'), x.int(1))) })], [5, 7])).toEqual([0, 5]);
  });

  test('a maximum and a minimum of no floats are the ends of single precision', () => {
    const empty = (op: 'min' | 'max'): Expr => x.fold(op, 't', x.int(0), x.sub(ref('j'), x.int(3)), keyAt(ref('t')));
    const largest = 3.4028234663852886e38;
    expect(valuesOf([tensor('t', 'float', [j], { kind: 'map', value: empty('max') })], [1])).toEqual([-largest]);
    expect(valuesOf([tensor('t', 'float', [j], { kind: 'map', value: empty('min') })], [1])).toEqual([largest]);
  });

  test('a tensor of f16 is rounded when it is stored, one of f32 keeps float64', () => {
    const value = x.mul(key, x.float(1 / 3));
    expect(valuesOf([tensor('t', 'float', [j], { kind: 'map', value }, 'f16')], [1])).toEqual([1365 / 4096]);
    expect(valuesOf([tensor('t', 'float', [j], { kind: 'map', value })], [1])).toEqual([1 / 3]);
  });

  test('an axis of no entries makes an empty tensor', () => {
    expect(valuesOf([tensor('t', 'int', [axis('i', upTo(-2))], { kind: 'map', value: ref('i') })], [1])).toEqual([]);
  });
});

test('a recurrence reads what it has made, and 0 before the first', () => {
  const previous = x.read('t', 'float', [ref('b'), x.sub(ref('j'), x.int(1))]);
  const rule: StageRule = { kind: 'recurrence', along: 'j', value: x.add(previous, key) };
  expect(valuesOf([tensor('t', 'float', [j], rule)], [1, 2, 3])).toEqual([1, 3, 6]);
});

describe('softmax', () => {
  test('shares 1 among those that take part and gives the others 0', () => {
    const values = valuesOf([tensor('p', 'float', [j], { kind: 'softmax', over: ['j'], where: positive, value: x.unary('log', key) })], [1, -5, 3]);
    expect(values[0]).toBeCloseTo(0.25, 14);
    expect(values[1]).toBe(0);
    expect(values[2]).toBeCloseTo(0.75, 14);
  });

  test('is 0 everywhere where none takes part', () => {
    expect(valuesOf([tensor('p', 'float', [j], { kind: 'softmax', over: ['j'], where: x.bool(false), value: key })], [1, 2])).toEqual([0, 0]);
  });
});

describe('orders', () => {
  test('rank counts from the largest, ties to the lower index; outside stand as many as take part', () => {
    expect(valuesOf([tensor('r', 'int', [j], { kind: 'rank', over: ['j'], where: positive, key })], [2, 7, 2, -1, 7])).toEqual([2, 0, 3, 4, 1]);
  });

  test('mass adds the keys before; outside stands the sum of all', () => {
    expect(valuesOf([tensor('m', 'float', [j], { kind: 'mass', over: ['j'], where: positive, key })], [2, 7, 2, -1, 7])).toEqual([14, 0, 16, 18, 7]);
  });

  test('order names the elements by rank and ends in -1', () => {
    const rule: StageRule = { kind: 'order', along: 'r', over: [j], where: positive, key };
    expect(valuesOf([tensor('o', 'int', [axis('r', upTo(5))], rule)], [2, 7, 2, -1])).toEqual([1, 0, 2, -1, -1]);
  });

  test('two indices are ranked together, the first named slowest, whatever their order in the tensor', () => {
    const grid = [axis('a', upTo(2)), axis('c', upTo(2))];
    const rule = (over: readonly string[]): StageRule => ({ kind: 'rank', over, where: isTrue, key: x.float(1) });
    expect(valuesOf([tensor('r', 'int', grid, rule(['a', 'c']))], [0])).toEqual([0, 1, 2, 3]);
    expect(valuesOf([tensor('r', 'int', grid, rule(['c', 'a']))], [0])).toEqual([0, 2, 1, 3]);
  });

  test('an order over several bound indices gives row-major numbers', () => {
    const value = x.unary('to_float', x.add(x.mul(ref('a'), x.int(-1)), ref('c')));
    const rule: StageRule = { kind: 'order', along: 'r', over: [axis('a', upTo(2)), axis('c', upTo(3))], where: isTrue, key: value };
    // keys, a slowest: 0 1 2, -1 0 1
    expect(valuesOf([tensor('o', 'int', [axis('r', upTo(6))], rule)], [0])).toEqual([2, 1, 5, 0, 4, 3]);
  });

  test('orders are made for each of the other indices by itself', () => {
    const grid = [axis('a', upTo(2)), axis('c', upTo(2))];
    const descending: Expr = x.unary('to_float', x.add(ref('a'), ref('c')));
    expect(valuesOf([tensor('r', 'int', grid, { kind: 'rank', over: ['c'], where: isTrue, key: descending })], [0])).toEqual([1, 0, 1, 0]);
  });
});

describe('use by the attention', () => {
  const chosen = tensor('sel.keep', 'bool', [axis('B', { kind: 'blocks', of: 'queries', size: x.int(1) }), axis('C', { kind: 'blocks', of: 'keys', size: x.int(2) })], {
    kind: 'map',
    value: x.gt(keyAt(x.mul(ref('C'), x.int(2))), x.float(0)),
  });
  const mask: Spec['mask'] = { kind: 'tiles', table: { tensor: 'sel.keep', leading: [ref('b')] }, queryBlock: x.int(1), keyBlock: x.int(2), span };

  test('a mask reads a table that a stage made', () => {
    const { out, stages } = denseAttention(specOf([chosen], mask), launchOf({ nK: 4 }), inputs([0], [-1, -1, 1, 1], [10, 20, 1, 3]));
    expect([...out]).toEqual([2]);
    expect([...(stages.get('sel.keep')?.data ?? [])]).toEqual([0, 1]);
  });

  test('a later stage tensor reads an earlier one', () => {
    const count = tensor('n', 'int', [], { kind: 'map', value: x.fold('sum', 'C', x.int(0), x.int(2), x.select(x.read('sel.keep', 'bool', [ref('b'), x.int(0), ref('C')]), x.int(1), x.int(0))) });
    const spec = specOf([chosen, count], mask);
    const launch = launchOf({ nK: 4 });
    const made = denseStages(spec, launch, inputs([0], [1, 0, 1, 0]));
    expect([...(made.get('n')?.data ?? [])]).toEqual([2]);
    expect([...denseMask(spec, launch, made)]).toEqual([1, 1, 1, 1]);
  });
});
