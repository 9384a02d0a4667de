/**
 * Measured methods as Markdown pages and as curves. In: rows of measured.ts. Out: text. Means over heads are plain means: every head of
 * every input counts the same. Methods that see whole prompts and methods that see the last rows as decoding steps are told apart, since their
 * densities count different pairs.
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
  /** Decoding steps, not whole prompts. */
  readonly steps: boolean;
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
    const key = JSON.stringify([row.method.title, row.method.rows, row.budget]);
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
      steps: group[0]?.method.rows !== undefined,
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

/** The error at a density, linear between the neighbouring budgets; nothing outside of them. */
export function errorAt(points: readonly { readonly density: number; readonly error: number }[], density: number): number | undefined {
  const sorted = [...points].sort((a, b) => a.density - b.density || b.error - a.error);
  const above = sorted.findIndex((p) => p.density >= density);
  const [from, to] = [sorted[above - 1], sorted[above]];
  if (to === undefined) return undefined;
  if (to.density === density) return to.error;
  if (from === undefined) return undefined;
  return from.error + ((to.error - from.error) * (density - from.density)) / (to.density - from.density);
}

function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(titles) + line(titles.map(() => '---')) + rows.map(line).join('');
}

const cells = (r: Pick<Measured, 'density' | 'recall' | 'error'>, flops: number, share: number): readonly string[] => [
  percent(r.density), percent(r.recall), figure(r.error), figure(flops / 1e6), percent(share),
];
const figureTitles = ['density', 'recall', 'error', 'Mflop per head', 'selection'];

/** For each row of the table a line, for each method a column: its error at the density; the smallest is set in bold. */
function errorTable(first: readonly string[], groups: readonly { readonly cells: readonly string[]; readonly rows: readonly Measured[] }[], titles: readonly string[], density: number): string {
  const lines = groups.map(({ cells: lead, rows }) => {
    const errors = titles.map((title) => {
      const own = rows.filter((r) => r.method.title === title);
      const budgets = [...new Set(own.map((r) => r.budget))].map((b) => own.filter((r) => r.budget === b));
      return errorAt(budgets.map((b) => ({ density: mean(b.map((r) => r.density)), error: mean(b.map((r) => r.error)) })), density);
    });
    const smallest = Math.min(...errors.flatMap((e) => e ?? []));
    return [...lead, ...errors.map((e) => (e === undefined ? '' : e === smallest ? `**${figure(e)}**` : figure(e)))];
  });
  return markdownTable([...first, ...titles], lines);
}

export interface PageContext {
  readonly command: string;
  readonly tile: number;
  readonly backend: string;
  /** File names of the plots, by whether they show steps. */
  readonly plots: { readonly prompts: string; readonly steps: string };
  readonly headsPage: string;
  /** The density at which methods are compared. */
  readonly density: number;
}

const inputsOf = (rows: readonly Measured[]): readonly string[] => [...new Set(rows.map((r) => r.input))];
const titlesOf = (rows: readonly Measured[]): readonly string[] => [...new Set(rows.map((r) => r.method.title))];

/** The page: means by setting, and each method on each input at one density. */
export function reportMarkdown(rows: readonly Measured[], context: PageContext): string {
  const parts = [false, true].flatMap((steps): readonly string[] => {
    const own = rows.filter((r) => (r.method.rows !== undefined) === steps);
    const settings = settingsOf(own);
    if (settings.length === 0) return [];
    const groups = inputsOf(own).map((input) => ({ cells: [input], rows: own.filter((r) => r.input === input) }));
    const counted = [...new Set(own.map((r) => r.method.counted ?? r.method.rows))].join(', ');
    return [
      steps ? `## Decoding steps: the last ${counted} rows of each input\n` : '## Whole prompts\n',
      `![Error against density](${steps ? context.plots.steps : context.plots.prompts})\n`,
      `Mean over ${settings[0]?.rows.length ?? 0} heads:\n`,
      markdownTable(['method', 'setting', ...figureTitles], settings.map((s) => [s.title, s.parameters, ...cells(s, s.flops, s.selectionShare)])),
      `Error at density ${percent(context.density)}, linear between budgets, mean over the heads of an input (empty: not within the budgets above):\n`,
      errorTable(['input'], groups, titlesOf(own), context.density),
    ];
  });
  return [
    '# Selection, measured\n',
    `Inputs: ${inputsOf(rows).join(', ')}. Each head by itself: [${context.headsPage}](${context.headsPage}); all figures: selection.json. Made by\n\n\`\`\`\n${context.command}\n\`\`\`\n`,
    [
      '*Density*: live pairs over those of dense attention. *Recall*: share of the dense softmax on live pairs, mean over rows.',
      '*Error*: L2 distance of the output from the dense one over its length, per head, in float64'
      + `${context.backend === 'interpreter' ? '' : ` on the pairs that kernels chose in single precision (${context.backend})`}.`,
      `*Mflop*: four operations per pair and channel for every ${context.tile} x ${context.tile} tile that holds a live pair (for decoding steps: for live pairs), and the float operations of all stages as they are written.`,
      '*Selection*: the share of the stages in that. Kernels may visit other tiles (gathered columns are cheaper than the tiles they touch) and may skip what a condition rules out.\n',
    ].join('\n'),
    ...parts,
  ].join('\n');
}

/** The second page: each head of each input, every method at one density. */
export function headsMarkdown(rows: readonly Measured[], { density }: Pick<PageContext, 'density'>): string {
  const parts = [false, true].flatMap((steps): readonly string[] => {
    const own = rows.filter((r) => (r.method.rows !== undefined) === steps);
    if (own.length === 0) return [];
    const groups = inputsOf(own).flatMap((input) => {
      const heads = [...new Set(own.filter((r) => r.input === input).map((r) => r.head))];
      return heads.map((head) => ({ cells: [input, String(head)], rows: own.filter((r) => r.input === input && r.head === head) }));
    });
    return [steps ? '## Decoding steps\n' : '## Whole prompts\n', errorTable(['input', 'head'], groups, titlesOf(own), density)];
  });
  return [
    '# Selection, head by head\n',
    `Relative output error at density ${percent(density)}, linear between the budgets of [selection.md](selection.md) on that head; empty where they do not reach that density. Bold: the smallest.\n`,
    ...parts,
  ].join('\n');
}
