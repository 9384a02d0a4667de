/**
 * Memory as lanes see it: storage buffers, workgroup memory. Each access knows its lane, so that what two lanes do to one
 * place without an order between them is found, as well as accesses outside and reads of what nothing has written.
 * A barrier orders workgroup memory; within one dispatch nothing orders the storage accesses of different lanes.
 */
import { unreachable } from '../../../dsl/diagnostic.ts';
import type { SharedDecl, StorageDecl, StorageElement } from '../../kernel/ir.ts';
import type { BufferElement } from '../../tile/ir.ts';
import { dispatchLaneName, laneName, report, room, taintRoom, taintSource } from './machine.ts';
import type { Lanes, Machine } from './machine.ts';

/** Memory bound to a buffer: `length` elements, and room behind them up to a multiple of 16 bytes. */
export interface StorageValue {
  readonly element: BufferElement;
  readonly length: number;
  readonly bytes: Uint8Array;
  /** 1 for each element that has a value; absent: all have. */
  readonly written?: Uint8Array;
}

/** Bytes of an element in device memory; bools are words. */
export function bytesOfElement(element: BufferElement): 2 | 4 {
  return element === 'f16' || element === 'bf16' ? 2 : 4;
}

/** What the lanes of one dispatch have done to a buffer. */
interface Track {
  readonly value: StorageValue;
  /** Number of the lane that wrote an element; 0: none. Empty for buffers that the kernel only reads. */
  readonly writer: Int32Array;
  /** The same for reads; -1: several lanes. */
  readonly reader: Int32Array;
}

/** One view of a buffer during a run. */
export interface StorageView {
  readonly decl: StorageDecl;
  /** Buffer elements that one element of the view covers. */
  readonly covers: number;
  /** Elements of the view that lie within the bound bytes. */
  readonly count: number;
  readonly track: Track;
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u16: Uint16Array;
}


export function bytesOfView(element: StorageElement): number {
  switch (element) {
    case 'f16':
    case 'bf16':
      return 2;
    case 'f32':
    case 'i32':
    case 'u32':
      return 4;
    case 'vec2u':
    case 'vec4h':
      return 8;
    case 'vec4f':
    case 'vec4u':
      return 16;
    default:
      return unreachable(element);
  }
}

const none = new Int32Array(0);

/** Views of all buffers for one dispatch; the names of those that have no fitting memory instead. */
export function bindStorage(decls: readonly StorageDecl[], values: ReadonlyMap<string, StorageValue>): { readonly views: ReadonlyMap<string, StorageView>; readonly unfit: readonly string[] } {
  const tracks = new Map<string, Track>();
  const views = new Map<string, StorageView>();
  const unfit: string[] = [];
  const writable = new Set(decls.filter((d) => d.access === 'write').map((d) => d.buffer));
  for (const decl of decls) {
    const value = values.get(decl.buffer);
    const size = bytesOfView(decl.element);
    if (value === undefined || value.bytes.byteOffset % 4 !== 0 || size < bytesOfElement(value.element)) {
      unfit.push(decl.name);
      continue;
    }
    let track = tracks.get(decl.buffer);
    if (track === undefined) {
      const tracked = writable.has(decl.buffer);
      track = { value, writer: tracked ? new Int32Array(value.length) : none, reader: tracked ? new Int32Array(value.length) : none };
      tracks.set(decl.buffer, track);
    }
    const { buffer, byteOffset, byteLength } = value.bytes;
    const wordsHeld = Math.floor(byteLength / 4);
    views.set(decl.name, {
      decl, track,
      covers: size / bytesOfElement(value.element),
      count: Math.floor(byteLength / size),
      f32: new Float32Array(buffer, byteOffset, wordsHeld),
      i32: new Int32Array(buffer, byteOffset, wordsHeld),
      u32: new Uint32Array(buffer, byteOffset, wordsHeld),
      u16: new Uint16Array(buffer, byteOffset, Math.floor(byteLength / 2)),
    });
  }
  return { views, unfit };
}

