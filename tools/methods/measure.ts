/**
 * How good methods are on one launch, head by head. In: a reference attention (the dense one) with its q, k, v, and methods on the same
 * tensors. Out: for each method and head density, recall, error and work. The reference is walked once, row by row; all methods
 * look at each row as it is finished: what they keep of its softmax is their recall, and the weighted sum of the values they keep is their
 * output. A method that changes logits, or looks where the reference does not, is run from its definition instead.
 * A method may have fewer query rows than the reference: the last ones, each a step of its own, as in decoding.
 */
import { denseAttention, maskRow } from '../../compiler/interpreters/dense/index.ts';
import type { Inputs, MaskRow, RowTrace, StoredTensor } from '../../compiler/interpreters/dense/index.ts';
import { newPoint, scalar, worldOf } from '../../compiler/interpreters/dense/scalar.ts';
import { selectionWork } from '../../compiler/report/stage-work.ts';
import type { Launch, Sizes, Spec } from '../../compiler/spec/ir.ts';
import { cachedStages, stagesBehind, stagesRead } from './stage-cache.ts';
import type { StageCache } from './stage-cache.ts';

export interface Program {
  readonly spec: Spec;
  readonly launch: Launch;
}

export interface Subject extends Program {
  /** Only this many of its rows count, the last ones (default: all). */
  readonly counted?: number;
  /** Stage tensors made elsewhere, by name; the dense interpreter makes them otherwise. */
  readonly made?: ReadonlyMap<string, StoredTensor>;
}

export interface HeadFigures {
  /** Batch * heads + head. */
  readonly head: number;
  /** Live pairs over those of the reference. */
  readonly density: number;
  /** Share of the reference's softmax on live pairs, mean over the rows in which the reference sees something. */
  readonly recall: number;
  /** |out - dense out| over |dense out|, both L2 over the head; 0 where both are 0 or only rounding differs. */
  readonly error: number;
  /** 4 * dim operations a pair: for all pairs of tiles that hold a live one; for steps, which fetch keys one by one, for live pairs. */
  readonly attentionFlops: number;
  /** The head's share of what the stages behind the mask compute. */
  readonly selectionFlops: number;
}

/** Sums of one head while its rows go by. */
interface Tally {
  live: number;
  pairs: number;
  recall: number;
  rows: number;
  error: number;
  norm: number;
  work: number;
}

interface Observer {
  readonly subject: Subject;
  /** Row of the reference minus row of the subject. */
  readonly skipped: number;
  readonly maskOf: MaskRow;
  readonly tallies: readonly Tally[];
  /** The subject's output where its logits are not the reference's. */
  own: Float64Array | undefined;
  /** Its logits are the reference's, but a row was met that they do not answer for. */
  strange: boolean;
  readonly touched: Uint8Array;
}

/** The row of the reference: weight by key, and whether the reference looks there. */
interface Row {
  readonly weights: Float64Array;
  readonly seen: Uint8Array;
}

/** The query rows of a smaller launch: the last ones of each head. */
export function lastRows(inputs: Inputs, { batch, heads, nQ, dim }: Sizes, rows: number): Inputs {
  if (rows === nQ) return inputs;
  const q = new Float32Array(batch * heads * rows * dim);
  for (let i = 0; i < batch * heads; i += 1) q.set(inputs.q.subarray(((i + 1) * nQ - rows) * dim, (i + 1) * nQ * dim), i * rows * dim);
  return { ...inputs, q };
}

/** Whether a live pair has the same logit in both programs. */
function sharesLogits(a: Program, b: Program, made: ReadonlyMap<string, StoredTensor>): boolean {
  if ([a.spec, b.spec].some((s) => s.score !== undefined || s.sink !== undefined)) return false;
  const ours = scalar(a.spec.scale, worldOf(a.spec, a.launch));
  const theirs = scalar(b.spec.scale, worldOf(b.spec, b.launch, made));
  const { batch, heads } = a.launch.sizes;
  const at = newPoint();
  for (at.b = 0; at.b < batch; at.b += 1) for (at.h = 0; at.h < heads; at.h += 1) if (ours(at) !== theirs(at)) return false;
  return true;
}

