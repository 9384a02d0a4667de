/**
 * Buffers of a launch. In: tensors on the host or already on the device. Out: GPU buffers, reused from launch to launch.
 * Holds: sizes are padded to 16 bytes (bindings of vec4 elements), bools are uploaded as i32 0 and 1, outputs and workspace
 * can be poisoned so that an element nobody writes shows as NaN, and a buffer of the caller is never destroyed.
 */
import { unreachable } from '../../../dsl/diagnostic.ts';
import type { BufferElement } from '../../../compiler/tile/ir.ts';

/** WebGPU's flag values (specification, section "GPUBufferUsage"): constants, so that no global is needed. */
export const bufferUsage = { mapRead: 0x1, copySrc: 0x4, copyDst: 0x8, uniform: 0x40, storage: 0x80, queryResolve: 0x200 } as const;
export const mapModeRead = 0x1;

/** f32 as Float32Array, f16 and bf16 as bit patterns in Uint16Array, int as Int32Array, bool as either with 0 and 1. */
export type TensorData = Float32Array | Uint16Array | Int32Array | Uint8Array;

export interface Tensor {
  readonly extents: readonly number[];
  /** A GPUBuffer is used where it lies; it needs the usage STORAGE. */
  readonly data: TensorData | GPUBuffer;
}

export function isBuffer(data: TensorData | GPUBuffer): data is GPUBuffer {
  return !ArrayBuffer.isView(data);
}

export function bytesPerElement(element: BufferElement): number {
  return element === 'f16' || element === 'bf16' ? 2 : 4;
}

/** Bytes of a buffer that holds this many elements. */
export function paddedBytes(elements: number, element: BufferElement): number {
  return Math.max(16, Math.ceil((elements * bytesPerElement(element)) / 16) * 16);
}

/** The bytes as they are uploaded, padded to whole words; undefined where the array's type does not suit the element. */
export function uploadBytes(data: TensorData, element: BufferElement): Uint8Array<ArrayBuffer> | undefined {
  const words = hostWords(data, element);
  if (words === undefined) return undefined;
  // A copy: the queue refuses views over shared memory, and halves may end in the middle of a word.
  const bytes = new Uint8Array(Math.ceil(words.byteLength / 4) * 4);
  bytes.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  return bytes;
}

function hostWords(data: TensorData, element: BufferElement): TensorData | undefined {
  switch (element) {
    case 'f32':
      return data instanceof Float32Array ? data : undefined;
    case 'f16':
    case 'bf16':
      return data instanceof Uint16Array ? data : undefined;
    case 'int':
      return data instanceof Int32Array ? data : undefined;
    case 'bool':
      return data instanceof Uint8Array || data instanceof Int32Array ? Int32Array.from(data, (x) => (x !== 0 ? 1 : 0)) : undefined;
    default:
      return unreachable(element);
  }
}

/** Downloaded bytes as the array type of the element. */
export function hostArray(bytes: ArrayBuffer, elements: number, element: BufferElement): Float32Array | Uint16Array | Int32Array {
  switch (element) {
    case 'f32':
      return new Float32Array(bytes, 0, elements);
    case 'f16':
    case 'bf16':
      return new Uint16Array(bytes, 0, elements);
    case 'int':
    case 'bool':
      return new Int32Array(bytes, 0, elements);
    default:
      return unreachable(element);
  }
}

/** Buffers by name that grow when needed and live until `destroy`. */
export interface BufferPool {
  readonly take: (name: string, bytes: number) => GPUBuffer;
  readonly destroy: () => void;
}

export function createPool(device: GPUDevice, usage: number): BufferPool {
  const buffers = new Map<string, GPUBuffer>();
  return {
    take: (name, bytes) => {
      const old = buffers.get(name);
      if (old !== undefined && old.size >= bytes) return old;
      // Work that was submitted with the old one still finishes.
      old?.destroy();
      const fresh = device.createBuffer({ label: name, size: bytes, usage });
      buffers.set(name, fresh);
      return fresh;
    },
    destroy: () => {
      for (const buffer of buffers.values()) buffer.destroy();
      buffers.clear();
    },
  };
}

/** All bits set is NaN in any float, and -1 as an integer. */
const poisonBlock = new Uint8Array(1 << 20).fill(0xff);

/** Fills the first `bytes` of a buffer with NaN. */
export function poison(device: GPUDevice, buffer: GPUBuffer, bytes: number): void {
  for (let at = 0; at < bytes; at += poisonBlock.byteLength) {
    device.queue.writeBuffer(buffer, at, poisonBlock, 0, Math.min(poisonBlock.byteLength, bytes - at));
  }
}

/** A buffer of the caller's own with these contents, for launches that keep their tensors on the device. */
export function uploadTensor(device: GPUDevice, name: string, data: TensorData, element: BufferElement): GPUBuffer | undefined {
  const bytes = uploadBytes(data, element);
  if (bytes === undefined) return undefined;
  const usage = bufferUsage.storage | bufferUsage.copyDst | bufferUsage.copySrc;
  const buffer = device.createBuffer({ label: name, size: paddedBytes(data.length, element), usage });
  device.queue.writeBuffer(buffer, 0, bytes);
  return buffer;
}
