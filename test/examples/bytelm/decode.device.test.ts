/**
 * Generation behind a cache gives what reading everything again gives: the same bytes, with dense attention and with pages chosen at run
 * time. A page is short here, so that some are left out.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileChainSource, compileSource } from '../../../compiler/spec/from-source.ts';
import { generate } from '../../../examples/bytelm/generate.ts';
import { openRunner } from '../../../examples/bytelm/runner.ts';
import type { Runner } from '../../../examples/bytelm/runner.ts';
import { likeliest } from '../../../examples/bytelm/score.ts';
import { folder, tokens, valueOf, weights } from './support.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const open: Runner[] = [];

async function runnerOf(chain: string, program: string, name: string, constants: Readonly<Record<string, number>>, scalars: Readonly<Record<string, number>>): Promise<Runner> {
  const attend = valueOf(compileSource({ file: join(folder, program) }, read, name, new Map(Object.entries(constants))));
  const spec = valueOf(compileChainSource({ file: join(folder, 'bytelm.fil') }, read, chain, new Map(), new Map([['attend', attend]])));
  const runner = valueOf(await openRunner({ chain: spec, sizes: { batch: 1, nQ: 1, nK: 1 }, scalars: new Map(Object.entries(scalars)), fixed: weights, backend: 'wgsl' }));
  open.push(runner);
  return runner;
}

afterAll(() => open.forEach((runner) => runner.close()));

const prompt = tokens(21);
const count = 4;

describe('greedy generation behind a cache', () => {
  it.each([
    ['dense', '../causal/causal.fil', 'dense_causal', {}, {}],
    ['with pages chosen at run time', '../quest/quest.fil', 'quest', { page: 4 }, { budget: 3, shared: 0 }],
  ])('%s: gives the bytes that full recomputation gives', async (_, program, name, constants, scalars) => {
    const step = await runnerOf('bytelm_step', program, name, constants, scalars);
    const whole = await runnerOf('bytelm', program, name, constants, scalars);
    const cached = valueOf(await generate(step, prompt, count));
    let read = prompt;
    for (const [i, byte] of cached.bytes.entries()) {
      const outputs = valueOf(await whole.run(new Map([['token', { extents: [1, read.length], data: Int32Array.from(read) }]]), { batch: 1, nQ: read.length, nK: read.length }));
      const logits = outputs.get('y.logits')?.values ?? [];
      expect(likeliest(logits, read.length - 1), `byte ${i}`).toBe(byte);
      read = Uint8Array.from([...read, byte]);
    }
    expect(cached.bytes.length).toBe(count);
  });
});
