/**
 * How far a correct f32 kernel may be from the dense interpreter, per row, from the arithmetic alone. In: a spec, a
 * launch, inputs (exact in storage type), and how the kernel stores and steps. Out: for each row a bound on the error of
 * every element of out, and on that of lse. With u = 2^-24 (unit roundoff) and one ulp <= 2u:
 *
 * 1. Logit. A dot of length d in any order, fused or not, with one factor scaled: (d + 8) u |scale| |q||k| (Cauchy-Schwarz
 *    for the sum of magnitudes), the error of `scale`, and 4u|x| for a change to base 2; `score` carries it on (tracked.ts).
 *    Call it delta_i.
 * 2. Weight. exp(x_i - m) with a running maximum m that is later moved in at most S steps. Subtractions lose u times what
 *    they give, exp or exp2 (4 + 3|t|) ulp, rescaling one rounding. The distances add up to t_i = max x - x_i (+ 2 delta).
 *    Weight i is off by a factor within exp(+-rho_i), rho_i = delta_i + u (7 t_i + 9 S + 10). The maximum itself cancels.
 * 3. Mean. out = sum w_i v_i / sum w_i, so factors 1 + theta_i move it by sum p_i theta_i (v_i - out) / (1 + sum p_i theta_i).
 * 4. Sums. In any order and tree, an addition of x and y is off by at most min(u |x + y|, |x|, |y|). With c = u T, T the sum
 *    of magnitudes: terms of at least c cost c each, the smaller ones together at most their sum times (2 + log2 n), plus c;
 *    and never more than n c.
 * 5. Matrix operations (`weights`) take weights that are rounded to 16 bits: relative to the running maximum w <= 1 moves by at most w h or half
 *    a subnormal s, which later maxima only shrink; the sum of weights is taken before. So out moves by at most
 *    h sum p_i |v_i| + n s/2 max |v| exp(top - lse). Their sums truncate: a product adds eight terms to the sum c at once, each cut to
 *    multiples of u max(|term|, |c|), and cuts the result to 2u: (9 + 2) u T for eight terms, below 1.4 u T a term, so the logit's d u becomes
 *    2 d u. In step 4, terms below c/2 are cut to nothing and then move no result; larger ones cost at most c, c, and 2c of the result's
 *    cut: four times as much.
 *    `tf32` rounds q, k and v as well, h = 2^-11 each (ties either way): a product of two is off by 2h + h^2 of itself, so the logit by as
 *    much of |scale| |q||k|, and out by (2h + h^2) sum p_i |v_i| in place of h.
 * 6. The end. Division 2.5 ulp (or a reciprocal and a product), rounding to the output type; log 2^-21 or 3 ulp.
 * A row that is a mean of values within |v| <= V cannot be off by more than V + |out|, whatever its weights.
 * Assumes + - * and fma round to nearest, as every known device does (WGSL would also allow the other neighbour).
 */
import type { Spec } from '../spec/ir.ts';
import type { MatrixElement } from '../kernel/ir.ts';
import type { FloatElement } from '../tile/ir.ts';
import { denseAttention } from './dense/index.ts';
import type { DenseLaunch, DenseResult, Inputs, RowTrace } from './dense/index.ts';
import { newPoint, worldOf } from './dense/scalar.ts';
import { leastSubnormal, maxFinite, unitRoundoff } from './number.ts';
import { roundoff as u, tracked } from './tracked.ts';

export { compareRows, poisonBits } from './compare.ts';
export type { Comparison } from './compare.ts';

export interface BoundOptions {
  /** Storage of `out`; lse is always f32. */
  readonly outType: FloatElement;
  /** Most key tiles that one row is carried through; the default allows for tiles of 16 keys. */
  readonly keySteps?: number;
  /** Dots by matrix operations, with weights rounded to this type; tf32: all operands of both products. */
  readonly weights?: MatrixElement;
  /** Parts of the key range that are merged at the end through their lse; 1 by default. */
  readonly splits?: number;
}

/** Largest allowed absolute error: of any element of a row of out, and of its lse; [batch, heads, n_q] each. */
export interface RowBounds {
  readonly out: Float64Array;
  readonly lse: Float64Array;
}

