/**
 * Runs a golden case. In: a case, the mapping that knows its system, a backend. Out: each compared output with its worst error, what
 * differs, and which outputs of the file nothing was compared with. Diagnostics of a program end its run and are reported as text.
 */
import type { Backend } from '../engines/index.ts';
import type { GoldenCase } from './case.ts';
import { compareTensor, toleranceOf } from './compare.ts';
import { execute } from './execute.ts';
import type { GoldenMapping, GoldenRun, Made } from './mapping.ts';

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

type RunResult = Pick<CaseResult, 'worst' | 'compared' | 'faults' | 'choices'>;

/** What a run gave against the file. */
function compareAll(c: GoldenCase, run: GoldenRun, made: Made, precision: 'f64' | 'f32'): RunResult {
  const tolerance = toleranceOf(c, precision);
  let worst = 0;
  let choices = 0;
  const compared: string[] = [];
  const faults: string[] = [];
  for (const { golden, value } of run.checks) {
    const expected = c.outputs.get(golden);
    if (expected === undefined) throw new Error(`the mapping checks '${golden}', which the file does not hold`);
    const comparison = compareTensor(expected, value(made), tolerance);
    compared.push(golden);
    if (comparison.kind === 'differs') {
      faults.push(`${golden}: ${comparison.text}`);
      choices += comparison.choices ?? 0;
    } else if (comparison.kind === 'near') worst = Math.max(worst, comparison.error);
  }
  return { worst, compared, faults, choices };
}

/**
 * A run on a backend. Where it chose otherwise than the file, it passes if the program is what the file was made by (the interpreter gives
 * all of the file) and the run is a correct f32 evaluation of the program: then what decides those choices lies within its rounding error.
 */
async function runOne(c: GoldenCase, run: GoldenRun, backend: Backend): Promise<RunResult> {
  const refused = (text: string): RunResult => ({ worst: 0, compared: [], faults: [`${run.program} ${run.declaration}: ${text}`], choices: 0 });
  const done = await execute(run, backend);
  if (typeof done === 'string') return refused(done);
  if (backend === 'interpreter') return { ...compareAll(c, run, done.made, 'f64'), choices: 0 };
  const result = compareAll(c, run, done.made, 'f32');
  // Numbers that differ are excused only as what follows from a choice.
  if (result.choices === 0) return result;
  const exact = await execute(run, 'interpreter');
  if (typeof exact === 'string') return refused(exact);
  const [wrong] = compareAll(c, run, exact.made, 'f64').faults;
  const fault = wrong === undefined ? await done.fault() : `the interpreter differs as well, ${wrong}`;
  return fault === undefined ? { ...result, faults: [] } : { ...result, choices: 0, faults: [...result.faults, `beyond rounding: ${fault}`] };
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
