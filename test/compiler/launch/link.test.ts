/**
 * Chains as one host plan: each call judged on what was really made before it, on the tile and the lock-step interpreter; memory that is
 * shared changes no bit; links that are broken on purpose are seen.
 */
import { describe, expect, it } from 'vitest';
import { sm80, webgpuDefault, webgpuSubgroups } from '../../../backends/targets.ts';
import { falseExpr } from '../../../compiler/expr/build.ts';
import { chainSizes, denseChain, type ChainLaunch } from '../../../compiler/interpreters/dense/chain.ts';
import { checkChain } from '../../../compiler/interpreters/chain-check.ts';
import { runPlanWithLockstep, runPlanWithTiles, type LaunchOutput } from '../../../compiler/interpreters/launch.ts';
import { printProblem } from '../../../compiler/interpreters/problem.ts';
import { cutsOf } from '../../../compiler/launch/cuts.ts';
import type { HostStep } from '../../../compiler/launch/plan.ts';
import { resolveLaunch } from '../../../compiler/launch/resolve.ts';
import { verifyHostPlan } from '../../../compiler/launch/verify.ts';
import { compileChain, type CompiledChain } from '../../../compiler/pipeline.ts';
import type { ChainSpec } from '../../../compiler/spec/chain.ts';
import { chainOf, floats, launchOf, manyRoles, narrowLayers, selecting, selectingLaunch, twoLayers, twoLayersLaunch, valueOf } from '../../support/chains.ts';

const two = chainOf(twoLayers, 'two');
const picking = chainOf(selecting, 'picking');
const roles = chainOf(manyRoles, 'roles', { again: 'plain' });
const rolesLaunch = launchOf(2, 6, 6, { x: floats([2, 6, 16], 9) });

function compiled(chain: ChainSpec, outputs?: 'all', dtype: 'f32' | 'f16' | 'bf16' = 'f32', target = webgpuSubgroups): CompiledChain {
  return valueOf(compileChain(chain, { target, dtype, ...(outputs === undefined ? {} : { outputs }) }));
}

const everything = new Map([two, picking, roles].map((chain) => [chain, compiled(chain, 'all')] as const));

function run(level: 'tile' | 'kernel', artefact: CompiledChain, launch: ChainLaunch, limits = {}): LaunchOutput {
  const input = { ...launch, sizes: chainSizes(artefact.chain, launch.sizes), q: [], k: [], v: [] };
  return valueOf(level === 'tile' ? runPlanWithTiles(artefact, input, { limits }) : runPlanWithLockstep(artefact, input, { subgroupWidth: 8, limits }));
}

function complaints(level: 'tile' | 'kernel', artefact: CompiledChain, launch: ChainLaunch, limits = {}): readonly string[] {
  const { outputs, problems } = run(level, artefact, launch, limits);
  const options = { outType: artefact.hostPlan.dtype, cutsOf: (unit: number, of: Parameters<typeof cutsOf>[1]) => cutsOf(artefact.units[unit] ?? { ...artefact, prefill: never(), decode: never() }, of) };
  return [...problems.map(printProblem), ...(problems.length > 0 ? [] : checkChain(artefact.chain, launch, outputs, options))];
}

function never(): never {
  throw new Error('no unit');
}

function all(chain: ChainSpec): CompiledChain {
  return everything.get(chain) ?? never();
}

const cases: readonly (readonly [string, ChainSpec, readonly ChainLaunch[]])[] = [
  ['two layers with grouped heads', two, [twoLayersLaunch(9, 2), twoLayersLaunch(1), twoLayersLaunch(70, 1, 40)]],
  ['an attention that selects', picking, [selectingLaunch(3, 13, 2), selectingLaunch(1, 8), selectingLaunch(5, 22, 1, 4)]],
  ['one tensor in many roles', roles, [rolesLaunch, launchOf(1, 1, 1, { x: floats([1, 1, 16], 3) })]],
];

