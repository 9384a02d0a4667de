import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bf16Bits, bf16FromBits, f16Bits, f16FromBits, f32Bits, f32FromBits, leastSubnormal, maxFinite, roundBf16, roundF16, tf32Bits,
  roundF32, roundTo, unitRoundoff,
} from '../../../compiler/interpreters/number.ts';

describe('f16', () => {
  test('every pattern survives decoding and encoding', () => {
    for (let bits = 0; bits < 65536; bits += 1) {
      const value = f16FromBits(bits);
      if (Number.isNaN(value)) expect(f16Bits(value)).toBe(0x7e00);
      else expect(f16Bits(value)).toBe(bits);
    }
  });

  test('known values have their known patterns', () => {
    expect([1, -2, 65504, 2 ** -14, 2 ** -24, -0, Infinity].map(f16Bits)).toEqual([0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00]);
    expect(f16FromBits(0x3555)).toBe(0.333251953125);
  });

  test('ties go to the even neighbour, at every exponent and among subnormals', () => {
    expect(roundF16(1 + 2 ** -11)).toBe(1);
    expect(roundF16(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
    expect(roundF16(2 ** -25)).toBe(0);
    expect(roundF16(3 * 2 ** -25)).toBe(2 ** -23);
    expect(roundF16(1 + 2 ** -11 + 2 ** -40)).toBe(1 + 2 ** -10);
  });

  test('what rounds past the largest finite number is infinite', () => {
    expect(roundF16(65519.99)).toBe(65504);
    expect(roundF16(65520)).toBe(Infinity);
    expect(roundF16(-1e300)).toBe(-Infinity);
  });

  test('rounding goes to the nearest of the two neighbours', () => {
    const positive = Array.from({ length: 0x7c00 }, (_, bits) => f16FromBits(bits));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7bfe }), fc.double({ min: 0, max: 1, noNaN: true }), (i, part) => {
        const low = positive[i] ?? NaN;
        const high = positive[i + 1] ?? NaN;
        const x = low + (high - low) * part;
        const rounded = roundF16(x);
        expect(Math.abs(rounded - x)).toBe(Math.min(x - low, high - x));
        expect(roundF16(-x)).toBe(-rounded);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });
});

test('bf16 agrees with rounding the upper half of the f32 pattern', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0x7f7f_ffff }), (bits) => {
      const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
      expect(bf16Bits(f32FromBits(bits))).toBe(rounded);
      expect(bf16FromBits(rounded)).toBe(roundBf16(f32FromBits(bits)));
    }),
    { numRuns: 3000, seed: 2 },
  );
});

test('a float64 is rounded once: halfway points of f32 do not hide the rest', () => {
  expect(roundBf16(1 + 2 ** -8 + 2 ** -40)).toBe(1 + 2 ** -7);
  expect(Math.fround(1 + 2 ** -8 + 2 ** -40)).toBe(1 + 2 ** -8);
  expect(roundF32(2 ** -150)).toBe(0);
});

test('tf32 rounds to 11 digits, ties away from zero', () => {
  for (const [value, rounded] of [[1, 1], [1 + 2 ** -11, 1 + 2 ** -10], [-1 - 2 ** -11, -1 - 2 ** -10], [1 + 2 ** -11 - 2 ** -23, 1], [2 - 2 ** -12, 2], [0, 0], [Infinity, Infinity]] as const) {
    expect(f32FromBits(tf32Bits(value))).toBe(rounded);
  }
});

test.each(['f32', 'f16', 'bf16', 'tf32'] as const)('%s: limits are numbers of the format and its roundoff is met', (format) => {
  expect(roundTo(format, maxFinite(format))).toBe(maxFinite(format));
  expect(roundTo(format, leastSubnormal(format))).toBe(leastSubnormal(format));
  expect(roundTo(format, leastSubnormal(format) / 2)).toBe(0);
  const u = unitRoundoff(format);
  expect(roundTo(format, 1 + u)).toBe(1);
  expect(roundTo(format, 1 + 2 * u)).toBe(1 + 2 * u);
  expect(roundTo(format, NaN)).toBeNaN();
  expect(Object.is(roundTo(format, -0), -0)).toBe(true);
});

const folder = new URL('../../../../shared/golden/number-formats/', import.meta.url);
// The narrow formats of the reference tables are subsets of f16 or bf16: decoded values must be numbers of both kinds here.
test.skipIf(!existsSync(folder))('reference decode tables of narrow formats round to themselves', () => {
  const table: unknown = JSON.parse(readFileSync(new URL('decode-tables.json', folder), 'utf8'));
  const outputs = record(record(table)['outputs']);
  let seen = 0;
  for (const [name, format] of [['e2m1', 'f16'], ['e3m2', 'f16'], ['e2m3', 'f16'], ['e2m1', 'bf16'], ['e3m2', 'bf16']] as const) {
    const data = record(outputs[name])['data'];
    if (!Array.isArray(data)) throw new Error(`no data for ${name}`);
    for (const bits of data) {
      const value = f32FromBits(Number(bits));
      expect(f32Bits(roundTo(format, value))).toBe(Number(bits));
      if (format === 'f16') expect(f16FromBits(f16Bits(value))).toBe(value);
      seen += 1;
    }
  }
  expect(seen).toBe(16 + 64 + 64 + 16 + 64);
  // e5m2 is the upper byte of f16, infinities and NaN included.
  const e5m2 = record(outputs['e5m2'])['data'];
  if (!Array.isArray(e5m2)) throw new Error('no data for e5m2');
  expect(e5m2.map((bits) => f32FromBits(Number(bits)))).toEqual(e5m2.map((_, code) => f16FromBits(code << 8)));
});

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return Object.fromEntries(Object.entries(value));
}
