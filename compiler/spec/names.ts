/**
 * The names every spec knows, and the few formulas and words over them that several files need.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { Axis } from './ir.ts';

export const sizeNames = ['n_q', 'n_k', 'heads', 'kv_heads', 'batch', 'dim'] as const;
export const pairNames = ['q', 'k'] as const;
export const headNames = ['h', 'b'] as const;

export function sizeRef(name: string): Expr {
  return x.ref(name, 'int');
}

/** The key-value head that the current query head reads: heads are grouped evenly. */
export function currentHead(): Expr {
  return x.div(x.ref('h', 'int'), x.div(sizeRef('heads'), sizeRef('kv_heads')));
}

/** The row of a query position: positions are aligned at the end. */
export function rowOf(position: Expr): Expr {
  return x.add(x.sub(position, sizeRef('n_k')), sizeRef('n_q'));
}

/** The name of the ref that holds the extent of a free axis. */
export function extentName(tensor: string, axis: string): string {
  return `${tensor}.${axis}`;
}

/** An axis as it is written in source, with the block size as `size` says it. */
export function axisText(axis: Axis, size: (e: Expr) => string): string {
  switch (axis.kind) {
    case 'blocks':
      return `${axis.of} / ${size(axis.size)}`;
    case 'free':
      return axis.name;
    case 'fixed':
      return String(axis.extent);
    case 'batch':
    case 'heads':
    case 'kv_heads':
    case 'queries':
    case 'keys':
    case 'dim':
      return axis.kind;
    case 'counted':
      return size(axis.extent);
    default:
      return unreachable(axis);
  }
}

/** An axis in a message: block sizes that are computed are left out. */
export function axisName(axis: Axis): string {
  return axisText(axis, (size) => (size.kind === 'literal' ? String(size.value) : '...'));
}
