/**
 * The names every spec knows, and the few formulas over them that several files need.
 */
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';

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
