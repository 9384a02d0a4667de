/**
 * `filigree report METHODS.json --in A.safetensors [--in B ...] --out DIR [--tile 64] [--threads N] [--json]`: what each method keeps, loses
 * and costs on real heads. Writes `selection.md`, `selection.json` and `selection.svg` (error against density, a curve per method).
 */
import { join } from 'node:path';
import { claimFolder, claimOutput } from '../command-line/outputs.ts';
import { countOf, onlyFile, requiredText, valueSpan } from '../command-line/command.ts';
import type { CommandModule } from '../command-line/command.ts';
import { writeAtomic } from '../io/files.ts';
import { measureMethods, readQkv } from '../methods/measured.ts';
import type { Measured } from '../methods/measured.ts';
import { curvesOf, reportMarkdown, settingsOf } from '../methods/report-text.ts';
import { openMethods } from '../methods/resolve.ts';
import { percent, figure, tableText } from '../table.ts';
import { collect } from './launch-options.ts';

function rowJson(row: Measured): object {
  const { method, parameters, input, head, density, recall, error, attentionFlops, selectionFlops } = row;
  return { method: method.title, program: method.program, name: method.name, parameters: { ...method.parameters, ...parameters }, input, head, density, recall, error, attentionFlops, selectionFlops };
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Measures methods on Q, K, V of real heads.')
      .argument('<methods>', 'JSON file that names programs and parameters')
      .option('--in <file>', 'safetensors file with q, k, v; may be repeated', collect)
      .option('--out <folder>', 'folder for selection.md, selection.json, selection.svg')
      .option('--tile <count>', 'side of the tiles in which work is counted (default: 64)')
      .option('--threads <count>', 'threads, each with one input at a time (default: up to 4)');
  },
  run: async (given) => {
    const methods = openMethods(given, onlyFile(given));
    const folder = requiredText(given, 'out', 'docs/results');
    const files = readQkv(given);
    const span = valueSpan(given, 'out', folder);
    claimFolder(given, folder, span);
    const place = (name: string): string => claimOutput(given, join(folder, name), span);
    const paths = { md: place('selection.md'), json: place('selection.json'), svg: place('selection.svg') };
    const rows = await measureMethods(given, methods, files);
    const settings = settingsOf(rows);
    const inputs = [...given.inputs];
    const tile = countOf(given, 'tile', 1, 4096) ?? 64;
    const result = {
      tile,
      settings: settings.map(({ rows: _rows, ...s }) => s),
      heads: rows.map(rowJson),
    };
    writeAtomic(paths.json, `${JSON.stringify(result, null, 1)}\n`, inputs);
    writeAtomic(paths.svg, curvesOf(settings, `Error against density, ${files.length} input${files.length === 1 ? '' : 's'}`), inputs);
    writeAtomic(paths.md, reportMarkdown(rows, { command: given.line.text, tile, plot: 'selection.svg' }), inputs);
    if (given.json) given.io.out(`${JSON.stringify(result)}\n`);
    else {
      const right = (title: string) => ({ title, align: 'right' as const });
      const columns = [{ title: 'method', align: 'left' as const }, { title: 'setting', align: 'left' as const }, right('density'), right('recall'), right('error'), right('Mflop'), right('selection')];
      given.io.out(tableText(columns, settings.map((s) => [s.title, s.parameters, percent(s.density), percent(s.recall), figure(s.error), figure(s.flops / 1e6), percent(s.selectionShare)])));
    }
    return 0;
  },
};