/** The figures of every subject; `tile` is the side of the tiles in which work is counted. */
export function measure(reference: Program, inputs: Inputs, subjects: readonly Subject[], tile: number): readonly (readonly HeadFigures[])[] {
  const { sizes } = reference.launch;
  const { batch, heads, nQ, nK, dim } = sizes;
  const cache: StageCache = new Map();
  const observers = subjects.map((subject): Observer => {
    const { spec, launch } = subject;
    const own = lastRows(inputs, sizes, launch.sizes.nQ);
    const made = subject.made ?? cachedStages(spec, launch, own, cache);
    const tally = (): Tally => ({ live: 0, pairs: 0, recall: 0, rows: 0, error: 0, norm: 0, work: 0 });
    return {
      subject,
      skipped: nQ - launch.sizes.nQ,
      maskOf: maskRow(spec, launch, made),
      tallies: Array.from({ length: batch * heads }, tally),
      own: sharesLogits(reference, subject, made) ? undefined : denseAttention(spec, launch, own).out,
      strange: false,
      touched: new Uint8Array(Math.ceil(nK / tile)),
    };
  });
  cache.clear();

  const row: Row = { weights: new Float64Array(nK), seen: new Uint8Array(nK) };
  const live = new Uint8Array(nK);
  const out = new Float64Array(dim);
  const dense = denseAttention(reference.spec, reference.launch, inputs, (trace) => {
    row.weights.fill(0);
    row.seen.fill(0);
    for (let i = 0; i < trace.count; i += 1) {
      const key = trace.keys[i] ?? 0;
      row.weights[key] = trace.weights[i] ?? 0;
      row.seen[key] = 1;
    }
    for (const observer of observers) observe(observer, trace, row, { live, out, v: inputs.v, sizes, tile });
  });
  return observers.map((observer) => {
    const { subject, tallies } = observer;
    if (observer.strange) redo(observer, denseAttention(subject.spec, subject.launch, lastRows(inputs, sizes, subject.launch.sizes.nQ)).out, dense.out, sizes);
    const chosen = { ...subject.spec, stages: stagesBehind(subject.spec, stagesRead(subject.spec)) };
    const selection = selectionWork(chosen, subject.launch).flops / Math.max(1, batch * heads);
    return tallies.map((t, head) => ({
      head,
      density: t.pairs === 0 ? 0 : t.live / t.pairs,
      recall: t.rows === 0 ? 1 : t.recall / t.rows,
      error: errorOf(t),
      attentionFlops: 4 * dim * t.work,
      selectionFlops: selection,
    }));
  });
}

/** What is left of rounding when all weight is kept counts as nothing: on logarithmic axes it would be all that is seen. */
const rounding = 1e-12;

function errorOf({ error, norm }: Tally): number {
  const relative = error === 0 ? 0 : Math.sqrt(error / norm);
  return relative < rounding ? 0 : relative;
}

interface Bench {
  readonly live: Uint8Array;
  readonly out: Float64Array;
  readonly v: Inputs['v'];
  readonly sizes: Sizes;
  readonly tile: number;
}

/** Below this much of the dense softmax its weights say too little about those of the kept keys. */
const leastMass = 1e-200;

function observe(observer: Observer, trace: RowTrace, { weights, seen }: Row, { live, out, v, sizes, tile }: Bench): void {
  const { subject, skipped, tallies, touched } = observer;
  const { nQ } = subject.launch.sizes;
  const { heads, nK, dim } = sizes;
  const { b, h } = trace;
  const row = trace.row - skipped;
  const tally = tallies[b * heads + h];
  const first = nQ - Math.min(nQ, subject.counted ?? nQ);
  if (tally === undefined || row < first) return;
  observer.maskOf(b, h, row, live);
  if (row % tile === 0 || row === first) touched.fill(0);
  out.fill(0);
  const values = (b * sizes.kvHeads + trace.kvHead) * nK * dim;
  const { own } = observer;
  let mass = 0;
  let count = 0;
  for (let key = live.indexOf(1); key >= 0 && key < nK; key = live[key + 1] === 1 ? key + 1 : live.indexOf(1, key + 1)) {
    count += 1;
    touched[Math.floor(key / tile)] = 1;
    const weight = weights[key] ?? 0;
    if (seen[key] === 0 && own === undefined) observer.strange = true;
    if (weight === 0) continue;
    mass += weight;
    if (own !== undefined) continue;
    const base = values + key * dim;
    for (let d = 0; d < dim; d += 1) out[d] = (out[d] ?? 0) + weight * (v[base + d] ?? 0);
  }
  if (count > 0 && mass < leastMass && own === undefined) observer.strange = true;
  tally.live += count;
  tally.pairs += trace.count;
  if (trace.count > 0) {
    tally.recall += mass;
    tally.rows += 1;
  }
  const ownAt = ((b * heads + h) * nQ + row) * dim;
  for (let d = 0; d < dim; d += 1) {
    const wanted = trace.out[d] ?? 0;
    const found = own !== undefined ? own[ownAt + d] ?? 0 : mass > 0 ? (out[d] ?? 0) / mass : 0;
    tally.error += (found - wanted) ** 2;
    tally.norm += wanted ** 2;
  }
  if (skipped > 0) tally.work += count;
  else if (row % tile === tile - 1 || row === nQ - 1) {
    const height = Math.min(row % tile, row - first) + 1;
    for (let t = 0; t < touched.length; t += 1) if (touched[t] === 1) tally.work += height * (Math.min(nK, (t + 1) * tile) - t * tile);
  }
}

/** Errors anew, from the output of the definition. */
function redo({ subject, skipped, tallies }: Observer, found: Float64Array, wanted: Float64Array, { nQ, dim }: Sizes): void {
  const rows = subject.launch.sizes.nQ;
  const from = rows - Math.min(rows, subject.counted ?? rows);
  tallies.forEach((tally, head) => {
    tally.error = 0;
    for (let row = from; row < rows; row += 1) {
      for (let d = 0; d < dim; d += 1) tally.error += ((found[(head * rows + row) * dim + d] ?? 0) - (wanted[(head * nQ + skipped + row) * dim + d] ?? 0)) ** 2;
    }
  });
}
