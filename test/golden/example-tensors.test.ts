/**
 * The tensors beside the examples are computed from the example data, not written by hand.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exampleTensors, tensorsPath } from '../../examples/make-tensors.ts';

test('the tensors of the examples are what make-tensors.ts computes from the data', () => {
  const tensors = exampleTensors();
  expect(tensors.size).toBeGreaterThan(10);
  for (const [folder, bytes] of tensors) {
    const stored = readFileSync(tensorsPath(folder));
    expect(Buffer.compare(stored, bytes), `${folder}: run npx tsx examples/make-tensors.ts`).toBe(0);
  }
});
