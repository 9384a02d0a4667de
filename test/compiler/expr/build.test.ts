import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { compileExpr, readerOf } from '../../../compiler/expr/evaluate.ts';
import { countNodes, sameExpr } from '../../../compiler/expr/traverse.ts';
import { printExpr } from '../../../compiler/expr/print.ts';
import { scalar } from '../../../compiler/interpreters/dense/scalar.ts';
import { environments, names, rawExprs, rebuilt, tensors } from './helpers.ts';

const a = x.ref('a', 'int');
const b = x.ref('b', 'int');
const f = x.ref('f', 'float');
const p = x.ref('p', 'bool');

describe('constructors fold constants as the language defines them', () => {
  const cases: readonly (readonly [string, ReturnType<typeof x.int>, number])[] = [
    ['addition wraps', x.add(x.int(2147483647), x.int(1)), -2147483648],
    ['multiplication wraps', x.mul(x.int(65536), x.int(65537)), 65536],
    ['the least int is its own negative', x.neg(x.int(-2147483648)), -2147483648],
    ['the least int is its own absolute value', x.abs(x.int(-2147483648)), -2147483648],
    ['div rounds down', x.div(x.int(-7), x.int(2)), -4],
    ['mod is never negative', x.mod(x.int(-7), x.int(3)), 2],
    ['div by zero is zero', x.div(x.int(5), x.int(0)), 0],
    ['div by a negative number is zero', x.div(x.int(5), x.int(-2)), 0],
    ['mod by a negative number is zero', x.mod(x.int(5), x.int(-2)), 0],
    ['shl takes its count modulo 32', x.binary('shl', x.int(3), x.int(33)), 6],
    ['shr is arithmetic', x.binary('shr', x.int(-8), x.int(1)), -4],
    ['shr takes a negative count modulo 32', x.binary('shr', x.int(-8), x.int(-31)), -4],
    ['bit_length reads the pattern', x.unary('bit_length', x.int(-1)), 32],
    ['bit_length of 0 is 0', x.unary('bit_length', x.int(0)), 0],
    ['popcount reads the pattern', x.unary('popcount', x.int(-1)), 32],
    ['trailing_zeros of 0 is 32', x.unary('trailing_zeros', x.int(0)), 32],
    ['trailing_zeros of the least int is 31', x.unary('trailing_zeros', x.int(-2147483648)), 31],
    ['floor_to_int rounds down', x.unary('floor_to_int', x.float(-1.5)), -2],
    ['floor_to_int saturates', x.unary('floor_to_int', x.float(1e20)), 2147483647],
    ['an empty min is the largest int', x.fold('min', 't', x.int(3), x.int(3), a), 2147483647],
    ['an empty max is the least int', x.fold('max', 't', x.int(3), x.int(1), a), -2147483648],
    ['an empty any is false', x.fold('any', 't', a, a, p), 0],
    ['an empty all is true', x.fold('all', 't', a, a, p), 1],
  ];
  test.each(cases)('%s', (_, e, value) => {
    expect(e).toMatchObject({ kind: 'literal', value });
  });
});

describe('constructors drop what changes nothing', () => {
  const cases: readonly (readonly [string, ReturnType<typeof x.int>, ReturnType<typeof x.int>])[] = [
    ['a + 0', x.add(a, x.int(0)), a],
    ['0 + a', x.add(x.int(0), a), a],
    ['a - a', x.sub(a, a), x.int(0)],
    ['a * 1', x.mul(a, x.int(1)), a],
    ['a * 0', x.mul(a, x.int(0)), x.int(0)],
    ['a div 1', x.div(a, x.int(1)), a],
    ['a mod 1', x.mod(a, x.int(1)), x.int(0)],
    ['(a + 3) - 5', x.sub(x.add(a, x.int(3)), x.int(5)), x.add(a, x.int(-2))],
    ['3 <= a', x.le(x.int(3), a), x.ge(a, x.int(3))],
    ['not (a < b)', x.not(x.lt(a, b)), x.ge(a, b)],
    ['p and true', x.and(p, x.trueExpr), p],
    ['p or true', x.or(x.trueExpr, p), x.trueExpr],
    ['p == false', x.eq(p, x.falseExpr), x.not(p)],
    ['if p then true else false', x.select(p, x.trueExpr, x.falseExpr), p],
    ['if p then a else a', x.select(p, a, a), a],
    ['min(a, a)', x.min(a, a), a],
    ['f * 1.0', x.mul(f, x.float(1)), f],
    ['f - 0.0', x.sub(f, x.float(0)), f],
    ['an empty conjunction', x.all([]), x.trueExpr],
    ['an empty disjunction', x.any([]), x.falseExpr],
  ];
  test.each(cases)('%s', (_, e, simple) => {
    expect(sameExpr(e, simple), printExpr(e)).toBe(true);
  });

  test('not of a float order stays, because of NaN', () => {
    expect(x.not(x.lt(f, x.float(1))).kind).toBe('unary');
  });

  test('a float division by zero is not folded', () => {
    expect(x.divide(x.float(1), x.float(0)).kind).toBe('binary');
  });

  test('an int beside a float is converted', () => {
    expect(printExpr(x.add(a, f))).toBe('to_float(a) + f');
  });

  test('operands of a wrong type are refused as a bug', () => {
    expect(() => x.add(p, a)).toThrow('expr: add of bool, int');
    expect(() => x.mod(f, a)).toThrow('expr: mod of float, int');
    expect(() => x.select(a, a, a)).toThrow('select');
    expect(() => x.int(1.5)).toThrow('no int');
  });
});

test('a normalised tree has the value of the tree as written, in both evaluators', () => {
  const world = { constants: new Map<string, number>(), tensors };
  fc.assert(
    fc.property(rawExprs, environments, (raw, values) => {
      const normal = rebuilt(raw);
      expect(normal.type).toBe(raw.type);
      expect(countNodes(normal)).toBeLessThanOrEqual(countNodes(raw) * 2);
      const plain = compileExpr(raw, names, readerOf(tensors))(values);
      const folded = compileExpr(normal, names, () => 0, tensors)(values);
      const constants = new Map(names.map((name, i) => [name, values[i] ?? 0]));
      const defined = scalar(raw, { ...world, constants })({ b: 0, h: 0, q: 0, k: 0, s: 0 });
      const same = (u: number, v: number): boolean => u === v || (Number.isNaN(u) && Number.isNaN(v));
      expect(same(plain, folded), `${printExpr(raw)} is ${plain}, but ${printExpr(normal)} is ${folded}`).toBe(true);
      expect(same(plain, defined), `${printExpr(raw)}: closures ${plain}, dense ${defined}`).toBe(true);
    }),
    { numRuns: 6000, seed: 1 },
  );
});
