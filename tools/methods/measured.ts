/**
 * All methods of a file on all inputs of a command. In: the methods file and the Q/K/V files that the command line names. Out: a row per
 * input, method, budget and head.
 */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { Inputs, StoredTensor } from '../../compiler/interpreters/dense/index.ts';
import type { ScalarType } from '../../compiler/expr/ir.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import { choiceOf, countOf, textOf, textsOf, valueSpan } from '../command-line/command.ts';
import type { Given } from '../command-line/command.ts';
import { refuse } from '../command-line/problems.ts';
import { orRefuse } from '../commands/launch-options.ts';
import { runBackend } from '../engines/index.ts';
import { inputsOf } from '../inputs.ts';
import type { AttentionInputs } from '../inputs.ts';
import { readTensorFile } from '../tensor-file.ts';
import { optionSpan } from '../command-line/words.ts';
import { lastRows } from './measure.ts';
import type { HeadFigures, Program, Subject } from './measure.ts';
import type { MeasureRequest } from './methods-worker.ts';
import { stagesBehind, stagesRead } from './stage-cache.ts';
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
  /** What the file says its layer is (`layer` in its metadata), from 0. */
  readonly layer: number | undefined;
}

export function readQkv(given: Given): readonly QkvFile[] {
  const files = textsOf(given, 'in');
  if (files.length === 0) refuse('FIL9003', 'the option --in is needed', optionSpan(given.line, '--in'), { label: 'missing here', help: 'for example --in layer0.safetensors' });
  return files.map((file) => {
    const span = valueSpan(given, 'in', file);
    const { tensors, metadata } = readTensorFile(given, file, span);
    const read = inputsOf(tensors);
    if (!read.ok) return refuse('FIL9005', `tensor '${read.tensor}' of ${file} ${read.reason}`, span);
    return { name: basename(file).replace(/\.safetensors$/, ''), inputs: read.value, layer: layerOf(metadata.get('layer')) };
  });
}

const layerOf = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : undefined);

/** How a command measures. */
export interface Measuring {
  readonly tile: number;
  readonly threads: number;
  readonly backend: 'interpreter' | 'wgsl';
}

export function measuringOf(given: Given): Measuring {
  return {
    tile: countOf(given, 'tile', 1, 4096) ?? 64,
    threads: countOf(given, 'threads', 1, 64) ?? Math.min(4, availableParallelism()),
    backend: choiceOf(given, 'backend', ['interpreter', 'wgsl'] as const) ?? 'interpreter',
  };
}

/** A share from 0 to 1, or undefined when the option was not given. */
export function shareOf(given: Given, option: string): number | undefined {
  const text = textOf(given, option);
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value >= 0 && value <= 1 ? value : refuse('FIL9004', `--${option} takes a share from 0 to 1, not '${text}'`, valueSpan(given, option, text));
}

export async function measureMethods(given: Given, methods: OpenMethods, files: readonly QkvFile[]): Promise<readonly Measured[]> {
  const { tile, threads, backend } = measuringOf(given);
  const points = methods.file.methods.flatMap((method) => method.budgets.map((parameters, budget) => ({ method, parameters, budget })));
  const requests = files.map(({ inputs }) => ({
    dense: methods.programOf(methods.file.dense, {}, inputs.sizes),
    inputs: { q: inputs.q, k: inputs.k, v: inputs.v },
    methods: points.map(({ method, parameters }): Subject => {
      const { rows, counted } = method;
      const sizes = { ...inputs.sizes, nQ: Math.min(inputs.sizes.nQ, rows ?? Infinity) };
      return { ...methods.programOf(method, parameters, sizes), ...(counted === undefined ? {} : { counted }) };
    }),
    tile,
  }));
  given.progress.show(`measuring ${points.length} settings on ${files.length} inputs`);
  const ready = backend === 'wgsl' ? await onDevice(given, requests) : requests;
  const answers = await measureRequests(ready, threads, (count) => given.progress.show(`${count} of ${files.length} inputs measured`));
  given.progress.clear();
  return files.flatMap(({ name }, f) => points.flatMap((point, p) => (answers[f]?.[p] ?? []).map((figures) => ({ input: name, ...point, ...figures }))));
}

/** The same requests with the stage tensors that a WebGPU device makes of them. */
async function onDevice(given: Given, requests: readonly MeasureRequest[]): Promise<readonly MeasureRequest[]> {
  const done: MeasureRequest[] = [];
  for (const request of requests) {
    const methods: Subject[] = [];
    for (const [i, subject] of request.methods.entries()) {
      given.progress.show(`input ${done.length + 1} of ${requests.length}: ${i} of ${request.methods.length} settings chosen on the device`);
      methods.push({ ...subject, made: await stagesOnDevice(subject, lastRows(request.inputs, request.dense.launch.sizes, subject.launch.sizes.nQ)) });
    }
    done.push({ ...request, methods });
  }
  return done;
}

/** The stage tensors that an attention reads, made by kernels in single precision. */
async function stagesOnDevice({ spec, launch }: Program, inputs: Inputs): Promise<ReadonlyMap<string, StoredTensor>> {
  const names = stagesRead(spec);
  if (names.length === 0) return new Map();
  const outputs = names.map((tensor, i) => ({ name: `chosen_${i}`, tensor }));
  const stages: Spec = { ...spec, computes: 'stages', mask: { kind: 'none', span: spec.span }, stages: stagesBehind(spec, names), outputs };
  const ran = orRefuse(await runBackend('wgsl', { spec: stages, launch, inputs, dtype: 'f32' }));
  return new Map(outputs.flatMap(({ name, tensor }): readonly (readonly [string, StoredTensor])[] => {
    const found = ran.outputs?.get(name);
    const element = stages.stages.find((t) => t.name === tensor)?.element;
    return found === undefined || element === undefined ? [] : [[tensor, { extents: found.extents, data: stored(element, found.values) }]];
  }));
}

/** Values as the dense interpreter keeps a tensor of this element. */
function stored(element: ScalarType, values: ArrayLike<number>): StoredTensor['data'] {
  switch (element) {
    case 'float':
      return Float64Array.from(values);
    case 'int':
      return Int32Array.from(values);
    case 'bool':
      return Uint8Array.from(values);
    default:
      return unreachable(element);
  }
}
