/**
 * Random small schedules that a target can carry. In: a random source, the target, the head dimension, the kind of kernel. Out: a
 * schedule within the rules of compiler/schedule.ts. Tiles stay small, so that short sequences have several of them.
 */
import type { Schedule } from '../../compiler/schedule.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import type { Random } from '../random.ts';

/** How numbers are stored and multiplied. */
export interface Numbers {
  readonly dtype: FloatElement;
  readonly products?: 'tf32';
}

export function randomSchedule(random: Random, target: TargetRecord, dim: number, numbers: Numbers, kind: 'prefill' | 'decode'): Schedule {
  const operands = numbers.dtype === 'f32' ? numbers.products : numbers.dtype;
  if (operands !== undefined && target.matrix?.includes(operands) === true && dim % 8 === 0 && random.coin(kind === 'prefill' ? 0.7 : 0.4)) return randomFragments(random, kind);
  const subgroup = target.subgroups === undefined ? 1 : Math.min(random.pick([4, 8]), target.subgroups.min);
  const lanes = Math.min(random.pick(kind === 'decode' ? [4, 8, 16] : [1, 4, 8, 16]), target.maxWorkgroupSize);
  if (kind === 'decode') {
    const keyStep = lanes * random.pick([1, 2]);
    return {
      layout: 'keys-on-lanes', lanes, rowsPerLane: random.pick([1, 2, 4]), keyStep, keyTile: keyStep * random.pick([1, 2]), operand: 'direct', subgroup,
      rowStorage: 'registers', chunkUnroll: 64,
    };
  }
  const keyStep = random.pick([4, 8]);
  const mayShuffle = subgroup > 1 && lanes % subgroup === 0 && keyStep % subgroup === 0;
  const operand = random.pick(mayShuffle ? ['direct', 'shuffle', 'workgroup'] as const : ['direct', 'workgroup'] as const);
  const rowsPerLane = random.pick([1, 2, 4]);
  // Query and output rows take 32 bytes a chunk and row; a staged step of keys and of values as much a key.
  const rowBytes = 32 * Math.ceil(dim / 4);
  const fits = rowBytes * (lanes * rowsPerLane + 2 * keyStep) <= target.workgroupBytes;
  const rowStorage = fits ? random.pick(['registers', 'workgroup'] as const) : 'registers';
  return {
    layout: 'rows-on-lanes', lanes, rowsPerLane, keyStep, keyTile: keyStep * random.pick([1, 2, 4]), operand, subgroup,
    rowStorage, chunkUnroll: rowStorage === 'registers' ? 64 : random.pick([1, 2, 64]),
  };
}

function randomFragments(random: Random, kind: 'prefill' | 'decode'): Schedule {
  const keyStep = random.pick([16, 32]);
  return {
    layout: 'fragments', lanes: kind === 'decode' ? 32 : random.pick([32, 64]), rowsPerLane: kind === 'decode' ? 2 : random.pick([2, 4]), keyStep, keyTile: keyStep * random.pick([1, 2]), operand: 'workgroup',
    subgroup: 32, rowStorage: random.pick(['registers', 'workgroup'] as const), chunkUnroll: 64,
  };
}
