/** Matrix fragments: their layout against the formulas of the instructions, and the attention pass on them in lock-step. */
import { describe, expect, it } from 'vitest';
import { sm80 } from '../../../backends/targets.ts';
import { elementOf, fragments, registerCount } from '../../../compiler/kernel/layout.ts';
import { verifyKernel } from '../../../compiler/kernel/verify.ts';
import { queryTileOf, type Schedule } from '../../../compiler/schedule.ts';
import type { TargetRecord } from '../../../compiler/target.ts';
import { lowered, noise, runBoth, worstDifference, type Launch } from './both.ts';
import { attention } from './programs.ts';

const target: TargetRecord = sm80;

const schedule: Schedule = {
  layout: 'fragments', lanes: 64, rowsPerLane: 2, keyStep: 32, keyTile: 32, operand: 'workgroup', subgroup: 32, rowStorage: 'registers', chunkUnroll: 64,
};

function launchFor(nQ: number, nK: number, dim: number, queryTile: number, heads: number): Launch {
  return {
    values: new Map([['n_q', nQ], ['n_k', nK], ['heads', heads], ['tiles', Math.ceil(nQ / queryTile)], ['scale', 1 / Math.sqrt(dim)]]),
    inputs: new Map([['q', noise(heads * nQ * dim, 1)], ['k', noise(heads * nK * dim, 2)], ['v', noise(heads * nK * dim, 3)]]),
  };
}

/** Weights and outputs are rounded to halves; values are below 1. */
function check(s: Schedule, dim: number, nQ: number, nK: number): void {
  const queryTile = queryTileOf(s);
  const program = attention({ queryTile, keyTile: s.keyTile, keyStep: s.keyStep, dim, element: 'f16', scaled: 'scores' });
  const kernel = lowered(program, s, target);
  expect(verifyKernel(kernel)).toEqual([]);
  const ran = runBoth(program, s, target, 32, launchFor(nQ, nK, dim, queryTile, 2));
  expect(ran.problems).toEqual([]);
  expect(worstDifference(ran)).toBeLessThanOrEqual(2.5 * 2 ** -11);
}

describe('fragments', () => {
  it('put sums where the instruction has them', () => {
    const layout = fragments(64, 24, 2);
    for (let lane = 0; lane < 64; lane += 1) {
      const [warp, g, q] = [lane >> 5, (lane & 31) >> 2, lane & 3];
      for (let r = 0; r < registerCount(layout); r += 1) {
        const [i, tile, block] = [r % 4, Math.floor(r / 4) % 3, Math.floor(r / 12)];
        expect(elementOf(layout, lane, r)).toEqual({ row: 32 * warp + 16 * block + g + 8 * (i >> 1), col: 8 * tile + 2 * q + (i & 1) });
      }
    }
  });
  it('compute attention as the tile program says', () => {
    check(schedule, 16, 40, 70);
  });
  it('compute attention with two tiles of rows for each 32 lanes, and Q read from workgroup memory again', () => {
    check({ ...schedule, lanes: 32, rowsPerLane: 4, rowStorage: 'workgroup' }, 32, 40, 70);
  });
  it('pad head dimensions that are no multiple of 16', () => {
    check(schedule, 24, 33, 50);
    check(schedule, 40, 20, 33);
  });
});
