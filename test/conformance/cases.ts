/**
 * The launches that every executor must get right: each kind of mask and table, ragged ends, one token, shared key-value heads,
 * more queries than keys, rows that see nothing, scores and sinks. In: nothing. Out: named cases. Holds: data come from
 * seeds, so a case is the same everywhere.
 */
import * as x from '../../compiler/expr/build.ts';
import type { Expr } from '../../compiler/expr/ir.ts';
import type { MaskExpr, Sizes } from '../../compiler/spec/ir.ts';
import { withDefaults } from '../../compiler/spec/check-launch.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import { spanOf } from '../../dsl/span.ts';
import { b, h, k, nK, nQ, q, s } from '../support/random-parameters.ts';
import { randomInputs, randomLaunch, specAround, type RandomCase } from '../support/random-spec.ts';

export interface NamedCase extends RandomCase {
  readonly name: string;
}

const span = spanOf('conformance.fil', 0, 1);

type Bound = number | Expr;

function bound(value: Bound): Expr {
  return typeof value === 'number' ? x.int(value) : value;
}

const causal: MaskExpr = { kind: 'causal', span };
const all: MaskExpr = { kind: 'all', span };
const and = (...args: readonly MaskExpr[]): MaskExpr => ({ kind: 'and', args, span });
const or = (...args: readonly MaskExpr[]): MaskExpr => ({ kind: 'or', args, span });
const band = (from: Bound, to: Bound): MaskExpr => ({ kind: 'band', from: bound(from), to: bound(to), span });
const keys = (from: Bound, to: Bound): MaskExpr => ({ kind: 'keys', from: bound(from), to: bound(to), span });
const where = (body: Expr): MaskExpr => ({ kind: 'predicate', body, span });
const listed = (what: 'keys' | 'queries' | 'slashes', tensor: string, leading: readonly Expr[] = []): MaskExpr => ({
  kind: 'listed', what, list: { tensor, leading }, span,
});

type Parts = NonNullable<Parameters<typeof specAround>[1]>;

interface Request {
  readonly mask: MaskExpr;
  readonly parts?: Parts;
  readonly sizes?: Partial<Sizes>;
  readonly values?: Readonly<Record<string, number>>;
  readonly freeExtent?: number;
}

const standard: Sizes = { batch: 1, heads: 2, kvHeads: 1, nQ: 45, nK: 45, dim: 8 };

