/**
 * `filigree bench [FILE ...] [--json]`: measures programs against the dense causal kernel of the same generator, interleaved in one
 * process, in CPU milliseconds. Without files: the standard patterns (bench/patterns.json) and, with --peers, ONNX Runtime on the same
 * driver. Results go to bench/results as JSON with device, commit and date.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countOf, has, textOf, valueSpan } from '../command-line/command.ts';
import type { CommandModule, Given } from '../command-line/command.ts';
import { claimFolder } from '../command-line/outputs.ts';
import { problem, refuse } from '../command-line/problems.ts';
import { environmentOf } from '../bench/environment.ts';
import type { Environment } from '../bench/environment.ts';
import { runMethods } from '../bench/methods.ts';
import type { MethodRow } from '../bench/methods.ts';
import { loadPeer } from '../bench/onnx-runtime.ts';
import type { Ort } from '../bench/onnx-runtime.ts';
import { runSuite } from '../bench/suite.ts';
import type { BenchRow } from '../bench/suite.ts';
import { spanOf } from '../../dsl/span.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import { jobOf } from '../demo/jobs.ts';
import type { DemoJob } from '../demo/jobs.ts';
import type { DemoRun } from '../demo/schema.ts';
import { readDemo } from '../demo/read-demo.ts';
import { openDeviceSession } from '../engines/device.ts';
import { randomInputs } from '../inputs.ts';
import { writeAtomic } from '../io/files.ts';
import { openSource } from '../source.ts';
import { figure, percent, tableText } from '../table.ts';
import { declareSettings, launchFor, orRefuse, settingsOf, tensorsOf } from './launch-options.ts';

const benchFolder = fileURLToPath(new URL('../../bench', import.meta.url));
const lavapipeDrivers = ['/usr/share/vulkan/icd.d/lvp_icd.json', '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'];

interface Shape {
  readonly heads: number;
  readonly dim: number;
}

function runsOf(file: string, only: string | undefined): { readonly path: string; readonly runs: readonly DemoRun[] } {
  const path = join(benchFolder, file);
  const read = readDemo(readFileSync(path, 'utf8'));
  if (!read.ok) throw new DiagnosticError([problem('FIL9005', `'${path}': ${read.reason}`, spanOf(path, 0, 0))]);
  return { path, runs: read.value.runs.filter((r) => only === undefined || r.title.includes(only)) };
}

/** The standard patterns at one length. */
function standardJobs(given: Given, n: number, { heads, dim }: Shape, only: string | undefined): readonly DemoJob[] {
  const { path, runs } = runsOf('patterns.json', only);
  return runs.filter((r) => r.sizes?.nQ === undefined || r.sizes.nQ === n)
    .map((run, i) => jobOf(given, benchFolder, run, i, path, { batch: 1, heads, kvHeads: heads, nQ: n, nK: n, dim }));
}

/** The methods that choose at run time, at one length; those that decode say how many query rows they have. */
function methodJobs(given: Given, n: number, { heads, dim }: Shape, only: string | undefined): readonly DemoJob[] {
  const { path, runs } = runsOf('methods.json', only);
  return runs.map((run, i) => jobOf(given, benchFolder, run, i, path, { batch: 1, heads, kvHeads: heads, nQ: run.sizes?.nQ ?? n, nK: n, dim }));
}

/** Every attention of the given files at one length. */
function fileJobs(given: Given, n: number, { heads, dim }: Shape): readonly DemoJob[] {
  const tensors = tensorsOf(given);
  const settings = settingsOf(given);
  return given.files.flatMap((file) => {
    const source = openSource(given, file);
    return source.declarations.filter((d) => d.kind === 'attention').map(({ name, parameters }): DemoJob => {
      const constants = new Map([...settings].filter(([p]) => parameters.some((x) => x.name === p && x.isConst)));
      const scalars = new Map([...settings].filter(([p]) => parameters.some((x) => x.name === p && !x.isConst)));
      const spec = source.specOf(name, constants);
      const launch = launchFor(given, { source, name, spec, scalars }, { nQ: n, nK: n, dim, heads, kvHeads: heads, batch: 1 }, tensors, 'tensors');
      return { folder: file, title: name, spec, launch, inputs: randomInputs(launch.sizes, 1), picture: { spec, launch } };
    });
  });
}

