/**
 * Choices that rounding may decide. In: a run whose selection differs from the reference, on a backend that computes in f32. Out: what is
 * wrong with it, or nothing where it is proved that a correct f32 evaluation can choose as this one did. The law is the one of
 * stage-check.ts: every stage tensor is what its rule gives on the tensors really made before it, within the error of that one rule, so that
 * a choice differs from the exact one only where what decides it lies within its rounding error; out and lse are the attention over the
 * tensors that were made, within the bound of the arithmetic.
 */
import type { Case } from '../fuzz/random-programs.ts';
import { compareResult } from '../fuzz/levels.ts';
import { withAllOutputs } from '../fuzz/stage-cases.ts';
import { runBackend } from '../engines/index.ts';
import type { Backend } from '../engines/index.ts';

/** Runs the case once more with all its stage tensors given back. A sentence about the first fault; undefined: all is within rounding. */
export async function roundingFault(given: Case, backend: Backend): Promise<string | undefined> {
  const open = withAllOutputs(given);
  const ran = await runBackend(backend, { ...open, dtype: 'f32' });
  if (!ran.ok) return ran.diagnostics.map((d) => `${d.code} ${d.message}`).join('; ');
  // No schedule updates a softmax more often than once a key, nor merges more parts than there are keys.
  const { nK } = given.launch.sizes;
  return compareResult(open, ran.value, 'f32', { keySteps: nK + 16, splits: Math.max(1, nK) });
}
