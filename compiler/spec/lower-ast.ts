/**
 * A checked program to the spec of one declaration. In: the files (without errors), the name of an attention or a mask, the
 * values of `const` parameters. Out: the spec, or why there is none: an unknown name, a missing or impossible value, a program that
 * grows too large. A mask becomes a plain attention with the mask's parameters.
 */
import type { AttentionDecl, Clause, Item, MaskDecl, SourceFile, StageDecl } from '../../dsl/ast.ts';
import * as report from '../../dsl/catalogue/index.ts';
import { bad, DiagnosticError, good } from '../../dsl/diagnostic.ts';
import type { Checked, Diagnostic } from '../../dsl/diagnostic.ts';
import { buildScopes, inSourceOrder, schedulePins } from '../../dsl/program.ts';
import type { Program } from '../../dsl/program.ts';
import { noSpan } from '../../dsl/span.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { SchedulePins, Spec, StageOutput } from './ir.ts';
import { lower, lowerMask, lowerScalar } from './lower-expr.ts';
import { specParams } from './lower-params.ts';
import type { LeadingAxes } from './lower-params.ts';
import { broken, scalarValue } from './lower-scalar.ts';
import { lowerStage, lowerUse } from './lower-stage.ts';
import { bounded } from './lower-state.ts';
import type { Env, Lowering, Value } from './lower-state.ts';
import { headNames, pairNames, sizeNames, sizeRef } from './names.ts';

export type Declared = MaskDecl | StageDecl | AttentionDecl;

/** Lowers declaration `name` of `entryFile`. The files must have passed the checker. */
export function lowerProgram(
  files: ReadonlyMap<string, SourceFile>,
  entryFile: string,
  name: string,
  constValues: ReadonlyMap<string, number> = new Map(),
): Checked<Spec> {
  const program: Program = { entryFile, files, scopes: buildScopes(files).scopes };
  const items: readonly Item[] = files.get(entryFile)?.items ?? [];
  const declared = items.flatMap((i): readonly Declared[] => (i.kind === 'import' || i.kind === 'chain' ? [] : [i]));
  const decl = declared.find((i) => i.name.name === name);
  if (decl === undefined) {
    return bad([report.unknownDeclaration(noSpan, { name, file: entryFile, candidates: declared.map((i) => i.name.name) })]);
  }
  return lowerDeclaration({ program, file: entryFile, decl, constants: constValues, leading: new Map() });
}

/** One declaration, of any file, and what is known of its parameters. */
export interface LowerRequest {
  readonly program: Program;
  readonly file: string;
  readonly decl: Declared;
  readonly constants: ReadonlyMap<string, number>;
  readonly leading: LeadingAxes;
}

export function lowerDeclaration({ program, file, decl, constants, leading }: LowerRequest): Checked<Spec> {
  const unknown = unknownConstants(decl, constants);
  if (unknown.length > 0) return bad(unknown);
  const l = newLowering(program, decl.name.name);
  return finished(l, () => specOf(l, decl, file, constants, leading));
}

/** Constants that the declaration has no parameter for. */
export function unknownConstants(decl: Pick<MaskDecl, 'name' | 'params'>, constants: ReadonlyMap<string, number>): readonly Diagnostic[] {
  const params = decl.params.map((p) => p.name.name);
  return [...constants.keys()].filter((n) => !params.includes(n)).map((n) => report.unknownParameter(decl.name.span, { owner: decl.name.name, name: n, candidates: params }));
}

export function newLowering(program: Program, name: string): Lowering {
  const l: Lowering = {
    lower: (e, env) => lower(l, e, env),
    program,
    name,
    taken: new Set([...sizeNames, ...pairNames, ...headNames, 's']),
    launchRefs: new Set(sizeNames),
    requires: [],
    stages: [],
    found: [],
    shapes: new WeakMap(),
    steps: 0,
    depth: 0,
  };
  return l;
}

/** What `make` gives, unless it or something on the way was refused. */
export function finished<T>(l: Lowering, make: () => T): Checked<T> {
  try {
    const value = make();
    const found = inSourceOrder(l.found);
    return found.length > 0 ? bad(found) : good(value);
  } catch (error) {
    if (error instanceof DiagnosticError) return bad(inSourceOrder([...l.found, ...error.diagnostics]));
    throw error;
  }
}

