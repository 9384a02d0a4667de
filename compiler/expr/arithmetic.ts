/**
 * The arithmetic of expressions on plain numbers: one function per operator, exactly as ir.ts states it.
 * In: values already in their type's range (int32, 0 or 1, float64). Out: the same. Total: nothing throws.
 * Shared by the folding constructors and the closure evaluator; the dense interpreter has its own, on purpose.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { BinaryOp, FoldOp, ScalarType, UnaryOp } from './ir.ts';

export const intMin = -2147483648;
export const intMax = 2147483647;

export function floorDiv(a: number, b: number): number {
  // Exact: both are int32, so a quotient is at least 2^-31 away from an integer it does not equal.
  return b < 1 ? 0 : Math.floor(a / b);
}

export function floorMod(a: number, b: number): number {
  if (b < 1) return 0;
  const r = a % b;
  return r < 0 ? r + b : r + 0;
}

export function bitLength(a: number): number {
  return 32 - Math.clz32(a);
}

export function popcount(a: number): number {
  let v = a | 0;
  v = v - ((v >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  v = (v + (v >>> 4)) & 0x0f0f0f0f;
  return Math.imul(v, 0x01010101) >>> 24;
}

export function trailingZeros(a: number): number {
  return a === 0 ? 32 : 31 - Math.clz32(a & -a);
}

/** Floor, saturated to the int range; NaN gives 0. */
export function floorToInt(a: number): number {
  if (Number.isNaN(a)) return 0;
  return Math.max(intMin, Math.min(intMax, Math.floor(a))) + 0;
}

/** `type` is the type of the argument. */
export function applyUnary(op: UnaryOp, type: ScalarType, a: number): number {
  switch (op) {
    case 'neg':
      return type === 'int' ? -a | 0 : -a;
    case 'abs':
      return type === 'int' ? Math.abs(a) | 0 : Math.abs(a);
    case 'not':
      return a === 0 ? 1 : 0;
    case 'bit_not':
      return ~a;
    case 'bit_length':
      return bitLength(a);
    case 'popcount':
      return popcount(a);
    case 'trailing_zeros':
      return trailingZeros(a);
    case 'to_float':
      return a;
    case 'floor_to_int':
      return floorToInt(a);
    case 'exp':
      return Math.exp(a);
    case 'log':
      return Math.log(a);
    case 'tanh':
      return Math.tanh(a);
    case 'sqrt':
      return Math.sqrt(a);
    case 'rsqrt':
      return 1 / Math.sqrt(a);
    default:
      return unreachable(op);
  }
}

/** `type` is the common type of the operands. */
export function applyBinary(op: BinaryOp, type: ScalarType, a: number, b: number): number {
  switch (op) {
    case 'add':
      return type === 'int' ? (a + b) | 0 : a + b;
    case 'sub':
      return type === 'int' ? (a - b) | 0 : a - b;
    case 'mul':
      return type === 'int' ? Math.imul(a, b) : a * b;
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    case 'div':
      return floorDiv(a, b);
    case 'mod':
      return floorMod(a, b);
    case 'divide':
      return a / b;
    case 'bit_and':
      return a & b;
    case 'bit_or':
      return a | b;
    case 'bit_xor':
      return a ^ b;
    case 'shl':
      return a << (b & 31);
    case 'shr':
      return a >> (b & 31);
    case 'and':
      return a !== 0 && b !== 0 ? 1 : 0;
    case 'or':
      return a !== 0 || b !== 0 ? 1 : 0;
    case 'eq':
      return a === b ? 1 : 0;
    case 'ne':
      return a !== b ? 1 : 0;
    case 'lt':
      return a < b ? 1 : 0;
    case 'le':
      return a <= b ? 1 : 0;
    case 'gt':
      return a > b ? 1 : 0;
    case 'ge':
      return a >= b ? 1 : 0;
    default:
      return unreachable(op);
  }
}

/** The largest f32: what an empty float `min` gives, and negated an empty float `max`. */
export const floatMax = (2 - 2 ** -23) * 2 ** 127;

/** What a fold of this type over an empty range gives; also the neutral element of its step. */
export function foldIdentity(op: FoldOp, type: ScalarType): number {
  switch (op) {
    case 'any':
    case 'sum':
    case 'bit_or':
      return 0;
    case 'all':
      return 1;
    case 'min':
      return type === 'float' ? floatMax : intMax;
    case 'max':
      return type === 'float' ? -floatMax : intMin;
    default:
      return unreachable(op);
  }
}
