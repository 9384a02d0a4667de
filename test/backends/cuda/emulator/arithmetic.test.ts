/** Rounding of sums and products against exact rational arithmetic on big integers. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fusedOdd, mulHighSigned, mulHighUnsigned, roundSingle } from '../../../../backends/cuda/emulator/arithmetic.ts';

/** A finite f32 as an integer times 2^-149. */
function scaled(x: number): bigint {
  let [digits, exponent] = [x, 149];
  while (!Number.isInteger(digits)) {
    digits *= 2;
    exponent -= 1;
  }
  return BigInt(digits) * 2n ** BigInt(exponent);
}

test('a fused product rounds to the neighbour that each mode asks for', () => {
  const number = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e10), max: Math.fround(1e10) }), fc.integer({ min: -9000000, max: 9000000 }));
  fc.assert(fc.property(number, number, number, (a, b, c) => {
    const exact = scaled(a) * scaled(b) + scaled(c) * 2n ** 149n;
    const as = (x: number): bigint => scaled(x) * 2n ** 149n;
    const [down, up, near, zero] = (['rm', 'rp', 'rn', 'rz'] as const).map((mode) => roundSingle(fusedOdd(a, b, c), mode));
    if (down === undefined || up === undefined || near === undefined || zero === undefined) return false;
    const inside = as(down) <= exact && exact <= as(up);
    const [below, above] = [exact - as(down), as(up) - exact];
    const nearest = near === (below < above ? down : above < below ? up : near);
    return inside && nearest && zero === (exact > 0n ? down : up) || (exact === 0n && near === 0);
  }), { seed: 3, numRuns: 3000 });
});

test('high words of products agree with big integers', () => {
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(fc.property(word, word, (a, b) => {
    expect(mulHighSigned(a, b) | 0).toBe(Number((BigInt(a) * BigInt(b)) >> 32n));
    expect(mulHighUnsigned(a >>> 0, b >>> 0)).toBe(Number((BigInt(a >>> 0) * BigInt(b >>> 0)) >> 32n));
  }), { seed: 4, numRuns: 2000 });
});
