/**
 * Random stage programs with a launch and inputs, as text: equations over random indices, with folds, softmax, orders, recurrences, each
 * reading those above it, and now and then an attention behind them. In: options. Out: an arbitrary of cases for checkStages and the levels. An
 * equation comes from its own seed, so a case shrinks to fewer equations, shorter rows, one head. Inputs are whole numbers within
 * +-3 in storage, hence full of exact ties; some cases have thirds, whose sums round.
 */
import fc from 'fast-check';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import { withDefaults } from '../../compiler/spec/check-launch.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Launch, Sizes, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import { randomSequence } from './random-parameters.ts';
import { stageEquations } from './random-equations.ts';
import { productTensors } from './random-products.ts';

export interface StageCase {
  readonly spec: Spec;
  readonly launch: Launch;
  readonly inputs: Inputs;
  /** The text that the spec was read from; what a stored failure holds. */
  readonly source: string;
}

export interface StageOptions {
  /** Largest n_q and n_k; 14 by default. */
  readonly maxLength?: number;
  readonly dims?: readonly number[];
  /** Equations at most; 6 by default. */
  readonly maxEquations?: number;
}

interface Drawn {
  readonly sizes: Sizes;
  readonly equations: readonly number[];
  readonly block: number;
  readonly isAttention: boolean;
  readonly rounds: boolean;
  readonly seed: number;
  readonly limit: number;
}

function specOf(text: string, name: string): Spec {
  const made = compileSource({ file: 'case.fil', text }, () => undefined, name);
  if (!made.ok) throw new Error(`${made.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n')}\n${text}`);
  return made.value;
}

/** Values in storage: whole, or thirds in f32. */
function values(count: number, seed: number, scale: number): Float32Array {
  const random = randomSequence(seed);
  return Float32Array.from({ length: count }, () => Math.fround((Math.floor(random() * 7) - 3) * scale));
}

function caseOf({ sizes, equations, block, isAttention, rounds, seed, limit }: Drawn): StageCase {
  const { text, name } = stageEquations({ equations, block, isAttention });
  const spec = specOf(text, name);
  const { batch, heads, kvHeads, nQ, nK, dim } = sizes;
  const scale = rounds ? 1 / 3 : 1;
  const keys = batch * kvHeads * nK * dim;
  const random = randomSequence(seed + 5);
  const wanted = new Map<string, TensorValue>([
    ['x', { extents: [heads, nK], data: values(heads * nK, seed + 3, scale) }],
    ['w', { extents: [batch, kvHeads, nQ], data: Int32Array.from({ length: batch * kvHeads * nQ }, () => Math.floor(random() * 9) - 2) }],
    ['y', { extents: [nK], data: Uint8Array.from({ length: nK }, () => Math.floor(random() * 2)) }],
    ...productTensors(nQ, nK, (count, n) => values(count, seed + n, scale)),
  ]);
  const tensors = new Map([...wanted].filter(([n]) => spec.tensors.some((t) => t.name === n)));
  const scalars = new Map([['r', limit], ['gain', scale]].flatMap(([n, v]) => (spec.scalars.some((s) => s.name === n) && typeof n === 'string' && typeof v === 'number' ? [[n, v] as const] : [])));
  const launch = withDefaults(spec, { sizes, scalars, tensors });
  return { spec, launch, source: text, inputs: { q: values(batch * heads * nQ * dim, seed, scale), k: values(keys, seed + 1, scale), v: values(keys, seed + 2, scale) } };
}

/** Random stage programs ready to run. */
export function randomStageCases(options: StageOptions = {}): fc.Arbitrary<StageCase> {
  const length = fc.integer({ min: 1, max: options.maxLength ?? 14 });
  return fc
    .record({
      batch: fc.integer({ min: 1, max: 2 }),
      kvHeads: fc.integer({ min: 1, max: 2 }),
      group: fc.integer({ min: 1, max: 2 }),
      nQ: length,
      nK: length,
      dim: fc.constantFrom(...(options.dims ?? [4, 1, 3, 8])),
      equations: fc.array(fc.nat(0x7fffffff), { minLength: 1, maxLength: options.maxEquations ?? 6 }),
      block: fc.constantFrom(4, 1, 3, 8),
      isAttention: fc.boolean(),
      rounds: fc.boolean(),
      seed: fc.nat(1_000_000),
      limit: fc.integer({ min: -1, max: 6 }),
    })
    .map(({ batch, kvHeads, group, nQ, nK, dim, ...rest }) => caseOf({ ...rest, sizes: { batch, heads: kvHeads * group, kvHeads, nQ, nK, dim } }));
}
