import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { checkLaunch, withDefaults } from '../../../compiler/spec/check-launch.ts';
import type { Launch, MaskExpr, Sizes, TensorValue } from '../../../compiler/spec/ir.ts';
import { noSpan as span } from '../../../dsl/span.ts';
import { h } from '../../support/random-parameters.ts';
import { randomCases, specAround } from '../../support/random-spec.ts';

const sizes: Sizes = { batch: 1, heads: 2, kvHeads: 1, nQ: 8, nK: 12, dim: 16 };

function messages(mask: MaskExpr, launch: Partial<Launch>): readonly string[] {
  const whole: Launch = { sizes, scalars: new Map(), tensors: new Map(), ...launch };
  return checkLaunch(specAround(mask), whole).map((d) => `${d.code} ${d.message}`);
}

const tensors = (name: string, extents: readonly number[], data: TensorValue['data']): ReadonlyMap<string, TensorValue> => new Map([[name, { extents, data }]]);
const all: MaskExpr = { kind: 'all', span };
const band: MaskExpr = { kind: 'band', from: x.ref('offset', 'int'), to: x.ref('window', 'int'), span };
const documents: MaskExpr = { kind: 'segments', ids: { tensor: 'doc', leading: [] }, span };
const table: MaskExpr = { kind: 'tiles', table: { tensor: 'table_step', leading: [] }, queryBlock: x.ref('step', 'int'), keyBlock: x.ref('step', 'int'), span };
const slope: MaskExpr = { kind: 'predicate', body: x.lt(x.read('slope_h', 'float', [h]), x.float(0)), span };
const marked: MaskExpr = { kind: 'predicate', body: x.read('mark', 'bool', [x.ref('k', 'int')]), span };

test('random launches are in order', () => {
  fc.assert(
    fc.property(randomCases(), ({ spec, launch }) => {
      expect(checkLaunch(spec, launch)).toEqual([]);
    }),
    { numRuns: 200, seed: 31 },
  );
});

describe('sizes', () => {
  test.each([
    [{ nQ: 0 }, 'FIL0501 size n_q is 0'],
    [{ nK: 2 ** 24 + 1 }, 'FIL0501 size n_k is 16777217'],
    [{ dim: 1.5 }, 'FIL0501 size dim is 1.5'],
    [{ dim: 257 }, 'FIL0501 size dim is 257'],
    [{ batch: NaN }, 'FIL0501 size batch is NaN'],
    [{ heads: 3, kvHeads: 2 }, 'FIL0502 heads is 3'],
  ])('%o', (change, text) => {
    const found = messages(all, { sizes: { ...sizes, ...change } });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(text);
  });
});

describe('scalars', () => {
  test('a missing value is told, a default is not missing', () => {
    expect(messages(band, {})).toEqual(['FIL0503 parameter `offset` has no value']);
    const launch = { sizes, scalars: new Map([['offset', 2]]), tensors: new Map() };
    expect(checkLaunch(specAround(band), launch)).toEqual([]);
    expect(withDefaults(specAround(band), launch).scalars.get('window')).toBe(16);
  });

  test.each([2 ** 30 + 1, 0.5, NaN, Infinity])('%d is no int of a launch', (value) => {
    expect(messages(band, { scalars: new Map([['offset', value]]) })[0]).toContain('FIL0504');
  });

  test('a float must be finite in single precision', () => {
    const mask: MaskExpr = { kind: 'predicate', body: x.lt(x.ref('gain', 'float'), x.float(1)), span };
    expect(messages(mask, { scalars: new Map([['gain', 1e39]]) })[0]).toContain('FIL0504');
    expect(messages(mask, { scalars: new Map([['gain', -0.1]]) })).toEqual([]);
  });

  test('values for parameters that do not exist are told, each', () => {
    const found = messages(all, { scalars: new Map([['a', 1]]), tensors: tensors('t', [1], Int32Array.of(1)) });
    expect(found).toEqual(['FIL0505 `random` has no parameter `a`', 'FIL0505 `random` has no parameter `t`']);
  });
});

describe('tensors', () => {
  test.each([
    ['missing', new Map<string, TensorValue>(), 'FIL0506'],
    ['of a wrong rank', tensors('doc', [1, 12], new Int32Array(12)), 'FIL0507'],
    ['of a wrong extent', tensors('doc', [8], new Int32Array(8)), 'FIL0508'],
    ['with too few elements', tensors('doc', [12], new Int32Array(11)), 'FIL0509'],
    ['of a wrong element type', tensors('doc', [12], new Float32Array(12)), 'FIL0510'],
  ])('%s', (_, given, code) => {
    const found = messages(documents, { tensors: given });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(code);
  });

  test('bools are 0 or 1, floats are finite', () => {
    expect(messages(marked, { tensors: tensors('mark', [12], new Uint8Array(12).fill(2)) })[0]).toContain('FIL0510');
    expect(messages(slope, { tensors: tensors('slope_h', [2], Float32Array.of(0, NaN)) })[0]).toContain('FIL0510');
    expect(messages(slope, { tensors: tensors('slope_h', [2], Float32Array.of(0, -1)) })).toEqual([]);
  });

  test('block axes count the last part of a block', () => {
    const given = (extents: readonly number[], step: number): readonly string[] =>
      messages(table, { scalars: new Map([['step', step]]), tensors: tensors('table_step', extents, new Uint8Array(extents.reduce((a, b) => a * b, 1))) });
    expect(given([2, 3], 5)).toEqual([]);
    expect(given([1, 2], 5)).toHaveLength(2);
  });

  test('a requirement that does not hold is told with its message, and a block size of 0 does not get in its way', () => {
    const found = messages(table, { scalars: new Map([['step', 0]]), tensors: tensors('table_step', [1, 1], new Uint8Array(1)) });
    expect(found).toEqual(["FIL0511 'step' divides, so it must be at least 1"]);
  });
});
