/**
 * Rounding of one f32 value to a narrower float type, kept as f32. In: the value. Out: the nearest value of the type, ties to even. Finite
 * values only: what a kernel computes never is an infinity or NaN that means something.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { bin, f32, i32, un } from './build.ts';
import type { Emitter } from './emitter.ts';
import type { KernelExpr } from './ir.ts';

/** The nearest value of a narrower type, ties to even; f32 is what registers hold. */
export function roundedTo(emit: Emitter, precision: 'f32' | 'f16' | 'bf16' | undefined, value: KernelExpr): KernelExpr {
  switch (precision) {
    case undefined:
    case 'f32':
      return value;
    case 'f16':
      return emit.value(un('unpack_half_low', emit.value(bin('pack_half2', value, f32(0)))));
    case 'bf16': {
      const bits = emit.value(un('bitcast_i32', value));
      const odd = emit.value(bin('bit_and', emit.value(bin('shr', bits, i32(16))), i32(1)));
      const nearest = emit.value(bin('add', bits, emit.value(bin('add', odd, i32(0x7fff)))));
      return emit.value(un('bitcast_f32', emit.value(bin('bit_and', nearest, i32(-65536)))));
    }
    default:
      return unreachable(precision);
  }
}
