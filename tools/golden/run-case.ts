/**
 * Runs a golden case. In: a case, the mapping that knows its system, a backend. Out: each compared output with its worst error, what
 * differs, and which outputs of the file nothing was compared with. Diagnostics of a program end its run and are reported as text.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { denseMask } from '../../compiler/interpreters/dense/index.ts';
import type { StoredTensor } from '../../compiler/interpreters/dense/index.ts';
import { checkLaunch, withDefaults } from '../../compiler/spec/check-launch.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Launch, Sizes, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { runBackend } from '../engines/index.ts';
import type { Backend, EngineResult } from '../engines/index.ts';
import type { GoldenCase, GoldenTensor } from './case.ts';
import { compareTensor, toleranceOf } from './compare.ts';
import type { GoldenMapping, GoldenRun, Made, MadeTensor } from './mapping.ts';
import { roundingFault } from './rounding.ts';

export const examplesFolder: string = join(dirname(dirname(import.meta.dirname)), 'examples');

export interface CaseResult {
  /** `none`: no mapping has a program for the case. */
  readonly status: 'pass' | 'fail' | 'none';
  readonly worst: number;
  readonly compared: readonly string[];
  readonly notCompared: readonly string[];
  readonly faults: readonly string[];
  /** Ints and truth values that are others than in the file, each proved to be within rounding (rounding.ts). */
  readonly choices: number;
}

function dataOf(element: 'int' | 'float' | 'bool', t: GoldenTensor): TensorValue['data'] {
  switch (element) {
    case 'int':
      return Int32Array.from(t.data);
    case 'float':
      return Float32Array.from(t.data);
    case 'bool':
      return Uint8Array.from(t.data);
    default:
      return unreachable(element);
  }
}

function textOf(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((d) => `${d.code} ${d.message} (${d.primary.span.file}:${d.primary.span.start})`).join('; ');
}

/** The spec and launch of a run, or what is wrong with them. */
function prepare(run: GoldenRun): { readonly spec: Spec; readonly launch: Launch } | string {
  const file = join(examplesFolder, run.program);
  const compiled = compileSource({ file }, (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined), run.declaration, constantsOf(run, file));
  if (!compiled.ok) return textOf(compiled.diagnostics.filter((d) => d.severity === 'error'));
  const spec = compiled.value;
  const tensors = new Map<string, TensorValue>();
  for (const param of spec.tensors) {
    const given = run.tensors?.[param.name];
    if (given === undefined) return `no tensor '${param.name}' is given`;
    tensors.set(param.name, { extents: given.shape, data: dataOf(param.element, given) });
  }
  const scalars = new Map(spec.scalars.flatMap((p) => (run.set[p.name] === undefined ? [] : [[p.name, run.set[p.name] ?? 0] as const])));
  const launch: Launch = { sizes: run.sizes, scalars, tensors };
  const wrong = checkLaunch(spec, launch);
  return wrong.length > 0 ? textOf(wrong) : { spec, launch: withDefaults(spec, launch) };
}

/** Settings of `const` parameters: all settings; names that are no constants are taken at the launch. */
function constantsOf(run: GoldenRun, file: string): ReadonlyMap<string, number> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return new Map(Object.entries(run.set).filter(([name]) => new RegExp(`\\bconst\\s+${name}\\s*:`).test(text)));
}

function filled(data: readonly number[] | undefined, length: number, single: boolean): Float64Array | Float32Array {
  const values = data ?? Array.from({ length }, () => 0);
  return single ? Float32Array.from(values) : Float64Array.from(values);
}

