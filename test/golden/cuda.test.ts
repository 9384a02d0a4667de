/**
 * The whole CUDA text of a few programs, one file each: tensor-core fragments in f16, the f32 paths, a decode with its merge, and a C
 * launcher. Text only: nothing here needs nvcc. After looking at the difference: `npx vitest run test/golden -u`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { printCuda } from '../../backends/cuda/module.ts';
import { sm120a, sm80, sm90a } from '../../backends/targets.ts';
import { compileSpec } from '../../compiler/pipeline.ts';
import type { Schedule } from '../../compiler/schedule.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import { smallDecode, smallPrefill } from '../support/levels.ts';

interface Golden {
  readonly example: string;
  readonly name: string;
  readonly dtype: 'f32' | 'f16';
  readonly target: TargetRecord;
  readonly schedule: 'fragments' | 'staged' | 'shuffled';
  readonly launcher?: true;
  /** Kernels that are left out: the others show what this one adds. */
  readonly without?: RegExp;
}

// One for each way to walk keys, both sorts of arithmetic, and every architecture.
const goldens: readonly Golden[] = [
  { example: 'causal', name: 'dense_causal', dtype: 'f16', target: sm80, schedule: 'fragments' },
  { example: 'causal', name: 'dense_causal', dtype: 'f32', target: sm80, schedule: 'staged', launcher: true },
  { example: 'strided', name: 'strided_attention', dtype: 'f16', target: sm90a, schedule: 'fragments' },
  { example: 'neighbourhood-2d', name: 'neighbourhood_2d', dtype: 'f32', target: sm120a, schedule: 'shuffled', without: /partial|merge/ },
  { example: 'vertical-slash', name: 'vertical_slash', dtype: 'f16', target: sm80, schedule: 'fragments', without: /partial|merge/ },
];

const decode: Schedule = { ...smallDecode, rowsPerLane: 1 };
const prefills: Readonly<Record<Golden['schedule'], Schedule>> = {
  fragments: { layout: 'fragments', lanes: 32, rowsPerLane: 2, keyStep: 16, keyTile: 16, operand: 'workgroup', subgroup: 32, rowStorage: 'registers', chunkUnroll: 64 },
  staged: { ...smallPrefill, rowsPerLane: 1, operand: 'workgroup', subgroup: 1 },
  shuffled: { ...smallPrefill, rowsPerLane: 1 },
};
const root = join(import.meta.dirname, '../..');
const folder = join(import.meta.dirname, 'cuda');

function fileName({ example, dtype, target }: Golden): string {
  return `${example}-${dtype}-${target.name}.cu`;
}

function textOf({ example, name, dtype, target, schedule, launcher, without }: Golden): string {
  const file = `examples/${example}/${example}.fil`;
  const spec = compileSource({ file }, (path) => readFileSync(join(root, path), 'utf8'), name);
  if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('\n'));
  // The least head dimension that fills a fragment; four keep the rest readable.
  const compiled = compileSpec(spec.value, { target, dim: schedule === 'fragments' ? 16 : 4, dtype, schedules: { prefill: prefills[schedule], decode } });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('\n'));
  const { hostPlan, kernelPrograms } = compiled.value;
  const kernels = kernelPrograms.filter((k) => without?.test(k.name) !== true);
  return printCuda({ name: hostPlan.name, doc: hostPlan.doc, kernels }, launcher === true ? { launcher: hostPlan } : {}).text;
}

describe.each(goldens.map((g) => [fileName(g), g] as const))('%s', (file, golden) => {
  const text = textOf(golden);

  test('is the text that is printed today', async () => {
    await expect(text).toMatchFileSnapshot(join(folder, file));
  });

  test('is printed the same way twice', () => {
    expect(textOf(golden)).toBe(text);
  });

  test('multiplies on tensor cores where the schedule says so, and there only', () => {
    expect(text.includes('mma.sync.aligned.m16n8k16')).toBe(golden.schedule === 'fragments');
  });
});

test('no golden file is left that nothing compares with', () => {
  expect([...readdirSync(folder)].sort()).toEqual(goldens.map(fileName).sort());
});
