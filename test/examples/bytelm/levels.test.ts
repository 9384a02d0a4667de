/**
 * The model on levels that need no device: tile programs, and CUDA kernels on the emulator, give the logits of the reference within what
 * rounding may do, and those of each other. With the first of its layers only: the emulator takes most of a minute for all six
 * (`npm run eval -- --check` runs them).
 */
import { describe, expect, it } from 'vitest';
import { distanceOf } from '../../../examples/bytelm/expected.ts';
import { openRunner } from '../../../examples/bytelm/runner.ts';
import { findNvcc } from '../../../tools/cuda/find-nvcc.ts';
import type { Backend } from '../../../tools/engines/engine.ts';
import { chainSpec, expectedLogits, tokens, valueOf, weights } from './support.ts';

const n = 2;
const chain = chainSpec('bytelm', '../causal/causal.fil', 'dense_causal', {}, 1);
const expected = expectedLogits(n, 1);

async function logitsOn(backend: Backend): Promise<ArrayLike<number>> {
  const sizes = { batch: 1, nQ: n, nK: n };
  const runner = valueOf(await openRunner({ chain, sizes, scalars: new Map(), fixed: weights, backend }));
  const outputs = valueOf(await runner.run(new Map([['token', { extents: [1, n], data: Int32Array.from(tokens(n)) }]])));
  return outputs.get('y.logits')?.values ?? [];
}

const tile = logitsOn('tile');

describe('the model', () => {
  it('gives the logits of the reference as tile programs', async () => {
    expect(distanceOf(await tile, expected.logits, expected.allowed, 1).ofAllowed).toBeLessThanOrEqual(1);
  });

  it('gives the logits of the reference, and of the tile programs, as CUDA kernels', async ({ skip }) => {
    const found = findNvcc();
    if ('looked' in found) return skip(`no nvcc in ${found.looked.join(', ')}`);
    const logits = await logitsOn('cuda-emulated');
    expect(distanceOf(logits, expected.logits, expected.allowed, 1).ofAllowed).toBeLessThanOrEqual(1);
    expect(distanceOf(logits, await tile, expected.allowed, 2).ofAllowed).toBeLessThanOrEqual(1);
  });
});

describe('the distance of logits', () => {
  it('is a share of what the position allows, and no number where a logit is none', () => {
    const row = (value: number): Float64Array => new Float64Array(512).fill(0).map((_, at) => (at === 300 ? value : 0));
    expect(distanceOf(row(3), row(1), [1, 4], 1)).toEqual({ largest: 2, ofAllowed: 0.5 });
    expect(distanceOf(row(3), row(1), [1, 4], 2)).toEqual({ largest: 2, ofAllowed: 0.25 });
    expect(distanceOf(row(NaN), row(1), [1, 4], 1)).toEqual({ largest: NaN, ofAllowed: NaN });
    expect(distanceOf([], row(1), [1, 4], 1).ofAllowed).toBeNaN();
  });
});
