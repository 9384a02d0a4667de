/**
 * The rules of tile programs. In: a program. Out: findings. A program without findings can be run by the interpreter and lowered: every
 * name is declared before use and once, shapes fit, buffers are read or written as declared, expressions are well typed.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Origin } from '../../dsl/span.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import { exprFaults } from '../expr/verify.ts';
import type { ExprScope } from '../expr/verify.ts';
import type { Finding } from '../finding.ts';
import { nameScope } from '../scope.ts';
import type { NameScope } from '../scope.ts';
import { allStatements } from './build.ts';
import type { BufferDecl, BufferElement, TileDecl, TileProgram, TileShape, TileStmt } from './ir.ts';

interface Scalar {
  readonly type: ScalarType;
  readonly mutable: boolean;
}

interface Scope {
  readonly scalars: NameScope<Scalar>;
  readonly tiles: NameScope<TileDecl>;
}

type Report = (rule: string, message: string) => void;

function valueType(element: BufferElement): ScalarType {
  return element === 'int' || element === 'bool' ? element : 'float';
}

function fits(tile: TileShape, shape: TileShape): boolean {
  return (tile.rows === 1 || tile.rows === shape.rows) && (tile.cols === 1 || tile.cols === shape.cols);
}

function show(t: TileShape): string {
  return `[${t.rows} x ${t.cols}]`;
}

function wholeNumbers(t: TileShape): boolean {
  return Number.isInteger(t.rows) && Number.isInteger(t.cols) && t.rows >= 1 && t.cols >= 1;
}

function speaksOf(e: Expr, name: string): boolean {
  return (e.kind === 'ref' && e.name === name) || children(e).some((c) => speaksOf(c, name));
}

function readFault(buffers: ReadonlyMap<string, BufferDecl>, name: string, type: ScalarType, indices: number): string | undefined {
  const buffer = buffers.get(name);
  if (buffer === undefined) return `buffer '${name}' is not declared`;
  if (buffer.access !== 'read') return `buffer '${name}' is written and cannot be read`;
  if (valueType(buffer.element) !== type) return `buffer '${name}' holds ${buffer.element}, read as ${type}`;
  return indices === 1 || indices === buffer.extents.length ? undefined : `buffer '${name}' has ${buffer.extents.length} axes, read with ${indices} indices`;
}

/** Expressions of one place: scalars, and with a shape also rows, columns and tiles. */
function check(program: { readonly buffers: ReadonlyMap<string, BufferDecl> }, scope: Scope, report: Report, e: Expr, type: ScalarType | undefined, shape?: TileShape): void {
  const where: ExprScope = {
    ref: (name) => (shape !== undefined && (name === 'row' || name === 'col') ? 'int' : scope.scalars.get(name)?.type),
    read: (name, t, n) => readFault(program.buffers, name, t, n),
    ...(shape === undefined ? {} : {
      element: (name: string, t: ScalarType) => {
        const tile = scope.tiles.get(name);
        if (tile === undefined) return `tile '${name}' is not in scope`;
        if (tile.type !== t) return `tile '${name}' is ${tile.type}, not ${t}`;
        return fits(tile, shape) ? undefined : `tile '${name}' ${show(tile)} does not fit ${show(shape)}`;
      },
    }),
  };
  for (const fault of exprFaults(e, where)) report('expressions', fault);
  if (type !== undefined && e.type !== type) report('expressions', `a value of type ${e.type} where ${type} is needed`);
}

function declare(scope: Scope, report: Report, name: string, type: ScalarType, mutable: boolean): void {
  if (scope.scalars.get(name) !== undefined || name === 'row' || name === 'col') report('declared-once', `'${name}' is declared again`);
  scope.scalars.declare(name, { type, mutable });
}

function declareTile(scope: Scope, report: Report, tile: TileDecl): void {
  if (!wholeNumbers(tile)) report('shapes', `tile '${tile.name}' has the shape ${show(tile)}`);
  scope.tiles.declare(tile.name, tile);
}

function innerScope(scope: Scope): Scope {
  return { scalars: scope.scalars.inner(), tiles: scope.tiles.inner() };
}

