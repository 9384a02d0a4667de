/**
 * Diagnostics on stderr: for people with source lines and carets, with --json as one JSON line for all. Sources are
 * given by name; a span in a source that is not there shows its name only.
 */
import { lineColumn } from '../../dsl/span.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import type { Io } from './io.ts';

export function reportDiagnostics(diagnostics: readonly Diagnostic[], io: Io, sources: ReadonlyMap<string, string>, json: boolean): void {
  if (diagnostics.length === 0) return;
  if (json) io.err(`${JSON.stringify({ diagnostics })}\n`);
  else for (const d of diagnostics) io.err(`${render(d, sources)}\n`);
}

function render(d: Diagnostic, sources: ReadonlyMap<string, string>): string {
  const text = sources.get(d.primary.span.file) ?? '';
  const { line, column } = lineColumn(text, d.primary.span.start);
  return `${d.severity}[${d.code}]: ${d.message}\n  --> ${d.primary.span.file}:${line}:${column}${d.help === undefined ? '' : `\n  help: ${d.help}`}`;
}
