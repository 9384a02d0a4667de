/**
 * Tensor-core fragments: ldmatrix, stmatrix, movmatrix and mma.sync (section 1 and 2 of the CUDA atoms). Lane t holds g = t >> 2 and
 * q = t & 3. Products are summed in double precision and rounded once to f32 (section 6.2 of the PTX subset).
 */
import { countShared } from './counters.ts';
import type { Decode, Decoded } from './lanewise.ts';
import { checkSharedRead, checkSharedWrite, findBlock, placeIn } from './memory.ts';
import { addressAt, addressOf } from './ops-memory.ts';
import type { Operand } from './syntax.ts';
import type { Exec, Warp } from './state.ts';
import { bfloatValues, halfBits, halfValues } from './narrow.ts';

const aligned = (run: Exec): Decoded => ({ kind: 'collective', members: undefined, run });
const items = (operand: Operand): readonly Operand[] => (operand.kind === 'vector' ? operand.items : [operand]);

const rows = new Int32Array(32);
const tile = new Uint16Array(64);

/** Places of the eight rows of matrix `i`, or false after a problem. */
function rowPlaces(w: Warp, address: Parameters<typeof addressAt>[1], i: number): boolean {
  let all = true;
  for (let j = 0; j < 8; j += 1) {
    const lane = 8 * i + j;
    const at = addressAt(w, address, lane);
    const block = findBlock(w, 'shared', at, 16, lane);
    if (block === undefined) all = false;
    else rows[j] = placeIn(block, at, lane);
  }
  return all;
}

const matrixMove = (loads: boolean): Decode => (mods, ops) => {
  if (!mods.has('sync') || !mods.has('aligned') || !mods.has('m8n8')) return undefined;
  const number = mods.take('x1', 'x2', 'x4');
  const transposed = mods.has('trans');
  if (number === undefined || mods.take('shared', 'shared::cta') === undefined || mods.type() !== 'b16') return undefined;
  const count = Number(number.slice(1));
  const [registers, where] = loads ? [items(ops.at(0)), ops.at(1)] : [items(ops.at(1)), ops.at(0)];
  const address = addressOf(ops, where);
  if (address === undefined || registers.length !== count) return undefined;
  const bases = registers.map((r) => (loads ? ops.target(r, 'b32') : ops.source(r, 'b32')));
  return aligned((w) => {
    const { shared, grid } = w.cta;
    for (let i = 0; i < count; i += 1) {
      const base = bases[i] ?? 0;
      if (!rowPlaces(w, address, i)) continue;
      countShared(grid.counters, rows, 8, 16);
      for (let j = 0; j < 8; j += 1) {
        if (loads) checkSharedRead(w, rows[j] ?? 0, 16, 8 * i + j);
        else checkSharedWrite(w, rows[j] ?? 0, 16, 8 * i + j);
      }
      for (let t = 0; t < 32; t += 1) {
        const g = t >> 2;
        const q2 = 2 * (t & 3);
        const [r0, c0, r1, c1] = transposed ? [q2, g, q2 + 1, g] : [g, q2, g, q2 + 1];
        const at0 = ((rows[r0] ?? 0) >> 1) + c0;
        const at1 = ((rows[r1] ?? 0) >> 1) + c1;
        if (loads) w.U[base + t] = (shared.u16[at0] ?? 0) | ((shared.u16[at1] ?? 0) << 16);
        else {
          const value = w.U[base + t] ?? 0;
          shared.u16[at0] = value & 0xffff;
          shared.u16[at1] = value >>> 16;
        }
      }
    }
  });
};

const movmatrix: Decode = (mods, ops) => {
  if (!mods.has('sync') || !mods.has('aligned') || !mods.has('m8n8') || !mods.has('trans') || mods.type() !== 'b16') return undefined;
  const [d, a] = [ops.target(ops.at(0), 'b32'), ops.source(ops.at(1), 'b32')];
  return aligned((w) => {
    for (let t = 0; t < 32; t += 1) {
      const value = w.U[a + t] ?? 0;
      tile[(t >> 2) * 8 + 2 * (t & 3)] = value & 0xffff;
      tile[(t >> 2) * 8 + 2 * (t & 3) + 1] = value >>> 16;
    }
    for (let t = 0; t < 32; t += 1) {
      const at = 2 * (t & 3) * 8 + (t >> 2);
      w.U[d + t] = (tile[at] ?? 0) | ((tile[at + 8] ?? 0) << 16);
    }
  });
};

interface Shape {
  readonly k: number;
  readonly packed: boolean;
  /** Element index of a lane to its place. */
  readonly a: readonly (readonly [row: number, k: number])[];
  readonly b: readonly number[];
  /** Factors of q in the k index: 2 for 16-bit pairs, 1 for tf32. */
  readonly step: number;
}

