/**
 * The C launcher against resolveLaunch: its text is compiled by the C++ compiler of the machine with a CUDA run time that only
 * writes down what it is asked to launch. Every dispatch, pointer and uniform word must be the one that the host plan gives.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cudaEntry } from '../../../backends/cuda/names.ts';
import { callFields, cIdentifier } from '../../../backends/cuda/launcher/call.ts';
import { printHeader, printLauncher } from '../../../backends/cuda/launcher/print.ts';
import { sm80 } from '../../../backends/targets.ts';
import type { HostPlan } from '../../../compiler/launch/plan.ts';
import { resolveLaunch, uniformWords } from '../../../compiler/launch/resolve.ts';
import { chainSizes } from '../../../compiler/interpreters/dense/chain.ts';
import { compileChain, compileSpec } from '../../../compiler/pipeline.ts';
import type { Launch } from '../../../compiler/spec/ir.ts';
import { cases } from '../../conformance/cases.ts';
import { chainOf, twoLayers, twoLayersLaunch } from '../../support/chains.ts';
import { caseOf, intTensor, sizesOf, specOf } from '../../support/levels.ts';

const compiler = ['c++', 'g++', 'clang++'].find((c) => spawnSync(c, ['--version']).status === 0);
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-launcher-'));
  writeFileSync(join(folder, 'cuda_runtime.h'), `#pragma once
#include <cstddef>
struct dim3 { unsigned x, y, z; dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {} };
typedef void* cudaStream_t;
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
inline const char* cudaGetErrorString(cudaError_t) { return "refused"; }
inline cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t);
`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where buffer number i lies in the pretended memory. */
const base = (i: number): number => (i + 1) * 2 ** 40;
const workspaceBase = 2 ** 50;

function valueOf(plan: HostPlan, launch: Launch, field: ReturnType<typeof callFields>[number]): number {
  const { batch, heads, kvHeads, nQ, nK } = launch.sizes;
  switch (field.kind) {
    case 'buffer':
      return base(plan.buffers.indexOf(field.buffer));
    case 'size':
      return { batch, heads, kv_heads: kvHeads, n_q: nQ, n_k: nK }[field.name];
    case 'extent': {
      const at = plan.tensors.find((t) => t.name === field.tensor)?.axes.findIndex((a) => a.kind === 'free' && a.name === field.axis) ?? -1;
      return launch.tensors.get(field.tensor)?.extents[at] ?? -1;
    }
    case 'scalar':
      return launch.scalars.get(field.scalar) ?? plan.scalars.find((s) => s.name === field.scalar)?.defaultValue ?? NaN;
  }
}

/** What the launcher launches, one line each; a call that is refused gives its message. */
function launched(plan: HostPlan, launch: Launch, name: string): string {
  const call = cIdentifier(plan.name);
  const buffers = callFields(plan).filter((f) => f.kind === 'buffer').length;
  const fields = callFields(plan).map((f) => `  call.${f.name} = ${f.kind === 'buffer' ? `reinterpret_cast<void*>(${valueOf(plan, launch, f)}LL)` : valueOf(plan, launch, f)};`);
  const main = `${plan.kernels.map((k) => `extern "C" void ${cudaEntry(plan.name, k.name)}() {}`).join('\n')}
${printLauncher(plan)}
cudaError_t cudaLaunchKernel(const void* kernel, dim3 grid, dim3 block, void** arguments, size_t shared, cudaStream_t stream) {
  for (const step_rule& s : step_rules) {
    if (s.kernel != kernel) continue;
    std::printf("%s %u %u %u lanes %u shared %zu stream %lld:", s.name, grid.x, grid.y, grid.z, block.x, shared, (long long)stream);
    for (int i = 0; i < s.storage_count; ++i) std::printf(" %lld", *(long long*)arguments[i]);
    std::printf(";");
    for (int i = 0; i < UNIFORMS(s.name); ++i) std::printf(" %d", ((int*)arguments[s.storage_count])[i]);
    std::printf("\\n");
    return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}
int main() {
  ${call}_call call = {};
${fields.join('\n')}
  const long long bytes = ${call}_workspace_bytes(&call);
  std::printf("workspace %lld\\nelements", bytes);
  for (int i = 0; i < ${buffers}; ++i) std::printf(" %lld", ${call}_elements(&call, i));
  std::printf(" %lld\\n", ${call}_elements(&call, ${buffers}));
  if (${call}_launch(&call, reinterpret_cast<void*>(${workspaceBase}LL), bytes, reinterpret_cast<void*>(77)) != 0) std::printf("refused: %s\\n", ${call}_message());
  return 0;
}
`;
  const counts = `#include <cstring>\nstatic int UNIFORMS(const char* name) {\n${plan.kernels.map((k) => `  if (std::strcmp(name, "${k.name}") == 0) return ${k.uniforms.length};`).join('\n')}\n  return 0;\n}\n`;
  const source = join(folder, `${name}.cpp`);
  writeFileSync(source, counts + main);
  execFileSync(compiler ?? 'c++', ['-std=c++17', '-O0', '-Wall', '-Wextra', '-Werror', '-Wno-unused-function', '-I', folder, source, '-o', join(folder, name)], { stdio: 'pipe' });
  return execFileSync(join(folder, name), { encoding: 'utf8' });
}

