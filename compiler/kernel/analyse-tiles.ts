/**
 * What a tile program does with its tiles, before any code is made: which names are written after their declaration, which tile
 * axes are the same axis (two axes are one when an elementwise statement, a dot or a reduce relates them), and what part each
 * axis plays. Roles: `key`: rows of a streamed right operand of a dot; `feature`: the contiguous last axis of a load;
 * `row`: everything else. Layout assignment (assign-layouts.ts) reads roles, never the shape of one particular kernel.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import type { BufferDecl, TileDecl, TileProgram, TileStmt } from '../tile/ir.ts';

export type AxisRole = 'row' | 'key' | 'feature';

export interface TileUse {
  readonly decl: TileDecl;
  readonly rowRole: AxisRole;
  readonly colRole: AxisRole;
  /** Written after its declaration. */
  readonly written: boolean;
  readonly loaded: boolean;
  /** A load that serves only as the right operand of dots: streamed, never held whole by a lane. */
  readonly streamed: boolean;
  /** A load that serves only as the left operand of dots. */
  readonly leftOnly: boolean;
  /** A load that nothing uses but one elementwise statement, or as a left operand one dot of the same block. */
  readonly usedOnce: boolean;
}

export interface ProgramUses {
  /** Whether any axis is a key axis (there is a dot). */
  readonly hasKeys: boolean;
  readonly tiles: ReadonlyMap<string, TileUse>;
  /** Scalars that are assigned. */
  readonly variables: ReadonlySet<string>;
}

/** Every statement, in order, nested ones included. */
export function* allStatements(body: readonly TileStmt[]): Generator<TileStmt> {
  for (const s of body) {
    yield s;
    if (s.kind === 'if') {
      yield* allStatements(s.then);
      yield* allStatements(s.otherwise);
    } else if (s.kind === 'for' || s.kind === 'while') yield* allStatements(s.body);
  }
}

/** Tiles whose elements the expression reads. */
export function elementTiles(e: Expr): readonly string[] {
  if (e.kind === 'element') return [e.tile];
  return children(e).flatMap(elementTiles);
}

/** Expressions of one statement, nested statements not included. */
export function statementExprs(s: TileStmt): readonly Expr[] {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'set':
    case 'tile':
    case 'map':
      return [s.value];
    case 'load':
      return [...s.index, s.where];
    case 'store':
      return [...s.index, s.value, s.where];
    case 'if':
    case 'while':
      return [s.cond];
    case 'for':
      return [s.from, s.to];
    case 'dot':
    case 'reduce':
    case 'comment':
      return [];
  }
}

/** Names of scalars and tiles that the statements assign (declarations are no assignments). */
export function writtenNames(body: readonly TileStmt[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const s of allStatements(body)) {
    if (s.kind === 'set') names.add(s.name);
    else if (s.kind === 'map' || s.kind === 'dot' || s.kind === 'reduce') names.add(s.target);
  }
  return names;
}

type StoreStmt = TileStmt & { readonly kind: 'store' };

/** Length of the last axis, where it is fixed. */
export function fixedRow(decl: BufferDecl): number | undefined {
  const last = decl.extents[decl.extents.length - 1];
  return last?.kind === 'literal' ? last.value : undefined;
}

/** Whether a store writes whole rows along the last axis. */
export function storesRows(decl: BufferDecl, s: StoreStmt): boolean {
  const last = s.index[s.index.length - 1];
  return s.shape.cols > 1 && s.shape.cols === fixedRow(decl) && s.index.length === decl.extents.length && last?.kind === 'ref' && last.name === 'col';
}

interface Classes {
  readonly find: (axis: string) => string;
  readonly join: (a: string, b: string) => void;
}

/** Union-find over axis names. */
function axisClasses(): Classes {
  const parent = new Map<string, string>();
  const find = (axis: string): string => {
    let root = axis;
    for (let next = parent.get(root); next !== undefined; next = parent.get(root)) root = next;
    return root;
  };
  const join = (a: string, b: string): void => {
    const x = find(a);
    const y = find(b);
    if (x !== y) parent.set(x, y);
  };
  return { find, join };
}

/** Loads that are the left operand of one dot, in the block of the load: held, they would be written once and read once. */
function leftOfOne(body: readonly TileStmt[]): ReadonlySet<string> {
  const all = [...allStatements(body)];
  const lefts = all.flatMap((s) => (s.kind === 'dot' && s.transposed ? [s.left] : []));
  const here = (list: readonly TileStmt[]): readonly string[] => {
    const loads = new Set(list.flatMap((s) => (s.kind === 'load' ? [s.tile.name] : [])));
    const inner = list.flatMap((s) => (s.kind === 'if' ? [...here(s.then), ...here(s.otherwise)] : s.kind === 'for' || s.kind === 'while' ? here(s.body) : []));
    return [...inner, ...list.flatMap((s) => (s.kind === 'dot' && s.transposed && loads.has(s.left) ? [s.left] : []))];
  };
  return new Set(here(body).filter((name) => lefts.filter((l) => l === name).length === 1));
}

