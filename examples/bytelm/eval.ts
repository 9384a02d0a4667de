/**
 * `npm run eval -- [--pattern NAME|FILE.fil[:NAME] ...] [--text FILE] [--window COUNT] [--limit WINDOWS] [--retrieval] [--backend NAME] ...`:
 * the language model under patterns of attention, against dense. Prints a table (or JSON) and writes page, curves and the figures of every
 * window to a folder; a run that is interrupted goes on where it stopped.
 */
import type { TensorValue } from '../../compiler/spec/ir.ts';
import type { Span } from '../../dsl/span.ts';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { choiceOf, countOf, has, textOf, valueSpan } from '../../tools/command-line/command.ts';
import type { CommandModule, Given } from '../../tools/command-line/command.ts';
import { claimFolder, pathOf } from '../../tools/command-line/outputs.ts';
import { refuse } from '../../tools/command-line/problems.ts';
import { wordSpan } from '../../tools/command-line/words.ts';
import { collect, orRefuse, tensorsOf } from '../../tools/commands/launch-options.ts';
import { backends } from '../../tools/engines/index.ts';
import { reasonOf, writeAtomic } from '../../tools/io/files.ts';
import { nearestFile } from '../../tools/tensor-file.ts';
import { checkModel } from './check.ts';
import { figuresOf } from './figures.ts';
import type { Counting, Figures } from './figures.ts';
import { measurePattern } from './measure.ts';
import { emptyCache } from './generate.ts';
import { dataFile, readWeights, weightsFile } from './model.ts';
import { accuracyCurves, evaluationPage, figuresTable, lossCurves } from './page.ts';
import { chainProgram, exampleFile, modelProgram, readPatterns } from './programs.ts';
import type { Changing, Tail } from './programs.ts';
import { patternsOf, withPrompts } from './patterns.ts';
import type { Asked } from './patterns.ts';
import { besidePublished, readPublished } from './published.ts';
import type { Beside } from './published.ts';
import { openPrompts } from './reader.ts';
import { openStore, rowKey } from './results.ts';
import type { Row } from './results.ts';
import { distanceFits, retrievalWindow } from './retrieval.ts';
import { windowsOf } from './windows.ts';
import type { Window } from './windows.ts';

function bytesOf(given: Given): { readonly name: string; readonly bytes: Uint8Array; readonly span: Span } {
  const file = textOf(given, 'text');
  if (file === undefined) {
    const path = dataFile('eval-text.bin');
    return { name: `${basename(path)} (${statSync(path).size} bytes)`, bytes: readFileSync(path), span: wordSpan(given.line, () => false) };
  }
  const span = valueSpan(given, 'text', file);
  const path = pathOf(given, file);
  given.inputs.add(path);
  try {
    const bytes = readFileSync(path);
    return { name: `${basename(path)} (${bytes.length} bytes)`, bytes, span };
  } catch (error) {
    const help = existsSync(path) ? undefined : nearestFile(path);
    return refuse('FIL9005', `the text '${file}' cannot be read: ${reasonOf(error)}`, span, help === undefined ? {} : { help });
  }
}

/** Distances of the retrieval: those asked for, or the ones in which the model finds anything. */
function distancesOf(given: Given, size: number): readonly number[] {
  if (!has(given, 'retrieval')) return [];
  const text = textOf(given, 'distances');
  if (text === undefined) return [64, 256, 512, 1024].filter((d) => distanceFits(d, size));
  const span = valueSpan(given, 'distances', text);
  return text.split(',').map((word) => {
    const distance = /^[0-9]+$/.test(word) ? Number(word) : NaN;
    return distanceFits(distance, size) ? distance : refuse('FIL9004', `--distances takes whole numbers that fit a window of ${size} bytes, not '${word}'`, span, { help: 'as in --distances 64,512' });
  });
}

/** A prompt as long as it can be before the last byte of a window. */
function promptSizes(size: number): Changing {
  const cache = emptyCache(size);
  return { nQ: size - 1, changing: new Map<string, TensorValue>([['token', { extents: [1, size - 1], data: new Int32Array(size - 1) }], ['past_key', cache], ['past_value', cache]]) };
}

const barWidth = 20;

