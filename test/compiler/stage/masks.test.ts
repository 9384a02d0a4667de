/**
 * Masks that read stage tensors: what a stage selects is what the attention sees. The selection is over whole numbers, hence exact, so the
 * dense interpreter's selection given as an ordinary parameter must lead to the same rows.
 */
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { attentionWithBounds, compareRows } from '../../../compiler/interpreters/bounds.ts';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import type { Axis, MaskExpr, Spec, TensorValue } from '../../../compiler/spec/ir.ts';
import { asParameter } from '../../../compiler/stage/tensors.ts';
import { compiled, counted, everyRule, i, inputsOf, launchOf, levels, run, span, stageSpec, tensor } from './specs.ts';

const block = x.int(8);
const h = { kind: 'heads' } as const;
const blocks = (of: 'queries' | 'keys') => ({ kind: 'blocks', of, size: block }) as const;
const dot = x.fold('sum', 'd', x.int(0), i('dim'), x.mul(
  x.read('q', 'float', [i('b'), i('h'), x.mul(i('A'), block), i('d')]),
  x.read('k', 'float', [i('b'), x.div(i('h'), x.div(i('heads'), i('kv_heads'))), x.mul(i('B'), block), i('d')]),
));
const scores = tensor('sel.s', 'float', { h, A: blocks('queries'), B: blocks('keys') }, { kind: 'map', value: dot });
const at = (name: string, type: 'int' | 'float', ...rest: readonly string[]) => x.read(name, type, [i('b'), i('h'), ...rest.map(i)]);
const rank = tensor("sel.keep'rank", 'int', { h, A: blocks('queries'), B: blocks('keys') }, { kind: 'rank', over: ['B'], where: x.trueExpr, key: at('sel.s', 'float', 'A', 'B') });
const keep = tensor('sel.keep', 'bool', { h, A: blocks('queries'), B: blocks('keys') }, { kind: 'map', value: x.lt(at("sel.keep'rank", 'int', 'A', 'B'), x.int(2)) });
const cols = tensor('sel.cols', 'int', { h, r: counted(5) }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: { kind: 'keys' } }], where: x.trueExpr, key: x.read('k', 'float', [i('b'), x.int(0), i('J'), x.int(0)]) });
const marked = (axis: Axis) => ({ h, J: axis });
const even = (of: Expr): Expr => x.lt(x.mod(x.add(x.mul(of, of), i('h')), x.int(5)), x.int(2));
const keySet = tensor('sel.key_set', 'bool', marked({ kind: 'keys' }), { kind: 'map', value: even(i('J')) });
const rowSet = tensor('sel.row_set', 'bool', marked({ kind: 'queries' }), { kind: 'map', value: even(i('J')) });
const lineSet = tensor('sel.line_set', 'bool', marked(counted(x.sub(i('n_k'), x.int(3)))), { kind: 'map', value: even(i('J')) });
const kind = tensor('sel.kind', 'int', { h }, { kind: 'map', value: x.mod(i('h'), x.int(2)) });

const lead = [i('b'), i('h')];
const causal: MaskExpr = { kind: 'causal', span };
const tiles: MaskExpr = { kind: 'tiles', table: { tensor: 'sel.keep', leading: lead }, queryBlock: block, keyBlock: block, span };
const listed = (what: 'keys' | 'slashes'): MaskExpr => ({ kind: 'listed', what, list: { tensor: 'sel.cols', leading: lead }, span });
const set = (what: 'keys' | 'queries' | 'slashes', name: string): MaskExpr => ({ kind: 'listed', what, list: { tensor: name, leading: lead }, span });
const both = (...args: readonly MaskExpr[]): MaskExpr => ({ kind: 'and', args, span });
const masks: Readonly<Record<string, MaskExpr>> = {
  'a table of tiles': both(causal, tiles),
  'a list of keys': both(causal, { kind: 'or', args: [listed('keys'), { kind: 'band', from: x.int(0), to: x.int(3), span }], span }),
  'a list of slashes': both(causal, listed('slashes')),
  'a choice by head': { kind: 'choose', selector: x.read('sel.kind', 'int', lead), cases: [{ value: x.int(0), mask: both(causal, tiles) }, { value: x.int(1), mask: both(causal, listed('keys')) }], otherwise: { kind: 'none', span }, span },
  'a set of keys': both(causal, set('keys', 'sel.key_set')),
  'a set of rows beside keys': both(causal, { kind: 'or', args: [set('queries', 'sel.row_set'), listed('keys')], span }),
  'a set of slashes': both(causal, set('slashes', 'sel.line_set')),
  'a look-up': both(causal, { kind: 'predicate', body: x.lt(x.mod(x.add(i('k'), x.read('sel.cols', 'int', [i('b'), i('h'), x.int(0)])), x.int(3)), x.int(2)), span }),
};
const sizes = { batch: 2, heads: 4, kvHeads: 2, nQ: 21, nK: 37, dim: 8 };

function attention(mask: MaskExpr): Spec {
  return stageSpec([scores, rank, keep, cols, kind, keySet, rowSet, lineSet], [], {
    computes: 'attention', mask, scale: x.float(0.125), outputs: [{ name: 'sel.keep', tensor: 'sel.keep' }, { name: 'sel.cols', tensor: 'sel.cols' }],
  });
}

describe.each(levels)('attention behind a stage at the %s level', (level) => {
  test.each(Object.keys(masks))('%s made by a stage', (name) => {
    const mask = masks[name];
    if (mask === undefined) throw new Error(name);
    const spec = attention(mask);
    const inputs = inputsOf(sizes, 3);
    const launch = launchOf(sizes);
    const ran = run(level, compiled(spec, sizes.dim), launch, inputs);
    const dense = denseStages(spec, launch, inputs);
    const values = new Map([...dense].map(([n, { extents, data }]): [string, TensorValue] => [n, { extents, data: data instanceof Float64Array ? Float32Array.from(data) : data }]));
    for (const output of ['sel.keep', 'sel.cols']) expect([...(ran.outputs.get(output)?.values ?? [])]).toEqual([...(dense.get(output)?.data ?? [])]);
    const given: Spec = { ...spec, stages: [], outputs: [], tensors: spec.stages.map(asParameter) };
    const truth = attentionWithBounds(given, { ...launch, tensors: values }, inputs, { outType: 'f32', splits: 16, keySteps: 64 });
    expect(compareRows(ran.out, truth.out, truth.bounds.out).ratio).toBeLessThanOrEqual(1);
    expect(compareRows(ran.lse, truth.lse, truth.bounds.lse).ratio).toBeLessThanOrEqual(1);
  });
});

test.each(levels)('a program with a tensor of every rule at the %s level gives what the dense interpreter gives', (level) => {
  const ragged = { batch: 1, heads: 2, kvHeads: 1, nQ: 3, nK: 19, dim: 3 };
  const spec = everyRule(x.int(4));
  const inputs = inputsOf(ragged, 11);
  const launch = launchOf(ragged);
  const ran = run(level, compiled(spec, 3), launch, inputs);
  const dense = denseStages(spec, launch, inputs);
  for (const { name, rule } of spec.stages) {
    if (rule.kind !== 'softmax') expect([...(ran.outputs.get(name)?.values ?? [])], name).toEqual([...(dense.get(name)?.data ?? [])]);
  }
});
