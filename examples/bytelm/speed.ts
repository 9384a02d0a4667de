/**
 * `npm run speed -- [--window COUNT] [--pattern NAME|FILE.fil[:NAME] ...] [--rounds COUNT] [--adapter NAME] [--json]`: how fast the model reads a
 * window, and the share of attention in it. Rounds are interleaved. The rest of the model is timed as the same chain with an attention that sees
 * nothing; attention (with its selection) is what a pattern takes above that. Software drivers compute inside this process: there the share
 * is one of its CPU time, which other work on the machine disturbs less than the clock.
 */
/// <reference types="@webgpu/types" />
import { readFileSync } from 'node:fs';
import { countOf, textOf } from '../../tools/command-line/command.ts';
import type { CommandModule } from '../../tools/command-line/command.ts';
import { wordSpan } from '../../tools/command-line/words.ts';
import { sharedSession } from '../../tools/engines/device.ts';
import { collect, orRefuse, tensorsOf } from '../../tools/commands/launch-options.ts';
import { medianOf } from '../../tools/bench/rounds.ts';
import { figure, percent, tableText } from '../../tools/table.ts';
import { dataFile, readWeights } from './model.ts';
import { patternsOf, usedEverywhere } from './patterns.ts';
import { exampleFile, modelProgram } from './programs.ts';
import { openRunner } from './runner.ts';
import { windowsOf } from './windows.ts';

interface Timed {
  readonly title: string;
  readonly settings: string;
  readonly milliseconds: number;
  readonly tokensPerSecond: number;
  /** Of this process. */
  readonly cpuMilliseconds: number;
  /** Of attention and selection; undefined for the model without them. */
  readonly attentionShare: number | undefined;
}

const cpuNow = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

export const command: CommandModule = {
  declare: (c) => {
    c.description('Times the model on a window.')
      .option('--window <count>', 'bytes of the window, up to 4096 (default: 2048)')
      .option('--pattern <name>', 'a pattern of patterns.json, or FILE.fil[:NAME]; may be repeated (default: dense)', collect)
      .option('--rounds <count>', 'rounds, after one that is not counted (default: 3)')
      .option('--adapter <name>', 'part of the name of the WebGPU adapter')
      .option('--set <parameter=value>', 'value of a parameter of the pattern; may be repeated', collect)
      .option('--tensors <file>', 'safetensors file with tensor parameters of the pattern');
  },
  run: async (given) => {
    const size = countOf(given, 'window', 16, 4096) ?? 2048;
    const rounds = countOf(given, 'rounds', 1, 100) ?? 3;
    const weights = orRefuse(readWeights());
    const nothing = { choice: { title: 'without attention', program: exampleFile(given, 'nothing.fil'), name: 'nothing', parameters: {} }, span: wordSpan(given.line, () => false) };
    const programs = [nothing, ...usedEverywhere(patternsOf(given, ['dense']))].map(({ choice, span }) => modelProgram(given, { choice, window: size, weights, tensors: tensorsOf(given), span }));
    const [window] = windowsOf(readFileSync(dataFile('eval-text.bin')), size);
    const runners = [];
    for (const { chain, sizes, scalars, tensors } of programs) {
      runners.push(orRefuse(await openRunner({ chain, sizes: { batch: 1, nQ: sizes.nQ, nK: sizes.nK }, scalars, fixed: tensors, backend: 'wgsl', adapter: textOf(given, 'adapter') })));
    }
    const token = new Map([['token', { extents: [1, size], data: window?.tokens ?? new Int32Array(size) }]]);
    const times = programs.map((): { readonly wall: number; readonly cpu: number }[] => []);
    for (let round = 0; round <= rounds; round += 1) {
      for (const [i, runner] of runners.entries()) {
        const [start, cpu] = [performance.now(), cpuNow()];
        orRefuse(await runner.run(token));
        if (round > 0) times[i]?.push({ wall: performance.now() - start, cpu: cpuNow() - cpu });
        given.progress.show(`round ${round} of ${rounds}: ${programs[i]?.title ?? ''}`);
      }
    }
    given.progress.clear();
    const session = orRefuse(await sharedSession(textOf(given, 'adapter')));
    const clock = (i: number): number => medianOf((times[i] ?? []).map((t) => t.wall));
    const cpu = (i: number): number => medianOf((times[i] ?? []).map((t) => t.cpu));
    const judged = session.software ? cpu : clock;
    const all = programs.map(({ title, parameters }, i): Timed => {
      const milliseconds = clock(i);
      const settings = Object.entries(parameters).map(([name, value]) => (typeof value === 'object' ? name : `${name} = ${value}`)).join(', ');
      return {
        title, settings, milliseconds, tokensPerSecond: (1000 * size) / milliseconds, cpuMilliseconds: cpu(i), attentionShare: i === 0 ? undefined : 1 - judged(0) / judged(i),
      };
    });
    const device = runners[0]?.device ?? '';
    runners.forEach((r) => r.close());
    if (given.json) given.io.out(`${JSON.stringify({ window: size, rounds, device, patterns: all })}\n`);
    else {
      const rows = all.map((t) => [t.title, t.settings, t.milliseconds.toFixed(0), figure(t.tokensPerSecond), t.cpuMilliseconds.toFixed(0), figure((1000 * size) / t.cpuMilliseconds), t.attentionShare === undefined ? '' : percent(t.attentionShare)]);
      const titles = ['pattern', 'settings', 'ms', 'tokens/s', 'CPU-ms', 'tokens/CPU-s', 'attention'];
      given.io.out(`${tableText(titles.map((title, i) => ({ title, align: i < 2 ? 'left' as const : 'right' as const })), rows)}${device}, windows of ${size}, median of ${rounds} rounds\n`);
    }
    return 0;
  },
};
