/**
 * Tile programs to kernel programs. In: a tile program, a schedule, a target record. Out: the program as one lane sees it, or the
 * reason why this schedule or target cannot carry it. Layouts come from assign-layouts.ts, dots from the table in atoms.ts, values
 * from code.ts and elements.ts; this file walks the statements. Barriers and tidying are passes that run on the result.
 */
import { bad, CompilerBug, good, unreachable, type Checked } from '../../dsl/diagnostic.ts';
import { through } from '../../dsl/span.ts';
import { chainAssignments } from '../passes/chain-assignments.ts';
import { placeBarriers } from '../passes/place-barriers.ts';
import { placeWaits } from '../passes/place-waits.ts';
import { simplifyKernel } from '../passes/simplify.ts';
import type { Schedule } from '../schedule.ts';
import type { TargetRecord } from '../target.ts';
import type { TileProgram, TileStmt } from '../tile/ir.ts';
import type { Expr } from '../expr/ir.ts';
import { freeRefs } from '../expr/traverse.ts';
import type { Access, BufferView } from './access.ts';
import { analyseTiles, elementTiles, statementExprs, writtenNames } from './analyse-tiles.ts';
import { assignLayouts } from './assign-layouts.ts';
import { bin, i32, refer } from './build.ts';
import { lowerExpr, type Binding } from './code.ts';
import { scalarScope } from './elements.ts';
import { createEmitter, type Emitter } from './emitter.ts';
import { factsFor, nothing } from './facts.ts';
import { innerScope, variablesOf, type Lowering } from './held.ts';
import type { KernelExpr, KernelProgram, KernelStmt, UniformDecl } from './ir.ts';
import { lowerDot, takesMaps } from './lower-dot.ts';
import { declareTile, loadTile, mapTile, reduceTile } from './lower-elementwise.ts';
import { storeTile } from './lower-store.ts';
import { resourceDiagnostics } from './resources.ts';
import { chooseViews } from './views.ts';

const gridBuiltins = ['group_x', 'group_y', 'group_z'] as const;

export function lowerTile(program: TileProgram, schedule: Schedule, target: TargetRecord): Checked<KernelProgram> {
  const views = chooseViews(program, target, schedule);
  if (!views.ok) return views;

  const uniforms = uniformsOf(program);
  const emit = createEmitter(through(program.origin, 'lower-tile'), [...uniforms.map((u) => u.name), ...program.buffers.map((b) => b.name)]);
  const uses = analyseTiles(program);
  const low: Lowering = {
    emit, schedule, target, uses,
    access: accessOf(emit, uniforms, views.value),
    assignment: assignLayouts(uses, program.body, schedule),
    env: { scalars: new Map(), tiles: new Map() },
    shared: [], lanePrivate: new Set(), usesSubgroups: { value: false }, exchanges: new Map(),
    extents: program.buffers.flatMap((b) => b.extents),
  };
  bindLaunch(low, program, uniforms);
  lowerBlock(low, program.body);

  const kernel: KernelProgram = {
    name: program.name, summary: program.summary, workgroupSize: schedule.lanes,
    ...(low.usesSubgroups.value ? { subgroup: schedule.subgroup } : {}),
    storage: views.value.map((v) => ({ name: v.storage, buffer: v.decl.name, element: v.element, access: v.decl.access })),
    uniforms, shared: low.shared, body: emit.body(), origin: program.origin,
  };
  const finished = placeBarriers(placeWaits(chainAssignments(simplifyKernel(kernel))), low.lanePrivate);
  const refused = resourceDiagnostics(finished, target);
  return refused.length > 0 ? bad(refused) : good(finished);
}

/** The declared scalars, then the launch-level names that extents speak of. */
export function uniformsOf(program: TileProgram): readonly UniformDecl[] {
  const list: UniformDecl[] = program.scalars.map((s) => ({ name: s.name, type: s.type === 'float' ? 'f32' : 'i32' }));
  for (const extent of program.buffers.flatMap((b) => b.extents)) {
    for (const name of freeRefs(extent)) if (!list.some((u) => u.name === name)) list.push({ name, type: 'i32' });
  }
  return list;
}

