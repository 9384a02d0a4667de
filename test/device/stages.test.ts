/**
 * Stage programs on the device: every rule in one program, whole numbers with many ties (their sums are exact), compared with the dense
 * interpreter. Softmax is judged within the error of its arithmetic.
 */
import { describe, expect, it } from 'vitest';
import * as x from '../../compiler/expr/build.ts';
import { denseStages } from '../../compiler/interpreters/dense/index.ts';
import { runOnDevice } from '../../tools/engines/device.ts';
import { everyRule, inputsOf, launchOf, valueOf } from '../compiler/stage/specs.ts';

describe('stage programs on a device', () => {
  it('give what the dense interpreter gives, ties included', async () => {
    const sizes = { batch: 2, heads: 4, kvHeads: 2, nQ: 9, nK: 37, dim: 4 };
    const launch = launchOf(sizes);
    const inputs = inputsOf(sizes, 7);
    const spec = everyRule(x.int(4));
    const result = valueOf(await runOnDevice({ spec, launch, inputs, dtype: 'f32' }));
    const dense = denseStages(spec, launch, inputs);
    for (const { name, rule } of spec.stages) {
      const made = result.outputs?.get(name);
      const wanted = dense.get(name);
      expect(made?.extents).toEqual(wanted?.extents);
      const values = [...(wanted?.data ?? [])];
      expect(values.length).toBeGreaterThan(0);
      if (rule.kind !== 'softmax') expect([...Array.from(made?.values ?? [])], name).toEqual(values);
      else values.forEach((v, n) => expect(Math.abs((made?.values[n] ?? NaN) - v)).toBeLessThanOrEqual(2 ** -18 * v));
    }
  }, 60_000);
});
