/**
 * Long orders on the device: what their programs share. In: a tensor's rule and indices. Out: the line that is ordered, the memory in which
 * lines are sorted, and when that way is taken (short lines are counted, lower-order.ts). The memory is one set of buffers for all tensors of a
 * program, since one is made after the other.
 *
 * A line lies as pairs of key and code, in `a` and `b` by turns. The code is the element's number in its line with its class above: an element
 * that takes part, one whose key is minus infinity, one whose key is no number, one that takes no part; all but the first have the least key
 * there is. So pairs are in order where keys fall, and among equal keys codes rise; no two codes are equal. Lines are shorter than 2^29.
 */
import type { Expr } from '../expr/ir.ts';
import { floatMax, intMin } from '../expr/arithmetic.ts';
import { add, and, binary, div, eq, float, ge, gt, int, lt, max, or, read, select, unary } from '../expr/build.ts';
import type { HostBuffer } from '../launch/plan.ts';
import type { Spec } from '../spec/ir.ts';
import type { StageRule, StageTensor } from '../spec/stage.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import { indexExtents, product } from './tensors.ts';

/** How orders are made: lines up to `counted` by counting, longer ones from sorted runs, `run` long at first and `fan` times as long each time. */
export interface OrderShape {
  readonly counted: number;
  /** Powers of two, at least 2. */
  readonly run: number;
  readonly fan: number;
}

export const usualOrders: OrderShape = { counted: 64, run: 16, fan: 8 };

export type OrderRule = Extract<StageRule, { readonly kind: 'rank' | 'mass' | 'order' }>;

export function isOrder(rule: StageRule): rule is OrderRule {
  return rule.kind === 'rank' || rule.kind === 'mass' || rule.kind === 'order';
}

/** Elements of a line and of all lines of an order, in the user's names. */
export function orderSizes(t: StageTensor, rule: OrderRule): { readonly line: Expr; readonly all: Expr } {
  const over = rule.kind === 'order' ? rule.over : t.indices.filter((x) => rule.over.includes(x.name));
  const others = t.indices.filter((x) => (rule.kind === 'order' ? x.name !== rule.along : !rule.over.includes(x.name)));
  const line = product(indexExtents(t.name, over));
  return { line, all: binary('mul', product(indexExtents(t.name, others)), line) };
}

/** Whether lines are too long to be counted: launch level, in the names of `line`. */
export function isLong(line: Expr, shape: OrderShape): Expr {
  return gt(line, int(shape.counted));
}

/**
 * What a rule's key says of the order where it rises or falls with the only index, or does not depend on it: then the order is that of
 * the index, and a list of it is a filter. Constants are held so small that nothing wraps.
 */
export function directionOf(rule: OrderRule): 'ascending' | 'descending' | undefined {
  if (rule.kind !== 'order') return undefined;
  const [index, ...more] = rule.over;
  if (index === undefined || more.length > 0) return undefined;
  const slope = slopeOf(rule.key, index.name);
  if (slope === undefined) return undefined;
  if (slope <= 0) return 'ascending';
  // A key that falls may fall to equal floats: they are in order by number. One that rises must not be rounded.
  const isIndex = rule.key.kind === 'unary' && rule.key.op === 'to_float' && rule.key.arg.kind === 'ref' && index.axis.kind !== 'counted';
  return rule.key.type === 'int' || isIndex ? 'descending' : undefined;
}

/** The factor of the index in an expression that is otherwise constant. */
function slopeOf(e: Expr, index: string): number | undefined {
  if (e.kind === 'literal') return Math.abs(e.value) < 2 ** 29 ? 0 : undefined;
  if (e.kind === 'unary' && e.op === 'to_float') return slopeOf(e.arg, index);
  if (e.kind === 'ref') return e.name === index ? 1 : undefined;
  if (e.kind === 'unary' && e.op === 'neg') {
    const inner = slopeOf(e.arg, index);
    return inner === undefined ? undefined : -inner;
  }
  if (e.kind === 'binary' && e.type === 'int' && (e.op === 'add' || e.op === 'sub') && (e.left.kind === 'literal' || e.right.kind === 'literal')) {
    const [left, right] = [slopeOf(e.left, index), slopeOf(e.right, index)];
    return left === undefined || right === undefined ? undefined : e.op === 'add' ? left + right : left - right;
  }
  return undefined;
}

