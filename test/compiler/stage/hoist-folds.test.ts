/**
 * Reductions that are made once: which ones leave their equation and with which indices, which stay, and that all tensors keep their values.
 */
import { describe, expect, test } from 'vitest';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import { withDefaults } from '../../../compiler/spec/check-launch.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import { hoistFolds } from '../../../compiler/stage/hoist-folds.ts';
import { compiled, inputsOf, launchOf, run, valueOf } from './specs.ts';

const sizes = { batch: 2, heads: 2, kvHeads: 2, nQ: 5, nK: 6, dim: 4 };
const inputs = inputsOf(sizes, 9);
const launch = launchOf(sizes);

function specOf(equations: string): Spec {
  const text = `stage made() {\n  index i in queries\n  index j in keys\n  index c in dim\n  index e in dim\n  index n in 0 .. 3\n${equations.split('\n').map((e) => `  ${e}\n`).join('')}}\n`;
  return valueOf(compileSource({ file: 'made.fil', text }, () => undefined, 'made'));
}

/** Names of the tensors with their indices. */
const shapes = (spec: Spec): readonly string[] => hoistFolds(spec).stages.map((t) => `${t.name}[${t.indices.slice(1).map((x) => x.name).join(', ')}]`);

/** Equations, and the tensors they become. */
const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['a mean along a row', 'y[h, i, c] = q[h, i, c] * rsqrt((mean e: q[h, i, e] * q[h, i, e]) + 0.5)', ["y'fold[h, i]", 'y[h, i, c]']],
  ['two readers of one sum', 'y[i, c] = (sum j: k[0, j, 0]) * q[0, i, c] + (sum j: k[0, j, 0])', ["y'fold[]", 'y[i, c]']],
  ['a sum within a sum that it does not depend on', 'y[i] = sum j: k[0, j, 0] - (max e: q[0, i, e])', ["y'fold[i]", 'y[i]']],
  ['a sum that holds another', 'y[i, c] = q[0, i, c] * (sum j: k[0, j, 0] * (max e: k[0, j, e]))', ["y'fold[]", 'y[i, c]']],
  ['a value that is nothing else', 'y[i, c] = sum j: k[0, j, c]', ["y'fold[c]", 'y[i, c]']],
  ['an index that the sum speaks of only in its range', 'y[i, c] = (sum t in 0 .. i + 1: k[0, t, 0]) + q[0, i, c]', ["y'fold[i]", 'y[i, c]']],
  ['a sum of all indices', 'y[i, j] = sum c: q[0, i, c] * k[0, j, c]', ['y[i, j]']],
  ['a few terms', 'y[i, j] = (sum n: q[0, i, n]) + k[0, j, 0]', ['y[i, j]']],
  ['a sum that reads nothing', 'y[i, j] = float(sum t in 0 .. i + 2: t) + k[0, j, 0]', ['y[i, j]']],
  ['a choice', 'y[h, j] = any i where i >= j: q[h, i, 0] > k[h, j, 0] + (min e: q[h, 0, e])', ["y'fold[h]", 'y[h, j]']],
];

describe.each(cases)('%s', (_, equations, wanted) => {
  const spec = specOf(equations);
  test('becomes the tensors it should, with the same values', () => {
    expect(shapes(spec)).toEqual(wanted);
    const [before, after] = [spec, hoistFolds(spec)].map((s) => denseStages(s, launch, inputs).get('y')?.data ?? []);
    expect([...(after ?? [])].map((v) => Math.fround(v))).toEqual([...(before ?? [])].map((v) => Math.fround(v)));
  });

  test('is right in tiles', () => {
    const made = run('tile', compiled(spec, sizes.dim), withDefaults(spec, launch), inputs).outputs.get('y');
    const meant = denseStages(spec, launch, inputs).get('y')?.data ?? [];
    [...meant].forEach((v, at) => expect(made?.values[at]).toBeCloseTo(v, 5));
    expect(meant.length).toBeGreaterThan(0);
  });
});
