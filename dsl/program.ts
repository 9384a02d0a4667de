/**
 * The front door: text to checked program. A program is all files with their scopes; when it has no errors the lowering may rely on
 * everything the checker promises. The compiler imports the front end through this file only.
 */
import type { Param, SourceFile } from './ast.ts';
import { checkProgram } from './check.ts';
import { inSourceOrder } from './collect.ts';
import type { Diagnostic } from './diagnostic.ts';
import { loadProgram } from './load.ts';
import type { ReadFile } from './load.ts';
import { buildScopes } from './scope.ts';
import type { FileScope } from './scope.ts';
import type { Span } from './span.ts';

export { matchArguments } from './arguments.ts';
export { mentions } from './ast-children.ts';
export { bareMasks, isMaskConstructor, schedulePins } from './builtins.ts';
export { readAxis } from './check-params.ts';
export { hasErrors, inSourceOrder } from './collect.ts';
export type { ReadFile } from './load.ts';
export { buildScopes } from './scope.ts';
export type { FileScope, Global } from './scope.ts';

export interface Program {
  readonly entryFile: string;
  readonly files: ReadonlyMap<string, SourceFile>;
  readonly scopes: ReadonlyMap<string, FileScope>;
}

export interface ProgramResult {
  readonly program: Program;
  /** In source order; parts of files with errors are checked as far as they could be read. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Loads, resolves and checks a file and its imports. Never throws. */
export function readProgram(entryFile: string, readFile: ReadFile): ProgramResult {
  const { files, diagnostics: loading } = loadProgram(entryFile, readFile);
  const { scopes, diagnostics: naming } = buildScopes(files);
  const early = [...loading, ...naming];
  const broken = new Set(early.flatMap((d) => (d.severity === 'error' ? [d.primary.span.file] : [])));
  const diagnostics = inSourceOrder([...early, ...checkProgram(files, scopes, broken)]);
  return { program: { entryFile, files, scopes }, diagnostics };
}

/** One declaration, for listings and bindings. */
export interface Declaration {
  readonly kind: 'mask' | 'stage' | 'attention' | 'chain';
  readonly name: string;
  readonly doc: readonly string[];
  readonly params: readonly Param[];
  readonly span: Span;
}

/** What the entry file itself declares, in source order. */
export function declarations(files: ReadonlyMap<string, SourceFile>, entryFile: string): readonly Declaration[] {
  const items = files.get(entryFile)?.items ?? [];
  return items.flatMap((i) => (i.kind === 'import' ? [] : [{ kind: i.kind, name: i.name.name, doc: i.doc, params: i.params, span: i.span }]));
}
