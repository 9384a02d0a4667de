/** 16-bit floats of the emulator against the reference arithmetic of the interpreters, which is written differently. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bfloatBits, bfloatValues, halfBits, halfValues } from '../../../../backends/cuda/emulator/narrow.ts';
import { bf16Bits, bf16FromBits, f16Bits, f16FromBits } from '../../../../compiler/interpreters/number.ts';

test('every pattern has its value and comes back', () => {
  for (let bits = 0; bits < 65536; bits += 1) {
    if (!Object.is(halfValues[bits], f16FromBits(bits)) || !Object.is(bfloatValues[bits], bf16FromBits(bits))) expect.fail(`value of ${bits}`);
    if (!Number.isNaN(halfValues[bits]) && halfBits(halfValues[bits] ?? 0) !== bits) expect.fail(`f16 ${bits}`);
    if (!Number.isNaN(bfloatValues[bits]) && bfloatBits(bfloatValues[bits] ?? 0) !== bits) expect.fail(`bf16 ${bits}`);
  }
});

test('any number rounds as in the reference', () => {
  const numbers = fc.oneof(fc.double({ noNaN: true }), fc.double({ noNaN: true, min: -70000, max: 70000 }), fc.double({ noNaN: true, min: -1e-4, max: 1e-4 }));
  fc.assert(fc.property(numbers, (x) => halfBits(x) === f16Bits(x) && bfloatBits(x) === bf16Bits(x)), { seed: 1, numRuns: 5000 });
});
