/**
 * What bench/h100.py measures: every example pattern with settings for long sequences, and how its run-time tensors are made on the GPU
 * machine. In: nothing. Out: a list. Tensors are described, not written: they must fit any length and any number of heads.
 */

/** How a tensor is filled; along the last axis unless said. `free`: extents of free axes. */
export type MadeTensor =
  /** The values again and again. */
  | { readonly kind: 'cycle'; readonly values: readonly number[] }
  /** Runs of these lengths, again and again; run number s holds s, or its rest by `modulo`. */
  | { readonly kind: 'runs'; readonly lengths: readonly number[]; readonly modulo?: number }
  /** Per leading index that many distinct ints of [low, high), ascending. */
  | { readonly kind: 'distinct'; readonly low: number; readonly high: number | 'n_k'; readonly free: Readonly<Record<string, number>> }
  /** True with this probability, and where the last two indices are equal. */
  | { readonly kind: 'coin'; readonly probability: number }
  | { readonly kind: 'line'; readonly from: number; readonly step: number }
  | { readonly kind: 'geometric'; readonly first: number; readonly ratio: number }
  /** [queries, depth]: the positions of a draft token and its ancestors in a tree of this many children a node, the draft being the last rows; then -1. */
  | { readonly kind: 'tree'; readonly children: number; readonly free: Readonly<Record<string, number>> }
  /** Rows of a table. */
  | { readonly kind: 'rows'; readonly rows: readonly (readonly number[])[]; readonly free: Readonly<Record<string, number>> }
  | { readonly kind: 'normal'; readonly free: Readonly<Record<string, number | 'dim'>> };

export interface Pattern {
  readonly title: string;
  /** Below examples/. */
  readonly program: string;
  readonly name: string;
  readonly set?: Readonly<Record<string, number>>;
  readonly tensors?: Readonly<Record<string, MadeTensor>>;
  /** Query rows; as many as keys unless given. */
  readonly queries?: number;
  /** Lengths above are left out: what the program makes of each pair of blocks fills the memory there. */
  readonly longest?: number;
  /** Taken by --quick. */
  readonly quick?: true;
}

const documents: MadeTensor = { kind: 'runs', lengths: [1536, 512, 3072, 768, 2048, 256, 4096, 1024] };

