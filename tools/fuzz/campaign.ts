/**
 * A run of the fuzzer. In: fast-check, an arbitrary of cases, a check, how many runs from which seed. Out: counts, and the first
 * failure, shrunk. Cases are drawn in small lots, each with a seed of its own, so that memory stays flat and the lot of the failure can be
 * drawn again for shrinking.
 */
import type { Arbitrary } from 'fast-check';
import { mixSeeds } from '../random.ts';
import type { Case } from './random-programs.ts';

type FastCheck = (typeof import('fast-check'))['default'];

export interface CampaignOptions {
  readonly runs: number;
  readonly seed: number;
  /** Milliseconds after which shrinking ends with what it has. */
  readonly shrinkMs: number;
  readonly said: (text: string) => void;
  readonly now: () => number;
  /** Told the cases of a lot before they are checked one by one. */
  readonly prepare?: (lot: readonly (readonly [Case, number])[]) => Promise<void>;
}

export interface Found {
  readonly case: Case;
  readonly seed: number;
  readonly message: string;
  /** What was wrong before shrinking. */
  readonly firstMessage: string;
  readonly shrinks: number;
}

export interface CampaignResult {
  readonly runs: number;
  readonly failures: number;
  readonly seconds: number;
  readonly found?: Found;
}

const lot = 50;

/** Runs all cases; failures after the first are only counted. */
export async function campaign(fc: FastCheck, cases: Arbitrary<Case>, check: (c: Case, seed: number) => Promise<string | undefined>, options: CampaignOptions): Promise<CampaignResult> {
  const { runs, now, said } = options;
  const start = now();
  const drawn = fc.tuple(cases, fc.nat(0x7fffffff));
  let done = 0;
  let failures = 0;
  let found: Found | undefined;
  while (done < runs) {
    const seed = mixSeeds(options.seed, done);
    const numRuns = Math.min(lot, runs - done);
    // The same seed draws the same cases.
    await options.prepare?.(fc.sample(drawn, { seed, numRuns }));
    let first: string | undefined;
    await fc.check(
      fc.asyncProperty(drawn, async ([c, caseSeed]) => {
        const wrong = await check(c, caseSeed);
        done += 1;
        if (wrong !== undefined) {
          failures += 1;
          first ??= wrong;
        }
        const seconds = (now() - start) / 1000;
        said(`fuzz: ${done} of ${runs}, ${(done / Math.max(0.001, seconds)).toFixed(1)} a second, ${failures} failed`);
      }),
      { seed, numRuns },
    );
    if (first !== undefined && found === undefined) found = await shrink(fc, drawn, check, { seed, numRuns, first, deadline: now() + options.shrinkMs, now, said });
  }
  return { runs: done, failures, seconds: (now() - start) / 1000, ...(found === undefined ? {} : { found }) };
}

interface ShrinkOptions {
  readonly seed: number;
  readonly numRuns: number;
  readonly first: string;
  readonly deadline: number;
  readonly now: () => number;
  readonly said: (text: string) => void;
}

async function shrink(fc: FastCheck, drawn: Arbitrary<[Case, number]>, check: (c: Case, seed: number) => Promise<string | undefined>, options: ShrinkOptions): Promise<Found | undefined> {
  let tries = 0;
  let last = '';
  let smallest: readonly [Case, number] | undefined;
  await fc.check(
    fc.asyncProperty(drawn, async ([c, caseSeed]) => {
      // Out of time every smaller case counts as good, so that fast-check stops.
      if (smallest !== undefined && options.now() > options.deadline) return;
      tries += 1;
      options.said(`fuzz: shrinking, ${tries} tries`);
      const wrong = await check(c, caseSeed);
      if (wrong === undefined) return;
      smallest = [c, caseSeed];
      last = wrong;
      throw new Error(wrong);
    }),
    { seed: options.seed, numRuns: options.numRuns },
  );
  if (smallest === undefined) return undefined;
  return { case: smallest[0], seed: smallest[1], message: last, firstMessage: options.first, shrinks: tries };
}