/** Whether an element of the view lies in the buffer. Element 0 may be loaded even from an empty one: its padding is there. */
export function inStorage(m: Machine, view: StorageView, lane: number, index: number, doing: 'loads' | 'stores'): boolean {
  const { length } = view.track.value;
  if (index >= 0 && index < view.count && index * view.covers < length) return true;
  if (index === 0 && length === 0 && view.count > 0 && doing === 'loads') return true;
  report(m, 'outside', view.decl.name, () => `${laneName(m, lane)} ${doing} ${view.decl.name}[${index}]; ${view.decl.buffer} holds ${length} elements, ${Math.ceil(length / view.covers)} of this view`);
  return false;
}

/** Checks a load; the taint of its value. */
export function noteLoad(m: Machine, view: StorageView, lane: number, index: number): number {
  const { value, writer, reader } = view.track;
  const { written } = value;
  if (value.length === 0) return taintSource(m, `${view.decl.name}[0] of an empty buffer`);
  if (written === undefined && writer.length === 0) return 0;
  let taint = 0;
  const end = Math.min(value.length, (index + 1) * view.covers);
  const me = m.firstLane + lane;
  for (let at = index * view.covers; at < end; at += 1) {
    if (written !== undefined && written[at] === 0) taint = taintSource(m, `${view.decl.name}[${index}], which nothing has written`);
    if (writer.length === 0) continue;
    const other = writer[at] ?? 0;
    if (other !== 0 && other !== me) {
      report(m, 'race', view.decl.name, () => `${laneName(m, lane)} loads ${view.decl.name}[${index}], which ${dispatchLaneName(m, other)} has stored in the same dispatch`);
    }
    const before = reader[at] ?? 0;
    reader[at] = before === 0 || before === me ? me : -1;
  }
  return taint;
}

/** Checks a store and marks its elements as written. */
export function noteStore(m: Machine, view: StorageView, lane: number, index: number): void {
  const { value, writer, reader } = view.track;
  const end = Math.min(value.length, (index + 1) * view.covers);
  const me = m.firstLane + lane;
  for (let at = index * view.covers; at < end; at += 1) {
    const other = writer[at] ?? 0;
    if (other !== 0 && other !== me) {
      report(m, 'store-twice', view.decl.name, () => `${laneName(m, lane)} stores ${view.decl.name}[${index}], which ${dispatchLaneName(m, other)} has stored in the same dispatch`);
    }
    const before = reader[at] ?? 0;
    if (before !== 0 && before !== me) {
      const who = before < 0 ? 'other lanes have' : `${dispatchLaneName(m, before)} has`;
      report(m, 'race', view.decl.name, () => `${laneName(m, lane)} stores ${view.decl.name}[${index}], which ${who} loaded in the same dispatch`);
    }
    writer[at] = me;
    if (value.written !== undefined) value.written[at] = 1;
  }
}

/** Workgroup memory with, for each element, the last write and the last reads: barrier interval and lane. */
export interface SharedState {
  readonly decl: SharedDecl;
  readonly data: Lanes;
  readonly writeEpoch: Int32Array;
  readonly writeLane: Int32Array;
  readonly readEpoch: Int32Array;
  /** -1: several lanes. */
  readonly readLane: Int32Array;
  readonly taint: Uint8Array;
  /** Number of the lane, from 1, whose copy to this element has not arrived; 0: none. */
  readonly flying: Int32Array;
}

export function sharedState(m: Machine, decl: SharedDecl): SharedState {
  const fresh = (): Int32Array => new Int32Array(decl.length);
  return { decl, data: room(decl.element, decl.length), writeEpoch: fresh(), writeLane: fresh(), readEpoch: fresh(), readLane: fresh(), taint: taintRoom(m, decl.length), flying: fresh() };
}

