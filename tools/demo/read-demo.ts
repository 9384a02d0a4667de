/**
 * Reads a demo.json (schema.ts). In: its text. Out: its runs, or the first thing that is wrong, named by its path such as
 * `runs[0].sizes.nQ`. Unknown fields are refused, so that a misspelt one is not overlooked.
 */
import { nearest } from '../command-line/problems.ts';
import type { DemoFile, DemoPicture, DemoRun, DemoSizes, FreeExtents, TensorSource } from './schema.ts';

export type DemoResult = { readonly ok: true; readonly value: DemoFile } | { readonly ok: false; readonly reason: string };

class Malformed extends Error {}

function fail(path: string, wanted: string): never {
  throw new Malformed(`${path} must be ${wanted}`);
}

type Fields = Readonly<Record<string, unknown>>;

function object(value: unknown, path: string, names: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(path, 'an object');
  const fields: Record<string, unknown> = { ...value };
  for (const name of Object.keys(fields)) {
    if (names.includes(name) || names.length === 0) continue;
    const near = nearest(name, names);
    throw new Malformed(`${path} has no field '${name}'${near === undefined ? `; it has ${names.join(', ')}` : `; did you mean '${near}'?`}`);
  }
  return fields;
}

function text(value: unknown, path: string): string {
  return typeof value === 'string' && value !== '' ? value : fail(path, 'a text');
}

function number(value: unknown, path: string): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fail(path, 'a number');
}

function count(value: unknown, path: string): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 ? value : fail(path, 'a whole number of at least 1');
}

function list(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? value : fail(path, 'a list');
}

/** `{ name: read(fields[name]) }` when the field is there, else `{}`. */
function optional<K extends string, T>(fields: Fields, name: K, path: string, read: (value: unknown, path: string) => T): { readonly [P in K]?: T } {
  const result: { [P in K]?: T } = {};
  if (fields[name] !== undefined) result[name] = read(fields[name], `${path}.${name}`);
  return result;
}

function record<T>(read: (value: unknown, path: string) => T): (value: unknown, path: string) => Readonly<Record<string, T>> {
  return (value, path) => Object.fromEntries(Object.entries(object(value, path, [])).map(([name, v]) => [name, read(v, `${path}.${name}`)]));
}

const freeExtents = (value: unknown, path: string): FreeExtents => record(count)(value, path);

const setting = (value: unknown, path: string): number | boolean => (typeof value === 'boolean' ? value : number(value, path));

function tensorSource(value: unknown, path: string): TensorSource {
  const kind = text(object(value, path, [])['kind'], `${path}.kind`);
  const take = (...names: readonly string[]): Fields => object(value, path, ['kind', ...names]);
  const at = (name: string): string => `${path}.${name}`;
  switch (kind) {
    case 'values':
      return { kind, values: list(take('values')['values'], at('values')) };
    case 'file': {
      const f = take('file', 'tensor');
      return { kind, file: text(f['file'], at('file')), tensor: text(f['tensor'], at('tensor')) };
    }
    case 'segments':
      return { kind, lengths: list(take('lengths')['lengths'], at('lengths')).map((v, i) => count(v, `${path}.lengths[${i}]`)) };
    case 'linear': {
      const f = take('from', 'step', 'rowStep', 'extents');
      return { kind, from: number(f['from'], at('from')), step: number(f['step'], at('step')), ...optional(f, 'rowStep', path, number), ...optional(f, 'extents', path, freeExtents) };
    }
    case 'geometric': {
      const f = take('first', 'ratio', 'extents');
      return { kind, first: number(f['first'], at('first')), ratio: number(f['ratio'], at('ratio')), ...optional(f, 'extents', path, freeExtents) };
    }
    case 'uniform': {
      const f = take('low', 'high', 'seed', 'extents');
      return { kind, low: number(f['low'], at('low')), high: number(f['high'], at('high')), seed: number(f['seed'], at('seed')), ...optional(f, 'extents', path, freeExtents) };
    }
    case 'distinct': {
      const f = take('low', 'high', 'seed', 'extents');
      const high = f['high'] === 'n_k' || f['high'] === 'n_q' ? f['high'] : number(f['high'], at('high'));
      return { kind, low: number(f['low'], at('low')), high, seed: number(f['seed'], at('seed')), ...optional(f, 'extents', path, freeExtents) };
    }
    case 'coin': {
      const f = take('probability', 'seed', 'diagonal', 'extents');
      const diagonal = (v: unknown, p: string): boolean => (typeof v === 'boolean' ? v : fail(p, 'true or false'));
      return { kind, probability: number(f['probability'], at('probability')), seed: number(f['seed'], at('seed')), ...optional(f, 'diagonal', path, diagonal), ...optional(f, 'extents', path, freeExtents) };
    }
    default:
      return fail(`${path}.kind`, 'one of values, file, segments, linear, geometric, uniform, distinct, coin');
  }
}

function sizes(value: unknown, path: string): DemoSizes {
  const f = object(value, path, ['batch', 'heads', 'kvHeads', 'nQ', 'nK', 'dim']);
  return {
    ...optional(f, 'batch', path, count), ...optional(f, 'heads', path, count), ...optional(f, 'kvHeads', path, count),
    ...optional(f, 'nQ', path, count), ...optional(f, 'nK', path, count), ...optional(f, 'dim', path, count),
  };
}

function picture(value: unknown, path: string): DemoPicture {
  const f = object(value, path, ['nQ', 'nK', 'heads', 'set', 'tensors']);
  return {
    ...optional(f, 'nQ', path, count), ...optional(f, 'nK', path, count), ...optional(f, 'heads', path, count),
    ...optional(f, 'set', path, record(setting)), ...optional(f, 'tensors', path, record(tensorSource)),
  };
}

function run(value: unknown, path: string): DemoRun {
  const f = object(value, path, ['title', 'program', 'name', 'data', 'sizes', 'set', 'tensors', 'picture']);
  return {
    title: text(f['title'], `${path}.title`),
    program: text(f['program'], `${path}.program`),
    name: text(f['name'], `${path}.name`),
    ...optional(f, 'data', path, text),
    ...optional(f, 'sizes', path, sizes),
    ...optional(f, 'set', path, record(setting)),
    ...optional(f, 'tensors', path, record(tensorSource)),
    ...optional(f, 'picture', path, picture),
  };
}

export function readDemo(source: string): DemoResult {
  try {
    const parsed: unknown = JSON.parse(source);
    const runs = list(object(parsed, 'the file', ['runs'])['runs'], 'runs').map((v, i) => run(v, `runs[${i}]`));
    return { ok: true, value: { runs } };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
