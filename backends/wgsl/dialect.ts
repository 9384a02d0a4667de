/**
 * The WGSL dialect as a table: how each type, operator and builtin of the kernel IR is written. In: nothing. Out: the table
 * the C-like printer reads. Holds: `and` / `or` print as `&` / `|` (no short circuit, so no branches), conversions are
 * explicit, floats read back to the same f32, and every declaration has a value.
 */
import type { KernelBinary, KernelUnary } from '../../compiler/kernel/ir.ts';
import { concat, list, type Doc } from '../document.ts';
import { bitwise, call, comparison, fixed, identity, infix, levels, postfix, prefix, slot, type Dialect, type Form } from '../c-like.ts';
import { decimalFloat } from '../float-text.ts';

const { primary, unary, multiplicative, additive, shift, bitAnd, bitOr, bitXor } = levels;

/** Helper functions of the module frame that a form calls by name. */
export const helperNames = {
  fromBits: 'f32_from_bits', unpackHalf4: 'unpack_half4', packHalf4: 'pack_half4',
  unpackBfloatLow: 'unpack_bfloat_low', unpackBfloatHigh: 'unpack_bfloat_high', unpackBfloat4: 'unpack_bfloat4', packBfloat2: 'pack_bfloat2',
  packBfloat4: 'pack_bfloat4',
} as const;

/** Helpers that stand for operators. */
export const operatorHelpers: ReadonlyMap<KernelUnary | KernelBinary, keyof typeof helperNames> = new Map([
  ['unpack_half4', 'unpackHalf4'], ['pack_half4', 'packHalf4'], ['unpack_bfloat4', 'unpackBfloat4'], ['pack_bfloat4', 'packBfloat4'],
  ['unpack_bfloat_low', 'unpackBfloatLow'], ['unpack_bfloat_high', 'unpackBfloatHigh'], ['pack_bfloat2', 'packBfloat2'],
]);

/** Whether an f32 has no decimal: it is not finite, or it is minus zero, whose sign Tint drops. */
export function needsBits(value: number): boolean {
  return !Number.isFinite(Math.fround(value)) || Object.is(Math.fround(value), -0);
}

const bits = new DataView(new ArrayBuffer(4));

/** A decimal that reads back to exactly this f32: 1.0f, 0.125f, 3.0e38f. Values without a decimal come from their bits. */
export function floatLiteral(given: number): { readonly text: string; readonly level: number } {
  const value = Math.fround(given);
  if (needsBits(value)) {
    bits.setFloat32(0, value);
    const hex = Number.isNaN(value) ? '7fc00000' : bits.getUint32(0).toString(16);
    return { text: [helperNames.fromBits, '(0x', hex, 'u)'].join(''), level: primary };
  }
  return { text: decimalFloat(value), level: value < 0 ? unary : primary };
}

function literal(type: 'bool' | 'i32' | 'u32' | 'f32', value: number): { readonly text: string; readonly level: number } {
  switch (type) {
    case 'bool':
      return { text: value !== 0 ? 'true' : 'false', level: primary };
    case 'i32': {
      const int = value | 0;
      return { text: String(int), level: int < 0 ? unary : primary };
    }
    case 'u32':
      return { text: String(value >>> 0) + 'u', level: primary };
    case 'f32':
      return floatLiteral(value);
  }
}

function arrayType(type: string, length: number): string {
  return ['array<', type, ', ', String(length), '>'].join('');
}

const halfPair = fixed('unpack2x16float(', slot(0, levels.any), ')');

const unaryForms: Readonly<Record<KernelUnary, Form>> = {
  neg: prefix('-'),
  not: prefix('!'),
  bit_not: prefix('~'),
  abs: call('abs'),
  exp: call('exp'),
  log: call('log'),
  tanh: call('tanh'),
  sqrt: call('sqrt'),
  rsqrt: call('inverseSqrt'),
  floor: call('floor'),
  bit_length: { level: additive, parts: ['32 - countLeadingZeros(', slot(0, levels.any), ')'] },
  popcount: call('countOneBits'),
  trailing_zeros: call('countTrailingZeros'),
  to_i32: call('i32'),
  to_u32: call('u32'),
  to_f32: call('f32'),
  bitcast_i32: call('bitcast<i32>'),
  bitcast_u32: call('bitcast<u32>'),
  bitcast_f32: call('bitcast<f32>'),
  splat: call('vec4f'),
  unpack_half4: call(helperNames.unpackHalf4),
  pack_half4: call(helperNames.packHalf4),
  // Refused by legalise.ts: WGSL has no matrix operations.
  round_tf32: call('round_tf32'),
  unpack_half_low: { ...halfPair, parts: [...halfPair.parts, '.x'] },
  unpack_half_high: { ...halfPair, parts: [...halfPair.parts, '.y'] },
  unpack_bfloat4: call(helperNames.unpackBfloat4),
  pack_bfloat4: call(helperNames.packBfloat4),
  unpack_bfloat_low: call(helperNames.unpackBfloatLow),
  unpack_bfloat_high: call(helperNames.unpackBfloatHigh),
};

