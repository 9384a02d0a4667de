/**
 * The CUDA C++ dialect as a table: how each type, operator and atom of the kernel IR is written. In: how many lanes of a warp a kernel
 * has. Out: the table the C-like printer reads. Holds: i32 operators that may wrap have been moved to unsigned (legalise.ts), so plain ones
 * are free of undefined behaviour; f32 operators round one by one under `--fmad=false`, and only `fmaf` is fused; conversions of
 * floats saturate; `and` / `or` print as `&` / `|`.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { KernelBinary, KernelType, KernelUnary } from '../../compiler/kernel/ir.ts';
import { bitwise, call, comparison, fixed, identity, infix, levels, postfix, prefix, slot, type Dialect, type Form } from '../c-like.ts';
import { concat, list } from '../document.ts';
import { decimalFloat } from '../float-text.ts';

const { any, primary, unary, multiplicative, additive, shift, bitAnd, bitOr, bitXor, conditional } = levels;

const bits = new DataView(new ArrayBuffer(4));

function literal(type: 'bool' | 'i32' | 'u32' | 'f32', value: number): { readonly text: string; readonly level: number } {
  switch (type) {
    case 'bool':
      return { text: value !== 0 ? 'true' : 'false', level: primary };
    case 'i32': {
      const int = value | 0;
      // 2147483648 is no int, so its negation would be a long.
      if (int === -2147483648) return { text: '-2147483647 - 1', level: additive };
      return { text: String(int), level: int < 0 ? unary : primary };
    }
    case 'u32':
      return { text: String(value >>> 0) + 'u', level: primary };
    case 'f32': {
      const float = Math.fround(value);
      if (Number.isFinite(float)) return { text: decimalFloat(float), level: float < 0 || Object.is(float, -0) ? unary : primary };
      bits.setFloat32(0, float);
      const hex = Number.isNaN(float) ? '7fc00000' : bits.getUint32(0).toString(16);
      return { text: ['__uint_as_float(0x', hex, 'u)'].join(''), level: primary };
    }
  }
}

/** The form of a unary operator for an operand of this type. */
function unaryForm(op: KernelUnary, arg: KernelType): Form {
  switch (op) {
    case 'neg':
      return prefix('-');
    case 'not':
      return prefix('!');
    case 'bit_not':
      return prefix('~');
    case 'abs':
      return call(arg === 'i32' ? 'wrapping_abs' : 'fabsf');
    case 'exp':
      return call('fast_exp');
    case 'log':
      return call('__logf');
    case 'tanh':
      return call('tanhf');
    case 'sqrt':
      return call('sqrtf');
    case 'rsqrt':
      return call('rsqrtf');
    case 'floor':
      return call('floorf');
    case 'bit_length':
      return { level: additive, parts: ['32 - __clz(', slot(0, any), ')'] };
    case 'popcount':
      return call('__popc');
    case 'trailing_zeros':
      return fixed('__clz(__brev(', slot(0, any), '))');
    case 'to_i32':
      return call(arg === 'f32' ? '__float2int_rz' : 'int');
    case 'to_u32':
      return call(arg === 'f32' ? '__float2uint_rz' : 'unsigned');
    case 'to_f32':
      return call('float');
    case 'bitcast_i32':
      return call(arg === 'f32' ? '__float_as_int' : 'int');
    case 'bitcast_u32':
      return call(arg === 'f32' ? '__float_as_uint' : 'unsigned');
    case 'bitcast_f32':
      return call(arg === 'i32' ? '__int_as_float' : '__uint_as_float');
    case 'splat':
      return call('splat');
    case 'unpack_half4':
    case 'pack_half4':
    case 'unpack_half_low':
    case 'unpack_half_high':
    case 'unpack_bfloat4':
    case 'pack_bfloat4':
    case 'unpack_bfloat_low':
    case 'unpack_bfloat_high':
    case 'round_tf32':
      return call(op);
    default:
      return unreachable(op);
  }
}

function binaryForm(op: KernelBinary, left: KernelType): Form {
  const float = left === 'f32' || left === 'vec4f';
  switch (op) {
    case 'add':
      return forms.add;
    case 'sub':
      return forms.sub;
    case 'mul':
      return forms.mul;
    case 'div':
      return forms.div;
    case 'mod':
      return forms.mod;
    case 'min':
      return call(float ? 'fminf' : 'min', 2);
    case 'max':
      return call(float ? 'fmaxf' : 'max', 2);
    case 'bit_and':
    case 'and':
      return forms.and;
    case 'bit_or':
    case 'or':
      return forms.or;
    case 'bit_xor':
      return forms.xor;
    case 'shl':
      return forms.shl;
    case 'shr':
      return forms.shr;
    case 'eq':
      return forms.eq;
    case 'ne':
      return forms.ne;
    case 'lt':
      return forms.lt;
    case 'le':
      return forms.le;
    case 'gt':
      return forms.gt;
    case 'ge':
      return forms.ge;
    case 'dot':
    case 'pack_half2':
    case 'pack_bfloat2':
      return call(op, 2);
    default:
      return unreachable(op);
  }
}

