/**
 * Lanes of a register as numbers of a type, and back: the slow but general way, used where the type varies. 16-bit values sit in the low
 * half of a word, 64-bit ones in two words.
 */
import { bfloatBits, bfloatValues, halfBits, halfValues } from './narrow.ts';
import type { Warp } from './state.ts';

const scratch = new DataView(new ArrayBuffer(8));

export type Read = (warp: Warp, lane: number) => number;
export type Write = (warp: Warp, lane: number, value: number) => void;

/** 64-bit integers come as the nearest double. */
export function reader(type: string, base: number): Read | undefined {
  switch (type) {
    case 's32': return (w, l) => w.I[base + l] ?? 0;
    case 'u32':
    case 'b32': return (w, l) => w.U[base + l] ?? 0;
    case 's16': return (w, l) => ((w.U[base + l] ?? 0) << 16) >> 16;
    case 'u16':
    case 'b16': return (w, l) => (w.U[base + l] ?? 0) & 0xffff;
    case 's8': return (w, l) => ((w.U[base + l] ?? 0) << 24) >> 24;
    case 'u8':
    case 'b8': return (w, l) => (w.U[base + l] ?? 0) & 0xff;
    case 'f32': return (w, l) => w.F[base + l] ?? 0;
    case 'f16': return (w, l) => halfValues[(w.U[base + l] ?? 0) & 0xffff] ?? 0;
    case 'bf16': return (w, l) => bfloatValues[(w.U[base + l] ?? 0) & 0xffff] ?? 0;
    case 's64': return (w, l) => Number(BigInt.asIntN(64, wide(w, base, l)));
    case 'u64':
    case 'b64': return (w, l) => Number(wide(w, base, l));
    case 'f64': return (w, l) => {
      scratch.setUint32(0, w.U[base + 32 + l] ?? 0);
      scratch.setUint32(4, w.U[base + l] ?? 0);
      return scratch.getFloat64(0);
    };
    default: return undefined;
  }
}

/** Integers are taken modulo their width; floats are rounded to nearest. */
export function writer(type: string, base: number): Write | undefined {
  switch (type) {
    case 's32':
    case 'u32':
    case 'b32': return (w, l, v) => { w.U[base + l] = v; };
    case 's16':
    case 'u16':
    case 'b16': return (w, l, v) => { w.U[base + l] = v & 0xffff; };
    case 's8': return (w, l, v) => { w.U[base + l] = (v << 24) >> 24; };
    case 'u8':
    case 'b8': return (w, l, v) => { w.U[base + l] = v & 0xff; };
    case 'f32': return (w, l, v) => { w.F[base + l] = v; };
    case 'f16': return (w, l, v) => { w.U[base + l] = halfBits(v); };
    case 'bf16': return (w, l, v) => { w.U[base + l] = bfloatBits(v); };
    case 's64':
    case 'u64':
    case 'b64': return (w, l, v) => setWide(w, base, l, BigInt(v));
    case 'f64': return (w, l, v) => {
      scratch.setFloat64(0, v);
      w.U[base + l] = scratch.getUint32(4);
      w.U[base + 32 + l] = scratch.getUint32(0);
    };
    default: return undefined;
  }
}

export function wide(w: Warp, base: number, lane: number): bigint {
  return (BigInt(w.U[base + 32 + lane] ?? 0) << 32n) | BigInt(w.U[base + lane] ?? 0);
}

export function setWide(w: Warp, base: number, lane: number, value: bigint): void {
  const bits = BigInt.asUintN(64, value);
  w.U[base + lane] = Number(bits & 0xffffffffn);
  w.U[base + 32 + lane] = Number(bits >> 32n);
}