const binaryForms: Readonly<Record<KernelBinary, Form>> = {
  add: infix(' + ', additive, additive, multiplicative),
  sub: infix(' - ', additive, additive, multiplicative),
  mul: infix(' * ', multiplicative, multiplicative, unary),
  div: infix(' / ', multiplicative, multiplicative, unary),
  mod: infix(' % ', multiplicative, multiplicative, unary),
  min: call('min', 2),
  max: call('max', 2),
  bit_and: bitwise(' & ', bitAnd),
  bit_or: bitwise(' | ', bitOr),
  bit_xor: bitwise(' ^ ', bitXor),
  shl: infix(' << ', shift, unary, unary),
  shr: infix(' >> ', shift, unary, unary),
  and: bitwise(' & ', bitAnd),
  or: bitwise(' | ', bitOr),
  eq: comparison(' == '),
  ne: comparison(' != '),
  lt: comparison(' < '),
  le: comparison(' <= '),
  gt: comparison(' > '),
  ge: comparison(' >= '),
  dot: call('dot', 2),
  pack_bfloat2: call(helperNames.packBfloat2, 2),
  pack_half2: fixed('pack2x16float(vec2f(', slot(0, levels.any), ', ', slot(1, levels.any), '))'),
};

export const wgslDialect: Dialect = {
  types: { bool: 'bool', i32: 'i32', u32: 'u32', f32: 'f32', vec4f: 'vec4f', vec2u: 'vec2u' },
  literal,
  unary: (op) => unaryForms[op],
  binary: (op) => binaryForms[op],
  fma: {
    same: call('fma', 3),
    scalarLeft: fixed('fma(vec4f(', slot(0, levels.any), '), ', slot(1, levels.any), ', ', slot(2, levels.any), ')'),
    scalarRight: fixed('fma(', slot(0, levels.any), ', vec4f(', slot(1, levels.any), '), ', slot(2, levels.any), ')'),
    scalarBoth: fixed('fma(vec4f(', slot(0, levels.any), '), vec4f(', slot(1, levels.any), '), ', slot(2, levels.any), ')'),
  },
  // WGSL's order is (false value, true value, condition).
  select: fixed('select(', slot(2, shift), ', ', slot(1, shift), ', ', slot(0, levels.any), ')'),
  vec4: call('vec4f', 4),
  extract: [postfix('.x'), postfix('.y'), postfix('.z'), postfix('.w')],
  load: { f32: identity, vec4f: identity, i32: identity, u32: identity, vec2u: identity, vec4u: identity, f16: call('f32'), vec4h: call('vec4f'), bf16: identity },
  store: { f32: identity, vec4f: identity, i32: identity, u32: identity, vec2u: identity, vec4u: identity, f16: call('f16'), vec4h: call('vec4h'), bf16: identity },
  shuffle: call('subgroupShuffle', 2),
  shuffle4: call('quadBroadcast', 2),
  subgroup: { sum: call('subgroupAdd'), max: call('subgroupMax') },
  barrier: 'workgroupBarrier()',
  declareLet: (type, name) => concat('let ', name, ': ', type),
  declareVar: (type, name) => concat('var ', name, ': ', type),
  declareArray: (type, name, length) => concat('var ', name, ': ', arrayType(type, length)),
  filledArray: (type, length, element): Doc => {
    const elements = Array.from({ length }, () => element);
    return list(arrayType(type, length) + '(', elements, ')');
  },
};

/** The type of a storage buffer's elements. There is none for bf16, which legalise.ts refuses. */
export const storageTypes = { f32: 'f32', vec4f: 'vec4f', i32: 'i32', u32: 'u32', vec2u: 'vec2u', vec4u: 'vec4u', f16: 'f16', vec4h: 'vec4h', bf16: 'u32' } as const;

/** The module's helper functions, line by line; the frame prints those a kernel calls. */
export const helperLines: Readonly<Record<keyof typeof helperNames, readonly string[]>> = {
  // A call is no constant expression, so values that are not finite may be made this way.
  fromBits: ['fn f32_from_bits(bits: u32) -> f32 {', '  return bitcast<f32>(bits);', '}'],
  unpackHalf4: [
    'fn unpack_half4(pairs: vec2u) -> vec4f {',
    '  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));',
    '}',
  ],
  packHalf4: [
    'fn pack_half4(values: vec4f) -> vec2u {',
    '  return vec2u(pack2x16float(values.xy), pack2x16float(values.zw));',
    '}',
  ],
  // A bfloat16 is the upper half of an f32; the sum rounds to nearest, ties to even (of finite numbers).
  unpackBfloatLow: ['fn unpack_bfloat_low(pair: u32) -> f32 {', '  return bitcast<f32>(pair << 16u);', '}'],
  unpackBfloatHigh: ['fn unpack_bfloat_high(pair: u32) -> f32 {', '  return bitcast<f32>(pair & 0xffff0000u);', '}'],
  unpackBfloat4: [
    'fn unpack_bfloat4(pairs: vec2u) -> vec4f {',
    '  return bitcast<vec4f>(vec4u(pairs.x << 16u, pairs.x & 0xffff0000u, pairs.y << 16u, pairs.y & 0xffff0000u));',
    '}',
  ],
  packBfloat2: [
    'fn pack_bfloat2(low: f32, high: f32) -> u32 {',
    '  let bits = bitcast<vec2u>(vec2f(low, high));',
    '  let nearest = bits + ((bits >> vec2u(16u)) & vec2u(1u)) + vec2u(0x7fffu);',
    '  return (nearest.x >> 16u) | (nearest.y & 0xffff0000u);',
    '}',
  ],
  packBfloat4: [
    'fn pack_bfloat4(values: vec4f) -> vec2u {',
    '  let bits = bitcast<vec4u>(values);',
    '  let nearest = bits + ((bits >> vec4u(16u)) & vec4u(1u)) + vec4u(0x7fffu);',
    '  return vec2u((nearest.x >> 16u) | (nearest.y & 0xffff0000u), (nearest.z >> 16u) | (nearest.w & 0xffff0000u));',
    '}',
  ],
};
