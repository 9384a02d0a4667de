/**
 * Loads, stores, address conversion, atomics and background copies. Every lane's address is checked against its space (memory.ts);
 * shared accesses also against the race detector. Two lanes that store different data to one address in one instruction are a problem.
 */
import { countGlobal, countShared } from './counters.ts';
import { plain } from './lanewise.ts';
import type { Decode } from './lanewise.ts';
import { checkSharedRead, checkSharedWrite, findBlock, loadBytes, place, placeIn, storeBytes } from './memory.ts';
import type { Operand } from './syntax.ts';
import type { Modifiers, Operands } from './operands.ts';
import { sizeOf } from './parse.ts';
import { noteWrite, componentName } from './races.ts';
import { flush } from './arithmetic.ts';
import { localTag, sharedTag } from './state.ts';
import type { Block, Copy, Exec, Warp } from './state.ts';

interface Address {
  readonly base: number;
  readonly wide: boolean;
  readonly offset: number;
}

/** Register addresses are 32 or 64 bits wide by their declaration; symbols are constants of 64 bits. */
export function addressOf(ops: Operands, operand: Operand): Address | undefined {
  if (operand.kind !== 'address') return undefined;
  const { base, offset } = operand;
  const wide = base.kind !== 'register' || sizeOf(base.type) === 8;
  return { base: ops.source(base, wide ? 'b64' : 'b32'), wide, offset };
}

export function addressAt(w: Warp, a: Address, lane: number): number {
  const low = w.U[a.base + lane] ?? 0;
  return (a.wide ? (w.U[a.base + 32 + lane] ?? 0) * 2 ** 32 + low : low) + a.offset;
}

const spaceNames = ['global', 'shared', 'local', 'param', 'const'];

function takeSpace(mods: Modifiers): string {
  const clustered = mods.take('shared::cta');
  return clustered !== undefined ? 'shared' : (mods.take(...spaceNames) ?? 'generic');
}

function takeHints(mods: Modifiers): void {
  for (;;) if (mods.take('volatile', 'relaxed', 'acquire', 'release', 'weak', 'cta', 'gpu', 'sys', 'ca', 'cg', 'cs', 'lu', 'cv', 'wb', 'wt', 'acq_rel', 'L1::no_allocate', 'L1::evict_last', 'L1::evict_first', 'L2::128B', 'L2::64B', 'L2::256B') === undefined) return;
}

const places = new Int32Array(32);
const addresses = new Float64Array(32);

/** Counts one warp access; the addresses were collected in lane order. */
function countAccess(w: Warp, block: Block | undefined, count: number, bytes: number): void {
  if (block?.space === 'shared') countShared(w.cta.grid.counters, places, count, bytes);
  else if (block?.space === 'global') countGlobal(w.cta.grid.counters, addresses, count, bytes);
}

function vectorOf(mods: Modifiers, operand: Operand): readonly Operand[] {
  mods.take('v2', 'v4', 'v8');
  return operand.kind === 'vector' ? operand.items : [operand];
}

