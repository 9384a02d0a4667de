/**
 * Storage and products that CUDA has beside f32 and f16, as nvcc compiles them, on the emulator: bfloat16 in fragments and in single elements, few rows on
 * fragments, and products of f32 in tf32. All cases share one run of nvcc.
 */
import { expect, test } from 'vitest';
import { sm80 } from '../../../backends/targets.ts';
import { attentionWithBounds, compareRows } from '../../../compiler/interpreters/bounds.ts';
import { cutsOf } from '../../../compiler/launch/cuts.ts';
import { compileSpec } from '../../../compiler/pipeline.ts';
import { compileEmulated, neededOf, runEmulated } from '../../../tools/engines/cuda-emulated.ts';
import { findNvcc } from '../../../tools/cuda/find-nvcc.ts';
import { asStored } from '../../../tools/inputs.ts';
import { caseOf, sizesOf, specOf } from '../../support/levels.ts';

const spec = specOf('attention a() { mask causal & (band(0 .. 19) | keys(0 .. 3)) }', 'a');

const cases = [
  { name: 'bfloat16 fragments', nQ: 21, dim: 24, dtype: 'bf16' },
  { name: 'few rows of bfloat16 on fragments', nQ: 3, dim: 72, dtype: 'bf16' },
  { name: 'single elements of bfloat16', nQ: 21, dim: 5, dtype: 'bf16' },
  { name: 'products in tf32', nQ: 21, dim: 24, dtype: 'f32', products: 'tf32' },
] as const;

test('bfloat16 and tf32 stay within their bounds, and tf32 leaves those of f32', async ({ skip }) => {
  const found = findNvcc();
  if ('looked' in found) skip(`no nvcc in ${found.looked.join(', ')}`);
  const ready = cases.map((c) => {
    const { launch, inputs: asked } = caseOf(spec, sizesOf(c.nQ, 37, c.dim));
    // Random numbers have 11 digits; more are there to be rounded.
    const longer = (data: typeof asked.q): typeof asked.q => data.map((x) => Math.fround(x * 1.1));
    const inputs = asStored({ q: longer(asked.q), k: longer(asked.k), v: longer(asked.v) }, c.dtype);
    const compiled = compileSpec(spec, { target: sm80, dim: c.dim, dtype: c.dtype, ...('products' in c ? { products: c.products } : {}) });
    if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('\n'));
    return { ...c, launch, inputs, compiled: compiled.value };
  });
  const programs = await compileEmulated(ready.map((r) => neededOf(r.compiled, r.launch)));
  if (!programs.ok) throw new Error(programs.diagnostics.map((d) => d.message).join('\n'));
  ready.forEach(({ name, launch, inputs, compiled, dtype }, i) => {
    const program = programs.value[i];
    if (program === undefined) throw new Error('no program came back');
    const ran = runEmulated(program, { ...launch, ...inputs });
    if (!ran.ok) throw new Error(ran.diagnostics.map((d) => d.message).join('\n'));
    expect(ran.value.problems, name).toEqual([]);
    const within = (cuts: ReturnType<typeof cutsOf>): boolean => {
      const truth = attentionWithBounds(spec, launch, inputs, { outType: dtype, ...cuts });
      return compareRows(ran.value.out, truth.out, truth.bounds.out).ok && compareRows(ran.value.lse, truth.lse, truth.bounds.lse).ok;
    };
    const cuts = cutsOf(compiled, launch);
    expect(within(cuts), name).toBe(true);
    const { weights, ...exact } = cuts;
    if (weights === 'tf32') expect(within(exact), name).toBe(false);
  });
  // Each of the ways was taken.
  expect(ready.map((r) => cutsOf(r.compiled, r.launch).weights)).toEqual(['bf16', 'bf16', undefined, 'tf32']);
  const views = (i: number): readonly string[] => [...new Set(ready[i]?.compiled.kernelPrograms.flatMap((k) => k.storage.filter((s) => s.buffer === 'k').map((s) => s.element)))].sort();
  expect(cases.map((_, i) => views(i))).toEqual([['vec2u', 'vec4u'], ['vec4u'], ['bf16'], ['vec4f', 'vec4u']]);
});
