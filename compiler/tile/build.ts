/**
 * Constructors of tile statements and the last step of every lowering: `finishProgram` gathers the scalars and buffers
 * that a body uses, so that no lowering has to keep a list beside its code.
 */
import type { Origin } from '../../dsl/span.ts';
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import { trueExpr } from '../expr/build.ts';
import type { BufferDecl, GridAxis, ScalarDecl, TileProgram, TileShape, TileStmt } from './ir.ts';

export interface Builder {
  readonly letScalar: (name: string, value: Expr) => TileStmt;
  readonly varScalar: (name: string, value: Expr) => TileStmt;
  readonly set: (name: string, value: Expr) => TileStmt;
  readonly tile: (name: string, type: ScalarType, shape: TileShape, value: Expr) => TileStmt;
  readonly map: (target: string, value: Expr, precision?: 'f32' | 'f16' | 'bf16') => TileStmt;
  readonly load: (name: string, shape: TileShape, buffer: string, index: readonly Expr[], where: Expr) => TileStmt;
  readonly dot: (target: string, left: string, right: string, transposed: boolean, accumulate: boolean) => TileStmt;
  readonly reduce: (target: string, op: 'max' | 'sum', source: string) => TileStmt;
  readonly store: (buffer: string, shape: TileShape, index: readonly Expr[], value: Expr, where?: Expr, precision?: 'f32' | 'f16' | 'bf16') => TileStmt;
  readonly when: (cond: Expr, then: readonly TileStmt[], otherwise?: readonly TileStmt[]) => readonly TileStmt[];
  readonly loop: (index: string, from: Expr, to: Expr, body: readonly TileStmt[]) => TileStmt;
  readonly repeat: (cond: Expr, body: readonly TileStmt[]) => TileStmt;
  readonly note: (text: string) => TileStmt;
}

export function builderAt(origin: Origin): Builder {
  return {
    letScalar: (name, value) => ({ kind: 'let', name, value, origin }),
    varScalar: (name, value) => ({ kind: 'var', name, value, origin }),
    set: (name, value) => ({ kind: 'set', name, value, origin }),
    tile: (name, type, shape, value) => ({ kind: 'tile', tile: { name, type, rows: shape.rows, cols: shape.cols }, value, origin }),
    map: (target, value, precision) => ({ kind: 'map', target, value, ...(precision === undefined ? {} : { precision }), origin }),
    load: (name, shape, buffer, index, where) => ({
      kind: 'load', tile: { name, type: 'float', rows: shape.rows, cols: shape.cols }, buffer, index, where, origin,
    }),
    dot: (target, left, right, transposed, accumulate) => ({ kind: 'dot', target, left, right, transposed, accumulate, origin }),
    reduce: (target, op, source) => ({ kind: 'reduce', target, op, source, origin }),
    store: (buffer, shape, index, value, where = trueExpr, precision) => ({
      kind: 'store', buffer, shape, index, value, where, ...(precision === undefined ? {} : { precision }), origin,
    }),
    when: (cond, then, otherwise = []) => {
      if (cond.kind === 'literal') return cond.value !== 0 ? then : otherwise;
      return then.length === 0 && otherwise.length === 0 ? [] : [{ kind: 'if', cond, then, otherwise, origin }];
    },
    loop: (index, from, to, body) => ({ kind: 'for', index, from, to, body, origin }),
    repeat: (cond, body) => ({ kind: 'while', cond, body, origin }),
    note: (text) => ({ kind: 'comment', text, origin }),
  };
}

/** The expressions of a statement itself, without those of nested statements. */
export function expressionsOf(s: TileStmt): readonly Expr[] {
  switch (s.kind) {
    case 'let': case 'var': case 'set': case 'tile': case 'map':
      return [s.value];
    case 'load':
      return [...s.index, s.where];
    case 'store':
      return [...s.index, s.value, s.where];
    case 'if': case 'while':
      return [s.cond];
    case 'for':
      return [s.from, s.to];
    case 'dot': case 'reduce': case 'comment':
      return [];
    default:
      return unreachable(s);
  }
}

