/**
 * `filigree demo [FOLDER]`: compiles every example, runs it on a WebGPU device on real Q, K, V, checks it against the interpreter, draws
 * its mask, and prints one table. FOLDER holds example folders with a `demo.json` each (tools/demo/schema.ts). Exit code 2 when a
 * result is outside its error bound.
 */
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { textOf, valueSpan } from '../command-line/command.ts';
import type { CommandModule, Given } from '../command-line/command.ts';
import { claimFolder, pathOf } from '../command-line/outputs.ts';
import type { MaskBits } from '../../compiler/report/mask-picture.ts';
import { collectJobs } from '../demo/jobs.ts';
import type { DemoJob } from '../demo/jobs.ts';
import { runDemo } from '../demo/run-demo.ts';
import type { DemoRow } from '../demo/run-demo.ts';
import { openDeviceSession } from '../engines/device.ts';
import { writeAtomic } from '../io/files.ts';
import { maskBits, pngOf, svgOf } from '../picture.ts';
import { figure, grouped, percent, tableText } from '../table.ts';
import { orRefuse } from './launch-options.ts';

/** One head where all heads look the same. */
function distinctHeads(bits: MaskBits): MaskBits {
  const size = bits.nQ * bits.nK;
  const first = bits.bits.subarray(0, size);
  for (let h = 1; h < bits.heads; h += 1) if (Buffer.compare(first, bits.bits.subarray(h * size, (h + 1) * size)) !== 0) return bits;
  return { ...bits, heads: 1, bits: first };
}

function slug(job: DemoJob, jobs: readonly DemoJob[]): string {
  const same = jobs.filter((j) => j.folder === job.folder);
  return same.length === 1 ? job.folder : `${job.folder}-${same.indexOf(job) + 1}`;
}

/** Draws all masks; names of the files. */
function drawPictures(given: Given, jobs: readonly DemoJob[], folder: string): readonly string[] {
  const written: string[] = [];
  for (const job of jobs) {
    given.progress.show(`demo: drawing ${job.title}`);
    const { spec, launch } = job.picture;
    const bits = distinctHeads(maskBits(spec, launch, 0));
    const name = slug(job, jobs);
    writeAtomic(join(folder, `${name}.png`), pngOf(bits, job.title), [...given.inputs]);
    written.push(`${name}.png`);
    const svg = svgOf(bits, job.title);
    if (svg === undefined) continue;
    writeAtomic(join(folder, `${name}.svg`), svg, [...given.inputs]);
    written.push(`${name}.svg`);
  }
  return written;
}

function table(rows: readonly DemoRow[]): string {
  const unit = rows[0]?.unit ?? 'ms';
  return tableText(
    [
      { title: 'pattern', align: 'left' }, { title: 'density', align: 'right' }, { title: 'tiles visited', align: 'right' }, { title: 'needed', align: 'right' },
      { title: 'strategy', align: 'left' }, { title: 'error / bound', align: 'right' }, { title: unit, align: 'right' }, { title: 'dense', align: 'right' }, { title: 'speed-up', align: 'right' },
    ],
    rows.map((r) => [
      r.title, percent(r.density), grouped(r.tilesVisited), grouped(r.tilesNeeded), r.strategy, `${figure(r.worst)}${r.good ? '' : ' WRONG'}`,
      figure(r.milliseconds), figure(r.denseMilliseconds), `${(r.denseMilliseconds / r.milliseconds).toFixed(2)}x`,
    ]),
  );
}

export const command: CommandModule = {
  declare: (c) =>
    void c
      .description('Compiles, runs, checks and draws every example.')
      .argument('[folder]', 'a folder of example folders (default: those of filigree)')
      .option('--only <text>', 'only examples whose folder name contains this')
      .option('--out <folder>', 'where the pictures go (default: out/demo)')
      .option('--adapter <name>', 'part of the name of the WebGPU adapter'),
  run: async (given) => {
    const own = fileURLToPath(new URL('../../examples', import.meta.url));
    const root = given.files[0] === undefined ? own : pathOf(given, given.files[0]);
    given.progress.show('demo: reading the examples');
    const jobs = collectJobs(given, root, textOf(given, 'only'));
    const out = textOf(given, 'out') ?? join('out', 'demo');
    const folder = claimFolder(given, out, valueSpan(given, 'out', out));
    const session = orRefuse(await openDeviceSession(textOf(given, 'adapter')));
    const start = performance.now();
    const pictures = drawPictures(given, jobs, folder);
    const rows = await runDemo(jobs, session, given.progress.show);
    session.close();
    given.progress.clear();
    const wrong = rows.filter((r) => !r.good).length;
    const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
    if (given.json) given.io.out(`${JSON.stringify({ device: session.name, rows, pictures, folder: out, seconds })}\n`);
    else {
      const place = relative(given.io.folder, resolve(folder)) || '.';
      given.io.out(`${table(rows)}\n${rows.length} programs on ${session.name} in ${seconds} s; ${pictures.length} pictures in ${place}\n`);
      given.io.out(wrong === 0 ? 'every row of every result is within its error bound\n' : `${wrong} results are outside their error bounds: a bug of filigree, please report it\n`);
    }
    return wrong === 0 ? 0 : 2;
  },
};