describe.each(cases)('%s', (_, chain, launches) => {
  it('every call gives what its unit means on what was made before it', () => {
    for (const launch of launches) {
      expect(complaints('tile', all(chain), launch)).toEqual([]);
      if (launch.sizes.nQ < 20) expect(complaints('kernel', all(chain), launch)).toEqual([]);
    }
  });

  it('sharing memory changes no bit of the outputs', () => {
    const shared = compiled(chain);
    const [launch] = launches;
    if (launch === undefined) return never();
    const lean = run('kernel', shared, launch);
    const full = run('kernel', all(chain), launch);
    expect(lean.problems.map(printProblem)).toEqual([]);
    for (const { name, value } of chain.outputs) expect(lean.outputs.get(name)?.values, name).toEqual(full.outputs.get(value)?.values);
    expect(shared.hostPlan.buffers.length).toBeLessThanOrEqual(all(chain).hostPlan.buffers.length);
  });

  it('the whole stays near its meaning in float64', () => {
    const [launch] = launches;
    if (launch === undefined) return never();
    const dense = denseChain(chain, launch);
    const made = run('tile', all(chain), launch);
    for (const { value } of chain.outputs) {
      const wanted = dense.get(value);
      const found = made.outputs.get(value);
      expect(found?.extents).toEqual(wanted?.extents);
      // Tiles compute in float64; what inputs and storage round is far below this.
      (wanted?.data ?? []).forEach((x, i) => expect(Math.abs((found?.values[i] ?? NaN) - x)).toBeLessThan(1e-4));
    }
  });
});

describe('the plan of a chain', () => {
  const { hostPlan, units } = compiled(two);

  it('has the kernels of each unit once, under names of its own', () => {
    expect(hostPlan.kernels.length).toBe(units.reduce((n, u) => n + u.hostPlan.kernels.length, 0));
    expect(new Set(hostPlan.kernels.map((k) => k.name)).size).toBe(hostPlan.kernels.length);
    expect(hostPlan.steps.length).toBeGreaterThan(hostPlan.kernels.length);
  });

  it('takes the parameters of the chain and nothing else', () => {
    expect(hostPlan.buffers.filter((b) => b.role === 'input').map((b) => b.name)).toEqual(['p_x', 'p_wq', 'p_wk', 'p_wo']);
    expect(hostPlan.stages).toEqual({ attention: false, outputs: [{ name: 'y.out', buffer: expect.any(String) }] });
  });

  it('needs no more memory for more layers', () => {
    const layers = (n: number): CompiledChain => compiled(chainOf(twoLayers.replace('0 .. 2', `0 .. ${n}`).replaceAll('float[2,', `float[${n},`), 'two'));
    const workspace = (c: CompiledChain): number => c.hostPlan.buffers.filter((b) => b.role === 'workspace').length;
    expect(workspace(layers(6))).toBe(workspace(layers(3)));
    expect(workspace(layers(2))).toBeLessThan(all(two).hostPlan.buffers.filter((b) => b.role === 'output').length);
  });

  it('computes a variable once for all calls that agree', () => {
    expect(hostPlan.variables.map((v) => v.name)).toEqual(['decode', 'query_tile', 'key_tile', 'query_tiles', 'key_tiles', 'splits', 'partial', 'slots']);
  });

  it('runs in pieces over heads where all its steps see a tensor in parts, and whole where they differ', () => {
    // Four heads are one workgroup each, and the device runs three along an axis.
    const limits = { maxWorkgroupsPerAxis: 3, offsetAlignment: 32 };
    const small = launchOf(1, 4, 4, { x: floats([1, 4, 16], 9) });
    const sizes = chainSizes(roles, small.sizes);
    const plan = compiled(roles).hostPlan;
    const asking = plan.steps.filter((s) => s.kernel.startsWith('biased') && s.buffers.includes('p_query'));
    expect(asking.map((s) => s.chunkable)).toEqual(asking.map(() => false));
    expect(plan.steps.filter((s) => s.kernel.startsWith('plain')).every((s) => s.chunkable)).toBe(true);
    const refused = resolveLaunch(plan, sizes, small.scalars, new Map([['x', [1, 4, 16]]]), limits);
    expect(refused.ok ? [] : [...new Set(refused.diagnostics.map((d) => d.message))].join()).toContain('`biased');
    const launch = twoLayersLaunch(4);
    const pieces = (some: object): number => run('kernel', all(two), launch, some).resolved.pieces.length;
    expect(pieces(limits)).toBeGreaterThan(pieces({}));
    expect(complaints('kernel', all(two), launch, limits)).toEqual([]);
  });

  it('refuses sizes that the chain does not have', () => {
    const launch = twoLayersLaunch(4);
    const extents = new Map([...launch.tensors].map(([name, t]) => [name, t.extents]));
    const refused = resolveLaunch(hostPlan, { ...chainSizes(two, launch.sizes), heads: 8 }, launch.scalars, extents);
    expect(refused.ok ? [] : refused.diagnostics.map((d) => d.message)).toEqual(['chain two is made for heads = 4']);
  });

  it('says what to write where a tensor is stored otherwise than an attention reads it', () => {
    const refused = compileChain(two, { target: webgpuSubgroups, dtype: 'f16' });
    expect(refused.ok ? [] : refused.diagnostics.map((d) => `${d.message}; ${d.help ?? ''}`)).toContain(
      '`windowed` reads `q` as f16, but `p.query` holds numbers of f32; write `query[..]: f16 = ..` where it is made, or compile with `--dtype f32`');
  });
});

