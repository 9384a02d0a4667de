import { describe, expect, it } from 'vitest';
import { printWgsl } from '../../backends/wgsl/module.ts';
import { uploadTensor } from '../../backends/wgsl/runtime/buffers.ts';
import { preparePlan, runResolved, type LaunchResult, type PreparedPlan } from '../../backends/wgsl/runtime/execute.ts';
import { precompile } from '../../backends/wgsl/runtime/pipelines.ts';
import { bin, i32, lane } from '../../compiler/kernel/build.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import { buffer, load, program, sharedSum, store, vectorAdd } from '../backends/kernels.ts';
import { launchOf, piece, planOf, resolvedBuffer, tensorsOf, testDevice, valueOf, type KernelRun } from './run-kernel.ts';

function additions(n: number, scale: number): KernelRun {
  const a = Float32Array.from({ length: n }, (_, i) => i * scale);
  return { buffers: { a, b: a, out: n }, uniforms: [n], workgroups: Math.ceil(n / 64) };
}

function outOf(result: LaunchResult): readonly number[] {
  const data = result.outputs.get('out')?.data;
  return data !== undefined && ArrayBuffer.isView(data) ? [...data] : [];
}

async function prepareAdd(): Promise<PreparedPlan> {
  const { device } = await testDevice();
  return valueOf(await preparePlan(device, planOf(vectorAdd), new Map([[vectorAdd.name, printWgsl(vectorAdd)]])));
}

const doubled = (n: number, scale: number): readonly number[] => Array.from({ length: n }, (_, i) => 2 * i * scale);

