/**
 * A file and everything it imports, parsed. In: the entry file and a callback that reads text (this module touches no disk).
 * Out: the files by path, and the diagnostics of parsing and of imports (missing files, cycles). Paths use `/`.
 */
import type { SourceFile } from './ast.ts';
import * as report from './catalogue/index.ts';
import { findCycles } from './cycles.ts';
import type { Diagnostic } from './diagnostic.ts';
import { parseSource } from './parse.ts';
import type { Span } from './span.ts';

/** The text of a file, or undefined where there is none. */
export type ReadFile = (path: string) => string | undefined;

export interface LoadResult {
  readonly files: ReadonlyMap<string, SourceFile>;
  readonly diagnostics: readonly Diagnostic[];
}

/** The path that `spec` means in `importer`: relative to its folder, `.` and `..` resolved; absolute paths stay. */
export function resolveImport(importer: string, spec: string): string {
  const slash = importer.lastIndexOf('/');
  const isAbsolute = spec.startsWith('/') || /^[A-Za-z]:\//.test(spec);
  const joined = isAbsolute || slash < 0 ? spec : `${importer.slice(0, slash + 1)}${spec}`;
  const root = joined.startsWith('/') ? '/' : '';
  const parts: string[] = [];
  for (const part of joined.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts[parts.length - 1] !== '..') parts.pop();
    // Above the root there is nothing; above a relative start there may be.
    else if (part !== '..' || root === '') parts.push(part);
  }
  return root + parts.join('/');
}

/** Reads `entryFile` and, through its imports, all files it needs; each file once. */
export function loadProgram(entryFile: string, readFile: ReadFile): LoadResult {
  const files = new Map<string, SourceFile>();
  const diagnostics: Diagnostic[] = [];
  const text = readFile(entryFile);
  if (text === undefined) {
    return { files, diagnostics: [report.fileNotReadable({ file: '', start: 0, end: 0 }, { path: entryFile, reason: 'no such file' })] };
  }
  const waiting: { readonly path: string; readonly text: string }[] = [{ path: entryFile, text }];
  const missing = new Set<string>();
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const parsed = parseSource(next.path, next.text);
    files.set(next.path, parsed.ast);
    diagnostics.push(...parsed.diagnostics);
    for (const item of parsed.ast.items) {
      if (item.kind !== 'import') continue;
      if (item.from.trim() === '') {
        diagnostics.push(report.emptyImport(item.fromSpan, { path: item.from }));
        continue;
      }
      const path = resolveImport(next.path, item.from);
      if (files.has(path) || waiting.some((w) => w.path === path)) continue;
      const found = missing.has(path) ? undefined : readFile(path);
      if (found === undefined) {
        missing.add(path);
        diagnostics.push(report.importNotFound(item.fromSpan, { path: item.from, resolved: path }));
      } else {
        waiting.push({ path, text: found });
      }
    }
  }
  diagnostics.push(...importCycles(files));
  return { files, diagnostics };
}

function importCycles(files: ReadonlyMap<string, SourceFile>): readonly Diagnostic[] {
  const edges = new Map<string, readonly { readonly to: string; readonly at: Span }[]>();
  for (const [path, file] of files) {
    edges.set(path, file.items.flatMap((i) => (i.kind === 'import' && i.from.trim() !== '' ? [{ to: resolveImport(path, i.from), at: i.fromSpan }] : [])));
  }
  return findCycles(edges).map((cycle) => report.importCycle(cycle.closing, { files: cycle.nodes }));
}