const load: Decode = (mods, ops) => {
  const space = takeSpace(mods);
  takeHints(mods);
  const constantPath = mods.has('nc');
  const items = vectorOf(mods, ops.at(0));
  const type = mods.type();
  const size = sizeOf(type);
  const address = addressOf(ops, ops.at(1));
  if (address === undefined || size === 0) return undefined;
  const targets = items.map((item) => {
    const wideTarget = item.kind === 'register' && sizeOf(item.type) === 8;
    return { base: ops.target(item, type), wide: wideTarget && size < 8 };
  });
  const bytes = size * targets.length;
  const extend = type.startsWith('s') ? 32 - 8 * size : 0;
  return plain((w, m) => {
    let count = 0;
    let last: Block | undefined;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const a = addressAt(w, address, l);
      const block = findBlock(w, space, a, bytes, l);
      if (block === undefined) continue;
      const at = placeIn(block, a, l);
      last = block;
      places[count] = at;
      addresses[count++] = a;
      if (block.space === 'shared') checkSharedRead(w, at, bytes, l);
      if (constantPath) block.readConstant = true;
      for (let k = 0; k < targets.length; k += 1) {
        const target = targets[k];
        if (target === undefined) continue;
        const from = at + k * size;
        if (size === 8) {
          w.U[target.base + l] = block.u32[from >>> 2] ?? 0;
          w.U[target.base + 32 + l] = block.u32[(from >>> 2) + 1] ?? 0;
        } else {
          const raw = loadBytes(block, from, size);
          const value = extend > 0 ? (raw << extend) >> extend : raw;
          w.U[target.base + l] = value;
          if (target.wide) w.U[target.base + 32 + l] = type.startsWith('s') ? (value | 0) >> 31 : 0;
        }
      }
    }
    countAccess(w, last, count, bytes);
  });
};

/** Whether an earlier lane of this instruction stored other bytes to the same place. */
function storedBefore(count: number, a: number): number {
  for (let i = count - 1; i >= 0; i -= 1) if (addresses[i] === a) return i;
  return -1;
}

const store: Decode = (mods, ops) => {
  const space = takeSpace(mods);
  takeHints(mods);
  const items = vectorOf(mods, ops.at(1));
  const type = mods.type();
  const size = sizeOf(type);
  const address = addressOf(ops, ops.at(0));
  if (address === undefined || size === 0) return undefined;
  const sources = items.map((item) => ops.source(item, type));
  const bytes = size * sources.length;
  const step = Math.min(size, 4);
  return plain((w, m) => {
    let count = 0;
    let last: Block | undefined;
    let highest = -1;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const a = addressAt(w, address, l);
      const block = findBlock(w, space, a, bytes, l);
      if (block === undefined) continue;
      if (!block.writable) {
        w.cta.grid.report('read-only', `store to ${block.name}, which the kernel may only read`, w, l);
        continue;
      }
      const at = placeIn(block, a, l);
      last = block;
      const again = a <= highest && storedBefore(count, a) >= 0;
      highest = Math.max(highest, a);
      places[count] = at;
      addresses[count++] = a;
      if (block.space === 'shared') checkSharedWrite(w, at, bytes, l);
      block.written = true;
      let differs = false;
      for (let k = 0; k < sources.length; k += 1) {
        const source = sources[k] ?? 0;
        for (let part = 0; part < size; part += step) {
          const raw = w.U[source + (part === 4 ? 32 : 0) + l] ?? 0;
          const value = step === 4 ? raw : raw & (2 ** (8 * step) - 1);
          const to = at + k * size + part;
          if (again && loadBytes(block, to, step) !== value) differs = true;
          storeBytes(block, to, step, value);
        }
      }
      if (differs && block.space !== 'local') w.cta.grid.report('conflicting-store', `two lanes store different values to ${place(a)}`, w, l);
    }
    countAccess(w, last, count, bytes);
  });
};

/** Generic addresses carry a tag in their high word. */
const cvta: Decode = (mods, ops) => {
  const to = mods.has('to');
  const space = mods.take('global', 'shared', 'local', 'param', 'const', 'shared::cta');
  mods.take('u64', 'u32');
  if (space === undefined) return undefined;
  const tag = space.startsWith('shared') ? sharedTag : space === 'local' ? localTag : 0;
  const high = (to ? -tag : tag) / 2 ** 32;
  const [d, a] = [ops.target(ops.at(0), 'u64'), ops.source(ops.at(1), 'u64')];
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if ((m >>> l) & 1) {
        w.U[d + l] = w.U[a + l] ?? 0;
        w.U[d + 32 + l] = (w.U[a + 32 + l] ?? 0) + (tag === localTag && !to && (w.U[a + 32 + l] ?? 0) >= localTag / 2 ** 32 ? 0 : high);
      }
    }
  });
};

