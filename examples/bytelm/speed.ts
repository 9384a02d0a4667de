/**
 * `npm run speed -- [--window LIST] [--pattern NAME|FILE.fil[:NAME] ...] [--rounds COUNT] [--adapter NAME] [--out FOLDER] [--json]`: how fast the
 * model reads a window, and the share of attention in it. Rounds are interleaved. The rest of the model is timed as the same chain with an
 * attention that sees nothing; attention (with its selection) is what a pattern takes above that. Software drivers compute inside this process:
 * there the share is one of its CPU time, which other work on the machine disturbs less than the clock. `npm run bench -- --model` keeps a record.
 */
/// <reference types="@webgpu/types" />
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { countOf, textOf, valueSpan } from '../../tools/command-line/command.ts';
import type { CommandModule, Given } from '../../tools/command-line/command.ts';
import { claimFolder } from '../../tools/command-line/outputs.ts';
import { refuse } from '../../tools/command-line/problems.ts';
import { wordSpan } from '../../tools/command-line/words.ts';
import { environmentOf } from '../../tools/bench/environment.ts';
import type { Environment } from '../../tools/bench/environment.ts';
import { interleave } from '../../tools/bench/rounds.ts';
import type { Timing } from '../../tools/bench/rounds.ts';
import { sharedSession } from '../../tools/engines/device.ts';
import { collect, orRefuse, tensorsOf } from '../../tools/commands/launch-options.ts';
import { writeAtomic } from '../../tools/io/files.ts';
import { figure, percent, tableText } from '../../tools/table.ts';
import { settingsText } from './measure.ts';
import { dataFile, readWeights } from './model.ts';
import type { Weights } from './model.ts';
import { patternsOf, usedEverywhere } from './patterns.ts';
import type { Asked } from './patterns.ts';
import { exampleFile, modelProgram } from './programs.ts';
import { openRunner } from './runner.ts';
import { windowsOf } from './windows.ts';

interface Timed {
  readonly window: number;
  readonly title: string;
  readonly settings: string;
  /** CPU milliseconds of this process in each round. */
  readonly rounds: readonly number[];
  readonly median: number;
  readonly minimum: number;
  /** (largest - smallest) / median. */
  readonly spread: number;
  /** Median, milliseconds. */
  readonly wall: number;
  readonly tokensPerSecond: number;
  /** Of attention and selection; undefined for the model without them. */
  readonly attentionShare: number | undefined;
}

export interface SpeedRecord {
  readonly environment: Environment;
  readonly rounds: number;
  readonly model: readonly Timed[];
}

function sizesOf(given: Given): readonly number[] {
  const text = textOf(given, 'window') ?? '2048';
  const sizes = text.split(',').map((word) => (/^[0-9]+$/.test(word) ? Number(word) : NaN));
  return sizes.every((n) => n >= 16 && n <= 4096) ? sizes : refuse('FIL9004', `--window takes whole numbers from 16 to 4096, separated by commas, not '${text}'`, valueSpan(given, 'window', text));
}

function timedOf(window: number, timings: readonly Timing[], labels: readonly { readonly title: string; readonly settings: string }[], software: boolean): readonly Timed[] {
  const judged = (t: Timing | undefined): number => (software ? t?.median : t?.wall) ?? NaN;
  return timings.map(({ rounds, median, minimum, spread, wall }, i) => ({
    window, title: labels[i]?.title ?? '', settings: labels[i]?.settings ?? '', rounds, median, minimum, spread, wall,
    tokensPerSecond: (1000 * window) / wall, attentionShare: i === 0 ? undefined : 1 - judged(timings[0]) / judged(timings[i]),
  }));
}

