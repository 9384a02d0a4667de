/**
 * A modulus that differs by head is unknown to the host, which must launch enough tiles for any of them. With tiles of one row the
 * classes of a residue need up to n_q + m - 1 tiles: n_q tiles lost the last rows of a class in silence.
 */
import { expect, test } from 'vitest';
import { swiftshader } from '../../backends/targets.ts';
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import { runPlanWithTiles } from '../../compiler/interpreters/launch.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';
import { compileSpec } from '../../compiler/pipeline.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import { randomInputs } from '../support/random-spec.ts';

const text = 'attention lines(stride: int[heads]) {\n  mask { (q, k) => (q - k) mod stride[h] == 0 }\n  schedule { query_tile = 1 }\n}\n';

test.each([[7, [4, 3]], [5, [5, 2]], [16, [7, 16]], [3, [9, 1]]])('%i rows, strides %j: no row is lost in tiles of one row', (n, strides) => {
  const spec = compileSource({ file: 'lines.fil', text }, () => undefined, 'lines', new Map());
  if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('; '));
  const compiled = compileSpec(spec.value, { target: swiftshader, dim: 8, dtype: 'f32' });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
  const sizes = { batch: 1, heads: 2, kvHeads: 2, nQ: n, nK: n, dim: 8 };
  const launch = { sizes, scalars: new Map<string, number>(), tensors: new Map([['stride', { extents: [2], data: Int32Array.from(strides) }]]) };
  const inputs = randomInputs(sizes, 5);
  const ran = runPlanWithTiles(compiled.value, { ...launch, ...inputs });
  if (!ran.ok) throw new Error(ran.diagnostics.map((d) => d.message).join('; '));
  expect(ran.value.problems).toEqual([]);
  const truth = attentionWithBounds(compiled.value.spec, launch, inputs, { outType: 'f32', ...cutsOf(compiled.value, launch) });
  expect(compareRows(ran.value.out, truth.out, truth.bounds.out).ok).toBe(true);
  expect(compareRows(ran.value.lse, truth.lse, truth.bounds.lse).ok).toBe(true);
});