function tileOf(scope: Scope, report: Report, name: string): TileDecl | undefined {
  const tile = scope.tiles.get(name);
  if (tile === undefined) report('in-scope', `tile '${name}' is not in scope`);
  return tile;
}

function checkDot(scope: Scope, report: Report, s: Extract<TileStmt, { readonly kind: 'dot' }>): void {
  const [target, left, right] = [s.target, s.left, s.right].map((name) => tileOf(scope, report, name));
  if (target === undefined || left === undefined || right === undefined) return;
  const [depth, cols] = s.transposed ? [right.cols, right.rows] : [right.rows, right.cols];
  if (left.rows !== target.rows || cols !== target.cols || left.cols !== depth) {
    report('shapes', `dot of ${show(left)} and ${show(right)}${s.transposed ? ' transposed' : ''} into ${show(target)}`);
  }
  if ([target, left, right].some((t) => t.type !== 'float')) report('expressions', 'dot is over float tiles');
  if (s.target === s.left || s.target === s.right) report('shapes', `dot reads its own target '${s.target}'`);
}

function checkReduce(scope: Scope, report: Report, s: Extract<TileStmt, { readonly kind: 'reduce' }>): void {
  const target = tileOf(scope, report, s.target);
  const source = tileOf(scope, report, s.source);
  if (target === undefined || source === undefined) return;
  if (target.rows !== source.rows || target.cols !== 1) report('shapes', `reduce of ${show(source)} into ${show(target)}`);
  if (target.type !== source.type || source.type === 'bool') report('expressions', `reduce of ${source.type} into ${target.type}`);
  if (s.target === s.source) report('shapes', `reduce reads its own target '${s.target}'`);
}

function checkLoad(program: Names, scope: Scope, report: Report, s: Extract<TileStmt, { readonly kind: 'load' }>): void {
  const buffer = program.buffers.get(s.buffer);
  if (buffer === undefined) report('buffers', `buffer '${s.buffer}' is not declared`);
  else {
    if (buffer.access !== 'read') report('buffers', `buffer '${s.buffer}' is written and cannot be loaded`);
    if (valueType(buffer.element) !== 'float' || s.tile.type !== 'float') report('buffers', `a load is of floats; buffer '${s.buffer}' holds ${buffer.element}`);
    if (s.index.length !== buffer.extents.length - 1) report('buffers', `buffer '${s.buffer}' has ${buffer.extents.length} axes, loaded with ${s.index.length} indices`);
  }
  const column = { rows: s.tile.rows, cols: 1 };
  for (const e of s.index) check(program, scope, report, e, 'int', column);
  check(program, scope, report, s.where, 'bool', column);
  if ([...s.index, s.where].some((e) => speaksOf(e, 'col'))) report('expressions', 'a load asks for rows, but speaks of `col`');
}

function checkStore(program: Names, scope: Scope, report: Report, s: Extract<TileStmt, { readonly kind: 'store' }>): void {
  const buffer = program.buffers.get(s.buffer);
  if (!wholeNumbers(s.shape)) report('shapes', `a store has the shape ${show(s.shape)}`);
  if (buffer === undefined) report('buffers', `buffer '${s.buffer}' is not declared`);
  else {
    if (buffer.access !== 'write') report('buffers', `buffer '${s.buffer}' is only read and cannot be stored into`);
    if (s.index.length !== 1 && s.index.length !== buffer.extents.length) report('buffers', `buffer '${s.buffer}' has ${buffer.extents.length} axes, stored with ${s.index.length} indices`);
  }
  for (const e of s.index) check(program, scope, report, e, 'int', s.shape);
  check(program, scope, report, s.value, buffer === undefined ? undefined : valueType(buffer.element), s.shape);
  check(program, scope, report, s.where, 'bool', s.shape);
}

interface Names {
  readonly buffers: ReadonlyMap<string, BufferDecl>;
}

