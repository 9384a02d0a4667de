/**
 * The conformance suite, written once against "execute this plan". In: an executor and what it compiles for. Out: tests. Holds:
 * results are judged by the dense interpreter and the bound of each row; problems, NaN and elements that nobody wrote fail.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import { compileSpec, type CompileOptions, type Compiled } from '../../compiler/pipeline.ts';
import { CompilerBug, type Checked } from '../../dsl/diagnostic.ts';
import { asGiven, stageFault, withAllOutputs } from '../../tools/fuzz/stage-cases.ts';
import { asStored } from '../../tools/inputs.ts';
import { randomCases, type RandomCase } from '../support/random-spec.ts';
import { cases, stageCases, type NamedCase } from './cases.ts';
import type { Executor } from './executor.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';

export interface Candidate {
  readonly name: string;
  /** The executor, or why there is none here. */
  readonly open: () => Promise<Executor | string>;
  readonly compile: Omit<CompileOptions, 'dim'>;
  /** How many random programs to run beside the named cases. */
  readonly randomRuns: number;
  /** Which named cases to run; all unless given. */
  readonly only?: (c: NamedCase) => boolean;
}

function compileOrSay(given: RandomCase, candidate: Pick<Candidate, 'compile'>): Checked<Compiled> | string {
  try {
    return compileSpec(given.spec, { ...candidate.compile, dim: given.launch.sizes.dim });
  } catch (error) {
    return error instanceof CompilerBug ? error.message : String(error);
  }
}

export interface Verdict {
  /** What is wrong, in words; empty: nothing. */
  readonly wrong: readonly string[];
  /** Why the target cannot carry this program: a resource refusal, which is no fault. */
  readonly refused?: string;
}

/** Compiles, runs and compares with the meaning. */
export async function judge(executor: Executor, candidate: Pick<Candidate, 'compile'>, asked: RandomCase): Promise<Verdict> {
  const { dtype } = candidate.compile;
  const given = withAllOutputs(asked);
  const compiled = compileOrSay(given, candidate);
  if (typeof compiled === 'string') return { wrong: [compiled] };
  if (!compiled.ok) {
    const words = compiled.diagnostics.map((d) => [d.code, d.message].join(' '));
    return compiled.diagnostics.every((d) => d.kind === 'resource') ? { wrong: [], refused: words.join('; ') } : { wrong: words };
  }
  const inputs = asStored(given.inputs, dtype);
  const { out, lse, outputs, problems } = await executor(compiled.value, { launch: given.launch, inputs });
  if (problems.length > 0) return { wrong: problems };
  const fault = stageFault({ ...given, inputs }, outputs);
  if (fault !== undefined) return { wrong: [fault] };
  // The attention on the tensors that the stages really made.
  const { spec, launch } = asGiven(given, outputs);
  const truth = attentionWithBounds(spec, launch, inputs, { outType: dtype, ...cutsOf(compiled.value, given.launch) });
  const compared = { out: compareRows(out, truth.out, truth.bounds.out), lse: compareRows(lse, truth.lse, truth.bounds.lse) };
  const wrong = Object.entries(compared).flatMap(([what, c]) => {
    if (c.ok) return [];
    return [[what, 'row', c.row, 'element', c.element, 'is', c.actual, 'not', c.expected, '; error over bound', c.ratio].join(' ')];
  });
  return { wrong };
}

const drawn = randomCases({ maxLength: 60 });
const seed = 2025;

function namedOf({ only }: Pick<Candidate, 'only'>): readonly NamedCase[] {
  return [...cases, ...stageCases].filter((c) => only?.(c) !== false);
}

/** Every launch that the suite will ask for, while nothing fails. */
export function launchesOf(candidate: Pick<Candidate, 'randomRuns' | 'only'>): readonly RandomCase[] {
  return [...namedOf(candidate), ...fc.sample(drawn, { seed, numRuns: candidate.randomRuns })].map(withAllOutputs);
}

/** Declares the tests of one candidate. */
export function conformance(candidate: Candidate): void {
  describe(['conformance of', candidate.name].join(' '), () => {
    it.for(namedOf(candidate))('$name', async (given, { skip }) => {
      const executor = await candidate.open();
      if (typeof executor === 'string') return skip(executor);
      const { wrong, refused } = await judge(executor, candidate, given);
      if (refused !== undefined) return skip(refused);
      expect(wrong).toEqual([]);
    });

    if (candidate.randomRuns > 0) it('random programs', async ({ skip }) => {
      const executor = await candidate.open();
      if (typeof executor === 'string') return skip(executor);
      await fc.assert(
        fc.asyncProperty(drawn, async (given) => {
          const { wrong, refused } = await judge(executor, candidate, given);
          fc.pre(refused === undefined);
          expect(wrong).toEqual([]);
        }),
        { seed, numRuns: candidate.randomRuns, endOnFailure: false },
      );
    });
  });
}
