/**
 * Evaluated patterns as a table, a page and curves. In: figures, the dense ones first. Out: text.
 */
import { curvesToSvg } from '../../compiler/report/curve-plot.ts';
import { figure, percent, tableText } from '../../tools/table.ts';
import type { Figures } from './figures.ts';

const gigaflops = (flops: number): string => figure(flops / 1e9);
const signed = (value: number): string => (value < 0 ? '' : '+') + value.toFixed(4);
const share = (value: number): string => `${Math.round(100 * value)} %`;

function cellsOf(f: Figures, dense: Figures, distances: readonly number[]): readonly string[] {
  return [
    f.title, f.settings, percent(f.density), gigaflops(f.attentionFlops), f.selectionFlops === 0 ? '' : gigaflops(f.selectionFlops),
    f.natsPerByte.toFixed(4), signed(f.natsPerByte - dense.natsPerByte), f.bitsPerByte.toFixed(4), f.perplexity.toFixed(3),
    ...distances.map((d) => {
      const found = f.retrieval.find((r) => r.distance === d);
      return found === undefined ? '' : share(found.accuracy);
    }),
  ];
}

const titlesOf = (distances: readonly number[]): readonly string[] => [
  'pattern', 'settings', 'density', 'attention Gflop', 'selection Gflop', 'nats/byte', 'above dense', 'bits/byte', 'perplexity', ...distances.map((d) => `found at ${d}`),
];

/** For the terminal. */
export function figuresTable(all: readonly Figures[], dense: Figures, distances: readonly number[]): string {
  return tableText(titlesOf(distances).map((title, i) => ({ title, align: i < 2 ? 'left' as const : 'right' as const })), all.map((f) => cellsOf(f, dense, distances)));
}

const namesOf = (all: readonly Figures[]): readonly string[] => [...new Set(all.map((f) => f.title))];

/** Loss above dense against density; what is not above it stands at the lower edge. */
export function lossCurves(all: readonly Figures[], dense: Figures): string {
  const sparse = all.filter((f) => f !== dense);
  return curvesToSvg({
    title: `What a pattern costs, windows of ${dense.window} bytes`,
    xTitle: 'density (share of the pairs of dense attention)',
    yTitle: 'nats per byte above dense',
    series: namesOf(sparse).map((name) => ({ name, points: sparse.filter((f) => f.title === name).map((f) => ({ x: f.density, y: f.natsPerByte - dense.natsPerByte })) })),
  });
}

/** Retrieval accuracy against density, at one distance. */
export function accuracyCurves(all: readonly Figures[], dense: Figures, distance: number): string {
  return curvesToSvg({
    title: `What a pattern finds again at ${distance} bytes, windows of ${dense.window} bytes`,
    xTitle: 'density (share of the pairs of dense attention)',
    yTitle: 'share of the key bytes that are right',
    yScale: 'linear',
    series: namesOf(all).map((name) => ({
      name, points: all.filter((f) => f.title === name).flatMap((f) => f.retrieval.filter((r) => r.distance === distance).map((r) => ({ x: f.density, y: r.accuracy }))),
    })).filter((s) => s.points.length > 0),
  });
}

function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(titles) + line(titles.map(() => '---')) + rows.map(line).join('');
}

export interface PageContext {
  readonly command: string;
  readonly text: string;
  readonly distances: readonly number[];
  /** Names of the pictures beside the page. */
  readonly loss: string;
  readonly accuracy: readonly string[];
}

function retrievalSection(all: readonly Figures[], { distances, accuracy }: PageContext): readonly string[] {
  if (distances.length === 0) return [];
  const rows = all.flatMap((f) => f.retrieval.map((r) => [
    f.title, f.settings, percent(f.density), String(r.distance), String(r.trials), r.nats.toFixed(2), share(r.accuracy), r.natsLater.toFixed(2), share(r.accuracyLater),
  ]));
  return [
    '## Retrieval\n',
    [
      'A line with a random key of 24 characters is planted in the text, and the window ends with the same line; *distance* is from the start of the one to',
      'the start of the other. Mean of all trials over the bytes of the key, and without its first two. Chance: 3.58 nats, 2.8 %.\n',
    ].join('\n'),
    ...accuracy.map((file) => `![Accuracy against density](${file})\n`),
    markdownTable(['pattern', 'settings', 'density', 'distance', 'trials', 'nats', 'accuracy', 'nats from byte 3', 'accuracy from byte 3'], rows),
  ];
}

export function evaluationPage(all: readonly Figures[], dense: Figures, context: PageContext): string {
  return [
    `# A language model under every pattern, windows of ${dense.window} bytes\n`,
    `${context.text}, ${dense.windows} windows. Device: ${[...new Set(all.map((f) => f.device))].join(', ')}. Made by\n\n\`\`\`\n${context.command}\n\`\`\`\n`,
    [
      'The model is [examples/bytelm](../../examples/bytelm); the pattern holds in all layers and heads. *Density*: live pairs over those of dense causal attention, counted',
      'in the masks that were used. *Attention*: four operations per live pair and channel, all layers of one window; *selection*: the float operations of the stages',
      'as they are written. The loss is over every byte of the windows; its difference to dense is on the same windows.\n',
    ].join('\n'),
    `![Loss against density](${context.loss})\n`,
    markdownTable(titlesOf(context.distances), all.map((f) => cellsOf(f, dense, context.distances))),
    ...retrievalSection(all, context),
  ].join('\n');
}
