/**
 * Diagnostics on stderr: for people with source lines and carets, with --json as one JSON line for all.
 */
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { diagnosticToJson, renderDiagnostics } from '../../dsl/render-diagnostic.ts';
import type { Io } from './io.ts';

export function reportDiagnostics(diagnostics: readonly Diagnostic[], io: Io, sources: ReadonlyMap<string, string>, json: boolean): void {
  if (diagnostics.length === 0) return;
  if (json) io.err(`${JSON.stringify({ diagnostics: diagnostics.map((d) => diagnosticToJson(d, sources)) })}\n`);
  else io.err(`${renderDiagnostics(diagnostics, sources, { color: io.color, width: Math.max(60, io.columns) })}\n`);
}
