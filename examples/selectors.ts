/**
 * The generated part of the READMEs of selectors: programs that choose at run time. In: the table below and the real queries and keys in
 * data/. Out: the picture of what they chose and the figures of `filigree explain`, like those of update-readmes.ts, which calls this.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { memoryIo } from '../tools/command-line/io.ts';
import { runCommandLine } from '../tools/command-line/main.ts';

const root = dirname(import.meta.dirname);
const data = 'examples/data/bytelm6-l4-n1024.safetensors';

interface Shot {
  readonly nQ: number;
  readonly nK: number;
  readonly set: readonly string[];
}

export interface Selector {
  readonly folder: string;
  /** The program without its ending; also the name of its picture. */
  readonly program: string;
  readonly name: string;
  /** The example has a tensors.safetensors for the parameters that are no choice of the program. */
  readonly tensors?: true;
  readonly figures: Shot;
  /** Smaller blocks on the first part of the text, so that a picture shows them. */
  readonly picture: Shot;
}

/** The marks around the generated part; an example with a second program has marks for each. */
export function markOf(s: Selector): string {
  return s.program === s.folder ? 'figures' : s.program;
}

export const selectors: readonly Selector[] = [
  {
    folder: 'block-top-k', program: 'block-top-k', name: 'block_top_k',
    figures: { nQ: 1024, nK: 1024, set: ['block=64', 'best=4'] }, picture: { nQ: 256, nK: 256, set: ['block=16', 'best=4'] },
  },
  {
    folder: 'flexprefill', program: 'flexprefill', name: 'flexprefill',
    figures: { nQ: 512, nK: 512, set: ['block=32', 'divisor=32', 'least=2', 'dense_below=64'] },
    picture: { nQ: 256, nK: 256, set: ['block=16', 'divisor=16', 'least=2', 'dense_below=32'] },
  },
  {
    folder: 'mminference', program: 'mminference', name: 'query_boundary', tensors: true,
    figures: { nQ: 512, nK: 512, set: ['block=32', 'last=32', 'verticals=16', 'slashes_kept=16', 'first=4', 'near=8'] },
    picture: { nQ: 512, nK: 512, set: ['block=32', 'last=32', 'verticals=16', 'slashes_kept=16', 'first=4', 'near=8'] },
  },
  {
    folder: 'quest', program: 'quest', name: 'quest',
    figures: { nQ: 1, nK: 1024, set: ['page=16', 'budget=8'] }, picture: { nQ: 256, nK: 256, set: ['page=16', 'budget=4'] },
  },
  {
    folder: 'snapkv', program: 'snapkv', name: 'snapkv', tensors: true,
    figures: { nQ: 1, nK: 1024, set: ['capacity=128'] }, picture: { nQ: 256, nK: 1024, set: ['capacity=128'] },
  },
  {
    folder: 'vertical-slash', program: 'estimated', name: 'vertical_slash_found',
    figures: { nQ: 512, nK: 512, set: ['last=32', 'verticals=16', 'slashes_kept=16', 'first=4', 'near=8'] },
    picture: { nQ: 256, nK: 256, set: ['block=16', 'last=32', 'verticals=12', 'slashes_kept=8', 'first=4', 'near=4'] },
  },
  {
    folder: 'xattention', program: 'xattention', name: 'xattention', tensors: true,
    figures: { nQ: 512, nK: 512, set: ['block=32'] }, picture: { nQ: 256, nK: 256, set: ['stride=4', 'block=16'] },
  },
];

function words(command: string, s: Selector, { nQ, nK, set }: Shot): readonly string[] {
  return [
    command, `examples/${s.folder}/${s.program}.fil`, '--name', s.name, '--n-q', String(nQ), '--n-k', String(nK), ...set.flatMap((x) => ['--set', x]),
    '--in', data, ...(s.tensors === true ? ['--tensors', `examples/${s.folder}/tensors.safetensors`] : []),
  ];
}

async function filigree(argv: readonly string[]): Promise<string> {
  const io = memoryIo(root);
  const code = await runCommandLine(argv, io);
  if (code !== 0) throw new Error(`filigree ${argv.join(' ')}: ${io.stderr()}`);
  return io.stdout();
}

/** The picture of a selector, as SVG. */
export async function selectorPicture(s: Selector): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'filigree-selector-'));
  try {
    const out = join(folder, 'mask.svg');
    await filigree([...words('mask', s, s.picture), '--out', out]);
    return readFileSync(out, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function settings({ set }: Shot): string {
  return set.map((x) => x.replace('=', ' = ')).join(', ');
}

/** The text between the marks of a README. */
export async function selectorFigures(s: Selector): Promise<string> {
  const own = words('explain', s, s.figures);
  const parsed: unknown = JSON.parse(await filigree([...own, '--json']));
  const f: Readonly<Record<string, unknown>> = typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  const number = (name: string): number => {
    const value = f[name];
    return typeof value === 'number' ? value : Number.NaN;
  };
  const count = (name: string): string => number(name).toLocaleString('en-US');
  const flops = number('flops') + number('selectionFlops');
  const tile = Array.isArray(f['tile']) ? f['tile'].join(' x ') : '';
  const { nQ, nK } = s.figures;
  const { picture } = s;
  return [
    `![What ${s.name} chooses for ${picture.nQ} queries and ${picture.nK} keys](${s.program}.svg)`,
    '',
    `*${picture.nQ} queries (rows) and ${picture.nK} keys (columns) of layer 4 of a byte-level model on English text, all four heads; ${settings(picture)}.*`,
    '',
    `| 4 heads, tiles of ${tile}; ${settings(s.figures)} | ${nQ === nK ? `n = ${grouped(nK)}` : `n_q = ${grouped(nQ)}, n_k = ${grouped(nK)}`} |`,
    '|---|---|',
    `| density | ${(100 * number('density')).toFixed(1)} % |`,
    `| live pairs | ${count('livePairs')} |`,
    `| strategy | ${String(f['strategy'])} |`,
    `| tiles visited / needed | ${count('tilesVisited')} / ${count('tilesNeeded')} = ${(number('tilesVisited') / Math.max(1, number('tilesNeeded'))).toFixed(2)} |`,
    `| of them full | ${count('tilesFull')} |`,
    `| tiles never touched | ${count('tilesEmpty')} |`,
    `| mask memory | ${count('maskBytes')} bytes |`,
    `| choosing | ${count('selectionFlops')} of ${flops.toLocaleString('en-US')} flops |`,
    '',
    '```sh',
    `npx filigree ${own.join(' ')}`,
    `npx filigree ${words('mask', s, s.picture).join(' ')} --out ${s.program}.svg`,
    '```',
    '',
    'Figures and picture are made by `npx tsx examples/update-readmes.ts`. `filigree run` takes the same `--set` and `--tensors` with a file of',
    'q, k and v as `--in`; `npm run golden -- FOLDER` runs the reference vectors of a folder.',
  ].join('\n');
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