function specOf(l: Lowering, decl: Declared, file: string, constants: ReadonlyMap<string, number>, leading: LeadingAxes): Spec {
  const scope = l.program.scopes.get(file) ?? broken('no scope of the file');
  const empty: Env = { values: new Map(), scope, locals: [] };
  const { scalars, tensors, values } = specParams(l, decl.params, constants, (e) => lower(l, e, empty), leading);
  if (decl.kind === 'stage') return stageSpec(l, decl, file, scalars, tensors, values);
  let env: Env = { values, scope, locals: [] };
  const clauses: readonly Clause[] = decl.kind === 'mask' ? [{ kind: 'mask', body: decl.body, span: decl.body.span }] : decl.clauses;
  const find = <K extends Clause['kind']>(kind: K): Extract<Clause, { readonly kind: K }> | undefined =>
    clauses.find((c): c is Extract<Clause, { readonly kind: K }> => c.kind === kind);
  for (const clause of clauses) {
    if (clause.kind === 'stage') env = { ...env, values: new Map([...env.values, ...lowerUse(l, clause, env, '')]) };
  }
  const maskClause = find('mask') ?? broken('an attention without a mask');
  const scale = find('scale');
  const score = find('score');
  const sink = find('sink');
  const schedule = find('schedule');
  const floatOf = (clause: { readonly body: Parameters<typeof lowerScalar>[1] }, inner: Env): Expr =>
    bounded(l, x.toFloat(lowerScalar(l, clause.body, inner)), clause.body.span);
  const mask = lowerMask(l, maskClause.body, env);
  return {
    name: decl.name.name,
    computes: 'attention',
    doc: decl.doc,
    scalars,
    tensors,
    stages: l.stages,
    outputs: clauses.flatMap((c) => (c.kind === 'output' ? outputsOf(c.tensors.map((t) => t.name), env.values) : [])),
    mask,
    scale: scale === undefined ? x.unary('rsqrt', x.toFloat(sizeRef('dim'))) : floatOf(scale, env),
    ...(score === undefined ? {} : { score: floatOf(score, scoreEnv(env, score.variable.name)) }),
    ...(sink === undefined ? {} : { sink: floatOf(sink, env) }),
    requires: l.requires,
    pins: schedule === undefined ? {} : pinsOf(l, schedule, env),
    span: decl.span,
  };
}

/** A stage by itself: its tensors come out, and no attention is computed. */
function stageSpec(l: Lowering, decl: StageDecl, file: string, scalars: Spec['scalars'], tensors: Spec['tensors'], values: ReadonlyMap<string, Value>): Spec {
  const made = lowerStage(l, decl, values, '', file);
  return {
    name: decl.name.name, computes: 'stages', doc: decl.doc, scalars, tensors, stages: l.stages, outputs: outputsOf([...made.keys()], made),
    mask: { kind: 'none', span: decl.span }, scale: x.float(1), requires: l.requires, pins: {}, span: decl.span,
  };
}

function outputsOf(names: readonly string[], values: ReadonlyMap<string, Value>): readonly StageOutput[] {
  return names.flatMap((name) => {
    const value = values.get(name);
    return value?.kind === 'tensor' ? [{ name, tensor: value.tensor.name }] : [];
  });
}

function scoreEnv(env: Env, variable: string): Env {
  const values = new Map<string, Value>(env.values);
  for (const name of pairNames) values.set(name, scalarValue(x.ref(name, 'int')));
  values.set(variable, scalarValue(x.ref('s', 'float')));
  return { ...env, values };
}

function pinsOf(l: Lowering, clause: Extract<Clause, { readonly kind: 'schedule' }>, env: Env): SchedulePins {
  const values = new Map<string, number>();
  for (const { name, value } of clause.pins) {
    const limit = schedulePins.get(name.name) ?? broken(`unknown pin ${name.name}`);
    const e = lowerScalar(l, value, env);
    if (e.kind === 'literal' && e.value >= 1 && e.value <= limit) values.set(name.name, e.value);
    else l.found.push(report.pinOutOfRange(value.span, { name: name.name, limit }));
  }
  const queryTile = values.get('query_tile');
  const keyTile = values.get('key_tile');
  const splits = values.get('splits');
  return {
    ...(queryTile === undefined ? {} : { queryTile }),
    ...(keyTile === undefined ? {} : { keyTile }),
    ...(splits === undefined ? {} : { splits }),
  };
}
