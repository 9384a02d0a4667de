/**
 * Address spaces. In: an address, a space and a size, of one lane. Out: the block and the place in it, or nothing after a problem was
 * reported (out of bounds, misaligned, wrong space). Generic addresses carry the space in high bits; every tensor is a block of its own.
 */
import type { Block, Warp } from './state.ts';
import { localTag, paramTag, sharedStart, sharedTag } from './state.ts';
import { componentName, noteRead, noteWrite } from './races.ts';

export function createBlock(name: string, space: Block['space'], base: number, size: number, initial: Uint8Array, writable: boolean): Block {
  const buffer = new ArrayBuffer((size + 15) & ~15);
  const u8 = new Uint8Array(buffer);
  u8.set(initial.subarray(0, size));
  return { name, space, base, size, u8, u16: new Uint16Array(buffer), u32: new Uint32Array(buffer), writable, written: false, readConstant: false };
}

/** `space` is one of global, shared, local, param, const and generic. */
export function findBlock(warp: Warp, space: string, address: number, bytes: number, lane: number): Block | undefined {
  const { grid, shared } = warp.cta;
  const ownShared = space === 'shared' && address >= sharedStart && address + bytes <= sharedStart + shared.size;
  if (ownShared && (address & (bytes - 1)) === 0) return shared;
  const tagged = address >= sharedTag;
  if (tagged && space !== 'generic' && space !== 'local' && space !== 'param') {
    grid.report('wrong-space', `${space} access to ${place(address)}, an address of another space`, warp, lane);
    return undefined;
  }
  // Sizes are powers of two; the bit operation sees the low word of the address and is far faster than a remainder.
  if ((address & (bytes - 1)) !== 0) {
    grid.report('misaligned', `address ${place(address)} is no multiple of ${bytes}`, warp, lane);
    return undefined;
  }
  if (space === 'shared' || (space === 'generic' && address >= sharedTag && address < localTag)) {
    const at = space === 'shared' ? address : address - sharedTag;
    if (at >= sharedStart && at + bytes <= sharedStart + shared.size) return shared;
    grid.report('out-of-bounds', `${bytes} bytes at shared ${place(at)}; shared memory is ${place(sharedStart)} to ${place(sharedStart + shared.size)}`, warp, lane);
    return undefined;
  }
  if (space === 'local' || (space === 'generic' && address >= localTag && address < paramTag)) {
    const { local } = warp;
    const at = address >= localTag ? address - localTag : address;
    if (local !== undefined && at >= 0 && at + bytes <= local.size / 32) return local;
    grid.report('out-of-bounds', `${bytes} bytes at local ${place(at)}`, warp, lane);
    return undefined;
  }
  for (const block of grid.blocks) {
    if (address >= block.base && address + bytes <= block.base + block.size) {
      if (space === 'generic' || space === block.space || (space === 'global' && block.space === 'const')) return block;
      grid.report('wrong-space', `${space} access to ${block.name}, which is ${block.space} memory`, warp, lane);
      return undefined;
    }
  }
  const near = grid.blocks.find((b) => address >= b.base - 2048 && address < b.base + b.size + 2048);
  const where = near === undefined ? place(address) : `byte ${address - near.base} of ${near.name}, which has ${near.size}`;
  grid.report('out-of-bounds', `${bytes} bytes at ${where}`, warp, lane);
  return undefined;
}

/** Byte of the block that a lane's address means. */
export function placeIn(block: Block, address: number, lane: number): number {
  switch (block.space) {
    case 'shared': return address - sharedStart - (address >= sharedTag ? sharedTag : 0);
    case 'local': return address - (address >= localTag ? localTag : 0) + lane * (block.size / 32);
    case 'global':
    case 'param':
    case 'const': return address - block.base;
  }
}

/** Checks before reading shared bytes: initialised, not in flight, ordered. */
export function checkSharedRead(warp: Warp, at: number, bytes: number, lane: number): void {
  const { races, grid } = warp.cta;
  for (let i = at; i < at + bytes; i += 1) {
    const state = races.state[i];
    if (state !== 1) {
      if (state === 2) grid.report('in-flight', `shared ${place(at)} is still being copied in the background`, warp, lane);
      else grid.report('uninitialised-shared', `shared ${place(at)} was never written`, warp, lane);
      break;
    }
  }
  const other = noteRead(races, warp.index, at, bytes);
  if (other >= 0) grid.report('race', `read of shared ${place(at)}, written by ${componentName(races, other)} with no barrier between`, warp, lane);
}

/** Checks before a plain write of shared bytes, which then hold values. */
export function checkSharedWrite(warp: Warp, at: number, bytes: number, lane: number): void {
  const { races, grid } = warp.cta;
  const clock = races.clocks[warp.index]?.[warp.index] ?? 0;
  const other = noteWrite(races, warp.index, warp.index, clock, at, bytes);
  if (other >= 0) grid.report('race', `write of shared ${place(at)}, used by ${componentName(races, other)} with no barrier between`, warp, lane);
  for (let i = at; i < at + bytes; i += 1) {
    if (races.state[i] === 2) grid.report('in-flight', `shared ${place(at)} is still being copied in the background`, warp, lane);
    races.state[i] = 1;
  }
}

export function loadBytes(block: Block, at: number, size: number): number {
  switch (size) {
    case 4: return block.u32[at >>> 2] ?? 0;
    case 2: return block.u16[at >>> 1] ?? 0;
    default: return block.u8[at] ?? 0;
  }
}

export function storeBytes(block: Block, at: number, size: number, value: number): void {
  if (size === 4) block.u32[at >>> 2] = value;
  else if (size === 2) block.u16[at >>> 1] = value;
  else block.u8[at] = value;
}

export function place(address: number): string {
  return `0x${address.toString(16)}`;
}
