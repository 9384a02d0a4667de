/**
 * Random expressions for the tests of this folder, in two forms of one tree: raw nodes, exactly as drawn, and the same
 * tree through the normalising constructors. Both must have the same value everywhere.
 */
import fc from 'fast-check';
import * as build from '../../../compiler/expr/build.ts';
import { mapChildren } from '../../../compiler/expr/traverse.ts';
import type { BinaryOp, Expr, FoldOp, ScalarType, UnaryOp } from '../../../compiler/expr/ir.ts';

export const names = ['x', 'y', 'z', 'f', 'g', 'c'] as const;

/** Values in the order of `names`: three ints, two floats, one bool. */
export const environments: fc.Arbitrary<readonly number[]> = fc.tuple(
  ints(), ints(), ints(), floats(), floats(), fc.constantFrom(0, 1),
);

export function ints(): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -9, max: 9 }) },
    { weight: 1, arbitrary: fc.constantFrom(-2147483648, 2147483647, -2147483647, 31, 32, 33, 63, -32) },
    { weight: 1, arbitrary: fc.integer() },
  );
}

function floats(): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(0, -0, 1, -1, 0.5, 2), fc.integer({ min: -64, max: 64 }).map((n) => n / 8));
}

const intBinary: readonly BinaryOp[] = [
  'add', 'sub', 'mul', 'min', 'max', 'div', 'mod', 'bit_and', 'bit_or', 'bit_xor', 'shl', 'shr',
];
const floatBinary: readonly BinaryOp[] = ['add', 'sub', 'mul', 'min', 'max', 'divide'];
const comparisons: readonly BinaryOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const intUnary: readonly UnaryOp[] = ['neg', 'abs', 'bit_not', 'bit_length', 'popcount', 'trailing_zeros'];
const floatUnary: readonly UnaryOp[] = ['neg', 'abs', 'exp', 'tanh', 'sqrt', 'rsqrt', 'log'];

function node2(op: BinaryOp, type: ScalarType) {
  return ([left, right]: readonly [Expr, Expr]): Expr => ({ kind: 'binary', type, op, left, right });
}

function selects(type: ScalarType, cond: fc.Arbitrary<Expr>, arm: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> {
  return fc.tuple(cond, arm, arm).map(([c, then, otherwise]) => ({ kind: 'select', type, cond: c, then, otherwise }));
}

function folds(op: FoldOp, type: ScalarType, body: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> {
  const bound = fc.integer({ min: -3, max: 5 }).map((v): Expr => ({ kind: 'literal', type: 'int', value: v }));
  return fc.tuple(fc.constantFrom('x', 't'), bound, bound, body).map(([local, from, to, b]) => ({ kind: 'fold', type, op, local, from, to, body: b }));
}

const grown = fc.letrec<{ int: Expr; float: Expr; bool: Expr }>((tie) => ({
  int: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    ints().map((value): Expr => ({ kind: 'literal', type: 'int', value })),
    fc.constantFrom('x', 'y', 'z').map((name): Expr => ({ kind: 'ref', type: 'int', name })),
    ...intBinary.map((op) => fc.tuple(tie('int'), tie('int')).map(node2(op, 'int'))),
    ...intUnary.map((op) => tie('int').map((arg): Expr => ({ kind: 'unary', type: 'int', op, arg }))),
    tie('float').map((arg): Expr => ({ kind: 'unary', type: 'int', op: 'floor_to_int', arg })),
    selects('int', tie('bool'), tie('int')),
    ...(['sum', 'min', 'max', 'bit_or'] as const).map((op) => folds(op, 'int', tie('int'))),
    tie('int').map((i): Expr => ({ kind: 'read', type: 'int', tensor: 'table', indices: [i] })),
    fc.tuple(tie('int'), tie('int')).map(([i, j]): Expr => ({ kind: 'read', type: 'int', tensor: 'grid', indices: [i, j] })),
  ),
  float: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    floats().map((value): Expr => ({ kind: 'literal', type: 'float', value })),
    fc.constantFrom('f', 'g').map((name): Expr => ({ kind: 'ref', type: 'float', name })),
    ...floatBinary.map((op) => fc.tuple(tie('float'), tie('float')).map(node2(op, 'float'))),
    ...floatUnary.map((op) => tie('float').map((arg): Expr => ({ kind: 'unary', type: 'float', op, arg }))),
    tie('int').map((arg): Expr => ({ kind: 'unary', type: 'float', op: 'to_float', arg })),
    selects('float', tie('bool'), tie('float')),
  ),
  bool: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(0, 1).map((value): Expr => ({ kind: 'literal', type: 'bool', value })),
    fc.constant<Expr>({ kind: 'ref', type: 'bool', name: 'c' }),
    ...comparisons.map((op) => fc.tuple(tie('int'), tie('int')).map(node2(op, 'bool'))),
    ...comparisons.map((op) => fc.tuple(tie('float'), tie('float')).map(node2(op, 'bool'))),
    ...(['and', 'or', 'eq', 'ne'] as const).map((op) => fc.tuple(tie('bool'), tie('bool')).map(node2(op, 'bool'))),
    tie('bool').map((arg): Expr => ({ kind: 'unary', type: 'bool', op: 'not', arg })),
    selects('bool', tie('bool'), tie('bool')),
    folds('any', 'bool', tie('bool')),
    folds('all', 'bool', tie('bool')),
  ),
}));

/** Raw trees of every type, over `names` and the int tensors `table` [5] and `grid` [3, 4]. */
export const rawExprs: fc.Arbitrary<Expr> = fc.oneof(grown.int, grown.float, grown.bool);

export const tensors = new Map([
  ['table', { extents: [5], data: Int32Array.of(7, -1, 0, 3, 12) }],
  ['grid', { extents: [3, 4], data: Int32Array.from({ length: 12 }, (_, i) => (i * 7) % 5) }],
]);

/** The same tree through the constructors. */
export function rebuilt(e: Expr): Expr {
  switch (e.kind) {
    case 'unary':
      return build.unary(e.op, rebuilt(e.arg));
    case 'binary':
      return build.binary(e.op, rebuilt(e.left), rebuilt(e.right));
    case 'select':
      return build.select(rebuilt(e.cond), rebuilt(e.then), rebuilt(e.otherwise));
    case 'fold':
      return build.fold(e.op, e.local, rebuilt(e.from), rebuilt(e.to), rebuilt(e.body));
    default:
      return mapChildren(e, rebuilt);
  }
}
