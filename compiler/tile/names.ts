/**
 * Names inside tile programs. In: expressions of the spec and the plan. Out: the same expressions with the user's names moved
 * into name spaces of their own, so that no parameter can collide with a name of the lowering: launch scalar `window` becomes
 * `p_window`, tensor `cols` buffer `p_cols`, the extent `cols.n` becomes `x_cols_n`. Derived tables keep their names behind `d_`.
 * Sizes keep theirs. `dim` is a constant of the kernel.
 */
import type { Spec } from '../spec/ir.ts';
import type { Expr } from '../expr/ir.ts';
import { int, ne, read, ref, select } from '../expr/build.ts';
import { mapChildren, substitute } from '../expr/traverse.ts';

export interface Names {
  /** An expression of the spec or plan, as the tile program says it. */
  readonly inside: (e: Expr) => Expr;
  /** What the host must compute for the scalar of this name. */
  readonly valueOf: (scalar: string) => Expr;
}

/** The attention's own inputs, which stages may read. */
const inputs = new Set(['q', 'k', 'v']);

export function bufferName(tensor: string, tables: ReadonlySet<string>): string {
  return tables.has(tensor) ? `d_${tensor}` : inputs.has(tensor) ? tensor : `p_${tensor}`;
}

/** The user's tensor that a buffer holds; undefined for tables and what the lowering adds. */
export function tensorOf(buffer: string): string | undefined {
  return buffer.startsWith('p_') ? buffer.slice(2) : undefined;
}

/** Name of a free extent within expressions of the spec and the host plan. */
function extentRef(tensor: string, axis: string): Expr {
  return ref(`${tensor}.${axis}`, 'int');
}

export function makeNames(spec: Spec, tables: ReadonlySet<string>, dim: number): Names {
  const replacements = new Map<string, Expr>([['dim', int(dim)]]);
  const values = new Map<string, Expr>();
  for (const s of spec.scalars) {
    const inner = `p_${s.name}`;
    values.set(inner, s.type === 'bool' ? select(ref(s.name, 'bool'), int(1), int(0)) : ref(s.name, s.type));
    replacements.set(s.name, s.type === 'bool' ? ne(ref(inner, 'int'), int(0)) : ref(inner, s.type));
  }
  for (const t of spec.tensors) {
    for (const axis of t.axes) {
      if (axis.kind !== 'free') continue;
      const inner = `x_${t.name}_${axis.name}`;
      values.set(inner, extentRef(t.name, axis.name));
      replacements.set(`${t.name}.${axis.name}`, ref(inner, 'int'));
    }
  }
  const renameReads = (e: Expr): Expr => {
    const inner = mapChildren(e, renameReads);
    return inner.kind === 'read' ? read(bufferName(inner.tensor, tables), inner.type, inner.indices) : inner;
  };
  return {
    inside: (e) => renameReads(substitute(e, replacements)),
    valueOf: (scalar) => values.get(scalar) ?? ref(scalar, 'int'),
  };
}
