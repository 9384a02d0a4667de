/**
 * `filigree report METHODS.json --in A.safetensors [--in B ...] --out DIR [--at SHARE] [--tile 64] [--backend interpreter|wgsl] [--threads N]
 * [--json]`: what each method keeps, loses and costs on real heads. Writes `selection.md` (means), `selection-heads.md` (each head at one
 * density), `selection.json` (all figures), `selection.svg` and `selection-decode.svg` (error against density, a curve per method).
 */
import { join } from 'node:path';
import { claimFolder, claimOutput } from '../command-line/outputs.ts';
import { onlyFile, requiredText, valueSpan } from '../command-line/command.ts';
import type { CommandModule } from '../command-line/command.ts';
import { writeAtomic } from '../io/files.ts';
import { measureMethods, measuringOf, readQkv, shareOf } from '../methods/measured.ts';
import type { Measured } from '../methods/measured.ts';
import { curvesOf, headsMarkdown, reportMarkdown, settingsOf } from '../methods/report-text.ts';
import type { Setting } from '../methods/report-text.ts';
import { openMethods } from '../methods/resolve.ts';
import { percent, figure, tableText } from '../table.ts';
import { collect } from './launch-options.ts';

/** Five significant digits say all that is known. */
const short = (value: number): number => Number(value.toPrecision(5));

/** A setting once, then a row of numbers for each head of each input. */
function figuresJson(rows: readonly Measured[], settings: readonly Setting[], tile: number): object {
  return {
    tile,
    settings: settings.map(({ rows: own, density, recall, error, flops, selectionShare, ...s }) => {
      const [first] = own;
      return {
        ...s, program: first?.method.program, name: first?.method.name, values: { ...first?.method.parameters, ...first?.parameters },
        density: short(density), recall: short(recall), error: short(error), flops: short(flops), selectionShare: short(selectionShare),
      };
    }),
    columns: ['setting', 'input', 'head', 'density', 'recall', 'error', 'attentionFlops', 'selectionFlops'],
    heads: settings.flatMap((s, i) => s.rows.map((r) => [i, r.input, r.head, ...[r.density, r.recall, r.error, r.attentionFlops, r.selectionFlops].map(short)])),
    inputs: [...new Set(rows.map((r) => r.input))],
  };
}

/** One row of numbers on one line. */
function jsonText(result: object): string {
  return JSON.stringify(result, null, 1).replaceAll(/\[\s+((?:[^\[\]{}]|\s)*?)\s+\]/g, (_, inner: string) => `[${inner.replaceAll(/\s*\n\s*/g, ' ')}]`);
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Measures methods on Q, K, V of real heads.')
      .argument('<methods>', 'JSON file that names programs and parameters')
      .option('--in <file>', 'safetensors file with q, k, v; may be repeated', collect)
      .option('--out <folder>', 'folder for selection.md, selection-heads.md, selection.json, selection.svg, selection-decode.svg')
      .option('--tile <count>', 'side of the tiles in which work is counted (default: 64)')
      .option('--at <share>', 'density at which inputs and heads are compared (default: 0.25)')
      .option('--backend <name>', 'what runs the stages: interpreter, or wgsl for long inputs (default: interpreter)')
      .option('--threads <count>', 'threads, each with one input at a time (default: up to 4)');
  },
  run: async (given) => {
    const methods = openMethods(given, onlyFile(given));
    const folder = requiredText(given, 'out', 'docs/results');
    const files = readQkv(given);
    const span = valueSpan(given, 'out', folder);
    const density = shareOf(given, 'at') ?? 0.25;
    claimFolder(given, folder, span);
    const place = (name: string): string => claimOutput(given, join(folder, name), span);
    const paths = { md: place('selection.md'), heads: place('selection-heads.md'), json: place('selection.json'), svg: place('selection.svg'), steps: place('selection-decode.svg') };
    const { tile, backend } = measuringOf(given);
    const rows = await measureMethods(given, methods, files);
    const settings = settingsOf(rows);
    const inputs = [...given.inputs];
    const result = figuresJson(rows, settings, tile);
    const context = { command: given.line.text, tile, backend, plots: { prompts: 'selection.svg', steps: 'selection-decode.svg' }, headsPage: 'selection-heads.md', density };
    const over = `${files.length} input${files.length === 1 ? '' : 's'}`;
    const [prompts, steps] = [settings.filter((s) => !s.steps), settings.filter((s) => s.steps)];
    writeAtomic(paths.json, `${jsonText(result)}\n`, inputs);
    if (prompts.length > 0) writeAtomic(paths.svg, curvesOf(prompts, `Error against density, ${over}`), inputs);
    if (steps.length > 0) writeAtomic(paths.steps, curvesOf(steps, `Decoding steps: error against density, ${over}`), inputs);
    writeAtomic(paths.md, reportMarkdown(rows, context), inputs);
    writeAtomic(paths.heads, headsMarkdown(rows, context), inputs);
    if (given.json) given.io.out(`${JSON.stringify(result)}\n`);
    else {
      const right = (title: string) => ({ title, align: 'right' as const });
      const columns = [{ title: 'method', align: 'left' as const }, { title: 'setting', align: 'left' as const }, right('density'), right('recall'), right('error'), right('Mflop'), right('selection')];
      given.io.out(tableText(columns, settings.map((s) => [s.title, s.parameters, percent(s.density), percent(s.recall), figure(s.error), figure(s.flops / 1e6), percent(s.selectionShare)])));
    }
    return 0;
  },
};
