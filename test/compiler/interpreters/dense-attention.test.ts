import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { denseAttention, denseMask } from '../../../compiler/interpreters/dense/index.ts';
import type { Launch, MaskExpr, Sizes, Spec } from '../../../compiler/spec/ir.ts';
import { noSpan as span } from '../../../dsl/span.ts';
import { randomCases, randomInputs, specAround } from '../../support/random-spec.ts';
import { k, s } from '../../support/random-parameters.ts';

const all: MaskExpr = { kind: 'all', span };
const none: MaskExpr = { kind: 'none', span };

function launchOf(sizes: Partial<Sizes>): Launch {
  return { sizes: { batch: 1, heads: 1, kvHeads: 1, nQ: 1, nK: 1, dim: 1, ...sizes }, scalars: new Map(), tensors: new Map() };
}

function run(spec: Spec, launch: Launch, q: readonly number[], kValues: readonly number[], v: readonly number[]) {
  return denseAttention(spec, launch, { q: Float64Array.from(q), k: Float64Array.from(kValues), v: Float64Array.from(v) });
}

describe('worked by hand', () => {
  test('two equal logits average their values', () => {
    const { out, lse } = run(specAround(all), launchOf({ nK: 2 }), [0], [5, 7], [1, 3]);
    expect([...out]).toEqual([2]);
    expect(lse[0]).toBeCloseTo(Math.log(2), 14);
  });

  test('the default scale is 1 / sqrt(dim)', () => {
    const { lse } = run(specAround(all), launchOf({ dim: 4 }), [1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 0, 0]);
    expect(lse[0]).toBeCloseTo(5, 14);
  });

  test('a row that sees nothing gives zeros and lse = -inf', () => {
    const { out, lse, liveKeys } = run(specAround(none), launchOf({ nK: 2 }), [1], [1, 1], [4, 4]);
    expect([...out]).toEqual([0]);
    expect([...lse]).toEqual([-Infinity]);
    expect([...liveKeys]).toEqual([0]);
  });

  test('a sink takes its share, and alone it is the whole denominator', () => {
    const sink = x.float(Math.log(3));
    const some = run(specAround(all, { sink }), launchOf({}), [0], [0], [8]);
    expect(some.out[0]).toBeCloseTo(2, 14);
    expect(some.lse[0]).toBeCloseTo(Math.log(4), 14);
    const alone = run(specAround(none, { sink }), launchOf({}), [0], [0], [8]);
    expect([...alone.out]).toEqual([0]);
    expect(alone.lse[0]).toBeCloseTo(Math.log(3), 14);
  });

  test('score sees the scaled product and the positions', () => {
    const score = x.add(x.mul(s, x.float(2)), x.unary('to_float', k));
    const { lse } = run(specAround(all, { scale: x.float(0.5), score }), launchOf({ nK: 2 }), [1], [3, -1], [0, 0]);
    // s = 1.5, -0.5; logits = 3, 0
    expect(lse[0]).toBeCloseTo(Math.log(Math.exp(3) + 1), 14);
  });

  test('a logit of -inf weighs nothing, and a row of them sees nothing', () => {
    const score = x.select(x.eq(k, x.int(0)), x.unary('log', x.mul(s, x.float(0))), s);
    const { out } = run(specAround(all, { score }), launchOf({ nK: 2 }), [1], [1, 1], [5, 9]);
    expect([...out]).toEqual([9]);
    const { lse } = run(specAround(all, { score }), launchOf({}), [1], [1], [5]);
    expect([...lse]).toEqual([-Infinity]);
  });

  test('query heads share key-value heads in groups', () => {
    const { out } = run(specAround(all), launchOf({ heads: 4, kvHeads: 2 }), [1, 1, 1, 1], [0, 0], [10, 20]);
    expect([...out]).toEqual([10, 10, 20, 20]);
  });
});

test('outputs are weighted means written out: softmax of the live logits, per element', () => {
  fc.assert(
    fc.property(randomCases({ maxLength: 24 }), ({ spec, launch, inputs }) => {
      const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
      const mask = denseMask(spec, launch);
      const seen: number[] = [];
      const result = denseAttention(spec, launch, inputs, (row) => {
        seen.push(row.index);
        const live = mask.subarray(row.index * nK, (row.index + 1) * nK);
        expect(row.count).toBe(live.reduce((sum, bit) => sum + bit, 0));
        let total = row.sink === undefined ? 0 : Math.exp(row.sink - row.lse);
        let strays = 0;
        for (let i = 0; i < row.count; i += 1) {
          if (live[row.keys[i] ?? -1] !== 1) strays += 1;
          total += row.weights[i] ?? NaN;
        }
        expect(strays).toBe(0);
        expect(row.kvHead).toBe(Math.floor((row.h * kvHeads) / heads));
        if (row.lse !== -Infinity) expect(total).toBeCloseTo(1, 10);
        let worst = 0;
        for (let d = 0; d < dim; d += 1) {
          let mean = 0;
          for (let i = 0; i < row.count; i += 1) {
            const at = ((row.b * kvHeads + row.kvHead) * nK + (row.keys[i] ?? 0)) * dim + d;
            mean += Math.exp((row.logits[i] ?? 0) - row.lse) * (inputs.v[at] ?? 0);
          }
          worst = Math.max(worst, Math.abs((row.out[d] ?? NaN) - (row.lse === -Infinity ? 0 : mean)));
        }
        expect(worst).toBeLessThan(1e-10);
      });
      expect(seen).toEqual(Array.from({ length: batch * heads * nQ }, (_, i) => i));
      expect(result.out.every(Number.isFinite)).toBe(true);
    }),
    { numRuns: 150, seed: 11 },
  );
});

test('values of ones give ones in every row that sees a key and has no sink', () => {
  fc.assert(
    fc.property(randomCases({ scores: false }), ({ spec, launch }) => {
      const inputs = randomInputs(launch.sizes, 3);
      const { out, liveKeys } = denseAttention(spec, launch, { ...inputs, v: new Float64Array(inputs.v.length).fill(1) });
      const worst = out.reduce((error, value, i) => Math.max(error, Math.abs(value - ((liveKeys[Math.floor(i / launch.sizes.dim)] ?? 0) > 0 ? 1 : 0))), 0);
      expect(worst).toBeLessThan(1e-12);
    }),
    { numRuns: 60, seed: 12 },
  );
});
