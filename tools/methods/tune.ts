/**
 * From measured candidates to a table. In: rows of the candidates and of the dense program, what costs and what is lost. Out: a row per head of
 * each input, and the tensors that a `per head choose` program reads. Heads of several batches are told apart.
 */
import { encodeTensor } from '../io/safetensors.ts';
import type { RawTensor } from '../tensors.ts';
import { assign } from './assign.ts';
import type { Point, SearchRule } from './assign.ts';
import type { Measured } from './measured.ts';
import type { Method, Parameters } from './methods-file.ts';

export interface TuneOptions {
  readonly rule: SearchRule;
  readonly budget: 'density' | 'flops';
  readonly objective: 'output-error' | 'mass-recall';
}

export interface Choice {
  readonly input: string;
  readonly head: number;
  /** As a share of dense. */
  readonly cost: number;
  readonly row: Measured;
}

function grouped(rows: readonly Measured[]): ReadonlyMap<string, readonly Measured[]> {
  const groups = new Map<string, Measured[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.input, row.head]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

/** One candidate per head, in the order of inputs and heads; undefined where the rule leaves a head without one. */
export function choose(candidates: readonly Measured[], dense: readonly Measured[], { rule, budget, objective }: TuneOptions): readonly Choice[] | undefined {
  const units = grouped(dense);
  const heads = [...grouped(candidates)].map(([key, rows]) => {
    const unit = units.get(key)?.[0]?.attentionFlops ?? 0;
    const points = rows.map((r): Point => ({
      cost: budget === 'density' ? r.density : (r.attentionFlops + r.selectionFlops) / Math.max(1, unit),
      loss: objective === 'output-error' ? r.error : 1 - r.recall,
      recall: r.recall,
    }));
    return { rows, points };
  });
  const found = assign(heads.map((h) => h.points), rule);
  const choices = heads.flatMap(({ rows, points }, i): readonly Choice[] => {
    const [row, point] = [rows[found[i] ?? -1], points[found[i] ?? -1]];
    return row === undefined || point === undefined ? [] : [{ input: row.input, head: row.head, cost: point.cost, row }];
  });
  return choices.length === heads.length ? choices : undefined;
}

const scalarsOf = (method: Method, more: Parameters): ReadonlyMap<string, number> =>
  new Map(Object.entries({ ...method.parameters, ...more }).flatMap(([name, value]) => (typeof value === 'object' ? [] : [[name, Number(value)] as const])));

/**
 * `choice` int[heads] and each scalar parameter of a candidate as a tensor [heads], int where all its values are whole. A head whose program
 * does not have the parameter gets the smallest value written for it, which is valid and not read.
 */
export function tablesOf(choices: readonly Choice[], candidates: readonly Method[], named: boolean): ReadonlyMap<string, RawTensor> {
  const written = new Map<string, number[]>();
  for (const method of candidates) for (const budget of method.budgets) for (const [name, value] of scalarsOf(method, budget)) written.set(name, [...(written.get(name) ?? []), value]);
  const tables = new Map<string, RawTensor>();
  for (const input of new Set(choices.map((c) => c.input))) {
    const heads = choices.filter((c) => c.input === input).sort((a, b) => a.head - b.head);
    const prefix = named ? `${input}.` : '';
    tables.set(`${prefix}choice`, encodeTensor('I32', [heads.length], heads.map((c) => c.row.method.which ?? 0)));
    for (const [name, values] of written) {
      const whole = values.every(Number.isInteger);
      const entries = heads.map(({ row }) => scalarsOf(row.method, row.parameters).get(name) ?? Math.min(...values));
      tables.set(`${prefix}${name}`, encodeTensor(whole ? 'I32' : 'F32', [heads.length], entries));
    }
  }
  return tables;
}
