/**
 * Operators on all lanes at once. In: operand arrays and a result array of the right types. Out: a loop that fills the result.
 * Arithmetic runs for inactive lanes too (their values are never seen). A Float32Array rounds to f32 when it is written, an
 * Int32Array wraps: each loop computes in float64 and leaves the rounding to the array.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import { bitLength, popcount, trailingZeros } from '../../expr/arithmetic.ts';
import type { KernelBinary, KernelType, KernelUnary } from '../../kernel/ir.ts';
import { bf16Bits, bf16FromBits, f16Bits, f16FromBits, tf32Bits } from '../number.ts';
import { floats, ints, laneName, report, words } from './machine.ts';
import type { Lanes, Machine, Run } from './machine.ts';

function bad(op: string, type: KernelType): never {
  throw new CompilerBug('lockstep', `no operator '${op}' on ${type}`);
}

function each(o: Lanes, a: Lanes, f: (x: number) => number): Run {
  const n = o.length;
  return () => {
    for (let i = 0; i < n; i += 1) o[i] = f(a[i] ?? 0);
  };
}

function pairs(o: Lanes, a: Lanes, b: Lanes, f: (x: number, y: number) => number): Run {
  const n = o.length;
  return () => {
    for (let i = 0; i < n; i += 1) o[i] = f(a[i] ?? 0, b[i] ?? 0);
  };
}

function clampTo(low: number, high: number): (x: number) => number {
  return (x) => (Number.isNaN(x) ? 0 : Math.max(low, Math.min(high, Math.trunc(x))));
}

/** Copies the bits of `a` into `o`. */
function sameBits(o: Lanes, a: Lanes): Run {
  const from = new Uint32Array(a.buffer, a.byteOffset, a.length);
  const to = new Uint32Array(o.buffer, o.byteOffset, o.length);
  return () => to.set(from);
}

export function unaryLoop(op: KernelUnary, type: KernelType, o: Lanes, a: Lanes): Run {
  switch (op) {
    case 'neg':
      return each(o, a, (x) => -x);
    case 'not':
      return each(o, a, (x) => (x === 0 ? 1 : 0));
    case 'bit_not':
      return each(o, a, (x) => ~x);
    case 'abs':
      return each(o, a, Math.abs);
    case 'exp':
      return each(floats(o), floats(a), Math.exp);
    case 'log':
      return each(floats(o), floats(a), Math.log);
    case 'tanh':
      return each(floats(o), floats(a), Math.tanh);
    case 'sqrt':
      return each(floats(o), floats(a), Math.sqrt);
    case 'rsqrt':
      return each(floats(o), floats(a), (x) => 1 / Math.sqrt(x));
    case 'floor':
      return each(floats(o), floats(a), Math.floor);
    case 'bit_length':
      return each(o, a, bitLength);
    case 'popcount':
      return each(o, a, popcount);
    case 'trailing_zeros':
      return each(o, a, (x) => trailingZeros(x | 0));
    case 'to_i32':
      return type === 'f32' ? each(ints(o), a, clampTo(-2147483648, 2147483647)) : each(ints(o), a, (x) => x);
    case 'to_u32':
      return type === 'f32' ? each(words(o), a, clampTo(0, 4294967295)) : each(words(o), a, (x) => x);
    case 'to_f32':
      return each(floats(o), a, (x) => x);
    case 'bitcast_i32':
      return sameBits(ints(o), a);
    case 'bitcast_u32':
      return sameBits(words(o), a);
    case 'bitcast_f32':
      return sameBits(floats(o), a);
    case 'splat':
      return () => {
        for (let i = 0; i < a.length; i += 1) o.fill(a[i] ?? 0, 4 * i, 4 * i + 4);
      };
    case 'unpack_half4':
      return unpackPairs(o, a, f16FromBits);
    case 'unpack_bfloat4':
      return unpackPairs(o, a, bf16FromBits);
    case 'pack_half4':
      return packPairs(o, a, f16Bits);
    case 'pack_bfloat4':
      return packPairs(o, a, bf16Bits);
    case 'unpack_half_low':
      return each(floats(o), words(a), (x) => f16FromBits(x & 0xffff));
    case 'unpack_half_high':
      return each(floats(o), words(a), (x) => f16FromBits(x >>> 16));
    case 'unpack_bfloat_low':
      return each(floats(o), words(a), (x) => bf16FromBits(x & 0xffff));
    case 'unpack_bfloat_high':
      return each(floats(o), words(a), (x) => bf16FromBits(x >>> 16));
    case 'round_tf32':
      return each(words(o), floats(a), tf32Bits);
    default:
      return unreachable(op);
  }
}

