/**
 * Random chains: every call judged on what was really made before it, and memory that is shared changes no bit.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { webgpuDefault, webgpuSubgroups } from '../../../backends/targets.ts';
import { chainSizes } from '../../../compiler/interpreters/dense/chain.ts';
import { checkChain } from '../../../compiler/interpreters/chain-check.ts';
import { runPlanWithLockstep, runPlanWithTiles, type LaunchOutput } from '../../../compiler/interpreters/launch.ts';
import { printProblem } from '../../../compiler/interpreters/problem.ts';
import { compileChain, type CompiledChain } from '../../../compiler/pipeline.ts';
import { asStored } from '../../../tools/inputs.ts';
import { smallPrefill, smallDecode } from '../../support/levels.ts';
import { chainOfCase, type ChainCase } from '../../support/random-chain.ts';
import { randomCases, randomStageCases } from '../../support/random-spec.ts';

/** The chain compiled, or nothing where a limit of the target refuses it. */
function compiled(level: 'tile' | 'kernel', { chain }: ChainCase, outputs?: 'all'): CompiledChain | undefined {
  const target = chain.scalars.length % 2 === 0 ? webgpuSubgroups : webgpuDefault;
  const prefill = target === webgpuDefault ? { ...smallPrefill, operand: 'workgroup' as const, subgroup: 1 } : smallPrefill;
  const decode = target === webgpuDefault ? { ...smallDecode, subgroup: 1 } : smallDecode;
  const made = compileChain(chain, { target, dtype: 'f32', schedules: { prefill, decode }, ...(level === 'tile' ? { upTo: 'tile' } : {}), ...(outputs === undefined ? {} : { outputs }) });
  if (made.ok) return made.value;
  const wrong = made.diagnostics.filter((d) => d.kind !== 'resource');
  expect(wrong.map((d) => d.message)).toEqual([]);
  return undefined;
}

function run(level: 'tile' | 'kernel', artefact: CompiledChain, { launch }: ChainCase): LaunchOutput {
  const input = { ...launch, sizes: chainSizes(artefact.chain, launch.sizes), q: [], k: [], v: [] };
  const ran = level === 'tile' ? runPlanWithTiles(artefact, input) : runPlanWithLockstep(artefact, input, { subgroupWidth: 8 });
  if (!ran.ok) throw new Error(ran.diagnostics.map((d) => d.message).join('; '));
  return ran.value;
}

function check(level: 'tile' | 'kernel', given: ChainCase): void {
  const [full, lean] = [compiled(level, given, 'all'), compiled(level, given)];
  if (full === undefined || lean === undefined) return;
  const made = run(level, full, given);
  expect(made.problems.map(printProblem)).toEqual([]);
  expect(checkChain(full.chain, given.launch, made.outputs, { outType: 'f32', cutsOf: () => ({ keySteps: given.launch.sizes.nK + 16, splits: 64 }) })).toEqual([]);
  const shared = run(level, lean, given);
  expect(shared.problems.map(printProblem)).toEqual([]);
  for (const { name, value } of given.chain.outputs) expect(shared.outputs.get(name)?.values, name).toEqual(made.outputs.get(value)?.values);
}

describe.each([['programs', randomCases({ maxLength: 20, dims: [4, 8] })], ['stages', randomStageCases({ maxLength: 9, maxEquations: 4 })]] as const)('random chains of %s', (_, cases) => {
  it.each([['tile', 20], ['kernel', 5]] as const)('on %s programs', (level, numRuns) => {
    fc.assert(fc.property(cases, fc.nat(1000), (c, seed) => check(level, chainOfCase({ ...c, inputs: asStored(c.inputs, 'f32') }, seed))), { seed: 11, numRuns });
  }, 60_000);
});