/** The dense result and its bounds, in one pass. */
export function attentionWithBounds(spec: Spec, launch: DenseLaunch, inputs: Inputs, options: BoundOptions): DenseResult & { readonly bounds: RowBounds } {
  const watcher = boundsWatcher(spec, launch, inputs, options);
  const result = denseAttention(spec, launch, inputs, watcher.onRow);
  return { ...result, bounds: watcher.bounds };
}

/** The bounds alone. */
export function rowBounds(spec: Spec, launch: DenseLaunch, inputs: Inputs, options: BoundOptions): RowBounds {
  return attentionWithBounds(spec, launch, inputs, options).bounds;
}

/** Collects bounds from the rows of one run of the dense interpreter. */
function boundsWatcher(spec: Spec, launch: DenseLaunch, inputs: Inputs, options: BoundOptions): { readonly onRow: (row: RowTrace) => void; readonly bounds: RowBounds } {
  const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
  const rows = batch * heads * nQ;
  const bounds: RowBounds = { out: new Float64Array(rows), lse: new Float64Array(rows) };
  const qNorm = lengths(inputs.q, dim);
  const kNorm = lengths(inputs.k, dim);
  const vMax = maxima(inputs.v, dim);
  const steps = options.keySteps ?? Math.ceil(nK / 16) + 2;
  const splits = options.splits ?? 1;
  const { weights: narrow } = options;
  const [terms, cut] = narrow === undefined ? [dim, 1] : [2 * dim, 4];
  const operands = narrow === 'tf32' ? both(unitRoundoff(narrow)) : 0;

  const world = worldOf(spec, launch);
  const errorOfS = { value: 0 };
  const scaleOf = tracked(spec.scale, world, () => 0);
  const scoreOf = spec.score === undefined ? undefined : tracked(spec.score, world, () => errorOfS.value);
  const sinkOf = spec.sink === undefined ? undefined : tracked(spec.sink, world, () => 0);
  const at = newPoint();
  const delta = new Float64Array(nK);
  const magnitude = new Float64Array(dim);
  const shifted = new Float64Array(dim);

  const onRow = (row: RowTrace): void => {
    const { count, keys, scaled, logits, weights, index, lse } = row;
    if (lse === -Infinity) return; // exactly zeros and -inf
    at.b = row.b;
    at.h = row.h;
    at.q = row.row + nK - nQ;
    const scale = scaleOf(at);
    const keyBase = (row.b * kvHeads + row.kvHead) * nK;
    const sinkError = sinkOf?.(at).error ?? 0;

    let top = row.sink ?? -Infinity;
    let worstDelta = sinkError;
    for (let i = 0; i < count; i += 1) {
      const key = keys[i] ?? 0;
      const s = scaled[i] ?? 0;
      const product = (qNorm[index] ?? 0) * (kNorm[keyBase + key] ?? 0);
      errorOfS.value = ((terms + 8) * u * (1 + operands) + operands) * Math.abs(scale.value) * product + product * scale.error + 2 ** -120;
      at.k = key;
      at.s = s;
      const logit = logits[i] ?? 0;
      const error = (scoreOf === undefined ? errorOfS.value : scoreOf(at).error) + 4 * u * Math.abs(logit);
      delta[i] = error;
      worstDelta = Math.max(worstDelta, error);
      top = Math.max(top, logit);
    }

    // Weights: sum p theta, and per element sum p theta |v - out|.
    const fixed = u * (9 * (steps + splits) + 10);
    const thetaOf = (error: number, logit: number): number => Math.expm1(error + fixed + 7 * u * (top - logit + 2 * worstDelta));
    // The sink is a term whose value is 0.
    const sinkShift = row.sink === undefined ? 0 : Math.exp(row.sink - lse) * thetaOf(sinkError, row.sink);
    let shift = sinkShift;
    let valueLimit = 0;
    magnitude.fill(0);
    shifted.fill(0);
    for (let i = 0; i < count; i += 1) {
      const p = weights[i] ?? 0;
      const key = keyBase + (keys[i] ?? 0);
      const limit = vMax[key] ?? 0;
      const theta = p * thetaOf(delta[i] ?? 0, logits[i] ?? 0);
      shift += theta;
      valueLimit = Math.max(valueLimit, limit);
      if (p === 0) continue;
      for (let d = 0; d < dim; d += 1) {
        const v = inputs.v[key * dim + d] ?? 0;
        magnitude[d] = (magnitude[d] ?? 0) + p * Math.abs(v);
        shifted[d] = (shifted[d] ?? 0) + theta * Math.abs(v - (row.out[d] ?? 0));
      }
    }
    const valueSum = cut * sumError(count, maximum(magnitude), (i) => (weights[i] ?? 0) * (vMax[keyBase + (keys[i] ?? 0)] ?? 0));
    const weightSum = sumError(count + (row.sink === undefined ? 0 : 1), 1, (i) => (i < count ? weights[i] ?? 0 : 1));
    const outMax = maximum(row.out);

    // log of a sum that is off by the factor 1 +- (shift + weightSum); the sum, relative to the maximum, is exp(lse - top).
    const change = shift + weightSum;
    const logSum = lse - top;
    const lseError = (change < 0.5 ? -Math.log1p(-change) : Infinity) + Math.max(2 ** -21, 6 * u * logSum) + 4 * u * (Math.abs(lse) + Math.abs(top) + logSum);
    bounds.lse[index] = splits > 1 ? 2 * lseError + 8 * u * (1 + Math.abs(lse)) : lseError;

    const spread = change < 0.5 ? (maximum(shifted) + outMax * sinkShift + valueSum + outMax * weightSum) / (1 - change) : Infinity;
    const rounded = narrow === undefined ? 0 : weightRounding(narrow, change < 0.5 ? maximum(magnitude) : valueLimit, count * valueLimit * Math.exp(top - lse)) * (change < 0.5 ? (1 + change) / (1 - change) : 1);
    const merged = splits > 1 ? (valueLimit + outMax) * Math.expm1(lseError) : 0;
    const worst = Number.isFinite(worstDelta) ? (valueLimit + outMax) * 1.0001 : Infinity;
    const error = Math.min(spread + merged + 8 * u * outMax, worst) + rounded + count * 2 ** -110 * valueLimit;
    bounds.out[index] = error + storageError(options.outType, outMax + error);
  };
  return { onRow, bounds };
}

