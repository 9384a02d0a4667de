/**
 * Random mask expressions over the parameters of random-parameters.ts. Most are shaped like real masks (causal parts of
 * bands, ranges, lists, congruences, blocks), some are arbitrary trees. Simple masks come first in every choice, so a
 * failing case shrinks towards `all`.
 */
import fc from 'fast-check';
import * as x from '../../compiler/expr/build.ts';
import type { BinaryOp, Expr, UnaryOp } from '../../compiler/expr/ir.ts';
import type { MaskExpr, TensorUse } from '../../compiler/spec/ir.ts';
import { b, blockShapes, h, k, nK, nQ, q, randomSpan } from './random-parameters.ts';

const span = randomSpan;
const row = x.add(x.sub(q, nK), nQ);
const groupSize = x.div(x.ref('heads', 'int'), x.ref('kv_heads', 'int'));
const step = x.ref('step', 'int');

const operators = (...ops: readonly BinaryOp[]): fc.Arbitrary<BinaryOp> => fc.constantFrom(...ops);

const small = fc.integer({ min: -6, max: 12 }).map(x.int);
const reach = fc.oneof(
  fc.integer({ min: 0, max: 70 }).map(x.int),
  fc.integer({ min: -20, max: 0 }).map(x.int),
);

/** Ints that are the same for a whole (b, h): what constructors may take. */
const uniform: fc.Arbitrary<Expr> = fc.oneof(
  { withCrossShrink: true },
  { weight: 5, arbitrary: reach },
  { weight: 3, arbitrary: fc.constantFrom(x.ref('window', 'int'), x.ref('offset', 'int'), x.neg(x.ref('window', 'int'))) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      x.read('reach_h', 'int', [h]), x.read('reach_b', 'int', [b]), nK, nQ, x.sub(nK, nQ), x.div(nK, x.int(2)),
      x.add(x.mul(h, x.int(5)), x.int(1)), x.ref('cols.m', 'int'), x.div(nK, step),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(reach, fc.constantFrom(x.ref('offset', 'int'), h, x.read('reach_h', 'int', [h]))).map(([c, e]) => x.add(e, c)) },
);

/** A range [from, to), usually not empty. */
const range: fc.Arbitrary<{ readonly from: Expr; readonly to: Expr }> = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: uniform.map((to) => ({ from: x.int(0), to })) },
  { weight: 3, arbitrary: fc.tuple(uniform, fc.nat(30)).map(([from, n]) => ({ from, to: x.add(from, x.int(n)) })) },
  { weight: 1, arbitrary: fc.tuple(uniform, uniform).map(([from, to]) => ({ from, to })) },
);

function use(tensor: string): TensorUse {
  const leading = tensor.endsWith('_bh') ? [b, h] : tensor.endsWith('_h') ? [h] : tensor.endsWith('_b') ? [b] : tensor.endsWith('_kv') ? [x.div(h, groupSize)] : [];
  return { tensor, leading };
}

const listed: fc.Arbitrary<MaskExpr> = fc.oneof(
  ...([['keys', 'cols'], ['keys', 'cols_h'], ['keys', 'cols_bh'], ['keys', 'cols_kv'], ['slashes', 'slash'], ['slashes', 'slash_h'], ['slashes', 'slash_bh'], ['queries', 'rows'], ['queries', 'rows_h']] as const).map(
    ([what, tensor]) => fc.constant<MaskExpr>({ kind: 'listed', what, list: use(tensor), span }),
  ),
);

/** Scattered rows, alone or with something that they see. */
const gathered: fc.Arbitrary<MaskExpr> = fc
  .tuple(
    fc.constantFrom('rows', 'rows_h', 'rows_bh', 'few_rows', 'rowset', 'rowset_h').map((tensor): MaskExpr => ({ kind: 'listed', what: 'queries', list: use(tensor), span })),
    fc.oneof(
      { withCrossShrink: true },
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 2, arbitrary: range.map((r): MaskExpr => ({ kind: 'keys', ...r, span })) },
      { weight: 3, arbitrary: fc.oneof(listed, fc.constantFrom('tag', 'tag_h').map((t): MaskExpr => ({ kind: 'segments', ids: use(t), span }))) },
    ),
    fc.boolean(),
  )
  .map(([rows, seen, other]) => (seen === undefined ? rows : other ? { kind: 'minus', left: seen, right: rows, span } : { kind: 'and', args: [rows, seen], span }));

const segments: fc.Arbitrary<MaskExpr> = fc.constantFrom('doc', 'doc_b', 'tag', 'tag_h').map((t) => ({ kind: 'segments', ids: use(t), span }));

const tiles: fc.Arbitrary<MaskExpr> = fc.constantFrom(...blockShapes).map(([tensor, queryBlock, keyBlock]) => ({
  kind: 'tiles',
  table: { tensor, leading: tensor === 'table_8x16' ? [b, h] : tensor === 'table_4x4' ? [h] : [] },
  queryBlock,
  keyBlock,
  span,
}));

const predicateOf = (body: Expr): MaskExpr => ({ kind: 'predicate', body, span });

