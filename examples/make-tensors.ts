/**
 * The run-time tensors of the examples, most of them computed from the real queries, keys and text in data/: lists of heavy
 * columns and slashes, a table of heavy blocks, the sentences of the text, the starts of its lines. In:
 * data/bytelm6-l4-n1024.safetensors. Out: `tensors.safetensors` beside each example that has tensor parameters, by their names;
 * a test computes them again and compares the bytes.
 *
 *   npx tsx examples/make-tensors.ts
 */
import { join } from 'node:path';
import { DiagnosticError } from '../dsl/diagnostic.ts';
import { writeAtomic } from '../tools/io/files.ts';
import { encodeSafetensors, encodeTensor, readSafetensors } from '../tools/io/safetensors.ts';
import { floatsOf } from '../tools/tensors.ts';
import type { RawTensor } from '../tools/tensors.ts';

const heads = 4;
const kvHeads = 2;
const length = 1024;
const dim = 64;
const block = 64;
/** As many rows as the estimates of the vertical-slash papers look at. */
const lastQueries = 64;
const listLength = 32;

interface Source {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly text: Uint8Array;
}

function readSource(): Source {
  const file = readSafetensors(join(import.meta.dirname, 'data', 'bytelm6-l4-n1024.safetensors'));
  if (!file.ok) throw new DiagnosticError(file.diagnostics);
  const floats = (name: string): Float32Array => {
    const raw = file.value.tensors.get(name);
    const converted = raw === undefined ? undefined : floatsOf(raw);
    if (converted === undefined || !converted.ok) throw new Error(`no float tensor '${name}'`);
    return converted.data;
  };
  return { q: floats('q'), k: floats('k'), text: file.value.tensors.get('tokens')?.data ?? new Uint8Array(0) };
}

/** Causal attention of query `row` of `head`: weights of the keys 0 .. row. */
function weights({ q, k }: Source, head: number, row: number): Float64Array {
  const kvHead = Math.floor((head * kvHeads) / heads);
  const scores = new Float64Array(row + 1);
  let largest = -Infinity;
  for (let key = 0; key <= row; key += 1) {
    let sum = 0;
    for (let d = 0; d < dim; d += 1) sum += (q[(head * length + row) * dim + d] ?? 0) * (k[(kvHead * length + key) * dim + d] ?? 0);
    scores[key] = sum / Math.sqrt(dim);
    largest = Math.max(largest, scores[key] ?? 0);
  }
  let total = 0;
  for (let key = 0; key <= row; key += 1) {
    const weight = Math.exp((scores[key] ?? 0) - largest);
    scores[key] = weight;
    total += weight;
  }
  return scores.map((weight) => weight / total);
}

