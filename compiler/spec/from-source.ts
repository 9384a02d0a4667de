/**
 * From text to spec in one call: load, check, lower. In: the entry file, a callback that reads imports, the name of a
 * declaration, values of `const` parameters. Out: the spec with warnings, or all errors.
 */
import { bad, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { hasErrors, readProgram } from '../../dsl/program.ts';
import type { ReadFile } from '../../dsl/program.ts';
import type { Spec } from './ir.ts';
import { lowerProgram } from './lower-ast.ts';

/** A file by name, or text under the name it is to have in messages. */
export type Source = { readonly file: string } | { readonly file: string; readonly text: string };

export function compileSource(
  source: Source,
  readFile: ReadFile,
  name: string,
  constValues: ReadonlyMap<string, number> = new Map(),
): Checked<Spec> {
  const read: ReadFile = (path) => ('text' in source && path === source.file ? source.text : readFile(path));
  const { program, diagnostics } = readProgram(source.file, read);
  if (hasErrors(diagnostics)) return bad(diagnostics);
  const lowered = lowerProgram(program.files, source.file, name, constValues);
  const all = [...diagnostics, ...lowered.diagnostics];
  return lowered.ok ? good(lowered.value, all) : bad(all);
}
