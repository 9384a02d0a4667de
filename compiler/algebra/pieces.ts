/**
 * Cutting a tile at multiples of a divisor. `q mod c` on an interval is known only within one block of c numbers; on the
 * pieces of a tile between multiples of c it is an interval, and `q div c` one number. In: a question about a box and the
 * expressions it is about. Out: the question asked of every piece (a fold over piece numbers), or of the box when it has too many.
 */
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import type { Box, Interval } from './abstract.ts';
import { atLeastOne } from './comparisons.ts';
import { isUniform } from './formula.ts';
import { knownRange } from './known-range.ts';
import { coefficientOf, emit, partition, sumOf, type Sum } from './sums.ts';

/** A tile is cut into at most this many pieces along an axis. */
const maxPieces = 16;
const offsetLimit = 2 ** 28;
const divisorLimit = 2 ** 30;

interface Cut {
  /** Blocks are those of (position + offset) div divisor. */
  readonly offset: Expr;
  readonly divisor: Expr;
}

function linearIn(s: Sum, name: string): Sum | undefined {
  const [own, rest] = partition(s, (e) => e.kind === 'ref' && e.name === name);
  return coefficientOf(own, name) === 1 && rest.terms.every((t) => isUniform(t.expr)) ? rest : undefined;
}

function collect(e: Expr, name: string, into: Cut[]): void {
  if (e.kind === 'binary' && e.op === 'mod' && isUniform(e.right) && !isUniform(e.left)) {
    const rest = linearIn(sumOf(e.left), name);
    const offset = rest === undefined ? undefined : emit(rest);
    if (offset !== undefined) {
      const r = knownRange(offset);
      if (r.lo >= -offsetLimit && r.hi <= offsetLimit) into.push({ offset, divisor: e.right });
    }
  }
  for (const child of children(e)) collect(child, name, into);
}

/** Where the expressions ask for a cut along `name`: the smallest known divisor, or else the first. */
function cutOf(exprs: readonly Expr[], name: string): Cut | undefined {
  const cuts: Cut[] = [];
  for (const e of exprs) collect(e, name, cuts);
  const size = (c: Cut): number => (c.divisor.kind === 'literal' ? c.divisor.value : Infinity);
  return cuts.reduce<Cut | undefined>((best, c) => (best === undefined || size(c) < size(best) ? c : best), undefined);
}

interface Axis {
  readonly name: 'q' | 'k';
  readonly whole: Interval;
  readonly cut: Cut;
}

/** The body with an int bound to a name: a fold over one number, so that the value is written once. */
function bound(name: string, value: Expr, body: Expr): Expr {
  return x.fold('any', name, value, x.add(value, x.int(1)), body);
}

/** `body` asked with `NAME_from` and `NAME_to` bound to the ends of each piece of the axis. */
function overPieces({ name, whole, cut }: Axis, body: Expr): Expr {
  const atLeast = atLeastOne(cut.divisor) ? cut.divisor : x.max(cut.divisor, x.int(1));
  // Products of block numbers with divisors up to a launch scalar's bound stay within 32 bits.
  const divisor = knownRange(cut.divisor).hi > divisorLimit ? x.min(atLeast, x.int(divisorLimit)) : atLeast;
  const block = (e: Expr): Expr => x.div(x.add(e, cut.offset), divisor);
  const [first, last] = [block(whole.lo), block(whole.hi)];
  const few = x.lt(x.sub(last, first), x.int(maxPieces));
  const here = x.ref(`${name}_block`, 'int');
  const start = (of: Expr): Expr => x.sub(x.mul(of, divisor), cut.offset);
  const from = x.select(few, x.max(whole.lo, start(here)), whole.lo);
  const to = x.select(few, x.min(whole.hi, x.sub(start(x.add(here, x.int(1))), x.int(1))), whole.hi);
  return x.fold(
    'any', `${name}_block`, first, x.select(few, x.add(last, x.int(1)), x.add(first, x.int(1))),
    bound(`${name}_from`, from, bound(`${name}_to`, to, body)),
  );
}

/** Whether `ask` is true on some piece of the box, cut as the expressions need it. */
export function anyPiece(box: Box, exprs: readonly Expr[], ask: (piece: Box) => Expr): Expr {
  const axes = (['q', 'k'] as const).flatMap((name): readonly Axis[] => {
    const cut = cutOf(exprs, name);
    return cut === undefined ? [] : [{ name, whole: box[name], cut }];
  });
  const piece = (name: 'q' | 'k'): Interval =>
    axes.some((a) => a.name === name) ? { lo: x.ref(`${name}_from`, 'int'), hi: x.ref(`${name}_to`, 'int') } : box[name];
  return axes.reduceRight((body, axis) => overPieces(axis, body), ask({ ...box, q: piece('q'), k: piece('k') }));
}