/** Indices of the `count` largest values, ascending; of equal values the earlier wins. */
function heaviest(values: Float64Array, count: number): readonly number[] {
  return Array.from(values.keys())
    .sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** Per head, the keys and the distances that hold most of the attention of the last queries. */
function verticalSlash(source: Source): { readonly columns: RawTensor; readonly slashes: RawTensor } {
  const columns: number[] = [];
  const slashes: number[] = [];
  for (let head = 0; head < heads; head += 1) {
    const byKey = new Float64Array(length);
    const byDistance = new Float64Array(length);
    for (let row = length - lastQueries; row < length; row += 1) {
      weights(source, head, row).forEach((weight, key) => {
        // What is near is the slashes' business; without this, columns of local heads would be the last keys alone.
        if (row - key >= lastQueries) byKey[key] = (byKey[key] ?? 0) + weight;
        byDistance[row - key] = (byDistance[row - key] ?? 0) + weight;
      });
    }
    columns.push(...heaviest(byKey, listLength));
    slashes.push(...heaviest(byDistance, listLength));
  }
  const shape = [heads, listLength];
  return { columns: encodeTensor('I32', shape, columns), slashes: encodeTensor('I32', shape, slashes) };
}

/** Per head and block of queries: the heaviest quarter of the blocks of keys, and the diagonal. */
function heavyBlocks(source: Source): RawTensor {
  const blocks = length / block;
  const table = new Uint8Array(heads * blocks * blocks);
  for (let head = 0; head < heads; head += 1) {
    for (let rowBlock = 0; rowBlock < blocks; rowBlock += 1) {
      const mass = new Float64Array(rowBlock + 1);
      for (let row = rowBlock * block; row < (rowBlock + 1) * block; row += 1) {
        weights(source, head, row).forEach((weight, key) => {
          const keyBlock = Math.floor(key / block);
          mass[keyBlock] = (mass[keyBlock] ?? 0) + weight;
        });
      }
      for (const keyBlock of [rowBlock, ...heaviest(mass, Math.ceil((rowBlock + 1) / 4))]) {
        table[(head * blocks + rowBlock) * blocks + keyBlock] = 1;
      }
    }
  }
  return encodeTensor('BOOL', [heads, blocks, blocks], table);
}

/** For each position, how many sentences have ended before it. A sentence ends with a full stop or question mark before white space. */
function sentences(text: Uint8Array): RawTensor {
  const characters = Array.from(text, (byte) => String.fromCharCode(byte));
  let sentence = 0;
  const numbers = characters.map((character, i) => {
    const number = sentence;
    if ('.?!'.includes(character) && /\s/.test(characters[i + 1] ?? '')) sentence += 1;
    return number;
  });
  return encodeTensor('I32', [1, numbers.length], numbers);
}

/** Positions at which a line starts. */
function lineStarts(text: Uint8Array): RawTensor {
  const starts = [0, ...Array.from(text.keys()).filter((i) => text[i - 1] === 10)];
  return encodeTensor('I32', [1, starts.length], starts);
}

/** Numbers as an int tensor of one axis. */
function ints(values: readonly number[]): RawTensor {
  return encodeTensor('I32', [values.length], values);
}

/** The queries of the last `rows` positions, [heads, rows, dim]. */
function lastQueriesOf({ q }: Source, rows: number): RawTensor {
  const values = Array.from({ length: heads }, (_, head) => Array.from(q.subarray(((head + 1) * length - rows) * dim, (head + 1) * length * dim))).flat();
  return encodeTensor('F16', [heads, rows, dim], values);
}

/** Lengths of pieces as one number per position: the piece's own, counted from 0. */
function pieces(lengths: readonly number[]): readonly number[] {
  return lengths.flatMap((size, piece) => Array.from({ length: size }, () => piece));
}

/** A tree of guesses behind the sequence: of each guess the positions of itself and its ancestors, then -1. */
function ancestors(parents: readonly number[], depth: number): RawTensor {
  const first = length - parents.length;
  const rows = parents.map((_, guess) => {
    const line: number[] = [];
    for (let at = guess; at >= 0; at = parents[at] ?? -1) line.push(first + at);
    return [...line, ...Array.from({ length: depth - line.length }, () => -1)];
  });
  return encodeTensor('I32', [parents.length, depth], rows.flat());
}

/** Every file: the folder it belongs to, and the tensor parameters of that example by name. */
export function exampleTensors(): ReadonlyMap<string, Uint8Array> {
  const source = readSource();
  const { columns, slashes } = verticalSlash(source);
  const document = sentences(source.text);
  const examples: Readonly<Record<string, Readonly<Record<string, RawTensor>>>> = {
    'vertical-slash': { columns, slashes_at: slashes },
    'block-table': { granted: heavyBlocks(source) },
    'packed-documents': { document },
    'windowed-documents': { document },
    'global-tokens': { global: lineStarts(source.text) },
    'per-head-mix': { pattern: ints([0, 1, 2, 3]), window: ints([256, 256, 0, 0]), columns, slashes_at: slashes },
    'prefix-lm': { prompt: ints([359]) },
    'image-spans': { piece: encodeTensor('I32', [1, length], pieces([134, 256, 128, 256, 250])) },
    'cross-attention': { length: ints([897]) },
    decode: { padding: ints([59]) },
    xattention: { tau: encodeTensor('F32', [heads], [0.9, 0.9, 0.9, 0.9]) },
    snapkv: { observed: lastQueriesOf(source, 32) },
    // Text, a video, text, another, text.
    mminference: { modality: encodeTensor('I32', [512], pieces([134, 128, 64, 128, 58]).map((piece) => piece % 2)) },
    'draft-tree': { ancestor: ancestors([-1, -1, -1, 0, 0, 1, 2, 3, 3, 4, 5, 7], 4) },
    'alibi-softcap-sinks': {
      // The paper's slopes for four heads: 2^-2, 2^-4, 2^-6, 2^-8.
      slope: encodeTensor('F32', [heads], [0.25, 0.0625, 0.015625, 0.00390625]),
      sink_logit: encodeTensor('F32', [heads], [0, 0.5, 1, 2]),
    },
  };
  return new Map(Object.entries(examples).map(([folder, tensors]) => [folder, encodeSafetensors(new Map(Object.entries(tensors)))]));
}

/** Where the file of an example stands. */
export function tensorsPath(folder: string): string {
  return join(import.meta.dirname, folder, 'tensors.safetensors');
}

if (process.argv[1] === import.meta.filename) {
  for (const [folder, bytes] of exampleTensors()) writeAtomic(tensorsPath(folder), bytes, []);
}