async function timeWindow(given: Given, window: number, asked: readonly Asked[], weights: Weights, rounds: number, software: boolean): Promise<readonly Timed[]> {
  const nothing: Asked = { choice: { title: 'without attention', program: exampleFile(given, 'nothing.fil'), name: 'nothing', parameters: {} }, span: wordSpan(given.line, () => false) };
  const programs = [nothing, ...asked].map(({ choice, span }) => modelProgram(given, { choice, window, weights, tensors: tensorsOf(given), span }));
  const [text] = windowsOf(readFileSync(dataFile('eval-text.bin')), window);
  const token = new Map([['token', { extents: [1, window], data: text?.tokens ?? new Int32Array(window) }]]);
  const runners = [];
  for (const { chain, sizes, scalars, tensors } of programs) {
    runners.push(orRefuse(await openRunner({ chain, sizes: { batch: 1, nQ: sizes.nQ, nK: sizes.nK }, scalars, fixed: tensors, backend: 'wgsl', adapter: textOf(given, 'adapter') })));
  }
  const labels = programs.map((p) => ({ title: p.title, settings: settingsText(p) }));
  const variants = runners.map((runner, i) => ({
    name: labels[i]?.title ?? '',
    run: async () => {
      orRefuse(await runner.run(token));
    },
  }));
  const timings = await interleave(variants, rounds, (name, round) => given.progress.show(`windows of ${window}: ${round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`}: ${name}`));
  runners.forEach((r) => r.close());
  return timedOf(window, timings, labels, software);
}

const heads = ['window', 'pattern', 'settings', 'ms', 'tokens/s', 'CPU-ms', 'least', 'spread', 'tokens/CPU-s', 'attention'];

function table(all: readonly Timed[]): string {
  const rows = all.map((t) => [
    String(t.window), t.title, t.settings, t.wall.toFixed(0), figure(t.tokensPerSecond), t.median.toFixed(0), t.minimum.toFixed(0), percent(t.spread), figure((1000 * t.window) / t.median),
    t.attentionShare === undefined ? '' : percent(t.attentionShare),
  ]);
  return tableText(heads.map((title, i) => ({ title, align: i === 1 || i === 2 ? 'left' as const : 'right' as const })), rows);
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Times the model on a window.')
      .option('--window <list>', 'bytes of the window, up to 4096; several separated by commas (default: 2048)')
      .option('--pattern <name>', 'a pattern of patterns.json, or FILE.fil[:NAME]; may be repeated (default: dense)', collect)
      .option('--rounds <count>', 'rounds, after one that is not counted (default: 3)')
      .option('--adapter <name>', 'part of the name of the WebGPU adapter')
      .option('--set <parameter=value>', 'value of a parameter of the pattern; may be repeated', collect)
      .option('--tensors <file>', 'safetensors file with tensor parameters of the pattern')
      .option('--out <folder>', 'writes a record with device, commit and date (default: none)');
  },
  run: async (given) => {
    const sizes = sizesOf(given);
    const rounds = countOf(given, 'rounds', 1, 100) ?? 3;
    const out = textOf(given, 'out');
    const folder = out === undefined ? undefined : claimFolder(given, out, valueSpan(given, 'out', out));
    const weights = orRefuse(readWeights());
    const asked = usedEverywhere(patternsOf(given, ['dense']));
    const session = orRefuse(await sharedSession(textOf(given, 'adapter')));
    const environment = environmentOf(session, new Date());
    const model: Timed[] = [];
    for (const window of sizes) model.push(...(await timeWindow(given, window, asked, weights, rounds, session.software)));
    given.progress.clear();
    const record: SpeedRecord = { environment, rounds, model };
    const name = `${environment.date.replaceAll(':', '').replaceAll('-', '').slice(0, 15)}-${environment.target}-model.json`;
    if (folder !== undefined) writeAtomic(join(folder, name), `${JSON.stringify(record, null, 1)}\n`, [...given.inputs]);
    if (given.json) given.io.out(`${JSON.stringify(record)}\n`);
    else {
      const { device, processor, cores, commit, changed, date } = environment;
      given.io.out(`${table(model)}\n${device}; ${cores} cores of ${processor}; commit ${commit}${changed > 0 ? ` and ${changed} changed files` : ''}; ${date}\n`);
      given.io.out(`${rounds} interleaved rounds${folder === undefined ? '' : `; written to ${join(folder, name)}`}\n`);
    }
    return 0;
  },
};
