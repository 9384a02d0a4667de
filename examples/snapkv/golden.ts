/**
 * Reference vectors of SnapKV and Ada-SnapKV in all their forms (`kind`). A form without shared keys repeats k and v for every query head
 * first, as the original code does.
 */
import { numberParam } from '../../tools/golden/case.ts';
import type { GoldenCase, GoldenTensor } from '../../tools/golden/case.ts';
import { checkIf, checkOutputs, inputOf } from '../../tools/golden/mapping.ts';
import type { GoldenMapping, Made } from '../../tools/golden/mapping.ts';

function entries(made: Made): ArrayLike<number> {
  return Array.from(made.output('kept.entry').values).filter((j) => j >= 0);
}

/** The last rows of each head. */
function lastRows(t: GoldenTensor, rows: number): GoldenTensor {
  const [heads = 1, length = 1, dim = 1] = t.shape;
  const data = Array.from({ length: heads }, (_, head) => t.data.slice((head * length + length - rows) * dim, (head + 1) * length * dim)).flat();
  return { shape: [heads, rows, dim], dtype: t.dtype, data };
}

function repeated(t: GoldenTensor, heads: number): GoldenTensor {
  const [kvHeads = 1, length = 1, dim = 1] = t.shape;
  const size = length * dim;
  const data = Array.from({ length: heads }, (_, head) => Math.floor((head * kvHeads) / heads)).flatMap((g) => t.data.slice(g * size, (g + 1) * size));
  return { shape: [heads, length, dim], dtype: t.dtype, data };
}

function ruleOf(c: GoldenCase): { readonly declaration: string; readonly set: Readonly<Record<string, number>> } | undefined {
  const common = { capacity: numberParam(c, 'capacity'), kernel: numberParam(c, 'kernel') };
  const pooling = { ...common, averaged: c.params['pooling'] === 'avgpool' ? 1 : 0, largest_head: c.params['gqa'] === 'max' ? 1 : 0 };
  switch (c.params['kind']) {
    case 'snapkv':
      return { declaration: 'snapkv', set: { ...pooling, rows: 0 } };
    case 'snapkv_gqa':
      return { declaration: 'snapkv', set: { ...pooling, rows: 1 } };
    case 'adakv':
      return { declaration: 'ada_snapkv', set: { ...pooling, rows: 1, floor_share: numberParam(c, 'floor'), normalized: numberParam(c, 'normalize', 0) } };
    case 'frontier_snapkv':
      return { declaration: 'frontier_snapkv', set: { ...common, prefix: numberParam(c, 'prefix'), local: numberParam(c, 'local') } };
    case 'frontier_ada': {
      const [prefix, local] = [numberParam(c, 'prefix'), numberParam(c, 'local')];
      const ratio = numberParam(c, 'min_ratio', 0.2);
      const least = numberParam(c, 'min_capacity_per_head', Math.max(Math.floor(ratio * common.capacity), prefix + local));
      return { declaration: 'frontier_ada_snapkv', set: { ...common, prefix, local, least } };
    }
    default:
      return undefined;
  }
}

export const golden: GoldenMapping = {
  systems: ['snapkv'],
  runs: (c) => {
    const rule = ruleOf(c);
    if (rule === undefined) return [];
    const [q, decode] = [inputOf(c, 'q'), inputOf(c, 'decode_q')];
    const [heads = 1, length = 1, dim = 1] = q.shape;
    const own = c.params['kind'] === 'snapkv';
    const [k, v] = [inputOf(c, 'k'), inputOf(c, 'v')].map((t) => (own ? repeated(t, heads) : t));
    if (k === undefined || v === undefined) return [];
    return [{
      ...rule,
      program: 'snapkv/snapkv.fil',
      sizes: { batch: 1, heads, kvHeads: k.shape[0] ?? 1, nQ: 1, nK: length, dim },
      q: decode.data, k: k.data, v: v.data,
      tensors: { observed: lastRows(q, Math.min(numberParam(c, 'window'), length)) },
      checks: [
        ...checkOutputs(c, { importance: 'seen.pooled', kept_len: 'kept.length', head_budget_before_floor: 'sel.won' }),
        ...checkOutputs(c, { head_budget: rule.declaration === 'ada_snapkv' ? 'sel.budget' : 'kept.length' }),
        ...checkIf(c, 'kept_idx_flat', entries),
        ...checkIf(c, 'decode_o', (made) => made.out.values), ...checkIf(c, 'decode_lse', (made) => made.lse.values),
      ],
    }];
  },
};
