/**
 * q, k and v of a file that do not fit each other are refused with the code of what is wrong, and what was expected.
 */
import { expect, test } from 'vitest';
import { noSpan } from '../../dsl/span.ts';
import { inputsOf } from '../../tools/inputs.ts';
import type { RawTensor } from '../../tools/tensors.ts';

const shapes = { q: [1, 4, 3, 8], k: [1, 2, 5, 8], v: [1, 2, 5, 8] };

function zeros(shape: readonly number[]): RawTensor {
  return { dtype: 'F32', shape, data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)) };
}

test.each([
  ['three axes', { q: [4, 3, 8] }, 'FIL0507', 'tensor `q` has 3 axes, but 4 are declared'],
  ['fewer values than keys', { v: [1, 2, 4, 8] }, 'FIL0508', 'axis `n_k` of tensor `v` has 4 entries, but this launch needs 5'],
  ['another batch', { k: [2, 2, 5, 8], v: [2, 2, 5, 8] }, 'FIL0508', 'axis `batch` of tensor `k` has 2 entries, but this launch needs 1'],
  ['another dimension', { k: [1, 2, 5, 6], v: [1, 2, 5, 6] }, 'FIL0508', 'axis `dim` of tensor `k` has 6 entries, but this launch needs 8'],
  ['no keys', { k: [1, 2, 0, 8], v: [1, 2, 0, 8] }, 'FIL0501', 'size n_k is 0, but must be a whole number from 1 to 16777216'],
  ['heads that do not divide', { q: [1, 5, 3, 8] }, 'FIL0502', 'heads is 5, which is no multiple of kv_heads 2'],
])('%s', (_, changed, code, message) => {
  const read = inputsOf(new Map(Object.entries({ ...shapes, ...changed }).map(([name, shape]) => [name, zeros(shape)])));
  expect(read.ok ? [] : [read.tell?.(noSpan).code, read.tell?.(noSpan).message]).toEqual([code, message]);
});
