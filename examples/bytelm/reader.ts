/**
 * The model under one pattern, ready to read windows. In: a program of the model, a backend. Out: logits and other outputs for the last rows
 * of a window. A pattern that is used everywhere reads the window at once; one that is used behind a prompt is given the keys and values of a
 * dense prompt and reads what is after it. Prompts are kept for the patterns that follow.
 */
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { TensorValue } from '../../compiler/spec/ir.ts';
import { good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import type { Backend } from '../../tools/engines/engine.ts';
import { emptyCache, remember } from './generate.ts';
import type { Cache } from './generate.ts';
import type { ModelProgram } from './programs.ts';
import { openRunner } from './runner.ts';
import type { Outputs, Runner } from './runner.ts';
import type { Window } from './windows.ts';

export interface Reader {
  /** The device in words. */
  readonly device: string;
  /** What the chain gives for the last `rows` bytes of a window. */
  readonly read: (window: Window, rows: number) => Promise<Checked<Outputs>>;
  readonly close: () => void;
}

interface Prompt {
  readonly keys: Cache;
  readonly values: Cache;
}

/** Dense prompts: the bytes of a window before its last `rows`. */
export interface Prompts {
  readonly of: (window: Window, rows: number) => Promise<Checked<Prompt>>;
  readonly close: () => void;
}

/** Prompts that are kept, 12 MB each at 2048 bytes. */
const most = 64;

const tokenOf = (tokens: Int32Array): readonly [string, TensorValue] => ['token', { extents: [1, tokens.length], data: tokens }];

/** `dense` is the program that reads prompts, behind a cache that is empty. */
export function openPrompts(dense: ModelProgram, backend: Backend, adapter: string | undefined): Prompts {
  const known = new Map<string, Prompt>();
  let opened: Runner | undefined;
  const read = async (window: Window, count: number): Promise<Checked<Prompt>> => {
    if (opened === undefined) {
      const runner = await openRunner({ chain: dense.chain, sizes: { batch: 1, nQ: count, nK: count }, scalars: dense.scalars, fixed: dense.tensors, backend, adapter });
      if (!runner.ok) return runner;
      opened = runner.value;
    }
    const capacity = window.tokens.length;
    const [keys, values] = [emptyCache(capacity), emptyCache(capacity)];
    const ran = await opened.run(new Map<string, TensorValue>([tokenOf(window.tokens.slice(0, count)), ['past_key', keys], ['past_value', values]]), { batch: 1, nQ: count, nK: count });
    if (!ran.ok) return ran;
    remember(keys, ran.value.get('rows.new_keys')?.values ?? [], 0, count);
    remember(values, ran.value.get('rows.new_values')?.values ?? [], 0, count);
    return good({ keys, values });
  };
  return {
    of: async (window, rows) => {
      const count = window.tokens.length - rows;
      const key = `${count} ${Buffer.from(window.targets).toString('latin1')}`;
      const found = known.get(key);
      if (found !== undefined) return good(found);
      const prompt = await read(window, count);
      const [oldest] = known.keys();
      if (known.size >= most && oldest !== undefined) known.delete(oldest);
      if (prompt.ok) known.set(key, prompt.value);
      return prompt;
    },
    close: () => opened?.close(),
  };
}

/** `chain`: that of the program, or one made from it. */
export async function openReader(program: ModelProgram, chain: ChainSpec, prompts: Prompts, backend: Backend, adapter: string | undefined): Promise<Checked<Reader>> {
  const { nQ, nK } = program.sizes;
  const runner = await openRunner({ chain, sizes: { batch: 1, nQ, nK }, scalars: program.scalars, fixed: program.tensors, backend, adapter });
  if (!runner.ok) return runner;
  const { device, run, close } = runner.value;
  return good({
    device, close,
    read: async (window, rows) => {
      if (program.tail === undefined) return run(new Map([tokenOf(window.tokens)]));
      const prompt = await prompts.of(window, rows);
      if (!prompt.ok) return prompt;
      const { keys, values } = prompt.value;
      return run(new Map<string, TensorValue>([tokenOf(window.tokens.slice(-rows)), ['past_key', keys], ['past_value', values]]), { batch: 1, nQ: rows, nK: window.tokens.length });
    },
  });
}
