/**
 * What the tests of the language model share: the weights as its reference takes them, specs of the parts, and tokens.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import type { Checked } from '../../../dsl/diagnostic.ts';
import { dataFile, readWeights, shape } from '../../../examples/bytelm/model.ts';
import type { Weights } from '../../../examples/bytelm/model.ts';
import type { Layer } from './reference.ts';

export const folder = join(import.meta.dirname, '../../../examples/bytelm');

export function valueOf<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(checked.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return checked.value;
}

export const weights: Weights = valueOf(readWeights());

export function whole(name: string): Float32Array {
  const data = weights.get(name)?.data;
  if (!(data instanceof Float32Array)) throw new Error(`no floats '${name}'`);
  return data;
}

export function layerOf(i: number): Layer {
  const part = (name: string): Float32Array => {
    const all = whole(name);
    const one = all.length / shape.layers;
    return all.subarray(i * one, (i + 1) * one);
  };
  return {
    attnNorm: part('attn_norm'), wq: part('wq'), wk: part('wk'), wv: part('wv'), wo: part('wo'),
    mlpNorm: part('mlp_norm'), wGate: part('w_gate'), wUp: part('w_up'), wDown: part('w_down'),
  };
}

/** The first bytes of the text behind the start marker. */
export function tokens(n: number): Uint8Array {
  const text = readFileSync(dataFile('eval-text.bin'));
  return Uint8Array.from({ length: n }, (_, i) => (i === 0 ? 0 : text[i - 1] ?? 0));
}

/** A stage of the model by itself. */
export function stageSpec(name: string): Spec {
  const file = join(folder, 'layers.fil');
  return valueOf(compileSource({ file }, (path) => readFileSync(path, 'utf8'), name));
}
