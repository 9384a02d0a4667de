/**
 * The expressions directly inside an expression, in source order: what walks over the tree use that do not care about the kind.
 */
import type { Expr, RangeExpr } from './ast.ts';
import { unreachable } from './diagnostic.ts';

export function childrenOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'hole':
    case 'int':
    case 'float':
    case 'bool':
    case 'name':
      return [];
    case 'call':
      return e.args.flatMap((a) => partsOf(a.value));
    case 'index':
      return e.indices;
    case 'unary':
      return [e.arg];
    case 'binary':
      return [e.left, e.right];
    case 'if':
      return [e.cond, e.then, e.otherwise];
    case 'let':
      return [e.value, e.body];
    case 'any':
      return [e.from, e.to, e.body];
    case 'reduce':
      return [
        ...(e.arg === undefined ? [] : [e.arg]),
        ...e.over.flatMap((i) => (i.range === undefined ? [] : partsOf(i.range))),
        ...(e.where === undefined ? [] : [e.where]),
        e.body,
      ];
    case 'predicate':
      return [e.body];
    case 'choose':
      return [e.selector, ...e.cases.flatMap((c) => [c.value, c.body]), ...(e.otherwise === undefined ? [] : [e.otherwise])];
    default:
      return unreachable(e);
  }
}

function partsOf(value: Expr | RangeExpr): readonly Expr[] {
  return value.kind === 'range' ? [value.from, value.to] : [value];
}

/** Whether an expression reads the name, as it is or with indices. */
export function mentions(e: Expr, name: string): boolean {
  if (e.kind === 'name' && e.name === name) return true;
  if (e.kind === 'index' && e.base.name === name) return true;
  return childrenOf(e).some((c) => mentions(c, name));
}
