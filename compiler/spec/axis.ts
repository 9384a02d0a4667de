/**
 * How long an axis of a tensor parameter must be. In: the axis, the sizes of a launch, a way to evaluate block sizes. Out: the extent, or
 * nothing where the tensor itself decides (free axes) or a block size below 1 has no answer (a requirement of the program refuses it).
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import type { Axis, Sizes } from './ir.ts';

export function axisExtent(axis: Axis, sizes: Sizes, valueOf: (size: Expr) => number): number | undefined {
  switch (axis.kind) {
    case 'batch':
      return sizes.batch;
    case 'heads':
      return sizes.heads;
    case 'kv_heads':
      return sizes.kvHeads;
    case 'queries':
      return sizes.nQ;
    case 'keys':
      return sizes.nK;
    case 'blocks': {
      const size = valueOf(axis.size);
      return size < 1 ? undefined : Math.ceil((axis.of === 'queries' ? sizes.nQ : sizes.nK) / size);
    }
    case 'free':
      return undefined;
    case 'fixed':
      return axis.extent;
    case 'dim':
      return sizes.dim;
    case 'counted':
      return Math.max(0, valueOf(axis.extent));
    default:
      return unreachable(axis);
  }
}
