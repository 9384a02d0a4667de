/**
 * Query, key and value tensors for commands: from a file, or random from a seed. In: raw tensors or sizes. Out: f32 arrays with
 * their sizes, checked against each other, or what does not fit. Files hold `q` [batch, heads, n_q, dim] and `k`, `v` [batch, kv_heads, n_k, dim].
 */
import * as report from '../dsl/catalogue/index.ts';
import type { Diagnostic } from '../dsl/diagnostic.ts';
import type { Span } from '../dsl/span.ts';
import type { Inputs } from '../compiler/interpreters/dense/index.ts';
import { roundF16, roundTo } from '../compiler/interpreters/number.ts';
import type { Sizes } from '../compiler/spec/ir.ts';
import type { FloatElement } from '../compiler/tile/ir.ts';
import { mixSeeds, randomOf } from './random.ts';
import { floatsOf } from './tensors.ts';
import type { RawTensor } from './tensors.ts';

export interface AttentionInputs {
  readonly sizes: Sizes;
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

/** What is wrong, in words behind the tensor's name, and as a diagnostic at the place where the file was named. */
export type InputsResult =
  | { readonly ok: true; readonly value: AttentionInputs }
  | { readonly ok: false; readonly tensor: string; readonly reason: string; readonly tell?: (at: Span) => Diagnostic };

const axesOf: Readonly<Record<string, readonly string[]>> = {
  q: ['batch', 'heads', 'n_q', 'dim'], k: ['batch', 'kv_heads', 'n_k', 'dim'], v: ['batch', 'kv_heads', 'n_k', 'dim'],
};

/** q, k and v of a file. */
export function inputsOf(tensors: ReadonlyMap<string, RawTensor>): InputsResult {
  const read = new Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>();
  for (const name of ['q', 'k', 'v']) {
    const raw = tensors.get(name);
    if (raw === undefined) return { ok: false, tensor: name, reason: 'is missing' };
    const axes = (axesOf[name] ?? []).join(', ');
    if (raw.shape.length !== 4) {
      const tell = (at: Span): Diagnostic => report.wrongRank(at, { name, given: raw.shape.length, wanted: 4, type: `[${axes}]` });
      return { ok: false, tensor: name, reason: `has ${raw.shape.length} axes; four are needed: [${axes}]`, tell };
    }
    const converted = floatsOf(raw);
    if (!converted.ok) return { ok: false, tensor: name, reason: `holds ${converted.reason}` };
    read.set(name, { shape: raw.shape, data: converted.data });
  }
  const [q, k, v] = [read.get('q'), read.get('k'), read.get('v')];
  if (q === undefined || k === undefined || v === undefined) return { ok: false, tensor: 'q', reason: 'is missing' };
  const [batch = 0, heads = 0, nQ = 0, dim = 0] = q.shape;
  const [kBatch = 0, kvHeads = 0, nK = 0, kDim = 0] = k.shape;
  const extent = (name: string, axis: number, given: number, wanted: number, of: string) => (at: Span): Diagnostic =>
    ({ ...report.wrongShape(at, { name, axis: axesOf[name]?.[axis] ?? '', given, wanted }), help: `\`${of}\` has ${wanted}` });
  const differs = k.shape.findIndex((n, i) => n !== v.shape[i]);
  if (differs >= 0) {
    const tell = extent('v', differs, v.shape[differs] ?? 0, k.shape[differs] ?? 0, 'k');
    return { ok: false, tensor: 'v', reason: `has the shape [${v.shape.join(', ')}], but k has [${k.shape.join(', ')}]`, tell };
  }
  if (kBatch !== batch) return { ok: false, tensor: 'k', reason: `has ${kBatch} batches, but q has ${batch}`, tell: extent('k', 0, kBatch, batch, 'q') };
  if (kDim !== dim) return { ok: false, tensor: 'k', reason: `has head dimension ${kDim}, but q has ${dim}`, tell: extent('k', 3, kDim, dim, 'q') };
  const empty = Object.entries({ batch, heads, kv_heads: kvHeads, n_q: nQ, n_k: nK, dim }).find(([, n]) => n < 1);
  if (empty !== undefined) {
    const tell = (at: Span): Diagnostic => report.sizeOutOfRange(at, { name: empty[0], value: 0, least: 1, most: empty[0] === 'dim' ? 256 : 2 ** 24 });
    return { ok: false, tensor: 'q', reason: `has an empty axis: q [${q.shape.join(', ')}], k [${k.shape.join(', ')}]`, tell };
  }
  if (heads % kvHeads !== 0) {
    const tell = (at: Span): Diagnostic => report.headsNotMultiple(at, { heads, kvHeads });
    return { ok: false, tensor: 'q', reason: `has ${heads} heads, which is no multiple of the ${kvHeads} heads of k and v`, tell };
  }
  return { ok: true, value: { sizes: { batch, heads, kvHeads, nQ, nK, dim }, q: q.data, k: k.data, v: v.data } };
}

/** Seeded inputs: q and k normal (logits of about unit variance after scaling), v uniform in [-1, 1); all exact in f16. */
export function randomInputs(sizes: Sizes, seed: number): AttentionInputs {
  const { batch, heads, kvHeads, nQ, nK, dim } = sizes;
  const filled = (length: number, salt: number, draw: (r: ReturnType<typeof randomOf>) => number): Float32Array => {
    const random = randomOf(mixSeeds(seed, salt));
    return Float32Array.from({ length }, () => roundF16(draw(random)));
  };
  return {
    sizes,
    q: filled(batch * heads * nQ * dim, 1, (r) => r.normal()),
    k: filled(batch * kvHeads * nK * dim, 2, (r) => r.normal()),
    v: filled(batch * kvHeads * nK * dim, 3, (r) => r.next() * 2 - 1),
  };
}

/**
 * Seeded inputs of heads that choose: logits are large near by and at a few distances, a few keys (one in 64, the first among them) are looked
 * at from everywhere, the rest is noise. Heads differ in how far they look. All exact in f16.
 */
export function headInputs(sizes: Sizes, seed: number): AttentionInputs {
  const { heads, kvHeads, nQ, nK, dim } = sizes;
  const plain = randomInputs(sizes, seed);
  const random = randomOf(mixSeeds(seed, 4));
  const looked = Array.from({ length: nK }, (_, j) => j === 0 || random.coin(1 / 64));
  // Four pairs of channels turn with the position, each twice as fast as the one before; where all agree, a scaled logit rises by 8.
  const pairs = Math.min(4, Math.floor((dim - 1) / 2));
  const strength = Math.sqrt((8 * Math.sqrt(dim)) / Math.max(1, pairs));
  const shaped = (data: Float32Array, rows: number, kvHeadOf: (plane: number) => number, first: number, extra: (position: number) => boolean): Float32Array => data.map((noise, i) => {
    const channel = i % dim;
    const position = first + (Math.floor(i / dim) % rows);
    if (channel === 2 * pairs) return roundF16(extra(position) ? strength : 0);
    if (channel > 2 * pairs) return roundF16(noise / 2);
    const angle = (position * 2 ** (channel >> 1)) / (64 * (1 + (kvHeadOf(Math.floor(i / (dim * rows))) % 4)));
    return roundF16(strength * (channel % 2 === 0 ? Math.cos(angle) : Math.sin(angle)));
  });
  return {
    sizes, v: plain.v,
    q: shaped(plain.q, nQ, (plane) => Math.floor((plane % heads) / (heads / kvHeads)), nK - nQ, () => true),
    k: shaped(plain.k, nK, (plane) => plane % kvHeads, 0, (position) => looked[position] === true),
  };
}

/** The values a kernel with narrower storage is given: rounded once, so that the reference works on the same numbers. */
export function asStored(inputs: Inputs, dtype: FloatElement): Inputs {
  if (dtype === 'f32') return inputs;
  const rounded = (data: Inputs['q']): Inputs['q'] => data.map((x) => roundTo(dtype, x));
  return { q: rounded(inputs.q), k: rounded(inputs.k), v: rounded(inputs.v) };
}

/** The last `nQ` query rows and the first `nK` keys of each head. */
export function cutInputs(inputs: AttentionInputs, nQ: number, nK: number): AttentionInputs {
  const { sizes } = inputs;
  const { batch, heads, kvHeads, dim } = sizes;
  const cut = (data: Float32Array, count: number, length: number, from: number, to: number): Float32Array => {
    const out = new Float32Array(count * (to - from) * dim);
    for (let i = 0; i < count; i += 1) out.set(data.subarray((i * length + from) * dim, (i * length + to) * dim), i * (to - from) * dim);
    return out;
  };
  return {
    sizes: { ...sizes, nQ, nK },
    q: nQ === sizes.nQ ? inputs.q : cut(inputs.q, batch * heads, sizes.nQ, sizes.nQ - nQ, sizes.nQ),
    k: nK === sizes.nK ? inputs.k : cut(inputs.k, batch * kvHeads, sizes.nK, 0, nK),
    v: nK === sizes.nK ? inputs.v : cut(inputs.v, batch * kvHeads, sizes.nK, 0, nK),
  };
}
