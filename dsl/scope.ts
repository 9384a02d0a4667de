/**
 * The names that a file knows at its top level: its own declarations and what it imports. In: all files of a program. Out: one
 * scope per file, and diagnostics for names that clash, are reserved, or do not exist in the imported file.
 */
import type { AttentionDecl, ChainDecl, Ident, MaskDecl, SourceFile, StageDecl } from './ast.ts';
import { isBuiltin, reservedNames } from './builtins.ts';
import * as report from './catalogue/index.ts';
import { unreachable } from './diagnostic.ts';
import type { Diagnostic } from './diagnostic.ts';
import { resolveImport } from './load.ts';

/** A declared mask, stage, attention or chain, with the file whose names its body uses. */
export type Global =
  | { readonly kind: 'mask'; readonly decl: MaskDecl; readonly file: string }
  | { readonly kind: 'stage'; readonly decl: StageDecl; readonly file: string }
  | { readonly kind: 'attention'; readonly decl: AttentionDecl; readonly file: string }
  | { readonly kind: 'chain'; readonly decl: ChainDecl; readonly file: string };

/** Top-level names of one file, imports under their alias. */
export type FileScope = ReadonlyMap<string, Global>;

export interface ScopeResult {
  readonly scopes: ReadonlyMap<string, FileScope>;
  readonly diagnostics: readonly Diagnostic[];
}

/** A name of `global` that is unique over all files, for graphs. */
export function globalKey(global: Global): string {
  return `${global.file}#${global.decl.name.name}`;
}

export function buildScopes(files: ReadonlyMap<string, SourceFile>): ScopeResult {
  const diagnostics: Diagnostic[] = [];
  const scopes = new Map<string, FileScope>();
  for (const [path, file] of files) scopes.set(path, scopeOf(path, file, files, diagnostics));
  return { scopes, diagnostics };
}

function scopeOf(path: string, file: SourceFile, files: ReadonlyMap<string, SourceFile>, diagnostics: Diagnostic[]): FileScope {
  const scope = new Map<string, Global>();
  const places = new Map<string, Ident>();
  const declare = (name: Ident, global: Global): void => {
    const first = places.get(name.name);
    if (first !== undefined) {
      diagnostics.push(report.duplicateDeclaration(name.span, { name: name.name }, [{ span: first.span, text: 'first declaration' }]));
      return;
    }
    if (reservedNames.has(name.name) || isBuiltin(name.name)) {
      diagnostics.push(report.reservedName(name.span, { name: name.name, what: `a declared ${global.kind}` }));
      return;
    }
    places.set(name.name, name);
    scope.set(name.name, global);
  };
  for (const item of file.items) {
    switch (item.kind) {
      case 'mask':
        declare(item.name, { kind: 'mask', decl: item, file: path });
        break;
      case 'stage':
        declare(item.name, { kind: 'stage', decl: item, file: path });
        break;
      case 'attention':
        declare(item.name, { kind: 'attention', decl: item, file: path });
        break;
      case 'chain':
        declare(item.name, { kind: 'chain', decl: item, file: path });
        break;
      case 'import': {
        const target = files.get(resolveImport(path, item.from));
        // A file that could not be read has been reported by the loader.
        if (target === undefined) break;
        for (const { name, alias } of item.names) {
          const found = shared(target, name, diagnostics, item.from);
          if (found !== undefined) declare(alias ?? name, found);
        }
        break;
      }
      default:
        unreachable(item);
    }
  }
  return scope;
}

/** Masks, stages and attentions can be imported. */
function shared(target: SourceFile, name: Ident, diagnostics: Diagnostic[], from: string): Global | undefined {
  for (const item of target.items) {
    if (item.kind === 'import' || item.name.name !== name.name) continue;
    if (item.kind === 'mask') return { kind: 'mask', decl: item, file: target.file };
    if (item.kind === 'stage') return { kind: 'stage', decl: item, file: target.file };
    if (item.kind === 'attention') return { kind: 'attention', decl: item, file: target.file };
    diagnostics.push(report.chainUsed(name.span, { name: name.name }, [{ span: item.name.span, text: 'declared here' }]));
    return undefined;
  }
  const candidates = target.items.flatMap((i) => (i.kind === 'import' || i.kind === 'chain' ? [] : [i.name.name]));
  diagnostics.push(report.importMissing(name.span, { name: name.name, path: from, candidates }));
  return undefined;
}
