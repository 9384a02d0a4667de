/**
 * Each part of the model by itself on the device: every stage tensor within the error that its rule may have in f32.
 */
import { expect, it } from 'vitest';
import { checkStages } from '../../../compiler/interpreters/stage-check.ts';
import { runOnDevice } from '../../../tools/engines/device.ts';
import { stageTensors } from './parts.ts';
import { embedded } from './reference.ts';
import { tokens, valueOf, whole } from './support.ts';

const n = 9;
const stream = { extents: [1, n, 256], data: Float32Array.from(embedded(tokens(n), whole('tok_embed'))) };
const waves = { extents: [1, n, 32], data: Float32Array.from({ length: n * 32 }, (_, i) => Math.cos(i)) };
const heard = { extents: [1, 4, n, 64], data: Float32Array.from({ length: n * 256 }, (_, i) => Math.sin(3 * i)) };

it.each([
  ['embed', {}], ['rotary', {}], ['project', { layer: 5, x: stream, cosine: waves, sine: waves }], ['attended', { layer: 1, x: stream, heard }],
  ['mlp', { layer: 3, x: stream }], ['predict', { x: stream }],
])('%s is within its rounding on a device', async (name, given) => {
  const [spec, launch, inputs] = stageTensors(name, n, given);
  const all = { ...spec, outputs: spec.stages.map((t) => ({ name: t.name, tensor: t.name })) };
  const made = valueOf(await runOnDevice({ spec: all, launch, inputs, dtype: 'f32' }));
  expect(checkStages(all, launch, inputs, made.outputs ?? new Map<string, never>())).toEqual([]);
});
