/** The attention pass through every layout, atom, placement, element and row length, in lock-step against the tile interpreter. */
import { describe, expect, it } from 'vitest';
import { lavapipe, swiftshader, webgpuDefault } from '../../../backends/targets.ts';
import { chooseSchedule } from '../../../compiler/choose-schedule.ts';
import type { Schedule } from '../../../compiler/schedule.ts';
import type { TargetRecord } from '../../../compiler/target.ts';
import type { FloatElement } from '../../../compiler/tile/ir.ts';
import { noise, runBoth, worstDifference, type Launch } from './both.ts';
import { attention, rowsSchedule } from './programs.ts';

function launchFor(nQ: number, nK: number, dim: number, queryTile: number, heads: number): Launch {
  return {
    values: new Map([['n_q', nQ], ['n_k', nK], ['heads', heads], ['tiles', Math.ceil(nQ / queryTile)], ['scale', 1 / Math.sqrt(dim)]]),
    inputs: new Map([['q', noise(heads * nQ * dim, 1)], ['k', noise(heads * nK * dim, 2)], ['v', noise(heads * nK * dim, 3)]]),
  };
}

/** Scores are at most sqrt(dim); their rounding enters the weights, the sums have up to nK terms of size 1. */
function bound(dim: number, nK: number, element: FloatElement): number {
  const unit = 2 ** -24;
  const rounding = element === 'f32' ? 0 : element === 'f16' ? 2 ** -11 : 2 ** -8;
  return unit * (4 * (dim + 4) * Math.sqrt(dim) + 4 * nK + 32) + rounding;
}

interface Case {
  readonly schedule: Schedule;
  readonly target: TargetRecord;
  readonly width: number;
  readonly dim: number;
  readonly element: FloatElement;
}

function check(c: Case, nQ: number, nK: number): void {
  const queryTile = c.schedule.layout === 'rows-on-lanes' ? c.schedule.lanes * c.schedule.rowsPerLane : c.schedule.rowsPerLane;
  const program = attention({ queryTile, keyTile: c.schedule.keyTile, keyStep: c.schedule.keyStep, dim: c.dim, element: c.element });
  const ran = runBoth(program, c.schedule, c.target, c.width, launchFor(nQ, nK, c.dim, queryTile, 2));
  expect(ran.problems).toEqual([]);
  expect(worstDifference(ran)).toBeLessThanOrEqual(bound(c.dim, nK, c.element));
}

const keysOnLanes = (change: Partial<Schedule>): Schedule =>
  rowsSchedule({ layout: 'keys-on-lanes', lanes: 8, rowsPerLane: 2, keyStep: 8, keyTile: 16, ...change });

const workgroupRows: Partial<Schedule> = { rowStorage: 'workgroup', chunkUnroll: 1 };

describe('attention in lock-step', () => {
  const atoms: readonly (readonly [string, Partial<Schedule>])[] = [
    ['direct', { operand: 'direct' }], ['shuffle', { operand: 'shuffle' }], ['workgroup', { operand: 'workgroup' }],
  ];
  for (const [name, change] of atoms) {
    for (const dim of [1, 4, 6, 7, 8, 12]) {
      it(`is right with the ${name} atom, rows in registers, D = ${dim}`, () => {
        check({ schedule: rowsSchedule(change), target: swiftshader, width: 4, dim, element: 'f32' }, 11, 21);
      });
      it(`is right with the ${name} atom, rows in workgroup memory, D = ${dim}`, () => {
        check({ schedule: rowsSchedule({ ...change, ...workgroupRows }), target: swiftshader, width: 4, dim, element: 'f32' }, 11, 13);
      });
    }
  }
  for (const dim of [1, 6, 8, 12]) {
    it(`is right with rows in private arrays, D = ${dim}`, () => {
      check({ schedule: rowsSchedule({ rowStorage: 'arrays', operand: 'shuffle' }), target: swiftshader, width: 4, dim, element: 'f32' }, 11, 21);
      check({ schedule: rowsSchedule({ rowStorage: 'arrays', operand: 'shuffle' }), target: swiftshader, width: 8, dim, element: 'f32' }, 5, 3);
    });
  }
  it('is right where the chunk loop is rolled two at a time and the count is odd', () => {
    check({ schedule: rowsSchedule({ ...workgroupRows, chunkUnroll: 2, operand: 'shuffle' }), target: swiftshader, width: 4, dim: 20, element: 'f32' }, 9, 17);
  });
  it('is right on a machine whose subgroup is larger than the group that shuffles', () => {
    check({ schedule: rowsSchedule({ operand: 'shuffle', lanes: 16, rowsPerLane: 1, keyStep: 8 }), target: swiftshader, width: 16, dim: 8, element: 'f32' }, 20, 25);
    check({ schedule: rowsSchedule({ operand: 'shuffle', lanes: 16, rowsPerLane: 1, keyStep: 8, subgroup: 8 }), target: lavapipe, width: 8, dim: 8, element: 'f32' }, 20, 25);
  });
  for (const element of ['f32', 'f16', 'bf16'] as const) {
    it(`is right as software drivers with wide vectors get it, ${element}`, () => {
      for (const kind of ['prefill', 'decode'] as const) {
        check({ schedule: chooseSchedule(lavapipe, { dim: 36, dtype: element, kind, pins: {} }), target: lavapipe, width: 8, dim: 36, element }, 35, 37);
        const wide = { ...lavapipe, subgroups: { min: 16, max: 16 } };
        check({ schedule: chooseSchedule(wide, { dim: 18, dtype: element, kind, pins: {} }), target: wide, width: 16, dim: 18, element }, 5, 37);
      }
    });
  }
  it('falls back to direct loads where the target has no subgroups', () => {
    check({ schedule: rowsSchedule({ operand: 'shuffle' }), target: webgpuDefault, width: 32, dim: 8, element: 'f32' }, 5, 9);
  });
  for (const dim of [2, 4, 6, 8]) {
    it(`is right on packed halves, D = ${dim}`, () => {
      check({ schedule: rowsSchedule({ operand: 'shuffle' }), target: swiftshader, width: 4, dim, element: 'f16' }, 7, 13);
      check({ schedule: rowsSchedule({ operand: 'workgroup', ...workgroupRows }), target: swiftshader, width: 4, dim, element: 'f16' }, 7, 13);
    });
  }
  for (const dim of [3, 8]) {
    it(`is right on f16 elements, D = ${dim}`, () => {
      check({ schedule: rowsSchedule({ operand: 'direct' }), target: lavapipe, width: 8, dim, element: 'f16' }, 7, 13);
    });
  }
  for (const dim of [3, 8]) {
    it(`is right with keys on lanes, D = ${dim}, through workgroup memory`, () => {
      check({ schedule: keysOnLanes({}), target: webgpuDefault, width: 32, dim, element: 'f32' }, 3, 37);
    });
    it(`is right with keys on lanes, D = ${dim}, in one subgroup`, () => {
      check({ schedule: keysOnLanes({ lanes: 4, rowsPerLane: 1 }), target: swiftshader, width: 4, dim, element: 'f32' }, 3, 37);
    });
  }
});
