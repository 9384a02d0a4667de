/**
 * A launch with every expression of the host plan replaced by its value. In: nothing. Out: the types. Holds: what a machine
 * needs and no more: buffers with numbers for extents, and dispatches in order with the parts of buffers they bind.
 */
import type { BufferElement } from '../../../compiler/tile/ir.ts';

export interface ResolvedBuffer {
  readonly name: string;
  readonly role: 'input' | 'output' | 'workspace';
  readonly element: BufferElement;
  readonly extents: readonly number[];
}

export interface ResolvedBinding {
  readonly buffer: string;
  /** Bytes; a multiple of the device's minStorageBufferOffsetAlignment. */
  readonly offset: number;
  readonly bytes: number;
}

/** One dispatch. */
export interface ResolvedPiece {
  readonly kernel: string;
  /** Storage bindings in the kernel's order. */
  readonly bindings: readonly ResolvedBinding[];
  readonly uniforms: readonly number[];
  readonly workgroups: readonly [number, number, number];
}

export interface ResolvedLaunch {
  readonly buffers: readonly ResolvedBuffer[];
  readonly pieces: readonly ResolvedPiece[];
}