// Made once: the printer knows chains of one operator by the identity of their form.
const forms = {
  add: infix(' + ', additive, additive, multiplicative),
  sub: infix(' - ', additive, additive, multiplicative),
  mul: infix(' * ', multiplicative, multiplicative, unary),
  div: infix(' / ', multiplicative, multiplicative, unary),
  mod: infix(' % ', multiplicative, multiplicative, unary),
  and: bitwise(' & ', bitAnd),
  or: bitwise(' | ', bitOr),
  xor: bitwise(' ^ ', bitXor),
  shl: infix(' << ', shift, unary, unary),
  shr: infix(' >> ', shift, unary, unary),
  eq: comparison(' == '),
  ne: comparison(' != '),
  lt: comparison(' < '),
  le: comparison(' <= '),
  gt: comparison(' > '),
  ge: comparison(' >= '),
} as const;

const fma = call('fmaf', 3);

/** Helpers that multiply fragments. */
export const multiplications = { f16: 'mma_half', bf16: 'mma_bfloat', tf32: 'mma_tf32' } as const;

/** Elements of storage and workgroup memory; halves are their bits, which the helpers convert. */
export const storageTypes = {
  f32: 'float', vec4f: 'float4', i32: 'int', u32: 'unsigned', vec2u: 'uint2', vec4u: 'uint4', f16: 'unsigned short', vec4h: 'uint2', bf16: 'unsigned short',
} as const;

const subgroupForm = (op: 'sum' | 'max', lanes: string): Form => fixed('subgroup_', op, '(', slot(0, shift), ', ', lanes, ')');

/**
 * The table for a kernel whose warps have `lanes` lanes each: 32, or fewer where the workgroup is smaller. `lanes` is the text of that number.
 */
export function cudaDialect(lanes: string): Dialect {
  return {
    types: { bool: 'bool', i32: 'int', u32: 'unsigned', f32: 'float', vec4f: 'float4', vec2u: 'uint2' },
    literal,
    unary: unaryForm,
    binary: binaryForm,
    fma: { same: fma, scalarLeft: fma, scalarRight: fma, scalarBoth: fma },
    select: { level: conditional, parts: [slot(0, bitOr), ' ? ', slot(1, bitOr), ' : ', slot(2, bitOr)] },
    vec4: call('make_float4', 4),
    extract: [postfix('.x'), postfix('.y'), postfix('.z'), postfix('.w')],
    load: { f32: identity, vec4f: identity, i32: identity, u32: identity, vec2u: identity, vec4u: identity, f16: call('from_half'), vec4h: call('unpack_half4'), bf16: call('from_bfloat') },
    store: { f32: identity, vec4f: identity, i32: identity, u32: identity, vec2u: identity, vec4u: identity, f16: call('to_half'), vec4h: call('pack_half4'), bf16: call('to_bfloat') },
    shuffle: fixed('shuffle(', slot(0, shift), ', ', slot(1, shift), ', ', lanes, ')'),
    shuffle4: fixed('shuffle4(', slot(0, shift), ', ', slot(1, shift), ', ', lanes, ')'),
    atoms: {
      shuffleXor: fixed('shuffle_xor(', slot(0, shift), ', ', slot(1, shift), ', ', lanes, ')'),
      copyAsync: fixed('copy_async(&', slot(0, primary), ', &', slot(1, primary), ', ', slot(2, any), ')'),
      copyCommit: 'copy_commit()',
      copyWait: (pending) => ['copy_wait<', String(pending), '>()'].join(''),
      declareWords: (names) => concat('unsigned ', names.join(', ')),
      loadMatrix: (transposed) =>
        fixed(transposed ? 'load_matrix_transposed(' : 'load_matrix(', slot(0, any), ', ', slot(1, any), ', ', slot(2, any), ', ', slot(3, any), ', &', slot(4, primary), ')'),
      loadWord: fixed('load_word(', slot(0, any), ', ', slot(1, any), ')'),
      mma: (operands) => call(multiplications[operands], 10),
    },
    subgroup: { sum: subgroupForm('sum', lanes), max: subgroupForm('max', lanes) },
    barrier: '__syncthreads()',
    declareLet: (type, name) => concat('const ', type, ' ', name),
    declareVar: (type, name) => concat(type, ' ', name),
    declareArray: (type, name, length) => concat(type, ' ', name, '[', String(length), ']'),
    filledArray: (_type, length, element) => list('{', Array.from({ length }, () => element), '}'),
  };
}
