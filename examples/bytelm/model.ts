/**
 * The weights of the language model as parameters of `bytelm.fil`. In: a safetensors file with one tensor per layer and name. Out: the
 * tensors by the names of the program, those of all layers stacked in the order of the layers; or a diagnostic that names what is missing.
 * Nothing is computed but `turn`, the angle of one position as a whole number, which no weight file holds.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TensorValue } from '../../compiler/spec/ir.ts';
import { bad, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { fileProblem } from '../../tools/io/files.ts';
import { readSafetensors } from '../../tools/io/safetensors.ts';
import { floatsOf } from '../../tools/tensors.ts';
import type { RawTensor } from '../../tools/tensors.ts';

/** The model's sizes: those of attention, and what the weights say besides. */
export const shape = { heads: 4, kvHeads: 2, dim: 64, width: 256, layers: 6, bytes: 256 } as const;

/** Frequency base of the rotary positions. */
const rotaryBase = 100_000;

const layerTensors: ReadonlyMap<string, readonly number[]> = new Map([
  ['attn_norm', [256]], ['wq', [256, 256]], ['wk', [128, 256]], ['wv', [128, 256]], ['wo', [256, 256]],
  ['mlp_norm', [256]], ['w_gate', [704, 256]], ['w_up', [704, 256]], ['w_down', [256, 704]],
]);
const wholeTensors: ReadonlyMap<string, readonly number[]> = new Map([['tok_embed', [256, 256]], ['final_norm', [256]], ['lm_head', [256, 256]]]);

export type Weights = ReadonlyMap<string, TensorValue>;

const here = import.meta.dirname;

/** The folder of inputs that may stand beside a checkout; the copies in `data` are used where it does not. */
const beside = join(dirname(dirname(dirname(here))), 'shared', 'data');

/** A file of the model: the first that exists of the full one beside the checkout and the copy in `data`. */
export function dataFile(name: string): string {
  const full = join(beside, name);
  return existsSync(full) ? full : join(here, 'data', name);
}

export function weightsFile(): string {
  return dataFile('bytelm6-weights.safetensors');
}

/** Angle by which one position turns pair j, in 2^-32 of a full turn. */
export function turns(): TensorValue {
  const half = shape.dim / 2;
  const data = Int32Array.from({ length: half }, (_, j) => Math.round((rotaryBase ** (-j / half) / (2 * Math.PI)) * 2 ** 32));
  return { extents: [half], data };
}

/** The parameters of the programs, by name. */
export function weightsOf(tensors: ReadonlyMap<string, RawTensor>, path: string): Checked<Weights> {
  const faults: string[] = [];
  const read = (name: string, extents: readonly number[], into: Float32Array): void => {
    const raw = tensors.get(name);
    const values = raw === undefined ? undefined : floatsOf(raw);
    if (raw === undefined || values === undefined) faults.push(`there is no tensor '${name}'`);
    else if (!values.ok) faults.push(`'${name}' holds ${values.reason}`);
    else if (raw.shape.join() !== extents.join()) faults.push(`'${name}' is [${raw.shape.join(', ')}], not [${extents.join(', ')}]`);
    else into.set(values.data);
  };
  const count = (extents: readonly number[]): number => extents.reduce((a, b) => a * b, 1);
  const weights = new Map<string, TensorValue>([['turn', turns()]]);
  for (const [name, extents] of wholeTensors) {
    const data = new Float32Array(count(extents));
    read(name, extents, data);
    weights.set(name, { extents, data });
  }
  for (const [name, extents] of layerTensors) {
    const one = count(extents);
    const data = new Float32Array(shape.layers * one);
    for (let i = 0; i < shape.layers; i += 1) read(`layers.${i}.${name}`, extents, data.subarray(i * one, (i + 1) * one));
    weights.set(name, { extents: [shape.layers, ...extents], data });
  }
  const [first] = faults;
  return first === undefined ? good(weights) : bad([fileProblem('FIL9005', path, `'${path}' does not hold the model: ${first}`)]);
}

export function readWeights(path: string = weightsFile()): Checked<Weights> {
  const file = readSafetensors(path);
  return file.ok ? weightsOf(file.value.tensors, path) : file;
}
