/**
 * How good a method is on one launch, head by head. In: a reference attention (the dense one) and a method on the same q, k, v. Out: for
 * each head density, recall, error and work. The reference's logits are computed once and kept, so that a method costs its stages, its
 * mask and the weighted sum of its live values; one that changes logits or looks where the reference does not is run from its definition.
 */
import { denseAttention, denseStages, maskRow } from '../../compiler/interpreters/dense/index.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import { newPoint, scalar, worldOf } from '../../compiler/interpreters/dense/scalar.ts';
import type { StoredTensor } from '../../compiler/interpreters/dense/scalar.ts';
import { selectionWork } from '../../compiler/report/stage-work.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';

export interface Program {
  readonly spec: Spec;
  readonly launch: Launch;
}

export interface Reference extends Program {
  readonly inputs: Inputs;
  /** [batch, heads, n_q, n_k]; -Infinity where the reference does not look. */
  readonly logits: Float64Array;
  readonly lse: Float64Array;
  readonly out: Float64Array;
}

export interface HeadFigures {
  /** Batch * heads + head. */
  readonly head: number;
  /** Live pairs over those of the reference. */
  readonly density: number;
  /** Share of the reference's softmax on live pairs, mean over the rows in which the reference sees something. */
  readonly recall: number;
  /** |out - dense out| over |dense out|, both L2 over the head; 0 where both are 0. */
  readonly error: number;
  /** 4 * dim operations a pair, for all pairs of tiles that hold a live one. */
  readonly attentionFlops: number;
  /** The head's share of what the stages compute. */
  readonly selectionFlops: number;
}

export function referenceOf({ spec, launch }: Program, inputs: Inputs): Reference {
  const { batch, heads, nQ, nK } = launch.sizes;
  const logits = new Float64Array(batch * heads * nQ * nK).fill(-Infinity);
  const { out, lse } = denseAttention(spec, launch, inputs, (row) => {
    for (let i = 0; i < row.count; i += 1) logits[row.index * nK + (row.keys[i] ?? 0)] = row.logits[i] ?? 0;
  });
  return { spec, launch, inputs, logits, lse, out };
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

/** The figures of a method; `tile` is the side of the tiles in which its work is counted. */
export function measureMethod(reference: Reference, method: Program, tile: number): readonly HeadFigures[] {
  const { sizes } = reference.launch;
  const { batch, heads, nQ, nK, dim } = sizes;
  const tallies = Array.from({ length: batch * heads }, (): Tally => ({ live: 0, pairs: 0, recall: 0, rows: 0, error: 0, norm: 0, work: 0 }));
  const touched = new Uint8Array(Math.ceil(nK / tile));
  const visit = (index: number, keys: ArrayLike<number>, count: number, out: ArrayLike<number>, outAt: number): void => {
    const tally = tallies[Math.floor(index / nQ)];
    if (tally === undefined) return;
    const row = index % nQ;
    if (row % tile === 0) touched.fill(0);
    const lse = reference.lse[index] ?? 0;
    let mass = 0;
    for (let i = 0; i < count; i += 1) {
      const key = keys[i] ?? 0;
      mass += Math.exp((reference.logits[index * nK + key] ?? 0) - lse);
      touched[Math.floor(key / tile)] = 1;
    }
    for (let key = 0; key < nK; key += 1) if (reference.logits[index * nK + key] !== -Infinity) tally.pairs += 1;
    tally.live += count;
    if (lse !== -Infinity) {
      tally.recall += mass;
      tally.rows += 1;
    }
    for (let d = 0; d < dim; d += 1) {
      const wanted = reference.out[index * dim + d] ?? 0;
      tally.error += ((out[outAt + d] ?? 0) - wanted) ** 2;
      tally.norm += wanted ** 2;
    }
    if (row % tile === tile - 1 || row === nQ - 1) {
      const rows = (row % tile) + 1;
      for (let t = 0; t < touched.length; t += 1) if (touched[t] === 1) tally.work += rows * (Math.min(nK, (t + 1) * tile) - t * tile);
    }
  };
  if (!fromLogits(reference, method, visit)) {
    for (const tally of tallies) Object.assign(tally, { live: 0, pairs: 0, recall: 0, rows: 0, error: 0, norm: 0, work: 0 });

    denseAttention(method.spec, method.launch, reference.inputs, (row) => visit(row.index, row.keys, row.count, row.out, 0));

  }
  const selection = selectionWork(method.spec, method.launch).flops / Math.max(1, batch * heads);
  return tallies.map((t, head) => ({
    head,
    density: t.pairs === 0 ? 0 : t.live / t.pairs,
    recall: t.rows === 0 ? 1 : t.recall / t.rows,
    error: t.error === 0 ? 0 : Math.sqrt(t.error / t.norm),
    attentionFlops: 4 * dim * t.work,
    selectionFlops: selection,
  }));
}

type Visit = (index: number, keys: ArrayLike<number>, count: number, out: ArrayLike<number>, outAt: number) => void;

/** Visits every row by way of the kept logits; false, perhaps midway, where they do not answer for this method. */
function fromLogits(reference: Reference, { spec, launch }: Program, visit: Visit): boolean {
  const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
  const made = denseStages(spec, launch, reference.inputs);
  if (!sharesLogits(reference, { spec, launch }, made)) return false;
  const maskOf = maskRow(spec, launch, made);
  const live = new Uint8Array(nK);
  const keys = new Int32Array(nK);
  const out = new Float64Array(dim);
  const { v } = reference.inputs;
  for (let bh = 0; bh < batch * heads; bh += 1) {
    const [b, h] = [Math.floor(bh / heads), bh % heads];
    const valueBase = (b * kvHeads + Math.floor(h / (heads / kvHeads))) * nK * dim;
    for (let row = 0; row < nQ; row += 1) {
      const index = bh * nQ + row;
      maskOf(b, h, row, live);
      let count = 0;
      let largest = -Infinity;
      for (let key = 0; key < nK; key += 1) {
        if (live[key] === 0) continue;
        const logit = reference.logits[index * nK + key] ?? 0;
        if (logit === -Infinity) return false;
        keys[count] = key;
        count += 1;
        if (logit > largest) largest = logit;
      }
      out.fill(0);
      let sum = 0;
      for (let i = 0; i < count; i += 1) {
        const key = keys[i] ?? 0;
        const weight = Math.exp((reference.logits[index * nK + key] ?? 0) - largest);
        sum += weight;
        for (let d = 0; d < dim; d += 1) out[d] = (out[d] ?? 0) + weight * (v[valueBase + key * dim + d] ?? 0);
      }
      if (count > 0) for (let d = 0; d < dim; d += 1) out[d] = (out[d] ?? 0) / sum;
      visit(index, keys, count, out, 0);
    }
  }
  return true;
}
