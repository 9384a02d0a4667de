/**
 * The names every spec knows, and the few formulas and words over them that several files need.
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { sameExpr } from '../expr/traverse.ts';
import type { Axis, Sizes } from './ir.ts';

export const sizeNames = ['n_q', 'n_k', 'heads', 'kv_heads', 'batch', 'dim'] as const;
export const pairNames = ['q', 'k'] as const;
export const headNames = ['h', 'b'] as const;

export function sizeRef(name: string): Expr {
  return x.ref(name, 'int');
}

/** Sizes that are known before a launch, as expressions. */
export function knownSizes({ heads, kvHeads, dim }: Pick<Sizes, 'heads' | 'kvHeads' | 'dim'>): ReadonlyMap<string, Expr> {
  return new Map([['heads', x.int(heads)], ['kv_heads', x.int(kvHeads)], ['dim', x.int(dim)]]);
}

/** The key-value head that the current query head reads: heads are grouped evenly. */
export function currentHead(): Expr {
  return headOf(x.ref('h', 'int'));
}

/** The key-value head that query head `h` reads. */
export function headOf(h: Expr): Expr {
  return x.div(h, x.div(sizeRef('heads'), sizeRef('kv_heads')));
}

/** Position of the first query: positions are aligned at the end. */
export function firstQuery(): Expr {
  return x.sub(sizeRef('n_k'), sizeRef('n_q'));
}

/** The row of a query position. */
export function rowOf(position: Expr): Expr {
  return withoutOffset(position, firstQuery()) ?? x.add(x.sub(position, sizeRef('n_k')), sizeRef('n_q'));
}

/** `e` less `offset`, where the offset is one of the terms of `e`. */
function withoutOffset(e: Expr, offset: Expr): Expr | undefined {
  if (sameExpr(e, offset)) return x.int(0);
  if (e.kind !== 'binary' || (e.op !== 'add' && e.op !== 'sub')) return undefined;
  const left = withoutOffset(e.left, offset);
  if (left !== undefined) return x.binary(e.op, left, e.right);
  const right = e.op === 'add' ? withoutOffset(e.right, offset) : undefined;
  return right === undefined ? undefined : x.add(e.left, right);
}

/** How many places an axis has, at launch; free axes belong to a tensor (see `extentName`). */
export function extentOfAxis(axis: Axis): Expr {
  switch (axis.kind) {
    case 'batch':
    case 'heads':
    case 'kv_heads':
    case 'dim':
      return sizeRef(axis.kind);
    case 'queries':
      return sizeRef('n_q');
    case 'keys':
      return sizeRef('n_k');
    case 'blocks': {
      const length = sizeRef(axis.of === 'queries' ? 'n_q' : 'n_k');
      return x.div(x.add(length, x.sub(axis.size, x.int(1))), axis.size);
    }
    case 'fixed':
      return x.int(axis.extent);
    case 'counted':
      return axis.extent;
    case 'free':
      throw new CompilerBug('lower', `axis ${axis.name} has no extent without its tensor`);
    default:
      return unreachable(axis);
  }
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
