/**
 * Extents of tensors. In: a tensor's axes. Out: one launch-level expression an axis, in the user's names; never negative for a launch that
 * fulfils the spec's requirements.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { int, max, ref } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { TensorParam } from '../spec/ir.ts';
import { ceilDiv, nK, nQ } from './arrangement.ts';

const i = (name: string): Expr => ref(name, 'int');

/** Extents of a tensor parameter (inner names when mapped through `names`). */
export function extentsOf(tensor: Pick<TensorParam, 'name' | 'axes'>): readonly Expr[] {
  return tensor.axes.map((axis): Expr => {
    switch (axis.kind) {
      case 'batch':
        return i('batch');
      case 'heads':
        return i('heads');
      case 'kv_heads':
        return i('kv_heads');
      case 'queries':
        return nQ;
      case 'keys':
        return nK;
      case 'blocks':
        return ceilDiv(axis.of === 'queries' ? nQ : nK, axis.size);
      case 'free':
        return i(`${tensor.name}.${axis.name}`);
      case 'fixed':
        return int(axis.extent);
      case 'dim':
        return i('dim');
      case 'counted':
        return axis.extent.kind === 'literal' && axis.extent.value >= 0 ? axis.extent : max(axis.extent, int(0));
      default:
        return unreachable(axis);
    }
  });
}
