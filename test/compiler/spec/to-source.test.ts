import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { denseAttention } from '../../../compiler/interpreters/dense/index.ts';
import { checkLaunch } from '../../../compiler/spec/check-launch.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import { specToSource } from '../../../compiler/spec/to-source.ts';
import type { MaskExpr } from '../../../compiler/spec/ir.ts';
import { noSpan as span } from '../../../dsl/span.ts';
import { h, k, q } from '../../support/random-parameters.ts';
import { randomCases, specAround } from '../../support/random-spec.ts';

test('the source of a random spec compiles to a spec with the same result, bit for bit', () => {
  fc.assert(
    fc.property(randomCases({ maxLength: 16 }), ({ spec, launch, inputs }) => {
      const text = specToSource(spec);
      const compiled = compileSource({ file: 'random.fil', text }, () => undefined, spec.name);
      if (!compiled.ok) throw new Error(`${text}\n${compiled.diagnostics.map((d) => d.message).join('\n')}`);
      expect(checkLaunch(compiled.value, launch)).toEqual([]);
      const first = denseAttention(spec, launch, inputs);
      const again = denseAttention(compiled.value, launch, inputs);
      expect(again.liveKeys, text).toEqual(first.liveKeys);
      expect(again.out, text).toEqual(first.out);
      expect(again.lse, text).toEqual(first.lse);
    }),
    { numRuns: 250, seed: 41 },
  );
});

function maskLine(mask: MaskExpr): string {
  return specToSource(specAround(mask)).split('\n').find((line) => line.startsWith('  mask '))?.slice(7) ?? '';
}

describe('masks read as they would be written', () => {
  const causal: MaskExpr = { kind: 'causal', span };
  const none: MaskExpr = { kind: 'none', span };
  const columns: MaskExpr = { kind: 'listed', what: 'keys', list: { tensor: 'cols_h', leading: [h] }, span };
  const near: MaskExpr = { kind: 'band', from: x.int(0), to: x.ref('window', 'int'), span };
  test.each<readonly [MaskExpr, string]>([
    [{ kind: 'and', args: [causal, { kind: 'or', args: [near, columns], span }], span }, 'causal & (band(0 .. window) | keys(cols_h))'],
    [{ kind: 'minus', left: causal, right: { kind: 'minus', left: near, right: none, span }, span }, 'causal - (band(0 .. window) - none)'],
    [{ kind: 'not', arg: { kind: 'and', args: [causal, near], span }, span }, '~(causal & band(0 .. window))'],
    [{ kind: 'or', args: [], span }, 'none'],
    [{ kind: 'predicate', body: x.eq(x.mod(x.sub(q, k), x.int(3)), h), span }, '{ (q, k) => (q - k) mod 3 == h }'],
    [
      { kind: 'choose', selector: x.read('which', 'int', [h]), cases: [{ value: x.int(2), mask: causal }], otherwise: none, span },
      '(per head choose which[h] { 2 => causal, else => none })',
    ],
    [
      { kind: 'predicate', body: x.read('mark_q', 'bool', [x.add(x.sub(q, x.ref('n_k', 'int')), x.ref('n_q', 'int'))]), span },
      '{ (q, k) => mark_q[q] }',
    ],
  ])('%#', (mask, text) => {
    expect(maskLine(mask)).toBe(text);
  });

  test('parameters come with their axes and defaults, and shared axis names are told apart', () => {
    const rows: MaskExpr = { kind: 'listed', what: 'queries', list: { tensor: 'rows', leading: [] }, span };
    const limit: MaskExpr = { kind: 'keys', from: x.int(0), to: x.ref('rows.m', 'int'), span };
    const text = specToSource(specAround({ kind: 'or', args: [near, columns, rows, limit], span }));
    expect(text).toContain('  window: int = 16,\n  cols_h: int[heads, cols_h_m],\n  rows: int[rows_m]\n');
    expect(text).toContain('keys(0 .. rows_m)');
  });
});
