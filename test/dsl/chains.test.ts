/**
 * Chains in the front end: what is accepted, and where and why the rest is refused.
 */
import { describe, expect, test } from 'vitest';
import { readProgram } from '../../dsl/program.ts';

const parts = `stage twice(x: float[queries]) {
  index i in queries
  y[i] = 2 * x[i]
}
stage rows(layer: int, x: float[queries]) {
  index i in queries
  index j in keys
  index g in kv_heads
  index c in dim
  q1[h, i, c] = x[i] + layer
  k1[g, j, c] = x[j]
}
stage reading {
  index i in queries
  first[h, i] = q[h, i, 0]
}
attention near(window: int = 4) {
  mask causal & band(0 .. window)
}
`;

const chain = (body: string, params = 'x: float[queries]'): string => `${parts}chain c(${params}) {\n${body}\n}\n`;

function codes(text: string): readonly string[] {
  return readProgram('main.fil', () => text).diagnostics.map((d) => `${d.code} ${text.slice(d.primary.span.start, d.primary.span.end)}`);
}

describe('a good chain', () => {
  test.each([
    ['uses of stages', 'stage a = twice(x)\nstage d = twice(a.y)\noutput d.y'],
    ['an attention on results', 'sizes heads = 2, dim = 4\nstage p = rows(0, x)\nattention a = near(q = p.q1, k = p.k1, v = p.k1, window = n_k)\noutput a.out, a.lse'],
    ['rounds that give a use new results', 'let n = 3\nstage a = twice(x)\nrepeat i in 0 .. 2 + 1 {\n  stage a = twice(a.y)\n}\nstage d = rows(n, a.y)\noutput d.q1'],
    ['q of a stage by name', 'stage p = rows(0, x)\nstage r = reading(q = p.q1)\noutput r.first'],
  ])('with %s', (_, body) => expect(codes(chain(body))).toEqual([]));

  test('for any attention, with arguments that it may have', () => {
    expect(codes(chain('stage p = rows(0, x)\nattention a = f(q = p.q1, k = p.k1, v = p.k1, layer = 3, table = x)\noutput a.out', 'f: attention, x: float[queries]'))).toEqual([]);
  });
});

describe('refused is', () => {
  test.each([
    ['FIL0452 twice', 'attention a = twice(q = x, k = x, v = x)\noutput a.out'],
    ['FIL0434 near', 'stage a = near\noutput a.out'],
    ['FIL0453 v = x', 'stage p = rows(0, x)\nattention a = near(q = p.q1, k = p.k1, v = x)\noutput a.out'],
    ['FIL0453 near', 'stage p = rows(0, x)\nattention a = near(q = p.q1, k = p.k1)\noutput a.out'],
    ['FIL0453 k = p.q1', 'stage p = rows(0, x)\nattention a = near(q = p.q1, k = p.q1, v = p.k1)\noutput a.out'],
    ['FIL0455 sizes dim = 4', 'stage a = twice(x)\nsizes dim = 4\noutput a.y'],
    ['FIL0455 n_k', 'sizes n_k = 4\nstage a = twice(x)\noutput a.y'],
    ['FIL0456 c', 'stage a = twice(x)'],
    ['FIL0457 x', 'stage a = twice(x)\noutput x'],
    ['FIL0201 a.z', 'stage a = twice(x)\noutput a.z'],
    ['FIL0201 b.y', 'repeat i in 0 .. 2 {\n  stage a = twice(b.y)\n  stage b = twice(x)\n}\noutput a.y'],
    ['FIL0205 a', 'stage a = twice(x)\nstage a = twice(a.y)\noutput a.y'],
  ])('%s', (code, body) => expect(codes(chain(body))).toContain(code));

  test('a parameter that stands for an attention, outside of chains and as a value', () => {
    expect(codes('mask m(a: attention) = causal\n')).toContain('FIL0451 a: attention');
    expect(codes(chain('stage p = rows(f, x)\nattention a = f(q = p.q1, k = p.k1, v = p.k1)\noutput a.out', 'f: attention, x: float[queries]'))).toContain('FIL0451 f');
  });

  test('a chain used by anything', () => expect(codes(`${chain('stage a = twice(x)\noutput a.y')}mask m = c\n`)).toContain('FIL0450 c'));

  test('an argument without a name for any attention', () => {
    expect(codes(chain('stage p = rows(0, x)\nattention a = f(3, q = p.q1, k = p.k1, v = p.k1)\noutput a.out', 'f: attention, x: float[queries]'))).toContain('FIL0454 3');
  });
});