/** The same from the host plan. */
function expected(plan: HostPlan, launch: Launch): string {
  const extents = new Map([...launch.tensors].map(([name, t]) => [name, t.extents]));
  const resolved = resolveLaunch(plan, launch.sizes, launch.scalars, extents);
  if (!resolved.ok) return resolved.diagnostics.map((d) => d.message).join('; ');
  let bytes = 0;
  const places = new Map(resolved.value.buffers.map((b, i) => {
    if (b.role !== 'workspace') return [b.name, base(i)];
    const at = workspaceBase + bytes;
    bytes += Math.max(256, Math.ceil((b.elements * (b.element === 'f16' ? 2 : 4)) / 256) * 256);
    return [b.name, at];
  }));
  const lines = resolved.value.pieces.map((piece) => {
    const kernel = plan.kernels.find((k) => k.name === piece.kernel);
    if (kernel === undefined) return '';
    const pointers = piece.bindings.map((b) => ` ${(places.get(b.buffer) ?? NaN) + b.offset}`).join('');
    const words = [...uniformWords(kernel, piece.uniforms)].slice(0, kernel.uniforms.length).map((w) => ` ${w}`).join('');
    return `${kernel.name} ${piece.workgroups.join(' ')} lanes ${kernel.workgroupSize} shared ${kernel.sharedBytes} stream 77:${pointers};${words}\n`;
  });
  // In the order of the struct, in which outputs of stages follow workspace of the plan; behind the last there is nothing.
  const elements = callFields(plan).flatMap((f) => (f.kind === 'buffer' ? [` ${resolved.value.buffers.find((b) => b.name === f.buffer.name)?.elements}`] : []));
  return `workspace ${bytes}\nelements${elements.join('')} -1\n${lines.join('')}`;
}

/** Two stages whose tensors have the same name in C, of every type, one with an extent that a launch decides. */
const chooser = `stage picked(const size: int, n: int) {
  index A in queries / size
  index B in keys / size
  index m in 0 .. n
  b_c[h, A, B] = B <= A
  at[h, m] = m * 2
}
stage shares(const size: int) {
  index A in queries / size
  c[h, A] = float(A) / size
}
attention chooser(n: int, cols: int[listed]) {
  stage a = picked(4, n)
  stage a_b = shares(4)
  mask tiles(a.b_c) | keys(cols)
  output a.b_c, a.at, a_b.c
}
`;

test('stage tensors are arguments in the order of the struct, under names of their own', ({ skip }) => {
  if (compiler === undefined) return skip('no C++ compiler');
  const spec = specOf(chooser, 'chooser');
  const { launch } = caseOf(spec, sizesOf(11, 21), { n: 5 }, { cols: intTensor([3], [1, 7, 9]) });
  const result = compileSpec(spec, { target: sm80, dim: 8, dtype: 'f32' });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('; '));
  const { hostPlan } = result.value;
  const names = callFields(hostPlan).map((f) => f.name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['p_a_b_c', 'p_a_at', 'p_a_b_c_']));
  expect(launched(hostPlan, launch, 'chooser')).toBe(expected(hostPlan, launch));
});

function compiled(name: string): { readonly plan: HostPlan; readonly launch: Launch } {
  const found = cases.find((c) => c.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  const result = compileSpec(found.spec, { target: sm80, dim: found.launch.sizes.dim, dtype: 'f32' });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('; '));
  return { plan: result.value.hostPlan, launch: found.launch };
}

test.for([
  ['causal, one query at the end of many keys', 'decode'],
  ['listed columns and slashes for each head', 'lists'],
  ['a block table for each head', 'table'],
  ['a bias, a slope and a soft cap', 'score'],
] as const)('the launcher does what the host plan says: %s', ([name, file], { skip }) => {
  if (compiler === undefined) return skip('no C++ compiler');
  const { plan, launch } = compiled(name);
  expect(launched(plan, launch, file)).toBe(expected(plan, launch));
});

test('the launcher of a chain binds the tensors of its calls to one another', ({ skip }) => {
  if (compiler === undefined) return skip('no C++ compiler');
  const chain = chainOf(twoLayers, 'two');
  const result = compileChain(chain, { target: sm80, dtype: 'f32' });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('; '));
  const { hostPlan } = result.value;
  const given = twoLayersLaunch(9, 2);
  const launch: Launch = { ...given, sizes: chainSizes(chain, given.sizes) };
  expect(callFields(hostPlan).flatMap((f) => (f.kind === 'buffer' ? [f.name] : []))).toEqual(['x', 'wq', 'wk', 'wo', 'y_out']);
  expect(launched(hostPlan, launch, 'chain')).toBe(expected(hostPlan, launch));
  expect(launched(hostPlan, { ...launch, sizes: { ...launch.sizes, heads: 2 } }, 'fixed')).toContain('refused: chain two is made for heads = 4');
});

test('heads are taken in parts where a buffer has more elements than 32 bits count, and sizes out of range are refused', ({ skip }) => {
  if (compiler === undefined) return skip('no C++ compiler');
  const { plan, launch } = compiled('causal, a length that no tile divides');
  const long: Launch = { ...launch, sizes: { ...launch.sizes, heads: 256, kvHeads: 64, nQ: 2 ** 21, nK: 2 ** 21 } };
  const said = launched(plan, long, 'long').split('\n');
  const parts = said.filter((l) => l.startsWith(plan.kernels[0]?.name ?? ''));
  expect(parts.length).toBeGreaterThan(1);
  expect(said.join('\n')).not.toContain('refused');
  const wrong: Launch = { ...launch, sizes: { ...launch.sizes, heads: 3, kvHeads: 2 } };
  expect(launched(plan, wrong, 'wrong')).toContain('refused: heads (3) is no multiple of kv_heads (2)');
  expect(printHeader(plan)).toContain(`int ${cIdentifier(plan.name)}_launch(const`);
});
