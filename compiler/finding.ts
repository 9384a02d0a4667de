/**
 * What a verifier says about a value of a level: which of its rules is broken, and where. A finding is a fault of the pass that made
 * the value, never of the user.
 */
import type { Origin } from '../dsl/span.ts';

export interface Finding {
  /** The name of the broken rule. */
  readonly rule: string;
  readonly message: string;
  readonly origin: Origin;
}
