/**
 * Cases whose programs have stages. In: a case. Out: the same program with every stage tensor given back, so that each can be judged on
 * those it was made from (stage-check.ts), and the attention behind them as one over ordinary parameters that hold what really came out.
 */
import { checkStages } from '../../compiler/interpreters/stage-check.ts';
import type { Spec, TensorValue } from '../../compiler/spec/ir.ts';
import type { StageTensor } from '../../compiler/spec/stage.ts';
import { rewriteStages } from '../../compiler/stage/rewrite-stages.ts';
import { asParameter } from '../../compiler/stage/tensors.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import type { EngineOutput } from '../engines/engine.ts';
import { mixSeeds, randomOf } from '../random.ts';
import type { Case } from './random-programs.ts';

type Outputs = ReadonlyMap<string, EngineOutput>;

const open = new WeakMap<Spec, Spec>();

/** The case with all stage tensors as outputs; the same spec gives the same result. */
export function withAllOutputs(given: Case): Case {
  const { spec } = given;
  if (spec.stages.length === 0) return given;
  const widened = open.get(spec) ?? { ...spec, outputs: spec.stages.map(({ name }) => ({ name, tensor: name })) };
  open.set(spec, widened);
  return { ...given, spec: widened };
}

function valueOf(t: StageTensor, { extents, values }: EngineOutput): TensorValue {
  switch (t.element) {
    case 'int':
      return { extents, data: Int32Array.from(values) };
    case 'float':
      return { extents, data: Float32Array.from(values) };
    case 'bool':
      return { extents, data: Uint8Array.from(values) };
    default:
      return unreachable(t.element);
  }
}

/** A spec as the compiler rewrites it where only its last tensor is asked for. */
function rewritten(spec: Spec): Spec {
  const last = spec.stages.at(-1);
  const outputs = spec.computes === 'stages' && last !== undefined ? [{ name: last.name, tensor: last.name }] : spec.outputs;
  return rewriteStages({ ...spec, outputs });
}

const closed = new WeakMap<Spec, Spec>();

/**
 * The case that a level judges: all stage tensors as outputs; by its seed as they are written, or as the compiler rewrites them where not all
 * are asked for.
 */
export function judgedCase(given: Case, seed: number): Case {
  if (given.spec.stages.length === 0 || randomOf(mixSeeds(seed, 17)).coin(0.5)) return withAllOutputs(given);
  const spec = closed.get(given.spec) ?? rewritten(given.spec);
  closed.set(given.spec, spec);
  return withAllOutputs({ ...given, spec });
}

/** What is wrong with the stage tensors that came out, or undefined. */
export function stageFault({ spec, launch, inputs }: Case, outputs: Outputs | undefined): string | undefined {
  return spec.stages.length === 0 ? undefined : checkStages(spec, launch, inputs, outputs ?? new Map<string, EngineOutput>())[0];
}

/** The case with its stage tensors as parameters that hold `outputs`. */
export function asGiven(given: Case, outputs: Outputs | undefined): Case {
  const { spec, launch } = given;
  if (spec.stages.length === 0) return given;
  const made = spec.stages.flatMap((t) => {
    const found = outputs?.get(t.name);
    return found === undefined ? [] : [[t.name, valueOf(t, found)] as const];
  });
  return {
    ...given,
    spec: { ...spec, stages: [], outputs: [], tensors: [...spec.tensors, ...spec.stages.map(asParameter)] },
    launch: { ...launch, tensors: new Map([...launch.tensors, ...made]) },
  };
}
