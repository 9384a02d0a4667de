/**
 * Random syntax trees for round trips: any nesting of any construct, whether or not it makes sense to the checker. Spans are left out
 * of comparisons by `withoutSpans`.
 */
import fc from 'fast-check';
import type { Arg, BinaryOp, ChainItem, Clause, Expr, Ident, Item, Param, RangeExpr, StageItem, StageUse, TypeExpr } from '../../dsl/ast.ts';
import { noSpan as span } from '../../dsl/span.ts';

const names = fc.constantFrom('w', 'stride', 'list', 'q', 'k', 'n_k', 'scale', 'head', 'from', 'sink', 'choose', 'as', 'in', 'score', 'schedule', 'maskx', 'any_1', 'x2', 'divide', 'float');
const ident: fc.Arbitrary<Ident> = names.map((name) => ({ name, span }));

const ints = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom(2147483647, -2147483648)).map((value): Expr => ({ kind: 'int', value: value | 0, span }));
const floats = fc.constantFrom('0.5', '1e-3', '12.25', '-3.5', '2.5e+10', '1_0.0_1').map((text): Expr => ({ kind: 'float', value: Number(text.replaceAll('_', '')), text, span }));
const leaf: fc.Arbitrary<Expr> = fc.oneof(
  ints, floats, fc.boolean().map((value): Expr => ({ kind: 'bool', value, span })), names.map((name): Expr => ({ kind: 'name', name, span })),
);

const binaryOps: readonly BinaryOp[] = ['|', '&', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', 'div', 'mod'];

const { tree, arg } = fc.letrec<{ tree: Expr; arg: Arg }>((tie) => ({
  arg: fc.record({
    name: fc.option(ident, { nil: undefined }),
    value: fc.oneof(tie('tree'), fc.tuple(tie('tree'), tie('tree')).map(([from, to]) => ({ kind: 'range' as const, from, to, span }))),
  }).map(({ name, value }): Arg => (name === undefined ? { value, span } : { name, value, span })),
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true, depthIdentifier: 'expr' },
    { weight: 3, arbitrary: leaf },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...binaryOps), tie('tree'), tie('tree')).map(([op, left, right]): Expr => ({ kind: 'binary', op, left, right, span })) },
    // A minus before a literal is the literal's own sign, so the parser never makes this tree.
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('-' as const, '~' as const), tie('tree')).map(([op, arg]): Expr => ({ kind: 'unary', op, arg, span })) },
    { weight: 2, arbitrary: fc.tuple(ident, fc.array(tie('arg'), { maxLength: 3 })).map(([callee, args]): Expr => ({ kind: 'call', callee, args, span })) },
    { weight: 1, arbitrary: fc.tuple(ident, fc.array(tie('tree'), { minLength: 1, maxLength: 3 })).map(([base, indices]): Expr => ({ kind: 'index', base, indices, span })) },
    { weight: 1, arbitrary: fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([cond, then, otherwise]): Expr => ({ kind: 'if', cond, then, otherwise, span })) },
    { weight: 1, arbitrary: fc.tuple(ident, tie('tree'), tie('tree')).map(([name, value, body]): Expr => ({ kind: 'let', name, value, body, span })) },
    { weight: 1, arbitrary: fc.tuple(ident, tie('tree'), tie('tree'), tie('tree')).map(([variable, from, to, body]): Expr => ({ kind: 'any', variable, from, to, body, span })) },
    { weight: 1, arbitrary: fc.tuple(ident, ident, tie('tree')).map(([query, key, body]): Expr => ({ kind: 'predicate', query, key, body, span })) },
    {
      weight: 1,
      arbitrary: fc.tuple(tie('tree'), fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 2 }), fc.option(tie('tree'), { nil: undefined }))
        .map(([selector, list, otherwise]): Expr => {
          const cases = list.map(([value, body]) => ({ value, body, span }));
          return otherwise === undefined ? { kind: 'choose', selector, cases, span } : { kind: 'choose', selector, cases, otherwise, span };
        }),
    },
  ),
}));

function normal(e: Expr): boolean {
  return !(e.kind === 'unary' && e.op === '-' && (e.arg.kind === 'int' || e.arg.kind === 'float') && !e.arg.value.toString().startsWith('-'));
}

/** Any expression the parser can make. */
export const randomExpr: fc.Arbitrary<Expr> = tree;

/** Trees the parser cannot make are the only ones left out: it folds the sign of a literal. */
export function isParserTree(e: unknown): boolean {
  const walk = (x: unknown): boolean => {
    if (Array.isArray(x)) return x.every(walk);
    if (typeof x !== 'object' || x === null) return true;
    return (!isExpr(x) || normal(x)) && Object.values(x).every(walk);
  };
  return walk(e);
}

function isExpr(x: object): x is Expr {
  return 'kind' in x && x.kind === 'unary';
}

const doc = fc.array(fc.constantFrom('A window.', '', 'two  spaces', '// odd'), { maxLength: 2 });