function accessOf(emit: Emitter, uniforms: readonly UniformDecl[], views: readonly BufferView[]): Access {
  const lookup = (name: string): Binding | undefined =>
    uniforms.some((u) => u.name === name) ? { value: refer(name, 'i32'), facts: nothing, uniform: true } : undefined;
  const forbid = (): never => {
    throw new CompilerBug('lower-tile', 'an extent reads a tensor or a tile');
  };
  return {
    emit,
    launch: (e: Expr): KernelExpr =>
      emit.hoisted(1, () => lowerExpr(emit, e, { lookup, element: forbid, uniformElement: forbid, read: forbid })),
    view: (buffer) => {
      const found = views.find((v) => v.decl.name === buffer);
      if (found === undefined) throw new CompilerBug('lower-tile', `buffer '${buffer}' is not declared`);
      return found;
    },
  };
}

function bindLaunch(low: Lowering, program: TileProgram, uniforms: readonly UniformDecl[]): void {
  const { scalars } = low.env;
  for (const u of uniforms) scalars.set(u.name, { value: refer(u.name, u.type), facts: nothing, uniform: true });
  for (const s of program.scalars) {
    if (s.type === 'bool') scalars.set(s.name, { value: low.emit.value(bin('ne', refer(s.name, 'i32'), i32(0)), s.name), facts: nothing, uniform: true });
  }
  program.grid.forEach((axis, i) => {
    const name = gridBuiltins[i];
    if (name === undefined) throw new CompilerBug('lower-tile', `kernel '${program.name}' has ${program.grid.length} grid axes; a dispatch has ${gridBuiltins.length}`);
    const range = { low: 0, high: low.target.maxWorkgroupsPerAxis - 1 };
    const value = low.emit.copy(axis.name, { kind: 'builtin', type: 'i32', name });
    scalars.set(axis.name, { value, facts: { range, below: [axis.extent] }, uniform: true });
  });
}

function lowerBlock(low: Lowering, body: readonly TileStmt[]): void {
  const delayed = new Map<TileStmt, Expr>();
  body.forEach((s, at) => {
    low.emit.at(through(s.origin, 'lower-tile'));
    const sum = s.kind === 'map' && s.precision === undefined ? sumThatTakes(low, s, body.slice(at + 1)) : undefined;
    if (sum !== undefined && s.kind === 'map') delayed.set(sum, s.value);
    else if (s.kind === 'dot') lowerDot(low, s, delayed.get(s));
    else lowerStatement(low, s);
  });
}

/**
 * The dot that adds to the tile which this map updates, where nothing between them sees the tile or changes what the map reads: the
 * update is then made on the way, and rows that lie in memory are read and written once instead of twice.
 */
function sumThatTakes(low: Lowering, map: TileStmt & { readonly kind: 'map' }, rest: readonly TileStmt[]): (TileStmt & { readonly kind: 'dot' }) | undefined {
  const inputs = new Set([map.target, ...elementTiles(map.value), ...freeRefs(map.value)]);
  for (const s of rest) {
    if (s.kind === 'dot' && s.target === map.target) {
      const fits = s.accumulate && !s.transposed && s.left !== map.target && s.right !== map.target && takesMaps(low, s, map.value);
      return fits ? s : undefined;
    }
    if (s.kind === 'if' || s.kind === 'for' || s.kind === 'while') return undefined;
    const seen = s.kind === 'dot' ? [s.left, s.right] : s.kind === 'reduce' ? [s.source] : statementExprs(s).flatMap(elementTiles);
    if (seen.includes(map.target) || [...writtenNames([s])].some((n) => inputs.has(n))) return undefined;
  }
  return undefined;
}

/** Statements of a nested block, in a scope of their own. */
function nested(low: Lowering, loop: boolean, body: readonly TileStmt[]): readonly KernelStmt[] {
  return low.emit.block(loop, () => lowerBlock(innerScope(low), body));
}

