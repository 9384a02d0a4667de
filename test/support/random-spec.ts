/**
 * Random programs with a launch and inputs, for property tests at every level. In: options. Out: an arbitrary of
 * `{ spec, launch, inputs }` that passes check-launch.ts; data come from a seed, so a case shrinks in its structure
 * (towards `all`, one head, one token) while its data stay reproducible. Values of q, k, v are exact in f16 and f32.
 */
import fc from 'fast-check';
import * as x from '../../compiler/expr/build.ts';
import type { Expr } from '../../compiler/expr/ir.ts';
import { children } from '../../compiler/expr/traverse.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import type { Launch, MaskExpr, Requirement, Sizes, Spec, TensorUse } from '../../compiler/spec/ir.ts';
import { maskChildren, maskOperands, maskTensors } from '../../compiler/spec/traverse.ts';
import { randomMasks } from './random-mask.ts';
import { b, h, k, nK, nQ, q, randomSequence, randomSpan, randomTensor, s, scalarParams, tensorParams } from './random-parameters.ts';

export { randomStageCases } from './random-stage.ts';

export interface RandomCase {
  readonly spec: Spec;
  readonly launch: Launch;
  readonly inputs: Inputs;
}

export interface RandomOptions {
  /** Largest n_q and n_k; 70 by default. */
  readonly maxLength?: number;
  readonly dims?: readonly number[];
  readonly masks?: fc.Arbitrary<MaskExpr>;
  /** Scale, score and sink beyond the defaults; true by default. */
  readonly scores?: boolean;
}

/** The scale that a program has which states none: 1 / sqrt(dim). */
export const defaultScale: Expr = x.unary('rsqrt', x.unary('to_float', x.ref('dim', 'int')));

const cap = x.ref('cap', 'float');
const gain = x.ref('gain', 'float');
const distance = x.unary('to_float', x.sub(k, q));
const row = x.add(x.sub(q, nK), nQ);

const scales: fc.Arbitrary<Expr> = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: fc.constant(defaultScale) },
  { weight: 1, arbitrary: fc.constantFrom(x.float(0.25), x.float(-0.5), x.float(0), gain) },
);

const scores: fc.Arbitrary<Expr | undefined> = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: fc.constant(undefined) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Expr[]>(
      x.mul(x.unary('tanh', x.divide(s, cap)), cap),
      x.add(s, x.mul(x.read('slope_h', 'float', [h]), x.abs(distance))),
      x.add(s, x.read('bias', 'float', [h, k])),
      x.sub(s, x.mul(gain, x.read('bias_q', 'float', [row]))),
      x.select(x.lt(x.sub(q, k), x.int(8)), s, x.mul(s, x.float(0.5))),
      x.add(x.max(s, x.float(-1)), x.mul(x.unary('to_float', x.mod(k, x.int(5))), x.float(0.125))),
      x.add(x.unary('tanh', s), x.mul(x.unary('to_float', x.unary('bit_length', x.binary('bit_xor', q, k))), x.float(-0.25))),
      x.divide(x.mul(s, x.float(3)), x.add(x.float(2), x.unary('exp', x.neg(x.abs(s))))),
    ),
  },
);

const sinks: fc.Arbitrary<Expr | undefined> = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom<Expr[]>(x.float(0.5), x.read('sink_h', 'float', [h]), gain, x.mul(x.unary('to_float', b), x.float(-1.5))) },
);

function lengths(max: number): fc.Arbitrary<readonly [number, number]> {
  const one = fc.integer({ min: 1, max });
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 3, arbitrary: one.map((n) => [n, n] as const) },
    { weight: 4, arbitrary: fc.tuple(one, one) },
    { weight: 1, arbitrary: one.map((n) => [1, n] as const) },
  );
}

function sizesOf(options: RandomOptions): fc.Arbitrary<Sizes> {
  return fc
    .record({
      batch: fc.integer({ min: 1, max: 2 }),
      kvHeads: fc.integer({ min: 1, max: 2 }),
      group: fc.integer({ min: 1, max: 3 }),
      length: lengths(options.maxLength ?? 70),
      dim: fc.constantFrom(...(options.dims ?? [4, 1, 3, 8, 16, 20, 32])),
    })
    .map(({ batch, kvHeads, group, length: [queries, keys], dim }) => ({ batch, heads: kvHeads * group, kvHeads, nQ: queries, nK: keys, dim }));
}

const scalarValues = fc.record({
  window: fc.integer({ min: 0, max: 80 }),
  offset: fc.integer({ min: -12, max: 20 }),
  step: fc.integer({ min: 1, max: 9 }),
  cap: fc.constantFrom(4, 1.5, 30),
  gain: fc.constantFrom(1, 0.75, -0.3, 0.1),
  enabled: fc.constantFrom(0, 1),
});

