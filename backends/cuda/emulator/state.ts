/**
 * What a running grid consists of. A register is 32 words at `base` of the warp's file, one a lane; a 64-bit register has its high words
 * at `base + 32`; a predicate is one word of 32 bits. `I` and `F` view the same words as `U`. Everything here is mutable by design:
 * it lives only inside one call of runPtxKernel.
 */
import type { Races } from './races.ts';

export const lanes = 32;

export interface Block {
  readonly name: string;
  readonly space: 'global' | 'shared' | 'local' | 'param' | 'const';
  /** First address; 64-bit addresses are exact as numbers. */
  readonly base: number;
  readonly size: number;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly writable: boolean;
  written: boolean;
  /** Read through the path that assumes nobody writes (`ld.global.nc`). */
  readConstant: boolean;
}

/** A background copy whose bytes are in flight. */
export interface Copy {
  readonly block: Block | undefined;
  readonly source: number;
  readonly target: number;
  readonly bytes: number;
  readonly size: number;
  /** Number of the group it belongs to, from 1. */
  readonly group: number;
  landed: boolean;
}

export interface Group {
  pc: number;
  mask: number;
  parked: boolean;
}

export interface Warp {
  readonly index: number;
  readonly U: Uint32Array;
  readonly I: Int32Array;
  readonly F: Float32Array;
  /** Per slot the lanes that hold a value. */
  readonly defined: Int32Array;
  readonly groups: Group[];
  /** Lanes that have not left. */
  live: number;
  readonly copies: Copy[];
  /** Groups committed so far. */
  committed: number;
  /** Set while waiting at a barrier. */
  waiting: number | undefined;
  readonly local: Block | undefined;
  readonly cta: Cta;
}

export interface Barrier {
  readonly arrived: Set<number>;
  readonly sleepers: Set<number>;
  expected: number;
  count: number;
  kind: string;
  /** Clocks of warps that arrived without waiting, as they were then. */
  readonly given: Int32Array[];
  /** Of `bar.red`: what the lanes gave. */
  votes: number;
  all: boolean;
  any: boolean;
  readonly results: { readonly warp: number; readonly finish: (popc: number, all: boolean, any: boolean) => void }[];
}

export interface Cta {
  readonly grid: Grid;
  readonly shared: Block;
  readonly races: Races;
  readonly warps: Warp[];
  readonly barriers: Map<number, Barrier>;
}

export type ProblemKind =
  | 'out-of-bounds' | 'misaligned' | 'wrong-space' | 'read-only' | 'uninitialised-shared' | 'in-flight' | 'race' | 'conflicting-store'
  | 'barrier' | 'divergence' | 'deadlock' | 'inactive-lane' | 'undefined-register' | 'division-by-zero' | 'step-limit' | 'trap'
  | 'constant-read-of-written' | 'launch';

export interface Grid {
  readonly blocks: readonly Block[];
  /** Serial number of the executing instruction. */
  serial: number;
  readonly report: (kind: ProblemKind, message: string, warp: Warp | undefined, lane: number | undefined) => void;
  readonly random: () => number;
  readonly completion: 'eager' | 'late' | 'random';
  readonly counters: Counters;
}

export interface Counters {
  sharedAccesses: number;
  sharedPhases: number;
  sharedIdealPhases: number;
  globalAccesses: number;
  globalSectors: number;
  globalIdealSectors: number;
}

/** What an instruction does to the lanes of `mask`. */
export type Exec = (warp: Warp, mask: number) => void;

export const sharedTag = 2 ** 40;
export const localTag = 2 ** 41;
export const paramTag = 2 ** 42;
export const sharedStart = 1024;
