/**
 * Half precision (IEEE binary16) as kernels see it: bits to value and back, round to nearest, ties to even. Values above the
 * largest half after rounding give infinity.
 */

const scratch = new DataView(new ArrayBuffer(8));

/** The value of 16 bits. */
export function halfToNumber(bits: number): number {
  const sign = (bits & 0x8000) !== 0 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction !== 0 ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The 16 bits nearest to a value. */
export function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  // 65520 is half way between the largest half, 65504, and the next power of two.
  if (size >= 65520) return sign | 0x7c00;
  // Exponent of the value, held at that of the smallest normal half, 2^-14: below it the spacing stays 2^-24.
  scratch.setFloat64(0, size);
  const exponent = Math.max(-14, ((scratch.getUint16(0) >> 4) & 0x7ff) - 1023);
  const unit = 2 ** (exponent - 10);
  // Exact: both are powers of two apart, and the quotient is below 2^11.
  const scaled = size / unit;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // `rounded` counts units of 2^(exponent - 10): with 1024 and more of them the exponent field follows by addition.
  return sign | (rounded + ((exponent + 14) << 10));
}

/** The half nearest to a value, as a number. */
export function roundToHalf(value: number): number {
  return halfToNumber(numberToHalf(value));
}
