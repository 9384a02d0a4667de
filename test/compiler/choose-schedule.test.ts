/** Schedules fit the machine for every head dimension, and pins never make one that cannot be lowered. */
import { describe, expect, it } from 'vitest';
import { targets } from '../../backends/targets.ts';
import { chooseSchedule, type KernelKind } from '../../compiler/choose-schedule.ts';
import { lowerTile } from '../../compiler/kernel/lower-tile.ts';
import { verifyKernel } from '../../compiler/kernel/verify.ts';
import { queryTileOf } from '../../compiler/schedule.ts';
import { attention } from './kernel/programs.ts';

const kinds: readonly KernelKind[] = ['prefill', 'decode'];

describe('chosen schedules', () => {
  for (const target of targets) {
    it(`lower on ${target.name} for small, odd and large head dimensions`, () => {
      for (const kind of kinds) {
        for (const dim of [1, 33, 64, 128, 256]) {
          const schedule = chooseSchedule(target, { dim, dtype: 'f32', kind, pins: {} });
          const program = attention({ queryTile: queryTileOf(schedule), keyTile: schedule.keyTile, keyStep: schedule.keyStep, dim, element: 'f32' });
          const result = lowerTile(program, schedule, target);
          expect(result.diagnostics).toEqual([]);
          if (result.ok && dim <= 64) expect(verifyKernel(result.value)).toEqual([]);
        }
      }
    });
  }
  it('keep a pinned query tile and key tile, whatever they are', () => {
    for (const target of targets) {
      for (const [queryTile, keyTile] of [[1, 1], [7, 3], [48, 24], [64, 16], [33, 40]] as const) {
        const schedule = chooseSchedule(target, { dim: 8, dtype: 'f32', kind: 'prefill', pins: { queryTile, keyTile } });
        expect(queryTileOf(schedule)).toBe(queryTile);
        expect(schedule.keyTile).toBe(keyTile);
        expect(keyTile % schedule.keyStep).toBe(0);
        const result = lowerTile(attention({ queryTile, keyTile, keyStep: schedule.keyStep, dim: 8, element: 'f32' }), schedule, target);
        expect(result.diagnostics).toEqual([]);
      }
    }
  });
  it('never count on more lanes than the smallest subgroup has', () => {
    for (const target of targets) {
      const schedule = chooseSchedule(target, { dim: 64, dtype: 'f32', kind: 'prefill', pins: {} });
      expect(schedule.subgroup).toBeLessThanOrEqual(target.subgroups?.min ?? 1);
    }
  });
});