describe('an attention in 16 bits among stages in 32', () => {
  it.each([['f16', webgpuSubgroups], ['bf16', webgpuDefault], ['bf16', sm80]] as const)('%s: copies change no number', (dtype, target) => {
    const chain = chainOf(narrowLayers(dtype), 'two');
    const artefact = compiled(chain, 'all', dtype, target);
    expect(artefact.hostPlan.kernels.map((k) => k.name).filter((name) => name.startsWith('copy'))).toEqual([`copy_f32_${dtype}_8`, `copy_${dtype}_f32_8`]);
    const launch = twoLayersLaunch(9, 2);
    expect(complaints('tile', artefact, launch)).toEqual([]);
    if (target !== sm80) expect(complaints('kernel', artefact, launch)).toEqual([]);
    // Queries, keys and values, and what was heard: of each layer one copy.
    const copies = artefact.hostPlan.steps.filter((s) => s.kernel.startsWith('copy'));
    expect(copies).toHaveLength(8);
    const wrong = { ...artefact, hostPlan: { ...artefact.hostPlan, steps: artefact.hostPlan.steps.map((s) => (s === copies[7] ? { ...s, when: falseExpr } : s)) } };
    expect(complaints('tile', wrong, launch)).not.toEqual([]);
  });
});

describe('broken links are seen', () => {
  const artefact = all(two);
  const launch = twoLayersLaunch(9, 2);
  const withSteps = (change: (step: HostStep, at: number) => HostStep): CompiledChain => ({ ...artefact, hostPlan: { ...artefact.hostPlan, steps: artefact.hostPlan.steps.map(change) } });
  const isSeen = (mutant: CompiledChain): boolean => verifyHostPlan(mutant.hostPlan).length > 0 || complaints('tile', mutant, launch).length > 0;

  it('none is seen where nothing is broken', () => expect(isSeen(withSteps((s) => s))).toBe(false));

  it('keys and values swapped', () => {
    const swap = (s: HostStep): HostStep => ({ ...s, buffers: s.buffers.map((b) => (b === 'p_key' ? 'p_value' : b === 'p_value' ? 'p_key' : b)) });
    expect(isSeen(withSteps((s) => (s.kernel.startsWith('windowed') ? swap(s) : s)))).toBe(true);
  });

  it('a scalar of the layer before', () => {
    const earlier = (s: HostStep): HostStep => artefact.hostPlan.steps.find((other) => other.kernel === s.kernel) ?? s;
    expect(isSeen(withSteps((s) => ({ ...s, uniforms: earlier(s).uniforms })))).toBe(true);
  });

  it('the residual stream of the layer before', () => {
    expect(isSeen(withSteps((s) => ({ ...s, buffers: s.buffers.map((b, i) => (b === 'y_1_out' && i === 0 ? 'y_out' : b)) })))).toBe(true);
  });

  it('memory taken while it is still read', () => {
    const lean = compiled(two);
    const steps = lean.hostPlan.steps;
    // What the last step reads besides its stream goes where the stream lies.
    const last = steps[steps.length - 1] ?? never();
    const [stream, other] = last.buffers;
    if (stream === undefined || other === undefined) return never();
    const mutant = { ...lean, hostPlan: { ...lean.hostPlan, steps: steps.map((s, at) => (at < steps.length - 3 ? s : { ...s, buffers: s.buffers.map((b) => (b === other ? stream : b)) })) } };
    const honest = run('tile', lean, launch).outputs.get('y.out')?.values;
    const ran = run('tile', mutant, launch);
    expect(verifyHostPlan(mutant.hostPlan).length > 0 || ran.problems.length > 0 || JSON.stringify(ran.outputs.get('y.out')?.values) !== JSON.stringify(honest)).toBe(true);
  });

  it('workspace that is begun anew without being written', () => {
    const lean = compiled(two);
    const readers = lean.hostPlan.steps.map((s) => ({ ...s, begins: s.buffers.filter((b) => lean.hostPlan.buffers.some((x) => x.name === b && x.role === 'workspace')) }));
    expect(verifyHostPlan({ ...lean.hostPlan, steps: readers }).map((f) => f.rule)).toContain('written-before-read');
  });
});