function lowerStatement(low: Lowering, s: TileStmt): void {
  const { emit } = low;
  switch (s.kind) {
    case 'let': {
      const value = lowerExpr(emit, s.value, scalarScope(low));
      const facts = factsFor(s.value, low.extents, (n) => low.env.scalars.get(n)?.facts ?? nothing);
      low.env.scalars.set(s.name, { value: emit.named(s.name, value), facts, uniform: true });
      return;
    }
    case 'var':
      low.env.scalars.set(s.name, { value: emit.variable(s.name, lowerExpr(emit, s.value, scalarScope(low))), facts: nothing, uniform: true });
      return;
    case 'set': {
      const variable = low.env.scalars.get(s.name);
      if (variable === undefined) throw new CompilerBug('lower-tile', `variable '${s.name}' is not in scope`);
      emit.assign(variable.value, lowerExpr(emit, s.value, scalarScope(low)));
      return;
    }
    case 'tile':
      return declareTile(low, s.tile, s.value);
    case 'map':
      return mapTile(low, s.target, s.value, s.precision);
    case 'load':
      return loadTile(low, s);
    case 'dot':
      return lowerDot(low, s, undefined);
    case 'reduce':
      return reduceTile(low, s);
    case 'store':
      return storeTile(low, s);
    case 'if': {
      const cond = lowerExpr(emit, s.cond, scalarScope(low));
      const then = nested(low, false, s.then);
      const otherwise = nested(low, false, s.otherwise);
      emit.push({ kind: 'if', cond, uniform: true, then, otherwise, origin: emit.origin() });
      return;
    }
    case 'for': {
      const scope = scalarScope(low);
      const from = lowerExpr(emit, s.from, scope);
      const to = lowerExpr(emit, s.to, scope);
      const known = (n: string): Binding['facts'] => low.env.scalars.get(n)?.facts ?? nothing;
      const first = factsFor(s.from, [], known).range.low;
      const last = factsFor(s.to, [], known).range.high;
      emit.loop(s.index, from, to, true, written(low, s.body), (index) => {
        const inner = innerScope(low);
        inner.env.scalars.set(s.index, { value: index, facts: { range: { low: first, high: Math.max(first, last - 1) }, below: [s.to] }, uniform: true });
        lowerBlock(inner, s.body);
      });
      return;
    }
    case 'while': {
      const writes = written(low, s.body);
      emit.touch(writes);
      const cond = conditionOf(low, s.cond);
      const body = emit.block(true, () => {
        lowerBlock(innerScope(low), s.body);
        cond.renew();
      });
      emit.touch(writes);
      emit.push({ kind: 'while', cond: cond.value, uniform: true, body, origin: emit.origin() });
      return;
    }
    case 'comment':
      emit.push({ kind: 'comment', text: s.text, origin: emit.origin() });
      return;
    default:
      return unreachable(s);
  }
}

/** Variables that the statements write. */
function written(low: Lowering, body: readonly TileStmt[]): readonly KernelExpr[] {
  const list: KernelExpr[] = [];
  for (const name of writtenNames(body)) {
    const scalar = low.env.scalars.get(name);
    if (scalar !== undefined) list.push(scalar.value);
    list.push(...variablesOf(low.env.tiles.get(name)));
  }
  return list;
}

/**
 * The condition of a while loop is asked before each turn, where no statement can stand: a plain expression is kept whole, and one
 * that takes statements (a fold) is kept in a variable that each turn renews.
 */
function conditionOf(low: Lowering, cond: Expr): { readonly value: KernelExpr; readonly renew: () => void } {
  const { emit } = low;
  const whole = emit.asTree(() => lowerExpr(emit, cond, scalarScope(low)));
  if (whole !== undefined) return { value: whole, renew: () => undefined };
  const again = (): KernelExpr => lowerExpr(emit, cond, scalarScope(low));
  const variable = emit.variable('going_on', again());
  return { value: variable, renew: () => emit.assign(variable, again()) };
}
