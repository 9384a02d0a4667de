/**
 * Attention as an f32 kernel computes it, for testing error bounds: every operation rounded to f32, online softmax over
 * key tiles, optionally in base 2, with the functions off by as much as WGSL allows in a direction that a noise source
 * picks (+1, -1 or between). Slow and direct; masks and ints come from the dense interpreter and the closures.
 */
import { evaluate, readerOf } from '../../../compiler/expr/evaluate.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { denseMask } from '../../../compiler/interpreters/dense/index.ts';
import type { Inputs } from '../../../compiler/interpreters/dense/index.ts';
import type { Launch, Spec } from '../../../compiler/spec/ir.ts';
import { environmentOf } from '../../support/mask-pairs.ts';

const f = Math.fround;
const ulp = 2 ** -23;

export interface KernelStyle {
  readonly tile: number;
  readonly base2: boolean;
  /** In [-1, 1]: which of the allowed results a function gives. */
  readonly noise: () => number;
  /** What becomes of a weight before it multiplies a value; the sum of weights takes it as it is. */
  readonly weight?: (p: number) => number;
}

function expF32(x: number, noise: () => number): number {
  return f(Math.exp(x) * (1 + noise() * (2.5 + 2 * Math.abs(x)) * ulp));
}

/** A float expression in f32. */
function valueF32(e: Expr, names: ReadonlyMap<string, number>, launch: Launch, noise: () => number): number {
  const value = (x: Expr): number => valueF32(x, names, launch, noise);
  if (e.type !== 'float') {
    if (e.kind === 'binary' && e.left.type === 'float') {
      const literal = (x: Expr): Expr => ({ kind: 'literal', type: 'float', value: value(x) });
      return evaluate({ ...e, left: literal(e.left), right: literal(e.right) }, names);
    }
    return evaluate(e, names, readerOf(launch.tensors));
  }
  switch (e.kind) {
    case 'unary':
      switch (e.op) {
        case 'exp':
          return expF32(value(e.arg), noise);
        case 'tanh':
          return f(Math.tanh(value(e.arg)) + noise() * 0.9e-5);
        case 'rsqrt':
          return f((1 / Math.sqrt(value(e.arg))) * (1 + noise() * 1.5 * ulp));
        default: {
          const arg: Expr = { kind: 'literal', type: e.arg.type, value: value(e.arg) };
          return f(evaluate({ ...e, arg }, names));
        }
      }
    case 'binary': {
      const literal = (x: Expr): Expr => ({ kind: 'literal', type: 'float', value: value(x) });
      const exact = evaluate({ ...e, left: literal(e.left), right: literal(e.right) }, names);
      return f(e.op === 'divide' ? exact * (1 + noise() * 2 * ulp) : exact);
    }
    case 'select':
      return value(e.cond) !== 0 ? value(e.then) : value(e.otherwise);
    default:
      return f(evaluate(e, names, readerOf(launch.tensors)));
  }
}

/** out and lse of a whole launch. */
export function attentionF32(spec: Spec, launch: Launch, inputs: Inputs, style: KernelStyle): { readonly out: Float32Array; readonly lse: Float32Array } {
  const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
  const { noise } = style;
  const mask = denseMask(spec, launch);
  const names = environmentOf(spec, launch);
  const out = new Float32Array(batch * heads * nQ * dim);
  const lse = new Float32Array(batch * heads * nQ);
  const log2e = f(Math.LOG2E);
  for (let row = 0; row < lse.length; row += 1) {
    const b = Math.floor(row / nQ / heads);
    const h = Math.floor(row / nQ) % heads;
    const q = (row % nQ) + nK - nQ;
    const kvBase = (b * kvHeads + Math.floor((h * kvHeads) / heads)) * nK;
    const here = new Map([...names, ['b', b], ['h', h], ['q', q]]);
    const scale = valueF32(spec.scale, here, launch, noise);
    const toBase = (x: number): number => (style.base2 ? f(x * log2e) : x);
    const power = (x: number): number => (style.base2 ? f(2 ** x * (1 + noise() * (2.5 + 2 * Math.abs(x)) * ulp)) : expF32(x, noise));
    let m = -3.0e38;
    let l = 0;
    const acc = new Float32Array(dim);
    const absorb = (logits: readonly number[], keys: readonly number[]): void => {
      const next = Math.max(m, ...logits);
      const alpha = power(f(m - next));
      l = f(l * alpha);
      for (let d = 0; d < dim; d += 1) acc[d] = (acc[d] ?? 0) * alpha;
      logits.forEach((x, i) => {
        const p = power(f(x - next));
        l = f(l + p);
        const key = keys[i];
        const taken = style.weight?.(p) ?? p;
        if (key !== undefined) for (let d = 0; d < dim; d += 1) acc[d] = (acc[d] ?? 0) + f(taken * (inputs.v[(kvBase + key) * dim + d] ?? 0));
      });
      m = next;
    };
    for (let start = 0; start < nK; start += style.tile) {
      const keys: number[] = [];
      const logits: number[] = [];
      for (let key = start; key < Math.min(nK, start + style.tile); key += 1) {
        if (mask[row * nK + key] === 0) continue;
        let s = 0;
        for (let d = 0; d < dim; d += 1) s = f(s + f(f(scale * (inputs.q[row * dim + d] ?? 0)) * (inputs.k[(kvBase + key) * dim + d] ?? 0)));
        const score = spec.score === undefined ? s : valueF32(spec.score, new Map([...here, ['k', key], ['s', s]]), launch, noise);
        keys.push(key);
        logits.push(toBase(score));
      }
      absorb(logits, keys);
    }
    if (spec.sink !== undefined) absorb([toBase(valueF32(spec.sink, here, launch, noise))], []);
    for (let d = 0; d < dim; d += 1) out[row * dim + d] = l === 0 ? 0 : ((acc[d] ?? 0) / l) * (1 + noise() * 2 * ulp);
    const logNoise = noise() * (l > 0.5 && l < 2 ? 2 ** -21 : 2.5 * ulp * Math.abs(Math.log(l)));
    lse[row] = l === 0 ? -Infinity : style.base2 ? f(f(m + f(Math.log2(l) + logNoise)) * f(Math.LN2)) : f(m + f(Math.log(l) + logNoise));
  }
  return { out, lse };
}
