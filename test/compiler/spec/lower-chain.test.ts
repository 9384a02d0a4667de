/**
 * From a chain to its calls: which uses share a unit, what calls are given, what a launch must satisfy, what is refused; and what a
 * chain means, against the same sums done by hand.
 */
import { describe, expect, test } from 'vitest';
import { denseChain } from '../../../compiler/interpreters/dense/index.ts';
import type { ChainSpec } from '../../../compiler/spec/chain.ts';
import { compileChainSource, compileSource } from '../../../compiler/spec/from-source.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import { printChain } from '../../../compiler/spec/print-chain.ts';

const parts = `stage scaled(const by: int, plus: float, x: float[queries]) {
  index i in queries
  y[i] = by * x[i] + plus
}
stage rows(x: float[heads, queries], z: float[kv_heads, keys]) {
  index i in queries
  index j in keys
  index g in kv_heads
  index c in dim
  q1[h, i, c] = x[h, i] + c
  k1[g, j, c] = z[g, j]
}
stage table(x: float[n, 3]) {
  index i in n
  t[i] = x[i, 0]
}
attention near(window: int = 4, layer: int, lines: int[n]) {
  mask causal & band(0 .. window + layer) & keys(lines)
}
`;

function compile(body: string, params: string, chosen: ReadonlyMap<string, Spec> = new Map()): ReturnType<typeof compileChainSource> {
  const text = `${parts}chain c(${params}) {\n${body}\n}\n`;
  return compileChainSource({ file: 'main.fil', text }, () => undefined, 'c', new Map(), chosen);
}

function chainOf(body: string, params: string, chosen?: ReadonlyMap<string, Spec>): ChainSpec {
  const result = compile(body, params, chosen);
  if (!result.ok) throw new Error(result.diagnostics.map((d) => `${d.code} ${d.message}`).join('\n'));
  return result.value;
}

function refusals(body: string, params: string, chosen?: ReadonlyMap<string, Spec>): readonly string[] {
  const result = compile(body, params, chosen);
  return result.diagnostics.filter((d) => d.severity === 'error').map((d) => `${d.code} ${d.message}`);
}

function near(): Spec {
  const made = compileSource({ file: 'main.fil', text: parts }, () => undefined, 'near');
  if (!made.ok) throw new Error('near');
  return made.value;
}

describe('units', () => {
  test('are shared by uses that differ in launch scalars and tensors, not in constants', () => {
    const chain = chainOf('stage a = scaled(2, 0.5, x)\nstage d = scaled(2, 0.25, a.y)\nstage e = scaled(3, 0.5, d.y)\noutput e.y', 'x: float[queries]');
    expect(printChain(chain)).toBe([
      'chain c', '  param x: float[queries]', '  sizes heads = 1, kv_heads = 1, dim = 1', '  unit 0: stage scaled', '  unit 1: stage scaled',
      '  a = unit 0 (plus = 0.5, x = x)', '  d = unit 1 (plus = 0.25, x = a.y)', '  e = unit 2 (plus = 0.5, x = d.y)', '  output e.y = e.y', '',
    ].join('\n').replace('  unit 1: stage scaled', '  unit 1: stage scaled\n  unit 2: stage scaled'));
  });

  test('take the leading batch and heads axes of what they are given', () => {
    const chain = chainOf('stage a = scaled(2, 0.5, x)\nstage d = scaled(2, 1.0, a.y)\nstage e = scaled(2, 2.0, d.y)\noutput e.y', 'x: float[queries]');
    // The first is given a tensor without a batch axis, the others one with.
    expect(chain.units.map((u) => u.tensors[0]?.axes.map((a) => a.kind))).toEqual([['queries'], ['batch', 'queries']]);
    expect(chain.calls.map((c) => c.unit)).toEqual([0, 1, 1]);
  });
});

