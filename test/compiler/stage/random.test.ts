/**
 * Random stage programs from text through every level that has no device: each stage tensor obeys its rule on the tensors that were really
 * made before it, and the attention behind them is right for the tensors it read. By hand: `filigree fuzz --level tile`.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import { checkStages } from '../../../compiler/interpreters/stage-check.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import { checkCase } from '../../../tools/fuzz/levels.ts';
import { failureFiles } from '../../../tools/fuzz/failure-file.ts';
import { withAllOutputs } from '../../../tools/fuzz/stage-cases.ts';
import { randomStageCases } from '../../support/random-stage.ts';

test.each([['algebra', 25], ['tile', 30], ['kernel', 10]] as const)('random stage programs are right at the %s level', async (level, numRuns) => {
  let refused = 0;
  await fc.assert(fc.asyncProperty(randomStageCases({ maxLength: level === 'kernel' ? 9 : 14 }), fc.nat(1000), async (c, seed) => {
    expect(await checkCase(level, c, seed, { dtype: 'f32', onRefused: () => void (refused += 1) }), c.source).toBeUndefined();
  }), { seed: 11, numRuns });
  expect(refused).toBeLessThan(numRuns / 2);
}, 60_000);

test('random stage programs use every rule, both kinds of program, and rows of every relation of length', () => {
  const seen = new Set<string>();
  for (const { spec, launch } of fc.sample(randomStageCases(), { seed: 3, numRuns: 150 })) {
    spec.stages.forEach((t) => void seen.add(t.rule.kind).add(t.element).add(t.precision));
    const { nQ, nK, heads, kvHeads } = launch.sizes;
    seen.add(spec.computes).add(nQ < nK ? 'longer keys' : nQ > nK ? 'longer queries' : 'square').add(heads > kvHeads ? 'grouped' : 'plain');
    seen.add(spec.mask.kind);
  }
  for (const wanted of ['map', 'recurrence', 'softmax', 'rank', 'mass', 'order', 'int', 'float', 'bool', 'f16', 'bf16', 'attention', 'stages', 'longer keys', 'longer queries', 'grouped']) {
    expect(seen).toContain(wanted);
  }
});

test('a changed element of a random program is found', () => {
  let changes = 0;
  fc.assert(fc.property(randomStageCases(), fc.nat(), (c, place) => {
    const { spec, launch, inputs } = withAllOutputs(c);
    const made = new Map([...denseStages(spec, launch, inputs)].map(([n, { extents, data }]) => [n, { extents, values: Float64Array.from(data) }]));
    expect(checkStages(spec, launch, inputs, made)).toEqual([]);
    const last = spec.stages.at(-1);
    const values = last === undefined ? undefined : made.get(last.name)?.values;
    if (values === undefined || values.length === 0) return;
    const at = place % values.length;
    values[at] = (values[at] ?? 0) === 0 ? 1e6 : (values[at] ?? 0) * -3;
    changes += 1;
    expect(checkStages(spec, launch, inputs, made), c.source).not.toEqual([]);
  }), { seed: 4, numRuns: 60 });
  expect(changes).toBeGreaterThan(30);
});

test('a stored failure of a stage program is the text that it came from', () => {
  for (const c of fc.sample(randomStageCases(), { seed: 8, numRuns: 5 })) {
    const { program } = failureFiles({ case: c, seed: 1, level: 'tile', dtype: 'f32' }, 'wrong');
    const again = compileSource({ file: 'case.fil', text: program }, () => undefined, c.spec.name);
    expect(again.ok && again.value).toEqual(c.spec);
  }
});
