/**
 * Reference vectors of MMInference: grid heads, the search for stride and phase, boundaries between modalities for queries and for
 * pairs. Segments become one modality number per token.
 */
import { numberParam } from '../../tools/golden/case.ts';
import type { GoldenCase, GoldenTensor, Json } from '../../tools/golden/case.ts';
import { checkIf, checkOutputs, inputOf, sizesOf } from '../../tools/golden/mapping.ts';
import type { Check, GoldenMapping, GoldenRun, Made } from '../../tools/golden/mapping.ts';

type Fields = { readonly [key: string]: Json };

function fields(value: Json | undefined): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

function items(value: Json | undefined): readonly Fields[] {
  return Array.isArray(value) ? value.map((item: Json) => fields(item)) : [];
}

function ints(shape: readonly number[], data: readonly number[]): GoldenTensor {
  return { shape, dtype: 'int32', data };
}

/** The mask of the only head with rows and columns in other orders; pairs for which `keep` is false are left out. */
function permuted(made: Made, rows: ArrayLike<number>, columns: ArrayLike<number>, keep: (i: number, j: number) => boolean): ArrayLike<number> {
  const { values } = made.mask();
  const width = columns.length;
  return Array.from({ length: rows.length * width }, (_, at) => {
    const [i, j] = [rows[Math.floor(at / width)] ?? 0, columns[at % width] ?? 0];
    return keep(i, j) ? (values[i * width + j] ?? NaN) : 0;
  });
}

const attention = (c: GoldenCase): readonly Check[] => [
  ...checkIf(c, 'mask', (made) => made.mask().values), ...checkIf(c, 'output', (made) => made.out.values), ...checkIf(c, 'lse', (made) => made.lse.values),
];

type Data = Pick<GoldenRun, 'sizes' | 'q' | 'k' | 'v' | 'program'>;

function grid(c: GoldenCase, data: Data): readonly GoldenRun[] {
  const { heads } = data.sizes;
  const own = items(c.params['heads']);
  const value = (name: string, single: string): GoldenTensor => ints([heads], Array.from({ length: heads }, (_, h) => (own.length > 0 ? Number(own[h]?.[name]) : numberParam(c, single))));
  return [{
    ...data, declaration: 'grid',
    set: { tile: numberParam(c, 'tile'), rows: numberParam(c, 'use_hline', 1), columns: numberParam(c, 'use_vline', 1) },
    tensors: {
      sinks: value('sink', 'sink_requested'), windows: value('local', 'local_requested'), starts: value('vis_start', 'vis_start'),
      ends: value('vis_end', 'vis_end'), strides: value('stride', 'stride'),
    },
    checks: [
      ...checkOutputs(c, { perm_q: 'at.order_query', perm_k: 'at.order_key' }),
      ...checkIf(c, 'permuted_far_mask', (made) => {
        const window = made.output('at.window').values[0] ?? 0;
        return permuted(made, made.output('at.order_query').values, made.output('at.order_key').values, (i, j) => i - j >= window);
      }),
      ...attention(c),
    ],
  }];
}

function search(c: GoldenCase, data: Data): readonly GoldenRun[] {
  const candidates = c.params['stride_candidates'];
  const strides = Array.isArray(candidates) ? candidates.map(Number) : [];
  const widest = Math.max(...strides);
  const of = (made: Made, name: string, at: number): ArrayLike<number> => Array.from(made.output(name).values).slice(at * widest, at * widest + (strides[at] ?? 0));
  const chosen = (made: Made): ArrayLike<number> => [made.output('stride').values[0] ?? NaN, made.output('phase').values[0] ?? NaN];
  const tables = strides.flatMap((stride, at) => [...checkIf(c, `mass_s${stride}`, (made) => of(made, 'held', at)), ...checkIf(c, `mean_s${stride}`, (made) => of(made, 'average', at))]);
  return [0, 1].map((byMean) => ({
    ...data, declaration: 'grid_search',
    set: { last: numberParam(c, 'last_q'), start: numberParam(c, 'vis_begin'), end: numberParam(c, 'vis_end'), by_mean: byMean, widest },
    tensors: { strides: ints([strides.length], strides) },
    checks: byMean === 1 ? checkIf(c, 'selected_by_mean', chosen) : [...tables, ...checkOutputs(c, { column_score: 'column' }), ...checkIf(c, 'selected_by_mass', chosen)],
  }));
}

