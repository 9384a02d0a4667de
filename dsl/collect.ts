/**
 * Lists of diagnostics: order and de-duplication. One mistake often trips several checks at the same place; only the first of
 * them is told, and a list never grows beyond what a person reads.
 */
import type { Diagnostic } from './diagnostic.ts';

/** How many diagnostics of one file are kept. */
export const mostDiagnostics = 100;

/** Sorted by file and place; of those of one severity that start at the same place only the first stays. */
export function inSourceOrder(found: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  const kept = found.filter((d) => {
    const { file, start } = d.primary.span;
    // Messages without a place (about values and files) are told apart by their text.
    const key = file === '' ? `${d.code} ${d.message}` : `${file}:${start}:${d.severity}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  // An error must never be crowded out by warnings.
  const errors = kept.filter((d) => d.severity === 'error').slice(0, mostDiagnostics);
  const warnings = kept.filter((d) => d.severity === 'warning').slice(0, mostDiagnostics - errors.length);
  const result = [...errors, ...warnings];
  result.sort((a, b) => compare(a.primary.span.file, b.primary.span.file) || a.primary.span.start - b.primary.span.start);
  return result;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function hasErrors(list: readonly Diagnostic[]): boolean {
  return list.some((d) => d.severity === 'error');
}
