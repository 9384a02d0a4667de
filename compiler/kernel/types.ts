/**
 * Types of kernel expressions: what an operator gives for operands of given types. In: an expression whose operands are well typed. Out:
 * its type, or undefined where the operator does not take such operands.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { KernelBinary, KernelExpr, KernelType, KernelUnary, StorageElement } from './ir.ts';

/** The type that a load from storage of this element has; undefined: it is copied only. */
export function storedType(element: StorageElement): KernelType | undefined {
  switch (element) {
    case 'f32':
    case 'f16':
    case 'bf16':
      return 'f32';
    case 'vec4f':
    case 'vec4h':
      return 'vec4f';
    case 'i32':
    case 'u32':
    case 'vec2u':
      return element;
    case 'vec4u':
      return undefined;
    default:
      return unreachable(element);
  }
}

function when(fits: boolean, type: KernelType): KernelType | undefined {
  return fits ? type : undefined;
}

export function unaryType(op: KernelUnary, arg: KernelType): KernelType | undefined {
  const float = arg === 'f32' || arg === 'vec4f';
  switch (op) {
    case 'neg':
    case 'abs':
      return when(float || arg === 'i32', arg);
    case 'not':
      return when(arg === 'bool', 'bool');
    case 'bit_not':
      return when(arg === 'i32' || arg === 'u32', arg);
    case 'exp':
    case 'log':
    case 'tanh':
    case 'sqrt':
    case 'rsqrt':
    case 'floor':
      return when(float, arg);
    case 'bit_length':
    case 'popcount':
    case 'trailing_zeros':
      return when(arg === 'i32', 'i32');
    case 'to_i32':
      return when(arg === 'f32' || arg === 'u32' || arg === 'bool', 'i32');
    case 'to_u32':
      return when(arg === 'f32' || arg === 'i32' || arg === 'bool', 'u32');
    case 'to_f32':
      return when(arg === 'i32' || arg === 'u32' || arg === 'bool', 'f32');
    case 'bitcast_i32':
      return when(arg === 'f32' || arg === 'u32', 'i32');
    case 'bitcast_u32':
      return when(arg === 'f32' || arg === 'i32', 'u32');
    case 'bitcast_f32':
      return when(arg === 'i32' || arg === 'u32', 'f32');
    case 'splat':
      return when(arg === 'f32', 'vec4f');
    case 'unpack_half4':
    case 'unpack_bfloat4':
      return when(arg === 'vec2u', 'vec4f');
    case 'pack_half4':
    case 'pack_bfloat4':
      return when(arg === 'vec4f', 'vec2u');
    case 'unpack_half_low':
    case 'unpack_half_high':
    case 'unpack_bfloat_low':
    case 'unpack_bfloat_high':
      return when(arg === 'u32', 'f32');
    case 'round_tf32':
      return when(arg === 'f32', 'u32');
    default:
      return unreachable(op);
  }
}

export function binaryType(op: KernelBinary, left: KernelType, right: KernelType): KernelType | undefined {
  const same = left === right;
  const integer = same && (left === 'i32' || left === 'u32');
  const scalar = integer || (same && left === 'f32');
  const vector = same && left === 'vec4f';
  switch (op) {
    case 'mul':
      if ((left === 'vec4f' && right === 'f32') || (left === 'f32' && right === 'vec4f')) return 'vec4f';
      return when(scalar || vector, left);
    case 'add':
    case 'sub':
    case 'min':
    case 'max':
    case 'div':
      return when(scalar || vector, left);
    case 'mod':
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
    case 'shl':
    case 'shr':
      return when(integer, left);
    case 'and':
    case 'or':
      return when(same && left === 'bool', 'bool');
    case 'eq':
    case 'ne':
      return when(scalar || (same && left === 'bool'), 'bool');
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return when(scalar, 'bool');
    case 'dot':
      return when(vector, 'f32');
    case 'pack_half2':
    case 'pack_bfloat2':
      return when(same && left === 'f32', 'u32');
    default:
      return unreachable(op);
  }
}

/** The type of an expression by its operator and operands; names and memories are looked up by the caller. */
export function typeByOperands(e: Exclude<KernelExpr, { readonly kind: 'ref' | 'load' | 'load_shared' | 'load_array' }>): KernelType | undefined {
  switch (e.kind) {
    case 'literal':
    case 'builtin':
      return e.type;
    case 'unary':
      return unaryType(e.op, e.arg.type);
    case 'binary':
      return binaryType(e.op, e.left.type, e.right.type);
    case 'fma': {
      const factors = [e.a.type, e.b.type];
      if (e.c.type === 'f32') return when(factors.every((t) => t === 'f32'), 'f32');
      return when(e.c.type === 'vec4f' && factors.every((t) => t === 'f32' || t === 'vec4f'), 'vec4f');
    }
    case 'select':
      return when(e.cond.type === 'bool' && e.then.type === e.otherwise.type, e.then.type);
    case 'vec4':
      return when(e.parts.every((p) => p.type === 'f32'), 'vec4f');
    case 'extract':
      return e.vector.type === 'vec4f' ? 'f32' : when(e.vector.type === 'vec2u' && e.part < 2, 'u32');
    case 'shuffle':
      return when(e.from.type === 'i32' && e.value.type !== 'bool', e.value.type);
    case 'shuffle_xor':
      return when(e.value.type !== 'bool', e.value.type);
    case 'subgroup':
      return when(e.value.type !== 'bool' && e.value.type !== 'vec2u', e.value.type);
    default:
      return unreachable(e);
  }
}