export const patterns: readonly Pattern[] = [
  { title: 'dense causal', program: 'causal/causal.fil', name: 'dense_causal', quick: true },
  { title: 'window 256', program: 'sliding-window/sliding-window.fil', name: 'sliding_window', set: { window: 256 } },
  { title: 'window 1024', program: 'sliding-window/sliding-window.fil', name: 'sliding_window', set: { window: 1024 }, quick: true },
  { title: 'A-shape 512 + 64', program: 'a-shape/a-shape.fil', name: 'streaming', set: { window: 512, sinks: 64 }, quick: true },
  { title: 'tri-shape', program: 'tri-shape/tri-shape.fil', name: 'prompt_with_question', set: { window: 512, sinks: 64, last: 128 } },
  { title: 'dilated 1024 / 4', program: 'dilated-window/dilated-window.fil', name: 'dilated_window', set: { reach: 1024, step: 4 } },
  { title: 'strided 64', program: 'strided/strided.fil', name: 'strided_attention', set: { stride: 64 }, quick: true },
  { title: 'antidiagonals 16', program: 'antidiagonal-lines/antidiagonal-lines.fil', name: 'antidiagonal_lines', set: { stride: 16, phase: 5 } },
  { title: 'grid lines', program: 'grid-lines/grid-lines.fil', name: 'grid_lines', set: { vision_start: 128, vision_end: 3968, stride: 56, window: 128, sinks: 64, tile: 64 } },
  {
    title: 'vertical-slash', program: 'vertical-slash/vertical-slash.fil', name: 'vertical_slash', quick: true,
    tensors: { columns: { kind: 'distinct', low: 0, high: 'n_k', free: { n_columns: 256 } }, slashes_at: { kind: 'distinct', low: 0, high: 1024, free: { n_slashes: 64 } } },
  },
  { title: 'packed documents', program: 'packed-documents/packed-documents.fil', name: 'packed_documents', tensors: { document: documents }, quick: true },
  { title: 'windowed documents', program: 'windowed-documents/windowed-documents.fil', name: 'windowed_documents', set: { window: 1024, sinks: 16 }, tensors: { document: documents } },
  { title: 'prefix LM', program: 'prefix-lm/prefix-lm.fil', name: 'prefix_lm', tensors: { prompt: { kind: 'cycle', values: [1024] } } },
  { title: '2-D neighbourhood', program: 'neighbourhood-2d/neighbourhood-2d.fil', name: 'neighbourhood_2d', set: { width: 128, radius: 6 } },
  { title: 'block table 20 %', program: 'block-table/block-table.fil', name: 'block_table', tensors: { granted: { kind: 'coin', probability: 0.2 } }, quick: true },
  { title: 'Fenwick levels', program: 'fenwick-levels/fenwick-levels.fil', name: 'fenwick_levels', set: { fine: 8 } },
  {
    title: 'global tokens', program: 'global-tokens/global-tokens.fil', name: 'global_tokens', set: { radius: 256 },
    tensors: { global: { kind: 'distinct', low: 0, high: 'n_k', free: { n_global: 32 } } },
  },
  { title: 'text with images', program: 'image-spans/image-spans.fil', name: 'text_with_images', tensors: { piece: { kind: 'runs', lengths: [700, 1024, 300, 256, 900, 1024] } } },
  {
    title: 'ALiBi, soft-cap, sinks', program: 'alibi-softcap-sinks/alibi-softcap-sinks.fil', name: 'alibi_softcap_sinks',
    tensors: { slope: { kind: 'geometric', first: 0.5, ratio: 0.8 }, sink_logit: { kind: 'line', from: 0, step: 0.0625 } },
  },
  {
    title: 'per-head mix', program: 'per-head-mix/per-head-mix.fil', name: 'per_head_mix', set: { sinks: 16 },
    tensors: {
      pattern: { kind: 'cycle', values: [0, 1, 2, 0, 1, 2, 0, 3] }, window: { kind: 'cycle', values: [512, 1024, 512, 2048, 1024, 512, 1024, 2048] },
      columns: { kind: 'distinct', low: 0, high: 'n_k', free: { n_columns: 128 } }, slashes_at: { kind: 'distinct', low: 0, high: 1024, free: { n_slashes: 64 } },
    },
  },
  { title: 'cross attention', program: 'cross-attention/cross-attention.fil', name: 'cross_attention', queries: 1024, tensors: { length: { kind: 'cycle', values: [3000] } } },
  { title: 'decode', program: 'decode/decode.fil', name: 'decode', queries: 1, tensors: { padding: { kind: 'cycle', values: [100] } } },
  { title: 'draft tree of 64', program: 'draft-tree/draft-tree.fil', name: 'draft_tree', queries: 64, tensors: { ancestor: { kind: 'tree', children: 3, free: { depth: 6 } } } },
  {
    title: 'two modalities', program: 'mminference/mminference.fil', name: 'pair_boundary', longest: 16384,
    tensors: {
      modality: { kind: 'runs', lengths: [512, 1536], modulo: 2 },
      pairs: { kind: 'rows', rows: [[1024, 64, 64, 3, 64, 3], [256, 16, 32, 0, 32, 0], [256, 16, 32, 0, 32, 0], [1024, 64, 64, 5, 64, 5]], free: { n_pairs: 4 } },
    },
  },
  { title: 'block top-k', program: 'block-top-k/block-top-k.fil', name: 'block_top_k', longest: 65536, quick: true },
  { title: 'XAttention', program: 'xattention/xattention.fil', name: 'xattention', set: { stride: 16 }, tensors: { tau: { kind: 'cycle', values: [0.9] } }, longest: 16384 },
  { title: 'FlexPrefill', program: 'flexprefill/flexprefill.fil', name: 'flexprefill', longest: 16384 },
  { title: 'vertical-slash found', program: 'vertical-slash/estimated.fil', name: 'vertical_slash_found', longest: 16384 },
  { title: 'Quest decode', program: 'quest/quest.fil', name: 'quest', queries: 1 },
  {
    title: 'SnapKV decode', program: 'snapkv/snapkv.fil', name: 'snapkv', queries: 1, longest: 65536,
    tensors: { observed: { kind: 'normal', free: { n_observed: 32, n_channels: 'dim' } } },
  },
];
