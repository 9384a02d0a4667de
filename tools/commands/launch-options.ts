/**
 * The options that mask, explain, run and bench share: which declaration, which sizes, settings and tensors. Here they are
 * declared once and read once; the answer is the spec (with `const` parameters filled in) and what is known of the launch.
 */
import type { Command } from 'commander';
import { countOf, fileSpan, textOf, textsOf, valueSpan } from '../command-line/command.ts';
import type { Given } from '../command-line/command.ts';
import { refuse, suggestion } from '../command-line/problems.ts';
import { optionSpan, wordSpan } from '../command-line/words.ts';
import { targetNamed, targets } from '../../backends/targets.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';
import * as report from '../../dsl/catalogue/index.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { launchOf } from '../launch-input.ts';
import { inputsOf } from '../inputs.ts';
import type { LaunchRequest, Setting } from '../launch-input.ts';
import { choosesAtRunTime } from '../made-tensors.ts';
import type { TensorOrigin } from '../made-tensors.ts';
import { openSource } from '../source.ts';
import type { Declaration, OpenSource } from '../source.ts';
import { readTensors } from '../tensor-file.ts';
import type { RawTensor } from '../tensors.ts';

/** Largest n_q and n_k (compiler/spec/ir.ts). */
export const longest = 16777216;

export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export function declareSettings(command: Command): void {
  command.option('--set <parameter=value>', 'value of a scalar or const parameter; may be repeated', collect);
}

export function declareSizes(command: Command): void {
  command
    .option('--n-q <count>', 'query rows')
    .option('--n-k <count>', 'keys')
    .option('--heads <count>', 'query heads (default: from the tensors, or 1)')
    .option('--kv-heads <count>', 'key-value heads (default: from the tensors, or the query heads)')
    .option('--dim <count>', 'head dimension (default: 64)')
    .option('--tensors <file>', 'safetensors file with the tensor parameters, by name')
    .option('--in <file>', 'safetensors file with q, k and v, for masks that are chosen at run time (default: the file of --tensors)');
}

/** The value of a Checked result; its diagnostics end the command. */
export function orRefuse<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new DiagnosticError(checked.diagnostics);
  return checked.value;
}

/** `--set` by parameter name. The last of several values counts. */
export function settingsOf(given: Given): ReadonlyMap<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const text of textsOf(given, 'set')) {
    const at = text.indexOf('=');
    const span = optionSpan(given.line, '--set', text);
    const place = given.line.words.find(({ word }) => word === text)?.span ?? span;
    if (at <= 0) refuse('FIL9004', `--set takes parameter=value, not '${text}'`, place, { help: `as in --set ${text === '' ? 'window' : text.replace(/=.*/, '')}=8` });
    settings.set(text.slice(0, at), { text: text.slice(at + 1), span: place });
  }
  return settings;
}

export interface Chosen {
  readonly source: OpenSource;
  readonly name: string;
  readonly spec: Spec;
  /** Settings of launch scalars; those of const parameters have been used. */
  readonly scalars: ReadonlyMap<string, Setting>;
}

/** Opens the file and lowers the declaration that `--name` names (or the only attention of the file). */
export function chooseDeclaration(given: Given, file: string): Chosen {
  const source = openSource(given, file);
  return chosenFrom(given, source, declarationName(given, source, file));
}

/** A declaration of an opened file, lowered with the settings of the command line. */
export function chosenFrom(given: Given, source: OpenSource, name: string): Chosen {
  if (source.declarations.find((d) => d.name === name)?.kind === 'chain') {
    refuse('FIL9004', `'${name}' is a chain; this command looks at one declaration that is compiled by itself`, valueSpan(given, 'name', name), { help: 'name a mask, stage or attention; `run`, `build` and `fuzz` take chains' });
  }
  const settings = settingsOf(given);
  const parameters = source.parameters(name);
  for (const [parameter, { span }] of settings) {
    const found = parameters.find((p) => p.name === parameter);
    const settable = parameters.filter((p) => !p.isTensor).map((p) => p.name);
    if (found === undefined) throw new DiagnosticError([report.unknownParameter(span, { owner: name, name: parameter, candidates: settable })]);
    if (found.isTensor) refuse('FIL9004', `'${parameter}' is a tensor; --set gives scalars only`, span, { help: 'give tensors in a safetensors file' });
  }
  const constants = new Map([...settings].filter(([p]) => parameters.some((x) => x.name === p && x.isConst)));
  const scalars = new Map([...settings].filter(([p]) => !constants.has(p)));
  return { source, name, spec: source.specOf(name, constants), scalars };
}

