/**
 * What the fuzzer checks at each level. In: a program with a launch and inputs, and a seed for what the case leaves open (tile sizes,
 * subgroup width, target). Out: nothing when the level agrees with the dense interpreter, else what went wrong, in a sentence.
 * algebra: the plan visits each live pair exactly once. tile, kernel: the interpreters of those levels within the error bounds.
 * wgsl: a device within the error bounds. cuda-emulated: what nvcc made, on the emulator, which finds faults of its own besides.
 */
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import type { Comparison } from '../../compiler/interpreters/bounds.ts';
import { denseStages } from '../../compiler/interpreters/dense/index.ts';
import { runPlanWithLockstep, runPlanWithTiles } from '../../compiler/interpreters/launch.ts';
import { printProblem } from '../../compiler/interpreters/problem.ts';
import { cutsOf, type Cuts } from '../../compiler/launch/cuts.ts';
import { compileSpec } from '../../compiler/pipeline.ts';
import type { Compiled, CompileOptions } from '../../compiler/pipeline.ts';
import { checkCoverage, printViolation } from '../../compiler/plan/coverage.ts';
import { makePlan } from '../../compiler/plan/make-plan.ts';
import { verifyPlan } from '../../compiler/plan/verify.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import { good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked, Diagnostic } from '../../dsl/diagnostic.ts';
import { cudaTargets, targets } from '../../backends/targets.ts';
import { compileEmulated, neededOf, runEmulated } from '../engines/cuda-emulated.ts';
import type { EmulatedProgram } from '../engines/cuda-emulated.ts';
import { sharedSession } from '../engines/device.ts';
import { compileWgsl } from '../engines/compile.ts';
import type { EngineResult } from '../engines/engine.ts';
import { asStored } from '../inputs.ts';
import { mixSeeds, randomOf } from '../random.ts';
import type { Random } from '../random.ts';
import type { Case } from './random-programs.ts';
import { randomSchedule } from './random-schedule.ts';
import type { Numbers } from './random-schedule.ts';
import { asGiven, judgedCase, stageFault } from './stage-cases.ts';

export const levels = ['algebra', 'tile', 'kernel', 'wgsl', 'cuda-emulated'] as const;

export type Level = (typeof levels)[number];

export interface LevelOptions extends Numbers {
  readonly adapter?: string;
  /** Called for each case that a limit of the target refuses: nothing was compared then. */
  readonly onRefused?: () => void;
}

/** Numbers by the seed of a case, for campaigns that are asked for none. */
export function drawnNumbers(seed: number): Numbers {
  return randomOf(mixSeeds(seed, 16)).pick<Numbers>([{ dtype: 'f32' }, { dtype: 'f16' }, { dtype: 'bf16' }, { dtype: 'f32', products: 'tf32' }]);
}