type Combine = (old: number, value: number, other: number) => number;

const words = new DataView(new ArrayBuffer(4));
const asFloat = (bits: number): number => {
  words.setUint32(0, bits);
  return words.getFloat32(0);
};
const asBits = (x: number): number => {
  words.setFloat32(0, x);
  return words.getUint32(0);
};

function combination(name: string, type: string, ftz: boolean): Combine | undefined {
  const signed = type.startsWith('s');
  const order = (a: number, b: number): boolean => (signed ? (a | 0) < (b | 0) : a < b);
  switch (name) {
    case 'add':
      if (type !== 'f32') return (old, v) => old + v;
      return (old, v) => {
        const sum = Math.fround(asFloat(old) + asFloat(v));
        return asBits(ftz ? flush(sum) : sum);
      };
    case 'min': return (old, v) => (order(v, old) ? v : old);
    case 'max': return (old, v) => (order(old, v) ? v : old);
    case 'and': return (old, v) => old & v;
    case 'or': return (old, v) => old | v;
    case 'xor': return (old, v) => old ^ v;
    case 'exch': return (_old, v) => v;
    case 'cas': return (old, v, other) => (old === v ? other : old);
    case 'inc': return (old, v) => (old >= v ? 0 : old + 1);
    case 'dec': return (old, v) => (old === 0 || old > v ? v : old - 1);
    default: return undefined;
  }
}

/** Lane by lane in lane order; the old value is returned. */
const atomic = (returns: boolean): Decode => (mods, ops) => {
  const space = takeSpace(mods);
  takeHints(mods);
  const name = mods.take('add', 'min', 'max', 'and', 'or', 'xor', 'exch', 'cas', 'inc', 'dec');
  const type = mods.type();
  const combine = name === undefined || !/^([usb]32|f32)$/.test(type) || (type === 'f32' && name !== 'add') ? undefined : combination(name, type, space === 'global');
  const first = returns ? 1 : 0;
  const address = addressOf(ops, ops.at(first));
  if (combine === undefined || address === undefined) return undefined;
  const d = returns ? ops.target(ops.at(0), type) : ops.scratch();
  const a = ops.source(ops.at(first + 1), type);
  const b = name === 'cas' ? ops.source(ops.at(first + 2), type) : a;
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const where = addressAt(w, address, l);
      const block = findBlock(w, space, where, 4, l);
      if (block === undefined) continue;
      const at = placeIn(block, where, l);
      if (!block.writable) {
        w.cta.grid.report('read-only', `atomic on ${block.name}, which the kernel may only read`, w, l);
        continue;
      }
      if (block.space === 'shared' && w.cta.races.state[at] !== 1) w.cta.grid.report('uninitialised-shared', `shared ${place(where)} was never written`, w, l);
      const old = block.u32[at >>> 2] ?? 0;
      block.written = true;
      block.u32[at >>> 2] = combine(old, w.U[a + l] ?? 0, w.U[b + l] ?? 0);
      w.U[d + l] = old;
    }
  });
};

/** Copies the bytes of a background copy and marks them as holding values. */
export function land(w: Warp, copy: Copy, mark: boolean): void {
  const { shared, races } = w.cta;
  if (!copy.landed) {
    copy.landed = true;
    for (let i = 0; i < copy.size; i += 1) shared.u8[copy.target + i] = i < copy.bytes ? (copy.block?.u8[copy.source + i] ?? 0) : 0;
  }
  if (mark) races.state.fill(1, copy.target, copy.target + copy.size);
}

/** All groups but the newest `left` are complete, and this warp knows it. */
export function waitForCopies(w: Warp, left: number): void {
  const done = w.committed - left;
  const row = w.cta.races.clocks[w.index];
  const agent = w.cta.races.warps + w.index;
  if (row !== undefined) row[agent] = Math.max(row[agent] ?? 0, done);
  for (let i = 0; i < w.copies.length; ) {
    const copy = w.copies[i];
    if (copy !== undefined && copy.group <= done) {
      land(w, copy, true);
      w.copies.splice(i, 1);
    } else i += 1;
  }
}

