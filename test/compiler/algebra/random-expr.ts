/**
 * Random int and bool expressions of q, k, a scalar and a look-up, and their direct evaluation: what the tests of the algebra ask it
 * about. Small constants keep values near positions; a few large ones make sums wrap.
 */
import fc from 'fast-check';
import { launchRequirements } from '../../../compiler/algebra/launch-requirements.ts';
import * as x from '../../../compiler/expr/build.ts';
import { compileExpr, type HostTensor } from '../../../compiler/expr/evaluate.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { noSpan } from '../../../dsl/span.ts';

const q = x.ref('q', 'int');
const k = x.ref('k', 'int');
export const names: readonly string[] = ['q', 'k', 'w', 'n_q', 'n_k', 'q_first', 'q_last', 'k_first', 'k_last'];
export const length = 64;

/** Ids of `length` positions, with runs and repetitions. */
export const tensors: ReadonlyMap<string, HostTensor> = new Map([
  ['ids', { extents: [length], data: Int32Array.from({ length }, (_, i) => Math.floor(i / 5) % 7) }],
  ['flags', { extents: [length], data: Uint8Array.from({ length }, (_, i) => ((i * 7) % 5 < 2 ? 1 : 0)) }],
]);

const literal = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: -9, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(2147483647, -2147483648, 1 << 30) },
).map(x.int);

const { int, bool } = fc.letrec<{ int: Expr; bool: Expr }>((tie) => ({
  int: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 3, arbitrary: literal },
    { weight: 6, arbitrary: fc.constantFrom(q, k, x.ref('w', 'int')) },
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom('add', 'sub', 'mul', 'min', 'max'), tie('int'), tie('int')).map(([op, a, b]) => x.binary(op, a, b)) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom('div', 'mod'), tie('int'), fc.integer({ min: 1, max: 9 })).map(([op, a, d]) => x.binary(op, a, x.int(d))) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('div', 'mod', 'shl', 'shr'), tie('int'), tie('int')).map(([op, a, b]) => x.binary(op, a, b)) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('bit_and', 'bit_or', 'bit_xor'), tie('int'), tie('int')).map(([op, a, b]) => x.binary(op, a, b)) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('neg', 'abs', 'bit_not', 'bit_length', 'popcount', 'trailing_zeros'), tie('int')).map(([op, a]) => x.unary(op, a)) },
    { weight: 1, arbitrary: fc.tuple(tie('bool'), tie('int'), tie('int')).map(([c, a, b]) => x.select(c, a, b)) },
    { weight: 1, arbitrary: tie('int').map((a) => x.read('ids', 'int', [a])) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('min', 'max'), fc.integer({ min: 0, max: 4 }), tie('int')).map(([op, n, a]) => x.fold(op, 't', x.int(0), x.int(n), x.add(a, x.ref('t', 'int')))) },
  ),
  bool: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom('eq', 'ne', 'lt', 'le', 'gt', 'ge'), tie('int'), tie('int')).map(([op, a, b]) => x.binary(op, a, b)) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom('and', 'or', 'eq', 'ne'), tie('bool'), tie('bool')).map(([op, a, b]) => x.binary(op, a, b)) },
    { weight: 1, arbitrary: tie('bool').map(x.not) },
    { weight: 1, arbitrary: tie('int').map((a) => x.read('flags', 'bool', [a])) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('any', 'all'), tie('int'), tie('int')).map(([op, to, a]) => x.fold(op, 't', x.int(0), x.min(to, x.int(6)), x.le(x.add(x.ref('t', 'int'), a), q))) },
  ),
}));

export const ints: fc.Arbitrary<Expr> = int.filter((e) => e.type === 'int');
export const bools: fc.Arbitrary<Expr> = bool;

export interface Tile {
  readonly qFirst: number;
  readonly qLast: number;
  readonly kFirst: number;
  readonly kLast: number;
}

/** Tiles of one to sixteen rows and keys; some rows stand before the first key. */
export const tiles: fc.Arbitrary<Tile> = fc
  .tuple(fc.integer({ min: -8, max: length - 1 }), fc.nat(15), fc.integer({ min: 0, max: length - 1 }), fc.nat(15))
  .map(([a, m, b, n]) => ({ qFirst: a, qLast: Math.min(length - 1, a + m), kFirst: b, kLast: Math.min(length - 1, b + n) }));

/** Runs an expression for the pairs of a tile, or for the tile (then q and k mean nothing). */
export function runner(e: Expr, w: number, tile: Tile): (q: number, k: number) => number {
  const run = compileExpr(e, names, undefined, tensors);
  return (qAt, kAt) => run([qAt, kAt, w, length, length, tile.qFirst, tile.qLast, tile.kFirst, tile.kLast]);
}

/** Every pair of a tile. */
export function* pairs(tile: Tile): Iterable<readonly [number, number]> {
  for (let a = tile.qFirst; a <= tile.qLast; a += 1) for (let b = tile.kFirst; b <= tile.kLast; b += 1) yield [a, b];
}

/** Whether a launch with this scalar meets what the algebra requires of arithmetic on launch scalars. */
export function accepted(e: Expr, w: number): boolean {
  const body = e.type === 'bool' ? e : x.eq(e, x.int(0));
  const tile: Tile = { qFirst: 0, qLast: 0, kFirst: 0, kLast: 0 };
  return launchRequirements({ kind: 'predicate', body, span: noSpan }).every((r) => runner(r.condition, w, tile)(0, 0) !== 0);
}
