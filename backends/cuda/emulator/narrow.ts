/**
 * Bit patterns of 16-bit floats (section 6.3 of the PTX subset): one rounding to nearest even from a double, gradual underflow, overflow
 * to infinity, the canonical NaN 7FFF. Written apart from the reference arithmetic, which these results are compared with.
 */
interface Form {
  readonly fraction: number;
  readonly least: number;
  readonly infinity: number;
}

const half: Form = { fraction: 10, least: -14, infinity: 0x7c00 };
const bfloat: Form = { fraction: 7, least: -126, infinity: 0x7f80 };
const view = new DataView(new ArrayBuffer(8));

function patternOf(x: number, { fraction, least, infinity }: Form): number {
  if (Number.isNaN(x)) return 0x7fff;
  view.setFloat64(0, x);
  const top = view.getUint32(0);
  const sign = (top >>> 16) & 0x8000;
  const magnitude = Math.abs(x);
  if (magnitude === Infinity) return sign | infinity;
  const exponent = Math.max(((top >>> 20) & 2047) - 1023, least);
  // In units of the last place; powers of two, so the scaling is exact (down to doubles that round to zero anyway).
  const units = magnitude * 2 ** (fraction - exponent);
  const floor = Math.floor(units);
  const rest = units - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // A carry out of the fraction falls into the exponent by itself.
  return sign | Math.min((exponent - least) * 2 ** fraction + rounded, infinity);
}

function valueOf(bits: number, { fraction, least, infinity }: Form): number {
  const sign = (bits & 0x8000) !== 0 ? -1 : 1;
  const magnitude = bits & 0x7fff;
  if (magnitude >= infinity) return magnitude > infinity ? NaN : sign * Infinity;
  const field = magnitude >> fraction;
  const digits = magnitude & (2 ** fraction - 1);
  return sign * (field === 0 ? digits : digits + 2 ** fraction) * 2 ** (Math.max(field, 1) - 1 + least - fraction);
}

/** Bits of the f16 nearest to `x`. */
export const halfBits = (x: number): number => patternOf(x, half);
/** Bits of the bf16 nearest to `x`. */
export const bfloatBits = (x: number): number => patternOf(x, bfloat);

/** The number of each of the 65536 patterns. */
export const halfValues = Float32Array.from({ length: 65536 }, (_, bits) => valueOf(bits, half));
export const bfloatValues = Float32Array.from({ length: 65536 }, (_, bits) => valueOf(bits, bfloat));
