import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swiftshader } from '../../backends/targets.ts';
import { printKernels, printWgsl } from '../../backends/wgsl/module.ts';
import { launch, preparePlan, runResolved, type LaunchResult } from '../../backends/wgsl/runtime/execute.ts';
import { openNodeDevice } from '../../backends/wgsl/runtime/node-device.ts';
import type { KernelProgram } from '../../compiler/kernel/ir.ts';
import { compileSpec } from '../../compiler/pipeline.ts';
import { halves, sharedSum, vectorAdd } from '../backends/kernels.ts';
import { cases } from '../conformance/cases.ts';
import { deviceTensors } from '../conformance/executor.ts';
import type { PageAnswer, PageJob } from './browser-page.ts';
import { startChromium } from './chromium.ts';
import { launchOf, planOf, tensorsOf, valueOf, type KernelRun } from './run-kernel.ts';

/** The runtime as the page loads it: TypeScript stripped, imports joined, nothing replaced. */
async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL('./browser-page.ts', import.meta.url));
  const built = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm', platform: 'browser', target: 'es2022' });
  return built.outputFiles[0]?.text ?? '';
}

async function serve(script: string): Promise<{ readonly server: Server; readonly address: string }> {
  const page = '<!doctype html><title>Filigree</title><script type="module" src="/page.js"></script>';
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' }).end(isScript ? script : page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the test server has no port');
  return { server, address: ['http://127.0.0.1:', String(address.port), '/'].join('') };
}

function jobOf(program: KernelProgram, run: KernelRun): PageJob {
  const tensors = Object.entries(run.buffers).flatMap(([name, data]) => {
    if (typeof data === 'number') return [];
    const extents = [data.length];
    const type = data instanceof Float32Array ? 'f32' : data instanceof Uint16Array ? 'f16' : 'int';
    return [[name, { extents, data: { type, values: [...data] } }] as const];
  });
  return { plan: planOf(program), texts: [[program.name, printWgsl(program).text]], launch: launchOf(program, run), tensors };
}

/** The same job on Node's device, outputs as bits. */
async function inNode(program: KernelProgram, run: KernelRun): Promise<PageAnswer['outputs']> {
  const { device } = valueOf(await openNodeDevice({ adapter: 'SwiftShader' }));
  const prepared = valueOf(await preparePlan(device, planOf(program), new Map([[program.name, printWgsl(program)]])));
  return bitsOf(valueOf(await runResolved(prepared, launchOf(program, run), tensorsOf(run))));
}

function bitsOf({ outputs }: LaunchResult): PageAnswer['outputs'] {
  return [...outputs].map(([name, { data }]) => {
    if (!ArrayBuffer.isView(data)) return [name, []] as const;
    return [name, [...(data instanceof Uint16Array ? data : new Uint32Array(data.buffer, data.byteOffset, data.length))]] as const;
  });
}

let browser: Browser | string = 'not started';
let server: Server | undefined;
let address = '';

beforeAll(async () => {
  browser = await startChromium();
  if (typeof browser === 'string') return;
  const served = await serve(await bundle());
  server = served.server;
  address = served.address;
});

afterAll(async () => {
  if (typeof browser !== 'string') await browser.close();
  server?.close();
});

async function inBrowser(job: PageJob): Promise<PageAnswer> {
  if (typeof browser === 'string') throw new Error(browser);
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(address);
  await page.waitForFunction(() => 'runInPage' in globalThis);
  const answer = await page.evaluate(async (given): Promise<PageAnswer> => {
    const run: unknown = Reflect.get(globalThis, 'runInPage');
    if (typeof run !== 'function') throw new Error('the page has no runtime');
    return run(given);
  }, job);
  await page.close();
  return { ...answer, problems: [...answer.problems, ...errors] };
}

