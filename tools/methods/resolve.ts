/**
 * Methods as programs on given inputs. In: a methods file that the command line names, the sizes of a Q/K/V file. Out: for each method and
 * budget a spec and a launch. A number given for a tensor parameter fills it; its free axes then have the extent 1. What is wrong ends the
 * command with a diagnostic.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { evaluate } from '../../compiler/expr/evaluate.ts';
import { axisExtent } from '../../compiler/spec/axis.ts';
import type { Launch, Sizes, Spec, TensorParam } from '../../compiler/spec/ir.ts';
import { fileSpan } from '../command-line/command.ts';
import type { Given } from '../command-line/command.ts';
import { pathOf } from '../command-line/outputs.ts';
import { refuse } from '../command-line/problems.ts';
import { orRefuse } from '../commands/launch-options.ts';
import { encodeTensor } from '../io/safetensors.ts';
import { reasonOf } from '../io/files.ts';
import { launchOf } from '../launch-input.ts';
import { openSource } from '../source.ts';
import type { OpenSource } from '../source.ts';
import { nearestFile } from '../tensor-file.ts';
import type { RawTensor } from '../tensors.ts';
import type { Program } from './measure.ts';
import { readMethods } from './methods-file.ts';
import type { MethodsFile, Parameters, ParameterValue, ProgramChoice } from './methods-file.ts';

export interface OpenMethods {
  readonly file: MethodsFile;
  /** The program of a choice, its parameters as declared. */
  readonly specOf: (choice: ProgramChoice, more: Parameters) => Spec;
  /** A program with its parameters, those of a budget, and tensors from elsewhere, on inputs of these sizes. */
  readonly programOf: (choice: ProgramChoice, more: Parameters, sizes: Sizes, tables?: ReadonlyMap<string, RawTensor>) => Program;
}

export function openMethods(given: Given, file: string): OpenMethods {
  const path = pathOf(given, file);
  const span = fileSpan(given, file);
  const help = nearestFile(path);
  if (!existsSync(path)) refuse('FIL9005', `the file '${file}' does not exist`, span, help === undefined ? {} : { help });
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    refuse('FIL9005', `the file '${file}' cannot be read: ${reasonOf(error)}`, span);
  }
  given.inputs.add(path);
  const read = readMethods(text);
  if (!read.ok) return refuse('FIL9005', `'${file}' is no list of methods: ${read.reason}`, span);

  const sources = new Map<string, OpenSource>();
  const sourceOf = (program: string): OpenSource => {
    const place = join(dirname(file), program);
    const source = sources.get(place) ?? openSource(given, place);
    sources.set(place, source);
    return source;
  };
  const lowered = (choice: ProgramChoice, more: Parameters) => {
    const values = new Map(Object.entries({ ...choice.parameters, ...more }));
    const source = sourceOf(choice.program);
    const names = source.declarations.map((d) => d.name);
    if (!names.includes(choice.name)) refuse('FIL9004', `${choice.program} declares no '${choice.name}', which '${file}' asks for`, span, { help: `it declares: ${names.join(', ')}` });
    const parameters = source.parameters(choice.name);
    const strange = [...values.keys()].find((name) => !parameters.some((p) => p.name === name));
    if (strange !== undefined) refuse('FIL9004', `'${choice.name}' has no parameter '${strange}', which '${file}' sets`, span, { help: `it has: ${parameters.map((p) => p.name).join(', ')}` });
    const settings = (isConst: boolean) =>
      new Map([...values].filter(([name]) => parameters.some((p) => p.name === name && !p.isTensor && p.isConst === isConst)).map(([name, value]) => [name, { text: String(value), span }]));
    const spec = source.specOf(choice.name, settings(true));
    if (spec.computes !== 'attention') refuse('FIL9004', `'${choice.name}' computes no attention`, span);
    return { spec, values, settings: settings(false) };
  };
  return {
    file: read.value,
    specOf: (choice, more) => lowered(choice, more).spec,
    programOf: (choice, more, sizes, tables = new Map()) => {
      const { spec, values, settings } = lowered(choice, more);
      const scalars = new Map(spec.scalars.flatMap((s) => (s.defaultValue === undefined ? [] : [[s.name, s.defaultValue] as const])));
      for (const [name, value] of values) if (typeof value !== 'object') scalars.set(name, Number(value));
      const tensors = new Map<string, RawTensor>(tables);
      for (const param of spec.tensors) {
        const value = values.get(param.name);
        const made = value === undefined ? undefined : tensorOf(param, value, sizes, scalars);
        if (typeof made === 'string') refuse('FIL9004', `'${param.name}' of '${choice.name}': ${made}`, span);
        else if (made !== undefined) tensors.set(param.name, made);
      }
      const launch: Launch = orRefuse(launchOf(spec, { sizes, settings, tensors, tensorSpan: span, tensorSource: file }));
      return { spec, launch };
    },
  };
}

/** The tensor that a value means, or what is wrong with it. */
function tensorOf(param: TensorParam, value: ParameterValue, sizes: Sizes, scalars: ReadonlyMap<string, number>): RawTensor | string {
  const type = { int: 'I32', float: 'F32', bool: 'BOOL' } as const;
  if (typeof value === 'object') {
    const { extents, flat } = nested(value);
    return flat.length === extents.reduce((a, b) => a * b, 1) ? encodeTensor(type[param.element], extents, flat) : 'its rows differ in length';
  }
  const env = new Map([...scalars, ['n_q', sizes.nQ], ['n_k', sizes.nK], ['heads', sizes.heads], ['kv_heads', sizes.kvHeads], ['batch', sizes.batch], ['dim', sizes.dim]]);
  const extents: number[] = [];
  for (const axis of param.axes) {
    const extent = axisExtent(axis, sizes, (size) => evaluate(size, env));
    if (extent === undefined && axis.kind !== 'free') return 'its block size is below 1';
    extents.push(extent ?? 1);
  }
  return encodeTensor(type[param.element], extents, new Array<number>(extents.reduce((a, b) => a * b, 1)).fill(Number(value)));
}

function nested(value: ParameterValue): { readonly extents: readonly number[]; readonly flat: readonly number[] } {
  if (typeof value !== 'object') return { extents: [], flat: [Number(value)] };
  const parts = value.map(nested);
  return { extents: [value.length, ...(parts[0]?.extents ?? [])], flat: parts.flatMap((p) => p.flat) };
}
