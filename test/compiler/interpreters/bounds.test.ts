import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { attentionWithBounds, compareRows, poisonBits } from '../../../compiler/interpreters/bounds.ts';
import { f32Bits, f32FromBits, roundBf16, roundF16, tf32Bits } from '../../../compiler/interpreters/number.ts';
import { tracked } from '../../../compiler/interpreters/tracked.ts';
import { randomSequence } from '../../support/random-parameters.ts';
import { randomCases, randomInputs, specAround } from '../../support/random-spec.ts';
import { noSpan as span } from '../../../dsl/span.ts';
import { attentionF32 } from './f32-attention.ts';

function noiseOf(kind: number, seed: number): () => number {
  const random = randomSequence(seed);
  return kind === 0 ? () => 0 : kind === 1 ? () => random() * 2 - 1 : () => kind - 3;
}

test('f32 kernels with functions as bad as allowed stay within the bounds', () => {
  const ratios: number[] = [];
  fc.assert(
    fc.property(
      randomCases({ maxLength: 40 }),
      fc.constantFrom(8, 16, 64),
      fc.boolean(),
      fc.constantFrom(0, 1, 2, 4),
      ({ spec, launch, inputs }, tile, base2, kind) => {
        const dense = attentionWithBounds(spec, launch, inputs, { outType: 'f32', keySteps: Math.ceil(launch.sizes.nK / tile) + 1 });
        const kernel = attentionF32(spec, launch, inputs, { tile, base2, noise: noiseOf(kind, tile) });
        const out = compareRows(kernel.out, dense.out, dense.bounds.out);
        const lse = compareRows(kernel.lse, dense.lse, dense.bounds.lse);
        expect(out.ok, `out ${JSON.stringify(out)}`).toBe(true);
        expect(lse.ok, `lse ${JSON.stringify(lse)}`).toBe(true);
            if (dense.liveKeys.some((n) => n > 1) && kind === 0) ratios.push(out.ratio);
      },
    ),
    { numRuns: 150, seed: 21 },
  );
  // Not vacuous: without noise the worst row is typically within a factor of 100 of its bound.
  ratios.sort((a, b) => a - b);
  expect(ratios.length).toBeGreaterThan(10);
  expect(ratios[Math.floor(ratios.length / 2)]).toBeGreaterThan(0.01);
});

test('at 512 keys and dim 64 a bound is small, and a dropped key is far outside it', () => {
  const spec = specAround({ kind: 'causal', span });
  const sizes = { batch: 1, heads: 1, kvHeads: 1, nQ: 32, nK: 512, dim: 64 };
  const launch = { sizes, scalars: new Map(), tensors: new Map() };
  const inputs = randomInputs(sizes, 5);
  const dense = attentionWithBounds(spec, launch, inputs, { outType: 'f32', keySteps: 9 });
  expect(Math.max(...dense.bounds.out)).toBeLessThan(1e-3);
  const kernel = attentionF32(spec, launch, inputs, { tile: 64, base2: false, noise: () => 0 });
  const good = compareRows(kernel.out, dense.out, dense.bounds.out);
  expect(good.ok).toBe(true);
  expect(good.ratio).toBeGreaterThan(1 / 200);
  const cut = specAround({ kind: 'and', args: [{ kind: 'causal', span }, { kind: 'keys', from: x.int(1), to: x.int(512), span }], span });
  const wrong = attentionF32(cut, launch, inputs, { tile: 64, base2: false, noise: () => 0 });
  expect(compareRows(wrong.out, dense.out, dense.bounds.out).ok).toBe(false);
});

test('rounding the output to f16 stays within the bounds for f16, and not within those for f32', () => {
  const spec = specAround({ kind: 'all', span });
  const sizes = { batch: 1, heads: 2, kvHeads: 1, nQ: 8, nK: 8, dim: 8 };
  const launch = { sizes, scalars: new Map(), tensors: new Map() };
  const inputs = randomInputs(sizes, 9);
  const kernel = attentionF32(spec, launch, inputs, { tile: 8, base2: true, noise: () => 0 }).out.map(roundF16);
  const half = attentionWithBounds(spec, launch, inputs, { outType: 'f16' });
  const single = attentionWithBounds(spec, launch, inputs, { outType: 'f32' });
  expect(compareRows(kernel, half.out, half.bounds.out).ok).toBe(true);
  expect(compareRows(kernel, single.out, single.bounds.out).ok).toBe(false);
});

test.each([['f16', roundF16], ['bf16', roundBf16]] as const)('rounding weights to %s stays within the bounds for that, and not within those for f32', (type, weight) => {
  fc.assert(fc.property(randomCases({ maxLength: 40 }), ({ spec, launch, inputs }) => {
    const dense = attentionWithBounds(spec, launch, inputs, { outType: 'f32', weights: type });
    const kernel = attentionF32(spec, launch, inputs, { tile: 16, base2: false, noise: () => 0, weight });
    expect(compareRows(kernel.out, dense.out, dense.bounds.out).ok).toBe(true);
    expect(compareRows(kernel.lse, dense.lse, dense.bounds.lse).ok).toBe(true);
  }), { numRuns: 60, seed: 22 });
  const spec = specAround({ kind: 'all', span });
  const launch = { sizes: { batch: 1, heads: 2, kvHeads: 1, nQ: 8, nK: 8, dim: 8 }, scalars: new Map(), tensors: new Map() };
  const inputs = randomInputs(launch.sizes, 9);
  const kernel = attentionF32(spec, launch, inputs, { tile: 8, base2: false, noise: () => 0, weight });
  const single = attentionWithBounds(spec, launch, inputs, { outType: 'f32' });
  const rounded = attentionWithBounds(spec, launch, inputs, { outType: 'f32', weights: type });
  expect(compareRows(kernel.out, single.out, single.bounds.out).ok).toBe(false);
  expect(compareRows(kernel.out, rounded.out, rounded.bounds.out).ratio).toBeGreaterThan(0.02);
});

