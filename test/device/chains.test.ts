/**
 * Chains on the device: one plan for all calls, everything that calls make judged on what was made before it; weights that stay on the
 * device between launches.
 */
import { describe, expect, it } from 'vitest';
import { checkChain } from '../../compiler/interpreters/chain-check.ts';
import { withAllResults } from '../../compiler/pipeline.ts';
import { openDeviceChain } from '../../tools/engines/device-chain.ts';
import { runChain } from '../../tools/engines/chains.ts';
import { chainOf, selecting, selectingLaunch, smallSchedules, twoLayers, twoLayersLaunch, valueOf } from '../support/chains.ts';

describe('chains on a device', () => {
  it('every call gives what its unit means', async () => {
    const chain = chainOf(selecting, 'picking');
    const launch = selectingLaunch(3, 13, 2);
    const { outputs } = valueOf(await runChain('wgsl', { chain, launch, dtype: 'f32', outputs: 'all', schedules: smallSchedules }));
    expect(checkChain(withAllResults(chain), launch, outputs, { outType: 'f32', cutsOf: () => ({ keySteps: 32, splits: 16 }) })).toEqual([]);
  }, 60_000);

  it('kept weights give the same as weights that are given, launch after launch', async () => {
    const chain = chainOf(twoLayers, 'two');
    const device = valueOf(await openDeviceChain(chain, { dtype: 'f32', schedules: smallSchedules }));
    const launch = twoLayersLaunch(9);
    const first = valueOf(await device.run(launch));
    const { x, ...weights } = Object.fromEntries(launch.tensors);
    if (x === undefined) throw new Error('no tokens');
    valueOf(device.keep(new Map(Object.entries(weights))));
    const rounds = [valueOf(await device.run({ ...launch, tensors: new Map([['x', x]]) })), valueOf(await device.run({ ...launch, tensors: new Map([['x', x]]) }))];
    for (const { outputs } of rounds) expect(outputs).toEqual(first.outputs);
    const none = await device.run({ ...launch, tensors: new Map() });
    expect(none.ok ? [] : none.diagnostics.map((d) => d.code)).toEqual(['FIL0506']);
    const wrong = device.keep(new Map([['nothing', x]]));
    expect(wrong.ok ? [] : wrong.diagnostics.map((d) => d.code)).toEqual(['FIL0505']);
    device.close();
  }, 60_000);
});
