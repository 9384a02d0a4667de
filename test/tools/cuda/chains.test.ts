/**
 * Chains as CUDA: what nvcc made of all kernels of a chain, run on the emulator step by step; every call judged on what was made before it.
 */
import { describe, expect, it } from 'vitest';
import { checkChain } from '../../../compiler/interpreters/chain-check.ts';
import { withAllResults } from '../../../compiler/pipeline.ts';
import { runChain } from '../../../tools/engines/chains.ts';
import { findNvcc } from '../../../tools/cuda/find-nvcc.ts';
import { chainOf, selecting, selectingLaunch, twoLayers, twoLayersLaunch, valueOf } from '../../support/chains.ts';

describe.skipIf(!('path' in findNvcc()))('chains on emulated CUDA', () => {
  const cases = [['two layers', chainOf(twoLayers, 'two'), twoLayersLaunch(9, 2)], ['an attention that selects', chainOf(selecting, 'picking'), selectingLaunch(3, 13)]] as const;
  it.each(cases)('%s: every call gives what its unit means', async (_, chain, launch) => {
    const { outputs } = valueOf(await runChain('cuda-emulated', { chain, launch, dtype: 'f32', outputs: 'all' }));
    expect(checkChain(withAllResults(chain), launch, outputs, { outType: 'f32', cutsOf: () => ({ keySteps: 32, splits: 16 }) })).toEqual([]);
    const lean = valueOf(await runChain('cuda-emulated', { chain, launch, dtype: 'f32' }));
    for (const { name, value } of chain.outputs) expect(lean.outputs.get(name)?.values).toEqual(outputs.get(value)?.values);
  }, 60_000);
});
