/**
 * Programs from disk. In: a file that the command line names. Out: its declarations with their parameters, and their specs with
 * `const` parameters filled in. Texts of all files read become known to the command, for carets; the files count as
 * its inputs. A program with errors ends the command with all of its diagnostics.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Param, SourceFile } from '../dsl/ast.ts';
import { DiagnosticError } from '../dsl/diagnostic.ts';
import type { Diagnostic } from '../dsl/diagnostic.ts';
import { hasErrors, readProgram } from '../dsl/program.ts';
import { reasonOf } from './io/files.ts';
import { fileSpan } from './command-line/command.ts';
import type { Given } from './command-line/command.ts';
import { pathOf } from './command-line/outputs.ts';
import { refuse } from './command-line/problems.ts';
import { nearestFile } from './tensor-file.ts';
import type { Span } from '../dsl/span.ts';
import { badSetting, parseScalar } from './launch-input.ts';
import type { Setting } from './launch-input.ts';
import type { ChainSpec } from '../compiler/spec/chain.ts';
import { lowerProgram } from '../compiler/spec/lower-ast.ts';
import { lowerChain } from '../compiler/spec/lower-chain.ts';
import type { ChosenAttentions } from '../compiler/spec/lower-chain.ts';
import type { Spec } from '../compiler/spec/ir.ts';

export interface Parameter {
  readonly name: string;
  readonly isConst: boolean;
  readonly isTensor: boolean;
  /** `attention`: stands for one, in a chain. */
  readonly type: 'int' | 'float' | 'bool' | 'attention';
  readonly unit?: string;
  /** Axes as written; empty for scalars. */
  readonly axes: readonly string[];
  /** The default as written. */
  readonly defaultText?: string;
  readonly doc: readonly string[];
}

export interface Declaration {
  readonly kind: 'mask' | 'stage' | 'attention' | 'chain';
  readonly name: string;
  readonly doc: readonly string[];
  readonly parameters: readonly Parameter[];
}

export interface OpenSource {
  readonly file: string;
  readonly declarations: readonly Declaration[];
  readonly parameters: (name: string) => readonly Parameter[];
  /** The spec of a declaration; settings are those of its `const` parameters. */
  readonly specOf: (name: string, constants: ReadonlyMap<string, Setting>) => Spec;
  /** A chain, with the attentions that its parameters stand for. */
  readonly chainOf: (name: string, constants: ReadonlyMap<string, Setting>, chosen: ChosenAttentions) => ChainSpec;
}

/** Paths inside programs use `/`. */
export function programPath(file: string): string {
  return process.platform === 'win32' ? file.replaceAll('\\', '/') : file;
}

/** The text of a .fil file that the command line names. */
export function readSource(given: Given, file: string): string {
  const path = pathOf(given, file);
  const span = fileSpan(given, file);
  if (!existsSync(path)) {
    const help = nearestFile(path);
    refuse('FIL9005', `the file '${file}' does not exist`, span, help === undefined ? {} : { help });
  }
  if (statSync(path).isDirectory()) refuse('FIL9005', `'${file}' is a folder`, span, { help: 'give the name of a .fil file' });
  try {
    const text = readFileSync(path, 'utf8');
    given.sources.set(programPath(file), text);
    given.inputs.add(path);
    return text;
  } catch (error) {
    return refuse('FIL9005', `the file '${file}' cannot be read: ${reasonOf(error)}`, span);
  }
}

/** Reads imported files as the program asks for them. */
export function sourceReader(given: Given): (path: string) => string | undefined {
  return (file) => {
    const known = given.sources.get(file);
    if (known !== undefined) return known;
    const path = pathOf(given, file);
    try {
      const text = readFileSync(path, 'utf8');
      given.sources.set(file, text);
      given.inputs.add(path);
      return text;
    } catch {
      return undefined;
    }
  };
}

function parameterOf(text: string, p: Param): Parameter {
  const written = (node: { readonly span: Span }): string => text.slice(node.span.start, node.span.end).replace(/\s+/g, ' ');
  return {
    name: p.name.name,
    isConst: p.isConst,
    isTensor: p.type.axes.length > 0,
    type: p.type.scalar === 'hole' ? 'int' : p.type.scalar,
    ...(p.type.unit === undefined ? {} : { unit: p.type.unit.name }),
    axes: p.type.axes.map(written),
    ...(p.defaultValue === undefined ? {} : { defaultText: written(p.defaultValue) }),
    doc: p.doc,
  };
}

/** Masks and attentions that a file declares itself, in order. */
export function declarationsOf(file: SourceFile): readonly Declaration[] {
  return file.items.flatMap((item) => (item.kind === 'import' ? [] : [{ kind: item.kind, name: item.name.name, doc: item.doc, parameters: item.params.map((p) => parameterOf(file.text, p)) }]));
}

/** All diagnostics of a program, warnings included. */
export function checkSource(given: Given, file: string): readonly Diagnostic[] {
  readSource(given, file);
  return readProgram(programPath(file), sourceReader(given)).diagnostics;
}

/** Opens a program. */
export function openSource(given: Given, file: string): OpenSource {
  readSource(given, file);
  const path = programPath(file);
  const { program, diagnostics } = readProgram(path, sourceReader(given));
  if (hasErrors(diagnostics)) throw new DiagnosticError(diagnostics);
  const entry = program.files.get(path);
  const declarations = entry === undefined ? [] : declarationsOf(entry);
  return {
    file,
    declarations,
    parameters: (name) => declarations.find((d) => d.name === name)?.parameters ?? [],
    specOf: (name, constants) => {
      const lowered = lowerProgram(program.files, path, name, constantsOf(declarations, name, constants));
      if (!lowered.ok) throw new DiagnosticError(lowered.diagnostics);
      return lowered.value;
    },
    chainOf: (name, constants, chosen) => {
      const lowered = lowerChain(program.files, path, name, constantsOf(declarations, name, constants), chosen);
      if (!lowered.ok) throw new DiagnosticError(lowered.diagnostics);
      return lowered.value;
    },
  };
}

function constantsOf(declarations: readonly Declaration[], name: string, constants: ReadonlyMap<string, Setting>): ReadonlyMap<string, number> {
  const parameters = declarations.find((d) => d.name === name)?.parameters ?? [];
  return new Map([...constants].map(([parameter, setting]) => {
    const found = parameters.find((p) => p.name === parameter)?.type ?? 'int';
    const type = found === 'attention' ? 'int' : found;
    const value = parseScalar(type, setting.text);
    if (value === undefined) throw new DiagnosticError([badSetting(parameter, type, setting)]);
    return [parameter, value] as const;
  }));
}
