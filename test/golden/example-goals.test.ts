/**
 * What the examples promise about work: every live pair once, next to no tile that is not needed, and no mask memory where the pattern
 * has a closed form. Coverage is enumerated pair by pair at the sizes of the pictures. Tile counts are those of explain, and only where it
 * says that they are exact: where it samples a launch, the smaller launch of the picture is counted instead.
 */
import { describe, expect, test } from 'vitest';
import { exampleJobs } from '../../examples/update-readmes.ts';
import { webgpuDefault } from '../../backends/targets.ts';
import { denseMask } from '../../compiler/interpreters/dense/index.ts';
import { checkCoverage, printViolation } from '../../compiler/plan/coverage.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';
import { explain, explainJson } from '../../tools/explain.ts';
import type { TileSize } from '../../tools/explain.ts';
import { enterKeyTile, phaseRunner, queryTiles } from '../../compiler/plan/walk.ts';
import { worldOf } from '../../compiler/plan/world.ts';
import { planOf } from '../support/levels.ts';

const jobs = exampleJobs();
const byFolder = new Map(jobs.map((job) => [job.folder, job]));

function figures(spec: Spec, launch: Launch, tile?: TileSize): Readonly<Record<string, unknown>> {
  const explained = explain(spec, launch, { target: webgpuDefault, dtype: 'f32', ...(tile === undefined ? {} : { tile }) });
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

/** Figures that were counted, not estimated; their live pairs are those of the dense interpreter. */
function counted(job: (typeof jobs)[number]): Readonly<Record<string, unknown>> {
  const whole = figures(job.spec, job.launch);
  const [spec, launch] = whole['exact'] === true ? [job.spec, job.launch] : [job.picture.spec, job.picture.launch];
  const found = whole['exact'] === true ? whole : figures(spec, launch, { queryTile: 16, keyTile: 16 });
  expect(found['exact']).toBe(true);
  expect(found['livePairs']).toBe(denseMask(spec, launch).reduce((sum, bit) => sum + bit, 0));
  return found;
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
    const found = counted(job);
    expect(numberOf(found, 'tilesVisited') / numberOf(found, 'tilesNeeded')).toBeLessThanOrEqual(1.05);
  });
});

test.each(['causal', 'sliding-window', 'a-shape', 'tri-shape', 'cross-attention', 'prefix-lm', 'decode', 'packed-documents', 'block-table'])('%s visits needed tiles only', (folder) => {
  const found = counted(jobOf(folder));
  expect(numberOf(found, 'tilesVisited')).toBe(numberOf(found, 'tilesNeeded'));
});

/** Pairs in all tiles that a plan walks and does not skip, for one head: tiles are enumerated, none is sampled. */
function walkedPairs(spec: Spec, launch: Launch, tile: TileSize): number {
  const plan = planOf(spec);
  const world = worldOf(plan, launch);
  let pairs = 0;
  for (const pass of plan.passes) {
    const runners = pass.phases.map((phase) => phaseRunner(phase, world, tile));
    queryTiles(pass, world, tile.queryTile, (rows) => {
      for (const runner of runners) {
        const slots = runner.slots();
        for (const [from, to] of runner.runs(slots)) {
          for (let t = from; t < to; t += 1) {
            const keys = enterKeyTile(world, slots, t, tile.keyTile);
            if (!runner.skip()) pairs += rows.count * keys.count;
          }
        }
      }
    });
  }
  return pairs;
}

test('the grid with a stride of 64 at 16,384 tokens does at most 1.3 times the work of its live pairs', () => {
  const job = jobOf('grid-lines');
  const n = 16384;
  const given = longer(job.launch, n, { vision_start: 64, vision_end: 16352, stride: 64, window: 256, sinks: 64 });
  const launch: Launch = { ...given, sizes: { ...given.sizes, heads: 1, kvHeads: 1 } };
  expect(figures(job.spec, launch)['maskBytes']).toBe(0);
  // The definition in numbers, with tile = 16: line = 67, first_key = 80, first_row = 336, length = floor(16016 / 1024) * 1024.
  const [line, firstKey, firstRow, length] = [67, 80, 336, 15360];
  let live = 0;
  for (let q = 0; q < n; q += 1) {
    const whole = q < firstRow || q >= firstRow + length || q % 64 === line % 64;
    for (let k = 0; k <= q; k += 1) {
      if (whole || q - k < 256 || k < firstKey || (k < firstKey + length && k % 64 === line % 64)) live += 1;
    }
  }
  const walked = walkedPairs(job.spec, launch, { queryTile: 64, keyTile: 32 });
  expect(walked).toBeGreaterThanOrEqual(live);
  expect(walked / live).toBeLessThanOrEqual(1.3);
});

test.each(['causal', 'sliding-window', 'a-shape', 'tri-shape', 'dilated-window', 'strided', 'antidiagonal-lines', 'grid-lines'])('%s needs no mask memory for a million tokens', (folder) => {
  const job = jobOf(folder);
  expect(figures(job.spec, longer(job.launch, 1048576, folder === 'grid-lines' ? { vision_end: 1000000, stride: 64 } : {}))['maskBytes']).toBe(0);
});
