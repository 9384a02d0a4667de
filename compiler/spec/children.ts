/**
 * Walking mask expressions: the masks and the scalar expressions directly under a node, and rebuilding a node over
 * changed parts. Each function covers every field of every variant, so passes need no switch of their own to recurse.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import type { MaskExpr, TensorUse } from './ir.ts';

/** The masks directly under a mask, in the order in which they are written. */
export function masksOf(m: MaskExpr): readonly MaskExpr[] {
  switch (m.kind) {
    case 'and':
    case 'or':
      return m.args;
    case 'not':
      return [m.arg];
    case 'minus':
      return [m.left, m.right];
    case 'choose':
      return [...m.cases.map((c) => c.mask), m.otherwise];
    case 'all':
    case 'none':
    case 'causal':
    case 'band':
    case 'keys':
    case 'queries':
    case 'listed':
    case 'segments':
    case 'tiles':
    case 'levels':
    case 'predicate':
      return [];
    default:
      return unreachable(m);
  }
}

/** The scalar expressions directly under a mask, leading indices of tensors included. */
export function expressionsOf(m: MaskExpr): readonly Expr[] {
  switch (m.kind) {
    case 'band':
    case 'keys':
    case 'queries':
    case 'levels':
      return [m.from, m.to];
    case 'listed':
      return m.list.leading;
    case 'segments':
      return m.ids.leading;
    case 'tiles':
      return [...m.table.leading, m.queryBlock, m.keyBlock];
    case 'predicate':
      return [m.body];
    case 'choose':
      return [m.selector, ...m.cases.map((c) => c.value)];
    case 'all':
    case 'none':
    case 'causal':
    case 'and':
    case 'or':
    case 'not':
    case 'minus':
      return [];
    default:
      return unreachable(m);
  }
}

/** The same node over `f(mask)` and `g(expression)` of its parts. */
export function mapMask(m: MaskExpr, f: (part: MaskExpr) => MaskExpr, g: (part: Expr) => Expr = (e) => e): MaskExpr {
  const use = (u: TensorUse): TensorUse => ({ tensor: u.tensor, leading: u.leading.map(g) });
  switch (m.kind) {
    case 'all':
    case 'none':
    case 'causal':
      return m;
    case 'band':
    case 'keys':
    case 'queries':
    case 'levels':
      return { ...m, from: g(m.from), to: g(m.to) };
    case 'listed':
      return { ...m, list: use(m.list) };
    case 'segments':
      return { ...m, ids: use(m.ids) };
    case 'tiles':
      return { ...m, table: use(m.table), queryBlock: g(m.queryBlock), keyBlock: g(m.keyBlock) };
    case 'predicate':
      return { ...m, body: g(m.body) };
    case 'and':
    case 'or':
      return { ...m, args: m.args.map(f) };
    case 'not':
      return { ...m, arg: f(m.arg) };
    case 'minus':
      return { ...m, left: f(m.left), right: f(m.right) };
    case 'choose':
      return {
        ...m,
        selector: g(m.selector),
        cases: m.cases.map((c) => ({ value: g(c.value), mask: f(c.mask) })),
        otherwise: f(m.otherwise),
      };
    default:
      return unreachable(m);
  }
}