const shapes: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['m16n8k16', { k: 16, packed: true, step: 2, a: Array.from({ length: 8 }, (_, i) => [8 * ((i >> 1) & 1), (i & 1) + 8 * (i >> 2)] as const), b: [0, 1, 8, 9] }],
  ['m16n8k8', { k: 8, packed: true, step: 2, a: Array.from({ length: 4 }, (_, i) => [8 * (i >> 1), i & 1] as const), b: [0, 1] }],
  ['m16n8k8.tf32', { k: 8, packed: false, step: 1, a: Array.from({ length: 4 }, (_, i) => [8 * (i & 1), 4 * (i >> 1)] as const), b: [0, 4] }],
  ['m16n8k4.tf32', { k: 4, packed: false, step: 1, a: [[0, 0], [8, 0]], b: [0] }],
]);

const A = new Float64Array(16 * 16);
const B = new Float64Array(8 * 16);
const floats = new Float32Array(1);
const floatBits = new Uint32Array(floats.buffer);

function value(w: Warp, base: number, lane: number, element: number, table: Float32Array | undefined): number {
  if (table !== undefined) return table[((w.U[base + lane] ?? 0) >>> (16 * (element & 1))) & 0xffff] ?? 0;
  // tf32 ignores the 13 low bits.
  floatBits[0] = (w.U[base + lane] ?? 0) & 0xffffe000;
  return floats[0] ?? 0;
}

const mma: Decode = (mods, ops, instruction) => {
  if (!mods.has('sync') || !mods.has('aligned')) return undefined;
  const size = mods.take('m16n8k16', 'm16n8k8', 'm16n8k4');
  if (size === undefined || !mods.has('row') || !mods.has('col')) return undefined;
  const [dType, aType, bType, cType] = [mods.take('f32', 'f16'), mods.take('f16', 'bf16', 'tf32'), mods.take('f16', 'bf16', 'tf32'), mods.take('f32', 'f16')];
  const order = instruction.parts.slice(-4).join('.');
  if (aType === undefined || aType !== bType || dType !== cType || dType === undefined || order !== `${dType}.${aType}.${bType}.${dType}`) return undefined;
  const shape = shapes.get(aType === 'tf32' ? `${size}.tf32` : size);
  if (shape === undefined || (dType === 'f16' && aType !== 'f16')) return undefined;
  const table = aType === 'f16' ? halfValues : aType === 'bf16' ? bfloatValues : undefined;
  const [dItems, aItems, bItems, cItems] = [items(ops.at(0)), items(ops.at(1)), items(ops.at(2)), items(ops.at(3))];
  const per = shape.packed ? 2 : 1;
  const held = dType === 'f16' ? 2 : 4;
  if (aItems.length * per !== shape.a.length || bItems.length * per !== shape.b.length || dItems.length !== held || cItems.length !== held) return undefined;
  const [a, b, c] = [aItems, bItems, cItems].map((list) => list.map((o) => ops.source(o, 'b32')));
  const d = dItems.map((o) => ops.target(o, 'b32'));
  const { k: depth, step } = shape;
  return aligned((w) => {
    for (let t = 0; t < 32; t += 1) {
      const g = t >> 2;
      const q = (t & 3) * step;
      for (let i = 0; i < shape.a.length; i += 1) {
        const [row, k] = shape.a[i] ?? [0, 0];
        A[(g + row) * depth + q + k] = value(w, a?.[Math.floor(i / per)] ?? 0, t, i, table);
      }
      for (let i = 0; i < shape.b.length; i += 1) B[g * depth + q + (shape.b[i] ?? 0)] = value(w, b?.[Math.floor(i / per)] ?? 0, t, i, table);
    }
    for (let t = 0; t < 32; t += 1) {
      const g = t >> 2;
      for (let i = 0; i < 4; i += 1) {
        const row = (g + 8 * (i >> 1)) * depth;
        const column = (2 * (t & 3) + (i & 1)) * depth;
        let sum = 0;
        for (let k = 0; k < depth; k += 1) sum += (A[row + k] ?? 0) * (B[column + k] ?? 0);
        if (held === 4) w.F[(d[i] ?? 0) + t] = sum + (w.F[(c?.[i] ?? 0) + t] ?? 0);
        else {
          const [from, to] = [(c?.[i >> 1] ?? 0) + t, (d[i >> 1] ?? 0) + t];
          const shift = 16 * (i & 1);
          const bits = halfBits(sum + (halfValues[((w.U[from] ?? 0) >>> shift) & 0xffff] ?? 0));
          w.U[to] = ((w.U[to] ?? 0) & ~(0xffff << shift)) | (bits << shift);
        }
      }
    }
  });
};

export const tensorOps: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['ldmatrix', matrixMove(true)], ['stmatrix', matrixMove(false)], ['movmatrix', movmatrix], ['mma', mma],
]);