/** What is wrong with a case at a level, or undefined. Exceptions of the compiler are findings too. */
export async function checkCase(level: Level, asked: Case, seed: number, options: LevelOptions): Promise<string | undefined> {
  try {
    // The numbers as they are stored: the reference works on the same.
    const given = judgedCase(storedAs(asked, options), seed);
    switch (level) {
      case 'algebra':
        return checkAlgebra(given, randomOf(seed), options);
      case 'tile':
      case 'kernel':
        return checkOnHost(level, given, randomOf(seed), options);
      case 'wgsl':
        return await checkOnDevice(given, randomOf(seed), options);
      case 'cuda-emulated':
        return await checkOnEmulator(given, seed, options);
      default:
        return unreachable(level);
    }
  } catch (error) {
    return `exception: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  }
}

/** The case with q, k and v as they are stored: what the reference works on as well. Random numbers have 11 digits; tf32 shall have more to round. */
function storedAs(asked: Case, { dtype, products }: Numbers): Case {
  if (products === undefined) return { ...asked, inputs: asStored(asked.inputs, dtype) };
  const longer = (data: Case['inputs']['q']): Case['inputs']['q'] => data.map((x) => Math.fround(x * 1.1));
  return { ...asked, inputs: { q: longer(asked.inputs.q), k: longer(asked.inputs.k), v: longer(asked.inputs.v) } };
}

function refusal(diagnostics: readonly Diagnostic[], options: LevelOptions): string | undefined {
  // A resource refusal is an honest answer; anything else means that a good program was called bad.
  const wrong = diagnostics.find((d) => d.severity === 'error' && d.kind !== 'resource');
  if (wrong !== undefined) return `refused: ${wrong.code}: ${wrong.message}`;
  options.onRefused?.();
  return undefined;
}

function checkAlgebra(given: Case, random: Random, options: LevelOptions): string | undefined {
  const { spec, launch } = asGiven(given, exactStages(given));
  const planned = makePlan(spec);
  if (!planned.ok) return refusal(planned.diagnostics, options);
  const broken = verifyPlan(planned.value)[0];
  if (broken !== undefined) return `plan: ${broken.rule}: ${broken.message}`;
  const geometry = { queryTile: random.pick([8, 1, 3, 4, 16, 32]), keyTile: random.pick([8, 1, 4, 5, 16, 32]) };
  const violation = checkCoverage(planned.value, launch, geometry)[0];
  return violation === undefined ? undefined : `tiles of ${geometry.queryTile} x ${geometry.keyTile}: ${printViolation(violation)}`;
}

function describe(name: string, c: Comparison): string {
  return `${name}: element ${c.element} of row ${c.row} is ${c.actual}, expected ${c.expected} within ${c.bound}`;
}

/** Stage tensors of the interpreter. */
function exactStages({ spec, launch, inputs }: Case): NonNullable<EngineResult['outputs']> {
  return new Map([...denseStages(spec, launch, inputs)].map(([name, { extents, data }]) => [name, { extents, values: data }]));
}

/** Compares a result with the interpreter's: stage tensors by their rules, the attention on the stage tensors that came out. */
export function compareResult(given: Case, result: Pick<EngineResult, 'out' | 'lse' | 'outputs'>, dtype: FloatElement, cuts: Cuts): string | undefined {
  const fault = stageFault(given, result.outputs);
  if (fault !== undefined || given.spec.computes === 'stages') return fault;
  const { spec, launch, inputs } = asGiven(given, result.outputs);
  const truth = attentionWithBounds(spec, launch, inputs, { outType: dtype, ...cuts });
  const out = compareRows(result.out, truth.out, truth.bounds.out);
  if (!out.ok) return describe('out', out);
  const lse = compareRows(result.lse, truth.lse, truth.bounds.lse);
  return lse.ok ? undefined : describe('lse', lse);
}

/** A target with small limits now and then, so that every way of the lowering is taken. */
export function randomTarget(random: Random): TargetRecord {
  const [first, ...rest] = targets;
  if (first === undefined) throw new Error('there are no targets');
  return random.pick([first, ...rest]);
}

export function randomSchedules(random: Random, target: TargetRecord, dim: number, numbers: Numbers): NonNullable<CompileOptions['schedules']> {
  if (random.coin(0.3)) return {};
  return {
    prefill: randomSchedule(random, target, dim, numbers, 'prefill'), decode: randomSchedule(random, target, dim, numbers, 'decode'),
    // Runs so short that small lines are merged.
    ...(random.coin(0.6) ? { orders: { counted: random.pick([0, 2, 5]), run: random.pick([2, 4]), fan: random.pick([2, 4]) } } : {}),
  };
}

function checkOnHost(level: 'tile' | 'kernel', given: Case, random: Random, options: LevelOptions): string | undefined {
  const { dtype } = options;
  const { spec, launch, inputs } = given;
  const { dim } = launch.sizes;
  const target = randomTarget(random);
  const compiled = compileSpec(spec, { target, dim, dtype, schedules: randomSchedules(random, target, dim, { dtype }), ...(level === 'tile' ? { upTo: 'tile' as const } : {}) });
  if (!compiled.ok) return refusal(compiled.diagnostics, options);
  const input = { ...launch, ...inputs };
  // Any width that the kernels count on at least.
  const least = Math.max(4, ...compiled.value.kernelPrograms.map((k) => k.subgroup ?? 0));
  const widths = [4, 8, 16, 32, 64].filter((w) => w >= least);
  const width = widths[random.int(0, widths.length)] ?? 64;
  const ran = level === 'tile' ? runPlanWithTiles(compiled.value, input) : runPlanWithLockstep(compiled.value, input, { subgroupWidth: width });
  if (!ran.ok) return refusal(ran.diagnostics, options);
  const { problems } = ran.value;
  const where = `${target.name}${level === 'kernel' ? `, subgroups of ${width}` : ''}`;
  const [problem] = problems;
  if (problem !== undefined) return `${where}: ${printProblem(problem)}`;
  const wrong = compareResult(given, ran.value, dtype, cutsOf(compiled.value, launch));
  return wrong === undefined ? undefined : `${where}: ${wrong}`;
}

async function checkOnDevice(given: Case, random: Random, options: LevelOptions): Promise<string | undefined> {
  const { dtype, adapter } = options;
  const session = await sharedSession(adapter);
  if (!session.ok) return refusal(session.diagnostics, options) ?? session.diagnostics[0]?.message;
  const { spec, launch, inputs } = given;
  const { target } = session.value;
  const compiled = compileWgsl(spec, { target, dim: launch.sizes.dim, dtype, schedules: randomSchedules(random, target, launch.sizes.dim, { dtype }) });
  if (!compiled.ok) return refusal(compiled.diagnostics, options);
  const ready = await session.value.prepare(compiled.value, launch);
  if (!ready.ok) return refusal(ready.diagnostics, options);
  const result = await ready.value.run(inputs);
  ready.value.destroy();
  if (!result.ok) return refusal(result.diagnostics, options);
  return compareResult(given, result.value, dtype, cutsOf(compiled.value, launch));
}

/** The compilation that a case and its seed stand for. */
function compileForCuda({ spec, launch }: Case, random: Random, { dtype, products }: Numbers): Checked<Compiled> {
  const numbers = { dtype, ...(products === undefined ? {} : { products }) };
  const [first, ...rest] = cudaTargets;
  if (first === undefined) throw new Error('there are no targets');
  const { dim } = launch.sizes;
  const target = random.pick([first, ...rest]);
  return compileSpec(spec, { target, dim, ...numbers, schedules: randomSchedules(random, target, dim, numbers) });
}

interface Warmed {
  readonly compiled: Compiled;
  readonly program: EmulatedProgram;
}

/** Programs that warmEmulator has compiled, by case: drawn again, a case is another object with the same content. */
const warmed = new Map<string, Warmed>();

/** Everything that decides which kernels a case needs. */
function warmKey({ spec, launch }: Case, seed: number, { dtype, products }: Numbers): string {
  return JSON.stringify([seed, dtype, products, spec, launch.sizes, [...launch.scalars], [...launch.tensors].map(([name, { extents }]) => [name, extents])]);
}

/**
 * Compiles all cases of a lot with one run of nvcc, for checks of level cuda-emulated that follow. What cannot be compiled here (a refusal, a
 * bug) is left to the check of the case, which says why.
 */
export async function warmEmulator(lot: readonly (readonly [Case, number])[], numbersOf: (seed: number) => Numbers): Promise<void> {
  const ready = lot.flatMap(([asked, seed]) => {
    try {
      const given = judgedCase(asked, seed);
      const compiled = compileForCuda(given, randomOf(seed), numbersOf(seed));
      return compiled.ok ? [{ key: warmKey(given, seed, numbersOf(seed)), compiled: compiled.value, needed: neededOf(compiled.value, given.launch) }] : [];
    } catch {
      return [];
    }
  });
  const programs = await compileEmulated(ready.map((r) => r.needed));
  // The lot before is done with.
  warmed.clear();
  if (!programs.ok) return;
  ready.forEach(({ key, compiled }, i) => {
    const program = programs.value[i];
    if (program !== undefined) warmed.set(key, { compiled, program });
  });
}

async function programOf(given: Case, seed: number, options: LevelOptions): Promise<Checked<Warmed>> {
  const ready = warmed.get(warmKey(given, seed, options));
  if (ready !== undefined) return good(ready);
  const compiled = compileForCuda(given, randomOf(seed), options);
  if (!compiled.ok) return compiled;
  const programs = await compileEmulated([neededOf(compiled.value, given.launch)]);
  if (!programs.ok) return programs;
  const [program] = programs.value;
  if (program === undefined) throw new Error('one program went in and none came out');
  return good({ compiled: compiled.value, program });
}

async function checkOnEmulator(given: Case, seed: number, options: LevelOptions): Promise<string | undefined> {
  const ready = await programOf(given, seed, options);
  if (!ready.ok) {
    // Without a compiler nothing is checked, which is no success.
    const missing = ready.diagnostics.find((d) => d.code === 'FIL0612');
    return missing?.message ?? refusal(ready.diagnostics, options);
  }
  const { compiled, program } = ready.value;
  const completion = (['late', 'eager'] as const)[seed % 2] ?? 'late';
  const ran = runEmulated(program, { ...given.launch, ...given.inputs }, { order: seed % 4 === 0 ? 'forward' : seed, completion });
  if (!ran.ok) return refusal(ran.diagnostics, options);
  const [problem] = ran.value.problems;
  return problem ?? compareResult(given, ran.value, options.dtype, cutsOf(compiled, given.launch));
}
