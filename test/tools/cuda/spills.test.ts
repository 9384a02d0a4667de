/**
 * Default schedules keep what a lane holds in registers: of two examples no kernel moves a byte to memory and back for want of them. More were
 * looked at by hand (docs/decisions/0013-registers-before-occupancy.md).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { printCuda } from '../../../backends/cuda/module.ts';
import { cudaEntry } from '../../../backends/cuda/names.ts';
import { cudaTargets } from '../../../backends/targets.ts';
import { compileSpec } from '../../../compiler/pipeline.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import { findNvcc } from '../../../tools/cuda/find-nvcc.ts';
import { runNvcc } from '../../../tools/cuda/nvcc.ts';
import { resourceUse } from '../../../tools/cuda/resources.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const cases = [
  { file: 'examples/a-shape/a-shape.fil', name: 'streaming', arch: 'sm_80', dim: 64, dtype: 'bf16' },
  { file: 'examples/strided/strided.fil', name: 'strided_attention', arch: 'sm_90a', dim: 128, dtype: 'f16' },
] as const;

test.for(cases)('no kernel of $name spills on $arch with $dtype rows of $dim', async ({ file, name, arch, dim, dtype }, { skip }) => {
  const found = findNvcc();
  if ('looked' in found) skip(`no nvcc in ${found.looked.join(', ')}`);
  const target = cudaTargets.find((t) => t.name === arch);
  const spec = compileSource({ file }, read, name);
  if (!spec.ok || target === undefined) throw new Error('the example does not compile');
  const compiled = compileSpec(spec.value, { target, dim, dtype });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('\n'));
  const { hostPlan, kernelPrograms } = compiled.value;
  const made = await runNvcc({ source: printCuda({ name: hostPlan.name, doc: [], kernels: kernelPrograms }), arch, make: 'cubin' });
  if (!made.ok) throw new Error(made.diagnostics.map((d) => d.message).join('\n'));
  const used = resourceUse(made.value.log, arch, hostPlan.kernels.map((k) => ({ entry: cudaEntry(hostPlan.name, k.name), workgroupSize: k.workgroupSize, sharedBytes: k.sharedBytes })));
  expect(used.length).toBe(hostPlan.kernels.length);
  expect(used.filter((k) => k.spillStores + k.spillLoads > 0)).toEqual([]);
});
