/**
 * What an expression of one position can be on a tile, by going through the positions. In: an expression and the positions of the tile. Out:
 * a fold over them, exact where they are few, and as long as the expression. abstract.ts asks for it where its own answer, made of
 * the answers for the parts, would say less or grow too long.
 */
import * as x from '../expr/build.ts';
import type { Expr, FoldOp } from '../expr/ir.ts';
import { children, freeRefs, substitute } from '../expr/traverse.ts';
import type { Interval } from './abstract-bits.ts';
import { uses } from './formula.ts';

/** Positions, or elements along one axis of a tensor, that are gone through on a tile. */
export const maxSpan = 256;
/** Nodes of an answer: cases in cases mention their parts several times each, and double at every level. */
export const maxNodes = 64_000;
/** Nodes of an expression that is computed at every position. */
const maxWalked = 1000;

/** Positions of a tile, ends included, and whether a look-up over any range is one question. */
interface Positions {
  readonly q: Interval;
  readonly k: Interval;
  readonly wideReads?: boolean;
}

const sizes = new WeakMap<Expr, number>();

/** Nodes of the tree. Remembered by object: answers share their parts, and a walk through all of one takes as long as it is large. */
export function nodesOf(e: Expr): number {
  const known = sizes.get(e);
  if (known !== undefined) return known;
  const size = children(e).reduce((sum, child) => sum + nodesOf(child), 1);
  sizes.set(e, size);
  return size;
}

/** How many look-ups stand in one another. */
function lookUpDepth(e: Expr): number {
  const below = children(e).reduce((most, child) => Math.max(most, lookUpDepth(child)), 0);
  return e.kind === 'read' ? below + 1 : below;
}

export interface Walk {
  readonly few: Expr;
  readonly fold: (op: FoldOp) => Expr;
  /** Whether it tells more than the answer by parts. */
  readonly better: boolean;
}

/**
 * The other way to an answer: an expression of the query alone, or of the key alone, takes its values at the positions of the tile,
 * which are gone through if they are few. Where look-ups stand in look-ups that is exact and short, and the answer by parts
 * neither. Undefined for expressions of both positions, and for long ones.
 */
export function positionWalk(e: Expr, box: Positions): Walk | undefined {
  const [mine, other] = uses(e, 'q') ? (['q', 'k'] as const) : (['k', 'q'] as const);
  if (uses(e, other) || nodesOf(e) > maxWalked) return undefined;
  const name = `${mine}_at`;
  if (freeRefs(e).has(name)) return undefined;
  const { lo, hi } = box[mine];
  const few = x.lt(x.sub(hi, lo), x.int(maxSpan));
  const body = (): Expr => substitute(e, new Map([[mine, x.ref(name, 'int')]]));
  const fold = (op: FoldOp): Expr => x.fold(op, name, lo, x.select(few, x.add(hi, x.int(1)), lo), body());
  // On the host a look-up over any range is one question, which two levels of them still are.
  return { few, fold, better: lookUpDepth(e) > (box.wideReads === true ? 2 : 1) };
}
