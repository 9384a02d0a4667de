/** Schedules fit the machine for every head dimension, and pins never make one that cannot be lowered. */
import { describe, expect, it } from 'vitest';
import { cudaTargets, lavapipe, targets } from '../../backends/targets.ts';
import { chooseSchedule, type KernelKind } from '../../compiler/choose-schedule.ts';
import { lowerTile } from '../../compiler/kernel/lower-tile.ts';
import { kernelResources } from '../../compiler/kernel/resources.ts';
import { verifyKernel } from '../../compiler/kernel/verify.ts';
import { walkStatements } from '../../compiler/kernel/walk.ts';
import { queryTileOf } from '../../compiler/schedule.ts';
import type { TargetRecord } from '../../compiler/target.ts';
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
  it.each([{ dtype: 'f16' }, { dtype: 'bf16' }, { dtype: 'f32', products: 'tf32' }] as const)('multiply fragments of $dtype where the machine has matrix operations and the numbers fit, whatever is pinned', (numbers) => {
    for (const target of cudaTargets) {
      for (const dim of numbers.dtype === 'f16' ? [8, 40, 64, 128, 256] : [24, 64]) {
        for (const pins of [{}, { queryTile: 16, keyTile: 16 }, { queryTile: 128, keyTile: 48 }]) {
          const schedule = chooseSchedule(target, { dim, ...numbers, kind: 'prefill', pins });
          expect(schedule.layout).toBe('fragments');
          expect(queryTileOf(schedule)).toBe(pins.queryTile ?? 64);
          const shape = { queryTile: queryTileOf(schedule), keyTile: schedule.keyTile, keyStep: schedule.keyStep, dim, element: numbers.dtype, scaled: 'scores' } as const;
          const result = lowerTile(attention(shape), schedule, target);
          expect(result.diagnostics).toEqual([]);
          if (result.ok && dim <= 64) expect(verifyKernel(result.value)).toEqual([]);
        }
      }
      for (const [dim, dtype, pins] of [[64, { dtype: 'f32' }, {}], [36, numbers, {}], [64, numbers, { queryTile: 24 }], [64, numbers, { keyTile: 8 }]] as const) {
        const schedule = chooseSchedule(target, { dim, ...dtype, kind: 'prefill', pins });
        expect(schedule.layout).toBe('rows-on-lanes');
      }
    }
  });
  it('leave room for two workgroups of fragments on a multiprocessor, where fewer keys a step do that', () => {
    const step = (target: TargetRecord, dim: number, numbers: { readonly dtype: 'bf16' } | { readonly dtype: 'f32'; readonly products: 'tf32' }): number =>
      chooseSchedule(target, { dim, ...numbers, kind: 'prefill', pins: {} }).keyStep;
    expect(cudaTargets.map((t) => step(t, 64, { dtype: 'bf16' }))).toEqual([64, 64, 64]);
    expect(cudaTargets.map((t) => step(t, 128, { dtype: 'bf16' }))).toEqual([64, 64, 32]);
    expect(cudaTargets.map((t) => step(t, 128, { dtype: 'f32', products: 'tf32' }))).toEqual([32, 64, 64]);
    expect(cudaTargets.map((t) => step(t, 64, { dtype: 'f32', products: 'tf32' }))).toEqual([64, 64, 32]);
    expect(cudaTargets.map((t) => step(t, 256, { dtype: 'bf16' }))).toEqual([32, 32, 32]);
  });
  it('never count on more lanes than the smallest subgroup has', () => {
    for (const target of targets) {
      const schedule = chooseSchedule(target, { dim: 64, dtype: 'f32', kind: 'prefill', pins: {} });
      expect(schedule.subgroup).toBeLessThanOrEqual(target.subgroups?.min ?? 1);
    }
  });
  it('keep the text short where the compiler of the driver is slow, whatever the head dimension', () => {
    for (const dim of [16, 64, 128, 256]) {
      const schedule = chooseSchedule(lavapipe, { dim, dtype: 'f32', kind: 'prefill', pins: {} });
      const result = lowerTile(attention({ queryTile: queryTileOf(schedule), keyTile: schedule.keyTile, keyStep: schedule.keyStep, dim, element: 'f32' }), schedule, lavapipe);
      if (!result.ok) throw new Error('refused');
      expect(kernelResources(result.value).loadSites).toBeLessThanOrEqual(32);
      // A loop whose number of turns the driver knows is unrolled there, and the text is long again.
      const ends: string[] = [];
      walkStatements(result.value.body, (s) => {
        if (s.kind === 'for' && s.index.startsWith('chunk')) ends.push(s.to.kind);
      });
      expect(ends.length).toBeGreaterThan(3);
      expect(ends).not.toContain('literal');
    }
  });
  it('put rows elsewhere where a pinned query tile does not fit workgroup memory', () => {
    const of = (queryTile: number): string => chooseSchedule(lavapipe, { dim: 64, dtype: 'f32', kind: 'prefill', pins: { queryTile } }).rowStorage;
    expect([of(64), of(128)]).toEqual(['workgroup', 'arrays']);
  });
  it('decode no more rows than a pinned query tile has', () => {
    for (const target of targets) {
      const schedule = chooseSchedule(target, { dim: 32, dtype: 'f32', kind: 'decode', pins: { queryTile: 2 } });
      expect(queryTileOf(schedule)).toBeLessThanOrEqual(2);
    }
  });
});
