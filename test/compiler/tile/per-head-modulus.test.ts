/**
 * Row and key classes whose modulus differs by head: launches have as many instances as any modulus may need, and those that have no tile
 * left write nothing. A modulus below 1 leaves every remainder 0.
 */
import { describe, expect, test } from 'vitest';
import { denseAttention } from '../../../compiler/interpreters/dense/index.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Spec, TensorValue } from '../../../compiler/spec/ir.ts';
import { compiled, inputsOf, launchOf, levels, run, valueOf } from '../stage/specs.ts';

const sizes = { batch: 1, heads: 4, kvHeads: 2, nQ: 70, nK: 75, dim: 4 };
const perHead = (data: readonly number[]): TensorValue => ({ extents: [4], data: Int32Array.from(data) });
const inputs = inputsOf(sizes, 3);

function specOf(mask: string): Spec {
  return valueOf(compileSource({ file: 'main.fil', text: `attention a(m: int[heads], r: int[heads]) {\n  mask ${mask}\n}\n` }, () => undefined, 'a'));
}

describe.each(levels)('classes of a modulus that differs by head, at the %s level', (level) => {
  test.each([
    'causal & { (q, k) => q mod m[h] == r[h] }',
    'causal & { (q, k) => (q - k) mod m[h] == r[h] }',
    'causal & { (q, k) => q mod m[h] == r[h] | k mod m[h] == r[h] }',
  ])('%s', (mask) => {
    const spec = specOf(mask);
    const launch = launchOf(sizes, { tensors: new Map([['m', perHead([0, 1, 3, 40])], ['r', perHead([0, 0, 2, 7])]]) });
    const ran = run(level, compiled(spec, sizes.dim), launch, inputs);
    const dense = denseAttention(spec, launch, inputs);
    expect(Math.max(...ran.out.map((v, i) => Math.abs(v - (dense.out[i] ?? NaN))))).toBeLessThan(1e-5);
  });
});
