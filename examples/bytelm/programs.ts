/**
 * From a pattern to the model under it. In: what the command line or patterns.json names (a program, a declaration, parameters) and a window
 * length. Out: the chain with that attention and everything but the tokens that it is launched with. A number given for a tensor parameter
 * fills it. What is wrong ends the command with a diagnostic.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { evaluate } from '../../compiler/expr/evaluate.ts';
import { axisExtent } from '../../compiler/spec/axis.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import { checkLaunch } from '../../compiler/spec/check-launch.ts';
import type { Sizes, Spec, TensorParam, TensorValue } from '../../compiler/spec/ir.ts';
import type { Span } from '../../dsl/span.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import type { Given } from '../../tools/command-line/command.ts';
import { refuse, suggestion } from '../../tools/command-line/problems.ts';
import { encodeTensor } from '../../tools/io/safetensors.ts';
import { readMethods } from '../../tools/methods/methods-file.ts';
import type { MethodsFile, Parameters, ParameterValue } from '../../tools/methods/methods-file.ts';
import { openSource } from '../../tools/source.ts';
import { axisName, valueFor } from '../../tools/tensors.ts';
import type { RawTensor } from '../../tools/tensors.ts';
import { emptyCache } from './generate.ts';
import { shape } from './model.ts';
import type { Weights } from './model.ts';

const here = import.meta.dirname;

/** One attention with parameters. */
export interface Choice {
  /** The name of its curve. */
  readonly title: string;
  /** Path of the file, as the command line would write it. */
  readonly program: string;
  /** The declaration; the only attention of the file where absent. */
  readonly name: string | undefined;
  readonly parameters: Parameters;
  /** Where it is used: behind a dense prompt, for the last bytes of a window. Undefined: everywhere. */
  readonly tail?: Tail | undefined;
}

/** The end of a window. */
export interface Tail {
  /** Query rows of the launch, the last of the window; what is before them is the prompt. */
  readonly rows: number;
  /** The last of them, which are judged. */
  readonly counted: number;
}

export interface ModelProgram extends Choice {
  readonly attention: Spec;
  readonly chain: ChainSpec;
  readonly sizes: Sizes;
  readonly scalars: ReadonlyMap<string, number>;
  /** Tensors of the attention, and the weights. */
  readonly tensors: ReadonlyMap<string, TensorValue>;
}

export function readPatterns(): MethodsFile {
  const read = readMethods(readFileSync(join(here, 'patterns.json'), 'utf8'));
  if (!read.ok) throw new Error(`patterns.json: ${read.reason}`);
  return read.value;
}

/** The path of a file of this example as the command line would write it. */
export function exampleFile(given: Given, file: string): string {
  return relative(given.io.folder, join(here, file));
}

export interface ProgramRequest {
  readonly choice: Choice;
  readonly window: number;
  readonly weights: Weights;
  /** Tensor parameters from a file, by name. */
  readonly tensors: ReadonlyMap<string, RawTensor>;
  /** Where the pattern was named. */
  readonly span: Span;
}

/** The model with an attention, for windows of one length, or for their end. */
export function modelProgram(given: Given, request: ProgramRequest): ModelProgram {
  const { window, choice: { tail } } = request;
  if (tail !== undefined) {
    const cache = emptyCache(window);
    return chainProgram(given, request, 'bytelm_step', { nQ: tail.rows, changing: new Map<string, TensorValue>([['token', { extents: [1, tail.rows], data: new Int32Array(tail.rows) }], ['past_key', cache], ['past_value', cache]]) });
  }
  return chainProgram(given, request, 'bytelm', { nQ: window, changing: new Map([['token', { extents: [1, window], data: new Int32Array(window) }]]) });
}

export interface Changing {
  /** Bytes that a run reads. */
  readonly nQ: number;
  /** A value of each tensor that differs from run to run. */
  readonly changing: ReadonlyMap<string, TensorValue>;
}

