/**
 * Greedy generation with a cache. In: the step chain with an attention, weights, a prompt. Out: the bytes that the model expects most, one
 * after another. The prompt is read in one launch (n_q bytes), every byte after it in a launch of one query over the cache; the new keys and
 * values of each launch are written behind those that are there.
 */
import type { TensorValue } from '../../compiler/spec/ir.ts';
import { good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { shape } from './model.ts';
import type { Runner } from './runner.ts';
import { likeliest } from './score.ts';

/** Keys or values of all layers: [1, layers, kv_heads, capacity, dim]. */
export interface Cache {
  readonly extents: readonly number[];
  readonly data: Float32Array;
}

export function emptyCache(capacity: number): Cache {
  const extents = [1, shape.layers, shape.kvHeads, capacity, shape.dim];
  return { extents, data: new Float32Array(extents.reduce((a, b) => a * b, 1)) };
}

/** Writes `rows` [layers, kv_heads, count, dim] behind the first `length` positions. */
export function remember({ extents, data }: Cache, rows: ArrayLike<number>, length: number, count: number): void {
  const capacity = extents[3] ?? 0;
  for (let head = 0; head < shape.layers * shape.kvHeads; head += 1) {
    for (let i = 0; i < count * shape.dim; i += 1) data[(head * capacity + length) * shape.dim + i] = rows[head * count * shape.dim + i] ?? NaN;
  }
}

export interface Generated {
  readonly bytes: Uint8Array;
  /** Logits after the prompt and after each byte but the last, 256 each. */
  readonly logits: readonly Float64Array[];
}

/** `prompt` begins with the start marker; `onByte` hears every new byte. */
export async function generate(runner: Runner, prompt: Uint8Array, count: number, onByte?: (byte: number) => void): Promise<Checked<Generated>> {
  const capacity = prompt.length + count;
  const [keys, values] = [emptyCache(capacity), emptyCache(capacity)];
  const bytes: number[] = [];
  const logits: Float64Array[] = [];
  let [next, length] = [prompt, 0];
  for (let i = 0; i < count; i += 1) {
    const n = next.length;
    const ran = await runner.run(
      new Map<string, TensorValue>([['token', { extents: [1, n], data: Int32Array.from(next) }], ['past_key', keys], ['past_value', values]]),
      { batch: 1, nQ: n, nK: length + n },
    );
    if (!ran.ok) return ran;
    const made = (name: string): ArrayLike<number> => ran.value.get(name)?.values ?? [];
    remember(keys, made('rows.new_keys'), length, n);
    remember(values, made('rows.new_values'), length, n);
    length += n;
    const after = made('y.logits');
    const last = Float64Array.from({ length: shape.bytes }, (_, o) => after[(n - 1) * shape.bytes + o] ?? NaN);
    const byte = likeliest(last, 0);
    logits.push(last);
    bytes.push(byte);
    onByte?.(byte);
    next = Uint8Array.of(byte);
  }
  return good({ bytes: Uint8Array.from(bytes), logits });
}
