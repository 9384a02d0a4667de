/**
 * The tensors beside the examples are computed from the example data, not written by hand.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exampleTensors } from '../../examples/make-tensors.ts';

test('the tensors of the examples are what make-tensors.ts computes from the data', () => {
  const tensors = exampleTensors();
  expect(tensors.size).toBe(4);
  for (const [path, bytes] of tensors) {
    const stored = readFileSync(join(import.meta.dirname, '../../examples', path));
    expect(Buffer.compare(stored, bytes), `${path}: run npx tsx examples/make-tensors.ts`).toBe(0);
  }
});