/** a*q + b*k with small factors, never 0*q + 0*k. */
const affine: fc.Arbitrary<Expr> = fc.oneof(
  fc.constantFrom(x.sub(q, k), x.add(q, k), k, q),
  fc
    .tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }))
    .map(([u, v]) => x.add(x.mul(q, x.int(u)), x.mul(k, x.int(v)))),
);

const modulus = fc.oneof(fc.constantFrom(2, 3, 4, 5, 7, 8, 16).map(x.int), fc.constant(step));

/** (a*q + b*k) mod m == r, the shape of grids, lines and dilation. */
const congruence: fc.Arbitrary<MaskExpr> = fc
  .tuple(affine, modulus, fc.oneof(fc.integer({ min: -1, max: 6 }).map(x.int), fc.constantFrom(h, x.ref('offset', 'int'))), operators('eq', 'eq', 'eq', 'lt', 'ne'))
  .map(([e, m, r, op]) => predicateOf(x.binary(op, x.mod(e, m), r)));

const inequality: fc.Arbitrary<MaskExpr> = fc
  .tuple(affine, operators('le', 'lt', 'ge', 'gt', 'eq', 'ne'), uniform)
  .map(([e, op, limit]) => predicateOf(x.binary(op, e, limit)));

/** Distances of block, column or row coordinates: 2-D neighbourhoods, block diagonals, chunks. */
const coordinates: fc.Arbitrary<MaskExpr> = fc
  .tuple(fc.constantFrom('div', 'mod', 'both'), modulus, fc.integer({ min: 0, max: 3 }).map(x.int))
  .map(([op, width, r]) => {
    const near = (f: (e: Expr) => Expr): Expr => x.le(x.abs(x.sub(f(q), f(k))), r);
    const rows = near((e) => x.div(e, width));
    const columns = near((e) => x.mod(e, width));
    return predicateOf(op === 'div' ? rows : op === 'mod' ? columns : x.and(rows, columns));
  });

/** Arbitrary int and bool expressions of q and k; `local` is in scope inside a quantifier. */
function trees(local: Expr | undefined): { readonly int: fc.Arbitrary<Expr>; readonly bool: fc.Arbitrary<Expr> } {
  const scope = local === undefined ? [] : [local];
  return fc.letrec<{ int: Expr; bool: Expr; divisor: Expr }>((tie) => ({
    int: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 3, arbitrary: small },
      { weight: 6, arbitrary: fc.constantFrom(q, k, ...scope) },
      { weight: 1, arbitrary: fc.constantFrom(h, b, nK, nQ, row, x.ref('window', 'int'), x.ref('offset', 'int'), step) },
      { weight: 3, arbitrary: fc.tuple(operators('add', 'sub', 'mul', 'min', 'max', 'sub'), tie('int'), tie('int')).map(([op, u, v]) => x.binary(op, u, v)) },
      { weight: 2, arbitrary: fc.tuple(operators('div', 'mod'), tie('int'), tie('divisor')).map(([op, u, v]) => x.binary(op, u, v)) },
      { weight: 1, arbitrary: fc.tuple(operators('bit_and', 'bit_or', 'bit_xor'), tie('int'), tie('int')).map(([op, u, v]) => x.binary(op, u, v)) },
      { weight: 1, arbitrary: fc.tuple(operators('shl', 'shr'), tie('int'), fc.integer({ min: 0, max: 5 })).map(([op, u, n]) => x.binary(op, u, x.int(n))) },
      { weight: 1, arbitrary: fc.tuple(fc.constantFrom<UnaryOp[]>('neg', 'abs', 'bit_not', 'bit_length', 'popcount'), tie('int')).map(([op, u]) => x.unary(op, u)) },
      { weight: 1, arbitrary: fc.tuple(tie('bool'), tie('int'), tie('int')).map(([c, u, v]) => x.select(c, u, v)) },
      { weight: 1, arbitrary: tie('int').map((i) => x.read('tag', 'int', [i])) },
      { weight: 1, arbitrary: fc.constantFrom(x.read('tag_h', 'int', [h, k]), x.read('doc_b', 'int', [b, q]), x.read('reach_q', 'int', [row]), x.read('doc', 'int', [k])) },
    ),
    // Divisors that mention q, k or a tensor may be anything (below 1 the result is 0); others are at least 1.
    divisor: fc.oneof(
      { withCrossShrink: true },
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 9 }).map(x.int) },
      { weight: 2, arbitrary: fc.constant(step) },
      { weight: 1, arbitrary: tie('int').map((e) => x.max(e, x.int(1))) },
      { weight: 1, arbitrary: fc.constantFrom(x.add(k, x.int(1)), x.sub(q, x.int(3)), x.read('tag', 'int', [k])) },
    ),
    bool: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 5, arbitrary: fc.tuple(operators('eq', 'ne', 'lt', 'le', 'gt', 'ge'), tie('int'), tie('int')).map(([op, u, v]) => x.binary(op, u, v)) },
      { weight: 2, arbitrary: fc.tuple(operators('and', 'or'), tie('bool'), tie('bool')).map(([op, u, v]) => x.binary(op, u, v)) },
      { weight: 1, arbitrary: tie('bool').map(x.not) },
      { weight: 1, arbitrary: fc.tuple(tie('bool'), tie('bool'), tie('bool')).map(([c, u, v]) => x.select(c, u, v)) },
      { weight: 1, arbitrary: fc.constantFrom(x.read('mark', 'bool', [k]), x.read('mark', 'bool', [q]), x.read('mark_q', 'bool', [row]), x.read('mark_hk', 'bool', [h, k]), x.ref('enabled', 'bool')) },
    ),
  }));
}

