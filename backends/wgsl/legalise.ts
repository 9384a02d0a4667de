/**
 * Makes a kernel program one that WGSL accepts. In: any verified kernel program. Out: one with the same meaning in which no
 * operator has only literals as operands (WGSL refuses constant expressions that overflow, divide by zero, or are not
 * finite, where the IR wraps or rounds), shift counts and shuffle lanes are u32, and tanh sees no argument beyond +-15
 * (drivers compute it as a quotient of exponentials, which overflow; tanh(15) is 1 in f32).
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import type { KernelBinary, KernelExpr, KernelProgram, KernelUnary } from '../../compiler/kernel/ir.ts';
import { mapProgram } from '../../compiler/kernel/walk.ts';

type Literal = Extract<KernelExpr, { kind: 'literal' }>;
type Scalar = Literal['type'];

function literal(type: Scalar, value: number): Literal {
  switch (type) {
    case 'bool':
      return { kind: 'literal', type, value: value !== 0 ? 1 : 0 };
    case 'i32':
      return { kind: 'literal', type, value: value | 0 };
    case 'u32':
      return { kind: 'literal', type, value: value >>> 0 };
    case 'f32':
      return { kind: 'literal', type, value: Math.fround(value) };
    default:
      return unreachable(type);
  }
}

const word = new DataView(new ArrayBuffer(4));

function bitsOf(value: Literal): number {
  if (value.type !== 'f32') return value.value | 0;
  word.setFloat32(0, value.value);
  return word.getInt32(0);
}

function floatOf(bits: number): number {
  word.setInt32(0, bits);
  return word.getFloat32(0);
}

/** Conversion of f32 to an integer truncates and saturates; NaN gives 0 here and on most machines. */
function saturate(value: number, low: number, high: number): number {
  return Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, low), high));
}