const type: fc.Arbitrary<TypeExpr> = fc
  .record({ scalar: fc.constantFrom('int' as const, 'float' as const, 'bool' as const), unit: fc.option(ident, { nil: undefined }), axes: fc.array(randomExpr, { maxLength: 3 }) })
  .map(({ scalar, unit, axes }) => (unit === undefined ? { scalar, axes, span } : { scalar, unit, axes, span }));

const param: fc.Arbitrary<Param> = fc
  .record({ name: ident, isConst: fc.boolean(), type, defaultValue: fc.option(randomExpr, { nil: undefined }), doc })
  .map(({ defaultValue, ...rest }) => (defaultValue === undefined ? { ...rest, span } : { ...rest, defaultValue, span }));

const clause: fc.Arbitrary<Clause> = fc.oneof(
  fc.tuple(fc.constantFrom('mask' as const, 'scale' as const, 'sink' as const), randomExpr).map(([kind, body]): Clause => ({ kind, body, span })),
  fc.tuple(ident, randomExpr).map(([variable, body]): Clause => ({ kind: 'score', variable, body, span })),
  fc.array(fc.record({ name: ident, value: randomExpr }), { maxLength: 3 }).map((pins): Clause => ({ kind: 'schedule', pins, span })),
);

const params = fc.array(param, { maxLength: 3 });

const use = <K extends 'stage' | 'attention'>(kind: K): fc.Arbitrary<Omit<StageUse, 'kind'> & { readonly kind: K }> =>
  fc.record({ name: ident, callee: ident, args: fc.array(arg, { maxLength: 3 }) }).map((u) => ({ kind, ...u, span }));
const range: fc.Arbitrary<RangeExpr> = fc.tuple(randomExpr, randomExpr).map(([from, to]) => ({ kind: 'range', from, to, span }));
const local = fc.record({ name: ident, value: randomExpr }).map((x) => ({ kind: 'let' as const, ...x, span }));
const paths = fc.array(fc.constantFrom('a.out', 'x', 'a.sel.keep').map((name) => ({ name, span })), { minLength: 1, maxLength: 3 });

const { stageItem } = fc.letrec<{ stageItem: StageItem }>((tie) => ({
  stageItem: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'stage' },
    fc.tuple(ident, fc.oneof(randomExpr, range)).map(([name, r]): StageItem => ({ kind: 'index', name, range: r, span })),
    local,
    use('stage'),
    fc.record({ name: ident, indices: fc.array(ident, { maxLength: 2 }), precision: fc.option(ident, { nil: undefined }), body: randomExpr, doc })
      .map(({ precision, ...e }): StageItem => (precision === undefined ? { kind: 'equation', ...e, span } : { kind: 'equation', ...e, precision, span })),
    fc.tuple(randomExpr, fc.array(tie('stageItem'), { maxLength: 2 })).map(([count, items]): StageItem => ({ kind: 'repeat', count, items, span })),
  ),
}));

const { chainItem } = fc.letrec<{ chainItem: ChainItem }>((tie) => ({
  chainItem: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'chain' },
    fc.array(fc.record({ name: ident, value: randomExpr }), { minLength: 1, maxLength: 3 }).map((sizes): ChainItem => ({ kind: 'sizes', sizes, span })),
    local,
    use('stage'),
    use('attention'),
    fc.tuple(ident, range, fc.array(tie('chainItem'), { maxLength: 2 })).map(([variable, r, items]): ChainItem => ({ kind: 'repeat', variable, range: r, items, span })),
    paths.map((tensors): ChainItem => ({ kind: 'output', tensors, span })),
  ),
}));

const attentionParam: fc.Arbitrary<Param> = ident.map((name) => ({ name, isConst: false, type: { scalar: 'attention', axes: [], span }, doc: [], span }));

export const randomItem: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ name: ident, params, body: randomExpr, doc }).map((m): Item => ({ kind: 'mask', ...m, span })),
  fc.record({ name: ident, params, clauses: fc.array(clause, { maxLength: 4 }), doc }).map((a): Item => ({ kind: 'attention', ...a, span })),
  fc.record({ name: ident, params, items: fc.array(stageItem, { maxLength: 4 }), doc }).map((x): Item => ({ kind: 'stage', ...x, span })),
  fc.record({ name: ident, params: fc.array(fc.oneof(param, attentionParam), { maxLength: 3 }), items: fc.array(chainItem, { maxLength: 4 }), doc }).map((x): Item => ({ kind: 'chain', ...x, span })),
  fc.record({ names: fc.array(fc.record({ name: ident, alias: fc.option(ident, { nil: undefined }) }), { minLength: 1, maxLength: 3 }), from: fc.constantFrom('./a.fil', '../b/c.fil') })
    .map(({ names: list, from }): Item => ({ kind: 'import', names: list.map(({ name, alias }) => (alias === undefined ? { name } : { name, alias })), from, fromSpan: span, span })),
);

/** A copy with every span replaced, so that trees compare by what they say. */
export function withoutSpans(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(withoutSpans);
  if (typeof x !== 'object' || x === null) return x;
  return Object.fromEntries(Object.entries(x).filter(([key]) => key !== 'span' && key !== 'fromSpan').map(([key, value]) => [key, withoutSpans(value)]));
}
