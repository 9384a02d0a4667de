/**
 * All methods of a file on all inputs of a command. In: the methods file and the Q/K/V files that the command line names. Out: a row per
 * input, method, budget and head.
 */
import { basename } from 'node:path';
import { availableParallelism } from 'node:os';
import { countOf, textsOf, valueSpan } from '../command-line/command.ts';
import type { Given } from '../command-line/command.ts';
import { refuse } from '../command-line/problems.ts';
import { inputsOf } from '../inputs.ts';
import type { AttentionInputs } from '../inputs.ts';
import { readTensors } from '../tensor-file.ts';
import { optionSpan } from '../command-line/words.ts';
import type { HeadFigures } from './measure.ts';
import type { Method, Parameters } from './methods-file.ts';
import { measureRequests } from './pool.ts';
import type { OpenMethods } from './resolve.ts';

export interface Measured extends HeadFigures {
  /** Name of the input file without its ending. */
  readonly input: string;
  readonly method: Method;
  /** Index in `method.budgets`. */
  readonly budget: number;
  readonly parameters: Parameters;
}

export interface QkvFile {
  readonly name: string;
  readonly inputs: AttentionInputs;
}

export function readQkv(given: Given): readonly QkvFile[] {
  const files = textsOf(given, 'in');
  if (files.length === 0) refuse('FIL9003', 'the option --in is needed', optionSpan(given.line, '--in'), { label: 'missing here', help: 'for example --in layer0.safetensors' });
  return files.map((file) => {
    const span = valueSpan(given, 'in', file);
    const read = inputsOf(readTensors(given, file, span));
    if (!read.ok) return refuse('FIL9005', `tensor '${read.tensor}' of ${file} ${read.reason}`, span);
    return { name: basename(file).replace(/\.safetensors$/, ''), inputs: read.value };
  });
}

export async function measureMethods(given: Given, methods: OpenMethods, files: readonly QkvFile[]): Promise<readonly Measured[]> {
  const tile = countOf(given, 'tile', 1, 4096) ?? 64;
  const threads = countOf(given, 'threads', 1, 64) ?? Math.min(4, availableParallelism());
  const points = methods.file.methods.flatMap((method) => method.budgets.map((parameters, budget) => ({ method, parameters, budget })));
  const requests = files.map(({ inputs }) => ({
    dense: methods.programOf(methods.file.dense, {}, inputs.sizes),
    inputs: { q: inputs.q, k: inputs.k, v: inputs.v },
    methods: points.map(({ method, parameters }) => methods.programOf(method, parameters, inputs.sizes)),
    tile,
  }));
  given.progress.show(`measuring ${points.length} settings on ${files.length} inputs`);
  const answers = await measureRequests(requests, threads, (count) => given.progress.show(`${count} of ${files.length} inputs measured`));
  given.progress.clear();
  return files.flatMap(({ name }, f) => points.flatMap((point, p) => (answers[f]?.[p] ?? []).map((figures) => ({ input: name, ...point, ...figures }))));
}