/** Step 4 of the head comment; `termOf(i)` are upper bounds of the magnitudes, `total` of their sum. */
function sumError(count: number, total: number, termOf: (i: number) => number): number {
  const c = u * total;
  let large = 0;
  let small = 0;
  for (let i = 0; i < count; i += 1) {
    const term = termOf(i);
    if (term >= c) large += 1;
    else small += term;
  }
  return Math.min(count * c, (large + 1) * c + small * (2 + Math.log2(Math.max(1, count))));
}

/** Step 5 of the head comment: `mean` bounds sum p |v|, `sum` the values times the largest weight. */
function weightRounding(type: MatrixElement, mean: number, sum: number): number {
  const h = unitRoundoff(type);
  return (type === 'tf32' ? both(h) : h) * mean + (leastSubnormal(type) / 2) * sum;
}

/** How far a product is off whose two factors are each off by the factor 1 +- h. */
function both(h: number): number {
  return 2 * h + h * h;
}

function storageError(type: FloatElement, magnitude: number): number {
  if (magnitude > maxFinite(type)) return Infinity;
  return unitRoundoff(type) * magnitude + leastSubnormal(type);
}

function maximum(x: Float64Array): number {
  return x.reduce((best, value) => Math.max(best, Math.abs(value)), 0);
}

function lengths(x: ArrayLike<number>, dim: number): Float64Array {
  return perRow(x, dim, (sum, value) => sum + value * value).map(Math.sqrt);
}

function maxima(x: ArrayLike<number>, dim: number): Float64Array {
  return perRow(x, dim, (best, value) => Math.max(best, Math.abs(value)));
}

function perRow(x: ArrayLike<number>, dim: number, step: (sum: number, value: number) => number): Float64Array {
  const result = new Float64Array(x.length / dim);
  for (let row = 0; row < result.length; row += 1) {
    let sum = 0;
    for (let d = 0; d < dim; d += 1) sum = step(sum, x[row * dim + d] ?? 0);
    result[row] = sum;
  }
  return result;
}
