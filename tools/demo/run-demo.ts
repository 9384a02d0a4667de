/**
 * Runs the demo's jobs on a device. In: jobs and an open device. Out: a row of figures per job. Drivers compile several
 * kernels at once while a worker thread computes the references; times are taken at the end, when nothing else runs.
 */
import { compareRows } from '../../compiler/interpreters/bounds.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';
import { measure } from '../../compiler/plan/measure.ts';
import { queryTileOf } from '../../compiler/schedule.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import { interleave } from '../bench/rounds.ts';
import type { Timing } from '../bench/rounds.ts';
import { compileWgsl } from '../engines/compile.ts';
import type { CompiledText } from '../engines/compile.ts';
import type { DeviceSession, ReadyLaunch } from '../engines/device.ts';
import { denseLaunch, denseSpec } from './dense.ts';
import type { DemoJob } from './jobs.ts';
import { openReferences } from './references.ts';

export interface DemoRow {
  readonly folder: string;
  readonly title: string;
  readonly density: number;
  readonly tilesVisited: number;
  readonly tilesNeeded: number;
  readonly strategy: string;
  /** Worst error over its bound, over all elements of out and lse. */
  readonly worst: number;
  readonly good: boolean;
  readonly milliseconds: number;
  readonly denseMilliseconds: number;
  readonly unit: 'CPU-ms' | 'ms';
}

interface Prepared {
  readonly job: DemoJob;
  readonly compiled: CompiledText;
  readonly ready: ReadyLaunch;
  readonly dense: ReadyLaunch;
  readonly worst: number;
}

function valueOf<T>(checked: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly diagnostics: ConstructorParameters<typeof DiagnosticError>[0] }): T {
  if (!checked.ok) throw new DiagnosticError(checked.diagnostics);
  return checked.value;
}

/** Runs `work` on all items, at most `width` at a time, in order. */
async function pool<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results = new Map<number, R>();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) {
      const item = items[i];
      if (item !== undefined) results.set(i, await work(item));
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return items.flatMap((_, i) => {
    const result = results.get(i);
    return result === undefined ? [] : [result];
  });
}

export async function runDemo(jobs: readonly DemoJob[], session: DeviceSession, say: (text: string) => void): Promise<readonly DemoRow[]> {
  const dtype = 'f32';
  const references = openReferences();
  const compile = (spec: DemoJob['spec'], dim: number): CompiledText => valueOf(compileWgsl(spec, { target: session.target, dim, dtype }));
  const denseByDim = new Map<number, CompiledText>();
  const denseOf = (dim: number): CompiledText => {
    const known = denseByDim.get(dim) ?? compile(denseSpec(), dim);
    denseByDim.set(dim, known);
    return known;
  };
  let prepared: readonly Prepared[];
  let [compiling, checked] = [0, 0];
  const progress = (): void => say(`demo: ${compiling} of ${jobs.length} compiled, ${checked} checked against the interpreter`);
  try {
    const programs = jobs.map((job) => ({ job, compiled: compile(job.spec, job.launch.sizes.dim) }));
    const expected = programs.map(({ job: { spec, launch, inputs: { q, k, v } }, compiled }) => {
      const reference = references.of({ spec, launch, inputs: { q, k, v }, outType: dtype, cuts: cutsOf(compiled, launch) });
      // Awaited later; until then a failure must not end the process.
      reference.catch(() => undefined);
      return reference;
    });
    prepared = await pool(programs.map((program, i) => ({ ...program, reference: expected[i] })), 2, async ({ job, compiled, reference }) => {
      const { sizes } = job.launch;
      const ready = valueOf(await session.prepare(compiled, job.launch));
      const dense = valueOf(await session.prepare(denseOf(sizes.dim), denseLaunch(sizes)));
      compiling += 1;
      progress();
      const result = valueOf(await ready.run(job.inputs));
      const truth = await reference;
      checked += 1;
      progress();
      if (truth === undefined) return { job, compiled, ready, dense, worst: Infinity };
      const out = compareRows(result.out, truth.out, truth.outBounds);
      const lse = compareRows(result.lse, truth.lse, truth.lseBounds);
      return { job, compiled, ready, dense, worst: Math.max(out.ratio, lse.ratio) };
    });
  } finally {
    await references.close();
  }
  const rows: DemoRow[] = [];
  for (const [i, p] of prepared.entries()) {
    say(`demo: timing ${i + 1} of ${prepared.length}: ${p.job.title}`);
    rows.push(await rowOf(p, session));
    p.ready.destroy();
    p.dense.destroy();
  }
  return rows;
}

async function rowOf({ job, compiled, ready, dense, worst }: Prepared, session: DeviceSession): Promise<DemoRow> {
  const { sizes } = job.launch;
  const runs = [
    { name: 'pattern', run: await ready.keep(job.inputs) },
    { name: 'dense', run: await dense.keep(job.inputs) },
  ];
  const [pattern, causal] = await interleave(runs, 2);
  const used = sizes.nQ <= queryTileOf(compiled.decode) ? compiled.decode : compiled.prefill;
  const m = measure(compiled.plan, job.launch, { queryTile: queryTileOf(used), keyTile: used.keyTile });
  // Software drivers compute in this process, so its CPU time is steadier than the clock.
  const time = (t: Timing | undefined): number => (t === undefined ? Number.NaN : session.software ? t.minimum : t.wall);
  return {
    folder: job.folder, title: job.title, density: m.density, tilesVisited: m.tilesVisited, tilesNeeded: m.tilesNeeded, strategy: compiled.plan.strategies.join(' + '),
    worst, good: worst <= 1, milliseconds: time(pattern), denseMilliseconds: time(causal), unit: session.software ? 'CPU-ms' : 'ms',
  };
}
