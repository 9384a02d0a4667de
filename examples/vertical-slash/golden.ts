/**
 * Reference vectors of vertical-slash selection: MInference's (estimate, index and attention, or parts of them), the Sparse Frontier's, its
 * FlexPrefill variant with a share of the attention, and A-shape heads. Lists of row blocks that a file holds flat are cut by their counts.
 */
import { numberParam } from '../../tools/golden/case.ts';
import type { GoldenCase, GoldenTensor, Json } from '../../tools/golden/case.ts';
import { checkIf, checkOutputs, inputOf, sizesOf } from '../../tools/golden/mapping.ts';
import type { Check, GoldenMapping, GoldenRun, Made } from '../../tools/golden/mapping.ts';

/** The entries in use of lists [..., n], one list after the other. */
function used(made: Made, lists: string, counts: string): ArrayLike<number> {
  const { extents, values } = made.output(lists);
  const width = extents[extents.length - 1] ?? 0;
  return Array.from(made.output(counts).values).flatMap((count, row) => Array.from({ length: count }, (_, n) => values[row * width + n] ?? NaN));
}

function listed(made: Made, name: string): ArrayLike<number> {
  return Array.from(made.output(name).values).filter((x) => x >= 0);
}

function rowCounts(made: Made): ArrayLike<number> {
  const { extents, values } = made.mask();
  const width = extents[3] ?? 0;
  return Array.from({ length: values.length / width }, (_, row) => {
    let count = 0;
    for (let j = 0; j < width; j += 1) count += values[row * width + j] ?? 0;
    return count;
  });
}

function emptyRows(made: Made): ArrayLike<number> {
  return Array.from(rowCounts(made)).flatMap((count, row) => (count === 0 ? [row] : []));
}

/** The last axis backwards: the Frontier writes the longest distance first. */
function backwards(made: Made, name: string): ArrayLike<number> {
  const { extents, values } = made.output(name);
  const width = extents[extents.length - 1] ?? 1;
  return Array.from(values, (_, i) => values[i - (i % width) + width - 1 - (i % width)] ?? NaN);
}

const attention = (c: GoldenCase): readonly Check[] => [
  ...checkIf(c, 'output', (made) => made.out.values), ...checkIf(c, 'o', (made) => made.out.values), ...checkIf(c, 'lse', (made) => made.lse.values),
];

const index = (c: GoldenCase): readonly Check[] => [
  ...checkOutputs(c, { block_count: 'found.block_count', block_offset: 'found.block_offset', column_count: 'found.column_count', column_index: 'found.column_index' }),
  ...checkIf(c, 'block_offset_flat', (made) => used(made, 'found.block_offset', 'found.block_count')),
  ...checkIf(c, 'column_index_flat', (made) => used(made, 'found.column_index', 'found.column_count')),
  ...checkIf(c, 'covered_mask', (made) => made.mask().values),
  ...checkIf(c, 'all_masked_rows', emptyRows),
  ...checkIf(c, 'token_mask_row_nnz', rowCounts),
  ...checkIf(c, 'row_nnz', rowCounts),
];

const lists = (c: GoldenCase): readonly Check[] => [
  ...checkIf(c, 'vertical_idx', (made) => listed(made, 'lines.columns')), ...checkIf(c, 'slash_idx', (made) => listed(made, 'lines.distances')),
];

function intList(value: Json | undefined): GoldenTensor | undefined {
  if (!Array.isArray(value)) return undefined;
  const data = value.map(Number);
  return { shape: [1, data.length], dtype: 'int32', data };
}

/** [.., heads, n] as [heads, 1, n]; a batch of one is left out. */
function oneSet(t: GoldenTensor): GoldenTensor {
  const [heads = 1, n = 1] = t.shape.slice(-2);
  return { ...t, shape: [heads, 1, n] };
}

