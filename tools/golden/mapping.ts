/**
 * How the reference vectors of a method become runs of a program: data that lies beside the program, in `examples/NAME/golden.ts`, because
 * neither the compiler nor this tool knows a method. A mapping reads the parameters of a case, never its name, so that unseen cases
 * of the same system run through it too.
 */
import type { Sizes } from '../../compiler/spec/ir.ts';
import type { GoldenCase, GoldenTensor } from './case.ts';

export interface MadeTensor {
  readonly extents: readonly number[];
  readonly values: ArrayLike<number>;
}

/** What a run gave. */
export interface Made {
  /** An output of the program; throws for a name that is none. */
  readonly output: (name: string) => MadeTensor;
  /** Empty for a chain. */
  readonly out: MadeTensor;
  readonly lse: MadeTensor;
  /** The pairs of the mask, [batch, heads, n_q, n_k], by the meaning of the mask and the tensors that this run made. */
  readonly mask: () => MadeTensor;
}

/** One output of the case against what a run gave; the values must be as many as the case lists, in its order. */
export interface Check {
  readonly golden: string;
  readonly value: (made: Made) => ArrayLike<number>;
}

export interface GoldenRun {
  /** The program, relative to examples/. */
  readonly program: string;
  readonly declaration: string;
  /** The declaration is a chain: of `sizes` the batch and the lengths are its launch, q, k and v are among `tensors`, and there is no mask. */
  readonly chain?: true;
  readonly sizes: Sizes;
  /** `const` and launch-time scalars. */
  readonly set: Readonly<Record<string, number>>;
  /** Tensor parameters. */
  readonly tensors?: Readonly<Record<string, GoldenTensor>>;
  /** Row-major as sizes say; absent where a stage reads none of them. */
  readonly q?: readonly number[];
  readonly k?: readonly number[];
  readonly v?: readonly number[];
  readonly checks: readonly Check[];
}

export interface GoldenMapping {
  readonly systems: readonly string[];
  /** The runs of a case; empty where this mapping has no program for it. */
  readonly runs: (c: GoldenCase) => readonly GoldenRun[];
}

/** Sizes of one batch entry from tensors [heads, n, dim] or [n, dim]; kv heads from the keys. */
export function sizesOf(q: GoldenTensor, k: GoldenTensor): Sizes {
  const [heads, nQ, dim] = threeAxes(q);
  const [kvHeads, nK] = threeAxes(k);
  return { batch: 1, heads, kvHeads, nQ, nK, dim };
}

function threeAxes(t: GoldenTensor): readonly [number, number, number] {
  const [a = 1, b = 1, c = 1] = t.shape.length === 2 ? [1, ...t.shape] : t.shape;
  return [a, b, c];
}

/** A tensor that a case must hold. */
export function inputOf(c: GoldenCase, name: string): GoldenTensor {
  const tensor = c.inputs.get(name);
  if (tensor === undefined) throw new Error(`${c.system}/${c.name}: no input '${name}'`);
  return tensor;
}

/** Checks of those outputs that the case holds, each against the program's output of the given name. */
export function checkOutputs(c: GoldenCase, names: Readonly<Record<string, string>>): readonly Check[] {
  return Object.entries(names).flatMap(([golden, output]) => (c.outputs.has(golden) ? [{ golden, value: (made: Made) => made.output(output).values }] : []));
}

/** `check` where the case holds the output. */
export function checkIf(c: GoldenCase, golden: string, value: Check['value']): readonly Check[] {
  return c.outputs.has(golden) ? [{ golden, value }] : [];
}