/** Names of scalars and tensors that a spec uses, through every part of it. */
function usedNames(mask: MaskExpr, others: readonly Expr[]): ReadonlySet<string> {
  const used = new Set<string>();
  const walk = (e: Expr): void => {
    if (e.kind === 'ref') used.add(e.name.split('.')[0] ?? e.name);
    if (e.kind === 'read') used.add(e.tensor);
    children(e).forEach(walk);
  };
  const uses = (use: TensorUse): void => {
    used.add(use.tensor);
    // A block axis may be counted in a launch scalar.
    for (const axis of tensorParams.find((p) => p.name === use.tensor)?.axes ?? []) if (axis.kind === 'blocks') walk(axis.size);
  };
  const walkMask = (m: MaskExpr): void => {
    maskOperands(m).forEach(walk);
    maskTensors(m).forEach(uses);
    maskChildren(m).forEach(walkMask);
  };
  walkMask(mask);
  others.forEach(walk);
  return used;
}

/** `step` is the only divisor that is free of q, k and reads and no literal. */
const stepRequirement: Requirement = {
  condition: x.ge(x.ref('step', 'int'), x.int(1)),
  message: "'step' divides, so it must be at least 1",
  span: randomSpan,
};

/** A spec around a mask, declaring the parameters that it uses. */
export function specAround(mask: MaskExpr, parts: { readonly scale?: Expr; readonly score?: Expr; readonly sink?: Expr } = {}): Spec {
  const scale = parts.scale ?? defaultScale;
  const optional = {
    ...(parts.score === undefined ? {} : { score: parts.score }),
    ...(parts.sink === undefined ? {} : { sink: parts.sink }),
  };
  const used = usedNames(mask, [scale, ...Object.values(optional)]);
  return {
    name: 'random',
    computes: 'attention',
    doc: [],
    scalars: scalarParams.filter((p) => used.has(p.name)),
    tensors: tensorParams.filter((p) => used.has(p.name)),
    stages: [],
    outputs: [],
    mask,
    scale,
    ...optional,
    requires: used.has('step') ? [stepRequirement] : [],
    pins: {},
    span: randomSpan,
  };
}

/** Random q, k, v of some sizes: multiples of 1/32 within +-3, larger in a few rows so that softmax becomes peaked. */
export function randomInputs(sizes: Sizes, seed: number): Inputs {
  const random = randomSequence(seed);
  const values = (rows: number): Float32Array => {
    const data = new Float32Array(rows * sizes.dim);
    for (let r = 0; r < rows; r += 1) {
      const size = random() < 0.1 ? 96 : 32;
      for (let d = 0; d < sizes.dim; d += 1) data[r * sizes.dim + d] = Math.round((random() + random() + random() - 1.5) * 2 * size) / 32;
    }
    return data;
  };
  return {
    q: values(sizes.batch * sizes.heads * sizes.nQ),
    k: values(sizes.batch * sizes.kvHeads * sizes.nK),
    v: values(sizes.batch * sizes.kvHeads * sizes.nK),
  };
}

/** A launch of a spec made by `specAround`, with data from a seed. */
export function randomLaunch(spec: Spec, sizes: Sizes, values: Readonly<Record<string, number>>, freeExtent: number, seed: number): Launch {
  const given = new Map(Object.entries(values));
  return {
    sizes,
    scalars: new Map(spec.scalars.map((p) => [p.name, given.get(p.name) ?? p.defaultValue ?? 1])),
    tensors: new Map(spec.tensors.map((p) => [p.name, randomTensor(p.name, sizes, given, freeExtent, seed)])),
  };
}

/** Random programs ready to run. */
export function randomCases(options: RandomOptions = {}): fc.Arbitrary<RandomCase> {
  const plain = options.scores === false;
  return fc
    .record({
      mask: options.masks ?? randomMasks(),
      sizes: sizesOf(options),
      scale: plain ? fc.constant(defaultScale) : scales,
      score: plain ? fc.constant(undefined) : scores,
      sink: plain ? fc.constant(undefined) : sinks,
      values: scalarValues,
      freeExtent: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 7 }) }, { weight: 1, arbitrary: fc.constant(0) }),
      seed: fc.nat(1_000_000),
    })
    .map(({ mask, sizes, scale, score, sink, values, freeExtent, seed }) => {
      const spec = specAround(mask, { scale, ...(score === undefined ? {} : { score }), ...(sink === undefined ? {} : { sink }) });
      return { spec, launch: randomLaunch(spec, sizes, values, freeExtent, seed), inputs: randomInputs(sizes, seed) };
    });
}