/** One number per token: the place of its segment's type in `order`. */
function modalities(c: GoldenCase, order: readonly string[]): GoldenTensor {
  const data = items(c.params['segments']).flatMap((s) => Array.from({ length: Number(s['end']) - Number(s['start']) }, () => order.indexOf(String(s['type']))));
  return ints([data.length], data);
}

function queryBoundary(c: GoldenCase, data: Data, order: readonly string[]): readonly GoldenRun[] {
  const part = (made: Made, name: string, m: number): readonly number[] => {
    const values = Array.from(made.output(name).values);
    return values.slice((m * values.length) / order.length, ((m + 1) * values.length) / order.length);
  };
  const modality = modalities(c, order);
  const names = { vertical_idx: 'lines.columns', slash_idx: 'lines.distances', block_count: 'found.block_count', block_offset: 'found.block_offset', column_count: 'found.column_count', column_index: 'found.column_index', row_block_active: 'blocks.active' };
  return [{
    ...data, declaration: 'query_boundary',
    set: {
      block: numberParam(c, 'block_m'), last: numberParam(c, 'last_q'), verticals: numberParam(c, 'vertical_size'), slashes_kept: numberParam(c, 'slash_size'),
      first: numberParam(c, 'forced_verticals'), near: numberParam(c, 'forced_slashes'), kinds: order.length,
    },
    tensors: { modality },
    checks: [
      ...checkOutputs(c, { group_order: 'lines.order' }),
      ...order.flatMap((type, m) => [
        ...checkIf(c, `last_q_range_${type}`, (made) => [part(made, 'lines.begin', m)[0] ?? NaN, part(made, 'lines.stop', m)[0] ?? NaN]),
        ...Object.entries(names).flatMap(([golden, output]) => checkIf(c, `${golden}_${type}`, (made) => part(made, output, m))),
      ]),
      ...attention(c),
    ],
  }];
}

/** Window, sinks, row stride and phase, column stride and phase of a pair's pattern; a stride of 1 with phase -1 has no lines. */
function pairRow(pair: Fields): readonly number[] {
  const number = (name: string, otherwise: number): number => (pair[name] === undefined ? otherwise : Number(pair[name]));
  const pattern = String(pair['pattern']);
  const everything = 2 ** 25;
  if (pattern.startsWith('dense')) return [everything, 0, 1, -1, 1, -1];
  const lines = (on: boolean): readonly number[] => (on ? [number('stride', 1), number('phase', -1)] : [1, -1]);
  const columnsOnly = pattern.includes('columns only');
  return [
    number('local', number('n_local', -everything)), number('sink', number('n_init', 0)),
    ...lines(!columnsOnly && pair['use_hline'] === true), ...lines(columnsOnly || pair['use_vline'] === true),
  ];
}

function pairBoundary(c: GoldenCase, data: Data): readonly GoldenRun[] {
  const pairs = fields(c.params['pairs']);
  // Text is 0 and vision 1: vision comes first in the order of the groups.
  const rows = ['text_text', 'text_vision', 'vision_text', 'vision_vision'].map((name) => pairRow(fields(pairs[name])));
  const order = (made: Made): ArrayLike<number> => made.output('ranks.order').values;
  return [{
    ...data, declaration: 'pair_boundary', set: { kinds: 2 },
    tensors: { modality: modalities(c, ['t', 'v']), pairs: ints([4, 6], rows.flat()) },
    checks: [
      ...checkIf(c, 'perm', order), ...checkIf(c, 'permuted_mask', (made) => permuted(made, order(made), order(made), () => true)), ...attention(c),
      ...checkIf(c, 'all_masked_rows', (made) => Array.from(made.lse.values).flatMap((x, i) => (x === -Infinity ? [i] : []))),
    ],
  }];
}

