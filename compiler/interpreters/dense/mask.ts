/**
 * The meaning of masks. In: a spec and a launch that has passed check-launch.ts. Out: for each (b, h, row) the keys that
 * the query may see, as bytes 0 and 1. A mask node is a function that takes keys away from a row, so predicates are
 * asked only about keys that can still be live. Row r is the query at position q = r + n_k - n_q.
 * `made` are the stage tensors (stages.ts); a mask that reads one needs them.
 */
import { unreachable } from '../../../dsl/diagnostic.ts';
import type { Expr } from '../../expr/ir.ts';
import type { MaskExpr, Spec, TensorUse } from '../../spec/ir.ts';
import { element, newPoint, scalar, worldOf } from './scalar.ts';
import type { DenseLaunch, Point, Scalar, StoredTensor, World } from './scalar.ts';

type Made = ReadonlyMap<string, StoredTensor>;

/** Fills `out` (n_k bytes) with the live keys of one query row. */
export type MaskRow = (b: number, h: number, row: number, out: Uint8Array) => void;

/** Clears in `live` every key that the mask does not hold for the query of `at`. */
type Restrict = (at: Point, live: Uint8Array) => void;

/** One row at a time, for masks that are too big to hold. */
export function maskRow(spec: Spec, launch: DenseLaunch, made?: Made): MaskRow {
  const { nQ, nK } = launch.sizes;
  const restrict = restriction(spec.mask, worldOf(spec, launch, made), launch);
  const at = newPoint();
  return (b, h, row, out) => {
    at.b = b;
    at.h = h;
    at.q = row + nK - nQ;
    at.k = 0;
    out.fill(1);
    restrict(at, out);
  };
}

/** The rows [fromRow, toRow) of one batch and head: bytes [toRow - fromRow, n_k]. */
export function maskRows(spec: Spec, launch: DenseLaunch, b: number, h: number, fromRow: number, toRow: number, made?: Made): Uint8Array {
  const { nK } = launch.sizes;
  const rowOf = maskRow(spec, launch, made);
  const mask = new Uint8Array((toRow - fromRow) * nK);
  for (let row = fromRow; row < toRow; row += 1) {
    rowOf(b, h, row, mask.subarray((row - fromRow) * nK, (row - fromRow + 1) * nK));
  }
  return mask;
}

/** The whole mask: bytes [batch, heads, n_q, n_k]. */
export function denseMask(spec: Spec, launch: DenseLaunch, made?: Made): Uint8Array {
  const { batch, heads, nQ, nK } = launch.sizes;
  const rowOf = maskRow(spec, launch, made);
  const mask = new Uint8Array(batch * heads * nQ * nK);
  let offset = 0;
  for (let b = 0; b < batch; b += 1) {
    for (let h = 0; h < heads; h += 1) {
      for (let row = 0; row < nQ; row += 1) {
        rowOf(b, h, row, mask.subarray(offset, offset + nK));
        offset += nK;
      }
    }
  }
  return mask;
}

function restriction(mask: MaskExpr, world: World, launch: DenseLaunch): Restrict {
  const { nQ, nK } = launch.sizes;
  const bounds = (range: { readonly from: Expr; readonly to: Expr }): readonly [Scalar, Scalar] => [
    scalar(range.from, world),
    scalar(range.to, world),
  ];
  switch (mask.kind) {
    case 'all':
      return () => {};
    case 'none':
      return (_, live) => live.fill(0);
    case 'causal':
      // k <= q
      return (at, live) => keepRange(live, 0, at.q + 1);
    case 'band': {
      // from <= q - k < to: k <= q - from and k > q - to
      const [from, to] = bounds(mask);
      return (at, live) => keepRange(live, at.q - to(at) + 1, at.q - from(at) + 1);
    }
    case 'keys': {
      const [from, to] = bounds(mask);
      return (at, live) => keepRange(live, from(at), to(at));
    }
    case 'queries': {
      const [from, to] = bounds(mask);
      return (at, live) => {
        if (!(from(at) <= at.q && at.q < to(at))) live.fill(0);
      };
    }
    case 'listed':
      return listed(mask.what, mask.list, world, launch);
    case 'segments': {
      const id = openAxis(mask.ids, world, (at) => at.k);
      const own = openAxis(mask.ids, world, (at) => at.q);
      return (at, live) => {
        const mine = own(at);
        keepWhere(at, live, (p) => id(p) === mine);
      };
    }
    case 'tiles': {
      const queryBlock = scalar(mask.queryBlock, world);
      const keyBlock = scalar(mask.keyBlock, world);
      const leading = mask.table.leading.map((e) => scalar(e, world));
      const row = (at: Point): number => blockOf(at.q - nK + nQ, queryBlock(at));
      const column = (at: Point): number => blockOf(at.k, keyBlock(at));
      const entry = element(mask.table.tensor, [...leading, row, column], world);
      return (at, live) => keepWhere(at, live, (p) => entry(p) !== 0);
    }
    case 'levels': {
      const [from, to] = bounds(mask);
      return (at, live) => {
        const low = from(at);
        const high = to(at);
        keepRange(live, 0, at.q + 1);
        keepWhere(at, live, (p) => {
          const level = fenwickLevel(p.q, p.k);
          return low <= level && level < high;
        });
      };
    }
    case 'predicate': {
      const holds = scalar(mask.body, world);
      return (at, live) => keepWhere(at, live, (p) => holds(p) !== 0);
    }
    case 'and': {
      const parts = mask.args.map((arg) => restriction(arg, world, launch));
      return (at, live) => {
        for (const part of parts) part(at, live);
      };
    }
    case 'or': {
      const parts = mask.args.map((arg) => restriction(arg, world, launch));
      const found = new Uint8Array(nK);
      const open = new Uint8Array(nK);
      return (at, live) => {
        found.fill(0);
        for (const part of parts) {
          // Only keys that no earlier part has found are still open.
          for (let k = 0; k < nK; k += 1) open[k] = live[k] === 1 && found[k] === 0 ? 1 : 0;
          part(at, open);
          for (let k = 0; k < nK; k += 1) if (open[k] === 1) found[k] = 1;
        }
        live.set(found);
      };
    }
    case 'not':
      return without(restriction(mask.arg, world, launch), nK);
    case 'minus': {
      const left = restriction(mask.left, world, launch);
      const right = without(restriction(mask.right, world, launch), nK);
      return (at, live) => {
        left(at, live);
        right(at, live);
      };
    }
    case 'choose': {
      const selector = scalar(mask.selector, world);
      const cases = mask.cases.map((c) => ({
        value: scalar(c.value, world),
        restrict: restriction(c.mask, world, launch),
      }));
      const otherwise = restriction(mask.otherwise, world, launch);
      return (at, live) => {
        const chosen = selector(at);
        (cases.find((c) => c.value(at) === chosen)?.restrict ?? otherwise)(at, live);
      };
    }
    default:
      return unreachable(mask);
  }
}

