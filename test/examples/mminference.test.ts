/**
 * A layer whose heads are given their patterns by a table: each head sees what the program of its own pattern sees, a grid head at the stride
 * and phase that the search has found; and the kernels compute it on a device that binds no more than WebGPU promises.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { webgpuDefault } from '../../backends/targets.ts';
import { denseAttention, denseMask, denseStages } from '../../compiler/interpreters/dense/index.ts';
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import { runPlanWithTiles } from '../../compiler/interpreters/launch.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';
import { compileSpec } from '../../compiler/pipeline.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import { withDefaults } from '../../compiler/spec/check-launch.ts';
import type { Launch, Sizes, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import { inputsOf, valueOf } from '../compiler/stage/specs.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples');
const sizes: Sizes = { batch: 1, heads: 6, kvHeads: 2, nQ: 48, nK: 48, dim: 8 };
const inputs = inputsOf(sizes, 21);

function program(file: string, name: string, constants: Readonly<Record<string, number>> = {}): Spec {
  return valueOf(compileSource({ file: join(examples, file) }, (path) => readFileSync(path, 'utf8'), name, new Map(Object.entries(constants))));
}

const ints = (extents: readonly number[], data: readonly number[]): TensorValue => ({ extents, data: Int32Array.from(data) });
const perHead = (value: number): TensorValue => ints([sizes.heads], Array.from({ length: sizes.heads }, () => value));

function launchOf(spec: Spec, scalars: Readonly<Record<string, number>>, tensors: Readonly<Record<string, TensorValue>>): Launch {
  const known = <T>(list: readonly { readonly name: string }[], given: Readonly<Record<string, T>>): ReadonlyMap<string, T> => new Map(Object.entries(given).filter(([n]) => list.some((p) => p.name === n)));
  return withDefaults(spec, { sizes, scalars: known(spec.scalars, scalars), tensors: known(spec.tensors, tensors) });
}

/** Text, video, text, video, text. */
const modality = ints([48], Array.from({ length: 48 }, (_, i) => (i < 6 || (i >= 20 && i < 26) || i >= 43 ? 0 : 1)));
const pairs = ints([4, 6], [5, 2, 1, -1, 1, -1, -99, 0, 1, -1, 4, 1, 99, 0, 1, -1, 1, -1, 6, 2, 4, 1, 4, 1]);
const scalars = { last: 8, verticals: 5, slashes_kept: 6, first: 2, near: 3, start: 6, end: 43, by_mean: 0, window: 7, sinks: 3 };
const tensors = { windows: perHead(7), sinks: perHead(3), strides: ints([3], [4, 5, 6]), modality, pairs };
const pattern = [0, 1, 2, 3, 4, 7];

const layer = program('mminference/heads.fil', 'mminference', { tile: 2, block: 8, kinds: 2, widest: 6 });
const launch = launchOf(layer, scalars, { ...tensors, pattern: ints([6], pattern) });
const stages = denseStages(layer, launch, inputs);

function maskOf(spec: Spec, given: Launch): Uint8Array {
  return denseMask(spec, given, denseStages(spec, given, inputs));
}

const pairsOfHead = sizes.nQ * sizes.nK;
const head = (mask: Uint8Array, h: number): Uint8Array => mask.subarray(h * pairsOfHead, (h + 1) * pairsOfHead);

test('each head sees what the program of its pattern sees, and a pattern that is not there sees nothing', () => {
  const mask = denseMask(layer, launch, stages);
  const found = (name: string): readonly number[] => [...(stages.get(`found.${name}`)?.data ?? [])];
  const [stride, phase] = [found('stride'), found('phase')];
  expect(new Set(stride).size + new Set(phase).size).toBeGreaterThan(2);
  const grid = program('mminference/mminference.fil', 'grid', { tile: 2 });
  const alone: readonly (readonly [Spec, Launch])[] = [
    ...[['causal/causal.fil', 'dense_causal', {}], ['a-shape/a-shape.fil', 'streaming', {}]].map(([file, name]): readonly [Spec, Launch] => {
      const spec = program(String(file), String(name));
      return [spec, launchOf(spec, scalars, tensors)];
    }),
    [grid, launchOf(grid, { rows: 1, columns: 1 }, { ...tensors, starts: ints([6], phase.map((p) => 6 + p)), ends: perHead(43), strides: ints([6], stride) })],
    ...[['query_boundary', { block: 8, kinds: 2 }] as const, ['pair_boundary', { kinds: 2 }] as const].map(([name, constants]): readonly [Spec, Launch] => {
      const spec = program('mminference/mminference.fil', name, constants);
      return [spec, launchOf(spec, scalars, tensors)];
    }),
  ];
  alone.forEach(([spec, given], h) => {
    expect(head(mask, h), spec.name).toEqual(head(maskOf(spec, given), h));
    expect(head(mask, h).reduce((a, b) => a + b, 0), spec.name).toBeGreaterThan(0);
  });
  expect(head(mask, 5).every((x) => x === 0)).toBe(true);
});

test('the kernels compute it with eight bindings', () => {
  const compiled = valueOf(compileSpec(layer, { target: webgpuDefault, dim: sizes.dim, dtype: 'f32' }));
  expect(Math.max(...compiled.hostPlan.kernels.map((k) => k.storage.length))).toBeLessThanOrEqual(8);
  const ran = valueOf(runPlanWithTiles(compiled, { ...launch, ...inputs }));
  expect(ran.problems).toEqual([]);
  const truth = attentionWithBounds(layer, launch, inputs, { outType: 'f32', ...cutsOf(compiled, launch) });
  expect(compareRows(ran.out, truth.out, truth.bounds.out)).toMatchObject({ ok: true });
  expect(compareRows(ran.lse, denseAttention(layer, launch, inputs).lse, truth.bounds.lse)).toMatchObject({ ok: true });
});
