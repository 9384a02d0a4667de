/**
 * The generated part of the examples' READMEs: the picture of the mask, the figures of `filigree explain`, and the commands that
 * give both. In: the programs and their demo.json; programs that choose at run time are described in selectors.ts. Out: `NAME.svg`, the
 * text between the `figures` marks of each README, and docs/masks.svg; a test makes the figures again and compares.
 *
 *   npx tsx examples/update-readmes.ts
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { denseMask } from '../compiler/interpreters/dense/index.ts';
import { mergedRects, maskToSvg } from '../compiler/report/mask-svg.ts';
import { hex, palette } from '../compiler/report/picture-layout.ts';
import type { Given } from '../tools/command-line/command.ts';
import { memoryIo } from '../tools/command-line/io.ts';
import { runCommandLine } from '../tools/command-line/main.ts';
import { progressOn } from '../tools/command-line/progress.ts';
import { commandLineOf } from '../tools/command-line/words.ts';
import { collectJobs } from '../tools/demo/jobs.ts';
import type { DemoJob } from '../tools/demo/jobs.ts';
import { writeAtomic } from '../tools/io/files.ts';
import { markOf, selectorFigures, selectorPicture, selectors } from './selectors.ts';

const examples = import.meta.dirname;
const root = dirname(examples);

/** Length of the second column of figures, for programs whose tensors do not fix the length. */
const long = 16384;

/** Settings that keep a pattern's proportions at that length. */
const longSettings: Readonly<Record<string, readonly string[]>> = {
  'grid-lines': ['vision_end=16352', 'stride=64', 'window=256', 'sinks=64', 'tile=64'],
  'neighbourhood-2d': ['width=128'],
};

function given(): Given {
  const io = memoryIo(root);
  return { io, line: commandLineOf([]), files: [], options: {}, json: false, progress: progressOn(io, true), sources: new Map(), inputs: new Set() };
}

/** The first run of every example, in the order of the folders. */
export function exampleJobs(): readonly DemoJob[] {
  const jobs = collectJobs(given(), examples, undefined);
  return jobs.filter((job, i) => jobs[i - 1]?.folder !== job.folder);
}

export function exampleFolders(): readonly string[] {
  return readdirSync(examples).filter((name) => existsSync(join(examples, name, 'demo.json')));
}

/** The explain command of a job, at its own sizes or at another length. */
function explainArguments(job: DemoJob, length: number | undefined): readonly string[] {
  const { nQ, nK, heads, kvHeads } = job.launch.sizes;
  const settings = longSettings[job.folder] ?? [];
  const tensors = existsSync(join(examples, job.folder, 'tensors.safetensors')) ? ['--tensors', `examples/${job.folder}/tensors.safetensors`] : [];
  return [
    'explain', `examples/${job.folder}/${job.folder}.fil`, '--name', job.spec.name, '--n-q', String(length ?? nQ), '--n-k', String(length ?? nK),
    '--heads', String(heads), '--kv-heads', String(kvHeads), ...tensors,
    ...(length === undefined ? [] : settings.flatMap((setting) => ['--set', setting])),
  ];
}

