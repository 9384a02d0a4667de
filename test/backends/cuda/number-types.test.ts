/** What a CUDA build says of its numbers: in the header of the launcher, and as types of torch. */
import { describe, expect, test } from 'vitest';
import { printHeader } from '../../../backends/cuda/launcher/print.ts';
import { printPytorch } from '../../../backends/cuda/pytorch/print.ts';
import { sm80 } from '../../../backends/targets.ts';
import { compileSpec, type CompileOptions } from '../../../compiler/pipeline.ts';
import type { HostPlan } from '../../../compiler/launch/plan.ts';
import { specOf } from '../../support/levels.ts';

function planOf(numbers: Pick<CompileOptions, 'dtype' | 'products'>): HostPlan {
  const compiled = compileSpec(specOf('attention a() { mask causal }', 'a'), { target: sm80, dim: 16, ...numbers, upTo: 'tile' });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('\n'));
  return compiled.value.hostPlan;
}

describe('builds for CUDA', () => {
  test('name their storage', () => {
    const plan = planOf({ dtype: 'bf16' });
    expect(printHeader(plan)).toContain('head dimension 16, bf16.');
    expect(printPytorch(plan, [])).toContain('_dtype = torch.bfloat16');
  });
  test('say where products round more than storage does, and only there', () => {
    expect(printHeader(planOf({ dtype: 'f32', products: 'tf32' }))).toContain('head dimension 16, f32 (products in tf32).');
    expect(printPytorch(planOf({ dtype: 'f32', products: 'tf32' }), [])).toContain('Head dimension 16, f32 (products in tf32).');
    expect(printHeader(planOf({ dtype: 'f32' }))).toContain('head dimension 16, f32.');
    // 16-bit operands are multiplied exactly: the permission means nothing there.
    expect(planOf({ dtype: 'bf16', products: 'tf32' }).products).toBeUndefined();
  });
  test('multiply f32 as it is unless tf32 was asked for', () => {
    const schedule = { layout: 'fragments', lanes: 32, rowsPerLane: 2, keyStep: 16, keyTile: 16, operand: 'workgroup', subgroup: 32, rowStorage: 'registers', chunkUnroll: 64 } as const;
    const spec = specOf('attention a() { mask causal }', 'a');
    expect(() => compileSpec(spec, { target: sm80, dim: 16, dtype: 'f32', schedules: { prefill: schedule } })).toThrow('not asked for');
    expect(() => compileSpec(spec, { target: sm80, dim: 16, dtype: 'f32', schedules: { decode: schedule } })).toThrow('not asked for');
  });
});
