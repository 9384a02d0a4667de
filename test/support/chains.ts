/**
 * Small chains for tests: their sources, launches of them with seeded tensors, and what the dense interpreter gives.
 */
import type { ChainLaunch } from '../../compiler/interpreters/dense/chain.ts';
import type { CompileOptions } from '../../compiler/pipeline.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import { compileChainSource, compileSource } from '../../compiler/spec/from-source.ts';
import type { Spec, TensorValue } from '../../compiler/spec/ir.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { randomOf } from '../../tools/random.ts';

export function valueOf<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(checked.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return checked.value;
}

/** Small tiles: drivers take seconds for the large kernels that long inputs want. */
export const smallSchedules: NonNullable<CompileOptions['schedules']> = {
  prefill: { layout: 'rows-on-lanes', lanes: 4, rowsPerLane: 2, keyStep: 4, keyTile: 16, operand: 'shuffle', subgroup: 4, rowStorage: 'registers', chunkUnroll: 64 },
  decode: { layout: 'keys-on-lanes', lanes: 4, rowsPerLane: 2, keyStep: 4, keyTile: 16, operand: 'direct', subgroup: 4, rowStorage: 'registers', chunkUnroll: 64 },
};

const none = (): string | undefined => undefined;

/** The chain `name` of a source; parameters that stand for an attention are chosen by name from the same source. */
export function chainOf(text: string, name: string, chosen: Readonly<Record<string, string>> = {}): ChainSpec {
  const source = { file: 'chain.fil', text };
  const attentions = new Map(Object.entries(chosen).map(([parameter, attention]): [string, Spec] => [parameter, valueOf(compileSource(source, none, attention))]));
  return valueOf(compileChainSource(source, none, name, new Map(), attentions));
}

/** Seeded floats between -1 and 1, exact in f16 so that storage in halves changes nothing. */
export function floats(extents: readonly number[], seed: number): TensorValue {
  const random = randomOf(seed);
  const length = extents.reduce((n, e) => n * e, 1);
  return { extents, data: Float32Array.from({ length }, () => (random.int(-32, 33)) / 32) };
}

export function ints(extents: readonly number[], values: readonly number[]): TensorValue {
  return { extents, data: Int32Array.from(values) };
}

export function launchOf(batch: number, nQ: number, nK: number, tensors: Readonly<Record<string, TensorValue>>, scalars: Readonly<Record<string, number>> = {}): ChainLaunch {
  return { sizes: { batch, nQ, nK }, scalars: new Map(Object.entries(scalars)), tensors: new Map(Object.entries(tensors)) };
}

/** Two layers with grouped heads: the same units used twice, with different scalars, on each other's tensors. */
export const twoLayers = `
stage start(x: float[batch, queries, 8]) {
  index i in queries
  index c in 0 .. 8
  out[i, c] = x[i, c] * 0.75
}

stage project(layer: int, x: float[batch, queries, 8], wq: float[2, 32, 8], wk: float[2, 16, 8]) {
  index i in queries
  index t in keys
  index g in kv_heads
  index c in 0 .. 8
  index d in dim
  index o in 0 .. 32
  index p in 0 .. 16
  r[i] = rsqrt((mean c: x[i, c] * x[i, c]) + 0.01)
  normed[i, c] = x[i, c] * r[i]
  asked[i, o] = dot(normed[i], wq[layer, o])
  known[i, p] = dot(normed[i], wk[layer, p])
  query[h, i, d] = asked[i, h * 8 + d]
  key[g, t, d] = known[t, g * 8 + d]
  value[g, t, d] = known[t, g * 8 + d] * 0.5
}

stage finish(layer: int, x: float[batch, queries, 8], heard: float[batch, heads, queries, dim], wo: float[2, 8, 32]) {
  index i in queries
  index o in 0 .. 8
  index c in 0 .. 32
  joined[i, c] = heard[c div 8, i, c mod 8]
  out[i, o] = x[i, o] + dot(joined[i], wo[layer, o])
}

attention windowed(window: int, layer: int) {
  mask causal & band(0 .. window + layer)
}

/// Two layers.
chain two(window: int, x: float[batch, queries, 8], wq: float[2, 32, 8], wk: float[2, 16, 8], wo: float[2, 8, 32]) {
  sizes heads = 4, kv_heads = 2, dim = 8
  stage y = start(x)
  repeat layer in 0 .. 2 {
    stage p = project(layer, y.out, wq, wk)
    attention a = windowed(q = p.query, k = p.key, v = p.value, window = window, layer = layer)
    stage y = finish(layer, y.out, a.out, wo)
  }
  output y.out
}
`;

