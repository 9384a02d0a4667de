/**
 * Each part of the model by itself, on the dense interpreter, against plain loops written from the description of the model.
 */
import { describe, expect, it } from 'vitest';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import type { TensorValue } from '../../../compiler/spec/ir.ts';
import { stageTensors } from './parts.ts';
import { attention, embedded, gatedMlp, matmul, norm, projections, rotated } from '../../../examples/bytelm/reference.ts';
import { layerOf, tokens, whole } from './support.ts';

const n = 7;

function apart(a: ArrayLike<number> | undefined, b: ArrayLike<number>): number {
  if (a?.length !== b.length) return NaN;
  let worst = 0;
  for (let i = 0; i < b.length; i += 1) worst = Math.max(worst, Math.abs((a[i] ?? NaN) - (b[i] ?? NaN)));
  return worst;
}

describe('the parts of the model mean what its description says', () => {
  const x = embedded(tokens(n), whole('tok_embed'));
  const floats = (extents: readonly number[], data: ArrayLike<number>): TensorValue => ({ extents, data: Float32Array.from(data) });
  // What the parts are given is rounded once, so that both sides work on the same numbers.
  const stream = floats([1, n, 256], x);

  it('embed looks the bytes up', () => {
    const made = denseStages(...stageTensors('embed', n, {}));
    expect(apart(made.get('out')?.data, x)).toBe(0);
  });

  it('rotary gives cosine and sine at every position of the trained range', () => {
    const made = denseStages(...stageTensors('rotary', 4096, {}));
    const cosine = made.get('cosine')?.data ?? [];
    const sine = made.get('sine')?.data ?? [];
    let worst = 0;
    for (let t = 0; t < 4096; t += 1) {
      for (let j = 0; j < 32; j += 1) {
        const a = t * 100000 ** ((-2 * j) / 64);
        worst = Math.max(worst, Math.abs((cosine[t * 32 + j] ?? NaN) - Math.cos(a)), Math.abs((sine[t * 32 + j] ?? NaN) - Math.sin(a)));
      }
    }
    // Half a step of 2^-32 turns at each of 4096 positions, and the first term that the polynomial leaves out.
    expect(worst).toBeLessThan(4096 * Math.PI * 2 ** -32 + (Math.PI / 2) ** 15 / 1307674368000);
  });

  it('project gives the queries, keys and values of the layer it is asked for', () => {
    const layer = layerOf(4);
    const wanted = projections(x, layer, n);
    const rotary = denseStages(...stageTensors('rotary', n, {}));
    const made = denseStages(...stageTensors('project', n, {
      layer: 4, x: stream, cosine: floats([1, n, 32], rotary.get('cosine')?.data ?? []), sine: floats([1, n, 32], rotary.get('sine')?.data ?? []),
    }));
    // Cosine and sine are off by 2^-24 and by half a step of 2^-32 turns a position; a component has two of them.
    const largest = Math.max(...wanted.q.map(Math.abs), ...wanted.k.map(Math.abs));
    const allowed = 2 * Math.SQRT2 * largest * (2 ** -24 + n * Math.PI * 2 ** -32);
    expect(apart(made.get('query')?.data, wanted.q)).toBeLessThan(allowed);
    expect(apart(made.get('key')?.data, wanted.k)).toBeLessThan(allowed);
    expect(apart(made.get('value')?.data, wanted.v)).toBeLessThan(1e-12);
    expect(rotated(matmul(norm(x, layer.attnNorm, n), layer.wq, n, 256, 256), n, 4)).toEqual(wanted.q);
  });

  it('attended joins the heads, and mlp gates', () => {
    const layer = layerOf(2);
    const { q, k, v } = projections(x, layer, n);
    const joined = Float32Array.from(attention(q, k, v, n));
    const heard = Float32Array.from({ length: n * 256 }, (_, at) => joined[(Math.floor(at / 64) % n) * 256 + Math.floor(at / 64 / n) * 64 + (at % 64)] ?? NaN);
    const after = Float64Array.from(matmul(joined, layer.wo, n, 256, 256), (y, i) => y + (x[i] ?? NaN));
    const one = denseStages(...stageTensors('attended', n, { layer: 2, x: stream, heard: floats([1, 4, n, 64], heard) }));
    expect(apart(one.get('out')?.data, after)).toBeLessThan(1e-12);
    const given = floats([1, n, 256], after);
    const two = denseStages(...stageTensors('mlp', n, { layer: 2, x: given }));
    expect(apart(two.get('out')?.data, gatedMlp(Float64Array.from(given.data), layer, n))).toBeLessThan(1e-11);
  });

  it('predict normalises and multiplies by the output matrix', () => {
    const made = denseStages(...stageTensors('predict', n, { x: stream }));
    expect(apart(made.get('logits')?.data, matmul(norm(x, whole('final_norm'), n), whole('lm_head'), n, 256, 256))).toBeLessThan(1e-11);
  });
});
