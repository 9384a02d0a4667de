/**
 * Measured methods as a Markdown page and as curves. In: rows of measured.ts. Out: text. Means over heads are plain means: every head of
 * every input counts the same.
 */
import { curvesToSvg } from '../../compiler/report/curve-plot.ts';
import { figure, percent } from '../table.ts';
import type { Measured } from './measured.ts';
import type { Parameters } from './methods-file.ts';

const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length);

export function parametersText(parameters: Parameters): string {
  return Object.entries(parameters).map(([name, value]) => `${name} = ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(', ');
}

export interface Setting {
  readonly title: string;
  readonly parameters: string;
  readonly rows: readonly Measured[];
  readonly density: number;
  readonly recall: number;
  readonly error: number;
  readonly flops: number;
  /** Selection over all work, of the sums. */
  readonly selectionShare: number;
}

/** A setting per method and budget, in the order of the file. */
export function settingsOf(rows: readonly Measured[]): readonly Setting[] {
  const groups = new Map<string, Measured[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.method.title, row.budget]);
    const group = groups.get(key) ?? [];
    group.push(row);
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => {
    const selection = mean(group.map((r) => r.selectionFlops));
    const flops = mean(group.map((r) => r.attentionFlops)) + selection;
    return {
      title: group[0]?.method.title ?? '',
      parameters: parametersText(group[0]?.parameters ?? {}),
      rows: group,
      density: mean(group.map((r) => r.density)),
      recall: mean(group.map((r) => r.recall)),
      error: mean(group.map((r) => r.error)),
      flops,
      selectionShare: flops === 0 ? 0 : selection / flops,
    };
  });
}

export function curvesOf(settings: readonly Setting[], title: string): string {
  const names = [...new Set(settings.map((s) => s.title))];
  return curvesToSvg({
    title,
    xTitle: 'density (share of the pairs of dense attention)',
    yTitle: 'relative output error (L2, mean over heads)',
    series: names.map((name) => ({ name, points: settings.filter((s) => s.title === name).map((s) => ({ x: s.density, y: s.error })) })),
  });
}

function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(titles) + line(titles.map(() => '---')) + rows.map(line).join('');
}

const cells = (r: Pick<Measured, 'density' | 'recall' | 'error'>, flops: number, share: number): readonly string[] => [
  percent(r.density), percent(r.recall), figure(r.error), figure(flops / 1e6), percent(share),
];
const figureTitles = ['density', 'recall', 'error', 'Mflop per head', 'selection'];

/** The page: means by setting, then every head. */
export function reportMarkdown(rows: readonly Measured[], context: { readonly command: string; readonly tile: number; readonly plot: string }): string {
  const settings = settingsOf(rows);
  const inputs = [...new Set(rows.map((r) => r.input))];
  const heads = rows.map((r) => {
    const flops = r.attentionFlops + r.selectionFlops;
    return [r.method.title, parametersText(r.parameters), r.input, String(r.head), ...cells(r, flops, flops === 0 ? 0 : r.selectionFlops / flops)];
  });
  return [
    '# Selection, measured\n',
    `Inputs: ${inputs.join(', ')}. Made by\n\n\`\`\`\n${context.command}\n\`\`\`\n`,
    [
      '*Density*: live pairs over those of dense attention. *Recall*: share of the dense softmax on live pairs, mean over rows.',
      '*Error*: L2 distance of the output from the dense one over its length, per head, in float64.',
      `*Mflop*: four operations per pair and channel for every ${context.tile} x ${context.tile} tile that holds a live pair, and the float operations of all stages as they are written.`,
      '*Selection*: the share of the stages in that. Kernels may visit other tiles (gathered columns are cheaper than the tiles they touch) and may skip what a condition rules out.\n',
    ].join('\n'),
    `![Error against density](${context.plot})\n`,
    `## Mean over ${settings[0]?.rows.length ?? 0} heads\n`,
    markdownTable(['method', 'setting', ...figureTitles], settings.map((s) => [s.title, s.parameters, ...cells(s, s.flops, s.selectionShare)])),
    '## Every head\n',
    markdownTable(['method', 'setting', 'input', 'head', ...figureTitles], heads),
  ].join('\n');
}
