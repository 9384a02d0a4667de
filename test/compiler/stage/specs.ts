/**
 * Stage programs made by hand, for tests that look below the language. In: tensors with their indices and rules. Out: a spec that computes
 * them and gives all of them back, and runners for every level that has no device.
 */
import { swiftshader } from '../../../backends/targets.ts';
import type { Expr, ScalarType } from '../../../compiler/expr/ir.ts';
import * as x from '../../../compiler/expr/build.ts';
import { runPlanWithLockstep, runPlanWithTiles, type LaunchOutput } from '../../../compiler/interpreters/launch.ts';
import { printProblem } from '../../../compiler/interpreters/problem.ts';
import { compileSpec, type Compiled } from '../../../compiler/pipeline.ts';
import type { Axis, Launch, Sizes, Spec, TensorParam } from '../../../compiler/spec/ir.ts';
import type { StageRule, StageTensor } from '../../../compiler/spec/stage.ts';
import type { Inputs } from '../../../compiler/interpreters/dense/index.ts';
import type { Checked } from '../../../dsl/diagnostic.ts';

export const span = { file: 'stage.fil', start: 0, end: 1 };
export const i = (name: string): Expr => x.ref(name, 'int');
export const counted = (extent: Expr | number): Axis => ({ kind: 'counted', extent: typeof extent === 'number' ? x.int(extent) : extent });
export const heads: Axis = { kind: 'heads' };

/** A stage tensor; the batch index `b` is put in front. */
export function tensor(name: string, element: ScalarType, indices: Readonly<Record<string, Axis>>, rule: StageRule, precision: StageTensor['precision'] = 'f32'): StageTensor {
  const all = [{ name: 'b', axis: { kind: 'batch' } as const }, ...Object.entries(indices).map(([n, axis]) => ({ name: n, axis }))];
  return { name, doc: [], element, precision, indices: all, rule, span };
}

export function stageSpec(stages: readonly StageTensor[], tensors: readonly TensorParam[] = [], rest: Partial<Spec> = {}): Spec {
  return {
    name: 'stages', computes: 'stages', doc: [], scalars: [], tensors, stages,
    outputs: stages.map((t) => ({ name: t.name, tensor: t.name })),
    mask: { kind: 'none', span }, scale: x.float(1), requires: [], pins: {}, span, ...rest,
  };
}

export function param(name: string, element: ScalarType, axes: readonly Axis[]): TensorParam {
  return { name, element, axes, doc: [], span };
}

export function valueOf<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(checked.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return checked.value;
}

export function compiled(spec: Spec, dim: number, dtype: 'f32' | 'f16' = 'f32'): Compiled {
  return valueOf(compileSpec(spec, { target: swiftshader, dim, dtype }));
}

export const levels = ['tile', 'kernel'] as const;

/** Runs on the interpreter of a level; problems are failures. */
export function run(level: (typeof levels)[number], artefact: Compiled, launch: Launch, inputs: Inputs): LaunchOutput {
  const input = { ...launch, ...inputs };
  const result = valueOf(level === 'tile' ? runPlanWithTiles(artefact, input) : runPlanWithLockstep(artefact, input, { subgroupWidth: 4 }));
  if (result.problems.length > 0) throw new Error(result.problems.map(printProblem).join('\n'));
  return result;
}

export function launchOf(sizes: Sizes, rest: Partial<Launch> = {}): Launch {
  return { sizes, scalars: new Map(), tensors: new Map(), ...rest };
}