/** A chain of the model with an attention. */
export function chainProgram(given: Given, { choice, window, weights, tensors, span }: ProgramRequest, chainName: string, { nQ, changing }: Changing): ModelProgram {
  const source = openSource(given, choice.program);
  const name = choice.name ?? onlyAttention(source.declarations, choice.program, span);
  const parameters = source.parameters(name);
  if (parameters.length === 0 && !source.declarations.some((d) => d.name === name)) {
    const names = source.declarations.map((d) => d.name);
    refuse('FIL9004', `${choice.program} declares no '${name}'`, span, { help: suggestion(name, names, 'declarations') });
  }
  const strange = Object.keys(choice.parameters).find((p) => !parameters.some((x) => x.name === p));
  if (strange !== undefined) refuse('FIL9004', `'${name}' has no parameter '${strange}'`, span, { help: suggestion(strange, parameters.map((p) => p.name), 'parameters') });
  const constants = new Map(Object.entries(choice.parameters).filter(([p]) => parameters.some((x) => x.name === p && x.isConst)).map(([p, v]) => [p, { text: String(v), span }]));
  const attention = source.specOf(name, constants);
  if (attention.computes !== 'attention') refuse('FIL9004', `'${name}' of ${choice.program} computes no attention`, span);
  const chain = openSource(given, exampleFile(given, 'bytelm.fil')).chainOf(chainName, new Map(), new Map([['attend', attention]]));

  const sizes: Sizes = { batch: 1, heads: shape.heads, kvHeads: shape.kvHeads, nQ, nK: window, dim: shape.dim };
  const scalars = new Map<string, number>();
  for (const { name: scalar, defaultValue } of chain.scalars) {
    const value = choice.parameters[scalar] ?? defaultValue;
    if (value === undefined || typeof value === 'object') refuse('FIL9003', `'${name}' needs a value for '${scalar}'`, span, { help: `for example --set ${scalar}=8` });
    else scalars.set(scalar, Number(value));
  }
  const own = new Map<string, TensorValue>();
  for (const param of chain.tensors) {
    const known = weights.get(param.name);
    if (!changing.has(param.name)) own.set(param.name, known ?? tensorOf(param, choice.parameters[param.name], tensors.get(param.name), { sizes, scalars, span, name }));
  }
  const faults = checkLaunch(chain, { sizes, scalars, tensors: new Map([...own, ...changing]) });
  if (faults.length > 0) throw new DiagnosticError(faults.map((d) => ({ ...d, primary: { span, text: 'this pattern' } })));
  return { ...choice, name, attention, chain, sizes, scalars, tensors: own };
}

function onlyAttention(declarations: readonly { readonly kind: string; readonly name: string }[], file: string, span: Span): string {
  const found = declarations.filter((d) => d.kind === 'attention').map((d) => d.name);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  return refuse('FIL9003', `${file} declares ${found.length === 0 ? 'no attention' : 'several attentions'}`, span, { help: found.length === 0 ? 'name a file with an attention' : `say which: ${found.map((n) => `${file}:${n}`).join(', ')}` });
}

interface Place {
  readonly sizes: Sizes;
  readonly scalars: ReadonlyMap<string, number>;
  readonly span: Span;
  /** The attention. */
  readonly name: string;
}

/** The tensor for a parameter of the attention: from the file, or what its value means. */
function tensorOf(param: TensorParam, value: ParameterValue | undefined, given: RawTensor | undefined, { sizes, scalars, span, name }: Place): TensorValue {
  const type = `${param.element}[${param.axes.map(axisName).join(', ')}]`;
  const raw = value === undefined ? given : encoded(param, value, sizes, scalars);
  if (raw === undefined) return refuse('FIL9003', `'${name}' needs the tensor '${param.name}': ${type}`, span, { help: 'give a safetensors file that holds it as --tensors, or a number that fills it' });
  if (typeof raw === 'string') return refuse('FIL9004', `'${param.name}' of '${name}': ${raw}`, span);
  const converted = valueFor(param, raw);
  return converted.ok ? { extents: raw.shape, data: converted.data } : refuse('FIL9004', `'${param.name}' of '${name}' is ${type}, and what is given holds ${converted.reason}`, span);
}

function encoded(param: TensorParam, value: ParameterValue, sizes: Sizes, scalars: ReadonlyMap<string, number>): RawTensor | string {
  const type = ({ int: 'I32', float: 'F32', bool: 'BOOL' } as const)[param.element];
  if (typeof value === 'object') {
    const { extents, flat } = nested(value);
    return flat.length === extents.reduce((a, b) => a * b, 1) ? encodeTensor(type, extents, flat) : 'its rows differ in length';
  }
  const env = new Map([...scalars, ['n_q', sizes.nQ], ['n_k', sizes.nK], ['heads', sizes.heads], ['kv_heads', sizes.kvHeads], ['batch', sizes.batch], ['dim', sizes.dim]]);
  const extents = param.axes.map((axis) => axisExtent(axis, sizes, (size) => evaluate(size, env)));
  const known = extents.flatMap((n) => (n === undefined ? [] : [n]));
  if (known.length < extents.length) return 'one number cannot fill an axis of free length; give a file';
  return encodeTensor(type, known, new Array<number>(known.reduce((a, b) => a * b, 1)).fill(Number(value)));
}

function nested(value: ParameterValue): { readonly extents: readonly number[]; readonly flat: readonly number[] } {
  if (typeof value !== 'object') return { extents: [], flat: [Number(value)] };
  const parts = value.map(nested);
  return { extents: [value.length, ...(parts[0]?.extents ?? [])], flat: parts.flatMap((p) => p.flat) };
}
