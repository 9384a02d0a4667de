/**
 * What the tests of the language model share: the weights as its reference takes them, specs of the parts, and tokens.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileChainSource, compileSource } from '../../../compiler/spec/from-source.ts';
import type { ChainSpec } from '../../../compiler/spec/chain.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import type { Checked } from '../../../dsl/diagnostic.ts';
import { expectedFor, layerFrom, wholeOf } from '../../../examples/bytelm/expected.ts';
import type { Expected } from '../../../examples/bytelm/expected.ts';
import { dataFile, readWeights, shape } from '../../../examples/bytelm/model.ts';
import type { Weights } from '../../../examples/bytelm/model.ts';
import type { Layer } from '../../../examples/bytelm/reference.ts';

export const folder = join(import.meta.dirname, '../../../examples/bytelm');

export function valueOf<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(checked.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return checked.value;
}

export const weights: Weights = valueOf(readWeights());

export const whole = (name: string): Float32Array => wholeOf(weights, name);
export const layerOf = (i: number): Layer => layerFrom(weights, i);

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

/** A chain of the model with an attention of an example, and its first `layers`. */
export function chainSpec(chain: string, program: string, name: string, constants: Readonly<Record<string, number>> = {}, layers: number = shape.layers): ChainSpec {
  const cut = (path: string): string => read(path).replaceAll(`repeat layer in 0 .. ${shape.layers} {`, `repeat layer in 0 .. ${layers} {`);
  const attend = valueOf(compileSource({ file: join(folder, program) }, read, name, new Map(Object.entries(constants))));
  return valueOf(compileChainSource({ file: join(folder, 'bytelm.fil') }, cut, chain, new Map(), new Map([['attend', attend]])));
}

/** The logits of the first bytes of the text, and how far f32 may be off. */
export const expectedLogits = (n: number, layers?: number): Expected => expectedFor(weights, tokens(n), layers);