const asyncCopy: Decode = (mods, ops) => {
  if (mods.take('async') === undefined) return undefined;
  if (mods.has('commit_group')) return plain((w) => { w.committed += 1; });
  if (mods.has('wait_all')) {
    return plain((w) => {
      w.committed += 1;
      waitForCopies(w, 0);
    });
  }
  if (mods.has('wait_group')) {
    const n = ops.at(0);
    return n.kind === 'immediate' ? plain((w) => waitForCopies(w, n.low)) : undefined;
  }
  mods.take('L2::128B', 'L2::64B', 'L2::256B');
  if (mods.take('ca', 'cg') === undefined || mods.take('shared', 'shared::cta') === undefined || mods.take('global') === undefined) return undefined;
  const [to, from, size] = [addressOf(ops, ops.at(0)), addressOf(ops, ops.at(1)), ops.at(2)];
  if (to === undefined || from === undefined || size.kind !== 'immediate') return undefined;
  const bytes = ops.count > 3 ? ops.source(ops.at(3), 'u32') : undefined;
  return plain(startCopy(to, from, size.low, bytes));
};

function startCopy(to: Address, from: Address, size: number, bytes: number | undefined): Exec {
  return (w, m) => {
    const { grid, races } = w.cta;
    let count = 0;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const target = addressAt(w, to, l);
      const shared = findBlock(w, 'shared', target, size, l);
      if (shared === undefined) continue;
      const at = placeIn(shared, target, l);
      const wanted = bytes === undefined ? size : Math.min(size, w.U[bytes + l] ?? 0);
      const source = addressAt(w, from, l);
      if (wanted > 0 && source % size !== 0) grid.report('misaligned', `address ${place(source)} is no multiple of ${size}`, w, l);
      const block = wanted === 0 || source % size !== 0 ? undefined : copySource(w, source, wanted, l);
      const group = w.committed + 1;
      const other = noteWrite(races, w.index, races.warps + w.index, group, at, size);
      if (other >= 0) grid.report('race', `background copy into shared ${place(target)}, used by ${componentName(races, other)} with no barrier between`, w, l);
      races.state.fill(2, at, at + size);
      const copy: Copy = { block, source: block === undefined ? 0 : source - block.base, target: at, bytes: block === undefined ? 0 : wanted, size, group, landed: false };
      if (grid.completion === 'eager' || (grid.completion === 'random' && grid.random() < 0.5)) land(w, copy, false);
      w.copies.push(copy);
      places[count] = at;
      addresses[count++] = source;
    }
    countShared(grid.counters, places, count, size);
    countGlobal(grid.counters, addresses, count, size);
  };
}

/** The source need only hold the bytes that are copied, and no alignment beyond the one checked. */
function copySource(w: Warp, source: number, wanted: number, lane: number): Block | undefined {
  const block = findBlock(w, 'global', source, 1, lane);
  if (block !== undefined && source + wanted > block.base + block.size) {
    w.cta.grid.report('out-of-bounds', `${wanted} bytes at byte ${source - block.base} of ${block.name}, which has ${block.size}`, w, lane);
    return undefined;
  }
  return block;
}

const nothing: Decode = (mods) => {
  for (;;) if (mods.take('gl', 'cta', 'gpu', 'sys', 'acq_rel', 'sc', 'global', 'L1', 'L2') === undefined) return plain(() => undefined);
};

export const memoryOps: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['ld', load], ['ldu', load], ['st', store], ['cvta', cvta], ['atom', atomic(true)], ['red', atomic(false)], ['cp', asyncCopy],
  ['membar', nothing], ['fence', nothing], ['prefetch', nothing],
]);

