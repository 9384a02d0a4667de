/// <reference types="@webgpu/types" />
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openNodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import type { NodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import { bindingsModule } from '../../compiler/launch/bindings.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import { withDefaults } from '../../compiler/spec/check-launch.ts';
import type { Launch, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import { denseStages } from '../../compiler/interpreters/dense/index.ts';
import { runChain } from '../../tools/engines/chains.ts';
import { compileWgsl, compileWgslChain } from '../../tools/engines/compile.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import { asStored, randomInputs } from '../../tools/inputs.ts';
import { chainOf, selecting, smallSchedules as schedules, twoLayers, twoLayersLaunch, valueOf } from '../support/chains.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'out', `test-bindings-${process.pid}`);

const source = `
/// Columns that every head picks for itself, and a window.
attention picked_columns(
  /// How many keys back a query sees.
  window: int tokens = 5,
  /// Largest score.
  cap: float = 20.0,
  enabled: bool = true,
  /// Key positions.
  columns: int[heads, n_columns],
  granted: bool[keys / 8]
) {
  mask causal & (band(0 .. window) | keys(columns)) & { (q, k) => granted[k div 8] | (enabled & q == k) }
  score s => cap * tanh(s / cap)
}
attention half_of() { mask band(-3 .. 4) }
`;

type Attention = (device: GPUDevice, call: Readonly<Record<string, unknown>>) => Promise<{ readonly out: Float32Array; readonly lse: Float32Array }>;

function specOf(name: string): Spec {
  const lowered = compileSource({ file: 'test.fil', text: source }, () => undefined, name);
  if (!lowered.ok) throw new Error(lowered.diagnostics.map((d) => d.message).join('; '));
  return lowered.value;
}

let device: NodeDevice;

const chains = { two: chainOf(twoLayers, 'two'), picking: chainOf(selecting, 'picking') };

/** The module of a chain; its tiles are small as well. */
function writeChain(name: keyof typeof chains): string {
  const compiled = compileWgslChain(chains[name], { target: device.target, dtype: 'f32', schedules });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
  const path = join(folder, `chain-${name}.ts`);
  writeFileSync(path, bindingsModule(compiled.value.hostPlan, new Map([...compiled.value.texts].map(([kernel, t]) => [kernel, t.text]))));
  return path;
}

/** An attention that gives truth values and whole numbers back. */
function writeChoosing(): string {
  const compiled = compileWgsl(valueOf(compileSource({ file: 'chosen.fil', text: choosing }, () => undefined, 'chosen')), { target: device.target, dim: 8, dtype: 'f32', schedules });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
  const path = join(folder, 'choosing.ts');
  writeFileSync(path, bindingsModule(compiled.value.hostPlan, new Map([...compiled.value.texts].map(([kernel, t]) => [kernel, t.text]))));
  return path;
}

const choosing = `
stage picks() {
  index j in keys
  place[h, j] = rank j: k[h, j, 0]
  kept[h, j] = place[h, j] < 3
}
attention chosen() {
  stage sel = picks()
  mask keys(sel.kept)
  output sel.kept, sel.place
}
`;

function write(name: string, dtype: FloatElement): string {
  const compiled = compileWgsl(specOf(name), { target: device.target, dim: 8, dtype, schedules });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
  const text = bindingsModule(compiled.value.hostPlan, new Map([...compiled.value.texts].map(([kernel, t]) => [kernel, t.text])));
  const path = join(folder, `${name}-${dtype}.ts`);
  writeFileSync(path, text);
  return path;
}

async function attentionOf(path: string, name: string): Promise<Attention> {
  const module: Readonly<Record<string, Attention | undefined>> = await import(pathToFileURL(path).href);
  const found = module[name];
  if (found === undefined) throw new Error(`the module exports ${Object.keys(module).join(', ')}`);
  return found;
}

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  const opened = await openNodeDevice();
  if (!opened.ok) throw new Error(opened.diagnostics.map((d) => d.message).join('; '));
  device = opened.value;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function launchOf(spec: Spec, nQ: number, nK: number, heads: number, kvHeads: number): Launch {
  const columns: TensorValue = { extents: [heads, 3], data: Int32Array.from({ length: heads * 3 }, (_, i) => (i * 7) % nK) };
  const granted: TensorValue = { extents: [Math.ceil(nK / 8)], data: Uint8Array.from({ length: Math.ceil(nK / 8) }, (_, i) => (i % 3 === 1 ? 0 : 1)) };
  const tensors = spec.tensors.length === 0 ? new Map<string, TensorValue>() : new Map([['columns', columns], ['granted', granted]]);
  return withDefaults(spec, { sizes: { batch: 2, heads, kvHeads, nQ, nK, dim: 8 }, scalars: new Map(spec.scalars.some((s) => s.name === 'window') ? [['window', 9]] : []), tensors });
}

describe('a generated module', () => {
  test('type-checks under strict settings with the WebGPU types alone, also with names that clash with its own', () => {
    write('picked_columns', 'f32');
    write('picked_columns', 'f16');
    write('picked_columns', 'bf16');
    write('half_of', 'f32');
    writeChain('two');
    writeChain('picking');
    writeChoosing();
    const config = {
      compilerOptions: {
        target: 'es2022', lib: ['es2023', 'dom'], module: 'esnext', moduleResolution: 'bundler', strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true,
        verbatimModuleSyntax: true, erasableSyntaxOnly: true, noEmit: true, skipLibCheck: true, types: ['@webgpu/types'], typeRoots: [join(root, 'node_modules')],
      },
      include: ['*.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder], { encoding: 'utf8' });
    expect(tsc.stdout).toBe('');
    expect(tsc.status).toBe(0);
  });

  test.each([
    [37, 37, 4, 2, 'f32'],
    [2, 61, 2, 2, 'f32'],
    [21, 33, 2, 1, 'f16'],
    [21, 33, 2, 1, 'bf16'],
  ] as const)('computes what the interpreter does: n_q %d, n_k %d, %d heads on %d, %s', async (nQ, nK, heads, kvHeads, dtype) => {
    const spec = specOf('picked_columns');
    const run = await attentionOf(write('picked_columns', dtype), 'pickedColumns');
    const launch = launchOf(spec, nQ, nK, heads, kvHeads);
    const inputs = randomInputs(launch.sizes, 5);
    const result = await run(device.device, {
      batch: 2, heads, kvHeads, nQ, nK, q: inputs.q, k: inputs.k, v: inputs.v, window: 9,
      columns: launch.tensors.get('columns')?.data, granted: launch.tensors.get('granted')?.data,
    });
    const truth = attentionWithBounds(spec, launch, asStored(inputs, dtype), { outType: dtype, splits: nK });
    expect(compareRows(result.out, truth.out, truth.bounds.out).ratio).toBeLessThanOrEqual(1);
    expect(compareRows(result.lse, truth.lse, truth.bounds.lse).ratio).toBeLessThanOrEqual(1);
  });

  test('a chain takes its tensors and gives what it names', async () => {
    const run = await attentionOf(writeChain('two'), 'two');
    const launch = twoLayersLaunch(9, 2);
    const given = Object.fromEntries([...launch.tensors].map(([name, t]) => [name, t.data]));
    const result: Readonly<Record<string, unknown>> = await run(device.device, { ...given, nQ: 9, batch: 2, window: 5 });
    const { outputs } = valueOf(await runChain('wgsl', { chain: chains.two, launch, dtype: 'f32', schedules }));
    expect(Object.keys(result)).toEqual(['yOut']);
    expect(result['yOut']).toEqual(outputs.get('y.out')?.values);
    await expect(run(device.device, { ...given, nQ: 8, batch: 2, window: 5 })).rejects.toThrow(/^x must have \[2, 8, 8\]/);
  });

  test('stage tensors come back beside out and lse, truth values as bytes', async () => {
    const run = await attentionOf(writeChoosing(), 'chosen');
    const sizes = { batch: 1, heads: 2, kvHeads: 1, nQ: 3, nK: 12, dim: 8 };
    const inputs = randomInputs(sizes, 9);
    const result: Readonly<Record<string, unknown>> = await run(device.device, { ...inputs, heads: 2, kvHeads: 1, nQ: 3, nK: 12 });
    const spec = valueOf(compileSource({ file: 'chosen.fil', text: choosing }, () => undefined, 'chosen'));
    const dense = denseStages(spec, { sizes, scalars: new Map(), tensors: new Map() }, inputs);
    expect(result['selKept']).toEqual(dense.get('sel.kept')?.data);
    expect(result['selPlace']).toEqual(dense.get('sel.place')?.data);
    expect(result['out']).toHaveLength(48);
  });

  test('names the argument that does not fit, and dispatches nothing', async () => {
    const run = await attentionOf(write('picked_columns', 'f32'), 'pickedColumns');
    const spec = specOf('picked_columns');
    const { sizes, tensors } = launchOf(spec, 16, 16, 2, 2);
    const inputs = randomInputs(sizes, 5);
    const good = { batch: 2, heads: 2, nQ: 16, q: inputs.q, k: inputs.k, v: inputs.v, columns: tensors.get('columns')?.data, granted: tensors.get('granted')?.data };
    await expect(run(device.device, { ...good, q: inputs.q.subarray(8) })).rejects.toThrow(/^q must have \[2, 2, 16, 8\] = 512 elements, not 504/);
    await expect(run(device.device, { ...good, heads: 3, kvHeads: 2 })).rejects.toThrow(/heads \(3\) must be a multiple of kvHeads \(2\)/);
    await expect(run(device.device, { ...good, window: 1.5 })).rejects.toThrow(/^window must be a whole number/);
    await expect(run(device.device, { ...good, cap: Number.NaN })).rejects.toThrow(/^cap must be a finite number/);
    await expect(run(device.device, { ...good, columns: Int32Array.of(1, 2, 3) })).rejects.toThrow(/^columns has 3 elements, which is no multiple of 2/);
    await expect(run(device.device, { ...good, granted: Uint8Array.of(1) })).rejects.toThrow(/^granted must have \[2\]/);
    const result = await run(device.device, good);
    expect(result.lse).toHaveLength(64);
  });

  test('carries units, defaults and doc comments in its signature', () => {
    const compiled = compileWgsl(specOf('picked_columns'), { target: device.target, dim: 8, dtype: 'f32', schedules });
    if (!compiled.ok) throw new Error('refused');
    const text = bindingsModule(compiled.value.hostPlan, new Map([...compiled.value.texts].map(([kernel, t]) => [kernel, t.text])));
    expect(text).toMatch(/\* How many keys back a query sees\.\n\s+\* Unit: tokens\.\n\s+\* Default: 5\.\n\s+\*\/\n\s+readonly window\?: number;/);
    expect(text).toMatch(/\* Key positions\.\n\s+\* int \[heads, n_columns\], row-major\.\n\s+\*\/\n\s+readonly columns: Int32Array \| GPUBuffer;/);
    expect(text).not.toMatch(/^import /m);
  });
});
