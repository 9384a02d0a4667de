/**
 * Files that name methods: which programs with which parameters are compared (`filigree report`) or chosen between (`filigree tune`).
 *
 *   {
 *     "dense": { "program": "causal/causal.fil", "name": "dense_causal" },        what all are compared with
 *     "methods": [
 *       {
 *         "title": "window",                                    the name of the curve
 *         "program": "sliding-window/sliding-window.fil",       relative to this file
 *         "name": "sliding_window",
 *         "parameters": { "block": 64 },                        scalars, consts and tensors by name; a number fills a whole tensor
 *         "budgets": [{ "window": 64 }, { "window": 256 }],     more parameters for each point of the curve (default: one point)
 *         "which": 0                                            tune: the number by which the per-head program knows it
 *       }
 *     ],
 *     "search": { "rule": "budget", "limit": 0.25 }             tune: see assign.ts
 *   }
 *
 * In: the text. Out: the file's content, or the first thing that is wrong, named by its path. Unknown fields are refused.
 */
import type { SearchRule } from './assign.ts';

export type ParameterValue = number | boolean | readonly ParameterValue[];
export type Parameters = Readonly<Record<string, ParameterValue>>;

export interface ProgramChoice {
  readonly program: string;
  readonly name: string;
  readonly parameters: Parameters;
}

export interface Method extends ProgramChoice {
  readonly title: string;
  readonly budgets: readonly Parameters[];
  readonly which: number | undefined;
}

export interface MethodsFile {
  readonly dense: ProgramChoice;
  readonly methods: readonly Method[];
  readonly search: SearchRule | undefined;
}

export type MethodsResult = { readonly ok: true; readonly value: MethodsFile } | { readonly ok: false; readonly reason: string };

class Malformed extends Error {}

function fail(path: string, wanted: string): never {
  throw new Malformed(`${path} must be ${wanted}`);
}

type Fields = Readonly<Record<string, unknown>>;

function object(value: unknown, path: string, names?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(path, 'an object');
  const fields: Record<string, unknown> = { ...value };
  const strange = names === undefined ? undefined : Object.keys(fields).find((field) => !names.includes(field));
  if (strange !== undefined) throw new Malformed(`${path} has no field '${strange}'; it has ${names?.join(', ') ?? ''}`);
  return fields;
}

const list = (value: unknown, path: string): readonly unknown[] => (Array.isArray(value) && value.length > 0 ? value : fail(path, 'a list that is not empty'));
const text = (value: unknown, path: string): string => (typeof value === 'string' && value !== '' ? value : fail(path, 'a text'));
const finite = (value: unknown, path: string): number => (typeof value === 'number' && Number.isFinite(value) ? value : fail(path, 'a number'));

function parameterValue(value: unknown, path: string): ParameterValue {
  if (typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((v, i) => parameterValue(v, `${path}[${i}]`));
  return finite(value, path);
}

function parameters(value: unknown, path: string): Parameters {
  if (value === undefined) return {};
  return Object.fromEntries(Object.entries(object(value, path)).map(([name, v]) => [name, parameterValue(v, `${path}.${name}`)]));
}

function choice(fields: Fields, path: string): ProgramChoice {
  return { program: text(fields['program'], `${path}.program`), name: text(fields['name'], `${path}.name`), parameters: parameters(fields['parameters'], `${path}.parameters`) };
}

function method(value: unknown, path: string): Method {
  const fields = object(value, path, ['title', 'program', 'name', 'parameters', 'budgets', 'which']);
  const which = fields['which'];
  if (which !== undefined && !Number.isInteger(which)) fail(`${path}.which`, 'a whole number');
  return {
    title: text(fields['title'], `${path}.title`),
    ...choice(fields, path),
    budgets: fields['budgets'] === undefined ? [{}] : list(fields['budgets'], `${path}.budgets`).map((v, i) => parameters(v, `${path}.budgets[${i}]`)),
    which: which === undefined ? undefined : finite(which, `${path}.which`),
  };
}

function search(value: unknown, path: string): SearchRule {
  const rule = text(object(value, path)['rule'], `${path}.rule`);
  const take = (field: string, low: number): number => {
    const n = finite(object(value, path, ['rule', field])[field], `${path}.${field}`);
    return n >= low ? n : fail(`${path}.${field}`, `a number of at least ${low}`);
  };
  switch (rule) {
    case 'budget':
      return { rule, limit: take('limit', 0) };
    case 'best':
      return { rule, limit: take('limit', 0) };
    case 'improve':
      return { rule, threshold: take('threshold', 0) };
    case 'reach':
      return { rule, recall: take('recall', 0) };
    default:
      return fail(`${path}.rule`, 'one of budget, best, improve, reach');
  }
}

export function readMethods(source: string): MethodsResult {
  try {
    const parsed: unknown = JSON.parse(source);
    const fields = object(parsed, 'the file', ['dense', 'methods', 'search']);
    return {
      ok: true,
      value: {
        dense: choice(object(fields['dense'], 'dense', ['program', 'name', 'parameters']), 'dense'),
        methods: list(fields['methods'], 'methods').map((v, i) => method(v, `methods[${i}]`)),
        search: fields['search'] === undefined ? undefined : search(fields['search'], 'search'),
      },
    };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
