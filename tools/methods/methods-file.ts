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
 *         "rows": 160, "counted": 128,                          the last 160 query rows only, each a step; the last 128 of them are judged
 *         "which": 0,                                           tune: the number by which the per-head program knows it
 *         "as": { "best": "blocks" }                            tune: what the per-head program calls parameters (default: the same)
 *       }
 *     ],
 *     "perHead": {                                              tune: the program that reads the table
 *       "program": "tuned/tuned.fil", "name": "tuned",
 *       "choice": "which",                                      its tensor that gets the numbers of the methods
 *       "layer": "layer",                                       its scalar that gets the layer of an input (default: it has none)
 *       "parameters": {}
 *     },
 *     "search": { "rule": "budget", "limit": 0.25 }             tune: see assign.ts and calibrate.ts
 *   }
 *
 * In: the text. Out: the file's content, or the first thing that is wrong, named by its path. Unknown fields are refused.
 */
import type { SearchRule } from './assign.ts';
import type { Calibration } from './calibrate.ts';

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
  /** Query rows of a launch, the last of the input; undefined: all, as one prompt. */
  readonly rows: number | undefined;
  /** How many of these count, the last ones; undefined: all. */
  readonly counted: number | undefined;
  readonly which: number | undefined;
  /** Names of parameters in the per-head program, where they differ. */
  readonly as: Readonly<Record<string, string>>;
}

export interface PerHeadProgram extends ProgramChoice {
  readonly choice: string;
  /** The scalar that gets the layer of an input, where the program has one. */
  readonly layer: string | undefined;
}

export interface MethodsFile {
  readonly dense: ProgramChoice;
  readonly methods: readonly Method[];
  readonly perHead: PerHeadProgram | undefined;
  readonly search: SearchRule | Calibration | undefined;
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
  const fields = object(value, path, ['title', 'program', 'name', 'parameters', 'budgets', 'rows', 'counted', 'which', 'as']);
  const whole = (field: string, low: number): number | undefined => {
    const given = fields[field];
    if (given === undefined) return undefined;
    const n = finite(given, `${path}.${field}`);
    return Number.isInteger(n) && n >= low ? n : fail(`${path}.${field}`, low === -Infinity ? 'a whole number' : `a whole number from ${low}`);
  };
  return {
    title: text(fields['title'], `${path}.title`),
    ...choice(fields, path),
    budgets: fields['budgets'] === undefined ? [{}] : list(fields['budgets'], `${path}.budgets`).map((v, i) => parameters(v, `${path}.budgets[${i}]`)),
    rows: whole('rows', 1),
    counted: whole('counted', 1),
    which: whole('which', -Infinity),
    as: Object.fromEntries(Object.entries(fields['as'] === undefined ? {} : object(fields['as'], `${path}.as`)).map(([name, v]) => [name, text(v, `${path}.as.${name}`)])),
  };
}

function perHead(value: unknown, path: string): PerHeadProgram {
  const fields = object(value, path, ['program', 'name', 'parameters', 'choice', 'layer']);
  return { ...choice(fields, path), choice: text(fields['choice'], `${path}.choice`), layer: fields['layer'] === undefined ? undefined : text(fields['layer'], `${path}.layer`) };
}

function search(value: unknown, path: string): SearchRule | Calibration {
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
    case 'calibrate': {
      const fields = object(value, path, ['rule', 'share', 'scores', 'parameter']);
      const share = finite(fields['share'], `${path}.share`);
      if (!(share > 0 && share <= 1)) fail(`${path}.share`, 'a number above 0 and up to 1');
      return { rule, share, scores: text(fields['scores'], `${path}.scores`), parameter: text(fields['parameter'], `${path}.parameter`) };
    }
    default:
      return fail(`${path}.rule`, 'one of budget, best, improve, reach, calibrate');
  }
}

export function readMethods(source: string): MethodsResult {
  try {
    const parsed: unknown = JSON.parse(source);
    const fields = object(parsed, 'the file', ['dense', 'methods', 'perHead', 'search']);
    return {
      ok: true,
      value: {
        dense: choice(object(fields['dense'], 'dense', ['program', 'name', 'parameters']), 'dense'),
        methods: list(fields['methods'], 'methods').map((v, i) => method(v, `methods[${i}]`)),
        perHead: fields['perHead'] === undefined ? undefined : perHead(fields['perHead'], 'perHead'),
        search: fields['search'] === undefined ? undefined : search(fields['search'], 'search'),
      },
    };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
