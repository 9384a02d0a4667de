/**
 * Number formats, exactly: rounding of float64 to f32, f16, bf16 and tf32 (nearest, ties to even, gradual underflow,
 * overflow to infinity) in one rounding, and the bit patterns of f16 and bf16. In: numbers or patterns. Out: the same.
 */
export type FloatFormat = 'f32' | 'f16' | 'bf16' | 'tf32';

interface Shape {
  /** Bits of the significand, the hidden one included. */
  readonly precision: number;
  /** Exponent of the least normal number. */
  readonly minExponent: number;
  readonly maxFinite: number;
}

const shapes: Readonly<Record<FloatFormat, Shape>> = {
  f32: { precision: 24, minExponent: -126, maxFinite: (2 - 2 ** -23) * 2 ** 127 },
  f16: { precision: 11, minExponent: -14, maxFinite: 65504 },
  tf32: { precision: 11, minExponent: -126, maxFinite: (2 - 2 ** -10) * 2 ** 127 },
  bf16: { precision: 8, minExponent: -126, maxFinite: (2 - 2 ** -7) * 2 ** 127 },
};

/** Half the distance from 1 to the next number: the largest relative error of one rounding. */
export function unitRoundoff(format: FloatFormat): number {
  return 2 ** -shapes[format].precision;
}

export function maxFinite(format: FloatFormat): number {
  return shapes[format].maxFinite;
}

/** Distance between neighbours among the subnormals of a format. */
export function leastSubnormal(format: FloatFormat): number {
  const { precision, minExponent } = shapes[format];
  return 2 ** (minExponent - precision + 1);
}

/** The number of the format nearest to `value`; ties go to the even significand. */
export function roundTo(format: FloatFormat, value: number): number {
  if (format === 'f32') return Math.fround(value);
  if (value === 0 || !Number.isFinite(value)) return value;
  const { precision, minExponent, maxFinite: limit } = shapes[format];
  const magnitude = Math.abs(value);
  const exponent = Math.max(exponentOf(magnitude), minExponent);
  // Powers of two: scaling is exact, so the only rounding is the one to an integer.
  const ulp = 2 ** (exponent - precision + 1);
  const rounded = roundHalfEven(magnitude / ulp) * ulp;
  return Math.sign(value) * (rounded > limit ? Infinity : rounded);
}

export const roundF32 = (value: number): number => Math.fround(value);
export const roundF16 = (value: number): number => roundTo('f16', value);
export const roundBf16 = (value: number): number => roundTo('bf16', value);

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

const scratch = new DataView(new ArrayBuffer(8));

/** floor(log2(x)) of a positive float64, read from its bits; below 2^-1022 a lower bound. */
function exponentOf(x: number): number {
  scratch.setFloat64(0, x);
  return (scratch.getUint32(0) >>> 20) - 1023;
}

export function f32Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

export function f32FromBits(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** The pattern of `value` rounded to f16; every NaN becomes 0x7e00. */
export function f16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const rounded = roundF16(value);
  const sign = rounded < 0 || Object.is(rounded, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(rounded);
  if (magnitude === Infinity) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | (magnitude * 2 ** 24);
  const exponent = exponentOf(magnitude);
  return sign | ((exponent + 15) << 10) | (magnitude * 2 ** (10 - exponent) - 1024);
}

export function f16FromBits(bits: number): number {
  const sign = (bits & 0x8000) !== 0 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction !== 0 ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The pattern of `value` rounded to bf16; every NaN becomes 0x7fc0. */
export function bf16Bits(value: number): number {
  return Number.isNaN(value) ? 0x7fc0 : f32Bits(roundBf16(value)) >>> 16;
}

/** The f32 pattern of `value` rounded to 11 significant digits, ties away from zero, as matrix units want it; infinities and NaN stay. */
export function tf32Bits(value: number): number {
  const bits = f32Bits(value);
  return Number.isFinite(value) ? ((bits + 0x1000) & 0xffffe000) >>> 0 : bits;
}

export function bf16FromBits(bits: number): number {
  return f32FromBits((bits & 0xffff) * 65536);
}
