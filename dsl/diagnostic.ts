/**
 * Diagnostics are values: what is wrong, where, what was expected, and how to mend it. Three kinds are
 * never mixed: the user's error, a resource refusal (shows the sum), and a bug of ours.
 * Text for people is made in render-diagnostic.ts; every code is listed in catalogue.ts.
 */
import type { Span } from './span.ts';

export type DiagnosticKind = 'user' | 'resource' | 'bug';
export type Severity = 'error' | 'warning';

export interface Label {
  readonly span: Span;
  readonly text: string;
}

export interface Diagnostic {
  /** Catalogue code, such as `FIL0203`. */
  readonly code: string;
  readonly kind: DiagnosticKind;
  readonly severity: Severity;
  /** One sentence without a final full stop. */
  readonly message: string;
  readonly primary: Label;
  readonly related: readonly Label[];
  /** What to do about it, when we know. */
  readonly help?: string;
}

/** A result that is a value or the reasons why there is none. `diagnostics` may hold warnings beside a value. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export function good<T>(value: T, diagnostics: readonly Diagnostic[] = []): Checked<T> {
  return { ok: true, value, diagnostics };
}

export function bad(diagnostics: readonly Diagnostic[]): { readonly ok: false; readonly diagnostics: readonly Diagnostic[] } {
  return { ok: false, diagnostics };
}

/** Carries diagnostics through code that has no Checked result; caught once, at the edge of the tools. */
export class DiagnosticError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
    this.name = 'DiagnosticError';
    this.diagnostics = diagnostics;
  }
}

/** A broken promise inside the compiler. Exit code 2; the message asks for a report. */
export class CompilerBug extends Error {
  readonly stage: string;
  constructor(stage: string, message: string) {
    super(`${stage}: ${message}`);
    this.name = 'CompilerBug';
    this.stage = stage;
  }
}

/** Closes an exhaustive switch: a new variant breaks the build here. */
export function unreachable(value: never): never {
  throw new CompilerBug('unreachable', `unexpected ${JSON.stringify(value)}`);
}