const requests: Readonly<Record<string, Request>> = {
  'all pairs': { mask: all },
  'no pair at all': { mask: { kind: 'none', span } },
  'causal, a length that no tile divides': { mask: causal },
  'causal, one token': { mask: causal, sizes: { nQ: 1, nK: 1 } },
  'causal, one query at the end of many keys': { mask: causal, sizes: { nQ: 1, nK: 150 } },
  'causal, a few queries at the end of many keys': { mask: causal, sizes: { nQ: 3, nK: 97, heads: 4, kvHeads: 2 } },
  'causal, more queries than keys': { mask: causal, sizes: { nQ: 40, nK: 13 } },
  'causal, two batches, shared key-value heads': { mask: causal, sizes: { batch: 2, heads: 6, kvHeads: 2, nQ: 33, nK: 33 } },
  'a head dimension that is no multiple of four': { mask: causal, sizes: { dim: 18 } },
  'a head dimension of 64': { mask: causal, sizes: { dim: 64, nQ: 20, nK: 20 } },
  'a window with sinks': { mask: and(causal, or(band(0, x.ref('window', 'int')), keys(0, 4))), values: { window: 9 }, sizes: { nQ: 70, nK: 70 } },
  'a band on both sides': { mask: band(-5, 6) },
  'two bands that overlap': { mask: or(band(0, 7), band(4, 20)) },
  'every third key on the phase of the query': { mask: and(causal, where(x.eq(x.mod(x.sub(q, k), x.int(3)), x.int(1)))), sizes: { nQ: 64, nK: 64 } },
  'antidiagonals': { mask: and(causal, where(x.eq(x.mod(x.add(q, k), x.int(5)), x.int(2)))), sizes: { nQ: 64, nK: 64 } },
  'row and column lines': {
    mask: and(causal, or(where(x.eq(x.mod(q, x.int(7)), x.int(0))), where(x.eq(x.mod(k, x.int(7)), x.int(0))))),
    sizes: { nQ: 60, nK: 60 },
  },
  'listed columns and slashes for each head': { mask: and(causal, or(listed('keys', 'cols_h', [h]), listed('slashes', 'slash_h', [h]))), freeExtent: 5 },
  'an empty list': { mask: and(causal, listed('keys', 'cols')), freeExtent: 0 },
  'listed rows': { mask: or(listed('queries', 'rows'), band(0, 3)), freeExtent: 4 },
  'documents sorted by id': { mask: and(causal, { kind: 'segments', ids: { tensor: 'doc_b', leading: [b] }, span }), sizes: { batch: 2, nQ: 50, nK: 50 } },
  'documents in any order': { mask: { kind: 'segments', ids: { tensor: 'tag', leading: [] }, span } },
  'a block table for each head': {
    mask: and(causal, { kind: 'tiles', table: { tensor: 'table_8x16', leading: [b, h] }, queryBlock: x.int(8), keyBlock: x.int(16), span }),
    sizes: { nQ: 61, nK: 61 },
  },
  'Fenwick levels': { mask: { kind: 'levels', from: x.int(2), to: x.int(5), span }, sizes: { nQ: 64, nK: 64 } },
  'a two-dimensional neighbourhood': {
    mask: where(
      x.and(
        x.le(x.abs(x.sub(x.div(q, x.int(8)), x.div(k, x.int(8)))), x.int(1)),
        x.le(x.abs(x.sub(x.mod(q, x.int(8)), x.mod(k, x.int(8)))), x.int(1)),
      ),
    ),
    sizes: { nQ: 56, nK: 56 },
  },
  'a mask for each head': {
    mask: {
      kind: 'choose', selector: x.read('which', 'int', [h]), otherwise: causal, span,
      cases: [{ value: x.int(0), mask: band(0, 5) }, { value: x.int(1), mask: keys(0, 6) }],
    },
    sizes: { heads: 4, kvHeads: 2 },
  },
  'marked tokens of a bool tensor': { mask: or(causal, where(x.read('mark', 'bool', [k]))) },
  'a quantifier over ancestors': {
    mask: where(x.fold('any', 't', x.int(0), x.int(3), x.eq(x.read('parent', 'int', [k, x.ref('t', 'int')]), k))),
  },
  'a bias, a slope and a soft cap': {
    mask: causal,
    parts: {
      score: x.mul(x.unary('tanh', x.divide(x.add(s, x.add(x.read('bias', 'float', [h, k]), x.mul(x.read('slope_h', 'float', [h]), x.toFloat(x.sub(q, k))))), x.ref('cap', 'float'))), x.ref('cap', 'float')),
    },
    values: { cap: 8 },
  },
  'sinks, with rows that see nothing else': { mask: and(causal, keys(20, nK)), parts: { sink: x.read('sink_h', 'float', [h]) } },
  'a scale of its own, without scores to speak of': { mask: causal, parts: { scale: x.float(0) } },
  'cross attention': { mask: keys(3, x.sub(nK, x.int(2))), sizes: { nQ: 7, nK: 130, heads: 1, kvHeads: 1 } },
  'rows that see nothing': { mask: and(causal, where(x.ne(x.mod(x.sub(q, x.sub(nK, nQ)), x.int(4)), x.int(1)))), sizes: { nQ: 30, nK: 42 } },
};

/** All named cases. */
export const cases: readonly NamedCase[] = Object.entries(requests).map(([name, request], seed) => {
  const { mask, parts = {}, values = {}, freeExtent = 3 } = request;
  const spec = specAround(mask, parts);
  const sizes = { ...standard, ...request.sizes };
  return { name, spec, launch: randomLaunch(spec, sizes, values, freeExtent, seed + 1), inputs: randomInputs(sizes, seed + 1) };
});

/** A program with stages, and all that its tensors feed: a table of blocks, a list of keys, a number for each head. */
const chosen = `stage picked(const size: int, n: int) {
  index A in queries / size
  index B in keys / size
  index m in 0 .. n
  weight[h, A, B] = (sum i in 0 .. size, j in 0 .. size: dot(q[h, first_q + A * size + i], k[h, B * size + j])) / size
  share[h, A, B] = softmax B where B * size <= first_q + A * size: weight[h, A, B]
  keep[h, A, B] = top(2) B: share[h, A, B]
  sum_to[h, B] = cumsum B: if keep[h, 0, B] then 1.0 else 0.5
  first[h, m] = nth(m) j in keys where keep[h, 0, j div size]: -j
}
attention chosen(n: int = 3, window: int = 3) {
  stage sel = picked(8, n)
  mask causal & (tiles(sel.keep) | band(0 .. window)) | keys(sel.first)
}`;

function named(name: string, text: string, sizes: Sizes): NamedCase {
  const made = compileSource({ file: 'conformance.fil', text }, () => undefined, 'chosen');
  if (!made.ok) throw new Error(made.diagnostics.map((d) => d.message).join('; '));
  const launch = withDefaults(made.value, { sizes, scalars: new Map(), tensors: new Map() });
  return { name, spec: made.value, launch, inputs: randomInputs(sizes, 3) };
}

/** Cases whose programs choose at run time; every tensor of a stage is judged. */
export const stageCases: readonly NamedCase[] = [
  named('blocks, keys and numbers that stages choose', chosen, { batch: 1, heads: 4, kvHeads: 2, nQ: 37, nK: 43, dim: 8 }),
  named('stages of one query', chosen, { batch: 2, heads: 2, kvHeads: 1, nQ: 1, nK: 29, dim: 8 }),
];
