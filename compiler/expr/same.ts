/**
 * Structural equality of expressions. In: two expressions. Out: whether they are the same tree (fold locals by name:
 * two folds that differ only in the name of their local count as different). Equal trees have equal values.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Expr } from './ir.ts';

/** Whether two expressions are the same tree. */
export function sameExpr(a: Expr, b: Expr): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.type !== b.type) return false;
  switch (a.kind) {
    case 'literal':
      return b.kind === 'literal' && Object.is(a.value, b.value);
    case 'ref':
      return b.kind === 'ref' && a.name === b.name;
    case 'element':
      return b.kind === 'element' && a.tile === b.tile;
    case 'read': {
      if (b.kind !== 'read' || a.tensor !== b.tensor || a.indices.length !== b.indices.length) return false;
      const others = b.indices;
      return a.indices.every((x, i) => {
        const y = others[i];
        return y !== undefined && sameExpr(x, y);
      });
    }
    case 'unary':
      return b.kind === 'unary' && a.op === b.op && sameExpr(a.arg, b.arg);
    case 'binary':
      return b.kind === 'binary' && a.op === b.op && sameExpr(a.left, b.left) && sameExpr(a.right, b.right);
    case 'select':
      return (
        b.kind === 'select' && sameExpr(a.cond, b.cond) && sameExpr(a.then, b.then) && sameExpr(a.otherwise, b.otherwise)
      );
    case 'fold':
      return (
        b.kind === 'fold' && a.op === b.op && a.local === b.local &&
        sameExpr(a.from, b.from) && sameExpr(a.to, b.to) && sameExpr(a.body, b.body)
      );
    default:
      return unreachable(a);
  }
}
