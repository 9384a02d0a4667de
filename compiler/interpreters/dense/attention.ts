/**
 * The meaning of attention, in float64 and in the order in which it is written down: for each query row the logits of
 * its live keys, their softmax (with the sink's logit in the denominator), the weighted sum of v. In: a spec, a launch
 * that has passed check-launch.ts, and q, k, v. Out: out [batch, heads, n_q, dim], lse [batch, heads, n_q].
 * A key whose logit is -inf weighs nothing; a row without weight gives zeros and lse = -inf (or the sink's logit).
 */
import type { Spec } from '../../spec/ir.ts';
import type { Inputs } from './inputs.ts';
import { maskRow } from './mask.ts';
import { newPoint, scalar, worldOf } from './scalar.ts';
import type { DenseLaunch, StoredTensor } from './scalar.ts';
import { denseStages } from './stages.ts';

export interface DenseResult {
  readonly out: Float64Array;
  readonly lse: Float64Array;
  /** Per row: how many keys the mask lets through, and the largest |logit| among them (0 without any). */
  readonly liveKeys: Int32Array;
  readonly maxLogit: Float64Array;
  /** The stage tensors by name, outputs or not; out and lse mean nothing where the spec computes stages only. */
  readonly stages: ReadonlyMap<string, StoredTensor>;
}

/** One finished row; the arrays are reused, and only their first `count` (or `dim`) entries mean something. */
export interface RowTrace {
  readonly b: number;
  readonly h: number;
  readonly kvHead: number;
  readonly row: number;
  /** Position in lse. */
  readonly index: number;
  readonly count: number;
  readonly keys: Int32Array;
  /** scale * (q . k), before `score`. */
  readonly scaled: Float64Array;
  readonly logits: Float64Array;
  /** Softmax weights; with a sink they sum to less than 1. */
  readonly weights: Float64Array;
  readonly sink: number | undefined;
  readonly lse: number;
  readonly out: Float64Array;
}

/** Runs the attention; `onRow` sees every row as it is finished. */
export function denseAttention(spec: Spec, launch: DenseLaunch, inputs: Inputs, onRow?: (row: RowTrace) => void): DenseResult {
  const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
  const stages = denseStages(spec, launch, inputs);
  const world = worldOf(spec, launch, stages);
  const scaleOf = scalar(spec.scale, world);
  const scoreOf = spec.score === undefined ? undefined : scalar(spec.score, world);
  const sinkOf = spec.sink === undefined ? undefined : scalar(spec.sink, world);
  const maskOf = maskRow(spec, launch, stages);
  const q = Float64Array.from(inputs.q);
  const k = Float64Array.from(inputs.k);
  const v = Float64Array.from(inputs.v);

  const out = new Float64Array(batch * heads * nQ * dim);
  const rows = batch * heads * nQ;
  const lse = new Float64Array(rows);
  const liveKeys = new Int32Array(rows);
  const maxLogit = new Float64Array(rows);
  const live = new Uint8Array(nK);
  const keys = new Int32Array(nK);
  const scaled = new Float64Array(nK);
  const logits = new Float64Array(nK);
  const weights = new Float64Array(nK);
  const at = newPoint();

  for (let b = 0; b < batch; b += 1) {
    for (let h = 0; h < heads; h += 1) {
      const kvHead = Math.floor(h / (heads / kvHeads));
      const keyBase = (b * kvHeads + kvHead) * nK * dim;
      at.b = b;
      at.h = h;
      for (let row = 0; row < nQ; row += 1) {
        const index = (b * heads + h) * nQ + row;
        at.q = row + nK - nQ;
        at.k = 0;
        at.s = 0;
        const scale = scaleOf(at);
        const sink = sinkOf?.(at);
        maskOf(b, h, row, live);

        let count = 0;
        let largest = sink ?? -Infinity;
        let magnitude = 0;
        for (let key = 0; key < nK; key += 1) {
          if (live[key] === 0) continue;
          const s = scale * dotProduct(q, index * dim, k, keyBase + key * dim, dim);
          at.k = key;
          at.s = s;
          const logit = scoreOf === undefined ? s : scoreOf(at);
          keys[count] = key;
          scaled[count] = s;
          logits[count] = logit;
          count += 1;
          if (!(logit <= largest)) largest = logit; // a NaN stays visible
          magnitude = Math.max(magnitude, Math.abs(logit));
        }
        liveKeys[index] = count;
        maxLogit[index] = magnitude;

        const result = out.subarray(index * dim, (index + 1) * dim);
        lse[index] = softmax(logits, weights, count, largest, sink);
        for (let i = 0; i < count; i += 1) {
          addScaled(result, weights[i] ?? 0, v, keyBase + (keys[i] ?? 0) * dim, dim);
        }
        onRow?.({
          b, h, kvHead, row, index, count, keys, scaled, logits, weights, sink, lse: lse[index] ?? 0, out: result,
        });
      }
    }
  }
  return { out, lse, liveKeys, maxLogit, stages };
}

function dotProduct(x: Float64Array, xAt: number, y: Float64Array, yAt: number, length: number): number {
  let sum = 0;
  for (let d = 0; d < length; d += 1) sum += (x[xAt + d] ?? 0) * (y[yAt + d] ?? 0);
  return sum;
}

function addScaled(target: Float64Array, weight: number, v: Float64Array, vAt: number, length: number): void {
  if (weight === 0) return;
  for (let d = 0; d < length; d += 1) target[d] = (target[d] ?? 0) + weight * (v[vAt + d] ?? 0);
}

/** Writes exp(logit - lse) to `weights`; returns lse, the natural log of the sum of exp over logits and sink. */
function softmax(logits: Float64Array, weights: Float64Array, count: number, largest: number, sink: number | undefined): number {
  if (largest === -Infinity) {
    weights.fill(0, 0, count);
    return -Infinity;
  }
  let sum = sink === undefined ? 0 : Math.exp(sink - largest);
  for (let i = 0; i < count; i += 1) {
    const e = Math.exp((logits[i] ?? 0) - largest);
    weights[i] = e;
    sum += e;
  }
  for (let i = 0; i < count; i += 1) weights[i] = (weights[i] ?? 0) / sum;
  return largest + Math.log(sum);
}
