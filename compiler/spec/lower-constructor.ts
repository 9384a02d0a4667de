/**
 * The built-in constructors of masks over lowered arguments.
 */
import type { Span } from '../../dsl/span.ts';
import { int } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { Axis, MaskExpr, TensorUse } from './ir.ts';
import { automaticIndex, broken } from './lower-scalar.ts';
import type { BoundTensor } from './lower-state.ts';

export type ConstructorArgument =
  | { readonly kind: 'range'; readonly from: Expr; readonly to: Expr }
  | { readonly kind: 'tensor'; readonly tensor: BoundTensor };

export function lowerConstructor(name: string, arg: ConstructorArgument | undefined, span: Span): MaskExpr {
  if (arg === undefined) {
    if (name === 'all' || name === 'none' || name === 'causal') return { kind: name, span };
    return broken(`\`${name}\` without an argument`);
  }
  if (arg.kind === 'range') {
    if (name === 'band' || name === 'keys' || name === 'queries' || name === 'levels') return { kind: name, from: arg.from, to: arg.to, span };
    return broken(`\`${name}\` of a range`);
  }
  const { tensor } = arg;
  switch (name) {
    case 'keys':
    case 'queries':
    case 'slashes':
      return { kind: 'listed', what: name, list: useOf(tensor, 1), span };
    case 'segments':
      return { kind: 'segments', ids: useOf(tensor, 1), span };
    case 'tiles': {
      const [queries, keys] = tensor.axes.slice(-2);
      return { kind: 'tiles', table: useOf(tensor, 2), queryBlock: blockOf(queries), keyBlock: blockOf(keys), span };
    }
    default:
      return broken(`\`${name}\` of a tensor`);
  }
}

/** The tensor with all but its last `open` axes at the current batch and head. */
function useOf(t: BoundTensor, open: number): TensorUse {
  const automatic = t.axes.slice(0, t.axes.length - open).map(automaticIndex);
  return { tensor: t.name, leading: [...t.leading, ...automatic] };
}

function blockOf(axis: Axis | undefined): Expr {
  if (axis?.kind === 'keys') return int(1);
  return axis?.kind === 'blocks' ? axis.size : broken('a table without blocks');
}