function statement(program: Names, scope: Scope, findings: Finding[], s: TileStmt): void {
  const report: Report = (rule, message) => findings.push({ rule, message, origin: s.origin });
  switch (s.kind) {
    case 'let':
    case 'var':
      check(program, scope, report, s.value, undefined);
      return declare(scope, report, s.name, s.value.type, s.kind === 'var');
    case 'set': {
      const variable = scope.scalars.get(s.name);
      if (variable === undefined) report('in-scope', `'${s.name}' is not in scope`);
      else if (!variable.mutable) report('variables', `'${s.name}' is no variable`);
      check(program, scope, report, s.value, variable?.type);
      return;
    }
    case 'tile':
      check(program, scope, report, s.value, s.tile.type, s.tile);
      return declareTile(scope, report, s.tile);
    case 'map': {
      const tile = tileOf(scope, report, s.target);
      if (tile !== undefined) check(program, scope, report, s.value, tile.type, tile);
      return;
    }
    case 'load':
      checkLoad(program, scope, report, s);
      return declareTile(scope, report, s.tile);
    case 'dot':
      checkDot(scope, report, s);
      return;
    case 'reduce':
      checkReduce(scope, report, s);
      return;
    case 'store':
      checkStore(program, scope, report, s);
      return;
    case 'if':
      check(program, scope, report, s.cond, 'bool');
      block(program, innerScope(scope), findings, s.then);
      block(program, innerScope(scope), findings, s.otherwise);
      return;
    case 'for':
      check(program, scope, report, s.from, 'int');
      check(program, scope, report, s.to, 'int');
      return loopBody(program, innerScope(scope), report, findings, s);
    case 'while':
      check(program, scope, report, s.cond, 'bool');
      block(program, innerScope(scope), findings, s.body);
      return;
    case 'comment':
      return;
    default:
      return unreachable(s);
  }
}

function loopBody(program: Names, scope: Scope, report: Report, findings: Finding[], s: Extract<TileStmt, { readonly kind: 'for' }>): void {
  declare(scope, report, s.index, 'int', false);
  block(program, scope, findings, s.body);
}

function block(program: Names, scope: Scope, findings: Finding[], body: readonly TileStmt[]): void {
  for (const s of body) statement(program, scope, findings, s);
}

function twice(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}

/** Grid and buffer extents speak of launch values only. */
function checkHead(program: TileProgram, findings: Finding[]): void {
  const origin: Origin = program.origin;
  // Sizes are ints, declared here or not; of the launch's scalars the types are known.
  const types = new Map(program.scalars.map((s) => [s.name, s.type]));
  const anything: ExprScope = { ref: (name) => (name === 'row' || name === 'col' ? undefined : types.get(name) ?? 'int'), read: (name) => `a launch-level expression reads '${name}'` };
  const extents = [...program.grid.map((g) => g.extent), ...program.buffers.flatMap((b) => b.extents)];
  for (const e of extents) {
    for (const fault of exprFaults(e, anything)) findings.push({ rule: 'launch-level', message: fault, origin });
    if (e.type !== 'int') findings.push({ rule: 'launch-level', message: `an extent is ${e.type}`, origin });
  }
  const tiles = allStatements(program.body).flatMap((s) => (s.kind === 'tile' || s.kind === 'load' ? [s.tile.name] : []));
  const scalars = [...program.grid.map((g) => g.name), ...program.scalars.map((s) => s.name)];
  for (const name of [...twice(program.buffers.map((b) => b.name)), ...twice(scalars), ...twice(tiles)]) {
    findings.push({ rule: 'declared-once', message: `'${name}' is declared more than once`, origin });
  }
}

/** The broken rules of a program; none: it is well formed. */
export function verifyTile(program: TileProgram): readonly Finding[] {
  const findings: Finding[] = [];
  checkHead(program, findings);
  const scalars = nameScope<Scalar>();
  for (const g of program.grid) scalars.declare(g.name, { type: 'int', mutable: false });
  for (const s of program.scalars) scalars.declare(s.name, { type: s.type, mutable: false });
  block({ buffers: new Map(program.buffers.map((b) => [b.name, b])) }, { scalars, tiles: nameScope() }, findings, program.body);
  return findings;
}
