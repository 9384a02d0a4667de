/**
 * The language model once more, in float64 and plain loops, from its description and not from the programs: what the programs are checked
 * against. In: weights as stored and token bytes. Out: every intermediate tensor of every layer, and the logits. Dense causal attention.
 *
 * With `noise` every result is moved by noise(bound), where the bound is what f32 may lose in that one step: its terms times the magnitudes
 * really summed. What that does to the logits is how far correct f32 arithmetic may be off, carried through the model to first order.
 */
export type Noise = (bound: number) => number;

const exact: Noise = () => 0;
const u = 2 ** -24;

export interface Layer {
  readonly attnNorm: Float32Array;
  readonly wq: Float32Array;
  readonly wk: Float32Array;
  readonly wv: Float32Array;
  readonly wo: Float32Array;
  readonly mlpNorm: Float32Array;
  readonly wGate: Float32Array;
  readonly wUp: Float32Array;
  readonly wDown: Float32Array;
}

const width = 256;
const dim = 64;

/** y[i, o] = sum over c of x[i, c] w[o, c]. */
export function matmul(x: ArrayLike<number>, w: ArrayLike<number>, n: number, inner: number, outer: number, noise: Noise = exact): Float64Array {
  const y = new Float64Array(n * outer);
  for (let i = 0; i < n; i += 1) {
    for (let o = 0; o < outer; o += 1) {
      let [sum, size] = [0, 0];
      for (let c = 0; c < inner; c += 1) {
        const term = (x[i * inner + c] ?? NaN) * (w[o * inner + c] ?? NaN);
        sum += term;
        size += Math.abs(term);
      }
      y[i * outer + o] = sum + noise((inner + 1) * u * size);
    }
  }
  return y;
}

export function norm(x: ArrayLike<number>, gain: ArrayLike<number>, n: number, noise: Noise = exact): Float64Array {
  const y = new Float64Array(n * width);
  for (let i = 0; i < n; i += 1) {
    let squares = 0;
    for (let c = 0; c < width; c += 1) squares += (x[i * width + c] ?? NaN) ** 2;
    const length = Math.sqrt(squares / width + 1e-6);
    // The mean of squares has `width` terms, its root halves their error; a few roundings more.
    for (let c = 0; c < width; c += 1) {
      const value = ((gain[c] ?? NaN) * (x[i * width + c] ?? NaN)) / length;
      y[i * width + c] = value + noise((width / 2 + 6) * u * Math.abs(value));
    }
  }
  return y;
}

/** [heads, n, 64] with positions turned in, from [n, heads * 64]. */
export function rotated(x: Float64Array, n: number, heads: number, noise: Noise = exact): Float64Array {
  const y = new Float64Array(heads * n * dim);
  for (let h = 0; h < heads; h += 1) {
    for (let t = 0; t < n; t += 1) {
      for (let j = 0; j < 32; j += 1) {
        const a = t * 100000 ** ((-2 * j) / 64);
        const [lo, hi] = [x[t * heads * dim + h * dim + j] ?? NaN, x[t * heads * dim + h * dim + j + 32] ?? NaN];
        // The angle is a whole number of 2^-32 turns; its sine is a polynomial of a dozen roundings.
        const bound = (16 * u + (t + 1) * Math.PI * 2 ** -32) * (Math.abs(lo) + Math.abs(hi));
        y[(h * n + t) * dim + j] = lo * Math.cos(a) - hi * Math.sin(a) + noise(bound);
        y[(h * n + t) * dim + j + 32] = hi * Math.cos(a) + lo * Math.sin(a) + noise(bound);
      }
    }
  }
  return y;
}

export function split(x: Float64Array, n: number, heads: number): Float64Array {
  return Float64Array.from({ length: x.length }, (_, at) => {
    const [d, t, h] = [at % dim, Math.floor(at / dim) % n, Math.floor(at / dim / n)];
    return x[t * heads * dim + h * dim + d] ?? NaN;
  });
}