/** Runs with lists that the case gives: the covered mask, and the mask of the lines alone. */
function givenLists(c: GoldenCase, columns: GoldenTensor, distances: GoldenTensor): readonly GoldenRun[] {
  const q = c.inputs.get('q');
  const nK = numberParam(c, 'seq_len');
  const heads = columns.shape[columns.shape.length - 2] ?? 1;
  const sizes = q === undefined ? { batch: 1, heads, kvHeads: heads, nQ: nK, nK, dim: 4 } : sizesOf(q, inputOf(c, 'k'));
  const data = q === undefined ? { sizes } : { sizes, q: q.data, k: inputOf(c, 'k').data, v: inputOf(c, 'v').data };
  const [set1, set2] = [oneSet(columns), oneSet(distances)];
  const flat = (t: GoldenTensor): GoldenTensor => ({ ...t, shape: [t.shape[0] ?? 1, t.shape[2] ?? 1] });
  return [
    {
      ...data, program: 'vertical-slash/estimated.fil', declaration: 'vertical_slash_listed', set: { block: numberParam(c, 'block_m') },
      tensors: { columns: set1, distances: set2 }, checks: [...index(c), ...attention(c)],
    },
    {
      ...data, program: 'vertical-slash/vertical-slash.fil', declaration: 'vertical_slash', set: {},
      tensors: { columns: flat(set1), slashes_at: flat(set2) },
      checks: [...checkIf(c, 'ideal_mask', (made) => made.mask().values), ...checkIf(c, 'ideal_row_nnz', rowCounts)],
    },
  ];
}

export const golden: GoldenMapping = {
  systems: ['vertical-slash', 'sparse-frontier', 'flexprefill'],
  runs: (c) => {
    const has = (name: string): boolean => c.params[name] !== undefined;
    const [columns, distances] = [c.inputs.get('vertical_idx') ?? intList(c.params['vertical_idx']), c.inputs.get('slash_idx') ?? intList(c.params['slash_idx'])];
    if (columns !== undefined && distances !== undefined) return givenLists(c, columns, distances);
    const [q, k] = [c.inputs.get('q'), c.inputs.get('k')];
    if (q === undefined || k === undefined) return [];
    const sizes = sizesOf(q, k);
    const data = { sizes, q: q.data, k: k.data, v: c.inputs.get('v')?.data ?? Array.from(k.data, () => 0) };
    if (has('n_init')) {
      const one = (made: Made): ArrayLike<number> => Array.from(made.mask().values).slice(0, sizes.nQ * sizes.nK);
      return [{
        ...data, program: 'a-shape/a-shape.fil', declaration: 'streaming', set: { window: numberParam(c, 'n_local'), sinks: numberParam(c, 'n_init') },
        checks: [...checkIf(c, 'mask', one), ...attention(c)],
      }];
    }
    const program = 'vertical-slash/estimated.fil';
    if (has('alpha')) {
      const set = {
        block: numberParam(c, 'row_block', 64), last: numberParam(c, 'approximation_size'), cover: numberParam(c, 'alpha'), least: numberParam(c, 'min_budget'),
        first: numberParam(c, 'forced_prefix_columns'), near: numberParam(c, 'forced_recent_slashes'),
      };
      const checks = [...checkOutputs(c, { vertical_mean: 'lines.vertical' }), ...checkIf(c, 'slash_mean', (made) => backwards(made, 'lines.slash')), ...lists(c), ...index(c), ...attention(c)];
      return [{ ...data, program, declaration: 'vertical_slash_covering', set, checks }];
    }
    if (!has('vertical_size')) return [];
    const set = {
      block: numberParam(c, has('row_block') ? 'row_block' : 'block_m', 64), last: numberParam(c, has('last_q') ? 'last_q' : 'approximation_size'),
      verticals: numberParam(c, 'vertical_size'), slashes_kept: numberParam(c, 'slash_size'),
      first: numberParam(c, has('forced_verticals') ? 'forced_verticals' : 'forced_prefix_columns'),
      near: numberParam(c, has('forced_slashes') ? 'forced_slashes' : 'forced_recent_slashes'),
    };
    return [{
      ...data, program, declaration: 'vertical_slash_found', set,
      checks: [
        ...checkOutputs(c, { a_hat: 'seen.paid', vertical_score: 'seen.vertical', slash_score: 'seen.slash', vertical_sum: 'seen.vertical' }),
        ...checkIf(c, 'slash_sum', (made) => backwards(made, 'seen.slash')),
        ...lists(c), ...index(c), ...attention(c),
      ],
    }];
  },
};