export function analyseTiles(program: TileProgram): ProgramUses {
  const decls = new Map<string, TileDecl>();
  const loaded = new Set<string>();
  for (const s of allStatements(program.body)) {
    if (s.kind === 'tile' || s.kind === 'load') decls.set(s.tile.name, s.tile);
    if (s.kind === 'load') loaded.add(s.tile.name);
  }
  const declOf = (name: string): TileDecl => {
    const found = decls.get(name);
    if (found === undefined) throw new CompilerBug('lower-tile', `tile '${name}' is not declared`);
    return found;
  };

  const bufferOf = (name: string): BufferDecl => {
    const found = program.buffers.find((x) => x.name === name);
    if (found === undefined) throw new CompilerBug('lower-tile', `buffer '${name}' is not declared`);
    return found;
  };

  const classes = axisClasses();
  const row = (t: string): string => `${t} rows`;
  const col = (t: string): string => `${t} cols`;
  const relate = (shape: { readonly rows: number; readonly cols: number }, name: string, others: readonly string[]): void => {
    for (const other of others) {
      const d = declOf(other);
      if (d.rows !== 1 && shape.rows !== 1) classes.join(row(name), row(other));
      if (d.cols !== 1 && shape.cols !== 1) classes.join(col(name), col(other));
    }
  };
  const keys: string[] = [];
  const features: string[] = [];
  const elementwise = new Map<string, number>();
  const rightOperands = new Set<string>();
  const leftOperands = new Set<string>();
  const otherOperands = new Set<string>();
  let stores = 0;

  for (const s of allStatements(program.body)) {
    const used = statementExprs(s).flatMap(elementTiles);
    new Set(used).forEach((t) => elementwise.set(t, (elementwise.get(t) ?? 0) + 1));
    switch (s.kind) {
      case 'tile':
        relate(s.tile, s.tile.name, used);
        break;
      case 'map':
        if (!used.includes(s.target)) elementwise.set(s.target, (elementwise.get(s.target) ?? 0) + 1);
        relate(declOf(s.target), s.target, used);
        break;
      case 'load':
        relate(s.tile, s.tile.name, used);
        if (s.tile.cols > 1) features.push(col(s.tile.name));
        break;
      case 'store': {
        stores += 1;
        relate(s.shape, `store ${stores}`, used);
        if (storesRows(bufferOf(s.buffer), s)) features.push(col(`store ${stores}`));
        break;
      }
      case 'reduce':
        otherOperands.add(s.source);
        if (declOf(s.source).rows !== 1) classes.join(row(s.target), row(s.source));
        break;
      case 'dot': {
        rightOperands.add(s.right);
        leftOperands.add(s.left);
        otherOperands.add(s.target);
        keys.push(row(s.right));
        if (declOf(s.target).rows !== 1) classes.join(row(s.target), row(s.left));
        classes.join(s.transposed ? col(s.target) : col(s.left), row(s.right));
        classes.join(s.transposed ? col(s.left) : col(s.target), col(s.right));
        features.push(col(s.right));
        break;
      }
      default:
        break;
    }
  }

  const keyClasses = new Set(keys.map((k) => classes.find(k)));
  const featureClasses = new Set(features.map((f) => classes.find(f)));
  const roleOf = (axis: string): AxisRole => {
    const c = classes.find(axis);
    return featureClasses.has(c) ? 'feature' : keyClasses.has(c) ? 'key' : 'row';
  };
  const written = writtenNames(program.body);
  const onceLeft = leftOfOne(program.body);
  const tiles = new Map<string, TileUse>();
  for (const [name, decl] of decls) {
    const operand = loaded.has(name) && !otherOperands.has(name) && !elementwise.has(name);
    const streamed = operand && rightOperands.has(name) && !leftOperands.has(name);
    tiles.set(name, {
      decl, written: written.has(name), loaded: loaded.has(name), streamed,
      usedOnce: loaded.has(name) && !written.has(name) && !rightOperands.has(name) && !otherOperands.has(name) &&
        (leftOperands.has(name) ? onceLeft.has(name) && !elementwise.has(name) : elementwise.get(name) === 1),
      leftOnly: operand && leftOperands.has(name) && !rightOperands.has(name),
      rowRole: roleOf(row(name)), colRole: roleOf(col(name)),
    });
  }
  const variables = new Set([...written].filter((n) => !decls.has(n)));
  return { hasKeys: keys.length > 0, tiles, variables };
}
