/**
 * Chooses schedules. In: what the machine can do (a capability record), the head dimension, the storage type, the kind of kernel, and what
 * the source pins. Out: a schedule that fits the machine's workgroup memory and lanes. Figures come from measurements
 * (webgpu-notes 4): software drivers want few lanes and many rows a lane, because every load costs the same for 1 or 8 uses; GPUs
 * want one row a lane and operands staged in workgroup memory. Pins change speed, never results.
 */
import type { Schedule } from './schedule.ts';
import type { SchedulePins } from './spec/ir.ts';
import type { TargetRecord } from './target.ts';

export type KernelKind = 'prefill' | 'decode' | 'merge' | 'table';

export interface ScheduleRequest {
  readonly dim: number;
  readonly dtype: 'f32' | 'f16';
  readonly kind: KernelKind;
  readonly pins: SchedulePins;
}

/** All chunks of a row unrolled. */
const wholeRow = 64;

export function chooseSchedule(target: TargetRecord, request: ScheduleRequest): Schedule {
  switch (request.kind) {
    case 'prefill':
      return pinned(target.software ? softwarePrefill(target, request.dim) : hardwarePrefill(target, request.dim), target, request);
    case 'decode':
      return decode(target, request);
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

// OPEN (lead, 08:00), for whoever works on kernel lowering next, in this order:
// 1. rowStorage 'arrays' (see the measurement in schedule.ts) and the software default lanes = subgroup, rowsPerLane 8, keyStep = subgroup,
//    keyTile 32: 598 CPU-ms at N = 1024 against 740 with 16 x 4, and the driver compiles 4x sooner. rowsPerLane 4 where compile time matters.
// 2. compile time: passes/simplify.ts and emitter.ts take 0.5 s a kernel; the goal is 50 ms a kernel from source to text (warm).
// 3. a program without phases (`mask none`): [rows, dim] tile O is stored element by element through a vec4 view, out of range.
// 4. `maxStorageBuffers`: programs with many tensors are refused; pack small int tensors only if it is simple.
function softwarePrefill(target: TargetRecord, dim: number): Schedule {
  const subgroup = subgroupOf(target);
  const operand = subgroup > 1 ? 'shuffle' : 'direct';
  const base: Schedule = {
    layout: 'rows-on-lanes', lanes: 16, rowsPerLane: 4, keyStep: 8, keyTile: 32, operand, subgroup, rowStorage: 'registers', chunkUnroll: wholeRow,
  };
  if (dim <= 64) return base;
  // Unrolled rows of more than 16 chunks take seconds to compile. In workgroup memory lie query and output, 16 bytes a chunk.
  const rows = Math.min(64, powerBelow(target.workgroupBytes / (2 * 16 * chunks(dim))));
  const lanes = Math.max(1, rows / 4);
  const fits = lanes % subgroup === 0;
  return {
    ...base, lanes, rowsPerLane: rows / lanes, rowStorage: 'workgroup', chunkUnroll: 2,
    ...(fits ? {} : { operand: 'direct' as const, subgroup: 1 }),
  };
}

function hardwarePrefill(target: TargetRecord, dim: number): Schedule {
  const lanes = Math.min(64, target.maxWorkgroupSize);
  // One step of K and of V lie staged in workgroup memory.
  const keyStep = Math.min(32, powerBelow(target.workgroupBytes / (2 * 16 * chunks(dim))));
  return {
    layout: 'rows-on-lanes', lanes, rowsPerLane: 1, keyStep, keyTile: 32, operand: 'workgroup', subgroup: subgroupOf(target),
    rowStorage: 'registers', chunkUnroll: wholeRow,
  };
}

function decode(target: TargetRecord, request: ScheduleRequest): Schedule {
  const { dim, pins } = request;
  const subgroup = subgroupOf(target);
  // Where all lanes are one subgroup, they exchange values without workgroup memory.
  const lanes = target.software ? (target.subgroups !== undefined && target.subgroups.min === target.subgroups.max ? Math.min(8, target.subgroups.min) : 4) : Math.min(64, target.maxWorkgroupSize);
  const rowsPerLane = !target.software ? 1 : dim <= 64 ? 4 : dim <= 128 ? 2 : 1;
  const keysPerLane = !target.software || dim > 64 ? 1 : dim > 32 ? 2 : 4;
  const keyStep = lanes * keysPerLane;
  const own = Math.max(32, keyStep);
  const keyTile = pins.keyTile !== undefined && pins.keyTile % keyStep === 0 ? pins.keyTile : own;
  return { layout: 'keys-on-lanes', lanes, rowsPerLane, keyStep, keyTile, operand: 'direct', subgroup, rowStorage: 'registers', chunkUnroll: wholeRow };
}

function elementwise(target: TargetRecord): Schedule {
  const lanes = target.software ? 16 : Math.min(64, target.maxWorkgroupSize);
  // Rows of the merge are walked in a rolled loop over chunks: their accumulators lie in workgroup memory, 16 bytes a chunk.
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
  const shuffles = result.operand === 'shuffle' && (result.lanes % result.subgroup !== 0 || result.keyStep % result.subgroup !== 0);
  return shuffles ? { ...result, operand: 'direct' } : result;
}
