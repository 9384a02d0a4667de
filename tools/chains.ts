/**
 * Chains from the command line. In: a file, `--name`, `--set`, `--with parameter=FILE.fil:NAME`, tensors. Out: the chain with its
 * attentions chosen, and launches of it. Sizes that a chain leaves open come from the tensors: n_q from an axis `queries`, n_k from
 * one over `keys` (each from the other where only one is there), the batch from one over `batch`.
 */
import { textsOf } from './command-line/command.ts';
import type { Given } from './command-line/command.ts';
import { refuse } from './command-line/problems.ts';
import { optionSpan } from './command-line/words.ts';
import { chainSizes } from '../compiler/interpreters/dense/index.ts';
import type { ChainSpec } from '../compiler/spec/chain.ts';
import type { Launch, Spec } from '../compiler/spec/ir.ts';
import * as report from '../dsl/catalogue/index.ts';
import { DiagnosticError } from '../dsl/diagnostic.ts';
import type { Checked } from '../dsl/diagnostic.ts';
import type { Span } from '../dsl/span.ts';
import { extentFrom, launchOf } from './launch-input.ts';
import type { Setting } from './launch-input.ts';
import { openSource } from './source.ts';
import type { OpenSource } from './source.ts';
import type { RawTensor } from './tensors.ts';

export interface ChosenChain {
  readonly chain: ChainSpec;
  /** Settings of launch scalars. */
  readonly scalars: ReadonlyMap<string, Setting>;
}

/** The only attention of a file, or the one that is named behind the last colon. */
function attentionNamed(given: Given, text: string, span: Span): Spec {
  const colon = text.lastIndexOf(':');
  const [file, wanted] = colon > 1 && !text.endsWith('.fil') ? [text.slice(0, colon), text.slice(colon + 1)] : [text, undefined];
  const source = openSource(given, file);
  const names = source.declarations.filter((d) => d.kind === 'attention').map((d) => d.name);
  const [only, second] = names;
  if (wanted !== undefined && names.includes(wanted)) return source.specOf(wanted, new Map());
  if (wanted !== undefined) throw new DiagnosticError([report.unknownDeclaration(span, { name: wanted, file, candidates: names })]);
  if (only === undefined) return refuse('FIL9004', `${file} declares no attention`, span);
  if (second !== undefined) return refuse('FIL9004', `${file} declares several attentions`, span, { help: `say which: ${file}:${only}` });
  return source.specOf(only, new Map());
}

/** The attentions of `--with`, by parameter. */
function chosenOf(given: Given): ReadonlyMap<string, Spec> {
  return new Map(textsOf(given, 'with').map((text) => {
    const at = text.indexOf('=');
    const span = given.line.words.find(({ word }) => word === text)?.span ?? optionSpan(given.line, '--with', text);
    if (at <= 0) refuse('FIL9004', `--with takes parameter=FILE.fil, not '${text}'`, span, { help: 'as in --with attend=window.fil' });
    return [text.slice(0, at), attentionNamed(given, text.slice(at + 1), span)] as const;
  }));
}

/** The chain `name` of an opened file. */
export function chooseChain(given: Given, source: OpenSource, name: string, settings: ReadonlyMap<string, Setting>): ChosenChain {
  const parameters = source.parameters(name);
  const isConstant = (p: string): boolean => parameters.some((x) => x.name === p && x.isConst);
  const chain = source.chainOf(name, new Map([...settings].filter(([p]) => isConstant(p))), chosenOf(given));
  const scalars = new Map([...settings].filter(([p]) => !isConstant(p)));
  const settable = chain.scalars.map((p) => p.name);
  const unknown = [...scalars].filter(([p]) => !settable.includes(p));
  if (unknown.length > 0) throw new DiagnosticError(unknown.map(([p, { span }]) => report.unknownParameter(span, { owner: name, name: p, candidates: settable })));
  return { chain, scalars };
}

/** A launch of a chain on the tensors of a file. */
export function chainLaunchOf({ chain, scalars }: ChosenChain, tensors: ReadonlyMap<string, RawTensor>, tensorSpan: Span, tensorSource: string): Checked<Launch> {
  const queries = extentFrom(chain, tensors, 'queries');
  const keys = extentFrom(chain, tensors, 'keys');
  // Without any such axis nothing depends on a length.
  const nQ = queries ?? keys ?? 1;
  const sizes = chainSizes(chain, { batch: extentFrom(chain, tensors, 'batch') ?? 1, nQ, nK: keys ?? nQ });
  return launchOf(chain, { sizes, settings: scalars, tensors, tensorSpan, tensorSource });
}
