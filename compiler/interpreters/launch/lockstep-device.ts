/**
 * Kernel programs in place of a device. In: the programs and a host plan. Out: memory of bytes as a device has it, and an executor
 * that runs all lanes of each workgroup in step on the bound parts.
 */
import { CompilerBug } from '../../../dsl/diagnostic.ts';
import { elementBytes } from '../../launch/resolve.ts';
import type { ResolvedBinding, ResolvedPiece } from '../../launch/resolve.ts';
import type { Artefact, LockstepRunOptions, PretendDevice } from './device.ts';
import { runKernel } from '../lockstep/index.ts';
import type { StorageValue } from '../lockstep/index.ts';
import { storageOf, storageValues, unwrittenStorage } from '../lockstep/storage.ts';
import { boundAs } from './names-of-piece.ts';

/** The bound part of a buffer; writes go through. */
function part(value: StorageValue, { offset, bytes, elements }: ResolvedBinding): StorageValue {
  const first = offset / elementBytes(value.element);
  const bound = { element: value.element, length: elements, bytes: value.bytes.subarray(offset, offset + bytes) };
  return value.written === undefined ? bound : { ...bound, written: value.written.subarray(first, first + elements) };
}

export function lockstepDevice(artefact: Artefact, options: LockstepRunOptions): PretendDevice {
  const memory = new Map<string, StorageValue>();
  const named = (name: string): StorageValue => {
    const value = memory.get(name);
    if (value === undefined) throw new CompilerBug('launch', `no buffer '${name}'`);
    return value;
  };
  return {
    allocate: (buffer, values) => memory.set(buffer.name, values === undefined ? unwrittenStorage(buffer.element, buffer.elements) : storageOf(buffer.element, values)),
    execute: (piece: ResolvedPiece) => {
      const program = artefact.kernelPrograms.find((p) => p.name === piece.kernel);
      if (program === undefined) throw new CompilerBug('launch', `no kernel program '${piece.kernel}'`);
      const storage = boundAs(artefact.hostPlan, piece, (b) => part(named(b.buffer), b));
      return runKernel(program, { uniforms: piece.uniforms, groups: piece.workgroups, storage }, options).problems;
    },
    forget: (name) => {
      const { bytes, written } = named(name);
      bytes.fill(255);
      written?.fill(0);
    },
    readBack: (name) => {
      const value = named(name);
      return { values: storageValues(value), written: value.written ?? new Uint8Array(value.length).fill(1) };
    },
  };
}
