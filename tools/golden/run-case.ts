/**
 * Runs a golden case. In: a case, the mapping that knows its system, a backend. Out: each compared output with its worst error, what
 * differs, and which outputs of the file nothing was compared with. Diagnostics of a program end its run and are reported as text.
 */
import type { Backend } from '../engines/index.ts';
import type { GoldenCase } from './case.ts';
import { compareTensor, toleranceOf } from './compare.ts';
import { execute } from './execute.ts';
import type { GoldenMapping, GoldenRun } from './mapping.ts';

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

async function runOne(c: GoldenCase, run: GoldenRun, backend: Backend): Promise<RunResult> {
  const where = `${run.program} ${run.declaration}`;
  const done = await execute(run, backend);
  if (typeof done === 'string') return { worst: 0, compared: [], faults: [`${where}: ${done}`], choices: 0 };
  const { made } = done;
  const single = backend !== 'interpreter';
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
  const fault = await done.fault();
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