/** The declaration that `--name` names; else the only one of the first kind that there is one of. */
export function declarationName(given: Given, source: OpenSource, file: string, kinds: readonly Declaration['kind'][] = ['attention']): string {
  const names = source.declarations.map((d) => d.name);
  const wanted = textOf(given, 'name');
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    throw new DiagnosticError([report.unknownDeclaration(valueSpan(given, 'name', wanted), { name: wanted, file, candidates: names })]);
  }
  const of = (kind: string): readonly string[] => source.declarations.filter((d) => d.kind === kind).map((d) => d.name);
  const only = kinds.map(of).find((list) => list.length === 1) ?? names;
  const first = only[0];
  if (only.length === 1 && first !== undefined) return first;
  if (first === undefined) return refuse('FIL9004', `${file} declares no mask and no attention`, fileSpan(given, file));
  return refuse('FIL9003', `${file} declares several things; say which with --name`, wordSpan(given.line, () => false), { label: 'missing here', help: `it declares: ${names.join(', ')}` });
}

/** Tensors of `--tensors`, or none. */
export function tensorsOf(given: Given): ReadonlyMap<string, RawTensor> {
  const file = textOf(given, 'tensors');
  return file === undefined ? new Map() : readTensors(given, file, valueSpan(given, 'tensors', file));
}

/** The tensors of `--in` and `--tensors` together, and which of the two is to blame where q, k or v is missing. */
export function originOf(given: Given): TensorOrigin {
  const parameters = tensorsOf(given);
  const file = textOf(given, 'in');
  if (file !== undefined) {
    const span = valueSpan(given, 'in', file);
    return { tensors: new Map([...readTensors(given, file, span), ...parameters]), span, source: file };
  }
  const source = textOf(given, 'tensors') ?? '';
  return { tensors: parameters, span: source === '' ? wordSpan(given.line, () => false) : valueSpan(given, 'tensors', source), source };
}

/** Sizes of a launch: those given as options; head counts and dim of programs that choose at run time come from q and k otherwise. */
export function shapeOf(given: Given, spec: Spec, { tensors }: TensorOrigin): Pick<LaunchRequest['sizes'], 'dim' | 'batch' | 'heads' | 'kvHeads'> {
  const read = choosesAtRunTime(spec) ? inputsOf(tensors) : undefined;
  const known = read?.ok === true ? read.value.sizes : undefined;
  return {
    ...(known === undefined ? {} : { batch: known.batch, heads: known.heads, kvHeads: known.kvHeads }),
    ...headOptions(given), dim: countOf(given, 'dim', 1, 256) ?? known?.dim ?? 64,
  };
}

/** Sizes that were given as options, besides n_q, n_k and dim. */
export function headOptions(given: Given): Pick<LaunchRequest['sizes'], 'heads' | 'kvHeads'> {
  const heads = countOf(given, 'heads', 1, 65536);
  const kvHeads = countOf(given, 'kvHeads', 1, 65536);
  return { ...(heads === undefined ? {} : { heads }), ...(kvHeads === undefined ? {} : { kvHeads }) };
}

/** A launch of given sizes with the settings and tensors of the command line. */
export function launchFor(given: Given, chosen: Chosen, sizes: LaunchRequest['sizes'], tensors: ReadonlyMap<string, RawTensor>, tensorOption: string): Launch {
  const file = textOf(given, tensorOption) ?? '';
  const span = file === '' ? wordSpan(given.line, () => false) : valueSpan(given, tensorOption, file);
  return orRefuse(launchOf(chosen.spec, { sizes, settings: chosen.scalars, tensors, tensorSpan: span, tensorSource: file }));
}

/** The record of `--target-record`; the default is what every browser with WebGPU can run. */
export function targetOf(given: Given, fallback: string): TargetRecord {
  const name = textOf(given, 'targetRecord') ?? fallback;
  const found = targetNamed(name);
  return found ?? refuse('FIL9004', `there is no target record '${name}'`, valueSpan(given, 'targetRecord', name), { help: suggestion(name, targets.map((t) => t.name), 'records') });
}
