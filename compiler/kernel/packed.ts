/**
 * Pairs of 16-bit floats in one word. In: two f32 values. Out: the word with both rounded to nearest, ties to even, the first one low. Finite
 * values only, as for rounded.ts.
 */
import { bin, i32, un } from './build.ts';
import type { Emitter } from './emitter.ts';
import type { KernelExpr, MatrixElement } from './ir.ts';

/** `native`: the machine packs bfloat16 itself; otherwise integer operations do. */
export function packPair(emit: Emitter, element: MatrixElement, low: KernelExpr, high: KernelExpr, native: boolean): KernelExpr {
  if (element === 'f16') return emit.value(bin('pack_half2', low, high));
  if (native) return emit.value(bin('pack_bfloat2', low, high));
  const nearest = (value: KernelExpr): KernelExpr => {
    const bits = emit.value(un('bitcast_i32', value));
    const odd = emit.value(bin('bit_and', emit.value(bin('shr', bits, i32(16))), i32(1)));
    return emit.value(bin('add', bits, emit.value(bin('add', odd, i32(0x7fff)))));
  };
  const lower = emit.value(bin('bit_and', emit.value(bin('shr', nearest(low), i32(16))), i32(0xffff)));
  const word = emit.value(bin('bit_or', lower, emit.value(bin('bit_and', nearest(high), i32(-65536)))));
  return emit.value(un('bitcast_u32', word));
}
