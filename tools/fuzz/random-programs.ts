/**
 * What the fuzzer asks of the generator of random programs (test/support/random-spec.ts), as types only: the generator and
 * fast-check stand outside the tools and are loaded when they are there.
 */
import type { Arbitrary } from 'fast-check';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';

/** A program with a launch and inputs. */
export interface Case {
  readonly spec: Spec;
  readonly launch: Launch;
  readonly inputs: Inputs;
  /** The text of the program, where it was made as text. */
  readonly source?: string;
}

export interface RandomPrograms {
  readonly randomCases: (options?: { readonly maxLength?: number; readonly dims?: readonly number[] }) => Arbitrary<Case>;
  /** Programs with stages. */
  readonly randomStageCases: (options?: { readonly maxLength?: number; readonly dims?: readonly number[] }) => Arbitrary<Case>;
}
