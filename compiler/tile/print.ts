/**
 * Tile programs as text for people. In: a program or a statement. Out: one line a statement, two spaces a level, names as they
 * are: the same program always gives the same text, and origins do not show.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { printExpr } from '../expr/print.ts';
import type { BufferDecl, TileDecl, TileProgram, TileStmt } from './ir.ts';

function list(exprs: readonly Expr[]): string {
  return exprs.map((e) => printExpr(e)).join(', ');
}

function shape(t: { readonly rows: number; readonly cols: number }): string {
  return `[${t.rows} x ${t.cols}]`;
}

function declared(t: TileDecl): string {
  return `${t.name}: ${t.type} ${shape(t)}`;
}

function condition(where: Expr): string {
  return where.kind === 'literal' && where.value !== 0 ? '' : ` where ${printExpr(where)}`;
}

function rounding(precision: string | undefined): string {
  return precision === undefined ? '' : ` rounded to ${precision}`;
}

/** The first line of a statement; nested statements are left out. */
export function printTileStatement(s: TileStmt): string {
  switch (s.kind) {
    case 'let':
    case 'var':
      return `${s.kind} ${s.name}: ${s.value.type} = ${printExpr(s.value)}`;
    case 'set':
      return `set ${s.name} = ${printExpr(s.value)}`;
    case 'tile':
      return `tile ${declared(s.tile)} = ${printExpr(s.value)}`;
    case 'map':
      return `map ${s.target}[.] = ${printExpr(s.value)}${rounding(s.precision)}`;
    case 'load':
      return `load ${declared(s.tile)} = ${s.buffer}[${list(s.index)}${s.index.length > 0 ? ', ' : ''}:]${condition(s.where)}`;
    case 'dot':
      return `dot ${s.target} ${s.accumulate ? '+=' : '='} ${s.left} . ${s.right}${s.transposed ? ' transposed' : ''}`;
    case 'reduce':
      return `reduce ${s.target} = ${s.op} over columns of ${s.source}`;
    case 'store':
      return `store ${s.buffer}[${list(s.index)}] = ${printExpr(s.value)} over ${shape(s.shape)}${condition(s.where)}${rounding(s.precision)}`;
    case 'if':
      return `if ${printExpr(s.cond)}`;
    case 'for':
      return `for ${s.index} in ${printExpr(s.from)} .. ${printExpr(s.to)}`;
    case 'while':
      return `while ${printExpr(s.cond)}`;
    case 'comment':
      return `# ${s.text}`;
    default:
      return unreachable(s);
  }
}

function lines(body: readonly TileStmt[], indent: string): readonly string[] {
  const deeper = `${indent}  `;
  return body.flatMap((s) => {
    const head = indent + printTileStatement(s);
    switch (s.kind) {
      case 'if':
        return [head, ...lines(s.then, deeper), ...(s.otherwise.length > 0 ? [`${indent}else`, ...lines(s.otherwise, deeper)] : [])];
      case 'for':
      case 'while':
        return [head, ...lines(s.body, deeper)];
      case 'let': case 'var': case 'set': case 'tile': case 'map': case 'load': case 'dot': case 'reduce': case 'store': case 'comment':
        return [head];
      default:
        return unreachable(s);
    }
  });
}

/** A buffer as it is declared: `read q: f32 [n, 64]`. */
export function printBuffer(b: BufferDecl): string {
  return `${b.access} ${b.name}: ${b.element} [${list(b.extents)}]`;
}

/** The whole program, ending in a line feed. */
export function printTile(p: TileProgram): string {
  return [
    `program ${p.name}: ${p.summary}`,
    ...p.grid.map((g) => `  grid ${g.name} in 0 .. ${printExpr(g.extent)}`),
    ...p.scalars.map((s) => `  scalar ${s.name}: ${s.type}`),
    ...p.buffers.map((b) => `  ${printBuffer(b)}`),
    ...lines(p.body, '  '),
    '',
  ].join('\n');
}
