import { describe, expect, it } from 'vitest';
import { printWgsl } from '../../backends/wgsl/module.ts';
import { openBrowserDevice } from '../../backends/wgsl/runtime/device.ts';
import { preparePlan, runResolved } from '../../backends/wgsl/runtime/execute.ts';
import { openNodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import { validatePrinted } from '../../backends/wgsl/validate.ts';
import { f32, i32, refer } from '../../compiler/kernel/build.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { buffer, letStmt, originAt, program, store, vectorAdd } from '../backends/kernels.ts';
import { launchOf, planOf, tensorsOf, testDevice, valueOf, type KernelRun } from './run-kernel.ts';

function codesOf(checked: Checked<unknown>): readonly string[] {
  return checked.ok ? [] : checked.diagnostics.map((d) => d.code);
}

const four: KernelRun = { buffers: { a: new Float32Array(4).fill(1), b: new Float32Array(4).fill(2), out: 4 }, uniforms: [4] };

async function prepared(device: GPUDevice) {
  return valueOf(await preparePlan(device, planOf(vectorAdd), new Map([[vectorAdd.name, printWgsl(vectorAdd)]])));
}

/** A program that the kernel verifier would refuse: f32 + i32 in the statement at character 33. */
const broken = program({
  name: 'broken',
  storage: [buffer('out', 'f32', 'write')],
  body: [
    letStmt('x', f32(1), originAt(11)),
    store('out', i32(0), { kind: 'binary', type: 'f32', op: 'add', left: refer('x', 'f32'), right: { kind: 'builtin', type: 'i32', name: 'lane' } }, originAt(33)),
  ],
});

describe('a module that does not compile', () => {
  it('is a diagnostic at the source the line was made from, without a device', async () => {
    const [diagnostic, ...more] = await validatePrinted('broken', printWgsl(broken), { f16: false, subgroups: false });
    expect(more).toEqual([]);
    expect(diagnostic?.code).toBe('FIL0902');
    expect(diagnostic?.kind).toBe('bug');
    expect(diagnostic?.primary.span).toEqual({ file: 'test.fil', start: 33, end: 34 });
    expect(diagnostic?.message).toContain("no matching overload for 'operator + (f32, i32)'");
  });
  it('is the same diagnostic on a device', async () => {
    const { device, problems } = await testDevice();
    const result = await preparePlan(device, planOf(broken), new Map([['broken', printWgsl(broken)]]));
    expect(result.ok ? [] : result.diagnostics.map((d) => [d.code, d.primary.span.start])).toEqual([['FIL0902', 33]]);
    expect(problems()).toEqual([]);
  });
  it('may fail as a pipeline only, and is a diagnostic then too', async () => {
    const large = program({ name: 'large', workgroupSize: 100000, storage: [buffer('out', 'f32', 'write')], body: [store('out', i32(0), f32(0))] });
    expect((await validatePrinted('large', printWgsl(large), { f16: false, subgroups: false })).map((d) => d.code)).toEqual(['FIL0902']);
  });
});

describe('a machine that cannot', () => {
  it('without WebGPU is a diagnostic that says what to install', async () => {
    const result = await openBrowserDevice(undefined);
    expect(codesOf(result)).toEqual(['FIL0605']);
  });
  it('without the wanted adapter is a diagnostic that names the drivers looked at', async () => {
    const result = await openNodeDevice({ adapter: 'Voodoo 2' });
    expect(codesOf(result)).toEqual(['FIL0605']);
    expect(result.ok ? '' : result.diagnostics[0]?.message).toMatch(/SwiftShader|VK_DRIVER_FILES|machine/);
  });
  it('with too little of something is a refusal that shows the sum', async () => {
    const { device } = await testDevice();
    const plan = planOf(vectorAdd);
    const large = { ...plan, kernels: plan.kernels.map((k) => ({ ...k, workgroupSize: 4096, sharedBytes: 1 << 20, subgroup: 512 })) };
    const result = await preparePlan(device, large, new Map([[vectorAdd.name, printWgsl(vectorAdd)]]));
    expect(codesOf(result)).toEqual(['FIL0608', 'FIL0608', 'FIL0608']);
    expect(result.ok ? '' : result.diagnostics.map((d) => d.message).join('\n')).toContain('needs 1048576 bytes of workgroup memory, the device has');
  });
  it('gets no plan without its texts', async () => {
    const { device } = await testDevice();
    expect(codesOf(await preparePlan(device, planOf(vectorAdd), new Map()))).toEqual(['FIL0901']);
  });
});

describe('a device that is lost', () => {
  it('is a diagnostic of the launch that comes after', async () => {
    const { device, problems } = valueOf(await openNodeDevice());
    const plan = await prepared(device);
    device.destroy();
    const result = await runResolved(plan, launchOf(vectorAdd, four), tensorsOf(four));
    expect(codesOf(result)).toEqual(['FIL0606']);
    expect(problems().map((d) => d.code)).toEqual(['FIL0606']);
    expect(codesOf(await preparePlan(device, planOf(vectorAdd), new Map([[vectorAdd.name, printWgsl(vectorAdd)]])))).toEqual(['FIL0606']);
  });
  it('is a diagnostic of the launch it happens in', async () => {
    const { device } = valueOf(await openNodeDevice());
    const running = runResolved(await prepared(device), launchOf(vectorAdd, four), tensorsOf(four));
    await Promise.resolve();
    device.destroy();
    expect(codesOf(await running)).toEqual(['FIL0606']);
  });
});

/** The device, but its next error scope says that memory ran out. */
function withoutMemory(device: GPUDevice): GPUDevice {
  let told = false;
  return new Proxy(device, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (key === 'popErrorScope' && !told) {
        told = true;
        return () => target.popErrorScope().then(() => ({ message: 'no memory' }));
      }
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a launch that does not fit', () => {
  it('for lack of memory shows every buffer and the sum', async () => {
    const { device } = await testDevice();
    const plan = await prepared(device);
    const result = await runResolved({ ...plan, device: withoutMemory(device) }, launchOf(vectorAdd, four), tensorsOf(four));
    expect(codesOf(result)).toEqual(['FIL0607']);
    expect(result.ok ? '' : result.diagnostics[0]?.message).toContain('a 16 B + b 16 B + out 16 B = 48 B');
  });
  it('for its tensors says which and what it should be', async () => {
    const { device, problems } = await testDevice();
    const plan = await prepared(device);
    const launch = launchOf(vectorAdd, four);
    const good = tensorsOf(four);
    const tries = [
      ['FIL0506', new Map([...good].filter(([name]) => name !== 'b'))],
      ['FIL0507', new Map([...good, ['b', { extents: [2, 2], data: new Float32Array(4) }] as const])],
      ['FIL0508', new Map([...good, ['b', { extents: [5], data: new Float32Array(5) }] as const])],
      ['FIL0509', new Map([...good, ['b', { extents: [4], data: new Float32Array(3) }] as const])],
      ['FIL0510', new Map([...good, ['b', { extents: [4], data: new Int32Array(4) }] as const])],
      ['FIL0509', new Map([...good, ['b', { extents: [4], data: device.createBuffer({ size: 8, usage: 0x80 }) }] as const])],
    ] as const;
    for (const [code, tensors] of tries) {
      const result = await runResolved(plan, launch, tensors);
      expect(codesOf(result)).toEqual([code]);
      expect(result.ok ? '' : result.diagnostics[0]?.message).toContain('`b`');
    }
    expect(problems()).toEqual([]);
  });
  it('because a command is refused is reported with the words of the device', async () => {
    const { device, problems } = await testDevice();
    const plan = await prepared(device);
    const launch = launchOf(vectorAdd, four);
    const pieces = launch.pieces.map((p) => ({ ...p, workgroups: [1 << 20, 1, 1] as const }));
    const result = await runResolved(plan, { ...launch, pieces }, tensorsOf(four));
    expect(codesOf(result)).toEqual(['FIL0901']);
    expect(problems()).toEqual([]);
    expect(codesOf(await runResolved(plan, launch, tensorsOf(four)))).toEqual([]);
  });
});