test('rounding the factors of products to tf32 stays within the bounds for that, and not within those for f32', () => {
  const round = (x: number): number => f32FromBits(tf32Bits(x));
  const spec = specAround({ kind: 'causal', span });
  const ratios: number[] = [];
  for (const seed of [1, 2, 3, 4]) {
    const launch = { sizes: { batch: 1, heads: 2, kvHeads: 1, nQ: 12, nK: 40, dim: 32 }, scalars: new Map(), tensors: new Map() };
    const given = randomInputs(launch.sizes, seed);
    const mapped = (f: (x: number) => number, from: typeof given) => ({ q: from.q.map(f), k: from.k.map(f), v: from.v.map(f) });
    const inputs = mapped((x) => Math.fround(x * 1.1), given);
    const dense = attentionWithBounds(spec, launch, inputs, { outType: 'f32', weights: 'tf32' });
    const kernel = attentionF32(spec, launch, mapped(round, inputs), { tile: 16, base2: false, noise: () => 0, weight: round });
    const out = compareRows(kernel.out, dense.out, dense.bounds.out);
    ratios.push(out.ratio);
    expect(compareRows(kernel.lse, dense.lse, dense.bounds.lse).ok).toBe(true);
    const single = attentionWithBounds(spec, launch, inputs, { outType: 'f32' });
    expect(compareRows(kernel.out, single.out, single.bounds.out).ok).toBe(false);
    // Weights alone are not all that is rounded.
    const weightsOnly = attentionWithBounds(spec, launch, inputs, { outType: 'f32', weights: 'f16' });
    expect(Math.min(...dense.bounds.lse)).toBeGreaterThan(Math.min(...weightsOnly.bounds.lse) * 4);
  }
  expect(Math.max(...ratios)).toBeLessThanOrEqual(1);
  expect(Math.max(...ratios)).toBeGreaterThan(0.02);
});

test('a row that sees nothing is allowed no error at all', () => {
  const spec = specAround({ kind: 'none', span });
  const sizes = { batch: 1, heads: 1, kvHeads: 1, nQ: 2, nK: 3, dim: 2 };
  const dense = attentionWithBounds(spec, { sizes, scalars: new Map(), tensors: new Map() }, randomInputs(sizes, 1), { outType: 'f16' });
  expect([...dense.bounds.out, ...dense.bounds.lse]).toEqual([0, 0, 0, 0]);
  expect(compareRows([0, 0, 0, 1e-30], dense.out, dense.bounds.out)).toMatchObject({ ok: false, ratio: Infinity, row: 1, element: 3 });
  expect(compareRows([-Infinity, -3e38], dense.lse, dense.bounds.lse)).toMatchObject({ ok: false, row: 1 });
});

describe('comparison', () => {
  test('finds the worst row relative to its own bound', () => {
    expect(compareRows([1, 2, 3, 4.5], [1, 2.1, 3, 4], [1, 0.1])).toMatchObject({ ok: false, row: 1, element: 3, bound: 0.1, actual: 4.5, expected: 4 });
    expect(compareRows([1, 2, 3, 4], [1, 2, 3, 4], [0, 0])).toMatchObject({ ok: true, ratio: 0 });
  });

  test('NaN and poison fail even under an infinite bound', () => {
    const poison = f32FromBits(poisonBits);
    expect(f32Bits(f32FromBits(0x7fc00000))).toBe(0x7fc00000);
    expect(compareRows([poison], [1], [Infinity]).ok).toBe(false);
    expect(compareRows([NaN], [NaN], [1]).ok).toBe(false);
    expect(compareRows([7], [1], [Infinity]).ok).toBe(true);
  });

  test('an infinite element fails a finite bound, and lengths must agree', () => {
    expect(compareRows([Infinity], [1], [1]).ok).toBe(false);
    expect(compareRows([1], [1, 2], [1]).ok).toBe(false);
  });
});

describe('tracked errors', () => {
  const s = x.ref('s', 'float');
  const at = { b: 0, h: 0, q: 0, k: 0, s: 2 };
  const world = { constants: new Map<string, number>(), tensors: new Map() };
  const errorAt = (e: ReturnType<typeof x.float>, error: number): number => tracked(e, world, () => error)(at).error;

  test('whole numbers are exact', () => {
    expect(errorAt(x.unary('to_float', x.mod(x.ref('q', 'int'), x.int(3))), 0.5)).toBe(0);
  });

  test('a sum carries the errors of its terms', () => {
    expect(errorAt(x.add(s, s), 0.25)).toBeGreaterThanOrEqual(0.5);
    expect(errorAt(x.add(s, s), 0.25)).toBeLessThan(0.5001);
  });

  test('an order that the error could turn allows for both arms', () => {
    const e = x.select(x.lt(s, x.float(2.1)), x.float(0), x.float(8));
    expect(errorAt(e, 0.01)).toBe(0);
    expect(errorAt(e, 0.2)).toBe(8);
  });

  test('a floor that the error could move is a whole step away', () => {
    const e = x.unary('to_float', x.unary('floor_to_int', s));
    expect(errorAt(e, 0.5)).toBeGreaterThanOrEqual(1);
    expect(errorAt(e, 0)).toBe(0);
  });

  test('a divisor that could be zero has no bound', () => {
    expect(errorAt(x.divide(x.float(1), x.sub(s, x.float(2))), 0.1)).toBe(Infinity);
  });
});
