/**
 * Random launches of the declarations of a file. In: fast-check and specs. Out: cases with random sizes, scalars, tensors
 * and data, all accepted by check-launch.ts. Sizes come from the generator and shrink; values come from a seed.
 */
import type { Arbitrary } from 'fast-check';
import { checkLaunch, withDefaults } from '../../compiler/spec/check-launch.ts';
import type { Declared, Launch, ScalarParam, Sizes, Spec, TensorParam, TensorValue } from '../../compiler/spec/ir.ts';
import { evaluate } from '../../compiler/expr/evaluate.ts';
import { DiagnosticError, unreachable, type Diagnostic } from '../../dsl/diagnostic.ts';
import { randomInputs } from '../inputs.ts';
import { mixSeeds, randomOf } from '../random.ts';
import type { Random } from '../random.ts';
import type { Case } from './random-programs.ts';
import { axisExtent } from '../../compiler/spec/axis.ts';

type FastCheck = (typeof import('fast-check'))['default'];

function scalarValue(p: ScalarParam, random: Random, sizes: Sizes): number {
  if (p.defaultValue !== undefined && random.coin(0.3)) return p.defaultValue;
  switch (p.type) {
    case 'int':
      return random.pick([random.int(1, 9), random.int(0, Math.max(2, sizes.nK)), random.int(1, 33), random.int(-3, 4)]);
    case 'float':
      return random.pick([1, 0.5, random.next() * 4, random.normal()]);
    case 'bool':
      return random.coin(0.5) ? 1 : 0;
    default:
      return unreachable(p.type);
  }
}

/** `free` holds the extents of free axes by name: axes of one name have one extent. */
function tensorValue(p: TensorParam, random: Random, sizes: Sizes, values: ReadonlyMap<string, number>, free: Map<string, number>): TensorValue {
  const extents = p.axes.map((axis) => {
    const known = axisExtent(axis, sizes, (size) => evaluate(size, values)) ?? (axis.kind === 'free' ? free.get(axis.name) : undefined) ?? random.int(0, 8);
    if (axis.kind === 'free') free.set(axis.name, known);
    return known;
  });
  const length = extents.reduce((a, b) => a * b, 1);
  const perPosition = p.axes.some((a) => a.kind === 'keys' || a.kind === 'queries');
  switch (p.element) {
    case 'int': {
      // Ids that repeat in runs, or positions with some that are none.
      let id = 0;
      const runs = perPosition && random.coin(0.6);
      return { extents, data: Int32Array.from({ length }, () => (runs ? (id += random.coin(0.15) ? 1 : 0) : random.coin(0.1) ? -1 : random.int(0, sizes.nK + 2))) };
    }
    case 'float':
      return { extents, data: Float32Array.from({ length }, () => Math.round(random.normal() * 32) / 32) };
    case 'bool': {
      const probability = random.pick([0.5, 0.1, 0.9]);
      return { extents, data: Uint8Array.from({ length }, () => (random.coin(probability) ? 1 : 0)) };
    }
    default:
      return unreachable(p.element);
  }
}

/** A launch that meets the requirements of the program, or what the last try broke. */
export function launchFrom(spec: Declared, sizes: Sizes, seed: number): Launch | readonly Diagnostic[] {
  let broken: readonly Diagnostic[] = [];
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const random = randomOf(mixSeeds(seed, attempt));
    const scalars = new Map(spec.scalars.map((p) => [p.name, scalarValue(p, random, sizes)]));
    const values = new Map([...scalars, ['n_q', sizes.nQ], ['n_k', sizes.nK], ['heads', sizes.heads], ['kv_heads', sizes.kvHeads], ['batch', sizes.batch], ['dim', sizes.dim]]);
    const free = new Map<string, number>();
    const launch: Launch = { sizes, scalars, tensors: new Map(spec.tensors.map((p) => [p.name, tensorValue(p, random, sizes, values, free)])) };
    broken = checkLaunch(spec, launch);
    if (broken.length === 0) return withDefaults(spec, launch);
  }
  return broken;
}

/** Cases of any of the specs. */
export function fileCases(fc: FastCheck, specs: readonly Spec[], options: { readonly maxLength: number; readonly dims: readonly number[] }): Arbitrary<Case> {
  const length = fc.integer({ min: 1, max: options.maxLength });
  const lengths = fc.oneof(length.map((n) => [n, n] as const), fc.tuple(length, length), length.map((n) => [1, n] as const));
  return fc
    .record({
      spec: fc.constantFrom(...specs),
      batch: fc.integer({ min: 1, max: 2 }),
      kvHeads: fc.integer({ min: 1, max: 2 }),
      group: fc.integer({ min: 1, max: 3 }),
      lengths,
      dim: fc.constantFrom(...options.dims),
      seed: fc.nat(1_000_000_000),
    })
    .map(({ spec, batch, kvHeads, group, lengths: [nQ, nK], dim, seed }): Case => {
      const drawn: Sizes = { batch, heads: kvHeads * group, kvHeads, nQ, nK, dim };
      // Sizes that no launch fits are drawn again, a few times: a program that asks for what is never drawn is the user's to know.
      let broken: readonly Diagnostic[] = [];
      for (let round = 0; round < 20; round += 1) {
        const random = randomOf(mixSeeds(seed, 1000 + round));
        const n = random.int(1, options.maxLength + 1);
        const sizes = round === 0 ? drawn : { ...drawn, nQ: n, nK: n };
        const launch = launchFrom(spec, sizes, seed + round);
        if ('sizes' in launch) return { spec, launch, inputs: randomInputs(sizes, seed) };
        broken = launch;
      }
      throw new DiagnosticError(broken);
    });
}
