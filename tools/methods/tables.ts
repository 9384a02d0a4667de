/**
 * The table that a per-head program reads. In: what each head of each layer got, the candidates, and the tensor parameters of the program. Out:
 * tensors [heads] or [layers, heads] by the names of its parameters, or what stands in the way. A head whose candidate does not have a
 * parameter gets the smallest value written for it, which is valid and not read; a layer without an input stays dense.
 */
import type { Axis, Spec, TensorParam } from '../../compiler/spec/ir.ts';
import { encodeTensor } from '../io/safetensors.ts';
import type { RawTensor } from '../tensors.ts';
import type { Method, Parameters } from './methods-file.ts';
import type { Choice } from './tune.ts';

export interface Obstacle {
  readonly ok: false;
  readonly reason: string;
  readonly help: string;
}

export type Tables = { readonly ok: true; readonly tables: ReadonlyMap<string, RawTensor> } | Obstacle;

/** What a method writes, by the names of the per-head program. */
function written(method: Method, more: Parameters): ReadonlyMap<string, number> {
  return new Map(Object.entries({ ...method.parameters, ...more }).flatMap(([name, value]) => (typeof value === 'object' ? [] : [[method.as[name] ?? name, Number(value)] as const])));
}

const byHead = ({ axes }: TensorParam): boolean => axes.at(-1)?.kind === 'heads' && (axes.length === 1 || (axes.length === 2 && layerAxis(axes[0]) !== undefined));

/** How many layers an axis has: any number is 0. */
function layerAxis(axis: Axis | undefined): number | undefined {
  return axis?.kind === 'free' ? 0 : axis?.kind === 'fixed' ? axis.extent : undefined;
}

/** Tensor parameters of a program that have a value per head, or per layer and head. */
export function tableParameters(spec: Spec): readonly TensorParam[] {
  return spec.tensors.filter(byHead);
}

/** How many layers a table has: those of the inputs, or what the program's axes say; undefined for tables [heads]. */
export function layersOf(parameters: readonly TensorParam[], deepest: number): { readonly ok: true; readonly layers: number | undefined } | Obstacle {
  const axes = parameters.map((p) => (p.axes.length === 1 ? undefined : layerAxis(p.axes[0])));
  const fixed = axes.find((n) => n !== undefined && n > 0);
  if (axes.every((n) => n === undefined)) {
    return deepest === 0 ? { ok: true, layers: undefined } : { ok: false, reason: `an input is of layer ${deepest}, but the tables of the program have no axis for layers`, help: 'give inputs of one layer, numbered 0 or not at all, or write the tables as [layers, heads]' };
  }
  if (fixed !== undefined && deepest >= fixed) return { ok: false, reason: `an input is of layer ${deepest}, but the tables of the program have ${fixed} layers`, help: 'layers count from 0' };
  return { ok: true, layers: fixed ?? deepest + 1 };
}

/** `choice` names the tensor for the numbers of the methods; without a program, every scalar that a candidate sets becomes a tensor. */
export function tablesOf(choices: readonly Choice[], candidates: readonly Method[], dense: Method | undefined, heads: number, program: { readonly spec: Spec; readonly choice: string } | undefined): Tables {
  const values = new Map<string, number[]>();
  for (const method of candidates) for (const budget of method.budgets) for (const [name, value] of written(method, budget)) values.set(name, [...(values.get(name) ?? []), value]);
  const deepest = Math.max(0, ...choices.map((c) => c.layer));
  const parameters = program === undefined ? [] : tableParameters(program.spec);
  const depth = program === undefined ? { ok: true as const, layers: deepest === 0 ? undefined : deepest + 1 } : layersOf(parameters, deepest);
  if (!depth.ok) return depth;
  const layers = depth.layers ?? 1;
  const at = new Map(choices.map((c) => [c.layer * heads + c.head, { method: c.candidate.method, parameters: c.candidate.parameters }]));
  const places = Array.from({ length: layers * heads }, (_, i) => at.get(i) ?? (dense === undefined ? undefined : { method: dense, parameters: {} }));
  const absent = places.findIndex((p) => p === undefined);
  if (absent >= 0) return { ok: false, reason: `no input is of layer ${Math.floor(absent / heads)}`, help: 'give one, or add the dense program to the candidates: such layers stay dense' };

  const choice = program?.choice ?? 'choice';
  const names = program === undefined ? [choice, ...values.keys()] : parameters.map((p) => p.name);
  if (!names.includes(choice)) return { ok: false, reason: `the program has no tensor '${choice}' with a value per head`, help: `it has: ${names.join(', ')}` };
  const tables = new Map<string, RawTensor>();
  for (const name of names) {
    const all = values.get(name);
    if (name !== choice && all === undefined) return { ok: false, reason: `no candidate has a value for '${name}' of the program`, help: `candidates set: ${[...values.keys()].join(', ')}` };
    const smallest = Math.min(...(all ?? [0]));
    const entries = places.map((p) => (p === undefined ? 0 : name === choice ? p.method.which ?? 0 : written(p.method, p.parameters).get(name) ?? smallest));
    const element = parameters.find((p) => p.name === name && p.axes.length > 0)?.element ?? ((all ?? [0]).every(Number.isInteger) ? 'int' : 'float');
    const extents = (program === undefined ? depth.layers === undefined : parameters.find((p) => p.name === name)?.axes.length === 1) ? [heads] : [layers, heads];
    if (extents.length === 1 && layers > 1) return { ok: false, reason: `'${name}' of the program has no axis for layers, but other tables have`, help: 'write all tables as [layers, heads]' };
    tables.set(name, encodeTensor(element === 'float' ? 'F32' : element === 'int' ? 'I32' : 'BOOL', extents, entries));
  }
  return { ok: true, tables };
}