const n = 70;
const jobs: readonly { readonly name: string; readonly program: KernelProgram; readonly run: KernelRun }[] = [
  {
    name: 'uniforms and a ragged end',
    program: vectorAdd,
    run: {
      buffers: { a: Float32Array.from({ length: n }, (_, i) => i / 3), b: Float32Array.from({ length: n }, (_, i) => Math.sin(i)), out: n },
      uniforms: [n],
      workgroups: 2,
    },
  },
  {
    name: 'workgroup memory',
    program: sharedSum,
    run: { buffers: { x: Float32Array.from({ length: 128 }, (_, i) => Math.cos(i)), sums: 2 }, workgroups: 2 },
  },
  {
    name: 'packed halves',
    program: halves,
    run: {
      buffers: {
        four: Int32Array.from({ length: 128 }, (_, i) => 0x38003c00 + i),
        pairs: Int32Array.from({ length: 64 }, (_, i) => 0x3c003800 + i),
        scaled: 128,
        swapped: 64,
      },
      uniforms: [0.75],
    },
  },
];

/** Compiled programs: one that prefills, one with lists, one that decodes with split keys and a merge. */
const planned = ['a window with sinks', 'listed columns and slashes for each head', 'causal, one query at the end of many keys'];

/** Small kernels, which the software driver compiles quickly. */
const rows = { layout: 'rows-on-lanes', lanes: 8, rowsPerLane: 2, keyStep: 2, keyTile: 16, operand: 'direct', subgroup: 4, rowStorage: 'registers', chunkUnroll: 64 } as const;
const schedules = { prefill: rows, decode: { ...rows, layout: 'keys-on-lanes', keyStep: 8 } } as const;

describe('the runtime in headless Chromium', () => {
  it.for(jobs)('gives bit for bit what Node gives: $name', async ({ program, run }, { skip }) => {
    if (typeof browser === 'string') return skip(browser);
    const answer = await inBrowser(jobOf(program, run));
    expect(answer.problems).toEqual([]);
    expect(answer.outputs).toEqual(await inNode(program, run));
    expect(answer.outputs.some(([, bits]) => bits.length > 0)).toBe(true);
  });

  it.for(planned)('runs the plan that Node runs, with the same bits: %s', async (name, { skip }) => {
    if (typeof browser === 'string') return skip(browser);
    const given = cases.find((c) => c.name === name);
    if (given === undefined) throw new Error(name);
    const { hostPlan, kernelPrograms } = valueOf(compileSpec(given.spec, { target: swiftshader, dim: given.launch.sizes.dim, dtype: 'f32', schedules }));
    const texts = printKernels(kernelPrograms);
    const tensors = deviceTensors('f32', given.launch, given.inputs);
    const plain = [...tensors].map(([tensor, { extents, data }]) => {
      const values = ArrayBuffer.isView(data) ? [...data] : [];
      return [tensor, { extents, data: { type: data instanceof Float32Array ? 'f32' : 'int', values } }] as const;
    });
    const { sizes, scalars } = given.launch;
    const answer = await inBrowser({ plan: hostPlan, texts: [...texts].map(([k, { text }]) => [k, text]), launch: { sizes, scalars: [...scalars] }, tensors: plain });
    expect(answer.problems).toEqual([]);
    const { device } = valueOf(await openNodeDevice({ adapter: 'SwiftShader' }));
    const prepared = valueOf(await preparePlan(device, hostPlan, texts, { compile: 'when-used' }));
    expect(answer.outputs).toEqual(bitsOf(valueOf(await launch(prepared, sizes, scalars, tensors))));
    expect(answer.outputs.map(([output]) => output).sort()).toEqual(['lse', 'out']);
  });

  it('reports a broken module as a diagnostic, in the page too', async ({ skip }) => {
    if (typeof browser === 'string') return skip(browser);
    const job = jobOf(vectorAdd, { buffers: { a: new Float32Array(1), b: new Float32Array(1), out: 1 }, uniforms: [1] });
    const broken = printWgsl(vectorAdd).text.replace('= a[i] + b[i];', '= a[i] + nothing;');
    const answer = await inBrowser({ ...job, texts: [[vectorAdd.name, broken]] });
    expect(answer.problems).toHaveLength(1);
    expect(answer.problems[0]).toContain('rejected the kernel');
  });
});
