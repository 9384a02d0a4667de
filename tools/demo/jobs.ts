/**
 * What the demo does, from the example folders. In: a folder of example folders. Out: a job per run: spec, launch and inputs, and the
 * same for the picture; everything that is wrong with a description ends the command with a diagnostic.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Given } from '../command-line/command.ts';
import { problem } from '../command-line/problems.ts';
import { checkLaunch, withDefaults } from '../../compiler/spec/check-launch.ts';
import { evaluate } from '../../compiler/expr/evaluate.ts';
import type { Launch, Sizes, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import { spanOf } from '../../dsl/span.ts';
import { cutInputs, inputsOf, randomInputs } from '../inputs.ts';
import type { AttentionInputs } from '../inputs.ts';
import { readSafetensors } from '../io/safetensors.ts';
import { openSource } from '../source.ts';
import type { OpenSource } from '../source.ts';
import type { RawTensor } from '../tensors.ts';
import { readDemo } from './read-demo.ts';
import type { DemoRun, DemoSizes, TensorSource } from './schema.ts';
import { makeTensor } from './tensor-source.ts';
import { axisExtent } from '../../compiler/spec/axis.ts';

export interface DemoJob {
  /** Name of the example folder. */
  readonly folder: string;
  readonly title: string;
  readonly spec: Spec;
  readonly launch: Launch;
  readonly inputs: AttentionInputs;
  readonly picture: { readonly spec: Spec; readonly launch: Launch };
}

type Settings = Readonly<Record<string, number | boolean>>;

function fail(path: string, message: string): never {
  throw new DiagnosticError([problem('FIL9005', message, spanOf(path, 0, 0))]);
}

/** Files of tensors, each read once. */
function tensorFiles(folder: string): (file: string) => ReadonlyMap<string, RawTensor> | string {
  const known = new Map<string, ReadonlyMap<string, RawTensor> | string>();
  return (file) => {
    const before = known.get(file);
    if (before !== undefined) return before;
    const read = readSafetensors(join(folder, file));
    const result = read.ok ? read.value.tensors : (read.diagnostics[0]?.message ?? `${file} cannot be read`);
    known.set(file, result);
    return result;
  };
}

interface LaunchParts {
  readonly path: string;
  readonly where: string;
  readonly sizes: Sizes;
  readonly settings: Settings;
  readonly sources: Readonly<Record<string, TensorSource>>;
  readonly readFile: (file: string) => ReadonlyMap<string, RawTensor> | string;
}

function launchOf(spec: Spec, parts: LaunchParts): Launch {
  const { path, where, sizes, settings, sources } = parts;
  const scalars = new Map<string, number>();
  for (const param of spec.scalars) {
    const value = settings[param.name] ?? param.defaultValue;
    if (value === undefined) return fail(path, `${where}: the parameter '${param.name}' has no default and no value in "set"`);
    scalars.set(param.name, Number(value));
  }
  const values = new Map([...scalars, ['n_q', sizes.nQ], ['n_k', sizes.nK], ['heads', sizes.heads], ['kv_heads', sizes.kvHeads], ['batch', sizes.batch], ['dim', sizes.dim]]);
  const tensors = new Map<string, TensorValue>();
  for (const param of spec.tensors) {
    const source = sources[param.name];
    if (source === undefined) return fail(path, `${where}: the tensor '${param.name}' is not described in "tensors"`);
    const made = makeTensor(source, { param, extents: param.axes.map((a) => axisExtent(a, sizes, (size) => evaluate(size, values))), sizes, readFile: parts.readFile });
    if (!made.ok) return fail(path, `${where}: the tensor '${param.name}' ${made.reason}`);
    tensors.set(param.name, made.value);
  }
  const launch: Launch = { sizes, scalars, tensors };
  const wrong = checkLaunch(spec, launch);
  if (wrong.length > 0) throw new DiagnosticError(wrong.map((d) => ({ ...d, message: `${where}: ${d.message}` })));
  return withDefaults(spec, launch);
}