export function inShared(m: Machine, s: SharedState, lane: number, index: number, doing: 'loads' | 'stores'): boolean {
  if (index >= 0 && index < s.decl.length) return true;
  report(m, 'outside', s.decl.name, () => `${laneName(m, lane)} ${doing} ${s.decl.name}[${index}]; it holds ${s.decl.length} elements`);
  return false;
}

/** Reports an access to an element that a copy is under way to. */
function checkFlying(m: Machine, s: SharedState, lane: number, index: number, doing: string): void {
  const owner = s.flying[index] ?? 0;
  if (owner === 0) return;
  report(m, 'race', `${s.decl.name} copy`, () => `${laneName(m, lane)} ${doing} ${s.decl.name}[${index}], to which a copy of lane ${owner - 1} is under way`);
}

/** Checks a load; the taint of its value. */
export function noteSharedLoad(m: Machine, s: SharedState, lane: number, index: number): number {
  checkFlying(m, s, lane, index, 'loads');
  const written = s.writeEpoch[index] ?? 0;
  let taint = s.taint[index] ?? 0;
  if (written < m.groupEpoch) {
    taint = taintSource(m, `${s.decl.name}[${index}], which no lane of the workgroup has stored`);
  } else if (written === m.epoch && s.writeLane[index] !== lane) {
    const other = s.writeLane[index] ?? 0;
    report(m, 'race', s.decl.name, () => `${laneName(m, lane)} loads ${s.decl.name}[${index}], which lane ${other} has stored with no barrier between`);
  }
  s.readLane[index] = s.readEpoch[index] !== m.epoch || s.readLane[index] === lane ? lane : -1;
  s.readEpoch[index] = m.epoch;
  return taint;
}

/** A copy starts: from here on nobody may touch the element. */
export function noteCopyStart(m: Machine, s: SharedState, lane: number, index: number): void {
  noteSharedStore(m, s, lane, index, 0);
  s.flying[index] = lane + 1;
}

/** A copy has arrived: the lane has stored the element now. */
export function noteCopyEnd(m: Machine, s: SharedState, lane: number, index: number, taint: number): void {
  s.flying[index] = 0;
  s.writeEpoch[index] = m.epoch;
  s.writeLane[index] = lane;
  s.taint[index] = taint;
}

export function noteSharedStore(m: Machine, s: SharedState, lane: number, index: number, taint: number): void {
  checkFlying(m, s, lane, index, 'stores');
  if (s.writeEpoch[index] === m.epoch && s.writeLane[index] !== lane) {
    const other = s.writeLane[index] ?? 0;
    report(m, 'race', s.decl.name, () => `${laneName(m, lane)} stores ${s.decl.name}[${index}], which lane ${other} has stored with no barrier between`);
  }
  if (s.readEpoch[index] === m.epoch && s.readLane[index] !== lane) {
    const other = s.readLane[index] ?? 0;
    report(m, 'race', s.decl.name, () => `${laneName(m, lane)} stores ${s.decl.name}[${index}], which ${other < 0 ? 'other lanes have' : `lane ${other} has`} loaded with no barrier between`);
  }
  s.writeEpoch[index] = m.epoch;
  s.writeLane[index] = lane;
  s.taint[index] = taint;
}

/** A copy that has not arrived. */
export interface FlyingCopy {
  readonly memory: SharedState;
  readonly lane: number;
  readonly at: number;
  /** Number of the lane's group, from 0. */
  readonly group: number;
  readonly data: readonly [number, number, number, number];
  readonly taint: number;
}

/** The copies of a workgroup. */
export interface Copies {
  flying: FlyingCopy[];
  /** Groups that each lane has closed. */
  readonly closed: Int32Array;
}

export function newCopies(lanes: number): Copies {
  return { flying: [], closed: new Int32Array(lanes) };
}

/** Forgets what a finished workgroup left under way. */
export function resetCopies(copies: Copies): void {
  for (const c of copies.flying) c.memory.flying[c.at] = 0;
  copies.flying = [];
  copies.closed.fill(0);
}
