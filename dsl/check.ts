/**
 * Checks every declaration of every file of a program: names, types, units, constancy, clauses, recursion, unused names. In: the
 * files and their scopes. Out: diagnostics only; the tree itself is what the lowering reads afterwards.
 */
import type { AttentionDecl, Clause, Expr, MaskDecl, Param, SourceFile } from './ast.ts';
import { reservedNames, schedulePins } from './builtins.ts';
import * as report from './catalogue/index.ts';
import { asScalar, requireMask, requireNumber, withValue } from './check-env.ts';
import type { Binding, Checking, Env, Place, Use } from './check-env.ts';
import { infer } from './check-expr.ts';
import { declareParams } from './check-params.ts';
import { checkChain } from './check-chain.ts';
import { checkStage, useBindings } from './check-stage.ts';
import { hasErrors } from './collect.ts';
import { findCycles } from './cycles.ts';
import type { Edge } from './cycles.ts';
import { unreachable } from './diagnostic.ts';
import type { Diagnostic } from './diagnostic.ts';
import { globalKey } from './scope.ts';
import type { FileScope } from './scope.ts';
import { scalarType } from './types.ts';

/** `broken`: files with errors already; what seems unused there may be used in a part that could not be read. */
export function checkProgram(
  files: ReadonlyMap<string, SourceFile>,
  scopes: ReadonlyMap<string, FileScope>,
  broken: ReadonlySet<string>,
): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const calls = new Map<string, readonly Edge[]>();
  for (const [path, file] of files) {
    const scope = scopes.get(path) ?? new Map();
    const usedGlobals = new Set<string>();
    for (const item of file.items) {
      if (item.kind === 'import') continue;
      const before = found.length;
      const scopeOf = (file: string): FileScope => scopes.get(file) ?? new Map();
      const checking: Checking = { scope, scopeOf, report: (d) => found.push(d), usedNames: new Set(), uses: [], infer };
      if (item.kind === 'mask') {
        checkMask(item, checking);
        calls.set(`${path}#${item.name.name}`, checking.uses.map(edgeOf));
      } else if (item.kind === 'stage') {
        checkStage(item, checking);
        calls.set(`${path}#${item.name.name}`, checking.uses.map(edgeOf));
      } else if (item.kind === 'attention') {
        checkAttention(item, checking);
      } else {
        checkChain(item, checking);
      }
      if (item.kind !== 'chain') refuseAttentions(item.params, checking);
      if (!broken.has(path) && !hasErrors(found.slice(before))) warnUnused(item.params, checking);
      for (const use of checking.uses) usedGlobals.add(globalKey(use.global));
    }
    if (!broken.has(path)) found.push(...unusedImports(file, scope, usedGlobals));
  }
  const nameOf = (key: string): string => key.slice(key.lastIndexOf('#') + 1);
  found.push(...findCycles(calls).map((c) => report.recursiveMask(c.closing, { names: c.nodes.map(nameOf) })));
  return found;
}

function refuseAttentions(params: readonly Param[], checking: Checking): void {
  for (const p of params) if (p.type.scalar === 'attention') checking.report(report.attentionParameter(p.span, { reason: 'stands only in a chain' }));
}

function edgeOf(use: Use): Edge {
  return { to: globalKey(use.global), at: use.at };
}

function envOf(place: Place, values: ReadonlyMap<string, Binding>, checking: Checking): Env {
  return { place, values, checking };
}

function checkMask(decl: MaskDecl, checking: Checking): void {
  const env = envOf('mask', declareParams(decl.params, checking), checking);
  requireMask(infer(decl.body, env), decl.body.span, env);
}

function checkAttention(decl: AttentionDecl, checking: Checking): void {
  const values = new Map(declareParams(decl.params, checking));
  for (const clause of decl.clauses) {
    if (clause.kind !== 'stage') continue;
    for (const [name, binding] of useBindings(clause, envOf('stage', values, checking))) values.set(name, binding);
  }
  const seen = new Map<Clause['kind'], Clause>();
  for (const clause of decl.clauses) {
    const first = seen.get(clause.kind);
    if (first !== undefined && clause.kind !== 'stage') {
      checking.report(report.duplicateClause(clause.span, { name: clause.kind }, [{ span: first.span, text: 'first one' }]));
    }
    seen.set(clause.kind, first ?? clause);
    checkClause(clause, values, checking);
  }
  if (!seen.has('mask')) checking.report(report.missingMask(decl.name.span, { name: decl.name.name }));
}

