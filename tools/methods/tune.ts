/**
 * From measured candidates to a choice for each head of each layer. In: rows of the candidates and of the dense program on inputs whose layers are
 * known, what costs and what is lost. Out: per head the points of all candidates (means over the inputs of its layer and their batches),
 * and the candidate that a rule gives it.
 */
import { assign } from './assign.ts';
import type { Point, SearchRule } from './assign.ts';
import type { Measured, QkvFile } from './measured.ts';
import type { Method, Parameters } from './methods-file.ts';

export interface TuneOptions {
  readonly rule: SearchRule;
  readonly budget: 'density' | 'flops';
  readonly objective: 'output-error' | 'mass-recall';
}

/** A candidate on a head. */
export interface Candidate extends Point {
  readonly method: Method;
  readonly parameters: Parameters;
  readonly density: number;
  readonly error: number;
}

export interface TunedHead {
  /** 0 where no input says. */
  readonly layer: number;
  readonly head: number;
  /** In the order of the space. */
  readonly candidates: readonly Candidate[];
}

export interface Choice {
  readonly layer: number;
  readonly head: number;
  readonly candidate: Candidate;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** All heads, by layer and head; `heads` is how many a layer has. */
export function headsOf(candidates: readonly Measured[], dense: readonly Measured[], files: readonly QkvFile[], heads: number, { budget, objective }: Omit<TuneOptions, 'rule'>): readonly TunedHead[] {
  const layers = new Map(files.map((f) => [f.name, f.layer ?? 0]));
  const placeOf = (r: Measured): { readonly layer: number; readonly head: number } => ({ layer: layers.get(r.input) ?? 0, head: r.head % heads });
  const units = new Map(dense.map((r) => [JSON.stringify([r.input, r.head]), r.attentionFlops]));
  const costOf = (r: Measured): number => (budget === 'density' ? r.density : (r.attentionFlops + r.selectionFlops) / Math.max(1, units.get(JSON.stringify([r.input, r.head])) ?? 0));
  return grouped(candidates, (r) => JSON.stringify(placeOf(r)))
    .flatMap((rows): readonly TunedHead[] => {
      const [first] = rows;
      if (first === undefined) return [];
      const points = grouped(rows, (r) => JSON.stringify([r.method.title, r.budget])).flatMap((own): readonly Candidate[] => {
        const [one] = own;
        if (one === undefined) return [];
        const [error, recall] = [mean(own.map((r) => r.error)), mean(own.map((r) => r.recall))];
        return [{ method: one.method, parameters: one.parameters, density: mean(own.map((r) => r.density)), error, recall, cost: mean(own.map(costOf)), loss: objective === 'output-error' ? error : 1 - recall }];
      });
      return [{ ...placeOf(first), candidates: points }];
    })
    .sort((a, b) => a.layer - b.layer || a.head - b.head);
}

/** One candidate per head; undefined where the rule leaves a head without one. */
export function choose(heads: readonly TunedHead[], rule: SearchRule): readonly Choice[] | undefined {
  const found = assign(heads.map((h) => h.candidates), rule);
  const choices = heads.flatMap(({ layer, head, candidates }, i): readonly Choice[] => {
    const candidate = candidates[found[i] ?? -1];
    return candidate === undefined ? [] : [{ layer, head, candidate }];
  });
  return choices.length === heads.length ? choices : undefined;
}

export interface Means {
  readonly cost: number;
  readonly density: number;
  readonly recall: number;
  readonly error: number;
}

export function meansOf(candidates: readonly Candidate[]): Means {
  const of = (pick: (c: Candidate) => number): number => mean(candidates.map(pick));
  return { cost: of((c) => c.cost), density: of((c) => c.density), recall: of((c) => c.recall), error: of((c) => c.error) };
}

/** What budgets from 5 % of dense to all of it buy, where they buy anything. */
export function frontierOf(heads: readonly TunedHead[]): readonly (Means & { readonly limit: number })[] {
  return Array.from({ length: 20 }, (_, i) => (i + 1) / 20).flatMap((limit) => {
    const choices = choose(heads, { rule: 'budget', limit });
    return choices === undefined ? [] : [{ limit, ...meansOf(choices.map((c) => c.candidate)) }];
  });
}

/** Every candidate given to all heads alike. */
export function singlesOf(heads: readonly TunedHead[]): readonly (Means & Pick<Candidate, 'method' | 'parameters'>)[] {
  const count = heads[0]?.candidates.length ?? 0;
  return Array.from({ length: count }, (_, i) => heads.flatMap((h) => h.candidates[i] ?? [])).flatMap((own) => {
    const [first] = own;
    return first === undefined ? [] : [{ method: first.method, parameters: first.parameters, ...meansOf(own) }];
  });
}
