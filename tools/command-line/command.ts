/**
 * What a command is: a declaration of its arguments and options (read by commander), and a function that does the work
 * with what was given. Values are read here, as text turned into typed values; a bad one ends the command with a diagnostic
 * that points at it.
 */
import type { Command } from 'commander';
import type { Io } from './io.ts';
import { optionSpan, wordSpan } from './words.ts';
import type { CommandLine } from './words.ts';
import type { Progress } from './progress.ts';
import { refuse } from './problems.ts';
import type { Span } from '../../dsl/span.ts';

export interface Given {
  readonly io: Io;
  readonly line: CommandLine;
  readonly files: readonly string[];
  /** Option values by commander's camel-case name. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  readonly progress: Progress;
  /** Texts of sources, for carets; commands add what they load. */
  readonly sources: Map<string, string>;
  /** Absolute paths of all files read so far; no output may be one of them. */
  readonly inputs: Set<string>;
}

export interface CommandModule {
  /** Adds arguments, options and the description. */
  readonly declare: (command: Command) => void;
  /** Exit code 0 or 1; faults are thrown as DiagnosticError. */
  readonly run: (given: Given) => Promise<number>;
}

/** `nQ` -> `--n-q`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}

export function has(given: Given, name: string): boolean {
  return given.options[name] === true;
}

/** The text of an option, or undefined when it was not given. */
export function textOf(given: Given, name: string): string | undefined {
  const value = given.options[name];
  return typeof value === 'string' ? value : undefined;
}

export function requiredText(given: Given, name: string, example: string): string {
  return textOf(given, name) ?? missing(given, name, example);
}

function missing(given: Given, name: string, example: string): never {
  const flag = flagOf(name);
  return refuse('FIL9003', `the option ${flag} is needed`, optionSpan(given.line, flag), { label: 'missing here', help: `for example ${flag} ${example}` });
}

/** All values of an option that may be repeated. */
export function textsOf(given: Given, name: string): readonly string[] {
  const value = given.options[name];
  return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
}

export function valueSpan(given: Given, name: string, value?: string): Span {
  return optionSpan(given.line, flagOf(name), value);
}

export function fileSpan(given: Given, file: string): Span {
  return wordSpan(given.line, (word) => word === file);
}

/** A whole number in [low, high], or undefined when the option was not given. */
export function countOf(given: Given, name: string, low: number, high: number): number | undefined {
  const text = textOf(given, name);
  if (text === undefined) return undefined;
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  return refuse('FIL9004', `${flagOf(name)} takes a whole number from ${low} to ${high}, not '${text}'`, valueSpan(given, name, text), {
    label: 'not such a number',
  });
}

export function requiredCount(given: Given, name: string, low: number, high: number): number {
  return countOf(given, name, low, high) ?? missing(given, name, '1024');
}

/** One of a few words, or undefined when the option was not given. */
export function choiceOf<T extends string>(given: Given, name: string, choices: readonly T[]): T | undefined {
  const text = textOf(given, name);
  if (text === undefined) return undefined;
  const found = choices.find((c) => c === text);
  if (found !== undefined) return found;
  return refuse('FIL9004', `${flagOf(name)} is one of ${choices.join(', ')}, not '${text}'`, valueSpan(given, name, text));
}

/** Exactly one file, the first argument. */
export function onlyFile(given: Given): string {
  const file = given.files[0];
  return file ?? refuse('FIL9003', 'a .fil file is needed', wordSpan(given.line, () => false), { label: 'missing here' });
}