function bar(done: number, all: number): string {
  const filled = Math.round((barWidth * done) / Math.max(1, all));
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`;
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Judges patterns of attention by a language model.')
      .option('--pattern <name>', 'a pattern of patterns.json, or FILE.fil[:NAME]; may be repeated (default: all of the list)', collect)
      .option('--text <file>', 'text to read, raw bytes (default: the evaluation text)')
      .option('--window <count>', 'bytes of a window, up to 4096 (default: 2048)')
      .option('--limit <windows>', 'that many windows, evenly chosen (default: all)')
      .option('--every <step>', 'every such window from the first, as in --every 6 --limit 16 for windows 0, 6, ... 90')
      .option('--retrieval', 'also plant keys and ask for them')
      .option('--distances <list>', 'distances of the planted key (default: 64,256,512,1024)')
      .option('--trials <count>', 'keys of each distance (default: 10)')
      .option('--backend <name>', `${backends.join(', ')} (default: wgsl)`)
      .option('--adapter <name>', 'part of the name of the WebGPU adapter, such as SwiftShader, lavapipe or NVIDIA')
      .option('--set <parameter=value>', 'value of a parameter of the pattern; may be repeated', collect)
      .option('--tensors <file>', 'safetensors file with tensor parameters of the pattern')
      .option('--weights <file>', 'safetensors file of the model (default: its own)')
      .option('--known', 'measures nothing: the page of what the folder holds, of the patterns that are complete')
      .option('--check', 'no patterns: logits of the first bytes on all backends against a reference in float64, and the published ones')
      .option('--bytes <count>', 'with --check: how many bytes (default: 16; the interpreter takes about a second for each)')
      .option('--out <folder>', 'where results go, and from where they go on (default: out/bytelm)');
  },
  run: async (given) => {
    const size = countOf(given, 'window', 16, 4096) ?? 2048;
    const limit = countOf(given, 'limit', 1, 1_000_000);
    const trials = countOf(given, 'trials', 1, 1000) ?? 10;
    const backend = choiceOf(given, 'backend', backends) ?? 'wgsl';
    const text = bytesOf(given);
    const every = countOf(given, 'every', 1, 1_000_000);
    const windows = windowsOf(text.bytes, size, limit, every);
    if (windows.length === 0) refuse('FIL9004', `the text has ${text.bytes.length} bytes, less than one window of ${size}`, text.span);
    const distances = distancesOf(given, size);
    const asked = withPrompts(patternsOf(given), size);
    const tensors = tensorsOf(given);
    const weightsPath = textOf(given, 'weights');
    const weights = orRefuse(readWeights(weightsPath === undefined ? weightsFile() : pathOf(given, weightsPath)));
    if (has(given, 'check')) return checkModel(given, weights);
    const trialWindows = new Map(distances.map((d) => [d, Array.from({ length: trials }, (_, t) => retrievalWindow(text.bytes, size, d, t)).filter((w): w is Window => w !== undefined)]));

    const out = textOf(given, 'out') ?? join('out', 'bytelm');
    const folder = claimFolder(given, out, valueSpan(given, 'out', out));
    const store = openStore(join(folder, `bytelm-${size}.json`), [...given.inputs]);
    const list = readPatterns();
    const denseFor = (tail: Tail | undefined): Asked => ({
      choice: { title: 'dense', program: exampleFile(given, list.dense.program), name: list.dense.name, parameters: list.dense.parameters, tail }, span: wordSpan(given.line, () => false),
    });
    // Each end of a window has a dense row of its own to be compared with.
    const tails = [...new Map(asked.map(({ choice: { tail } }) => [tail === undefined ? '' : `${tail.rows} ${tail.counted}`, tail])).values()];
    const compared = [undefined, ...tails.filter((t) => t !== undefined)].flatMap((tail) => [
      denseFor(tail), ...asked.filter(({ choice: c }) => c.title !== 'dense' && c.tail?.rows === tail?.rows && c.tail?.counted === tail?.counted),
    ]);
    const programs = compared.map(({ choice, span }) => {
      const program = modelProgram(given, { choice, window: size, weights, tensors, span });
      return { program, key: rowKey(program, size, text.bytes, backend) };
    });

    const counting: Counting = { windows: windows.map((w) => w.number), distances, trials };
    const prompts = openPrompts(chainProgram(given, { ...denseFor(undefined), window: size, weights, tensors }, 'bytelm_step', promptSizes(size)), backend, textOf(given, 'adapter'));
    const all: Figures[] = [];
    const measured: Row[] = [];
    const steps = windows.length + distances.length * trials;
    for (const [i, { program, key }] of programs.entries()) {
      let done = 0;
      const before = store.row(key);
      const row = has(given, 'known') ? before : await measurePattern({
        program, windows, trials: trialWindows, before, text: text.name, backend, adapter: textOf(given, 'adapter'), prompts,
        done: (now, what) => {
          store.put(key, now);
          done += 1;
          given.progress.show(`${bar(i * steps + done, programs.length * steps)} ${i + 1} of ${programs.length}: ${now.title} ${now.settings}: ${what}`);
        },
      });
      if (row === undefined) continue;
      measured.push(row);
      const figures = figuresOf(row, counting);
      if (figures !== undefined) all.push(figures);
    }
    prompts.close();
    given.progress.clear();
    const published = besidePublished(readPublished(), measured, { size, text: text.bytes });
    return finish(given, { all, folder, size, text: text.name, distances, numbers: counting.windows, published });
  },
};

interface Evaluated {
  readonly all: readonly Figures[];
  readonly folder: string;
  readonly size: number;
  readonly text: string;
  readonly distances: readonly number[];
  /** Of the windows. */
  readonly numbers: readonly number[];
  readonly published: Beside;
}

function finish(given: Given, { all, folder, size, text, distances, numbers, published }: Evaluated): number {
  const [dense] = all;
  if (dense === undefined) return 1;
  const inputs = [...given.inputs];
  const name = (part: string): string => `bytelm-${size}${part}`;
  const plotted = distances.filter((d) => dense.retrieval.some((r) => r.distance === d && r.accuracy > 0.1));
  writeAtomic(join(folder, name('-loss.svg')), lossCurves(all), inputs);
  for (const d of plotted) writeAtomic(join(folder, name(`-found-${d}.svg`)), accuracyCurves(all, d), inputs);
  const command = given.line.text.replace(/^npm run eval --/, 'npm run eval --');
  writeAtomic(join(folder, name('.md')), evaluationPage(all, { command, text, example: relative(folder, import.meta.dirname).replaceAll('\\', '/'), distances, numbers, published, loss: name('-loss.svg'), accuracy: plotted.map((d) => name(`-found-${d}.svg`)) }), inputs);
  if (given.json) given.io.out(`${JSON.stringify({ text, window: size, windows: numbers, patterns: all, published })}\n`);
  else given.io.out(`${figuresTable(all, distances)}${relative(given.io.folder, join(folder, name('.md')))}\n`);
  return 0;
}
