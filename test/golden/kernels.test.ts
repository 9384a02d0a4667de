/**
 * The whole kernel text of a few programs, one file each, so that a change of any stage is seen as the change of kernels it causes.
 * After looking at the difference: `npx vitest run test/golden -u`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { swiftshader, webgpuDefault } from '../../backends/targets.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Schedule } from '../../compiler/schedule.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import { compileWgsl } from '../../tools/engines/compile.ts';
import { smallDecode, smallPrefill } from '../support/levels.ts';

interface Golden {
  readonly example: string;
  readonly name: string;
  readonly dtype: 'f32' | 'f16';
  readonly target: TargetRecord;
}

// One per strategy, both storage types, a software and a hardware target.
const goldens: readonly Golden[] = [
  { example: 'causal', name: 'dense_causal', dtype: 'f32', target: swiftshader },
  { example: 'causal', name: 'dense_causal', dtype: 'f16', target: webgpuDefault },
  { example: 'strided', name: 'strided_attention', dtype: 'f32', target: swiftshader },
  { example: 'neighbourhood-2d', name: 'neighbourhood_2d', dtype: 'f32', target: webgpuDefault },
  { example: 'vertical-slash', name: 'vertical_slash', dtype: 'f32', target: swiftshader },
];

// Rows of a lane and keys of a step are unrolled: little of both, and a small head dimension, keep the files readable.
const dim = 4;
const prefill: Schedule = { ...smallPrefill, rowsPerLane: 1 };
const staged: Schedule = { ...prefill, operand: 'workgroup', subgroup: 1 };
const decode: Schedule = { ...smallDecode, rowsPerLane: 1 };
const root = join(import.meta.dirname, '../..');
const folder = join(import.meta.dirname, 'kernels');

function fileName({ example, dtype, target }: Golden): string {
  return `${example}-${dtype}-${target.name}.wgsl`;
}

function textOf({ example, name, dtype, target }: Golden): string {
  const file = `examples/${example}/${example}.fil`;
  const spec = compileSource({ file }, (path) => readFileSync(join(root, path), 'utf8'), name);
  if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('\n'));
  const compiled = compileWgsl(spec.value, {
    target, dim, dtype,
    schedules: target.software ? { prefill, decode } : { prefill: staged, decode: { ...decode, subgroup: 1 } },
  });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('\n'));
  return [...compiled.value.texts].map(([kernel, printed]) => `// ---- ${kernel} ----\n${printed.text}`).join('\n');
}

describe.each(goldens.map((g) => [fileName(g), g] as const))('%s', (file, golden) => {
  test('is the text that is printed today', async () => {
    await expect(textOf(golden)).toMatchFileSnapshot(join(folder, file));
  });

  test('is printed the same way twice', () => {
    expect(textOf(golden)).toBe(textOf(golden));
  });
});

test('no golden file is left that nothing compares with', () => {
  expect([...readdirSync(folder)].sort()).toEqual(goldens.map(fileName).sort());
});