function checkClause(clause: Clause, values: ReadonlyMap<string, Binding>, checking: Checking): void {
  switch (clause.kind) {
    case 'mask': {
      const env = envOf('mask', values, checking);
      requireMask(infer(clause.body, env), clause.body.span, env);
      return;
    }
    case 'scale':
      requireNumber(clause.body, '`scale`', envOf('scale', values, checking));
      return;
    case 'sink':
      requireNumber(clause.body, '`sink`', envOf('sink', values, checking));
      return;
    case 'score':
      checkScore(clause, values, checking);
      return;
    case 'stage':
      return;
    case 'output':
      for (const t of clause.tensors) infer({ kind: 'name', name: t.name, span: t.span }, envOf('mask', values, checking));
      return;
    case 'schedule':
      checkPins(clause, values, checking);
      return;
    default:
      return unreachable(clause);
  }
}

function checkScore(clause: Extract<Clause, { readonly kind: 'score' }>, values: ReadonlyMap<string, Binding>, checking: Checking): void {
  const position = { type: scalarType('int', false, 'tokens'), span: clause.span };
  const base = withValue(withValue(envOf('score', values, checking), 'q', position), 'k', position);
  const { name, span } = clause.variable;
  const taken = base.values.get(name);
  if (taken !== undefined && name !== 'q' && name !== 'k') {
    checking.report(report.duplicateName(span, { name }, [{ span: taken.span, text: 'first meaning' }]));
  } else if (name !== 's' && reservedNames.has(name)) {
    checking.report(report.reservedName(span, { name, what: 'the scaled product' }));
  }
  requireNumber(clause.body, '`score`', withValue(base, name, { type: scalarType('float', false), span }));
}


function checkPins(clause: Extract<Clause, { readonly kind: 'schedule' }>, values: ReadonlyMap<string, Binding>, checking: Checking): void {
  const seen = new Set<string>();
  const env = envOf('pin', values, checking);
  for (const { name, value } of clause.pins) {
    const limit = schedulePins.get(name.name);
    if (limit === undefined) checking.report(report.unknownPin(name.span, { name: name.name, candidates: [...schedulePins.keys()] }));
    else if (seen.has(name.name)) checking.report(report.duplicateClause(name.span, { name: name.name }));
    seen.add(name.name);
    checkPin(name.name, value, limit ?? Infinity, env);
  }
}

function checkPin(name: string, value: Expr, limit: number, env: Env): void {
  const type = asScalar(infer(value, env), value.span, env);
  if (type === undefined) return;
  if (type.scalar !== 'int') env.checking.report(report.typeMismatch(value.span, { where: `\`${name}\``, wanted: 'int', found: type.scalar }));
  else if (!type.constant) env.checking.report(report.notConstant(value.span, { where: `\`${name}\`` }));
  else if (value.kind === 'int' && (value.value < 1 || value.value > limit)) env.checking.report(report.pinOutOfRange(value.span, { name, limit }));
}

function warnUnused(params: readonly Param[], checking: Checking): void {
  for (const p of params) {
    if (checking.usedNames.has(p.name.name)) continue;
    checking.report(report.unusedParameter(p.name.span, { name: p.name.name }));
  }
}

function unusedImports(file: SourceFile, scope: FileScope, used: ReadonlySet<string>): readonly Diagnostic[] {
  return file.items.flatMap((item) => {
    if (item.kind !== 'import') return [];
    return item.names.flatMap(({ name, alias }) => {
      const local = alias ?? name;
      const global = scope.get(local.name);
      return global === undefined || used.has(globalKey(global)) ? [] : [report.unusedImport(local.span, { name: local.name })];
    });
  });
}
