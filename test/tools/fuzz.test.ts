import fc from 'fast-check';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parseSafetensors, encodeSafetensors } from '../../tools/io/safetensors.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import { maskRows } from '../../compiler/interpreters/dense/index.ts';
import { denseAttention } from '../../compiler/interpreters/dense/index.ts';
import { campaign } from '../../tools/fuzz/campaign.ts';
import { failureFiles, replayedCase } from '../../tools/fuzz/failure-file.ts';
import { fileCases } from '../../tools/fuzz/file-cases.ts';
import { findNvcc } from '../../tools/cuda/find-nvcc.ts';
import { checkCase, compareResult, drawnNumbers, warmEmulator } from '../../tools/fuzz/levels.ts';
import { checkLaunch } from '../../compiler/spec/check-launch.ts';
import { randomCases } from '../support/random-spec.ts';

const quiet = { shrinkMs: 10_000, said: () => undefined, now: () => performance.now() };

describe('a campaign', () => {
  test('counts every failure and shrinks the first to the smallest case that still fails', async () => {
    // Stands for a compiler that goes wrong from 5 keys on.
    const result = await campaign(fc, randomCases(), async ({ launch }) => (launch.sizes.nK >= 5 ? `n_k is ${launch.sizes.nK}` : undefined), { runs: 120, seed: 7, ...quiet });
    expect(result.runs).toBe(120);
    expect(result.failures).toBeGreaterThan(50);
    expect(result.found?.case.launch.sizes).toMatchObject({ batch: 1, kvHeads: 1, heads: 1, nK: 5 });
    expect(result.found?.case.spec.mask.kind).toBe('all');
    expect(result.found?.message).toBe('n_k is 5');
  });

  test('is the same again from the same seed and another from another', async () => {
    const drawn = async (seed: number): Promise<readonly string[]> => {
      const seen: string[] = [];
      await campaign(fc, randomCases(), async ({ launch }, s) => void seen.push(`${launch.sizes.nQ} ${launch.sizes.nK} ${s}`), { runs: 60, seed, ...quiet });
      return seen;
    };
    expect(await drawn(3)).toEqual(await drawn(3));
    expect(await drawn(3)).not.toEqual(await drawn(4));
  });

  test('ends shrinking when its time is over', async () => {
    let clock = 0;
    const now = (): number => (clock += 1000);
    const result = await campaign(fc, randomCases(), async () => 'always', { runs: 5, seed: 1, shrinkMs: 3000, said: () => undefined, now });
    expect(result.failures).toBe(5);
    expect(result.found?.shrinks).toBeLessThan(6);
  });
});

test('a stored failure is read back as the same case', () => {
  fc.assert(
    fc.property(randomCases(), (c) => {
      const files = failureFiles({ case: c, seed: 11, level: 'tile', dtype: 'f32' }, 'wrong');
      const spec = compileSource({ file: 'f.fil', text: files.program }, () => undefined, c.spec.name);
      if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('; '));
      const stored = parseSafetensors(encodeSafetensors(files.tensors, files.metadata), 'f.safetensors');
      if (!stored.ok) throw new Error('unreadable');
      const again = replayedCase(spec.value, stored.value);
      if (typeof again === 'string') throw new Error(again);
      expect(again).toMatchObject({ seed: 11, level: 'tile', dtype: 'f32' });
      expect(again.case.launch.sizes).toEqual(c.launch.sizes);
      const { nQ } = c.launch.sizes;
      expect(maskRows(again.case.spec, again.case.launch, 0, 0, 0, nQ)).toEqual(maskRows(c.spec, c.launch, 0, 0, 0, nQ));
    }),
    { seed: 5, numRuns: 40 },
  );
});

test('launches of a file fit their declaration', () => {
  const text = 'attention a(w: int, n: float, on: bool, list: int[heads, count], table: bool[queries / w, keys / 4], bias: float[3]) {\n  mask (keys(list) | tiles(table)) & { (q, k) => (q - k) mod w == 0 | on }\n  score s => s * n + bias[0]\n}\n';
  const spec = compileSource({ file: 'a.fil', text }, () => undefined, 'a');
  if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('; '));
  fc.assert(fc.property(fileCases(fc, [spec.value], { maxLength: 20, dims: [4] }), ({ launch }) => {
    expect(checkLaunch(spec.value, launch)).toEqual([]);
  }), { seed: 2, numRuns: 40 });
});

test('a program that no drawn launch fits says why instead of drawing for ever', () => {
  const spec = compileSource({ file: 'far.fil', text: 'attention far { mask { (q, k) => q mod (n_k - 1000) == 0 } }' }, () => undefined, 'far', new Map());
  if (!spec.ok) throw new Error('does not compile');
  expect(() => fc.sample(fileCases(fc, [spec.value], { maxLength: 20, dims: [4] }), 1)).toThrow(/must be at least 1/);
});

test('a result is compared by its bounds, and NaN never passes', () => {
  const c = fc.sample(randomCases({ maxLength: 20 }), { seed: 9, numRuns: 1 })[0];
  if (c === undefined) throw new Error('no case');
  const { out, lse } = denseAttention(c.spec, c.launch, c.inputs);
  expect(compareResult(c, { out, lse }, 'f32', { keySteps: 64, splits: 1 })).toBeUndefined();
  expect(compareResult(c, { out: out.map((x, i) => (i === 0 ? x + 1 : x)), lse }, 'f32', { keySteps: 64, splits: 1 })).toMatch(/^out: element 0 of row 0/);
  expect(compareResult(c, { out, lse: lse.map(() => Number.NaN) }, 'f32', { keySteps: 64, splits: 1 })).toMatch(/^lse: /);
});

test('the cases of a lot are compiled for the emulator with one run of nvcc', async ({ skip }) => {
  const found = findNvcc();
  if ('looked' in found) return skip(`no nvcc in ${found.looked.join(', ')}`);
  const cache = mkdtempSync(join(tmpdir(), 'filigree-fuzz-'));
  vi.stubEnv('FILIGREE_CACHE', cache);
  try {
    const result = await campaign(fc, randomCases({ maxLength: 9, dims: [8] }), (c, seed) => checkCase('cuda-emulated', c, seed, drawnNumbers(seed)), {
      runs: 3, seed: 11, ...quiet, prepare: (lot) => warmEmulator(lot, drawnNumbers),
    });
    expect(result).toMatchObject({ runs: 3, failures: 0 });
    expect(readdirSync(join(cache, 'cuda')).filter((f) => f.endsWith('.ptx'))).toHaveLength(1);
  } finally {
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true, force: true });
  }
}, 120_000);
