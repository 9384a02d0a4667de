/**
 * Extents of tensors. In: a tensor's axes. Out: one launch-level expression an axis, in the user's names; never negative for a launch that
 * fulfils the spec's requirements.
 */
import { int, max, ref } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { TensorParam } from '../spec/ir.ts';
import { extentName, extentOfAxis } from '../spec/names.ts';

/** Extents of a tensor parameter (inner names when mapped through `names`). */
export function extentsOf(tensor: Pick<TensorParam, 'name' | 'axes'>): readonly Expr[] {
  return tensor.axes.map((axis): Expr => {
    if (axis.kind === 'free') return ref(extentName(tensor.name, axis.name), 'int');
    const extent = extentOfAxis(axis);
    // A literal that is counted may be known to be good.
    return axis.kind === 'counted' && !(extent.kind === 'literal' && extent.value >= 0) ? max(extent, int(0)) : extent;
  });
}
