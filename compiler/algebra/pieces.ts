/**
 * Cutting a tile at multiples of a divisor. `q mod c` on an interval is known only within one block of c numbers; on the
 * pieces of a tile between multiples of c it is an interval, and `q div c` one number. In: a question about a box and the
 * expressions it is about. Out: the question asked of every piece (a fold over piece numbers), or of the box when it has too many.
 */
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import type { Box, Interval } from './abstract.ts';
import { isUniform } from './formula.ts';
import { knownRange } from './known-range.ts';
import { coefficientOf, emit, partition, sumOf, type Sum } from './sums.ts';

/** A tile is cut into at most this many pieces along an axis. */
const maxPieces = 16;
const offsetLimit = 2 ** 28;
const divisorLimit = 2 ** 26;

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

interface Pieces {
  readonly count: Expr;
  readonly piece: Interval;
}

function piecesOf(whole: Interval, cut: Cut, index: Expr): Pieces {
  const bounded = x.max(x.min(cut.divisor, x.int(divisorLimit)), x.int(1));
  const divisor = knownRange(cut.divisor).lo >= 1 && knownRange(cut.divisor).hi <= divisorLimit ? cut.divisor : bounded;
  const block = (e: Expr): Expr => x.div(x.add(e, cut.offset), divisor);
  const count = x.add(x.sub(block(whole.hi), block(whole.lo)), x.int(1));
  const few = x.le(count, x.int(maxPieces));
  const start = (by: Expr): Expr => x.sub(x.mul(x.add(block(whole.lo), by), divisor), cut.offset);
  return {
    count: x.select(few, count, x.int(1)),
    piece: {
      lo: x.select(few, x.max(whole.lo, start(index)), whole.lo),
      hi: x.select(few, x.min(whole.hi, x.sub(start(x.add(index, x.int(1))), x.int(1))), whole.hi),
    },
  };
}

/** Whether `ask` is true on some piece of the box, cut as the expressions need it. */
export function anyPiece(box: Box, exprs: readonly Expr[], ask: (piece: Box) => Expr): Expr {
  const cutQ = cutOf(exprs, 'q');
  const cutK = cutOf(exprs, 'k');
  const q = cutQ === undefined ? undefined : piecesOf(box.q, cutQ, x.ref('q_piece', 'int'));
  const k = cutK === undefined ? undefined : piecesOf(box.k, cutK, x.ref('k_piece', 'int'));
  const inner = ask({ ...box, q: q?.piece ?? box.q, k: k?.piece ?? box.k });
  const overK = k === undefined ? inner : x.fold('any', 'k_piece', x.int(0), k.count, inner);
  return q === undefined ? overK : x.fold('any', 'q_piece', x.int(0), q.count, overK);
}
