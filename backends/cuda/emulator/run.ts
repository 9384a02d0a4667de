/**
 * Runs a grid of a decoded entry on buffers of bytes. Every buffer is an allocation of its own with gaps around it; results are written
 * back at the end. Out: the problems found, each once per instruction and kind, and counts. Nothing here throws for a bad kernel.
 */
import { createCounters } from './counters.ts';
import { createBlock } from './memory.ts';
import { runWarps } from './machine.ts';
import type { Progress } from './machine.ts';
import type { PtxEntry, PtxModule } from './module.ts';
import { createRaces } from './races.ts';
import type { Block, Counters, Cta, Grid, ProblemKind, Warp } from './state.ts';

/** A pointer to a buffer of its own, or the bytes of a value. */
export type PtxParam =
  | { readonly kind: 'buffer'; readonly bytes: Uint8Array; readonly writable: boolean }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

export interface PtxLaunch {
  readonly grid: readonly [number, number, number];
  /** Threads in a workgroup. */
  readonly block: number;
  /** Bytes of dynamic shared memory. */
  readonly sharedBytes: number;
  readonly params: readonly PtxParam[];
  /** Order of workgroups and of their warps; a number seeds a random one. */
  readonly order?: 'forward' | 'reverse' | number;
  /** When background copies arrive: at once, at the wait, or at random. */
  readonly completion?: 'eager' | 'late' | number;
  /** Warp instructions after which the run is given up; 2e9 unless given. */
  readonly stepLimit?: number;
}

export interface PtxProblem {
  readonly kind: ProblemKind;
  readonly message: string;
  readonly entry: string;
  readonly instruction: string;
  /** Line of the PTX text. */
  readonly line: number;
  /** Line of the CUDA source, where the text was compiled with line information. */
  readonly source: number | undefined;
  readonly workgroup: readonly [number, number, number];
  readonly warp: number | undefined;
  readonly lane: number | undefined;
}

export interface PtxCounts extends Readonly<Counters> {
  /** Warp instructions executed. */
  readonly instructions: number;
  /** The same by opcode with its modifiers. */
  readonly mix: ReadonlyMap<string, number>;
}

export interface PtxRun {
  readonly problems: readonly PtxProblem[];
  readonly counts: PtxCounts;
}

const buffersStart = 2 ** 34;
const guardGap = 4096;
const mostProblems = 100;

export function runPtxKernel(module: PtxModule, kernelName: string, launch: PtxLaunch): PtxRun {
  const problems: PtxProblem[] = [];
  const counters = createCounters();
  const entry = module.entries.find((e) => e.name === kernelName);
  const misuse = entry === undefined ? `there is no kernel ${kernelName}` : launchProblem(entry, launch);
  if (entry === undefined || misuse !== undefined) {
    problems.push({ kind: 'launch', message: misuse ?? '', entry: kernelName, instruction: '', line: 0, source: undefined, workgroup: [0, 0, 0], warp: undefined, lane: undefined });
    return { problems, counts: { ...counters, instructions: 0, mix: new Map() } };
  }
  const progress: Progress = { executed: new Float64Array(entry.code.length), steps: 0, limit: launch.stepLimit ?? 2e9, current: undefined, stopped: false };
  const blocks = blocksOf(module, entry, launch);
  const reported = new Set<string>();
  let workgroup: readonly [number, number, number] = [0, 0, 0];
  const random = randomNumbers(typeof launch.completion === 'number' ? launch.completion : 1);
  const grid: Grid = {
    blocks, serial: 0, random, counters, completion: typeof launch.completion === 'number' ? 'random' : (launch.completion ?? 'late'),
    report: (kind, message, warp, lane) => {
      const line = progress.current?.instruction.line ?? 0;
      const key = `${kind} ${line}`;
      if (reported.has(key) || problems.length >= mostProblems) return;
      reported.add(key);
      const { instruction } = progress.current ?? {};
      problems.push({ kind, message, entry: entry.name, instruction: instruction?.text ?? '', line, source: instruction?.source?.line, workgroup, warp: warp?.index, lane });
      if (kind === 'trap') progress.stopped = true;
    },
  };
  const [gx, gy, gz] = launch.grid;
  for (const index of orderOf(gx * gy * gz, launch.order)) {
    workgroup = [index % gx, Math.floor(index / gx) % gy, Math.floor(index / (gx * gy))];
    const cta = createCta(entry, grid, launch, workgroup);
    runWarps(cta, entry.code, orderOf(cta.warps.length, launch.order), progress);
    if (progress.stopped) break;
  }
  for (const block of blocks) {
    if (block.readConstant && block.written) grid.report('constant-read-of-written', `${block.name} is read with ld.global.nc and written in one launch`, undefined, undefined);
  }
  launch.params.forEach((param, i) => {
    const block = blocks.find((b) => b.space === 'global' && b.name === `parameter ${i}`);
    if (param.kind === 'buffer' && param.writable && block !== undefined) param.bytes.set(block.u8.subarray(0, param.bytes.length));
  });
  const mix = new Map<string, number>();
  entry.code.forEach(({ instruction }, i) => {
    const name = instruction.parts.join('.');
    const times = progress.executed[i] ?? 0;
    if (times > 0) mix.set(name, (mix.get(name) ?? 0) + times);
  });
  return { problems, counts: { ...counters, instructions: [...mix.values()].reduce((a, b) => a + b, 0), mix } };
}

