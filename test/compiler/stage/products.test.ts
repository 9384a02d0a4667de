/**
 * Products of any inner length, from text: long rows, rows of odd length, sums that only a launch knows, right factors that lie the other way,
 * factors that are expressions, sums within expressions, two sums in one value. Judged against the dense interpreter on whole numbers, whose
 * sums are exact. Which values are made by dots is a matter of structure.
 */
import { describe, expect, test } from 'vitest';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import { withDefaults } from '../../../compiler/spec/check-launch.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import { compiled, inputsOf, launchOf, levels, run, valueOf, wholes } from './specs.ts';

const sizes = { batch: 2, heads: 2, kvHeads: 1, nQ: 5, nK: 7, dim: 8 };
const inputs = inputsOf(sizes, 3);
const shapes: Readonly<Record<string, readonly number[]>> = {
  x: [2, 5, 132], w: [2, 9, 132], u: [132, 32], g: [132], a: [2, 5, 67], z: [12, 67], bias: [9], few: [2, 5, 6],
};

const header = `x: float[batch, queries, 132], w: float[2, 9, 132], u: float[132, 32], g: float[132], a: float[batch, queries, 67], z: float[12, 67], bias: float[9], few: float[batch, queries, 6], layer: int = 1`;
const items = ['i in queries', 'J in keys', 't in keys', 'o in 0 .. 9', 'n in 0 .. 32', 'd in dim', 'c in 0 .. 132', 'e in 0 .. 67', 'y in 0 .. 12', 'f in 0 .. 6'];

function specOf(equations: string): Spec {
  const text = `stage made(${header}) {\n${items.map((x) => `  index ${x}\n`).join('')}${equations.split('\n').map((x) => `  ${x}\n`).join('')}}\n`;
  return valueOf(compileSource({ file: 's.fil', text }, () => undefined, 'made'));
}

/** Name, equations, dots of the last equation's program. */
const cases: readonly (readonly [string, string, number])[] = [
  ['rows longer than a piece, at a place that a scalar names', 'p[i, o] = dot(x[i], w[layer, o])', 1],
  ['rows beyond a piece that fours do not divide', 'p[i, y] = dot(a[i], z[y])', 1],
  ['rows of a layer that is not there', 'p[i, o] = dot(x[i], w[layer + 1, o])', 1],
  ['a right factor along the result', 'p[i, n] = sum c: x[i, c] * u[c, n]', 1],
  ['the same with a residual and a scale', 'p[i, n] = 0.5 * (sum c: x[i, c] * u[c, n]) - x[i, n]', 1],
  ['a gain on the way', 'p[i, o] = sum c: x[i, c] * g[c] * w[0, o, c]', 1],
  ['a gain on the way, right factor along the result', 'p[i, n] = sum c: g[c] * (x[i, c] * u[c, n])', 1],
  ['two sums in one value', 'p[i, o] = max(dot(x[i], w[0, o]), 0.0) * dot(x[i], w[1, o]) + bias[o]', 2],
  ['a sum over keys that only a launch knows', 'm[h, i, J] = float((i * 1) mod 3 - J * 1)\np[h, i, d] = sum t: m[h, i, t] * v[h, t, d]', 1],
  ['keys that a condition leaves', 'p[h, i, d] = sum t where t <= i: q[h, i, 0] * float(t * 1) * v[h, t, d]', 1],
  ['part of an axis', 'p[i, o] = sum r in 3 .. 71: x[i, r] * w[0, o, r]', 1],
  ['a sum over the middle axis of both', 'p[h, d, n] = sum t: k[h, t, d] * u[t * 2, n]', 1],
  ['an outer sum of products with a part of their own', 'p[i, o] = sum r in 0 .. 2: (dot(x[i], w[r, o]) * float(r + 1))', 1],
  ['a short row of no whole pieces beside an expression', 'p[i, y] = sum f: few[i, f] * float((f * y) mod 3 - 1)', 1],
  ['halves', 'p[i, o]: f16 = dot(x[i], w[layer, o]) * 0.0625', 1],
];

describe.each(cases)('a product: %s', (_, equations, dots) => {
  const spec = specOf(equations);
  const used = new Map(Object.entries(shapes).filter(([n]) => spec.tensors.some((t) => t.name === n)).map(([n, extents], at) => [
    n, { extents, data: wholes(extents.reduce((a, b) => a * b, 1), 5 + at) },
  ]));
  const launch = withDefaults(spec, launchOf(sizes, { tensors: used }));
  const artefact = compiled(spec, sizes.dim);
  test('is made by dots', () => {
    expect(JSON.stringify(artefact.tilePrograms.at(-1)).match(/"kind":"dot"/g)).toHaveLength(dots);
  });

  test.each(levels)('has the values of its meaning at the %s level', (level) => {
    const wanted = denseStages(spec, launch, inputs).get('p');
    expect(wanted?.data.some((v) => v !== 0)).toBe(!equations.includes('layer + 1'));
    // A sum of nothing may be either zero.
    const numbers = (list: ArrayLike<number> | undefined): readonly number[] => Array.from(list ?? [], (v) => v + 0);
    expect(numbers(run(level, artefact, launch, inputs).outputs.get('p')?.values)).toEqual(numbers(wanted?.data));
  });
});
