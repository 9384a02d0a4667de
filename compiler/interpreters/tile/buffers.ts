/**
 * Buffers of the tile interpreter. In: declarations, launch values and typed arrays. Out: reads and stores that know the declared
 * extents, which elements have ever been written, and which this run has stored. Half-precision buffers hold rounded values.
 */
import type { BufferDecl, BufferElement } from '../../tile/ir.ts';
import { roundBf16, roundF16 } from '../number.ts';

/** The memory behind a buffer. f32 memory may hold float64 values: the tile interpreter does not round to f32. */
export interface BufferValue {
  readonly element: BufferElement;
  /** Row-major; at least as long as the declared extents say. f16 and bf16 buffers hold the values, not their bits. */
  readonly data: Float64Array | Float32Array | Int32Array | Uint8Array;
  /** 1 for each element that has a value; absent: all have (inputs). */
  readonly written?: Uint8Array;
}

export type Access = 'good' | 'outside' | 'unwritten' | 'twice';

/** One buffer during a run; rebound to other memory for each run. */
export interface BufferState {
  readonly decl: BufferDecl;
  value: BufferValue;
  extents: readonly number[];
  length: number;
  /** Elements this run has stored; empty for read-only buffers. */
  stored: Uint8Array;
}

const nothing = new Uint8Array(0);

/** A buffer before its first run. */
export function unboundBuffer(decl: BufferDecl): BufferState {
  return { decl, value: { element: decl.element, data: nothing }, extents: [], length: 0, stored: nothing };
}

/** Gives the buffer its memory for one run; false where the memory is shorter than the extents say. */
export function bindBuffer(state: BufferState, value: BufferValue, extents: readonly number[]): boolean {
  state.value = value;
  state.extents = extents;
  state.length = extents.reduce((product, n) => product * n, 1);
  if (value.data.length < state.length) return false;
  state.stored = state.decl.access === 'write' ? new Uint8Array(state.length) : nothing;
  return true;
}

/** The linear index of logical indices (one per axis, or a single linear one); -1 outside. */
export function locate(state: BufferState, indices: readonly number[]): number {
  const { extents } = state;
  if (indices.length === 1 && extents.length !== 1) {
    const at = indices[0] ?? -1;
    return at >= 0 && at < state.length ? at : -1;
  }
  let at = 0;
  for (let i = 0; i < indices.length; i += 1) {
    const index = indices[i] ?? -1;
    const extent = extents[i] ?? 0;
    if (index < 0 || index >= extent) return -1;
    at = at * extent + index;
  }
  return at;
}

/** Whether the element at a linear index has a value. */
export function isWritten(state: BufferState, at: number): boolean {
  return state.value.written === undefined || state.value.written[at] === 1;
}

/** Stores a value of the buffer's element type at a linear index inside it; false where this run has already stored one. */
export function storeElement(state: BufferState, at: number, value: number): boolean {
  const { element, data, written } = state.value;
  switch (element) {
    case 'f16':
      data[at] = roundF16(value);
      break;
    case 'bf16':
      data[at] = roundBf16(value);
      break;
    case 'bool':
      data[at] = value !== 0 ? 1 : 0;
      break;
    case 'f32':
    case 'int':
      data[at] = value;
      break;
  }
  if (written !== undefined) written[at] = 1;
  const first = state.stored[at] === 0;
  state.stored[at] = 1;
  return first;
}