async function explained(words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const io = memoryIo(root);
  const code = await runCommandLine([...words, '--json'], io);
  if (code !== 0) throw new Error(`filigree ${words.join(' ')}: ${io.stderr()}`);
  const value: unknown = JSON.parse(io.stdout());
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function count(value: unknown): string {
  return typeof value === 'number' ? value.toLocaleString('en-US') : String(value);
}

function percent(value: unknown): string {
  return typeof value === 'number' ? `${(100 * value).toFixed(value < 0.01 ? 3 : 1)} %` : String(value);
}

function perNeeded(figures: Readonly<Record<string, unknown>>): string {
  const { tilesVisited: visited, tilesNeeded: needed } = figures;
  if (typeof visited !== 'number' || typeof needed !== 'number') return '';
  return `${count(visited)} / ${count(needed)} = ${(visited / Math.max(1, needed)).toFixed(2)}`;
}

/** The rows of the table of figures. */
const rows: readonly (readonly [string, (figures: Readonly<Record<string, unknown>>) => string])[] = [
  ['density', (f) => percent(f['density'])],
  ['live pairs', (f) => count(f['livePairs'])],
  ['strategy', (f) => String(f['strategy'])],
  ['tiles visited / needed', perNeeded],
  ['of them full', (f) => count(f['tilesFull'])],
  ['tiles never touched', (f) => count(f['tilesEmpty'])],
  ['mask memory', (f) => `${count(f['maskBytes'])} bytes`],
];

/** The text between the marks of a README. */
export async function figuresOf(job: DemoJob): Promise<string> {
  const { nQ, nK, heads } = job.launch.sizes;
  const own = explainArguments(job, undefined);
  const columns = [{ title: nQ === nK ? `n = ${count(nK)}` : `n_q = ${count(nQ)}, n_k = ${count(nK)}`, figures: await explained(own) }];
  if (job.spec.tensors.length === 0 && nQ === nK) columns.push({ title: [`n = ${count(long)}`, ...(longSettings[job.folder] ?? [])].join(', ').replaceAll('=', ' = ').replaceAll('  =  ', ' = '), figures: await explained(explainArguments(job, long)) });
  const { tile } = columns[0]?.figures ?? {};
  const tileText = Array.isArray(tile) ? `tiles of ${tile.join(' x ')}` : 'tiles';
  const picture = job.picture.launch;
  const drawn = [...picture.scalars].filter(([name, value]) => job.launch.scalars.get(name) !== value || !job.spec.scalars.some((s) => s.name === name && s.defaultValue === value));
  return [
    `![Mask of ${job.spec.name} for ${picture.sizes.nQ} queries and ${picture.sizes.nK} keys](${job.folder}.svg)`,
    '',
    `*${picture.sizes.nQ} queries (rows) and ${picture.sizes.nK} keys (columns)${drawn.length === 0 ? '' : `, ${drawn.map(([name, value]) => `${name} = ${value}`).join(', ')}`}.*`,
    '',
    `| ${heads} heads, ${tileText} | ${columns.map((c) => (c.figures['exact'] === false ? `${c.title} (estimated)` : c.title)).join(' | ')} |`,
    `|---|${columns.map(() => '---').join('|')}|`,
    ...rows.map(([label, of]) => `| ${label} | ${columns.map((c) => of(c.figures)).join(' | ')} |`),
    '',
    // An estimate must not be read as a count.
    ...(columns.some((c) => c.figures['exact'] === false) ? ['*Estimated*: counted on evenly spaced query tiles only, not on all.', ''] : []),
    '```sh',
    `npx filigree ${own.join(' ')}`,
    '```',
    '',
    'The picture is drawn from `picture` in [demo.json](demo.json) by `npx tsx examples/update-readmes.ts`.',
  ].join('\n');
}

export function pictureOf(job: DemoJob): string {
  const { spec, launch } = job.picture;
  const { nQ, nK, heads } = launch.sizes;
  return maskToSvg({ nQ, nK, heads, bits: denseMask(spec, launch) }, { title: job.title });
}

/** The README with its generated part in place, between the marks of that name. */
export function withFigures(readme: string, figures: string, mark = 'figures'): string {
  const open = `<!-- ${mark} -->`;
  const close = `<!-- /${mark} -->`;
  const [before = '', rest = ''] = readme.split(open);
  return `${before}${open}\n${figures}\n${close}${rest.split(close)[1] ?? '\n'}`;
}

export function readmePath(folder: string): string {
  return join(examples, folder, 'README.md');
}

const shown = ['causal', 'a-shape', 'strided', 'grid-lines', 'neighbourhood-2d', 'fenwick-levels'];

/** Several masks side by side, without axes: the picture of the main README. */
export function overview(jobs: readonly DemoJob[]): string {
  const side = 120;
  const gap = 16;
  const panels = shown.flatMap((folder, i) => {
    const job = jobs.find((j) => j.folder === folder);
    if (job === undefined) return [];
    const { nQ, nK } = job.picture.launch.sizes;
    const bits = denseMask(job.picture.spec, job.picture.launch);
    const path = mergedRects(nQ, nK, (row, key) => bits[row * nK + key] !== 0).map((r) => `M${r.x} ${r.y}h${r.width}v${r.height}h-${r.width}z`).join('');
    const x = gap + i * (side + gap);
    return [
      `<rect class="d" x="${x}" y="${gap}" width="${side}" height="${side}"/>`,
      `<path class="l" shape-rendering="crispEdges" transform="translate(${x} ${gap}) scale(${side / nK} ${side / nQ})" d="${path}"/>`,
      `<text x="${x + side / 2}" y="${gap + side + 18}" text-anchor="middle">${job.title}</text>`,
    ];
  });
  const width = gap + shown.length * (side + gap);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${side + 2 * gap + 14}" role="img" aria-label="Masks: ${shown.join(', ')}">`,
    `<style>.d{fill:${hex(palette.dead)}}.l{fill:${hex(palette.live)}}text{font:12px system-ui,sans-serif;fill:${hex(palette.text)}}@media(prefers-color-scheme:dark){text{fill:#cfc8bb}}</style>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename) {
  const jobs = exampleJobs();
  for (const job of jobs) {
    const path = readmePath(job.folder);
    writeAtomic(join(examples, job.folder, `${job.folder}.svg`), pictureOf(job), []);
    writeAtomic(path, withFigures(readFileSync(path, 'utf8'), await figuresOf(job)), []);
  }
  for (const selector of selectors) {
    const path = readmePath(selector.folder);
    writeAtomic(join(examples, selector.folder, `${selector.program}.svg`), await selectorPicture(selector), []);
    writeAtomic(path, withFigures(readFileSync(path, 'utf8'), await selectorFigures(selector), markOf(selector)), []);
  }
  writeAtomic(join(root, 'docs', 'masks.svg'), overview(jobs), []);
}