function lengthsOf(given: Given): readonly number[] {
  const text = textOf(given, 'n') ?? (given.files.length > 0 ? '1024' : has(given, 'methods') ? '4096' : '1024,2048,4096');
  const lengths = text.split(',').map(Number);
  if (lengths.every((n) => Number.isInteger(n) && n >= 16 && n <= 1048576)) return lengths;
  return refuse('FIL9004', `--n takes whole numbers from 16 to 1048576, separated by commas, not '${text}'`, valueSpan(given, 'n', text));
}

function table(rows: readonly BenchRow[]): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const shown = (value: number | undefined): string => (value === undefined || Number.isNaN(value) ? '-' : figure(value));
  return tableText(
    [right('n'), { title: 'variant', align: 'left' }, right('of causal'), right('CPU-ms'), right('least'), right('spread'), right('wall ms'), right('x dense'), right('of ideal'), right('error'), right('of bound'), { title: '', align: 'left' }],
    rows.map((r) => [
      `${r.n}`, r.name, percent(r.relativeDensity), shown(r.median), shown(r.minimum), Number.isNaN(r.spread) ? '-' : percent(r.spread), shown(r.wall), shown(r.speedUp),
      r.kind === 'pattern' ? shown(r.ofIdeal) : '-', shown(r.error), shown(r.ofBound), r.note ?? (r.ofBound !== undefined && r.ofBound > 1 ? 'WRONG' : ''),
    ]),
  );
}

function methodTable(rows: readonly MethodRow[]): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const main = tableText(
    [right('n'), { title: 'method', align: 'left' }, right('of causal'), right('CPU-ms'), right('least'), right('spread'), right('of dense'), right('selection'), right('of total'), right('of dense'), right('of bound'), { title: '', align: 'left' }],
    rows.map((r) => [
      `${r.n}`, r.name, percent(r.density), figure(r.median), figure(r.minimum), percent(r.spread), percent(r.totalOfDense),
      ...(r.kind === 'dense' ? ['-', '-', '-'] : [figure(r.selection), percent(r.share), percent(r.selectionOfDense)]),
      r.ofBound === undefined ? '-' : figure(r.ofBound), r.ofBound !== undefined && r.ofBound > 1 ? 'WRONG' : '',
    ]),
  );
  const steps = rows.flatMap((r) => (r.steps ?? []).map((s) => [`${r.n}`, r.name, s.kernel, figure(s.median)]));
  return steps.length === 0 ? main : `${main}\n${tableText([right('n'), { title: 'method', align: 'left' }, { title: 'kernel', align: 'left' }, right('CPU-ms')], steps)}`;
}

export interface BenchRecord {
  readonly environment: Environment;
  readonly heads: number;
  readonly dim: number;
  readonly rounds: number;
  readonly rows: readonly BenchRow[];
}

export interface MethodRecord extends Omit<BenchRecord, 'rows'> {
  readonly methods: readonly MethodRow[];
}