/** Dense causal attention, [n, 4 * 64]: the heads side by side. */
export function attention(q: Float64Array, k: Float64Array, v: Float64Array, n: number, noise: Noise = exact): Float64Array {
  const y = new Float64Array(n * width);
  for (let h = 0; h < 4; h += 1) {
    const g = h >> 1;
    for (let i = 0; i < n; i += 1) {
      const logits = new Float64Array(i + 1);
      for (let t = 0; t <= i; t += 1) {
        let [sum, size] = [0, 0];
        for (let d = 0; d < dim; d += 1) {
          const term = (q[(h * n + i) * dim + d] ?? NaN) * (k[(g * n + t) * dim + d] ?? NaN);
          sum += term;
          size += Math.abs(term);
        }
        // The exponential loses as if its argument were off by a few roundings of its size.
        logits[t] = sum / 8 + noise(((dim + 2) * u * size) / 8 + 4 * u * (1 + Math.abs(sum) / 8));
      }
      const top = Math.max(...logits);
      let total = 0;
      for (const l of logits) total += Math.exp(l - top);
      for (let t = 0; t <= i; t += 1) {
        const p = Math.exp((logits[t] ?? NaN) - top) / total;
        for (let d = 0; d < dim; d += 1) {
          const term = p * (v[(g * n + t) * dim + d] ?? NaN);
          y[i * width + h * dim + d] = (y[i * width + h * dim + d] ?? NaN) + term + noise((i + 8) * u * Math.abs(term));
        }
      }
    }
  }
  return y;
}

function sum(a: ArrayLike<number>, b: ArrayLike<number>, noise: Noise = exact): Float64Array {
  return Float64Array.from({ length: a.length }, (_, i) => {
    const value = (a[i] ?? NaN) + (b[i] ?? NaN);
    return value + noise(u * Math.abs(value));
  });
}

export function gatedMlp(x: Float64Array, layer: Layer, n: number, noise: Noise = exact): Float64Array {
  const h = norm(x, layer.mlpNorm, n, noise);
  const gate = matmul(h, layer.wGate, n, width, 704, noise);
  const up = matmul(h, layer.wUp, n, width, 704, noise);
  const inner = gate.map((z, i) => {
    const value = (z / (1 + Math.exp(-z))) * (up[i] ?? NaN);
    return value + noise((10 + 2 * Math.abs(z)) * u * Math.abs(value));
  });
  return sum(x, matmul(inner, layer.wDown, n, 704, width, noise), noise);
}

export function projections(x: ArrayLike<number>, layer: Layer, n: number, noise: Noise = exact): { readonly q: Float64Array; readonly k: Float64Array; readonly v: Float64Array } {
  const h = norm(x, layer.attnNorm, n, noise);
  return {
    q: rotated(matmul(h, layer.wq, n, width, 256, noise), n, 4, noise),
    k: rotated(matmul(h, layer.wk, n, width, 128, noise), n, 2, noise),
    v: split(matmul(h, layer.wv, n, width, 128, noise), n, 2),
  };
}

export function embedded(tokens: Uint8Array, table: Float32Array): Float64Array {
  return Float64Array.from({ length: tokens.length * width }, (_, at) => table[(tokens[Math.floor(at / width)] ?? NaN) * width + (at % width)] ?? NaN);
}

export interface Whole {
  readonly table: Float32Array;
  readonly finalNorm: Float32Array;
  readonly head: Float32Array;
}

export function forward(tokens: Uint8Array, whole: Whole, layers: readonly Layer[], noise: Noise = exact): Float64Array {
  const n = tokens.length;
  let x = embedded(tokens, whole.table);
  for (const layer of layers) {
    const { q, k, v } = projections(x, layer, n, noise);
    x = gatedMlp(sum(x, matmul(attention(q, k, v, n, noise), layer.wo, n, width, width, noise), noise), layer, n, noise);
  }
  return matmul(norm(x, whole.finalNorm, n, noise), whole.head, n, width, 256, noise);
}
