/**
 * Constructors of kernel expressions. In: operands. Out: a typed expression; constants of i32 and bool are folded and neutral
 * elements dropped, with exactly the meaning ir.ts states. Floats are left alone, apart from a factor that is 1.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { KernelBinary, KernelExpr, KernelType, KernelUnary } from './ir.ts';

export const i32 = (value: number): KernelExpr => ({ kind: 'literal', type: 'i32', value: value | 0 });
export const u32 = (value: number): KernelExpr => ({ kind: 'literal', type: 'u32', value: value >>> 0 });
export const f32 = (value: number): KernelExpr => ({ kind: 'literal', type: 'f32', value });
export const boolean = (value: boolean): KernelExpr => ({ kind: 'literal', type: 'bool', value: value ? 1 : 0 });
export const lane: KernelExpr = { kind: 'builtin', type: 'i32', name: 'lane' };
export const subgroupLane: KernelExpr = { kind: 'builtin', type: 'i32', name: 'subgroup_lane' };

export const refer = (name: string, type: KernelType): KernelExpr & { readonly kind: 'ref' } => ({ kind: 'ref', type, name });

export function zeroOf(type: KernelType): KernelExpr {
  switch (type) {
    case 'bool':
      return boolean(false);
    case 'i32':
      return i32(0);
    case 'u32':
      return u32(0);
    case 'f32':
      return f32(0);
    case 'vec4f':
      return un('splat', f32(0));
    case 'vec2u':
      throw new CompilerBug('kernel', 'no zero of vec2u');
  }
}

function literalValue(e: KernelExpr): number | undefined {
  return e.kind === 'literal' ? e.value : undefined;
}

/** The value of an i32 literal. */
export function intValue(e: KernelExpr): number | undefined {
  return e.kind === 'literal' && e.type === 'i32' ? e.value : undefined;
}

function unaryType(op: KernelUnary, arg: KernelExpr): KernelType {
  switch (op) {
    case 'to_i32':
    case 'bitcast_i32':
      return 'i32';
    case 'to_u32':
    case 'bitcast_u32':
    case 'round_tf32':
      return 'u32';
    case 'to_f32':
    case 'bitcast_f32':
    case 'unpack_half_low':
    case 'unpack_half_high':
    case 'unpack_bfloat_low':
    case 'unpack_bfloat_high':
      return 'f32';
    case 'splat':
    case 'unpack_half4':
    case 'unpack_bfloat4':
      return 'vec4f';
    case 'pack_half4':
    case 'pack_bfloat4':
      return 'vec2u';
    default:
      return arg.type;
  }
}

export function un(op: KernelUnary, arg: KernelExpr): KernelExpr {
  if (arg.kind === 'literal') {
    if (op === 'not') return boolean(arg.value === 0);
    if (op === 'to_f32' && arg.type === 'i32' && Math.abs(arg.value) <= 16777216) return f32(arg.value);
    if (op === 'neg' && arg.type === 'i32') return i32(-arg.value);
    if (op === 'neg' && arg.type === 'f32') return f32(-arg.value);
  }
  if (op === 'not' && arg.kind === 'unary' && arg.op === 'not') return arg.arg;
  return { kind: 'unary', type: unaryType(op, arg), op, arg };
}

function binaryType(op: KernelBinary, left: KernelExpr, right: KernelExpr): KernelType {
  switch (op) {
    case 'and':
    case 'or':
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return 'bool';
    case 'dot':
      return 'f32';
    case 'pack_half2':
    case 'pack_bfloat2':
      return 'u32';
    default:
      return left.type === 'vec4f' ? 'vec4f' : right.type;
  }
}

