/**
 * A program at every level, for tests that look between the stages. In: source text, a launch, a target and small schedules. Out:
 * the plan, tile programs, kernel programs and host plan, and functions that judge one level by the one above: what they return is
 * a list of complaints, empty for a correct compiler.
 */
import { swiftshader } from '../../backends/targets.ts';
import { chooseSchedule } from '../../compiler/choose-schedule.ts';
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import { runPlanWithLockstep, runPlanWithTiles } from '../../compiler/interpreters/launch.ts';
import type { Artefact, LaunchOutput } from '../../compiler/interpreters/launch.ts';
import { printProblem } from '../../compiler/interpreters/problem.ts';
import type { KernelProgram } from '../../compiler/kernel/ir.ts';
import { lowerTile } from '../../compiler/kernel/lower-tile.ts';
import { makeHostPlan } from '../../compiler/launch/host-plan.ts';
import { lowerPlan } from '../../compiler/launch/lower-plan.ts';
import type { LowerOptions } from '../../compiler/launch/lower-plan.ts';
import { checkCoverage, printViolation } from '../../compiler/plan/coverage.ts';
import type { Plan } from '../../compiler/plan/ir.ts';
import { makePlan } from '../../compiler/plan/make-plan.ts';
import type { Schedule } from '../../compiler/schedule.ts';
import { withDefaults } from '../../compiler/spec/check-launch.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Launch, Sizes, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { randomInputs } from './random-spec.ts';

export interface Case {
  readonly spec: Spec;
  readonly launch: Launch;
  readonly inputs: Inputs;
}

function valueOf<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(checked.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return checked.value;
}

/** The spec of the declaration `name` in a source text; imports are read by `readFile`. */
export function specOf(text: string, name: string, readFile: (path: string) => string | undefined = () => undefined, constants: Readonly<Record<string, number>> = {}): Spec {
  return valueOf(compileSource({ file: 'case.fil', text }, readFile, name, new Map(Object.entries(constants))));
}

export function sizesOf(nQ: number, nK: number, dim = 8, heads = 2, kvHeads = 1, batch = 1): Sizes {
  return { batch, heads, kvHeads, nQ, nK, dim };
}

export function intTensor(extents: readonly number[], values: readonly number[]): TensorValue {
  return { extents, data: Int32Array.from(values) };
}

/** A case with seeded random q, k, v. */
export function caseOf(spec: Spec, sizes: Sizes, scalars: Readonly<Record<string, number>> = {}, tensors: Readonly<Record<string, TensorValue>> = {}, seed = 1): Case {
  const launch = withDefaults(spec, { sizes, scalars: new Map(Object.entries(scalars)), tensors: new Map(Object.entries(tensors)) });
  return { spec, launch, inputs: randomInputs(sizes, seed) };
}

/** Tiles small enough that short sequences have many of them. */
export const smallPrefill: Schedule = {
  layout: 'rows-on-lanes', lanes: 4, rowsPerLane: 2, keyStep: 4, keyTile: 8, operand: 'shuffle', subgroup: 4, rowStorage: 'registers', chunkUnroll: 64,
};
export const smallDecode: Schedule = {
  layout: 'keys-on-lanes', lanes: 4, rowsPerLane: 2, keyStep: 4, keyTile: 8, operand: 'direct', subgroup: 4, rowStorage: 'registers', chunkUnroll: 64,
};

export interface LevelOptions {
  readonly target?: TargetRecord;
  readonly dtype?: 'f32' | 'f16';
  readonly prefill?: Schedule;
  readonly decode?: Schedule;
  /** Workgroups that fill the machine; more of them means more splits over the keys. */
  readonly parallelism?: number;
}

export interface Levels extends Artefact {
  readonly plan: Plan;
  readonly keyTile: number;
}

export function planOf(spec: Spec): Plan {
  return valueOf(makePlan(spec));
}

/** The levels below a plan, without the verifiers in between: the plan may be broken on purpose. */
export function lowerFrom(plan: Plan, dim: number, options: LevelOptions = {}): Levels {
  const { target = swiftshader, dtype = 'f32', prefill = smallPrefill, decode = smallDecode, parallelism = 4 } = options;
  const choose = (kind: 'merge' | 'table'): Schedule => chooseSchedule(target, { dim, dtype, kind, pins: plan.spec.pins });
  const lowering: LowerOptions = { dim, dtype, schedules: { prefill, decode, merge: choose('merge'), table: choose('table') }, parallelism };
  const lowered = valueOf(lowerPlan(plan, lowering));
  const kernelPrograms = lowered.requests.map(({ program, schedule }): KernelProgram => valueOf(lowerTile(program, schedule, target)));
  return {
    plan,
    keyTile: prefill.keyTile,
    tilePrograms: lowered.requests.map((r) => r.program),
    kernelPrograms,
    hostPlan: makeHostPlan(plan, lowering, lowered, kernelPrograms),
  };
}

export function levelsOf(spec: Spec, dim: number, options: LevelOptions = {}): Levels {
  return lowerFrom(planOf(spec), dim, options);
}

/** What the coverage checker says of a plan, for several tile sizes. */
export function coverageComplaints(plan: Plan, { launch }: Case, geometries: readonly (readonly [number, number])[] = [[8, 8], [4, 16], [1, 5]]): readonly string[] {
  return geometries.flatMap(([queryTile, keyTile]) => checkCoverage(plan, launch, { queryTile, keyTile }).map(printViolation));
}

/** Complaints about a run: problems, and rows that differ from the dense interpreter by more than the arithmetic allows. */
function complaints(ran: Checked<LaunchOutput>, { spec, launch, inputs }: Case, dtype: 'f32' | 'f16'): readonly string[] {
  const { out, lse, problems } = valueOf(ran);
  const dense = attentionWithBounds(spec, launch, inputs, { outType: dtype, splits: 16, keySteps: launch.sizes.nK + 2 });
  const outWorst = compareRows(out, dense.out, dense.bounds.out);
  const lseWorst = compareRows(lse, dense.lse, dense.bounds.lse);
  return [
    ...problems.map(printProblem),
    ...(outWorst.ratio <= 1 ? [] : [`out: row ${outWorst.row} is ${outWorst.actual}, not ${outWorst.expected} (${outWorst.ratio} of its bound)`]),
    ...(lseWorst.ratio <= 1 ? [] : [`lse: row ${lseWorst.row} is ${lseWorst.actual}, not ${lseWorst.expected} (${lseWorst.ratio} of its bound)`]),
  ];
}

/** Steps that no correct small program needs: a mutant that loops for ever is given up here. */
const maxSteps = 2_000_000;

export function tileComplaints(levels: Artefact, of: Case, dtype: 'f32' | 'f16' = 'f32'): readonly string[] {
  return complaints(runPlanWithTiles(levels, { ...of.launch, ...of.inputs }, { maxSteps }), of, dtype);
}

export function kernelComplaints(levels: Artefact, of: Case, subgroupWidth = 4, dtype: 'f32' | 'f16' = 'f32'): readonly string[] {
  return complaints(runPlanWithLockstep(levels, { ...of.launch, ...of.inputs }, { subgroupWidth, maxSteps }), of, dtype);
}

/** out and lse of a run on the lock-step interpreter. */
export function lockstepResult(levels: Artefact, of: Case, subgroupWidth: number): LaunchOutput {
  return valueOf(runPlanWithLockstep(levels, { ...of.launch, ...of.inputs }, { subgroupWidth, maxSteps }));
}
