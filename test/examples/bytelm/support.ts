/**
 * What the tests of the language model share: the weights as its reference takes them, specs of the parts, and tokens.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileChainSource, compileSource } from '../../../compiler/spec/from-source.ts';
import type { ChainSpec } from '../../../compiler/spec/chain.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import type { Checked } from '../../../dsl/diagnostic.ts';
import { dataFile, readWeights, shape } from '../../../examples/bytelm/model.ts';
import type { Weights } from '../../../examples/bytelm/model.ts';
import { randomOf } from '../../../tools/random.ts';
import { forward } from './reference.ts';
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

const read = (path: string): string => readFileSync(path, 'utf8');

/** A chain of the model with an attention of an example. */
export function chainSpec(chain: string, program: string, name: string, constants: Readonly<Record<string, number>> = {}): ChainSpec {
  const attend = valueOf(compileSource({ file: join(folder, program) }, read, name, new Map(Object.entries(constants))));
  return valueOf(compileChainSource({ file: join(folder, 'bytelm.fil') }, read, chain, new Map(), new Map([['attend', attend]])));
}

/** The logits of the first bytes of the text in float64, and how far f32 may be off in each row: rounding as large as it can be, of random sign. */
export function expectedLogits(n: number): { readonly logits: Float64Array; readonly allowed: readonly number[] } {
  const model = { table: whole('tok_embed'), finalNorm: whole('final_norm'), head: whole('lm_head') };
  const layers = Array.from({ length: shape.layers }, (_, i) => layerOf(i));
  const logits = forward(tokens(n), model, layers);
  const random = randomOf(5);
  const moved = forward(tokens(n), model, layers, (bound) => (random.coin(0.5) ? bound : -bound));
  const allowed = Array.from({ length: n }, (_, i) => Math.max(...Array.from({ length: 256 }, (_, o) => Math.abs((moved[i * 256 + o] ?? NaN) - (logits[i * 256 + o] ?? NaN)))));
  return { logits, allowed };
}

/** Places where logits are farther from the expected ones than their row allows. */
export function strayLogits(made: ArrayLike<number>, { logits, allowed }: ReturnType<typeof expectedLogits>): readonly string[] {
  const stray: string[] = [];
  logits.forEach((wanted, at) => {
    const off = Math.abs((made[at] ?? NaN) - wanted);
    const bound = allowed[Math.floor(at / 256)] ?? NaN;
    if (!(off <= bound)) stray.push(`logit ${at % 256} of position ${Math.floor(at / 256)}: off by ${off}, allowed ${bound}`);
  });
  return stray;
}