function foldInt(op: KernelBinary, a: number, b: number): KernelExpr | undefined {
  switch (op) {
    case 'add':
      return i32(a + b);
    case 'sub':
      return i32(a - b);
    case 'mul':
      return i32(Math.imul(a, b));
    case 'div':
      return b === 0 || (b === -1 && a === -2147483648) ? undefined : i32(Math.trunc(a / b));
    case 'mod':
      return b === 0 ? undefined : i32(a % b);
    case 'min':
      return i32(Math.min(a, b));
    case 'max':
      return i32(Math.max(a, b));
    case 'bit_and':
      return i32(a & b);
    case 'bit_or':
      return i32(a | b);
    case 'bit_xor':
      return i32(a ^ b);
    case 'shl':
      return i32(a << (b & 31));
    case 'shr':
      return i32(a >> (b & 31));
    case 'eq':
      return boolean(a === b);
    case 'ne':
      return boolean(a !== b);
    case 'lt':
      return boolean(a < b);
    case 'le':
      return boolean(a <= b);
    case 'gt':
      return boolean(a > b);
    case 'ge':
      return boolean(a >= b);
    default:
      return undefined;
  }
}

function simplify(op: KernelBinary, left: KernelExpr, right: KernelExpr): KernelExpr | undefined {
  const a = literalValue(left);
  const b = literalValue(right);
  if (left.type === 'i32' && right.type === 'i32') {
    if (a !== undefined && b !== undefined) return foldInt(op, a, b);
    if (b === 0 && (op === 'add' || op === 'sub' || op === 'bit_or' || op === 'bit_xor' || op === 'shl' || op === 'shr')) return left;
    if (a === 0 && (op === 'add' || op === 'bit_or' || op === 'bit_xor')) return right;
    if ((op === 'mul' || op === 'bit_and') && (a === 0 || b === 0)) return i32(0);
    if ((op === 'mul' || op === 'div') && b === 1) return left;
    if (op === 'mul' && a === 1) return right;
    if (op === 'mod' && b === 1) return i32(0);
    if (op === 'bit_and' && b === -1) return left;
  }
  if (op === 'and') {
    if (a !== undefined) return a !== 0 ? right : left;
    if (b !== undefined) return b !== 0 ? left : right;
  }
  if (op === 'or') {
    if (a !== undefined) return a !== 0 ? left : right;
    if (b !== undefined) return b !== 0 ? right : left;
  }
  if (op === 'mul' && right.type === 'f32' && b === 1) return left;
  return undefined;
}

function sameName(a: KernelExpr, b: KernelExpr): boolean {
  return a.kind === 'ref' && b.kind === 'ref' && a.name === b.name;
}

export function bin(op: KernelBinary, left: KernelExpr, right: KernelExpr): KernelExpr {
  if ((op === 'and' || op === 'or') && sameName(left, right)) return left;
  return simplify(op, left, right) ?? { kind: 'binary', type: binaryType(op, left, right), op, left, right };
}

export function pick(cond: KernelExpr, then: KernelExpr, otherwise: KernelExpr): KernelExpr {
  if (cond.kind === 'literal') return cond.value !== 0 ? then : otherwise;
  return { kind: 'select', type: then.type, cond, then, otherwise };
}

export function fma(a: KernelExpr, b: KernelExpr, c: KernelExpr): KernelExpr {
  return { kind: 'fma', type: c.type === 'vec4f' ? 'vec4f' : 'f32', a, b, c };
}

export function extract(vector: KernelExpr, part: 0 | 1 | 2 | 3): KernelExpr {
  if (vector.kind === 'unary' && vector.op === 'splat') return vector.arg;
  if (vector.kind === 'vec4') return vector.parts[part];
  return { kind: 'extract', type: vector.type === 'vec2u' ? 'u32' : 'f32', vector, part };
}

export function vec4(parts: readonly [KernelExpr, KernelExpr, KernelExpr, KernelExpr]): KernelExpr {
  return { kind: 'vec4', type: 'vec4f', parts };
}

/** The parts of a vec4 in order. */
export const parts = [0, 1, 2, 3] as const;

/** a and b and ...; empty: true. */
export function conjunction(list: readonly KernelExpr[]): KernelExpr {
  return list.reduce((x, y) => bin('and', x, y), boolean(true));
}
