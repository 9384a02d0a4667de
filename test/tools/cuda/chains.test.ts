/**
 * Chains as CUDA: what nvcc made of all kernels of a chain, run on the emulator step by step; every call judged on what was made before it.
 * In f16 the attention multiplies by matrix operations, and copies stand between it and the stages.
 */
import { describe, expect, it } from 'vitest';
import { checkChain } from '../../../compiler/interpreters/chain-check.ts';
import { withAllResults } from '../../../compiler/pipeline.ts';
import { runChain } from '../../../tools/engines/chains.ts';
import { findNvcc } from '../../../tools/cuda/find-nvcc.ts';
import { chainOf, narrowLayers, selecting, selectingLaunch, twoLayersLaunch, valueOf } from '../../support/chains.ts';

describe.skipIf(!('path' in findNvcc()))('chains on emulated CUDA', () => {
  it('every call gives what its unit means, and sharing memory changes no bit', async () => {
    const [chain, launch] = [chainOf(selecting, 'picking'), selectingLaunch(3, 13)];
    const { outputs } = valueOf(await runChain('cuda-emulated', { chain, launch, dtype: 'f32', outputs: 'all' }));
    expect(checkChain(withAllResults(chain), launch, outputs, { outType: 'f32', cutsOf: () => ({ keySteps: 32, splits: 16 }) })).toEqual([]);
    const lean = valueOf(await runChain('cuda-emulated', { chain, launch, dtype: 'f32' }));
    for (const { name, value } of chain.outputs) expect(lean.outputs.get(name)?.values).toEqual(outputs.get(value)?.values);
  }, 60_000);

  it('attentions in f16 between stages in f32', async () => {
    const [chain, launch] = [chainOf(narrowLayers('f16'), 'two'), twoLayersLaunch(9)];
    const { outputs } = valueOf(await runChain('cuda-emulated', { chain, launch, dtype: 'f16', outputs: 'all' }));
    expect(checkChain(withAllResults(chain), launch, outputs, { outType: 'f16', cutsOf: () => ({ keySteps: 32, splits: 16, weights: 'f16' }) })).toEqual([]);
  }, 60_000);
});
