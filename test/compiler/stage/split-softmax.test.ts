/**
 * Softmaxes of which only segments are read: which are split, that the sums are those of the softmax, and that both ways to make the halves obey
 * their rule.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import { checkStages } from '../../../compiler/interpreters/stage-check.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import type { StageTensor } from '../../../compiler/spec/stage.ts';
import { hoistValues } from '../../../compiler/stage/hoist-values.ts';
import { splitSoftmax } from '../../../compiler/stage/split-softmax.ts';
import { compiled, counted, heads, i, inputsOf, launchOf, levels, run, stageSpec, tensor } from './specs.ts';

const keys = { kind: 'keys' } as const;
const queries = { kind: 'queries' } as const;
const product = x.mul(x.read('q', 'float', [i('b'), i('h'), i('I'), i('d')]), x.read('k', 'float', [i('b'), i('h'), i('J'), i('d')]));
const dots = x.mul(x.float(0.25), x.fold('sum', 'd', x.int(0), i('dim'), product));
const largest = x.fold('max', 'd', x.int(0), i('dim'), product);
const causal = x.le(i('J'), x.add(i('I'), x.sub(i('n_k'), i('n_q'))));

const softmaxOf = (value: Expr, where: Expr = causal): StageTensor => tensor('p', 'float', { h: heads, I: queries, J: keys }, { kind: 'softmax', over: ['J'], where, value });

/** Sums of `length` elements of the softmax, for as many segments as the keys have and one more. */
function heldOf(length: number, to: Expr = x.mul(x.add(i('C'), x.int(1)), x.int(length))): StageTensor {
  const share = x.read('p', 'float', [i('b'), i('h'), i('I'), i('j')]);
  const extent = x.add(x.div(i('n_k'), x.int(length)), x.int(2));
  return tensor('held', 'float', { h: heads, I: queries, C: counted(extent) }, { kind: 'map', value: x.fold('sum', 'j', x.mul(i('C'), x.int(length)), to, share) });
}

const spec = (stages: readonly StageTensor[], outputs: readonly string[] = ['held']): Spec => stageSpec(stages, [], { outputs: outputs.map((name) => ({ name, tensor: name })) });
const names = (s: Spec): readonly string[] => s.stages.map((t) => `${t.name} ${t.rule.kind}`);
const halves = ["p'parts softmax_parts", "p'largest map", "p'total map", 'held map'];

describe('a softmax', () => {
  test('of which segments are read is made in two halves', () => {
    expect(names(splitSoftmax(spec([softmaxOf(dots), heldOf(6)])))).toEqual(halves);
    expect(names(splitSoftmax(spec([softmaxOf(dots), heldOf(6, x.add(x.mul(i('C'), x.int(6)), x.int(6)))])))).toEqual(halves);
  });

  test('is split where places are counted from the start of the segment', () => {
    const from = (index: Expr): StageTensor => ({ ...heldOf(6), rule: { kind: 'map', value: x.fold('sum', 't', x.int(0), x.int(6), x.read('p', 'float', [i('b'), i('h'), i('I'), index])) } });
    expect(names(splitSoftmax(spec([softmaxOf(dots), from(x.add(x.mul(i('C'), x.int(6)), i('t')))])))).toEqual(halves);
    const other = spec([softmaxOf(dots), from(x.add(x.mul(i('C'), x.int(5)), i('t')))]);
    expect(splitSoftmax(other).stages).toEqual(other.stages);
  });

  test('takes along the values that nothing else reads', () => {
    expect(names(splitSoftmax(hoistValues(spec([softmaxOf(dots), heldOf(6)]))))).toEqual(halves);
    const both = splitSoftmax(hoistValues(spec([softmaxOf(dots), heldOf(6)], ['held', "p'value"])));
    expect(names(both)).toEqual(["p'value map", 'p softmax', 'held map']);
  });

  test('stays whole where its elements are read, or segments of two lengths, or something like a segment', () => {
    const whole = (stages: readonly StageTensor[], outputs?: readonly string[]): void => {
      const given = spec(stages, outputs);
      expect(splitSoftmax(given).stages).toEqual(given.stages);
    };
    whole([softmaxOf(dots), heldOf(6)], ['held', 'p']);
    whole([softmaxOf(dots), heldOf(6), { ...heldOf(4), name: 'other' }], ['held', 'other']);
    whole([softmaxOf(dots), heldOf(6, x.add(x.mul(i('C'), x.int(6)), x.int(5)))]);
    whole([softmaxOf(x.read('q', 'float', [i('b'), i('h'), i('I'), x.int(0)])), heldOf(6)]);
  });
});

test('sums over segments are those of the softmax, and both ways to make the halves obey the rule at every level', () => {
  const cases = fc.record({
    length: fc.integer({ min: 2, max: 20 }), nQ: fc.integer({ min: 1, max: 20 }), nK: fc.integer({ min: 1, max: 50 }), dim: fc.constantFrom(4, 8, 3),
    value: fc.constantFrom(dots, largest, x.add(dots, x.toFloat(i('J')))), where: fc.constantFrom(causal, x.trueExpr, x.falseExpr, x.eq(x.mod(i('J'), x.int(3)), x.int(1))),
    seed: fc.nat(1000), level: fc.constantFrom(...levels),
  });
  const ways = new Set<string>();
  fc.assert(fc.property(cases, ({ length, nQ, nK, dim, value, where, seed, level }) => {
    const sizes = { batch: 1, heads: 2, kvHeads: 2, nQ, nK, dim };
    const inputs = inputsOf(sizes, seed);
    const given = spec([softmaxOf(value, where), heldOf(length)]);
    const split = splitSoftmax(given);
    expect(names(split)).toEqual(halves);
    const truth = denseStages(given, launchOf(sizes), inputs).get('held')?.data ?? [];
    const found = denseStages(split, launchOf(sizes), inputs).get('held')?.data ?? [];
    truth.forEach((t, n) => expect(found[n]).toBeCloseTo(t, 12));
    const all = { ...split, outputs: split.stages.map(({ name }) => ({ name, tensor: name })) };
    const artefact = compiled(all, dim);
    const made = run(level, artefact, launchOf(sizes), inputs).outputs;
    expect(checkStages(artefact.plan.spec, launchOf(sizes), inputs, made)).toEqual([]);
    ways.add(artefact.tilePrograms[0]?.body.some((s) => JSON.stringify(s).includes('"dot"')) === true ? 'dots' : 'lanes');
  }), { seed: 5, numRuns: 25 });
  expect([...ways].sort()).toEqual(['dots', 'lanes']);
});
