/**
 * Quantifier ranges are bounded: an endless `any` would hang an interpreter and reset a GPU. Too long a range is a diagnostic where
 * source or launch can tell, and cut at the limit where only the data can.
 */
import { expect, test } from 'vitest';
import { denseMask } from '../../../compiler/interpreters/dense/index.ts';
import { checkLaunch } from '../../../compiler/spec/check-launch.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Launch, Spec } from '../../../compiler/spec/ir.ts';

function compile(text: string): Spec {
  const spec = compileSource({ file: 'any.fil', text }, () => undefined, 'far', new Map());
  if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('; '));
  return spec.value;
}

const launch = (scalars: readonly (readonly [string, number])[]): Launch => ({
  sizes: { batch: 1, heads: 1, kvHeads: 1, nQ: 4, nK: 4, dim: 4 }, scalars: new Map(scalars), tensors: new Map(),
});

test('a literal range of more than 65,536 values is an error in the source', () => {
  const spec = compileSource({ file: 'any.fil', text: 'attention far { mask { (q, k) => any t in 0 .. 1000000000: q - k == t } }' }, () => undefined, 'far', new Map());
  expect(spec.diagnostics.map((d) => d.message)).toContain('`any` may run over at most 65536 values');
});

test('a range that a launch makes too long is refused at launch, at the quantifier', () => {
  const spec = compile('attention far(n: int) { mask { (q, k) => any t in 0 .. n: q - k == t } }');
  expect(checkLaunch(spec, launch([['n', 65536]]))).toEqual([]);
  const [refused] = checkLaunch(spec, launch([['n', 65537]]));
  expect(refused?.message).toContain('65536');
  expect(refused?.primary.span.start).toBeGreaterThan(0);
});

test('a range that depends on positions is cut at the limit', () => {
  const spec = compile('attention far { mask { (q, k) => any t in 0 .. q * 100000000: t == k & q < 3 } }');
  expect([...denseMask(spec, launch([]))]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
});
