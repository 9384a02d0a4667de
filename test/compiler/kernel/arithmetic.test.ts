/** Scalar arithmetic of expressions in kernels: floor division, shifts, conversions, folds and guarded reads, bit for bit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { swiftshader } from '../../../backends/targets.ts';
import { add, binary, element, fold, float, int, lt, mul, read, ref, select, toFloat, unary } from '../../../compiler/expr/build.ts';
import type { BinaryOp, Expr, UnaryOp } from '../../../compiler/expr/ir.ts';
import type { TileProgram } from '../../../compiler/tile/ir.ts';
import { runBoth, worstDifference } from './both.ts';
import { b, i, origin, row, rowsSchedule } from './programs.ts';

const rows = 8;
const column = { rows, cols: 1 };

/** out[row] = value, over inputs x and y (one element a row) and the launch scalars s and t. */
function elementwise(value: Expr, outElement: 'int' | 'f32'): TileProgram {
  return {
    name: 'elementwise', summary: 'one value a row', origin,
    grid: [{ name: 'tile', extent: int(1) }],
    scalars: [{ name: 's', type: 'int' }, { name: 't', type: 'int' }, { name: 'length', type: 'int' }],
    buffers: [
      { name: 'x', element: 'int', access: 'read', extents: [int(rows)] },
      { name: 'y', element: 'int', access: 'read', extents: [int(rows)] },
      { name: 'table', element: 'int', access: 'read', extents: [int(2), i('length')] },
      { name: 'out', element: outElement, access: 'write', extents: [int(rows)] },
    ],
    body: [
      b.tile('a', 'int', column, read('x', 'int', [row])),
      b.tile('b', 'int', column, read('y', 'int', [row])),
      b.tile('result', value.type, column, value),
      b.store('out', column, [row], element('result', value.type)),
    ],
  };
}

const a = element('a', 'int');
const c = element('b', 'int');
const schedule = rowsSchedule({ lanes: 4, rowsPerLane: 2 });

function check(value: Expr, x: readonly number[], y: readonly number[], s = 3, t = -2): void {
  const program = elementwise(value, value.type === 'float' ? 'f32' : 'int');
  const ran = runBoth(program, schedule, swiftshader, 4, {
    values: new Map([['s', s], ['t', t], ['length', 5]]),
    inputs: new Map([['x', x], ['y', y], ['table', [4, 1, -7, 2147483647, 9, 3, 0, 5, 6, -2]]]),
  });
  expect(ran.problems).toEqual([]);
  expect(worstDifference(ran)).toBe(0);
}

const edge = fc.oneof(fc.constantFrom(0, 1, -1, 2, 3, 31, 32, 33, -32, 2147483647, -2147483648, 65536), fc.integer());
const column8 = fc.array(edge, { minLength: rows, maxLength: rows });
const settings = { seed: 71, numRuns: 15 };

describe('int arithmetic', () => {
  const binaries: readonly BinaryOp[] = ['add', 'sub', 'mul', 'min', 'max', 'div', 'mod', 'bit_and', 'bit_or', 'bit_xor', 'shl', 'shr'];
  for (const op of binaries) {
    it(`computes ${op} of any two values as the definition says`, () => {
      fc.assert(fc.property(column8, column8, (x, y) => check(binary(op, a, c), x, y)), settings);
    });
    it(`computes ${op} by a launch scalar and by literals as the definition says`, () => {
      fc.assert(fc.property(column8, edge, edge, (x, s, literal) => {
        check(binary(op, a, i('s')), x, x, s);
        check(binary(op, a, int(literal)), x, x);
        check(binary(op, int(literal), a), x, x);
      }), settings);
    });
    it(`computes ${op} of a row number, whose range is known`, () => {
      fc.assert(fc.property(edge, column8, (literal, x) => {
        check(binary(op, mul(row, int(7)), int(literal)), x, x);
        check(binary(op, row, a), x, x);
      }), settings);
    });
  }
  const unaries: readonly UnaryOp[] = ['neg', 'abs', 'bit_not', 'bit_length', 'popcount', 'trailing_zeros'];
  for (const op of unaries) {
    it(`computes ${op} as the definition says`, () => {
      fc.assert(fc.property(column8, (x) => check(unary(op, a), x, x)), settings);
    });
  }
  it('saturates floor_to_int and floors toward minus infinity', () => {
    const wide = mul(toFloat(a), float(3));
    // Values that f32 holds exactly, so that float64 and f32 agree on every step.
    const x = [0, 1, -1, 2 ** 30, -(2 ** 31), 100, -101, 2 ** 29];
    check(unary('floor_to_int', mul(wide, float(0.125))), x, x);
    check(unary('floor_to_int', wide), x, x);
  });
});

describe('comparisons, selects and folds', () => {
  it('evaluates bool selects without branching', () => {
    fc.assert(fc.property(column8, column8, (x, y) => {
      check(select(select(lt(a, c), lt(a, int(0)), lt(int(5), c)), add(a, int(1)), c), x, y);
    }), settings);
  });
  for (const op of ['any', 'all', 'sum', 'min', 'max', 'bit_or'] as const) {
    it(`runs fold ${op} with bounds that differ by lane, empty ranges included`, () => {
      const body = op === 'any' || op === 'all' ? lt(mul(ref('j', 'int'), int(3)), c) : mul(ref('j', 'int'), c);
      const value = fold(op, 'j', binary('bit_and', a, int(7)), binary('bit_and', c, int(15)), body);
      const asInt = value.type === 'bool' ? select(value, int(1), int(0)) : value;
      fc.assert(fc.property(column8, column8, (x, y) => check(asInt, x, y)), settings);
    });
  }
  it('runs a fold inside a fold', () => {
    const inner = fold('sum', 'k', int(0), ref('j', 'int'), add(ref('k', 'int'), a));
    fc.assert(fc.property(column8, (x) => check(fold('max', 'j', int(0), int(4), inner), x, x)), settings);
  });
});

describe('reads', () => {
  it('give 0 outside the buffer, on each axis', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -3, max: 7 }), { minLength: rows, maxLength: rows }), fc.array(fc.integer({ min: -3, max: 4 }), { minLength: rows, maxLength: rows }), (x, y) => {
      check(read('table', 'int', [c, a]), x, y);
      check(read('table', 'int', [a]), x.map((v) => v * 2), y);
      check(read('table', 'int', [int(1), a]), x, y);
    }), settings);
  });
  it('give 0 for indices at the ends of the int range', () => {
    check(read('table', 'int', [a, c]), [0, 1, -2147483648, 2147483647, 1, 0, 2, -1], [2147483647, -2147483648, 0, 0, 4, 5, 0, 0]);
  });
});
