/**
 * Every rule of the spec verifier fires on a spec that breaks it and on no good one.
 */
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { MaskExpr, Spec } from '../../../compiler/spec/ir.ts';
import { printMask } from '../../../compiler/spec/print.ts';
import { assertSpec, specRules, verifySpec } from '../../../compiler/spec/verify.ts';
import { CompilerBug } from '../../../dsl/diagnostic.ts';

const text = `
attention good(w: int, cap: float, list: int[heads, n], doc: int[keys], t: bool[queries / 64, keys / 64], lone: float[heads]) {
  mask causal & keys(list) & segments(doc) & tiles(t) & { (q, k) => any i in 0 .. n: list[i] mod w == k } & band(0 .. w)
  score s => s * cap + lone[h]
  sink lone
}`;

function goodSpec(): Spec {
  const result = compileSource({ file: 'a.fil', text }, () => undefined, 'good');
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('\n'));
  return result.value;
}

const good = goodSpec();
const span = good.span;
const withMask = (mask: MaskExpr): Spec => ({ ...good, mask });
const predicate = (body: ReturnType<typeof x.int>): Spec => withMask({ kind: 'predicate', body, span });
const q = x.ref('q', 'int');

test('a spec from source breaks no rule', () => {
  expect(verifySpec(good)).toEqual([]);
  expect(() => assertSpec(good)).not.toThrow();
});

const broken: readonly (readonly [keyof typeof specRules, string, Spec])[] = [
  ['refsAreInScope', 'q in a range', withMask({ kind: 'band', from: x.int(0), to: q, span })],
  ['refsAreInScope', 's in a predicate', predicate(x.gt(x.ref('s', 'float'), x.float(0)))],
  ['refsAreInScope', 'h in the scale', { ...good, scale: x.toFloat(x.ref('h', 'int')) }],
  ['refsAreInScope', 'a local outside its fold', predicate(x.eq(x.ref('i', 'int'), q))],
  ['refsAreInScope', 'a position in a requirement', { ...good, requires: [{ condition: x.gt(q, x.int(0)), message: 'm', span }] }],
  ['refTypesAgree', 'an int parameter as a float', predicate(x.gt(x.ref('w', 'float'), x.float(0)))],
  ['typesFitTheirPlace', 'an int as the scale', { ...good, scale: x.ref('w', 'int') }],
  ['typesFitTheirPlace', 'an int as a predicate', predicate(q)],
  ['readsFitTheirTensor', 'an unknown tensor', predicate(x.read('gone', 'bool', [q]))],
  ['readsFitTheirTensor', 'too few indices', predicate(x.eq(x.read('list', 'int', [q]), q))],
  ['readsFitTheirTensor', 'the wrong element type', predicate(x.read('doc', 'bool', [q]))],
  ['readsFitTheirTensor', 'a tensor in the scale', { ...good, scale: x.read('lone', 'float', [x.int(0)]) }],
  ['noTiles', 'an element of a tile', predicate(x.element('tile', 'bool'))],
  ['noDeadLocals', 'a local named like a parameter', predicate(x.fold('any', 'w', x.int(0), x.int(4), x.eq(x.ref('w', 'int'), q)))],
  ['tensorUsesFit', 'a list of floats', withMask({ kind: 'listed', what: 'keys', list: { tensor: 'lone', leading: [] }, span })],
  ['tensorUsesFit', 'a list without its head', withMask({ kind: 'listed', what: 'keys', list: { tensor: 'list', leading: [] }, span })],
  ['tensorUsesFit', 'segments over a list', withMask({ kind: 'segments', ids: { tensor: 'list', leading: [x.ref('h', 'int')] }, span })],
  ['tensorUsesFit', 'a table that is none', withMask({ kind: 'tiles', table: { tensor: 'doc', leading: [] }, queryBlock: x.int(64), keyBlock: x.int(64), span })],
  ['namesAreUnique', 'a parameter named like a size', { ...good, scalars: [...good.scalars, { name: 'n_q', type: 'int', doc: [], span }] }],
  ['chainsHaveParts', 'a chain of one', withMask({ kind: 'and', args: [{ kind: 'all', span }], span })],
  ['extentsArePositive', 'an empty axis', { ...good, tensors: [...good.tensors, { name: 'z', element: 'int', axes: [{ kind: 'fixed', extent: 0 }], doc: [], span }] }],
  ['masksHavePlaces', 'a mask from nowhere', withMask({ kind: 'causal', span: { file: '', start: 0, end: 0 } })],
];

describe('each rule fires on', () => {
  test.each(broken)('%s: %s', (rule, _what, spec) => {
    expect(verifySpec(spec).map((v) => v.rule)).toContain(rule);
    expect(() => assertSpec(spec)).toThrow(CompilerBug);
  });

  test('at least one of these, whatever the rule', () => {
    expect([...new Set(broken.map(([rule]) => rule))].sort()).toEqual(Object.keys(specRules).sort());
  });
});

test('a mask prints as a tree', () => {
  expect(printMask(good.mask)).toBe(
    ['and', '  causal', '  keys(list[h, :])', '  segments(doc[:])', '  tiles(t[:, :]) of 64 x 64', '  { (q, k) => any i in 0 .. list.n: list[h, i] mod w == k }', '  band(0 .. w)'].join('\n'),
  );
});
