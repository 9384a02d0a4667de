/**
 * Chooses schedules. In: what the machine can do (a capability record), the head dimension, the storage type, the kind of kernel, and what
 * the source pins. Out: a schedule that fits the machine's workgroup memory and lanes. Figures come from measurements
 * (webgpu-notes 4): software drivers want few lanes and many rows a lane, because every load costs the same for 1 or 8 uses; GPUs
 * want one row a lane and operands staged in workgroup memory. Pins change speed, never results.
 */
import type { Schedule } from './schedule.ts';
import type { SchedulePins } from './spec/ir.ts';
import type { TargetRecord } from './target.ts';
import type { FloatElement } from './tile/ir.ts';

export type KernelKind = 'prefill' | 'decode' | 'merge' | 'table' | 'contraction';

export interface ScheduleRequest {
  readonly dim: number;
  readonly dtype: FloatElement;
  /** Factors of products may be rounded to this. */
  readonly products?: 'tf32';
  readonly kind: KernelKind;
  readonly pins: SchedulePins;
}

/** All chunks of a row unrolled. */
const wholeRow = 64;

export function chooseSchedule(target: TargetRecord, request: ScheduleRequest): Schedule {
  switch (request.kind) {
    case 'prefill':
      return onFragments(target, request, 64) ?? pinned(target.software ? softwarePrefill(target, request.dim) : hardwarePrefill(target, request.dim), target, request);
    case 'decode':
      return decode(target, request);
    case 'contraction':
      return contraction(target, request.dim);
    case 'merge':
    case 'table':
      return elementwise(target);
  }
}

/** Lanes whose shuffles may be counted on: up to 8; 1 where there are no subgroups. */
function subgroupOf(target: TargetRecord): number {
  return target.subgroups === undefined ? 1 : Math.min(8, target.subgroups.min);
}

function chunks(dim: number): number {
  return Math.ceil(dim / 4);
}

/** The largest power of two that is at most `limit`, at least 1. */
function powerBelow(limit: number): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, limit))));
}

/** Bytes of workgroup memory that a lane's query rows and output rows take. */
function rowBytes(dim: number): number {
  return 2 * 16 * chunks(dim);
}

function softwarePrefill(target: TargetRecord, dim: number): Schedule {
  return isWide(target, dim) ? wideSoftware(target, dim) : narrowSoftware(target, dim);
}

/** A software driver with vectors of 8 lanes and more, and room for a row a lane. */
function isWide(target: TargetRecord, dim: number): boolean {
  const { software, subgroups, workgroupBytes } = target;
  return software && subgroups !== undefined && subgroups.min >= 8 && powerBelow(subgroups.max) * rowBytes(dim) <= workgroupBytes;
}

/**
 * Drivers that make vector code of 8 lanes and more have compilers that optimise: workgroup memory costs them little, and the time they
 * take grows with the square of the loads in the text. So rows lie in workgroup memory and chunks are walked by a loop. Measured on
 * Mesa's driver, causal, 8 heads, N = 512, D = 64: 3.0 s of compilation and 36-44 CPU-ms a run; 16 lanes, or 8 rows a lane, are no
 * faster, 16 keys a step are slower (52-61), two chunks a turn compile 2.5 times as long; private arrays with all unrolled take 46 s.
 */
function wideSoftware(target: TargetRecord, dim: number): Schedule {
  const lanes = powerBelow(target.subgroups?.max ?? 8);
  const rowsPerLane = Math.min(4, powerBelow(target.workgroupBytes / (lanes * rowBytes(dim))));
  return {
    layout: 'rows-on-lanes', lanes, rowsPerLane, keyStep: 8, keyTile: 32, operand: 'shuffle', subgroup: 8, rowStorage: 'workgroup', chunkUnroll: 1,
  };
}

/**
 * Query tiles of 32 rows, 8 rows a lane up to D = 64 and fewer above: what a lane holds, and the text that a driver compiles, stay the same.
 * Four keys a step come from loads by groups of four lanes; more keys a step were slower and compiled twice as long.
 */
function narrowSoftware(target: TargetRecord, dim: number): Schedule {
  const grouped = target.subgroups !== undefined && target.subgroups.min >= 4;
  const rowsPerLane = dim <= 64 ? 8 : dim <= 128 ? 4 : 2;
  // A subgroup is one vector of the machine: fewer lanes would leave part of it idle.
  const vector = grouped ? powerBelow(target.subgroups?.max ?? 4) : 4;
  return {
    layout: 'rows-on-lanes', lanes: Math.max(vector, 32 / rowsPerLane), rowsPerLane, keyStep: 4, keyTile: 32,
    operand: grouped ? 'shuffle' : 'direct', subgroup: grouped ? 4 : 1, rowStorage: 'arrays', chunkUnroll: wholeRow,
  };
}

