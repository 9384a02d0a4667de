/**
 * Whether a condition can hold anywhere in a tile. In: a bool expression, and the first and last value of each index that varies within the tile.
 * Out: a condition over scalars that holds wherever the expression does for some element; `true` where nothing is known. Known are comparisons
 * of ints that are sums of such indices times small constants and of terms that are the same for the whole tile, as below a diagonal. Where such a
 * term is so large that the sum might wrap, the answer is `true`.
 */
import type { Expr } from '../expr/ir.ts';
import { add, all, and, any, ge, gt, int, le, lt, min, mul, or, sub, trueExpr } from '../expr/build.ts';
import { conjuncts, freeRefs, readTensors } from '../expr/traverse.ts';

export interface Span {
  readonly first: Expr;
  readonly last: Expr;
}

interface Linear {
  /** Factors of the varying indices. */
  readonly factors: ReadonlyMap<string, number>;
  readonly rest: readonly Expr[];
}

const none: ReadonlyMap<string, number> = new Map();
/** Indices are below 2^24: eight times as much, four terms and the constants stay far from 2^31. */
const mostFactor = 8;
const mostRest = 2 ** 27;

function scaled({ factors, rest }: Linear, by: number): Linear {
  return { factors: new Map([...factors].map(([name, f]) => [name, f * by])), rest: rest.map((e) => mul(e, int(by))) };
}

function sum(a: Linear, b: Linear): Linear {
  const factors = new Map(a.factors);
  for (const [name, f] of b.factors) factors.set(name, (factors.get(name) ?? 0) + f);
  return { factors, rest: [...a.rest, ...b.rest] };
}

function linear(e: Expr, spans: ReadonlyMap<string, Span>): Linear | undefined {
  if (e.kind === 'ref' && spans.has(e.name)) return { factors: new Map([[e.name, 1]]), rest: [] };
  if (![...freeRefs(e)].some((name) => spans.has(name))) return readTensors(e).size === 0 ? { factors: none, rest: [e] } : undefined;
  if (e.kind !== 'binary') return undefined;
  const left = linear(e.left, spans);
  const right = linear(e.right, spans);
  if (left === undefined || right === undefined) return undefined;
  if (e.op === 'add') return sum(left, right);
  if (e.op === 'sub') return sum(left, scaled(right, -1));
  if (e.op === 'mul' && e.right.kind === 'literal' && Math.abs(e.right.value) <= mostFactor && left.rest.length === 0) return scaled(left, e.right.value);
  return undefined;
}

/** Whether one comparison can hold. */
function compared(e: Expr, spans: ReadonlyMap<string, Span>): Expr {
  if (e.kind !== 'binary' || e.left.type !== 'int') return trueExpr;
  const left = linear(e.left, spans);
  const right = linear(e.right, spans);
  if (left === undefined || right === undefined) return trueExpr;
  const { factors, rest } = sum(left, scaled(right, -1));
  if (rest.length > 4 || factors.size > 2 || [...factors.values()].some((f) => Math.abs(f) > mostFactor)) return trueExpr;
  const total = rest.reduce((a: Expr, b) => add(a, b), int(0));
  const end = (least: boolean): Expr => [...factors].reduce((value: Expr, [name, f]) => {
    const span = spans.get(name);
    return span === undefined || f === 0 ? value : add(value, mul(least === f > 0 ? span.first : span.last, int(f)));
  }, total);
  const mayWrap = any(rest.filter((r) => r.kind !== 'literal').map((r) => or(lt(r, int(-mostRest)), gt(r, int(mostRest)))));
  if (rest.some((r) => r.kind === 'literal' && Math.abs(r.value) > mostRest)) return trueExpr;
  const holds = (): Expr | undefined => {
    switch (e.op) {
      case 'le':
        return le(end(true), int(0));
      case 'lt':
        return lt(end(true), int(0));
      case 'ge':
        return ge(end(false), int(0));
      case 'gt':
        return gt(end(false), int(0));
      case 'eq':
        return and(le(end(true), int(0)), ge(end(false), int(0)));
      default:
        return undefined;
    }
  };
  const found = holds();
  return found === undefined ? trueExpr : or(mayWrap, found);
}

/** Whether the condition can hold for some element of the tile. */
export function canHold(cond: Expr, spans: ReadonlyMap<string, Span>): Expr {
  if (cond.kind === 'binary' && cond.op === 'or') return or(canHold(cond.left, spans), canHold(cond.right, spans));
  const parts = conjuncts(cond);
  if (parts.length === 1) return compared(cond, spans);
  return all(parts.map((part) => canHold(part, spans)));
}

/** Values of an index in a tile that begins at `first`: `count` of them, as far as the axis goes. */
export function spanOf(first: Expr, count: number, extent: Expr): Span {
  return { first, last: sub(min(add(first, int(count)), extent), int(1)) };
}