function launchProblem(entry: PtxEntry, launch: PtxLaunch): string | undefined {
  if (launch.params.length !== entry.params.length) return `${entry.name} takes ${entry.params.length} parameters and gets ${launch.params.length}`;
  const wrong = launch.params.findIndex((p, i) => (p.kind === 'buffer' ? 8 : p.bytes.length) !== (entry.params[i]?.size ?? 0));
  if (wrong >= 0) return `parameter ${wrong} of ${entry.name} has ${entry.params[wrong]?.size ?? 0} bytes`;
  if (launch.block < 1 || launch.block > 1024) return `${launch.block} threads in a workgroup`;
  if (entry.maxThreads !== undefined && launch.block > entry.maxThreads) return `${launch.block} threads in a workgroup of at most ${entry.maxThreads}`;
  return undefined;
}

function blocksOf(module: PtxModule, entry: PtxEntry, launch: PtxLaunch): readonly Block[] {
  const blocks: Block[] = [];
  let at = buffersStart;
  launch.params.forEach((param, i) => {
    const pointer = new Uint8Array(8);
    if (param.kind === 'buffer') {
      blocks.push(createBlock(`parameter ${i}`, 'global', at, param.bytes.length, param.bytes, param.writable));
      new DataView(pointer.buffer).setBigUint64(0, BigInt(at), true);
      at = Math.ceil((at + param.bytes.length + guardGap) / 256) * 256;
    }
    const value = param.kind === 'buffer' ? pointer : param.bytes;
    blocks.push(createBlock(`parameter ${i}`, 'param', entry.paramAddresses[i] ?? 0, value.length, value, false));
  });
  for (const { variable, address } of module.variables) {
    const initial = new Uint8Array(variable.size);
    const view = new DataView(initial.buffer);
    variable.initial.forEach((v, i) => {
      for (let b = 0; b < variable.elementSize; b += 1) view.setUint8(i * variable.elementSize + b, Math.floor(v / 256 ** b) & 255);
    });
    blocks.push(createBlock(variable.name, variable.space === 'const' ? 'const' : 'global', address, variable.size, initial, variable.space === 'global'));
  }
  return blocks;
}

function createCta(entry: PtxEntry, grid: Grid, launch: PtxLaunch, id: readonly [number, number, number]): Cta {
  const size = entry.staticShared + launch.sharedBytes;
  const count = Math.ceil(launch.block / 32);
  const shared = createBlock('shared memory', 'shared', 0, size, new Uint8Array(0), true);
  const cta: Cta = { grid, shared, races: createRaces(size, count), warps: [], barriers: new Map() };
  for (let index = 0; index < count; index += 1) cta.warps.push(createWarp(entry, cta, index, launch, id));
  return cta;
}

function createWarp(entry: PtxEntry, cta: Cta, index: number, launch: PtxLaunch, id: readonly [number, number, number]): Warp {
  const U = new Uint32Array(entry.words);
  const live = launch.block - index * 32 >= 32 ? -1 : (1 << (launch.block - index * 32)) - 1;
  const defined = new Int32Array((entry.words >>> 5) + 1);
  for (const { base, low, high } of entry.constants) {
    U.fill(low, base, base + 32);
    U.fill(high, base + 32, base + 64);
    defined[base >>> 5] = -1;
  }
  for (const { base, name } of entry.specials) {
    for (let l = 0; l < 32; l += 1) U[base + l] = specialValue(name, index, l, launch, id);
    defined[base >>> 5] = -1;
  }
  const local = entry.localBytes > 0 ? createBlock('local memory', 'local', 0, Math.ceil(entry.localBytes / 16) * 16 * 32, new Uint8Array(0), true) : undefined;
  return {
    index, U, I: new Int32Array(U.buffer), F: new Float32Array(U.buffer), defined, groups: [{ pc: 0, mask: live, parked: false }], live, copies: [],
    committed: 0, waiting: undefined, local, cta,
  };
}

function specialValue(name: string, warp: number, lane: number, launch: PtxLaunch, id: readonly [number, number, number]): number {
  switch (name) {
    case '%tid.x': return warp * 32 + lane;
    case '%ntid.x': return launch.block;
    case '%ntid.y':
    case '%ntid.z': return 1;
    case '%ctaid.x': return id[0];
    case '%ctaid.y': return id[1];
    case '%ctaid.z': return id[2];
    case '%nctaid.x': return launch.grid[0];
    case '%nctaid.y': return launch.grid[1];
    case '%nctaid.z': return launch.grid[2];
    case '%laneid': return lane;
    case '%warpid': return warp;
    case '%dynamic_smem_size': return launch.sharedBytes;
    case '%lanemask_lt': return (1 << lane) - 1;
    case '%lanemask_le': return lane === 31 ? -1 : (1 << (lane + 1)) - 1;
    case '%lanemask_eq': return 1 << lane;
    case '%lanemask_ge': return ~((1 << lane) - 1);
    case '%lanemask_gt': return lane === 31 ? 0 : ~((1 << (lane + 1)) - 1);
    default: return 0;
  }
}

function orderOf(count: number, order: PtxLaunch['order']): readonly number[] {
  const list = Array.from({ length: count }, (_, i) => i);
  if (order === 'reverse') return list.reverse();
  if (typeof order !== 'number') return list;
  const random = randomNumbers(order);
  for (let i = list.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const [a = 0, b = 0] = [list[i], list[j]];
    list[i] = b;
    list[j] = a;
  }
  return list;
}

/** Reproducible numbers in [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
