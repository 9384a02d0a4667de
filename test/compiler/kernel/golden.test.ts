/** Kernel programs as text, for people to read: one small attention pass in the three ways that schedules differ most. */
import { describe, expect, it } from 'vitest';
import { swiftshader, webgpuDefault } from '../../../backends/targets.ts';
import { printKernel } from '../../../compiler/kernel/print.ts';
import type { Schedule } from '../../../compiler/schedule.ts';
import type { TargetRecord } from '../../../compiler/target.ts';
import { lowered } from './both.ts';
import { attention, rowsSchedule } from './programs.ts';

const cases: readonly (readonly [string, Schedule, TargetRecord])[] = [
  ['shuffle-registers', rowsSchedule({ operand: 'shuffle', rowsPerLane: 1 }), swiftshader],
  ['workgroup-rolled', rowsSchedule({ operand: 'workgroup', rowStorage: 'workgroup', chunkUnroll: 1, rowsPerLane: 1 }), webgpuDefault],
  ['keys-on-lanes', rowsSchedule({ layout: 'keys-on-lanes', lanes: 8, rowsPerLane: 1, keyStep: 8 }), webgpuDefault],
];

describe('kernel text', () => {
  for (const [name, schedule, target] of cases) {
    it(`of the ${name} schedule is as recorded`, async () => {
      const queryTile = schedule.layout === 'rows-on-lanes' ? schedule.lanes * schedule.rowsPerLane : schedule.rowsPerLane;
      const program = attention({ queryTile, keyTile: 8, keyStep: schedule.keyStep, dim: 8, element: 'f32' });
      await expect(printKernel(lowered(program, schedule, target))).toMatchFileSnapshot(`golden/${name}.txt`);
    });
  }
});