describe('rounds', () => {
  test('give each use a call of its own and read what the round before made', () => {
    const chain = chainOf('stage a = scaled(1, 0.0, x)\nrepeat i in 1 .. 3 {\n  let twice = 2 * i\n  stage a = scaled(1, twice, a.y)\n}\noutput a.y', 'x: float[queries]');
    expect(chain.calls.map((c) => [c.name, c.tensors.get('x')])).toEqual([['a', 'x'], ["a'1", 'a.y'], ["a'2", "a'1.y"]]);
    expect(chain.calls.map((c) => c.scalars.get('plus'))).toMatchObject([{ value: 0 }, { value: 2 }, { value: 4 }]);
    expect(chain.outputs).toEqual([{ name: 'a.y', value: "a'2.y" }]);
  });

  test('need at least one round', () => {
    expect(refusals('repeat i in 2 .. 2 {\n  stage a = scaled(1, 0.0, x)\n}\noutput a.y', 'x: float[queries]')).toEqual(['FIL0511 `repeat` runs its items at least once']);
  });
});

describe('a parameter that stands for an attention', () => {
  const body = 'sizes heads = 2, dim = 3\nstage r = rows(x, z)\nattention a = f(q = r.q1, k = r.k1, v = r.k1, layer = 1, unknown = 3)\noutput a.out';
  const params = 'f: attention, x: float[heads, queries], z: float[kv_heads, keys]';

  test('is offered arguments; parameters without one become those of the chain', () => {
    const chain = chainOf(body, params, new Map([['f', near()]]));
    expect(chain.scalars.map((p) => [p.name, p.defaultValue])).toEqual([['window', 4]]);
    expect(chain.tensors.map((p) => p.name)).toEqual(['x', 'z', 'lines']);
    expect([...(chain.calls[1]?.scalars ?? [])].map(([name]) => name)).toEqual(['window', 'layer']);
    expect(chain.calls[1]?.tensors.get('lines')).toBe('lines');
  });

  test('must be chosen', () => expect(refusals(body, params)).toEqual(['FIL0516 chain `c` needs an attention for `f`']));

  test('cannot bring a name that the chain has', () => {
    expect(refusals(body, `${params}, window: float`, new Map([['f', near()]]))).toEqual(['FIL0517 attention `near` and chain `c` both have a parameter `window`']);
  });
});

describe('axes', () => {
  test('that are known to differ are refused; others must agree at launch', () => {
    expect(refusals('sizes heads = 2, dim = 3\nstage r = rows(x, z)\nstage t = table(r.q1)\noutput t.t', 'x: float[heads, queries], z: float[kv_heads, keys]').length).toBe(1);
    expect(refusals('stage t = table(x)\noutput t.t', 'x: float[m, 4]')).toEqual(['FIL0511 `x` needs an axis of `3`, not of `4`']);
    expect(chainOf('stage t = table(x)\noutput t.t', 'x: float[m, 3]').requires).toEqual([]);
  });

  test('of q, k and v have the sizes of the chain', () => {
    const wrong = 'sizes heads = 2, kv_heads = 1, dim = 3\nstage r = rows(x, z)\nattention a = near(q = r.q1, k = r.q1, v = r.k1, layer = 0, lines = l)\noutput a.out';
    expect(refusals(wrong, 'x: float[heads, queries], z: float[kv_heads, keys], l: int[n]')[0]).toMatch(/^FIL0453/);
  });
});

test('a chain means its calls one after another', () => {
  const chain = chainOf('stage a = scaled(2, 0.5, x)\nrepeat i in 0 .. 2 {\n  stage a = scaled(3, plus, a.y)\n}\noutput a.y', 'plus: float, x: float[queries]');
  const x = Float32Array.from([1, -2, 4]);
  const values = denseChain(chain, { sizes: { batch: 1, nQ: 3, nK: 3 }, scalars: new Map([['plus', 0.25]]), tensors: new Map([['x', { extents: [3], data: x }]]) });
  expect([...(values.get("a'2.y")?.data ?? [])]).toEqual([...x].map((v) => 3 * (3 * (2 * v + 0.5) + 0.25) + 0.25));
});