/**
 * A row a lane; its query and output take 2 D words. At D = 256 that is 512 (531 with all else), more than a lane has on most GPUs, and
 * what does not fit is kept in memory by the driver: touched once a key step, not once a key. Rows in workgroup memory would leave room
 * for 8 lanes in 16 KiB, fewer than a GPU's vector has. Not measured on a GPU; two lanes a row would be the way out.
 */
function hardwarePrefill(target: TargetRecord, dim: number): Schedule {
  const lanes = Math.min(64, target.maxWorkgroupSize);
  // One step of K and of V lie staged in workgroup memory.
  const keyStep = Math.min(32, powerBelow(target.workgroupBytes / (2 * 16 * chunks(dim))));
  return {
    layout: 'rows-on-lanes', lanes, rowsPerLane: 1, keyStep, keyTile: 32, operand: 'workgroup', subgroup: subgroupOf(target),
    rowStorage: 'registers', chunkUnroll: wholeRow,
  };
}

/**
 * Matrix operations: tiles of `rows` query rows, 16 a warp, and 64 keys a step, or fewer for few warps, or where only with 32 workgroup memory has
 * room for two workgroups. A lane holds D / 2 sums of the output, 32 scores and, up to D = 128, D / 4 words of Q (of f32 D / 2): 64 and 128 assemble without
 * spills. Beyond, Q is read again at each step and a step has 32 keys. Undefined where the machine, the numbers or the pins do not allow
 * it. Not measured on a GPU.
 */
function onFragments(target: TargetRecord, request: ScheduleRequest, rows: number): Schedule | undefined {
  const { dim, dtype, pins } = request;
  const operands = dtype === 'f32' ? request.products : dtype;
  if (operands === undefined || target.matrix?.includes(operands) !== true || dim % 8 !== 0) return undefined;
  const queryTile = pins.queryTile ?? rows;
  const keyTile = pins.keyTile ?? 64;
  if (queryTile < 16 || queryTile % 16 !== 0 || queryTile > 128) return undefined;
  const numbers = operands === 'tf32' ? 4 : 8;
  const bytesOfRow = 16 * (2 * Math.ceil(dim / (2 * numbers)) + 1);
  const times = (keyStep: number): number => Math.floor(target.workgroupBytes / ((queryTile + 2 * keyStep) * bytesOfRow));
  // Each copy that a lane starts has an address of its own: beyond 16 of them a step those of listed keys no longer fit.
  const copies = (keyStep: number): number => (keyStep * dim) / numbers / (2 * queryTile);
  const most = dim <= 128 ? 64 : 32;
  const steps = divisors(keyTile).filter((d) => d % 16 === 0 && (d === 16 || (d <= most && copies(d) <= 16)) && times(d) >= 1).reverse();
  const keyStep = steps.find((d) => d >= 32 && times(d) >= 2) ?? steps[0];
  if (keyStep === undefined) return undefined;
  return {
    layout: 'fragments', lanes: 2 * queryTile, rowsPerLane: 2, keyStep, keyTile, operand: 'workgroup', subgroup: 32,
    rowStorage: dim <= 128 ? 'registers' : 'workgroup', chunkUnroll: wholeRow,
  };
}

