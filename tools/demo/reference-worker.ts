/**
 * The interpreter in a thread of its own, so that it computes while drivers compile. In: messages with a number, a spec, a launch and
 * inputs. Out: for each a message with the number, the result and its error bounds, or what went wrong.
 */
import { parentPort } from 'node:worker_threads';
import { attentionWithBounds } from '../../compiler/interpreters/bounds.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import type { Cuts } from '../../compiler/launch/cuts.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';

export interface ReferenceRequest {
  readonly id: number;
  readonly spec: Spec;
  readonly launch: Launch;
  readonly inputs: Inputs;
  readonly outType: FloatElement;
  /** How the kernels under test cut the work of a row: the bounds depend on it. */
  readonly cuts: Cuts;
}

export interface Reference {
  readonly out: Float64Array;
  readonly lse: Float64Array;
  readonly outBounds: Float64Array;
  readonly lseBounds: Float64Array;
}

export type ReferenceReply = { readonly id: number; readonly value: Reference } | { readonly id: number; readonly error: string };

export function computeReference({ spec, launch, inputs, outType, cuts }: Omit<ReferenceRequest, 'id'>): Reference {
  const { out, lse, bounds } = attentionWithBounds(spec, launch, inputs, { outType, ...cuts });
  return { out, lse, outBounds: bounds.out, lseBounds: bounds.lse };
}

parentPort?.on('message', (request: ReferenceRequest) => {
  const { id } = request;
  try {
    const reply: ReferenceReply = { id, value: computeReference(request) };
    parentPort?.postMessage(reply);
  } catch (error) {
    const reply: ReferenceReply = { id, error: error instanceof Error ? error.message : String(error) };
    parentPort?.postMessage(reply);
  }
});
