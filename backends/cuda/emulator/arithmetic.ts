/**
 * Scalar arithmetic that numbers of JavaScript do not give directly: fused multiply-add with one rounding, directed rounding to f32,
 * products of 32 and 64 bits. Section 4 and 10 of the PTX subset.
 */
const view = new DataView(new ArrayBuffer(8));

/** a * b + c rounded to odd in double precision: a later rounding to f32 or narrower is then correct in any direction. a, b, c hold f32 values. */
export function fusedOdd(a: number, b: number, c: number): number {
  const p = a * b;
  const s = p + c;
  if (!Number.isFinite(s)) return s;
  const t = s - p;
  const error = p - (s - t) + (c - t);
  if (error === 0) return s;
  return toOdd(s, s > 0 === error > 0);
}

/** Of the two doubles around a value, the one whose last bit is set; `s` is one of them, and the value lies outward of it or inward. */
function toOdd(s: number, outward: boolean): number {
  view.setFloat64(0, s);
  const low = view.getUint32(4);
  if ((low & 1) === 1) return s;
  if (outward) view.setUint32(4, low + 1);
  else {
    view.setUint32(4, low - 1);
    if (low === 0) view.setUint32(0, view.getUint32(0) - 1);
  }
  return view.getFloat64(0);
}

export type Rounding = 'rn' | 'rz' | 'rm' | 'rp';

/** A double rounded to f32 as named; exact for doubles that are exact or rounded to odd. */
export function roundSingle(value: number, mode: Rounding): number {
  const near = Math.fround(value);
  if (mode === 'rn' || near === value || Number.isNaN(value)) return near;
  const down = mode === 'rm' || (mode === 'rz' && value > 0);
  if (down ? near < value : near > value) return near;
  if (!Number.isFinite(value)) return near;
  view.setFloat32(0, near);
  const bits = view.getUint32(0);
  // The neighbour toward the wanted side: one step in magnitude.
  const inward = down === near > 0;
  if (near === 0) return down ? -(2 ** -149) : 2 ** -149;
  view.setUint32(0, inward ? bits - 1 : bits + 1);
  return view.getFloat32(0);
}

/** Sum with directed rounding: the rounding error of the double sum decides. */
export function sumOdd(a: number, b: number): number {
  return fusedOdd(a, 1, b);
}

/** Quotient of two f32 values for directed rounding. */
export function quotientOdd(a: number, b: number): number {
  const q = a / b;
  if (!Number.isFinite(q) || q === 0) return q;
  const rest = residual(q, b, a);
  if (rest === 0) return q;
  // rest = a - q b: the true quotient lies above q when rest and b agree in sign.
  const above = rest > 0 === b > 0;
  return toOdd(q, q > 0 === above);
}

/** a - q*b, its sign exact (q is split so that the products are exact). */
function residual(q: number, b: number, a: number): number {
  const high = Math.fround(q);
  return a - high * b - (q - high) * b;
}

export function flush(x: number): number {
  return Math.abs(x) < 2 ** -126 ? x * 0 : x;
}

/** Nearest integer, ties to even. */
export function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return rest === 0 ? x : floor === 0 && x < 0 ? -0 : floor;
  if (rest > 0.5) return floor + 1 === 0 ? -0 : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1 === 0 ? -0 : floor + 1;
}

export function roundInteger(x: number, mode: string): number {
  switch (mode) {
    case 'rni': return roundEven(x);
    case 'rmi': return Math.floor(x);
    case 'rpi': return Math.ceil(x);
    default: return Math.trunc(x);
  }
}

/** Upper word of the unsigned product. */
export function mulHighUnsigned(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = a0 * b0;
  const mid = a1 * b0 + (low >>> 16);
  const mid2 = a0 * b1 + (mid % 65536);
  return (a1 * b1 + Math.floor(mid / 65536) + Math.floor(mid2 / 65536)) >>> 0;
}

export function mulHighSigned(a: number, b: number): number {
  let high = mulHighUnsigned(a >>> 0, b >>> 0);
  if (a < 0) high -= b;
  if (b < 0) high -= a;
  return high >>> 0;
}

/** PTX min and max: the operand that is a number wins, -0 is below +0. */
export function floatMin(a: number, b: number): number {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b);
}

export function floatMax(a: number, b: number): number {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b);
}

export function popcount(x: number): number {
  let v = x - ((x >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

export function reverseBits(x: number): number {
  let v = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return ((v >>> 16) | (v << 16)) >>> 0;
}