function foldUnary(op: KernelUnary, arg: Literal): Literal | undefined {
  const { type, value } = arg;
  switch (op) {
    case 'neg':
      return literal(type, -value);
    case 'not':
      return literal('bool', value === 0 ? 1 : 0);
    case 'bit_not':
      return literal(type, ~value);
    case 'abs':
      return literal(type, Math.abs(value));
    case 'exp':
      return literal('f32', Math.exp(value));
    case 'log':
      return literal('f32', Math.log(value));
    case 'tanh':
      return literal('f32', Math.tanh(value));
    case 'sqrt':
      return literal('f32', Math.sqrt(value));
    case 'rsqrt':
      return literal('f32', 1 / Math.sqrt(value));
    case 'floor':
      return literal('f32', Math.floor(value));
    case 'bit_length':
      return literal(type, 32 - Math.clz32(value));
    case 'popcount': {
      let count = 0;
      for (let rest = value >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count += 1;
      return literal(type, count);
    }
    case 'trailing_zeros':
      return literal(type, (value | 0) === 0 ? 32 : 31 - Math.clz32(value & -value));
    case 'to_i32':
      return literal('i32', type === 'f32' ? saturate(value, -2147483648, 2147483647) : value);
    case 'to_u32':
      return literal('u32', type === 'f32' ? saturate(value, 0, 4294967295) : value);
    case 'to_f32':
      return literal('f32', value);
    case 'bitcast_i32':
      return literal('i32', bitsOf(arg));
    case 'bitcast_u32':
      return literal('u32', bitsOf(arg));
    case 'bitcast_f32':
      return literal('f32', floatOf(bitsOf(arg)));
    case 'splat':
    case 'unpack_half4':
    case 'pack_half4':
    case 'unpack_half_low':
    case 'unpack_half_high':
    case 'unpack_bfloat4':
    case 'pack_bfloat4':
    case 'unpack_bfloat_low':
    case 'unpack_bfloat_high':
    case 'round_tf32':
      return undefined;
    default:
      return unreachable(op);
  }
}

function foldBinary(op: KernelBinary, left: Literal, right: Literal): Literal | undefined {
  const { type, value: a } = left;
  const b = right.value;
  const float = type === 'f32';
  switch (op) {
    case 'add':
      return literal(type, a + b);
    case 'sub':
      return literal(type, a - b);
    case 'mul':
      return literal(type, float ? a * b : Math.imul(a, b));
    case 'div':
      if (float) return literal(type, a / b);
      return literal(type, b === 0 ? a : Math.trunc(a / b));
    case 'mod':
      if (float) return literal(type, a % b);
      return literal(type, b === 0 ? 0 : a % b);
    case 'min':
      return literal(type, Math.min(a, b));
    case 'max':
      return literal(type, Math.max(a, b));
    case 'bit_and':
      return literal(type, a & b);
    case 'bit_or':
      return literal(type, a | b);
    case 'bit_xor':
      return literal(type, a ^ b);
    case 'shl':
      return literal(type, a << (b & 31));
    case 'shr':
      return literal(type, type === 'u32' ? (a >>> 0) >>> (b & 31) : a >> (b & 31));
    case 'and':
      return literal('bool', a !== 0 && b !== 0 ? 1 : 0);
    case 'or':
      return literal('bool', a !== 0 || b !== 0 ? 1 : 0);
    case 'eq':
      return literal('bool', a === b ? 1 : 0);
    case 'ne':
      return literal('bool', a !== b ? 1 : 0);
    case 'lt':
      return literal('bool', a < b ? 1 : 0);
    case 'le':
      return literal('bool', a <= b ? 1 : 0);
    case 'gt':
      return literal('bool', a > b ? 1 : 0);
    case 'ge':
      return literal('bool', a >= b ? 1 : 0);
    case 'dot':
    case 'pack_half2':
    case 'pack_bfloat2':
      return undefined;
    default:
      return unreachable(op);
  }
}

/** A count or lane as u32. */
function unsigned(expr: KernelExpr): KernelExpr {
  if (expr.type === 'u32') return expr;
  if (expr.kind === 'literal') return literal('u32', expr.value);
  return { kind: 'unary', type: 'u32', op: 'to_u32', arg: expr };
}

const tanhLimit = 15;

function clampTanh(arg: KernelExpr): KernelExpr {
  const bound = (value: number): KernelExpr => {
    const scalar = literal('f32', value);
    return arg.type === 'vec4f' ? { kind: 'unary', type: 'vec4f', op: 'splat', arg: scalar } : scalar;
  };
  const below: KernelExpr = { kind: 'binary', type: arg.type, op: 'min', left: arg, right: bound(tanhLimit) };
  return { kind: 'binary', type: arg.type, op: 'max', left: below, right: bound(-tanhLimit) };
}

function isLiteral(expr: KernelExpr): expr is Literal {
  return expr.kind === 'literal';
}

function legal(expr: KernelExpr): KernelExpr {
  switch (expr.kind) {
    case 'literal':
      return literal(expr.type, expr.value);
    case 'unary':
      if (expr.op === 'round_tf32') throw new CompilerBug('print', 'WGSL rounds to no 11 digits');
      if (isLiteral(expr.arg)) return foldUnary(expr.op, expr.arg) ?? expr;
      return expr.op === 'tanh' ? { ...expr, arg: clampTanh(expr.arg) } : expr;
    case 'binary': {
      if (isLiteral(expr.left) && isLiteral(expr.right)) return foldBinary(expr.op, expr.left, expr.right) ?? expr;
      // For readers: x + -1 is x - 1.
      if (expr.op === 'add' && isLiteral(expr.right) && expr.right.value < 0 && expr.right.value !== -2147483648) {
        return { ...expr, op: 'sub', right: { ...expr.right, value: -expr.right.value } };
      }
      if (expr.op === 'shl' || expr.op === 'shr') return { ...expr, right: unsigned(expr.right) };
      // x / 0 and x mod 0 are x and 0 at run time, but an error where the zero is written out.
      if (isLiteral(expr.right) && expr.right.value === 0 && expr.right.type !== 'f32') {
        if (expr.op === 'div') return expr.left;
        if (expr.op === 'mod') return expr.right;
      }
      return expr;
    }
    case 'fma':
      if (isLiteral(expr.a) && isLiteral(expr.b) && isLiteral(expr.c)) {
        return literal('f32', expr.a.value * expr.b.value + expr.c.value);
      }
      return expr;
    case 'select':
      return isLiteral(expr.cond) ? (expr.cond.value !== 0 ? expr.then : expr.otherwise) : expr;
    case 'shuffle':
      return { ...expr, from: unsigned(expr.from) };
    case 'ref':
    case 'builtin':
    case 'vec4':
    case 'extract':
    case 'load':
    case 'load_shared':
    case 'load_array':
    case 'shuffle_xor':
    case 'subgroup':
      return expr;
    default:
      return unreachable(expr);
  }
}

/** The program in the form the WGSL printer takes. */
export function legaliseForWgsl(program: KernelProgram): KernelProgram {
  const narrow = program.storage.find((s) => s.element === 'bf16');
  if (narrow !== undefined) throw new CompilerBug('print', `WGSL has no elements of bf16 for '${narrow.name}'`);
  return mapProgram(program, legal);
}