/** The device's drivers for this process; lavapipe is chosen before a device is opened. */
function chooseDriver(given: Given): string | undefined {
  const adapter = textOf(given, 'adapter');
  if (adapter === undefined || !/lavapipe|llvmpipe/i.test(adapter)) return adapter;
  const driver = lavapipeDrivers.find((path) => existsSync(path));
  // The peer takes the first driver it sees, so only one may be visible.
  if (driver !== undefined && process.env['VK_DRIVER_FILES'] === undefined) process.env['VK_DRIVER_FILES'] = driver;
  return adapter;
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Measures programs against the dense causal kernel.')
      .argument('[file...]', '.fil files; absent: the standard patterns')
      .option('--n <list>', 'lengths, separated by commas (default: 1024,2048,4096; for files 1024)')
      .option('--heads <count>', 'query heads (default: 8)')
      .option('--dim <count>', 'head dimension (default: 64)')
      .option('--rounds <count>', 'rounds after the warm-up (default: 5)')
      .option('--adapter <name>', 'part of the name of the WebGPU adapter, such as SwiftShader or lavapipe')
      .option('--methods', 'the methods that choose at run time (bench/methods.json) instead: whole time and what choosing costs; default --n 4096')
      .option('--steps', 'with --methods: every kernel by itself as well')
      .option('--only <text>', 'only standard patterns, or methods, whose title contains this')
      .option('--peers', 'also measure ONNX Runtime, which is installed into a cache folder when it is not there')
      .option('--tensors <file>', 'safetensors file with the tensor parameters of the given files')
      .option('--out <folder>', 'where the JSON goes (default: bench/results)');
    declareSettings(c);
  },
  run: async (given) => {
    const lengths = lengthsOf(given);
    const shape = { heads: countOf(given, 'heads', 1, 1024) ?? 8, dim: countOf(given, 'dim', 1, 256) ?? 64 };
    const asked = has(given, 'methods');
    const rounds = countOf(given, 'rounds', 1, 1000) ?? (asked ? 3 : 5);
    const only = textOf(given, 'only');
    if (asked && given.files.length > 0) refuse('FIL9004', '--methods takes its programs from bench/methods.json', valueSpan(given, 'methods', ''));
    const jobs = lengths.map((n) => (asked ? methodJobs(given, n, shape, only) : given.files.length > 0 ? fileJobs(given, n, shape) : standardJobs(given, n, shape, only)));
    const session = orRefuse(await openDeviceSession(chooseDriver(given)));
    let peer: Ort | undefined;
    if (has(given, 'peers')) {
      const loaded = loadPeer((text) => given.io.err(`${text}\n`));
      if (typeof loaded === 'string') given.io.err(`bench: without the peer: ${loaded}\n`);
      else peer = loaded;
    }
    const environment = environmentOf(session, new Date());
    const rows: BenchRow[] = [];
    const methods: MethodRow[] = [];
    for (const [i, n] of lengths.entries()) {
      const options = { n, rounds, ...shape, checkUpTo: asked ? 512 : 1024, say: given.progress.show };
      if (asked) methods.push(...(await runMethods(session, jobs[i] ?? [], { ...options, steps: has(given, 'steps') })));
      else rows.push(...(await runSuite(session, jobs[i] ?? [], { ...options, peer, windowUpTo: session.target.name === 'swiftshader' ? 1024 : 2048 })));
    }
    session.close();
    given.progress.clear();
    const record: BenchRecord | MethodRecord = { environment, ...shape, rounds, ...(asked ? { methods } : { rows }) };
    const out = textOf(given, 'out');
    const folder = out === undefined ? join(benchFolder, 'results') : claimFolder(given, out, valueSpan(given, 'out', out));
    const name = `${environment.date.replaceAll(':', '').replaceAll('-', '').slice(0, 15)}-${environment.target}${asked ? '-methods' : ''}.json`;
    writeAtomic(join(folder, name), `${JSON.stringify(record, null, 1)}\n`, [...given.inputs]);
    if (given.json) given.io.out(`${JSON.stringify(record)}\n`);
    else {
      const { device, commit, changed, date, processor, cores } = environment;
      given.io.out(`${asked ? methodTable(methods) : table(rows)}\n${device}; ${cores} cores of ${processor}; commit ${commit}${changed > 0 ? ` and ${changed} changed files` : ''}; ${date}\n`);
      given.io.out(`heads ${shape.heads}, dim ${shape.dim}, ${rounds} interleaved rounds; written to ${join(folder, name)}\n`);
    }
    const wrong = rows.some((r) => r.kind !== 'peer' && r.ofBound !== undefined && !(r.ofBound <= 1)) || methods.some((r) => r.ofBound !== undefined && !(r.ofBound <= 1));
    return wrong ? 2 : 0;
  },
};