describe('launches of a prepared plan', () => {
  it('reuse its buffers for smaller and larger sizes', async () => {
    const plan = await prepareAdd();
    for (const [n, scale] of [[100, 1], [7, 2], [300, 0.5], [1, 3]] as const) {
      const run = additions(n, scale);
      expect(outOf(valueOf(await runResolved(plan, launchOf(vectorAdd, run), tensorsOf(run))))).toEqual(doubled(n, scale));
    }
    plan.destroy();
  });

  it('may overlap: each gets its own results', async () => {
    const plan = await prepareAdd();
    const scales = [1, 2, 4, 8, 16, 32];
    const all = await Promise.all(
      scales.map((scale) => {
        const run = additions(64 + scale, scale);
        return runResolved(plan, launchOf(vectorAdd, run), tensorsOf(run));
      }),
    );
    all.forEach((result, i) => expect(outOf(valueOf(result))).toEqual(doubled(64 + (scales[i] ?? 0), scales[i] ?? 0)));
    plan.destroy();
  });

  it('take tensors where they lie on the device, and leave outputs there', async () => {
    const { device } = await testDevice();
    const plan = await prepareAdd();
    const run = additions(96, 1);
    const a = uploadTensor(device, 'a', Float32Array.from({ length: 96 }, (_, i) => i), 'f32');
    if (a === undefined) throw new Error('no buffer');
    const out = device.createBuffer({ size: 96 * 4, usage: 0x80 | 0x4 | 0x8 });
    const tensors = new Map(['a', 'b'].map((name) => [name, { extents: [96], data: a }]));
    const first = valueOf(await runResolved(plan, launchOf(vectorAdd, run), tensors, { outputs: 'leave', into: new Map([['out', out]]) }));
    expect(first.outputs.get('out')?.data).toBe(out);
    const chained = new Map([['a', { extents: [96], data: out }], ['b', { extents: [96], data: a }]]);
    expect(outOf(valueOf(await runResolved(plan, launchOf(vectorAdd, run), chained)))).toEqual(Array.from({ length: 96 }, (_, i) => 3 * i));
    plan.destroy();
    // Buffers of the caller survive the plan.
    const again = await prepareAdd();
    expect(outOf(valueOf(await runResolved(again, launchOf(vectorAdd, run), tensors)))).toEqual(doubled(96, 1));
    again.destroy();
  });

  it('tell the time on the device where it has a clock', async ({ skip }) => {
    const { device } = await testDevice();
    if (!device.features.has('timestamp-query')) return skip('the device has no timestamp-query');
    const plan = await prepareAdd();
    const run = additions(1 << 16, 1);
    const { gpuNanoseconds } = valueOf(await runResolved(plan, launchOf(vectorAdd, run), tensorsOf(run), { timestamps: true }));
    expect(gpuNanoseconds).toBeGreaterThanOrEqual(0);
    plan.destroy();
  });

  it('run steps in order, each seeing what the one before wrote, in pieces bound at offsets', async () => {
    const { device } = await testDevice();
    // Two workgroups of 64 lanes each double their part in place; pieces of one workgroup bind their own 256 bytes.
    const double = program({
      name: 'double', storage: [buffer('x', 'f32', 'write')],
      body: [store('x', lane, bin('mul', load('x', 'f32', lane), { kind: 'ref', type: 'f32', name: 'factor' }))],
      uniforms: [{ name: 'factor', type: 'f32' }],
    });
    const fill = program({ name: 'fill', storage: [buffer('x', 'f32', 'write')], body: [store('x', bin('add', bin('mul', { kind: 'builtin', type: 'i32', name: 'group_x' }, i32(64)), lane), { kind: 'unary', type: 'f32', op: 'to_f32', arg: lane })] });
    const plan: HostPlan = { ...planOf(double), kernels: [...planOf(double).kernels, ...planOf(fill).kernels] };
    const texts = new Map([double, fill].map((k) => [k.name, printWgsl(k)]));
    const ready = valueOf(await preparePlan(device, plan, texts));
    const pieces = [
      piece('fill', [['x', 0, 512]], [], 2),
      piece('double', [['x', 0, 256]], [2], 1),
      piece('double', [['x', 256, 256]], [3], 1),
      piece('double', [['x', 0, 256]], [5], 1),
    ];
    const result = valueOf(await runResolved(ready, { values: new Map(), buffers: [resolvedBuffer('x', 'output', 'f32', 128)], pieces }, new Map()));
    const data = result.outputs.get('x')?.data;
    expect(data !== undefined && ArrayBuffer.isView(data) ? [...data] : []).toEqual(Array.from({ length: 128 }, (_, i) => (i < 64 ? 10 * i : 3 * (i - 64))));
    ready.destroy();
  });

  it('dispatch nothing where there is nothing to do, and bools arrive as 0 and 1', async () => {
    const { device } = await testDevice();
    const kernel = program({ name: 'flags', storage: [buffer('flags', 'i32'), buffer('out', 'i32', 'write')], body: [store('out', lane, load('flags', 'i32', lane))] });
    const ready = valueOf(await preparePlan(device, planOf(kernel), new Map([['flags', printWgsl(kernel)]])));
    const flags = new Uint8Array(64).map((_, i) => (i % 3 === 0 ? 255 : 0));
    const launch = launchOf(kernel, { buffers: { flags, out: 64 } });
    const typed = { ...launch, buffers: launch.buffers.map((b) => (b.name === 'flags' ? { ...b, element: 'bool' as const } : b)) };
    const tensors = new Map([['flags', { extents: [64], data: flags }]]);
    expect(outOf(valueOf(await runResolved(ready, typed, tensors)))).toEqual([...flags].map((f) => (f === 0 ? 0 : 1)));
    expect(outOf(valueOf(await runResolved(ready, { ...typed, pieces: [] }, tensors)))).toEqual(Array(64).fill(-1));
    ready.destroy();
  });
});

describe('pipelines', () => {
  it('are made once for a device and a text', async () => {
    const { device } = await testDevice();
    const kernels = [...planOf(vectorAdd).kernels, ...planOf(sharedSum).kernels];
    const texts = new Map([vectorAdd, sharedSum].map((k) => [k.name, printWgsl(k)]));
    const first = valueOf(await precompile(device, kernels, texts));
    const second = valueOf(await precompile(device, kernels, texts));
    for (const { name } of kernels) expect(second.get(name)?.pipeline).toBe(first.get(name)?.pipeline);
    expect(new Set([...first.values()].map((c) => c.pipeline)).size).toBe(2);
  });
});
