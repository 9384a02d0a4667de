/**
 * From text to spec in one call: load, check, lower. In: the entry file, a callback that reads imports, the name of a
 * declaration, values of `const` parameters. Out: the spec with warnings, or all errors.
 */
import { bad, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { hasErrors, readProgram } from '../../dsl/program.ts';
import type { Program, ReadFile } from '../../dsl/program.ts';
import type { ChainSpec } from './chain.ts';
import type { Spec } from './ir.ts';
import { lowerProgram } from './lower-ast.ts';
import { lowerChain } from './lower-chain.ts';
import type { ChosenAttentions } from './lower-chain.ts';

/** A file by name, or text under the name it is to have in messages. */
export type Source = { readonly file: string } | { readonly file: string; readonly text: string };

export function compileSource(
  source: Source,
  readFile: ReadFile,
  name: string,
  constValues: ReadonlyMap<string, number> = new Map(),
): Checked<Spec> {
  return checkedAnd(source, readFile, (files) => lowerProgram(files, source.file, name, constValues));
}

/** A chain; `chosen` has the attention of every parameter that stands for one. */
export function compileChainSource(
  source: Source,
  readFile: ReadFile,
  name: string,
  constValues: ReadonlyMap<string, number> = new Map(),
  chosen: ChosenAttentions = new Map(),
): Checked<ChainSpec> {
  return checkedAnd(source, readFile, (files) => lowerChain(files, source.file, name, constValues, chosen));
}

function checkedAnd<T>(source: Source, readFile: ReadFile, lower: (files: Program['files']) => Checked<T>): Checked<T> {
  const read: ReadFile = (path) => ('text' in source && path === source.file ? source.text : readFile(path));
  const { program, diagnostics } = readProgram(source.file, read);
  if (hasErrors(diagnostics)) return bad(diagnostics);
  const lowered = lower(program.files);
  const all = [...diagnostics, ...lowered.diagnostics];
  return lowered.ok ? good(lowered.value, all) : bad(all);
}