function madeOf(spec: Spec, launch: Launch, result: EngineResult): Made {
  const { batch, heads, nQ, nK, dim } = launch.sizes;
  const outputs = result.outputs ?? new Map<string, MadeTensor>();
  return {
    out: { extents: [batch, heads, nQ, dim], values: result.out },
    lse: { extents: [batch, heads, nQ], values: result.lse },
    output: (name) => {
      const found = outputs.get(name);
      if (found === undefined) throw new Error(`the program has no output '${name}'`);
      return found;
    },
    mask: () => {
      const tensors = new Map<string, StoredTensor>();
      for (const { name, tensor } of spec.outputs) {
        const t = outputs.get(name);
        const element = spec.stages.find((s) => s.name === tensor)?.element;
        if (t === undefined || element === undefined) continue;
        tensors.set(tensor, { extents: t.extents, data: element === 'float' ? Float64Array.from(t.values) : element === 'int' ? Int32Array.from(t.values) : Uint8Array.from(t.values) });
      }
      return { extents: [batch, heads, nQ, nK], values: denseMask(spec, launch, tensors) };
    },
  };
}

function lengthsOf({ batch, heads, kvHeads, nQ, nK, dim }: Sizes): { readonly q: number; readonly k: number } {
  return { q: batch * heads * nQ * dim, k: batch * kvHeads * nK * dim };
}

type RunResult = Pick<CaseResult, 'worst' | 'compared' | 'faults' | 'choices'>;

async function runOne(c: GoldenCase, run: GoldenRun, backend: Backend): Promise<RunResult> {
  const where = `${run.program} ${run.declaration}`;
  const prepared = prepare(run);
  if (typeof prepared === 'string') return { worst: 0, compared: [], faults: [`${where}: ${prepared}`], choices: 0 };
  const { spec, launch } = prepared;
  const single = backend !== 'interpreter';
  const lengths = lengthsOf(run.sizes);
  const inputs = { q: filled(run.q, lengths.q, single), k: filled(run.k, lengths.k, single), v: filled(run.v, lengths.k, single) };
  const result = await runBackend(backend, { spec, launch, inputs, dtype: 'f32' });
  if (!result.ok) return { worst: 0, compared: [], faults: [`${where}: ${textOf(result.diagnostics)}`], choices: 0 };
  const made = madeOf(spec, launch, result.value);
  const tolerance = toleranceOf(c, single ? 'f32' : 'f64');
  let worst = 0;
  const compared: string[] = [];
  const faults: string[] = [];
  let choices = 0;
  let unknown = 0;
  for (const { golden, value } of run.checks) {
    const expected = c.outputs.get(golden);
    if (expected === undefined) {
      faults.push(`the mapping checks '${golden}', which the file does not hold`);
      unknown += 1;
      continue;
    }
    const comparison = compareTensor(expected, value(made), tolerance);
    compared.push(golden);
    if (comparison.kind === 'differs') {
      faults.push(`${golden}: ${comparison.text}`);
      choices += comparison.choices ?? 0;
    } else if (comparison.kind === 'near') worst = Math.max(worst, comparison.error);
  }
  // Numbers that differ are excused only as what follows from a choice.
  if (!single || choices === 0 || unknown > 0) return { worst, compared, faults, choices: 0 };
  const fault = await roundingFault({ spec, launch, inputs }, backend);
  return fault === undefined ? { worst, compared, faults: [], choices } : { worst, compared, faults: [...faults, `beyond rounding: ${fault}`], choices: 0 };
}

/** Runs a case on a backend, with the first mapping that has runs for it. */
export async function runCase(c: GoldenCase, mappings: readonly GoldenMapping[], backend: Backend): Promise<CaseResult> {
  const compared = new Set<string>();
  const faults: string[] = [];
  let worst = 0;
  let choices = 0;
  let count = 0;
  try {
    for (const run of mappings.filter((m) => m.systems.includes(c.system)).flatMap((m) => m.runs(c))) {
      const done = await runOne(c, run, backend);
      count += 1;
      worst = Math.max(worst, done.worst);
      choices += done.choices;
      done.compared.forEach((name) => compared.add(name));
      faults.push(...done.faults);
    }
  } catch (error) {
    count += 1;
    faults.push(error instanceof Error ? error.message : String(error));
  }
  const status = faults.length > 0 ? 'fail' : count === 0 ? 'none' : 'pass';
  return { status, worst, choices, compared: [...compared], notCompared: [...c.outputs.keys()].filter((name) => !compared.has(name)), faults };
}