function decode(target: TargetRecord, request: ScheduleRequest): Schedule {
  const { dim, pins } = request;
  const { queryTile, ...others } = pins;
  // Above D = 64 a lane has no room for a row of Q and one of the output. A warp has, and multiplies 16 rows at once, most of which are not there;
  // but decoding waits for memory, and copies in the background read whole rows.
  const warp = dim > 64 && (queryTile ?? 16) >= 16 ? onFragments(target, { ...request, pins: others }, 16) : undefined;
  if (warp !== undefined) return warp;
  // Every lane holds a row of K and of V in named variables: up to D = 32 wide drivers compile that in 4 s, at D = 64 in 10 (5 CPU-ms a run
  // at N = 1024), where lanes that own rows take 3 s (19 CPU-ms, for one query row as for 8).
  if (isWide(target, dim) && dim > 32) return pinned({ ...wideSoftware(target, dim), rowsPerLane: 1 }, target, { ...request, pins: others });
  const subgroup = subgroupOf(target);
  // Where all lanes are one subgroup, they exchange values without workgroup memory.
  const lanes = target.software ? (target.subgroups !== undefined && target.subgroups.min === target.subgroups.max ? Math.min(8, target.subgroups.min) : 4) : Math.min(64, target.maxWorkgroupSize);
  const one = !target.software || isWide(target, dim);
  const rows = one ? 1 : dim <= 64 ? 4 : dim <= 128 ? 2 : 1;
  const keysPerLane = one || dim > 64 ? 1 : dim > 32 ? 2 : 4;
  const keyStep = lanes * keysPerLane;
  const own = Math.max(32, keyStep);
  const keyTile = pins.keyTile !== undefined && pins.keyTile % keyStep === 0 ? pins.keyTile : own;
  // Launches of at most this many query rows are decoded; a smaller pinned tile holds for them as well.
  const rowsPerLane = Math.min(rows, Math.max(1, queryTile ?? rows));
  return { layout: 'keys-on-lanes', lanes, rowsPerLane, keyStep, keyTile, operand: 'direct', subgroup, rowStorage: 'registers', chunkUnroll: wholeRow };
}

/**
 * Sums of products of stages, under no pins: these speak of the attention. Both operands are read where they are multiplied, chunk by chunk in
 * a loop: unrolled, the program of one tensor (D = 64) took SwiftShader 8 CPU-s to compile. Measured there, [512 x 256] x [256 x 704] in
 * CPU-ms: 4 rows a lane by 8 columns 109-138 (1.5 CPU-s of compilation), 8 by 8 142, 8 by 4 206-231, 4 by 16 147 (3.4), 8 by 16 116-129 (6).
 */
function contraction(target: TargetRecord, dim: number): Schedule {
  if (!target.software) return hardwarePrefill(target, dim);
  if (isWide(target, dim)) return wideSoftware(target, dim);
  return { ...narrowSoftware(target, dim), rowsPerLane: 4, keyStep: 8, chunkUnroll: 1, rowStorage: 'registers' };
}

function elementwise(target: TargetRecord): Schedule {
  const lanes = target.software ? 16 : Math.min(64, target.maxWorkgroupSize);
  return {
    layout: 'rows-on-lanes', lanes, rowsPerLane: 1, keyStep: 1, keyTile: 32, operand: 'direct', subgroup: subgroupOf(target),
    rowStorage: 'registers', chunkUnroll: wholeRow,
  };
}

// Rows of a lane are unrolled: beyond this the text grows without gain.
const mostRowsPerLane = 8;

/** Numbers that divide `n`, ascending. */
function divisors(n: number): readonly number[] {
  return Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
}

/** The schedule with the pinned query tile and key tile; what no longer fits falls back to what always works. */
function pinned(schedule: Schedule, target: TargetRecord, request: ScheduleRequest): Schedule {
  const { queryTile, keyTile } = request.pins;
  let result = schedule;
  if (queryTile !== undefined && queryTile >= 1) {
    const usable = divisors(queryTile).filter((d) => d <= target.maxWorkgroupSize && queryTile / d <= mostRowsPerLane);
    const grouped = usable.filter((d) => d % result.subgroup === 0);
    const preferred = (grouped.length > 0 ? grouped : usable).filter((d) => d <= schedule.lanes);
    const lanes = preferred[preferred.length - 1] ?? grouped[0] ?? usable[0] ?? queryTile;
    result = { ...result, lanes, rowsPerLane: queryTile / lanes };
  }
  if (keyTile !== undefined && keyTile >= 1) {
    const steps = divisors(keyTile).filter((d) => d <= schedule.keyStep);
    const grouped = steps.filter((d) => d % result.subgroup === 0);
    const keyStep = (result.operand === 'shuffle' && grouped.length > 0 ? grouped : steps).at(-1) ?? 1;
    result = { ...result, keyTile, keyStep };
  }
  const rows = result.lanes * result.rowsPerLane * rowBytes(request.dim);
  if (result.rowStorage === 'workgroup' && rows > target.workgroupBytes) result = { ...result, rowStorage: 'arrays' };
  const shuffles = result.operand === 'shuffle' && (result.lanes % result.subgroup !== 0 || result.keyStep % result.subgroup !== 0);
  return shuffles ? { ...result, operand: 'direct' } : result;
}
