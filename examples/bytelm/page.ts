/**
 * Evaluated patterns as a table, a page and curves. In: figures; each is compared with the dense ones of the same bytes. Out: text.
 */
import { curvesToSvg } from '../../compiler/report/curve-plot.ts';
import { figure, percent, tableText } from '../../tools/table.ts';
import type { Figures } from './figures.ts';
import type { Beside } from './published.ts';

const gigaflops = (flops: number): string => figure(flops / 1e9);
const signed = (value: number): string => (value < 0 ? '' : '+') + value.toFixed(4);
const share = (value: number): string => `${Math.round(100 * value)} %`;

/** Whether the whole of each window counts. */
const isWhole = (f: Figures): boolean => f.counted === f.window;
const isDense = (f: Figures): boolean => f.title === 'dense';

/** What figures are compared with. */
function denseOf(all: readonly Figures[], f: Figures): Figures {
  return all.find((d) => isDense(d) && d.counted === f.counted) ?? f;
}

function cellsOf(all: readonly Figures[], f: Figures, distances: readonly number[]): readonly string[] {
  return [
    f.title, f.settings, percent(f.density), gigaflops(f.attentionFlops), f.selectionFlops === 0 ? '' : gigaflops(f.selectionFlops),
    f.natsPerByte.toFixed(4), signed(f.natsPerByte - denseOf(all, f).natsPerByte), f.bitsPerByte.toFixed(4), f.perplexity.toFixed(3),
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
export function figuresTable(all: readonly Figures[], distances: readonly number[]): string {
  return tableText(titlesOf(distances).map((title, i) => ({ title, align: i < 2 ? 'left' as const : 'right' as const })), all.map((f) => cellsOf(all, f, distances)));
}

const namesOf = (all: readonly Figures[]): readonly string[] => [...new Set(all.map((f) => f.title))];

/** Loss above dense against density; what is not above it stands at the lower edge. */
export function lossCurves(all: readonly Figures[]): string {
  const sparse = all.filter((f) => !isDense(f));
  return curvesToSvg({
    title: `What a pattern costs, windows of ${all[0]?.window ?? 0} bytes`,
    xTitle: 'density (share of the pairs of dense attention)',
    yTitle: 'nats per byte above dense',
    series: namesOf(sparse).map((name) => ({ name, points: sparse.filter((f) => f.title === name).map((f) => ({ x: f.density, y: f.natsPerByte - denseOf(all, f).natsPerByte })) })),
  });
}

/** Retrieval accuracy against density, at one distance. */
export function accuracyCurves(all: readonly Figures[], distance: number): string {
  return curvesToSvg({
    title: `What a pattern finds again at ${distance} bytes, windows of ${all[0]?.window ?? 0} bytes`,
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
  /** The folder of the model, from the page. */
  readonly example: string;
  readonly text: string;
  readonly distances: readonly number[];
  /** Of the windows. */
  readonly numbers: readonly number[];
  readonly published: Beside;
  /** Names of the pictures beside the page. */
  readonly loss: string;
  readonly accuracy: readonly string[];
}

/** Patterns that are used behind a dense prompt, with a table for each length of what comes after it. */
function decodingSection(all: readonly Figures[], { distances }: PageContext): readonly string[] {
  const ends = [...new Set(all.filter((f) => !isWhole(f)).map((f) => f.counted))];
  if (ends.length === 0) return [];
  return [
    '## Behind a dense prompt\n',
    [
      'These patterns are used while decoding. All but the end of a window is read with dense attention and its keys and values kept; the end is read in one launch behind',
      'that cache, with the pattern in all layers and heads. A selector that looks at the last queries of the prompt and then keeps to its choice has',
      'these queries as its first rows (they are dense and do not count). In a trial the prompt ends with the question and the bytes of the key are decoded. Density and',
      'work are those of the bytes that count.\n',
    ].join('\n'),
    ...ends.map((counted) => [
      `The last ${counted} bytes of each window:\n`,
      markdownTable(titlesOf(distances), all.filter((f) => f.counted === counted).map((f) => cellsOf(all, f, distances))),
    ].join('\n')),
  ];
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

/** `0, 6, ... 90` */
function numbersText(numbers: readonly number[]): string {
  const [first, second, ...more] = numbers;
  return more.length < 2 ? numbers.join(', ') : `${first}, ${second}, ... ${numbers.at(-1)}`;
}

function publishedSection({ loss, retrieval }: Beside): readonly string[] {
  if (loss.length + retrieval.length === 0) return [];
  const tables = [
    ...(loss.length === 0 ? [] : [markdownTable(
      ['pattern', 'windows', 'nats/byte', 'published', 'difference'],
      loss.map((l) => [l.what, `${l.windows.length}: ${numbersText(l.windows)}`, l.measured.toFixed(4), l.nats.toFixed(4), signed(l.measured - l.nats)]),
    )]),
    ...(retrieval.length === 0 ? [] : [
      'Retrieval, the same number of trials with other keys at other places:\n',
      markdownTable(
        ['pattern', 'settings', 'distance', 'trials', 'nats', 'published', 'accuracy', 'published'],
        retrieval.map((r) => [r.title, r.settings, String(r.distance), String(r.trials), r.measured.nats.toFixed(2), r.nats?.toFixed(2) ?? '', share(r.measured.accuracy), share(r.accuracy)]),
      ),
    ]),
  ];
  return ['## Beside the published figures\n', 'The weights come with figures of another implementation. On the same windows of the same text:\n', ...tables];
}

export function evaluationPage(all: readonly Figures[], context: PageContext): string {
  const whole = all.filter(isWhole);
  const [dense] = all;
  return [
    `# A language model under every pattern, windows of ${dense?.window ?? 0} bytes\n`,
    `${context.text}, ${dense?.windows ?? 0} windows: ${numbersText(context.numbers)}. Device: ${[...new Set(all.map((f) => f.device))].join(', ')}. Made by\n\n\`\`\`\n${context.command}\n\`\`\`\n`,
    [
      `The model is [examples/bytelm](${context.example}); the pattern holds in all layers and heads. *Density*: live pairs over those of dense causal attention, counted`,
      'in the masks that were used. *Attention*: four operations per live pair and channel, all layers of one window; *selection*: the float operations of the stages',
      'as they are written. The loss is over every byte of the windows; its difference to dense is on the same bytes.\n',
    ].join('\n'),
    `![Loss against density](${context.loss})\n`,
    markdownTable(titlesOf(context.distances), whole.map((f) => cellsOf(all, f, context.distances))),
    ...decodingSection(all, context),
    ...publishedSection(context.published),
    ...retrievalSection(all, context),
  ].join('\n');
}