function unpackPairs(o: Lanes, a: Lanes, numberOf: (bits: number) => number): Run {
  return () => {
    for (let i = 0; i < a.length; i += 1) {
      const pair = a[i] ?? 0;
      o[2 * i] = numberOf(pair & 0xffff);
      o[2 * i + 1] = numberOf(pair >>> 16);
    }
  };
}

function packPairs(o: Lanes, a: Lanes, bitsOf: (value: number) => number): Run {
  return () => {
    for (let i = 0; i < o.length; i += 1) o[i] = bitsOf(a[2 * i] ?? 0) | (bitsOf(a[2 * i + 1] ?? 0) << 16);
  };
}

/** Division and shifts, whose operands can be wrong: lanes that execute are checked. */
function checked(m: Machine, op: 'div' | 'mod', o: Lanes, a: Lanes, b: Lanes): Run {
  const n = o.length;
  return () => {
    for (let i = 0; i < n; i += 1) {
      const x = a[i] ?? 0;
      const y = b[i] ?? 0;
      if (y === 0) {
        if (m.mask[i] === 1) report(m, 'division-by-zero', '', () => `${laneName(m, i)} divides ${x} by zero`);
        // What WGSL gives; other machines give something else.
        o[i] = op === 'div' ? x : 0;
      } else {
        o[i] = op === 'div' ? Math.trunc(x / y) : x % y;
      }
    }
  };
}

function floatLoop(op: KernelBinary, type: KernelType, o: Float32Array, a: Float32Array, b: Float32Array): Run {
  const n = o.length;
  switch (op) {
    // The inner loops of attention; written out, so that each compiles to a loop of its own.
    case 'add':
      return () => {
        for (let i = 0; i < n; i += 1) o[i] = (a[i] ?? 0) + (b[i] ?? 0);
      };
    case 'sub':
      return () => {
        for (let i = 0; i < n; i += 1) o[i] = (a[i] ?? 0) - (b[i] ?? 0);
      };
    case 'mul':
      return () => {
        for (let i = 0; i < n; i += 1) o[i] = (a[i] ?? 0) * (b[i] ?? 0);
      };
    case 'div':
      return pairs(o, a, b, (x, y) => x / y);
    case 'min':
      return pairs(o, a, b, Math.min);
    case 'max':
      return pairs(o, a, b, Math.max);
    case 'mod':
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
    case 'shl':
    case 'shr':
    case 'and':
    case 'or':
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
    case 'dot':
    case 'pack_half2':
    case 'pack_bfloat2':
      return bad(op, type);
    default:
      return unreachable(op);
  }
}

function scaleLoop(o: Float32Array, vectors: Float32Array, scalars: Float32Array): Run {
  const n = scalars.length;
  return () => {
    for (let i = 0; i < n; i += 1) {
      const s = scalars[i] ?? 0;
      for (let c = 4 * i; c < 4 * i + 4; c += 1) o[c] = (vectors[c] ?? 0) * s;
    }
  };
}

function dotLoop(o: Float32Array, a: Float32Array, b: Float32Array): Run {
  const n = o.length;
  const { fround } = Math;
  return () => {
    for (let i = 0; i < n; i += 1) {
      const c = 4 * i;
      let sum = fround((a[c] ?? 0) * (b[c] ?? 0));
      sum = fround(sum + fround((a[c + 1] ?? 0) * (b[c + 1] ?? 0)));
      sum = fround(sum + fround((a[c + 2] ?? 0) * (b[c + 2] ?? 0)));
      o[i] = sum + fround((a[c + 3] ?? 0) * (b[c + 3] ?? 0));
    }
  };
}

