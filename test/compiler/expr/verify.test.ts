import { describe, expect, it } from 'vitest';
import { add, bool, element, float, fold, int, lt, read, ref, select, unary } from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { exprFaults } from '../../../compiler/expr/verify.ts';
import type { ExprScope } from '../../../compiler/expr/verify.ts';

const scope: ExprScope = {
  ref: (name) => ({ n: 'int' as const, x: 'float' as const, yes: 'bool' as const })[name],
  read: (tensor, type, indices) => (tensor === 't' && type === 'int' && indices === 2 ? undefined : `${tensor} is not like this`),
};
const n = ref('n', 'int');

describe('expressions are verified', () => {
  it('what the constructors make of names in scope is sound', () => {
    const body = select(lt(ref('i', 'int'), n), read('t', 'int', [ref('i', 'int'), n]), unary('floor_to_int', ref('x', 'float')));
    expect(exprFaults(fold('sum', 'i', int(0), n, body), scope)).toEqual([]);
  });

  const broken: readonly (readonly [string, Expr, string])[] = [
    ['a name that is not there', ref('m', 'int'), "'m' is not in scope"],
    ['the local of a fold outside it', add(fold('sum', 'i', int(0), n, ref('i', 'int')), ref('i', 'int')), "'i' is not in scope"],
    ['a name of another type', ref('x', 'int'), "'x' is float, not int"],
    ['a literal that is no int', { kind: 'literal', type: 'int', value: 0.5 }, '0.5 is no int in `0.5`'],
    ['a literal beyond 32 bits', { kind: 'literal', type: 'int', value: 2 ** 31 }, '2147483648 is no int in `2147483648`'],
    ['a literal that is no bool', { kind: 'literal', type: 'bool', value: 2 }, '2 is no bool in `true`'],
    ['a literal that is no number', { kind: 'literal', type: 'float', value: Number.NaN }, 'NaN is no float in `NaN`'],
    ['operands of two types', { kind: 'binary', type: 'int', op: 'add', left: n, right: float(1) }, 'add of int and float gives no int in `n + 1.0`'],
    ['a result of another type', { kind: 'binary', type: 'int', op: 'lt', left: n, right: int(1) }, 'lt of int and int gives no int in `n < 1`'],
    ['division of ints as floats', { kind: 'binary', type: 'int', op: 'divide', left: n, right: int(2) }, 'divide of int and int gives no int in `n / 2`'],
    ['and of ints', { kind: 'binary', type: 'bool', op: 'and', left: n, right: n }, 'and of int and int gives no bool in `n & n`'],
    ['not of an int', { kind: 'unary', type: 'bool', op: 'not', arg: n }, 'not of int gives no bool in `~n`'],
    ['exp of an int', { kind: 'unary', type: 'float', op: 'exp', arg: n }, 'exp of int gives no float in `exp(n)`'],
    ['a choice by a number', { kind: 'select', type: 'int', cond: n, then: n, otherwise: n }, 'select of int, int and int gives no int in `if n then n else n`'],
    ['any of ints', { kind: 'fold', type: 'int', op: 'any', local: 'i', from: n, to: n, body: n }, 'any of int gives no int in `any i in n .. n: n`'],
    ['a read that does not fit', read('t', 'int', [n]), 't is not like this'],
    ['an index that is no int', { kind: 'read', type: 'int', tensor: 't', indices: [n, bool(true)] }, 'an index of type bool in `t[n, true]`'],
    ['an element where there are no tiles', element('s', 'float'), "'s[.]' stands where no tile can be spoken of"],
  ];
  for (const [what, e, fault] of broken) {
    it(`${what} is a fault`, () => {
      expect(exprFaults(e, scope)).toEqual([fault]);
    });
  }
});