/** The nested statement lists of a statement. */
export function bodiesOf(s: TileStmt): readonly (readonly TileStmt[])[] {
  switch (s.kind) {
    case 'if':
      return [s.then, s.otherwise];
    case 'for': case 'while':
      return [s.body];
    case 'let': case 'var': case 'set': case 'tile': case 'map': case 'load': case 'dot': case 'reduce': case 'store': case 'comment':
      return [];
    default:
      return unreachable(s);
  }
}

/** The statements with each of their expressions, nested ones included, through `f`. */
export function mapExpressions(body: readonly TileStmt[], f: (e: Expr) => Expr): readonly TileStmt[] {
  return body.map((s): TileStmt => {
    switch (s.kind) {
      case 'let': case 'var': case 'set': case 'tile': case 'map':
        return { ...s, value: f(s.value) };
      case 'load':
        return { ...s, index: s.index.map(f), where: f(s.where) };
      case 'store':
        return { ...s, index: s.index.map(f), value: f(s.value), where: f(s.where) };
      case 'if':
        return { ...s, cond: f(s.cond), then: mapExpressions(s.then, f), otherwise: mapExpressions(s.otherwise, f) };
      case 'while':
        return { ...s, cond: f(s.cond), body: mapExpressions(s.body, f) };
      case 'for':
        return { ...s, from: f(s.from), to: f(s.to), body: mapExpressions(s.body, f) };
      case 'dot': case 'reduce': case 'comment':
        return s;
      default:
        return unreachable(s);
    }
  });
}

/** Every statement, outer ones first. */
export function allStatements(body: readonly TileStmt[]): readonly TileStmt[] {
  return body.flatMap((s) => [s, ...bodiesOf(s).flatMap(allStatements)]);
}

function boundNames(body: readonly TileStmt[]): ReadonlySet<string> {
  const names = new Set<string>(['row', 'col']);
  for (const s of allStatements(body)) {
    if (s.kind === 'let' || s.kind === 'var') names.add(s.name);
    if (s.kind === 'for') names.add(s.index);
  }
  return names;
}

function collectRefs(e: Expr, bound: ReadonlySet<string>, into: Map<string, ScalarType>): void {
  if (e.kind === 'ref' && !bound.has(e.name)) into.set(e.name, e.type);
  if (e.kind === 'fold') {
    collectRefs(e.from, bound, into);
    collectRefs(e.to, bound, into);
    collectRefs(e.body, new Set([...bound, e.local]), into);
    return;
  }
  for (const c of children(e)) collectRefs(c, bound, into);
}

function collectReads(e: Expr, into: Set<string>): void {
  if (e.kind === 'read') into.add(e.tensor);
  for (const c of children(e)) collectReads(c, into);
}

export interface ProgramParts {
  readonly name: string;
  readonly summary: string;
  readonly grid: readonly GridAxis[];
  readonly body: readonly TileStmt[];
  readonly origin: Origin;
}

/**
 * A program with its scalars (every free name of the body and of the used buffers' extents, sorted) and its buffers (every
 * buffer read, loaded or stored, looked up in `declarations`; stored ones become `write`).
 */
export function finishProgram(parts: ProgramParts, declarations: ReadonlyMap<string, Omit<BufferDecl, 'access'>>): TileProgram {
  const reads = new Set<string>();
  const writes = new Set<string>();
  const refs = new Map<string, ScalarType>();
  const bound = new Set([...boundNames(parts.body), ...parts.grid.map((g) => g.name)]);
  for (const s of allStatements(parts.body)) {
    for (const e of expressionsOf(s)) {
      collectReads(e, reads);
      collectRefs(e, bound, refs);
    }
    if (s.kind === 'load') reads.add(s.buffer);
    if (s.kind === 'store') writes.add(s.buffer);
  }
  const buffers = [...new Set([...reads, ...writes])].map((name): BufferDecl => {
    const declared = declarations.get(name);
    if (declared === undefined) throw new CompilerBug('tile', `program '${parts.name}' uses unknown buffer '${name}'`);
    for (const e of declared.extents) collectRefs(e, new Set(), refs);
    return { ...declared, access: writes.has(name) ? 'write' : 'read' };
  });
  const scalars = [...refs.entries()]
    .map(([name, type]): ScalarDecl => ({ name, type }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { name: parts.name, summary: parts.summary, grid: parts.grid, scalars, buffers, body: parts.body, origin: parts.origin };
}