/** The same with queries, keys and values rounded to 16 bits, for attentions that keep them so. */
export function narrowLayers(dtype: 'f16' | 'bf16'): string {
  return twoLayers.replace(/(query|key|value)(\[h, i, d\]|\[g, t, d\]) =/g, `$1$2: ${dtype} =`);
}

export function twoLayersLaunch(n: number, batch = 1, window = 5): ChainLaunch {
  return launchOf(batch, n, n, { x: floats([batch, n, 8], 1), wq: floats([2, 32, 8], 2), wk: floats([2, 16, 8], 3), wo: floats([2, 8, 32], 4) }, { window });
}

/**
 * An attention that chooses blocks by stages of its own, fewer queries than keys, keys and values given from outside, and what it chose and
 * its lse read by a stage behind it.
 */
export const selecting = `
stage ask(x: float[batch, queries, 8], w: float[16, 8]) {
  index i in queries
  index d in dim
  index c in 0 .. 8
  query[h, i, d] = sum c: x[i, c] * w[h * 8 + d, c]
}

stage best_blocks(const block: int tokens, n: int) {
  index J in keys / block
  index i in queries
  weight[h, J] = sum t in 0 .. block, i where J * block + t < n_k: dot(q[h, i], k[h, J * block + t])
  keep[h, J] = J == 0 | top(n) J: weight[h, J]
}

attention chosen(const block: int tokens = 4, n: int = 2, sharp: float = 1.0) {
  stage sel = best_blocks(block, n)
  output sel.keep
  mask { (q, k) => sel.keep[h, k div block] }
  score s => s * sharp
}

stage judge(const block: int tokens, table: float[m], keep: bool[batch, heads, keys / block], lse: float[batch, heads, queries], out: float[batch, heads, queries, dim], best: int) {
  index J in keys / block
  index e in m
  index i in queries
  index d in dim
  index g in heads
  kept[h] = sum J where keep[h, J]: 1
  mark[h, i] = lse[h, i] + float(kept[h] * best) + (sum e: table[e])
  total[i] = sum g, d: out[g, i, d]
}

chain picking(x: float[batch, queries, 8], w: float[16, 8], keys_of: float[batch, kv_heads, keys, dim], values_of: float[batch, kv_heads, keys, dim], table: float[entries], n: int, sharp: float = 0.5) {
  sizes heads = 2, kv_heads = 1, dim = 8
  stage p = ask(x, w)
  attention a = chosen(q = p.query, k = keys_of, v = values_of, n = n, sharp = sharp * 2.0)
  stage j = judge(4, table, a.sel.keep, a.lse, a.out, n + 1)
  output a.out, j.mark, j.total
}
`;

export function selectingLaunch(nQ: number, nK: number, batch = 1, n = 2): ChainLaunch {
  const tensors = { x: floats([batch, nQ, 8], 5), w: floats([16, 8], 6), keys_of: floats([batch, 1, nK, 8], 7), values_of: floats([batch, 1, nK, 8], 8), table: floats([5], 9) };
  return launchOf(batch, nQ, nK, tensors, { n });
}

/** One tensor in several roles: as queries (in parts over heads) and whole, as what a score reads; as keys and as values. */
export const manyRoles = `
stage split(x: float[batch, queries, 16]) {
  index i in queries
  index d in dim
  query[h, i, d] = x[i, h * 4 + d]
  index t in keys
  index g in kv_heads
  key[g, t, d] = x[t, g * 4 + d]
}

attention biased(extra: float[heads, queries, dim]) {
  mask causal
  score s => s + extra[h, q, 0]
}

attention plain { mask causal }

chain roles(x: float[batch, queries, 16], again: attention) {
  sizes heads = 4, kv_heads = 4, dim = 4
  stage p = split(x)
  attention first = biased(q = p.query, k = p.key, v = p.key, extra = p.query)
  attention second = again(q = first.out, k = p.key, v = p.key)
  attention third = again(q = second.out, k = p.key, v = p.key)
  output third.out, third.lse
}
`;
