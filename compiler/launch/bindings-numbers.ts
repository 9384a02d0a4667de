/**
 * The numbers of generated modules, as TypeScript source that goes behind bindings-runtime.ts: halves and bfloat16 as bits, and results as
 * typed arrays. One text without holes, like the other.
 */
export const bindingsNumbers = `
const halfScratch = new Float32Array(1);
const halfBits = new Uint32Array(halfScratch.buffer);

/** The nearest half (ties to even) of a number, as bits. */
function halfOf(value: number): number {
  halfScratch[0] = value;
  const bits = halfBits[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below the smallest normal half: count units of 2^-24.
    const units = Math.abs(halfScratch[0] ?? 0) * 16777216;
    const low = Math.floor(units);
    const rest = units - low;
    return sign | (rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low);
  }
  const rounded = magnitude + 0x0fff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

function numberOfHalf(bits: number): number {
  const sign = (bits & 0x8000) !== 0 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The nearest bfloat16 (ties to even) of a number, as bits. */
function bfloatOf(value: number): number {
  halfScratch[0] = value;
  const bits = halfBits[0] ?? 0;
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function numberOfBfloat(bits: number): number {
  halfBits[0] = bits << 16;
  return halfScratch[0] ?? 0;
}

interface Result {
  readonly bound: Bound | undefined;
  readonly bytes: ArrayBuffer | undefined;
}

/** A result of floats, whatever it is stored as. */
function floatsOf({ bound, bytes = new ArrayBuffer(0) }: Result): Float32Array {
  if (bound === undefined) return new Float32Array(0);
  const count = elementsOf(bound.shape.extents);
  if (bytesPer(bound.shape.element) === 4) return new Float32Array(bytes, 0, count);
  return Float32Array.from(new Uint16Array(bytes, 0, count), bound.shape.element === 'f16' ? numberOfHalf : numberOfBfloat);
}

function intsOf({ bound, bytes = new ArrayBuffer(0) }: Result): Int32Array {
  return new Int32Array(bytes, 0, bound === undefined ? 0 : elementsOf(bound.shape.extents));
}

/** Truth values, a byte each. */
function bytesOfBools(result: Result): Uint8Array {
  return Uint8Array.from(intsOf(result));
}
`;