/** Refuses settings and tensors that the declaration does not have. */
function specOf(source: OpenSource, run: DemoRun, settings: Settings, path: string): Spec {
  const parameters = source.parameters(run.name);
  if (!source.declarations.some((d) => d.name === run.name)) return fail(path, `${run.program} declares no '${run.name}', but ${source.declarations.map((d) => d.name).join(', ')}`);
  for (const name of [...Object.keys(settings), ...Object.keys(run.tensors ?? {})]) {
    if (!parameters.some((p) => p.name === name)) return fail(path, `'${run.name}' has no parameter '${name}'`);
  }
  const constants = parameters.filter((p) => p.isConst && settings[p.name] !== undefined);
  return source.specOf(run.name, new Map(constants.map((p) => [p.name, { text: String(settings[p.name]), span: spanOf(path, 0, 0) }])));
}

function inputsFor(run: DemoRun, path: string, readFile: LaunchParts['readFile'], seed: number, sizes: DemoSizes): AttentionInputs {
  if (run.data === undefined) {
    const nQ = sizes.nQ ?? 1024;
    const heads = sizes.heads ?? 4;
    return randomInputs({ batch: sizes.batch ?? 1, heads, kvHeads: sizes.kvHeads ?? heads, nQ, nK: sizes.nK ?? Math.max(nQ, 1024), dim: sizes.dim ?? 64 }, seed);
  }
  const tensors = readFile(run.data);
  if (typeof tensors === 'string') return fail(path, tensors);
  const read = inputsOf(tensors);
  if (!read.ok) return fail(path, `${run.data}: ${read.tensor} ${read.reason}`);
  const { nQ, nK } = read.value.sizes;
  const [wantedQ, wantedK] = [sizes.nQ ?? nQ, sizes.nK ?? nK];
  if (wantedQ > nQ || wantedK > nK) return fail(path, `${run.data} has ${nQ} rows and ${nK} keys; ${wantedQ} and ${wantedK} are asked for`);
  return cutInputs(read.value, wantedQ, wantedK);
}

/** A run as a job; `sizes` replaces those of the run. */
export function jobOf(given: Given, folder: string, run: DemoRun, index: number, path: string, wanted: DemoSizes = run.sizes ?? {}): DemoJob {
  const where = `runs[${index}] (${run.title})`;
  const source = openSource(given, relative(given.io.folder, join(folder, run.program)) || run.program);
  const readFile = tensorFiles(folder);
  const settings = run.set ?? {};
  const spec = specOf(source, run, settings, path);
  const inputs = inputsFor(run, path, readFile, index + 1, wanted);
  const launch = launchOf(spec, { path, where, sizes: inputs.sizes, settings, sources: run.tensors ?? {}, readFile });
  const { picture = {} } = run;
  const drawn: Settings = { ...settings, ...picture.set };
  const heads = picture.heads ?? inputs.sizes.heads;
  const sizes: Sizes = {
    ...inputs.sizes, batch: 1, heads, kvHeads: heads % inputs.sizes.kvHeads === 0 ? Math.min(heads, inputs.sizes.kvHeads) : heads,
    nQ: picture.nQ ?? inputs.sizes.nQ, nK: picture.nK ?? inputs.sizes.nK,
  };
  const drawnSpec = specOf(source, run, drawn, path);
  return {
    folder: folder.split(/[\\/]/).at(-1) ?? folder, title: run.title, spec, launch, inputs,
    picture: { spec: drawnSpec, launch: launchOf(drawnSpec, { path, where: `${where}.picture`, sizes, settings: drawn, sources: { ...run.tensors, ...picture.tensors }, readFile }) },
  };
}

/** All jobs below `root`, by folder name. */
export function collectJobs(given: Given, root: string, only: string | undefined): readonly DemoJob[] {
  if (!existsSync(root)) return fail(root, `the folder '${root}' does not exist`);
  const folders = readdirSync(root, { withFileTypes: true }).filter((f) => f.isDirectory() && existsSync(join(root, f.name, 'demo.json'))).map((f) => f.name).sort();
  const chosen = only === undefined ? folders : folders.filter((f) => f.includes(only));
  if (chosen.length === 0) return fail(root, only === undefined ? `'${root}' holds no folder with a demo.json` : `no example is named like '${only}'; there are ${folders.join(', ')}`);
  return chosen.flatMap((name) => {
    const folder = join(root, name);
    const path = join(folder, 'demo.json');
    const read = readDemo(readFileSync(path, 'utf8'));
    if (!read.ok) return fail(path, `'${path}': ${read.reason}`);
    return read.value.runs.map((run, i) => jobOf(given, folder, run, i, path));
  });
}
