/**
 * Counters of memory accesses (section 9 of the PTX subset): phases of shared memory, 32 banks of 4 bytes, one word per bank and phase,
 * and 32-byte sectors of global memory. In: the byte addresses of one warp instruction and their size. `ideal` is what packed accesses need.
 */
import type { Counters } from './state.ts';

export function createCounters(): Counters {
  return { sharedAccesses: 0, sharedPhases: 0, sharedIdealPhases: 0, globalAccesses: 0, globalSectors: 0, globalIdealSectors: 0 };
}

const words = new Int32Array(32 * 32);
const used = new Uint8Array(32);

/** Phases of one pass: accesses of `bytes` bytes at places[from..to). */
export function phasesOf(places: Int32Array, from: number, to: number, bytes: number): number {
  used.fill(0);
  let most = 0;
  for (let i = from; i < to; i += 1) {
    const first = (places[i] ?? 0) >> 2;
    const last = ((places[i] ?? 0) + bytes - 1) >> 2;
    for (let word = first; word <= last; word += 1) {
      const bank = word & 31;
      const count = used[bank] ?? 0;
      let known = false;
      for (let k = 0; k < count && !known; k += 1) known = words[bank * 32 + k] === word;
      if (!known && count < 32) {
        words[bank * 32 + count] = word;
        used[bank] = count + 1;
        if (count + 1 > most) most = count + 1;
      }
    }
  }
  return most;
}

export function countShared(counters: Counters, places: Int32Array, count: number, bytes: number): void {
  if (count === 0) return;
  const group = bytes <= 4 ? 32 : bytes === 8 ? 16 : 8;
  counters.sharedAccesses += 1;
  for (let from = 0; from < count; from += group) {
    counters.sharedPhases += phasesOf(places, from, Math.min(count, from + group), bytes);
    counters.sharedIdealPhases += 1;
  }
}

const seen = new Float64Array(128);

export function countGlobal(counters: Counters, addresses: Float64Array, count: number, bytes: number): void {
  if (count === 0) return;
  let sectors = 0;
  for (let i = 0; i < count; i += 1) {
    const sector = Math.floor((addresses[i] ?? 0) / 32);
    let known = false;
    for (let k = sectors - 1; k >= 0 && !known; k -= 1) known = seen[k] === sector;
    if (!known) seen[sectors++] = sector;
  }
  counters.globalAccesses += 1;
  counters.globalSectors += sectors;
  counters.globalIdealSectors += Math.min(sectors, Math.ceil((count * bytes) / 32));
}