export type Turn = 'a' | 'b';

/** Names of the buffers; no name of the user's lacks a prefix. */
export const orderBuffers = {
  key: (type: 'float' | 'int', turn: Turn): string => (type === 'float' ? `order_key_${turn}` : `order_whole_${turn}`),
  code: (turn: Turn): string => `order_code_${turn}`,
  sums: 'order_sums',
  counts: 'order_counts',
} as const;

/** Elements of a line that one lane walks, a power of two near the root of its length; launch level. */
export function chunkOf(line: Expr): Expr {
  return binary('shl', int(1), div(unary('bit_length', line), int(2)));
}

/** The buffers in which the orders of a spec are made, as long as the longest needs. */
export function orderMemory(spec: Spec): readonly HostBuffer[] {
  const sizes = new Map<string, { readonly element: HostBuffer['element']; readonly extent: Expr }>();
  const want = (name: string, element: HostBuffer['element'], extent: Expr): void => {
    const known = sizes.get(name);
    sizes.set(name, { element, extent: known === undefined ? extent : max(known.extent, extent) });
  };
  for (const t of spec.stages) {
    const { rule } = t;
    if (!isOrder(rule)) continue;
    const { line, all } = orderSizes(t, rule);
    const chunks = binary('mul', div(all, max(line, int(1))), ceilDiv(line, chunkOf(line)));
    if (directionOf(rule) !== undefined) {
      want(orderBuffers.counts, 'int', chunks);
      continue;
    }
    for (const turn of ['a', 'b'] as const) {
      const type = rule.key.type === 'float' ? 'float' : 'int';
      want(orderBuffers.key(type, turn), type === 'float' ? 'f32' : 'int', all);
      want(orderBuffers.code(turn), 'int', all);
    }
    if (rule.kind === 'mass') want(orderBuffers.sums, 'f32', chunks);
  }
  return [...sizes].map(([name, { element: kind, extent }]): HostBuffer => ({ name, role: 'workspace', element: kind, extents: [extent], chunked: 'whole' }));
}

const classBits = 29;
const below = 2 ** classBits;

/** What lies in memory for an element with this key. */
export function pairOf(number: Expr, takesPart: Expr, key: Expr): { readonly key: Expr; readonly code: Expr } {
  if (key.type !== 'float') return { key: select(takesPart, key, int(intMin)), code: add(number, select(takesPart, int(0), int(3 * below))) };
  const least = float(-floatMax);
  const isPlain = and(takesPart, ge(key, least));
  const kind = select(takesPart, select(ge(key, least), int(0), select(eq(key, key), int(below), int(2 * below))), int(3 * below));
  return { key: select(isPlain, key, least), code: add(number, kind) };
}

export function takesPartBy(code: Expr): Expr {
  return lt(code, int(3 * below));
}

export function numberBy(code: Expr): Expr {
  return binary('bit_and', code, int(below - 1));
}

/** Whether one pair comes before another. */
export function comesBefore(key: Expr, code: Expr, otherKey: Expr, otherCode: Expr): Expr {
  return or(gt(key, otherKey), and(eq(key, otherKey), lt(code, otherCode)));
}

/** Reads of the pair at a place of the sorted memory. */
export function pairAt(type: 'float' | 'int', turn: Turn, at: Expr): { readonly key: Expr; readonly code: Expr } {
  return { key: read(orderBuffers.key(type, turn), type, [at]), code: read(orderBuffers.code(turn), 'int', [at]) };
}
