/**
 * What the examples promise about work: every live pair once, next to no tile that is not needed, and no mask memory where the pattern
 * has a closed form. Coverage is enumerated pair by pair at the sizes of the pictures; tile counts are those of explain.
 */
import { describe, expect, test } from 'vitest';
import { exampleJobs } from '../../examples/update-readmes.ts';
import { webgpuDefault } from '../../backends/targets.ts';
import { checkCoverage, printViolation } from '../../compiler/plan/coverage.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';
import { explain, explainJson } from '../../tools/explain.ts';
import { planOf } from '../support/levels.ts';

const jobs = exampleJobs();
const byFolder = new Map(jobs.map((job) => [job.folder, job]));

function figures(spec: Spec, launch: Launch): Readonly<Record<string, unknown>> {
  const explained = explain(spec, launch, { target: webgpuDefault, dtype: 'f32' });
  if (!explained.ok) throw new Error(explained.diagnostics.map((d) => d.message).join('\n'));
  return { ...explainJson(explained.value, launch) };
}

function numberOf(record: Readonly<Record<string, unknown>>, name: string): number {
  const value = record[name];
  return typeof value === 'number' ? value : NaN;
}

function jobOf(folder: string): (typeof jobs)[number] {
  const job = byFolder.get(folder);
  if (job === undefined) throw new Error(`no example ${folder}`);
  return job;
}

/** The launch at another length and with other settings. */
function longer(launch: Launch, n: number, settings: Readonly<Record<string, number>> = {}): Launch {
  return { ...launch, sizes: { ...launch.sizes, nQ: n, nK: n }, scalars: new Map([...launch.scalars, ...Object.entries(settings)]) };
}

describe.each(jobs.map((job) => [job.folder, job] as const))('%s', (_, job) => {
  test('visits each live pair exactly once and nothing else', () => {
    const { spec, launch } = job.picture;
    const one: Launch = launch.sizes.heads <= 2 || spec.tensors.some((t) => t.axes.some((a) => a.kind === 'heads')) ? launch : { ...launch, sizes: { ...launch.sizes, heads: 1, kvHeads: 1 } };
    for (const geometry of [{ queryTile: 16, keyTile: 16 }, { queryTile: 8, keyTile: 32 }]) {
      expect(checkCoverage(planOf(spec), one, geometry).map(printViolation)).toEqual([]);
    }
  });

  test('visits at most 1.05 tiles for each tile that is needed', () => {
    const found = figures(job.spec, job.launch);
    expect(numberOf(found, 'tilesVisited') / numberOf(found, 'tilesNeeded')).toBeLessThanOrEqual(1.05);
  });
});

test.each(['causal', 'sliding-window', 'a-shape', 'cross-attention', 'prefix-lm', 'decode', 'packed-documents', 'block-table'])('%s visits needed tiles only', (folder) => {
  const job = jobOf(folder);
  const found = figures(job.spec, job.launch);
  expect(numberOf(found, 'tilesVisited')).toBe(numberOf(found, 'tilesNeeded'));
});

test('the grid with a stride of 64 at 16,384 tokens does at most 1.3 times the work of its live pairs', () => {
  const job = jobOf('grid-lines');
  const found = figures(job.spec, longer(job.launch, 16384, { vision_start: 64, vision_end: 16352, stride: 64, window: 256, sinks: 64 }));
  expect(found['maskBytes']).toBe(0);
  expect(numberOf(found, 'visitedWork') / numberOf(found, 'livePairs')).toBeLessThanOrEqual(1.3);
});

test.each(['causal', 'sliding-window', 'a-shape', 'dilated-window', 'strided', 'antidiagonal-lines', 'grid-lines'])('%s needs no mask memory for a million tokens', (folder) => {
  const job = jobOf(folder);
  expect(figures(job.spec, longer(job.launch, 1048576, folder === 'grid-lines' ? { vision_end: 1000000, stride: 64 } : {}))['maskBytes']).toBe(0);
});
