/**
 * The checker of stage tensors: it accepts what correct kernels make of inputs that round, and complains of wrong selections: a dropped tie
 * rule, one entry too many, a loop that ends early.
 */
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import { checkStages, type MadeTensor } from '../../../compiler/interpreters/stage-check.ts';
import { compiled, everyRule, inputsOf, launchOf, levels, run } from './specs.ts';

const sizes = { batch: 1, heads: 2, kvHeads: 1, nQ: 6, nK: 29, dim: 5 };
const launch = launchOf(sizes);
const spec = everyRule(x.int(4));
const whole = inputsOf(sizes, 5);
const thirds = { q: whole.q.map((v) => Math.fround(v / 3)), k: whole.k.map((v) => Math.fround(v * 0.7)), v: whole.v };

function exact(): Map<string, MadeTensor> {
  return new Map([...denseStages(spec, launch, whole)].map(([name, { extents, data }]) => [name, { extents, values: Float64Array.from(data) }]));
}

/** The exact tensors with one changed. */
function changed(name: string, change: (values: Float64Array) => void): ReadonlyMap<string, MadeTensor> {
  const made = exact();
  const { extents, values } = made.get(name) ?? { extents: [], values: [] };
  const copy = Float64Array.from(values);
  change(copy);
  return made.set(name, { extents, values: copy });
}

describe.each(levels)('kernels at the %s level', (level) => {
  test('are within the rounding of each rule, where sums round', () => {
    const { outputs } = run(level, compiled(spec, sizes.dim), launch, thirds);
    expect(checkStages(spec, launch, thirds, outputs)).toEqual([]);
  });
});

test('exact tensors pass', () => {
  expect(checkStages(spec, launch, whole, exact())).toEqual([]);
});

const blocks = 8;
test.each([
  ['an element that a loop left out', 's', (v: Float64Array) => { v[7] = (v[7] ?? 0) + 1; }],
  ['two ranks exchanged between equal keys', "keep'rank", (v: Float64Array) => {
    const keys = exact().get('m')?.values ?? [];
    for (let at = 0; at < v.length; at += 1) {
      for (let other = at + 1; other < v.length && Math.floor(other / blocks) === Math.floor(at / blocks); other += 1) {
        if (keys[at] !== keys[other] || v[at] === v[other]) continue;
        [v[at], v[other]] = [v[other] ?? 0, v[at] ?? 0];
        return;
      }
    }
    throw new Error('no ties');
  }],
  ['one block too many', 'keep', (v: Float64Array) => { v[v.indexOf(0)] = 1; }],
  ['one block too few', 'keep', (v: Float64Array) => { v[v.indexOf(1)] = 0; }],
  ['a mass that counts its own element', "mass'before", (v: Float64Array) => { v[0] = (v[0] ?? 0) + 0.5; }],
  ['an entry listed twice', 'list', (v: Float64Array) => { v[1] = v[0] ?? 0; }],
  ['a list that ends early', 'list', (v: Float64Array) => { v[2] = -1; }],
  ['a sum that starts one late', 'sums', (v: Float64Array) => { v[3] = (v[3] ?? 0) - 1; }],
  ['a share that is not one', 'p', (v: Float64Array) => { v[0] = (v[0] ?? 0) * (1 + 1e-4) + 1e-6; }],
])('%s is a complaint', (_, name, change) => {
  expect(checkStages(spec, launch, whole, changed(name, change)).some((c) => c.startsWith(name))).toBe(true);
});
