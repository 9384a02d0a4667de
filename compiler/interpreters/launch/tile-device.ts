/**
 * Tile programs in place of a device. In: the programs and a host plan. Out: memory of float64 values and an executor that gives
 * a program the part of each buffer that its dispatch binds.
 */
import { CompilerBug } from '../../../dsl/diagnostic.ts';
import { elementBytes } from '../../launch/resolve.ts';
import type { ResolvedBinding, ResolvedBuffer, ResolvedLaunch, ResolvedPiece } from '../../launch/resolve.ts';
import type { BufferElement } from '../../tile/ir.ts';
import type { Artefact, LaunchRunOptions, PretendDevice } from './device.ts';
import { roundBf16, roundF16 } from '../number.ts';
import { runTile } from '../tile.ts';
import type { BufferValue } from '../tile.ts';
import { boundAs, namesOfPiece } from './names-of-piece.ts';

function rounding(element: BufferElement): (value: number) => number {
  switch (element) {
    case 'f16':
      return roundF16;
    case 'bf16':
      return roundBf16;
    case 'f32':
      return Math.fround;
    case 'int':
      return (value) => value | 0;
    case 'bool':
      return (value) => (value !== 0 ? 1 : 0);
  }
}

function made(buffer: ResolvedBuffer, values: ArrayLike<number> | undefined): BufferValue {
  const { element, elements } = buffer;
  if (values !== undefined) return { element, data: Float64Array.from(values, rounding(element)) };
  return { element, data: new Float64Array(elements).fill(Number.NaN), written: new Uint8Array(elements) };
}

/** The bound part of a buffer; writes go through. */
function part(value: BufferValue, binding: ResolvedBinding): BufferValue {
  const first = binding.offset / elementBytes(value.element);
  const end = first + binding.elements;
  const data = value.data.subarray(first, end);
  return value.written === undefined ? { element: value.element, data } : { element: value.element, data, written: value.written.subarray(first, end) };
}

export function tileDevice(artefact: Artefact, options: LaunchRunOptions): PretendDevice {
  const memory = new Map<string, BufferValue>();
  const named = (name: string): BufferValue => {
    const value = memory.get(name);
    if (value === undefined) throw new CompilerBug('launch', `no buffer '${name}'`);
    return value;
  };
  return {
    allocate: (buffer, values) => memory.set(buffer.name, made(buffer, values)),
    execute: (piece: ResolvedPiece, launch: ResolvedLaunch) => {
      const program = artefact.tilePrograms.find((p) => p.name === piece.kernel);
      if (program === undefined) throw new CompilerBug('launch', `no tile program '${piece.kernel}'`);
      // Tile programs know no packed buffers: what their kernel reads from one lies whole under its own name.
      const bound = boundAs(artefact.hostPlan, piece, (b) => part(named(b.buffer), b));
      const others = artefact.tileBuffers?.[piece.step];
      const buffers = new Map(program.buffers.map(({ name }) => [name, bound.get(name) ?? named(others?.get(name) ?? name)]));
      const grid = piece.workgroups.slice(0, program.grid.length);
      return runTile(program, { values: namesOfPiece(artefact.hostPlan, launch, piece), buffers, grid }, options.maxSteps === undefined ? {} : { maxSteps: options.maxSteps });
    },
    forget: (name) => {
      const { data, written } = named(name);
      data.fill(NaN);
      written?.fill(0);
    },
    readBack: (name) => {
      const { data, written } = named(name);
      return { values: Float64Array.from(data), written: written ?? new Uint8Array(data.length).fill(1) };
    },
  };
}
