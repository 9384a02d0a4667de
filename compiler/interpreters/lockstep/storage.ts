/**
 * Memory for kernels, made from numbers and turned back into them. Halves are packed, bools are words, the bytes are padded to a
 * multiple of 16 with room that belongs to no element.
 */
import type { BufferElement } from '../../tile/ir.ts';
import { bf16Bits, bf16FromBits, f16Bits, f16FromBits } from '../number.ts';
import { bytesOfElement } from './memory.ts';
import type { StorageValue } from './memory.ts';

function paddedBytes(element: BufferElement, length: number): Uint8Array {
  return new Uint8Array(Math.max(16, Math.ceil((length * bytesOfElement(element)) / 16) * 16));
}

/** Memory that holds these values. */
export function storageOf(element: BufferElement, values: ArrayLike<number>): StorageValue {
  const bytes = paddedBytes(element, values.length);
  switch (element) {
    case 'f32':
      new Float32Array(bytes.buffer).set(values);
      break;
    case 'int':
    case 'bool':
      new Int32Array(bytes.buffer).set(values);
      break;
    case 'f16':
      new Uint16Array(bytes.buffer).set(Uint16Array.from(values, f16Bits));
      break;
    case 'bf16':
      new Uint16Array(bytes.buffer).set(Uint16Array.from(values, bf16Bits));
      break;
  }
  return { element, length: values.length, bytes };
}

/** Memory in which nothing has a value yet: reads of it are problems, and what lies there is no plausible result. */
export function unwrittenStorage(element: BufferElement, length: number): StorageValue {
  // All ones: NaN as any float, -1 as int.
  return { element, length, bytes: paddedBytes(element, length).fill(255), written: new Uint8Array(length) };
}

/** The values that the memory holds. */
export function storageValues(value: StorageValue): Float64Array {
  const { bytes, element, length } = value;
  switch (element) {
    case 'f32':
      return Float64Array.from(new Float32Array(bytes.buffer, bytes.byteOffset, length));
    case 'int':
    case 'bool':
      return Float64Array.from(new Int32Array(bytes.buffer, bytes.byteOffset, length));
    case 'f16':
      return Float64Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, length), f16FromBits);
    case 'bf16':
      return Float64Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, length), bf16FromBits);
  }
}
