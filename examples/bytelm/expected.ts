/**
 * The logits that a run must give, from the reference. In: weights and bytes. Out: logits in float64, and for each position how far f32
 * arithmetic may be off there: the reference run once more with every rounding as large as it can be, of random sign.
 */
import { randomOf } from '../../tools/random.ts';
import { shape } from './model.ts';
import type { Weights } from './model.ts';
import { forward } from './reference.ts';
import type { Layer, Noise } from './reference.ts';

export interface Expected {
  /** [positions, 256] */
  readonly logits: Float64Array;
  /** By position. */
  readonly allowed: readonly number[];
}

/** A tensor of the model; an error where there is none. */
export function wholeOf(weights: Weights, name: string): Float32Array {
  const data = weights.get(name)?.data;
  if (!(data instanceof Float32Array)) throw new Error(`no floats '${name}'`);
  return data;
}

/** The weights of one layer. */
export function layerFrom(weights: Weights, layer: number): Layer {
  const part = (name: string): Float32Array => {
    const all = wholeOf(weights, name);
    const one = all.length / shape.layers;
    return all.subarray(layer * one, (layer + 1) * one);
  };
  return {
    attnNorm: part('attn_norm'), wq: part('wq'), wk: part('wk'), wv: part('wv'), wo: part('wo'),
    mlpNorm: part('mlp_norm'), wGate: part('w_gate'), wUp: part('w_up'), wDown: part('w_down'),
  };
}

/** The reference's logits; `noise` as there. */
export function referenceLogits(weights: Weights, tokens: Uint8Array, layers: number = shape.layers, noise?: Noise): Float64Array {
  const whole = { table: wholeOf(weights, 'tok_embed'), finalNorm: wholeOf(weights, 'final_norm'), head: wholeOf(weights, 'lm_head') };
  return forward(tokens, whole, Array.from({ length: layers }, (_, i) => layerFrom(weights, i)), noise);
}

/** `tokens` begin with the start marker; `layers`: the first so many of the model. */
export function expectedFor(weights: Weights, tokens: Uint8Array, layers?: number): Expected {
  const logits = referenceLogits(weights, tokens, layers);
  const random = randomOf(5);
  const moved = referenceLogits(weights, tokens, layers, (bound) => (random.coin(0.5) ? bound : -bound));
  const allowed = Array.from({ length: tokens.length }, (_, i) => Math.max(...Array.from({ length: shape.bytes }, (_, o) => Math.abs((moved[i * shape.bytes + o] ?? NaN) - (logits[i * shape.bytes + o] ?? NaN)))));
  return { logits, allowed };
}

export interface Distance {
  /** The largest difference of two logits. */
  readonly largest: number;
  /** The largest share of what its position allows; above 1 something is wrong. NaN where something is missing or no number. */
  readonly ofAllowed: number;
}

/** How far apart two sets of logits are; `inexact`: how many of the two were made in f32. */
export function distanceOf(a: ArrayLike<number>, b: ArrayLike<number>, allowed: readonly number[], inexact: 1 | 2): Distance {
  let [largest, ofAllowed] = [0, 0];
  for (let at = 0; at < allowed.length * shape.bytes; at += 1) {
    const off = Math.abs((a[at] ?? NaN) - (b[at] ?? NaN));
    // A comparison with NaN is false, so that one NaN stays.
    if (!(off <= largest)) largest = off;
    const part = off / (inexact * (allowed[Math.floor(at / shape.bytes)] ?? NaN));
    if (!(part <= ofAllowed)) ofAllowed = part;
    if (Number.isNaN(off)) return { largest: NaN, ofAllowed: NaN };
  }
  return { largest, ofAllowed };
}

/** Places where logits are farther from the expected ones than their position allows. */
export function strayLogits(made: ArrayLike<number>, { logits, allowed }: Expected): readonly string[] {
  const stray: string[] = [];
  logits.forEach((wanted, at) => {
    const off = Math.abs((made[at] ?? NaN) - wanted);
    const bound = allowed[Math.floor(at / shape.bytes)] ?? NaN;
    if (!(off <= bound)) stray.push(`logit ${at % shape.bytes} of position ${Math.floor(at / shape.bytes)}: off by ${off}, allowed ${bound}`);
  });
  return stray;
}
