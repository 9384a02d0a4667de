/**
 * What has been measured, on disk, so that an interrupted evaluation goes on where it stopped. In: a file. Out: a store of rows, one for each
 * pattern with its settings, window and text; each holds the figures of single windows and trials. Holds: a row is found again only by
 * the meaning of its program and everything it was launched with, so a program that changed starts anew; writing is atomic.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Spec, TensorValue } from '../../compiler/spec/ir.ts';
import { writeAtomic } from '../../tools/io/files.ts';
import type { ModelProgram } from './programs.ts';

export interface Trial {
  /** Mean over the key's bytes. */
  readonly nats: number;
  readonly accuracy: number;
  /** Without the first two bytes, which nothing can foretell. */
  readonly natsLater: number;
  readonly accuracyLater: number;
}

export interface Row {
  readonly title: string;
  readonly program: string;
  readonly name: string;
  /** As given, in words. */
  readonly settings: string;
  readonly window: number;
  /** Bytes of each window that count, the last ones. */
  readonly counted: number;
  readonly text: string;
  readonly device: string;
  /** Float operations of the stages, all layers of a window. */
  readonly selectionFlops: number;
  /** Nats per byte, by number of the window. */
  readonly nats: Readonly<Record<string, number>>;
  /** Live pairs [layer, head], by number of the window. */
  readonly live: Readonly<Record<string, readonly (readonly number[])[]>>;
  /** By distance, then trial. */
  readonly retrieval: Readonly<Record<string, Readonly<Record<string, Trial>>>>;
}

export interface Store {
  readonly row: (key: string) => Row | undefined;
  readonly put: (key: string, row: Row) => void;
  readonly rows: () => readonly (readonly [string, Row])[];
}

const version = 1;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' ? value : NaN);
const record = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {});
const mapped = <T>(value: unknown, f: (v: unknown) => T): Readonly<Record<string, T>> => Object.fromEntries(Object.entries(record(value)).map(([k, v]) => [k, f(v)]));
const list = <T>(value: unknown, f: (v: unknown) => T): readonly T[] => (Array.isArray(value) ? value.map(f) : []);

function trialOf(value: unknown): Trial {
  const v = record(value);
  return { nats: number(v['nats']), accuracy: number(v['accuracy']), natsLater: number(v['natsLater']), accuracyLater: number(v['accuracyLater']) };
}

function rowOf(value: unknown): Row {
  const v = record(value);
  return {
    title: text(v['title']), program: text(v['program']), name: text(v['name']), settings: text(v['settings']), window: number(v['window']), counted: number(v['counted'] ?? v['window']), text: text(v['text']), device: text(v['device']),
    selectionFlops: number(v['selectionFlops']),
    nats: mapped(v['nats'], number),
    live: mapped(v['live'], (layers) => list(layers, (heads) => list(heads, number))),
    retrieval: mapped(v['retrieval'], (trials) => mapped(trials, trialOf)),
  };
}

/** The rows of a file; none where there is no file, or what it holds is not of this version. */
export function openStore(path: string, inputs: readonly string[]): Store {
  const rows = new Map<string, Row>();
  if (existsSync(path)) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(readFileSync(path, 'utf8'));
    } catch {
      parsed = undefined;
    }
    const { version: written, rows: found } = record(parsed);
    if (written === version) for (const [key, row] of Object.entries(record(found))) rows.set(key, rowOf(row));
  }
  return {
    row: (key) => rows.get(key),
    put: (key, row) => {
      rows.set(key, row);
      writeAtomic(path, `${JSON.stringify({ version, rows: Object.fromEntries(rows) }, null, 1)}\n`, inputs);
    },
    rows: () => [...rows],
  };
}

function bytesOf({ extents, data }: TensorValue): Uint8Array {
  return Buffer.concat([Buffer.from(extents.join()), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** A program without the places in its text. */
function meaning(units: readonly Spec[]): string {
  return JSON.stringify(units, (name, value: unknown) => (name === 'span' || name === 'doc' ? undefined : value));
}

/** By what a row is found again. */
export function rowKey(program: ModelProgram, window: number, textBytes: Uint8Array, backend: string): string {
  const hash = createHash('sha256').update(meaning(program.chain.units)).update(`${window} ${backend}`).update(textBytes);
  if (program.tail !== undefined) hash.update(`the last ${program.tail.counted} of ${program.tail.rows}`);
  for (const [name, value] of [...program.scalars].sort()) hash.update(`${name}=${value};`);
  for (const [name, tensor] of [...program.tensors].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(bytesOf(tensor));
  return hash.digest('hex').slice(0, 24);
}
