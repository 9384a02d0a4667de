/**
 * The shape of a catalogue entry: a code, what it means, a wrong and a right example, and a function that makes the
 * diagnostic from typed parameters. To add one, call `entry` in the file of its hundred and list it there.
 */
import type { Diagnostic, DiagnosticKind, Label, Severity } from '../diagnostic.ts';
import type { Span } from '../span.ts';

export interface CatalogueInfo {
  readonly code: string;
  readonly kind: DiagnosticKind;
  readonly severity: Severity;
  readonly title: string;
  readonly explanation: string;
  /** A source text (or command) that causes it, and the same thing done right. */
  readonly wrong: string;
  readonly right: string;
}

/** What `say` answers: the sentence, the words under the carets, and what to do. */
export interface Saying {
  readonly message: string;
  readonly label?: string;
  readonly help?: string | undefined;
}

export interface EntryText<P> {
  readonly code: string;
  readonly kind?: DiagnosticKind;
  readonly severity?: Severity;
  readonly title: string;
  readonly explanation: string;
  readonly wrong: string;
  readonly right: string;
  readonly say: (params: P) => Saying;
}

/** Makes the diagnostic of one code at a place. `info` is what documentation and the completeness test read. */
export interface Entry<P> {
  (at: Span, params: P, related?: readonly Label[]): Diagnostic;
  readonly info: CatalogueInfo;
}

/** Parameters of entries that need none. */
export type Nothing = Readonly<Record<string, never>>;

export function entry<P>(text: EntryText<P>): Entry<P> {
  const { code, kind = 'user', severity = 'error', title, explanation, wrong, right, say } = text;
  const make = (at: Span, params: P, related: readonly Label[] = []): Diagnostic => {
    const { message, label = '', help } = say(params);
    const primary = { span: at, text: label };
    return { code, kind, severity, message, primary, related, ...(help === undefined ? {} : { help }) };
  };
  return Object.assign(make, { info: { code, kind, severity, title, explanation, wrong, right } });
}

/** "did you mean `x`?" as a help line, or nothing. */
export function didYouMean(nearest: readonly string[]): string | undefined {
  if (nearest.length === 0) return undefined;
  return `did you mean ${alternatives(nearest.map((n) => `\`${n}\``))}?`;
}

/** `a`, `a or b`, `a, b or c`. */
export function alternatives(words: readonly string[], joiner = 'or'): string {
  const last = words[words.length - 1] ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${joiner} ${last}`;
}

/** `1 argument`, `2 arguments`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A byte count for people; small ones exactly. */
export function bytes(n: number): string {
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${n} B` : `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit] ?? ''}`;
}