/** `left` and `right` are the operand types; mixed only for the scaling of a vector. */
export function binaryLoop(m: Machine, op: KernelBinary, left: KernelType, right: KernelType, o: Lanes, a: Lanes, b: Lanes): Run {
  const float = left === 'f32' || left === 'vec4f';
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
      if (op === 'mul' && left === 'vec4f' && right === 'f32') return scaleLoop(floats(o), floats(a), floats(b));
      if (op === 'mul' && left === 'f32' && right === 'vec4f') return scaleLoop(floats(o), floats(b), floats(a));
      if (float) return floatLoop(op, left, floats(o), floats(a), floats(b));
      if (op === 'add') return pairs(o, a, b, (x, y) => x + y);
      if (op === 'sub') return pairs(o, a, b, (x, y) => x - y);
      return pairs(o, a, b, Math.imul);
    case 'min':
    case 'max':
      if (float) return floatLoop(op, left, floats(o), floats(a), floats(b));
      return pairs(o, a, b, op === 'min' ? Math.min : Math.max);
    case 'div':
    case 'mod':
      return float ? floatLoop(op, left, floats(o), floats(a), floats(b)) : checked(m, op, o, a, b);
    case 'bit_and':
      return pairs(o, a, b, (x, y) => x & y);
    case 'bit_or':
      return pairs(o, a, b, (x, y) => x | y);
    case 'bit_xor':
      return pairs(o, a, b, (x, y) => x ^ y);
    case 'shl':
      return pairs(o, a, b, (x, y) => x << y);
    case 'shr':
      return left === 'u32' ? pairs(o, a, b, (x, y) => x >>> y) : pairs(o, a, b, (x, y) => x >> y);
    case 'and':
      return pairs(o, a, b, (x, y) => x & y);
    case 'or':
      return pairs(o, a, b, (x, y) => x | y);
    case 'eq':
      return pairs(o, a, b, (x, y) => (x === y ? 1 : 0));
    case 'ne':
      return pairs(o, a, b, (x, y) => (x !== y ? 1 : 0));
    case 'lt':
      return pairs(o, a, b, (x, y) => (x < y ? 1 : 0));
    case 'le':
      return pairs(o, a, b, (x, y) => (x <= y ? 1 : 0));
    case 'gt':
      return pairs(o, a, b, (x, y) => (x > y ? 1 : 0));
    case 'ge':
      return pairs(o, a, b, (x, y) => (x >= y ? 1 : 0));
    case 'dot':
      return dotLoop(floats(o), floats(a), floats(b));
    case 'pack_half2':
      return pairs(words(o), floats(a), floats(b), (x, y) => f16Bits(x) | (f16Bits(y) << 16));
    case 'pack_bfloat2':
      return pairs(words(o), floats(a), floats(b), (x, y) => bf16Bits(x) | (bf16Bits(y) << 16));
    default:
      return unreachable(op);
  }
}

/** a * b + c with one rounding (of the nearly exact float64 value). a and b may be f32 beside vec4f. */
export function fmaLoop(o: Float32Array, a: Float32Array, b: Float32Array, c: Float32Array): Run {
  const n = o.length;
  if (a.length === n && b.length === n) {
    return () => {
      for (let i = 0; i < n; i += 1) o[i] = (a[i] ?? 0) * (b[i] ?? 0) + (c[i] ?? 0);
    };
  }
  if (a.length === n || b.length === n) {
    const [vectors, scalars] = a.length === n ? [a, b] : [b, a];
    const lanes = scalars.length;
    return () => {
      for (let i = 0; i < lanes; i += 1) {
        const s = scalars[i] ?? 0;
        for (let k = 4 * i; k < 4 * i + 4; k += 1) o[k] = (vectors[k] ?? 0) * s + (c[k] ?? 0);
      }
    };
  }
  return () => {
    for (let k = 0; k < n; k += 1) o[k] = (a[k >> 2] ?? 0) * (b[k >> 2] ?? 0) + (c[k] ?? 0);
  };
}
