/**
 * Pairs and fours of 16-bit floats in words: which operators take them apart and put them together. In: words or f32 values. Out: f32 values, or
 * words with the values rounded to nearest, ties to even, the first one low. Finite values only, as for rounded.ts.
 */
import { bin, un } from './build.ts';
import type { Emitter } from './emitter.ts';
import type { KernelExpr, NarrowElement } from './ir.ts';

export function packPair(emit: Emitter, element: NarrowElement, low: KernelExpr, high: KernelExpr): KernelExpr {
  return emit.value(bin(element === 'f16' ? 'pack_half2' : 'pack_bfloat2', low, high));
}

/** vec4f -> vec2u. */
export function packFour(emit: Emitter, element: NarrowElement, values: KernelExpr): KernelExpr {
  return emit.value(un(element === 'f16' ? 'pack_half4' : 'pack_bfloat4', values));
}

/** vec2u -> vec4f. */
export function unpackFour(element: NarrowElement, words: KernelExpr): KernelExpr {
  return un(element === 'f16' ? 'unpack_half4' : 'unpack_bfloat4', words);
}

export function lowHalf(element: NarrowElement, word: KernelExpr): KernelExpr {
  return un(element === 'f16' ? 'unpack_half_low' : 'unpack_bfloat_low', word);
}

export function highHalf(element: NarrowElement, word: KernelExpr): KernelExpr {
  return un(element === 'f16' ? 'unpack_half_high' : 'unpack_bfloat_high', word);
}
