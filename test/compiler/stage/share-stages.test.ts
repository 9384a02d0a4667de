/**
 * Stage tensors that are not made: equal ones twice, and those that nothing reads. What is left has the values it had.
 */
import { describe, expect, test } from 'vitest';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import { verifySpec } from '../../../compiler/spec/verify.ts';
import { shareStages } from '../../../compiler/stage/share-stages.ts';
import { inputsOf, launchOf, valueOf } from './specs.ts';

const seen = `
stage seen(last: int tokens) {
  index r in 0 .. min(last, n_q)
  index j in keys
  p[h, r, j] = softmax j where j <= first_q + r: dot(q[h, first_q + r], k[h, j])
  column[h, j] = sum r: p[h, r, j]
  runs[h, j] = if column[h, j] > 0.3 then runs[h, j - 1] + 1 else 0
}
stage twice(last: int tokens, other: int tokens) {
  stage u = seen(last)
  stage w2 = seen(other)
  index j in keys
  index c in 0 .. 3
  unread[h, j] = u.column[h, j] * 2
  sums[h, j] = u.column[h, j] + w2.column[h, j] + u.runs[h, j] + w2.runs[h, j]
  firsts[h, c] = nth(c) j in keys: sums[h, j]
}
`;

function specOf(uses: string, outputs: string): Spec {
  const text = `${seen}\nattention w(last: int tokens = 3, other: int tokens = 2) {\n${uses}\n  mask causal & keys(t.firsts)\n  output ${outputs}\n}\n`;
  return valueOf(compileSource({ file: 'main.fil', text }, () => undefined, 'w', new Map()));
}

function names(spec: Spec): readonly string[] {
  return spec.stages.map((t) => t.name);
}

describe('stage tensors', () => {
  const sizes = { batch: 2, heads: 2, kvHeads: 1, nQ: 5, nK: 9, dim: 4 };
  test.each([
    ['made twice by two uses are made once', '  stage t = twice(last, last)', 't.sums', ["t.u.p'softmax", 't.u.column', 't.u.runs', 't.sums', 't.firsts']],
    ['that differ in an argument are both made', '  stage t = twice(last, other)', 't.firsts', ["t.u.p'softmax", 't.u.column', 't.u.runs', "t.w2.p'softmax", 't.w2.column', 't.w2.runs', 't.sums', 't.firsts']],
    ['that the caller gets keep their names', '  stage s1 = seen(last)\n  stage t = twice(last, last)', 's1.column, t.unread', ["s1.p'softmax", 's1.column', 's1.runs', 't.unread', 't.sums', 't.firsts']],
  ])('%s', (_, uses, outputs, expected) => {
    const spec = specOf(uses, outputs);
    const shared = shareStages(spec);
    expect(names(shared)).toEqual(expected);
    expect(verifySpec(shared)).toEqual([]);
    const launch = launchOf(sizes, { scalars: new Map([['last', 3], ['other', 2]]) });
    const inputs = inputsOf(sizes, 4);
    const before = denseStages(spec, launch, inputs);
    for (const [name, made] of denseStages(shared, launch, inputs)) expect(made, name).toEqual(before.get(name));
  });

  test('are sorted once where every entry of a list asks for its own rank', () => {
    const order = specOf('  stage t = twice(last, last)', 't.firsts').stages.find((t) => t.name === "t.firsts'nth");
    expect(order?.indices.map((i) => i.name)).toEqual(['b', 'h', 'r']);
    expect(order?.indices[2]?.axis).toEqual({ kind: 'counted', extent: { kind: 'literal', type: 'int', value: 3 } });
  });
});
