/**
 * The conformance suite, written once against "execute this plan". In: an executor and what it compiles for. Out: tests. Holds:
 * results are judged by the dense interpreter and the bound of each row; problems, NaN and elements that nobody wrote fail.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import { resolveLaunch } from '../../compiler/launch/resolve.ts';
import { compileSpec, type CompileOptions, type Compiled } from '../../compiler/pipeline.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import { CompilerBug, type Checked } from '../../dsl/diagnostic.ts';
import { asStored } from '../../tools/inputs.ts';
import { randomCases, type RandomCase } from '../support/random-spec.ts';
import { cases } from './cases.ts';
import type { Executor } from './executor.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';

export interface Candidate {
  readonly name: string;
  /** The executor, or why there is none here. */
  readonly open: () => Promise<Executor | string>;
  readonly compile: Omit<CompileOptions, 'dim'>;
  /** How many random programs to run beside the named cases. */
  readonly randomRuns: number;
}

function compileOrSay(given: RandomCase, candidate: Candidate): Checked<Compiled> | string {
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
export async function judge(executor: Executor, candidate: Candidate, given: RandomCase): Promise<Verdict> {
  const { dtype } = candidate.compile;
  const compiled = compileOrSay(given, candidate);
  if (typeof compiled === 'string') return { wrong: [compiled] };
  if (!compiled.ok) {
    const words = compiled.diagnostics.map((d) => [d.code, d.message].join(' '));
    return compiled.diagnostics.every((d) => d.kind === 'resource') ? { wrong: [], refused: words.join('; ') } : { wrong: words };
  }
  const inputs = asStored(given.inputs, dtype);
  const { out, lse, problems } = await executor(compiled.value, { launch: given.launch, inputs });
  if (problems.length > 0) return { wrong: problems };
  const truth = attentionWithBounds(given.spec, given.launch, inputs, { outType: dtype, ...cutsOf(compiled.value, given.launch) });
  const compared = { out: compareRows(out, truth.out, truth.bounds.out), lse: compareRows(lse, truth.lse, truth.bounds.lse) };
  const wrong = Object.entries(compared).flatMap(([what, c]) => {
    if (c.ok) return [];
    return [[what, 'row', c.row, 'element', c.element, 'is', c.actual, 'not', c.expected, '; error over bound', c.ratio].join(' ')];
  });
  return { wrong };
}

const drawn = randomCases({ maxLength: 60 });
const seed = 2025;

/** Every launch that the suite will ask for, while nothing fails. */
export function launchesOf(candidate: Pick<Candidate, 'randomRuns'>): readonly RandomCase[] {
  return [...cases, ...fc.sample(drawn, { seed, numRuns: candidate.randomRuns })];
}

/** Declares the tests of one candidate. */
export function conformance(candidate: Candidate): void {
  describe(['conformance of', candidate.name].join(' '), () => {
    it.for(cases)('$name', async (given, { skip }) => {
      const executor = await candidate.open();
      if (typeof executor === 'string') return skip(executor);
      const { wrong, refused } = await judge(executor, candidate, given);
      if (refused !== undefined) return skip(refused);
      expect(wrong).toEqual([]);
    });

    it('random programs', async ({ skip }) => {
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
