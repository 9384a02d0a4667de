/**
 * The whole model without a device: the dense interpreter gives what plain loops written from the description give.
 */
import { expect, it } from 'vitest';
import { denseChain } from '../../../compiler/interpreters/dense/index.ts';
import { turns } from '../../../examples/bytelm/model.ts';
import { chainSpec, expectedLogits, tokens, weights } from './support.ts';
import { strayLogits } from '../../../examples/bytelm/expected.ts';

it('the dense interpreter gives the logits that the description of the model gives', () => {
  const n = 2;
  const values = denseChain(chainSpec('bytelm', '../causal/causal.fil', 'dense_causal'), {
    sizes: { batch: 1, nQ: n, nK: n }, scalars: new Map(), tensors: new Map([...weights, ['token', { extents: [1, n], data: Int32Array.from(tokens(n)) }]]),
  });
  const made = values.get('y.logits')?.data ?? [];
  expect(strayLogits(made, expectedLogits(n))).toEqual([]);
  expect(made.length).toBe(n * 256);
});

it('a mistake of one position is far outside what rounding may do', () => {
  const expected = expectedLogits(2);
  const shifted = Float64Array.from(expected.logits, (_, at) => expected.logits[(at + 256) % expected.logits.length] ?? NaN);
  expect(strayLogits(shifted, expected).length).toBeGreaterThan(450);
  expect(Math.max(...expected.allowed)).toBeLessThan(0.01);
});

it('angles of positions are whole numbers of 2^-32 turns', () => {
  expect(turns().data[0]).toBe(Math.round(2 ** 32 / (2 * Math.PI)));
  expect(turns().extents).toEqual([32]);
});
