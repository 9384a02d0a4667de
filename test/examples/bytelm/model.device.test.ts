/**
 * The whole model on the device: every call within its rounding, every logit within what rounding may do on the way, the published check
 * values, and generation behind a cache. One file, so that kernels are compiled once.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { checkChain } from '../../../compiler/interpreters/chain-check.ts';
import { withAllResults } from '../../../compiler/pipeline.ts';
import { besideForwardCheck, publishedTolerance, readForwardCheck, windowOfBytes } from '../../../examples/bytelm/check.ts';
import { livePairs, withCounts } from '../../../examples/bytelm/counted.ts';
import { generate } from '../../../examples/bytelm/generate.ts';
import { distanceOf, strayLogits } from '../../../examples/bytelm/expected.ts';
import type { ModelProgram } from '../../../examples/bytelm/programs.ts';
import { openPrompts, openReader } from '../../../examples/bytelm/reader.ts';
import { openRunner } from '../../../examples/bytelm/runner.ts';
import type { Runner } from '../../../examples/bytelm/runner.ts';
import { likeliest } from '../../../examples/bytelm/score.ts';
import type { ChainSpec } from '../../../compiler/spec/chain.ts';
import type { TensorValue } from '../../../compiler/spec/ir.ts';
import { chainSpec, expectedLogits, tokens, valueOf, weights } from './support.ts';

const open: Runner[] = [];

async function runnerOf(chain: ChainSpec, scalars: Readonly<Record<string, number>> = {}): Promise<Runner> {
  const runner = valueOf(await openRunner({ chain, sizes: { batch: 1, nQ: 1, nK: 1 }, scalars: new Map(Object.entries(scalars)), fixed: weights, backend: 'wgsl' }));
  open.push(runner);
  return runner;
}

const given = (bytes: Uint8Array): ReadonlyMap<string, TensorValue> => new Map([['token', { extents: [1, bytes.length], data: Int32Array.from(bytes) }]]);
const sizes = (n: number): { readonly batch: number; readonly nQ: number; readonly nK: number } => ({ batch: 1, nQ: n, nK: n });

afterAll(() => open.forEach((runner) => runner.close()));

const dense = chainSpec('bytelm', '../causal/causal.fil', 'dense_causal');

// Drivers take their time for a kernel: one runner serves every test of dense windows.
let counting: Promise<Runner> | undefined;
const denseRunner = (): Promise<Runner> => (counting ??= runnerOf(withCounts(dense)));

describe('the model on a device', () => {
  it('makes every tensor of every call within the rounding of its rule', async () => {
    // All layers share their kernels: two show that each reads its own weights. One byte at position 1, where angles are no longer 0.
    const all = withAllResults(chainSpec('bytelm', '../causal/causal.fil', 'dense_causal', {}, 2));
    const one = { batch: 1, nQ: 1, nK: 2 };
    const token = given(tokens(2).subarray(1));
    const outputs = valueOf(await (await runnerOf(all)).run(token, one));
    const launch = { sizes: one, scalars: new Map<string, number>(), tensors: new Map([...weights, ...token]) };
    expect(checkChain(all, launch, outputs, { outType: 'f32', cutsOf: () => ({ keySteps: 32, splits: 16 }) })).toEqual([]);
  });

  it('gives every logit within what rounding may do, and counts what the mask lets through', async () => {
    const n = 19;
    const outputs = valueOf(await (await denseRunner()).run(given(tokens(n)), sizes(n)));
    expect(strayLogits(outputs.get('y.logits')?.values ?? [], expectedLogits(n))).toEqual([]);
    expect(livePairs(outputs, 4)).toEqual(Array.from({ length: 6 }, () => [190, 190, 190, 190]));
  });

  it('gives the published loss and logits of a window of 300 bytes', async () => {
    const n = 300;
    const values = valueOf(await (await denseRunner()).run(given(tokens(n)), sizes(n))).get('y.logits')?.values ?? [];
    const check = readForwardCheck();
    const beside = besideForwardCheck(values, windowOfBytes(n), check);
    expect(check.logits.length).toBe(16);
    expect(beside.logits).toBeLessThan(publishedTolerance);
    expect(beside.loss).toBeLessThan(5e-6);
    expect(Array.from({ length: 10 }, (_, i) => likeliest(values, 290 + i))).toEqual(check.likeliest);
  });
});

describe('the end of a window behind a dense prompt', () => {
  it('gives the logits of the whole window where the end is dense as well', async () => {
    const [n, rows] = [23, 5];
    const window = windowOfBytes(n);
    const chain = chainSpec('bytelm_step', '../causal/causal.fil', 'dense_causal');
    const attention = chain.units.find((u) => u.computes === 'attention');
    if (attention === undefined) throw new Error('no attention');
    const program: ModelProgram = {
      title: 'dense', program: 'causal.fil', name: 'dense_causal', parameters: {}, tail: { rows, counted: 3 }, attention, chain, scalars: new Map(), tensors: weights,
      sizes: { batch: 1, heads: 4, kvHeads: 2, nQ: rows, nK: n, dim: 64 },
    };
    const prompts = openPrompts(program, 'wgsl', undefined);
    const reader = valueOf(await openReader(program, chain, prompts, 'wgsl', undefined));
    const logits = valueOf(await reader.read(window, rows)).get('y.logits')?.values ?? [];
    reader.close();
    prompts.close();
    const expected = expectedLogits(n);
    const from = (row: number): Float64Array => expected.logits.subarray(row * 256, (row + rows) * 256);
    expect(distanceOf(logits, from(n - rows), expected.allowed.slice(-rows), 1).ofAllowed).toBeLessThanOrEqual(1);
    // One position off is far outside.
    expect(distanceOf(logits, from(n - rows - 1), expected.allowed.slice(-rows), 1).ofAllowed).toBeGreaterThan(10);
  });
});

describe('greedy generation behind a cache', () => {
  it.each([
    ['dense attention', '../causal/causal.fil', 'dense_causal', {}, {}],
    // Pages of four, three of them read, so that most of the prompt is left out.
    ['pages chosen at run time', '../quest/quest.fil', 'quest', { page: 4 }, { budget: 3, shared: 0 }],
  ])('gives the bytes that full recomputation gives, with %s', async (_, program, name, constants, scalars) => {
    const prompt = tokens(21);
    const cached = valueOf(await generate(await runnerOf(chainSpec('bytelm_step', program, name, constants), scalars), prompt, 4));
    const whole = name === 'dense_causal' ? await denseRunner() : await runnerOf(chainSpec('bytelm', program, name, constants), scalars);
    const read = Uint8Array.from([...prompt, ...cached.bytes.subarray(0, 3)]);
    const logits = valueOf(await whole.run(given(read), sizes(read.length))).get('y.logits')?.values ?? [];
    expect([...cached.bytes]).toEqual([20, 21, 22, 23].map((at) => likeliest(logits, at)));
  });
});