/** The offline search: all candidates at once, each as heads of its own, behind them the dense attention. */
function patternSearch(c: GoldenCase, data: Data): readonly GoldenRun[] {
  const candidates = items(c.params['candidates']);
  const number = (row: Fields, name: string): number => Number(row[name] ?? 0);
  const rowOf = (row: Fields): readonly number[] => {
    if (row['pattern'] === 'a_shape') return [1, number(row, 'local'), number(row, 'sink'), 0, 0, 0];
    if (row['pattern'] === 'vertical_slash') return [3, number(row, 'vertical_size'), number(row, 'slash_size'), 0, 0, 0];
    const lines = (on: boolean): readonly number[] => (on ? [number(row, 'stride'), number(row, 'phase')] : [1, -1]);
    return [2, number(row, 'local'), ...lines(row['use_hline'] === true), ...lines(row['use_vline'] === true)];
  };
  const estimate: Fields = candidates.find((row) => row['pattern'] === 'vertical_slash') ?? {};
  const program = 'mminference/search.fil';
  const set = { candidates: candidates.length, last: number(estimate, 'last_q'), first: number(estimate, 'forced_verticals'), near: number(estimate, 'forced_slashes') };
  const patterns = ints([candidates.length, 6], candidates.flatMap(rowOf));
  const { heads, kvHeads, nQ, nK, dim } = data.sizes;
  const copies = candidates.length + 1;
  const spread: GoldenRun = {
    ...data, program, declaration: 'candidate', set, tensors: { patterns },
    sizes: { ...data.sizes, heads: heads * copies },
    q: Array.from({ length: heads * copies }, (_, h) => (data.q ?? []).slice(Math.floor(h / copies) * nQ * dim, (Math.floor(h / copies) + 1) * nQ * dim)).flat(),
    checks: checkIf(c, 'nnz', (made) => {
      const { values } = made.mask();
      const counts = Array.from({ length: heads * copies }, (_, h) => Array.from(values).slice(h * nQ * nK, (h + 1) * nQ * nK).reduce((a, b) => a + b, 0));
      return counts.filter((_, h) => h % copies < candidates.length);
    }),
  };
  const floats = (shape: readonly number[], values: readonly number[]): GoldenTensor => ({ shape, dtype: 'float64', data: values });
  const search: GoldenRun = {
    program, declaration: 'pattern_search', chain: true, sizes: data.sizes,
    set: { ...set, searched: heads, kv_searched: kvHeads, channels: dim, gain: numberParam(c, 'min_gain') },
    tensors: {
      patterns, query: floats([1, heads, nQ, dim], data.q ?? []), key: floats([1, kvHeads, nK, dim], data.k ?? []), value: floats([1, kvHeads, nK, dim], data.v ?? []),
    },
    checks: checkOutputs(c, { recall: 'verdict.recall', output_abs_err_mean: 'verdict.off', chosen_by_recall: 'verdict.by_recall', chosen_by_output: 'verdict.by_output' }),
  };
  return [spread, search];
}

export const golden: GoldenMapping = {
  systems: ['mminference'],
  runs: (c) => {
    const [q, k] = [inputOf(c, 'q'), inputOf(c, 'k')];
    const v = c.inputs.get('v')?.data ?? Array.from(k.data, () => 0);
    const data: Data = { sizes: sizesOf(q, k), q: q.data, k: k.data, v, program: 'mminference/mminference.fil' };
    const order = c.params['modality_order'];
    if (c.params['tile'] !== undefined) return grid(c, data);
    if (c.params['stride_candidates'] !== undefined) return search(c, data);
    if (c.params['pairs'] !== undefined) return pairBoundary(c, data);
    if (c.params['candidates'] !== undefined) return patternSearch(c, data);
    if (Array.isArray(order)) return queryBoundary(c, data, order.map(String));
    return [];
  },
};
