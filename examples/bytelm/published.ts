/**
 * Figures published with the weights, beside ours. In: published.json and measured rows. Out: pairs of figures, only where ours were measured on
 * the very windows of the published one (or as many trials at the distance; keys are drawn anew) of the same text. They are data of this
 * example: nothing that measures reads them.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row, Trial } from './results.ts';
import { mean } from './score.ts';
import { windowNumbers } from './windows.ts';

interface Pattern {
  readonly window: number;
  readonly title: string;
  readonly settings: string;
}

interface PublishedLoss extends Pattern {
  readonly what: string;
  readonly every: number | undefined;
  readonly limit: number | undefined;
  readonly nats: number;
}

interface PublishedTrials extends Pattern {
  readonly distance: number;
  readonly trials: number;
  /** Not every one was published. */
  readonly nats: number | undefined;
  readonly accuracy: number;
}

export interface Published {
  /** SHA-256 of the text, in hexadecimal. */
  readonly text: string;
  readonly loss: readonly PublishedLoss[];
  readonly retrieval: readonly PublishedTrials[];
}

export interface Beside {
  readonly loss: readonly (PublishedLoss & { readonly windows: readonly number[]; readonly measured: number })[];
  readonly retrieval: readonly (PublishedTrials & { readonly measured: { readonly nats: number; readonly accuracy: number } })[];
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function listOf(fields: Fields, name: string): readonly Fields[] {
  const found = fields[name];
  return Array.isArray(found) ? found.filter(isFields) : [];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' ? value : NaN);
const perhaps = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const patternOf = (f: Fields): Pattern => ({ window: number(f['window']), title: text(f['title']), settings: text(f['settings']) });

export function readPublished(path: string = join(import.meta.dirname, 'published.json')): Published {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const file = isFields(parsed) ? parsed : {};
  return {
    text: text(file['text']),
    loss: listOf(file, 'loss').map((f) => ({ ...patternOf(f), what: text(f['what']), every: perhaps(f['every']), limit: perhaps(f['limit']), nats: number(f['nats']) })),
    retrieval: listOf(file, 'retrieval').map((f) => ({ ...patternOf(f), distance: number(f['distance']), trials: number(f['trials']), nats: perhaps(f['nats']), accuracy: number(f['accuracy']) })),
  };
}

export interface Protocol {
  /** Bytes of a window. */
  readonly size: number;
  readonly text: Uint8Array;
}

/** The published figures that the rows can be compared with; none for another text. */
export function besidePublished(published: Published, rows: readonly Row[], { size, text: bytes }: Protocol): Beside {
  if (createHash('sha256').update(bytes).digest('hex') !== published.text) return { loss: [], retrieval: [] };
  const rowOf = (p: Pattern): Row | undefined => rows.find((r) => p.window === size && r.counted === size && r.title === p.title && r.settings === p.settings);
  const windowCount = Math.floor(bytes.length / size);
  return {
    loss: published.loss.flatMap((entry) => {
      const row = rowOf(entry);
      const windows = windowNumbers(windowCount, entry.limit, entry.every);
      const nats = windows.flatMap((w) => (row?.nats[w] === undefined ? [] : [row.nats[w]]));
      return nats.length < windows.length ? [] : [{ ...entry, windows, measured: mean(nats) }];
    }),
    retrieval: published.retrieval.flatMap((entry) => {
      const known = rowOf(entry)?.retrieval[entry.distance] ?? {};
      const trials = Array.from({ length: entry.trials }, (_, t): Trial | undefined => known[t]).flatMap((t) => (t === undefined ? [] : [t]));
      return trials.length < entry.trials ? [] : [{ ...entry, measured: { nats: mean(trials.map((t) => t.nats)), accuracy: mean(trials.map((t) => t.accuracy)) } }];
    }),
  };
}
