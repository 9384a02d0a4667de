/**
 * Measuring in a thread of its own. In: messages with a number, the reference program, q, k, v and methods. Out: for each the number and the
 * figures of every method, or what went wrong. A message is one Q/K/V file: its dense attention is computed once for all methods.
 */
import { parentPort } from 'node:worker_threads';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import { measure } from './measure.ts';
import type { HeadFigures, Program, Subject } from './measure.ts';

export interface MeasureRequest {
  readonly dense: Program;
  readonly inputs: Inputs;
  readonly methods: readonly Subject[];
  readonly tile: number;
}

export type MeasureReply = { readonly id: number; readonly value: readonly (readonly HeadFigures[])[] } | { readonly id: number; readonly error: string };

export function measureAll({ dense, inputs, methods, tile }: MeasureRequest): readonly (readonly HeadFigures[])[] {
  return measure(dense, inputs, methods, tile);
}

parentPort?.on('message', (request: MeasureRequest & { readonly id: number }) => {
  const { id } = request;
  try {
    const reply: MeasureReply = { id, value: measureAll(request) };
    parentPort?.postMessage(reply);
  } catch (error) {
    const reply: MeasureReply = { id, error: error instanceof Error ? error.message : String(error) };
    parentPort?.postMessage(reply);
  }
});
