import { expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { printExpr } from '../../../compiler/expr/print.ts';

const q = x.ref('q', 'int');
const k = x.ref('k', 'int');
const p = x.ref('p', 'bool');
const s = x.ref('s', 'float');

test.each([
  [x.eq(x.mod(x.sub(q, k), x.int(4)), x.int(0)), '(q - k) mod 4 == 0'],
  [x.sub(x.sub(q, k), x.int(1)), 'q - k - 1'],
  [x.sub(q, x.sub(k, x.ref('a', 'int'))), 'q - (k - a)'],
  [x.mul(x.add(q, k), x.int(-3)), '(q + k) * -3'],
  [x.not(x.or(p, x.lt(q, k))), '~(p | q < k)'],
  [x.and(x.or(p, x.lt(q, k)), x.le(k, q)), '(p | q < k) & k <= q'],
  [x.eq(x.lt(q, k), p), '(q < k) == p'],
  [x.neg(x.add(q, k)), '-(q + k)'],
  [x.select(p, q, k), 'if p then q else k'],
  [x.add(x.select(p, q, k), x.int(2)), '(if p then q else k) + 2'],
  [x.and(p, x.fold('any', 't', x.int(0), q, x.eq(x.read('parent', 'int', [q, x.ref('t', 'int')]), k))), 'p & (any t in 0 .. q: parent[q, t] == k)'],
  [x.mul(x.unary('tanh', x.divide(s, x.float(30))), x.float(30)), 'tanh(s / 30.0) * 30.0'],
  [x.binary('bit_xor', q, x.binary('shl', k, x.int(2))), 'bit_xor(q, shl(k, 2))'],
  [x.trueExpr, 'true'],
])('an expression prints with the parentheses it needs: %#', (e, text) => {
  expect(printExpr(e)).toBe(text);
});
