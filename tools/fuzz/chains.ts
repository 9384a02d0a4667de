/**
 * A chain under random launches. In: a chain, a level, a seed. Out: nothing when every call gives what its unit means on what was really made
 * before it, and when sharing memory changes no bit; else what went wrong, in a sentence. The seed fixes the launch, the target and the
 * tiles, so it replays the case by itself.
 */
import { chainSizes } from '../../compiler/interpreters/dense/chain.ts';
import { checkChain } from '../../compiler/interpreters/chain-check.ts';
import { runPlanWithLockstep, runPlanWithTiles } from '../../compiler/interpreters/launch.ts';
import { printProblem } from '../../compiler/interpreters/problem.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';
import { compileChain } from '../../compiler/pipeline.ts';
import type { ChainOptions, CompiledChain } from '../../compiler/pipeline.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { Launch } from '../../compiler/spec/ir.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import { CompilerBug, DiagnosticError, good } from '../../dsl/diagnostic.ts';
import type { Checked, Diagnostic } from '../../dsl/diagnostic.ts';
import { cudaTargets } from '../../backends/targets.ts';
import { compileEmulated, neededOf, runEmulated } from '../engines/cuda-emulated.ts';
import { runChainOnDevice } from '../engines/device-chain.ts';
import { sharedSession } from '../engines/device.ts';
import type { EngineOutput } from '../engines/engine.ts';
import { mixSeeds, randomOf } from '../random.ts';
import { launchFrom } from './file-cases.ts';
import { randomSchedules, randomTarget, type Level } from './levels.ts';

export interface ChainFuzzOptions {
  readonly dtype: FloatElement;
  readonly maxLength: number;
  readonly adapter?: string;
  readonly onRefused?: () => void;
}

type Made = ReadonlyMap<string, EngineOutput>;

/** A launch of the chain from a seed: square or not, now and then a single query. */
function launchOf(chain: ChainSpec, seed: number, maxLength: number): Launch {
  let broken: readonly Diagnostic[] = [];
  for (let round = 0; round < 20; round += 1) {
    const random = randomOf(mixSeeds(seed, round));
    const length = (): number => random.int(1, maxLength + 1);
    const nK = length();
    const nQ = random.pick([nK, nK, length(), 1]);
    const launch = launchFrom(chain, chainSizes(chain, { batch: random.int(1, 3), nQ, nK }), mixSeeds(seed, 100 + round));
    if ('sizes' in launch) return launch;
    broken = launch;
  }
  throw new DiagnosticError(broken);
}

async function run(level: Exclude<Level, 'algebra' | 'wgsl'>, compiled: CompiledChain, launch: Launch, subgroupWidth: number): Promise<Checked<Made>> {
  const input = { ...launch, q: [], k: [], v: [] };
  if (level === 'cuda-emulated') {
    const programs = await compileEmulated([neededOf(compiled, input)]);
    if (!programs.ok) return programs;
    const [program] = programs.value;
    if (program === undefined) throw new CompilerBug('cuda-emulated', 'one program went in and none came out');
    const ran = runEmulated(program, input);
    if (!ran.ok) return ran;
    if (ran.value.problems.length > 0) throw new CompilerBug('cuda-emulated', ran.value.problems[0] ?? '');
    return good(ran.value.outputs);
  }
  const ran = level === 'tile' ? runPlanWithTiles(compiled, input) : runPlanWithLockstep(compiled, input, { subgroupWidth });
  if (!ran.ok) return ran;
  const [problem] = ran.value.problems;
  if (problem !== undefined) throw new CompilerBug(level, printProblem(problem));
  return good(ran.value.outputs);
}

/** What is wrong with one case, or undefined. Exceptions of the compiler are findings too. */
export async function checkChainCase(level: Level, chain: ChainSpec, seed: number, options: ChainFuzzOptions): Promise<string | undefined> {
  const { dtype } = options;
  const launch = launchOf(chain, seed, options.maxLength);
  const random = randomOf(seed);
  try {
    const session = level === 'wgsl' ? await sharedSession(options.adapter) : undefined;
    if (session !== undefined && !session.ok) return session.diagnostics[0]?.message;
    const [first, ...rest] = cudaTargets;
    const target = session?.value.target ?? (level === 'cuda-emulated' && first !== undefined ? random.pick([first, ...rest]) : randomTarget(random));
    const schedules = randomSchedules(random, target, chain.sizes.dim, { dtype });
    const compile = (outputs?: 'all'): Checked<CompiledChain> => {
      const wanted: ChainOptions = { target, dtype, schedules, ...(level === 'tile' || level === 'algebra' ? { upTo: 'tile' } : {}), ...(outputs === undefined ? {} : { outputs }) };
      return compileChain(chain, wanted);
    };
    const [full, lean] = [compile('all'), compile()];
    if (!full.ok) return refusal(full.diagnostics, options);
    if (!lean.ok) return refusal(lean.diagnostics, options);
    const at = level === 'algebra' ? 'tile' : level;
    const device = (outputs?: 'all'): Promise<Checked<Made>> => runChainOnDevice({ chain, launch, dtype, schedules, ...(outputs === undefined ? {} : { outputs }), ...(options.adapter === undefined ? {} : { adapter: options.adapter }) })
      .then((ran) => (ran.ok ? good(ran.value.outputs) : ran));
    const width = Math.max(8, ...full.value.kernelPrograms.map((k) => k.subgroup ?? 0));
    const made = await (at === 'wgsl' ? device('all') : run(at, full.value, launch, width));
    if (!made.ok) return refusal(made.diagnostics, options);
    const [wrong] = checkChain(full.value.chain, launch, made.value, { outType: dtype, cutsOf: (unit, of) => cutsOf(full.value.units[unit] ?? unknown(unit), of) });
    if (wrong !== undefined) return `${target.name}: ${wrong}`;
    const shared = await (at === 'wgsl' ? device() : run(at, lean.value, launch, width));
    if (!shared.ok) return refusal(shared.diagnostics, options);
    const differing = chain.outputs.find(({ name, value }) => !same(shared.value.get(name)?.values, made.value.get(value)?.values));
    return differing === undefined ? undefined : `${target.name}: ${differing.name} changes where memory is shared`;
  } catch (error) {
    return `exception: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  }
}

function unknown(unit: number): never {
  throw new CompilerBug('fuzz', `no unit ${unit}`);
}

function same(a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && Array.from(a).every((x, i) => Object.is(x, b[i]));
}

/** A refusal for want of resources is an honest answer. */
function refusal(diagnostics: readonly Diagnostic[], options: ChainFuzzOptions): string | undefined {
  const wrong = diagnostics.find((d) => d.severity === 'error' && d.kind !== 'resource');
  if (wrong !== undefined) return `refused: ${wrong.code}: ${wrong.message}`;
  options.onRefused?.();
  return undefined;
}