function keepRange(live: Uint8Array, from: number, to: number): void {
  const low = Math.max(0, Math.min(from, live.length));
  const high = Math.max(low, Math.min(to, live.length));
  live.fill(0, 0, low);
  live.fill(0, high);
}

function keepWhere(at: Point, live: Uint8Array, holds: (at: Point) => boolean): void {
  for (let k = 0; k < live.length; k += 1) {
    if (live[k] === 0) continue;
    at.k = k;
    if (!holds(at)) live[k] = 0;
  }
  at.k = 0;
}

/** The complement, within what is live. */
function without(part: Restrict, nK: number): Restrict {
  const taken = new Uint8Array(nK);
  return (at, live) => {
    taken.set(live);
    part(at, taken);
    for (let k = 0; k < nK; k += 1) if (taken[k] === 1) live[k] = 0;
  };
}

/** Reads `use` with `open` as its last index. */
function openAxis(use: TensorUse, world: World, open: Scalar): Scalar {
  return element(use.tensor, [...use.leading.map((e) => scalar(e, world)), open], world);
}

/** k, q or q - k is an entry of the list. */
function listed(what: 'keys' | 'queries' | 'slashes', list: TensorUse, world: World, launch: DenseLaunch): Restrict {
  const { nK } = launch.sizes;
  const index = { value: 0 };
  const entry = openAxis(list, world, () => index.value);
  const length = world.tensors.get(list.tensor)?.extents.at(-1) ?? 0;
  if (world.tensors.get(list.tensor)?.data instanceof Uint8Array) return ofSet(what, entry, index, launch);
  const wanted = new Uint8Array(nK);
  return (at, live) => {
    // The keys that an entry names for this query.
    wanted.fill(0);
    for (index.value = 0; index.value < length; index.value += 1) {
      const x = entry(at);
      if (what === 'queries') {
        if (x === at.q) return;
        continue;
      }
      const k = what === 'keys' ? x : at.q - x;
      if (k >= 0 && k < nK) wanted[k] = 1;
    }
    for (let k = 0; k < nK; k += 1) if (wanted[k] === 0) live[k] = 0;
  };
}

/** The list is a set of bools: by key, by query row, by distance. */
function ofSet(what: 'keys' | 'queries' | 'slashes', entry: Scalar, index: { value: number }, { sizes }: DenseLaunch): Restrict {
  return (at, live) => {
    for (let k = 0; k < sizes.nK; k += 1) {
      index.value = what === 'keys' ? k : what === 'queries' ? at.q - sizes.nK + sizes.nQ : at.q - k;
      if (entry(at) === 0) live[k] = 0;
    }
  };
}

function blockOf(position: number, size: number): number {
  return size < 1 ? 0 : Math.floor(position / size);
}

/** The number of bits of q xor k: 0 for the key itself, else the size class of its Fenwick segment. */
function fenwickLevel(q: number, k: number): number {
  let level = 0;
  for (let bits = (q ^ k) >>> 0; bits !== 0; bits >>>= 1) level += 1;
  return level;
}