const t = x.ref('t', 'int');
const plain = trees(undefined);
const inner = trees(t);

const quantified: fc.Arbitrary<Expr> = fc
  .tuple(
    fc.constantFrom(x.int(0), x.int(1), x.int(-1)),
    fc.oneof(fc.integer({ min: 0, max: 5 }).map(x.int), fc.constantFrom(step, h)),
    fc.oneof(
      fc.constantFrom(x.eq(x.read('parent', 'int', [q, t]), k), x.eq(x.sub(q, k), x.mul(t, t)), x.eq(x.sub(q, k), x.binary('shl', x.int(1), t))),
      inner.bool,
    ),
  )
  .map(([from, to, body]) => x.fold('any', 't', from, to, body));

const predicate: fc.Arbitrary<MaskExpr> = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: plain.bool },
  { weight: 1, arbitrary: quantified },
  { weight: 1, arbitrary: fc.tuple(plain.bool, quantified).map(([u, v]) => x.and(u, v)) },
).map(predicateOf);

/** One constructor. */
const piece: fc.Arbitrary<MaskExpr> = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constantFrom<MaskExpr>({ kind: 'all', span }, { kind: 'none', span }) },
  { weight: 2, arbitrary: fc.constant<MaskExpr>({ kind: 'causal', span }) },
  { weight: 4, arbitrary: range.map((r): MaskExpr => ({ kind: 'band', ...r, span })) },
  { weight: 3, arbitrary: range.map((r): MaskExpr => ({ kind: 'keys', ...r, span })) },
  { weight: 1, arbitrary: range.map((r): MaskExpr => ({ kind: 'queries', ...r, span })) },
  { weight: 4, arbitrary: congruence },
  { weight: 2, arbitrary: inequality },
  { weight: 2, arbitrary: coordinates },
  { weight: 3, arbitrary: listed },
  { weight: 2, arbitrary: gathered },
  { weight: 2, arbitrary: segments },
  { weight: 2, arbitrary: tiles },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 7 })).map(([from, to]): MaskExpr => ({ kind: 'levels', from: x.int(from), to: x.int(to), span })) },
  { weight: 3, arbitrary: predicate },
);

const causal: MaskExpr = { kind: 'causal', span };

const union: fc.Arbitrary<MaskExpr> = fc.array(piece, { minLength: 1, maxLength: 4 }).map((args) => args.length === 1 && args[0] !== undefined ? args[0] : { kind: 'or', args, span });

const causalUnion: fc.Arbitrary<MaskExpr> = union.map((part) => ({ kind: 'and', args: [causal, part], span }));

const { tree } = fc.letrec<{ tree: MaskExpr }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: piece },
    { weight: 2, arbitrary: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }).map((args): MaskExpr => ({ kind: 'and', args, span })) },
    { weight: 2, arbitrary: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }).map((args): MaskExpr => ({ kind: 'or', args, span })) },
    { weight: 1, arbitrary: tie('tree').map((arg): MaskExpr => ({ kind: 'not', arg, span })) },
    { weight: 2, arbitrary: fc.tuple(tie('tree'), tie('tree')).map(([left, right]): MaskExpr => ({ kind: 'minus', left, right, span })) },
    { weight: 1, arbitrary: choiceOf(tie('tree')) },
  ),
}));

function choiceOf(part: fc.Arbitrary<MaskExpr>): fc.Arbitrary<MaskExpr> {
  return fc
    .tuple(
      fc.constantFrom(x.read('which', 'int', [h]), h, x.mod(h, x.int(2)), b, x.ref('step', 'int')),
      fc.array(part, { minLength: 1, maxLength: 3 }),
      fc.option(part, { nil: undefined, freq: 2 }),
    )
    .map(([selector, parts, otherwise]) => ({
      kind: 'choose',
      selector,
      cases: parts.map((mask, i) => ({ value: x.int(i), mask })),
      otherwise: otherwise ?? { kind: 'none', span },
      span,
    }));
}

/** Masks of all shapes; `structured` leaves out the arbitrary trees. */
export function randomMasks(shape: 'any' | 'structured' = 'any'): fc.Arbitrary<MaskExpr> {
  const structured = [
    { weight: 3, arbitrary: piece },
    { weight: 5, arbitrary: causalUnion },
    { weight: 2, arbitrary: union },
    { weight: 1, arbitrary: choiceOf(causalUnion) },
  ];
  return shape === 'structured'
    ? fc.oneof({ withCrossShrink: true }, ...structured)
    : fc.oneof({ withCrossShrink: true }, ...structured, { weight: 4, arbitrary: tree });
}
