/**
 * Concrete syntax tree to AST, tolerant of holes: what the parser could not read becomes a `hole` or is left out.
 * In: the tree, the doc comments by the token they stand before. Out: the items, and the errors that the grammar leaves to this
 * step (bad numbers, chained comparisons, foreign operators, a misplaced `else`). Expressions are built in build-expr.ts.
 */
import type { CstNode } from 'chevrotain';
import type { AttentionDecl, AttentionUse, ChainDecl, ChainItem, Clause, Expr, Ident, ImportDecl, Item, MaskDecl, Param, StageDecl, StageItem, StageUse, TypeExpr } from './ast.ts';
import { buildArgument, buildExpression, buildRange, pathOf } from './build-expr.ts';
import type { Builder } from './build-expr.ts';
import * as report from './catalogue/index.ts';
import { ident, isToken, node, nodeSpan, nodes, token, tokenSpan, tokens } from './cst.ts';
import type { Span } from './span.ts';

/** All items of a file that have a name. */
export function buildItems(tree: CstNode, b: Builder): readonly Item[] {
  const start: Span = { file: b.file, start: 0, end: 0 };
  return nodes(tree, 'item').flatMap((item): readonly Item[] => {
    const found = [
      ...nodes(item, 'importDecl').map((n) => buildImport(n, nodeSpan(b.file, n, start), b)),
      ...nodes(item, 'maskDecl').map((n) => buildMask(n, nodeSpan(b.file, n, start), b)),
      ...nodes(item, 'stageDecl').map((n) => buildStage(n, nodeSpan(b.file, n, start), b)),
      ...nodes(item, 'attentionDecl').map((n) => buildAttention(n, nodeSpan(b.file, n, start), b)),
      ...nodes(item, 'chainDecl').map((n) => buildChain(n, nodeSpan(b.file, n, start), b)),
    ];
    return found.flatMap((i) => (i === undefined ? [] : [i]));
  });
}

function buildImport(n: CstNode, span: Span, b: Builder): ImportDecl | undefined {
  const from = token(n, 'StringLiteral');
  if (from === undefined) return undefined;
  const closed = from.image.length > 1 && from.image.endsWith('"');
  const fromSpan = tokenSpan(b.file, from);
  if (!closed) b.report(report.unterminatedString(fromSpan, {}));
  const names = nodes(n, 'importName').flatMap((part) => {
    const [name, alias] = tokens(part, 'Name').map((t) => ident(b.file, t));
    if (name === undefined) return [];
    return [alias === undefined ? { name } : { name, alias }];
  });
  return { kind: 'import', names, from: from.image.slice(1, closed ? -1 : undefined), fromSpan, span };
}

function buildMask(n: CstNode, span: Span, b: Builder): MaskDecl | undefined {
  const name = token(n, 'Name');
  if (name === undefined) return undefined;
  const body = buildExpression(node(n, 'expression'), afterOf(span), b);
  return { kind: 'mask', name: ident(b.file, name), params: buildParams(n, b), body, doc: b.docBefore(span.start), span };
}

function buildAttention(n: CstNode, span: Span, b: Builder): AttentionDecl | undefined {
  const name = token(n, 'Name');
  if (name === undefined) return undefined;
  const clauses = nodes(n, 'clause').flatMap((c) => buildClause(c, span, b));
  return { kind: 'attention', name: ident(b.file, name), params: buildParams(n, b), clauses, doc: b.docBefore(span.start), span };
}

function buildStage(n: CstNode, span: Span, b: Builder): StageDecl | undefined {
  const name = token(n, 'Name');
  if (name === undefined) return undefined;
  return { kind: 'stage', name: ident(b.file, name), params: buildParams(n, b), items: buildStageItems(n, span, b), doc: b.docBefore(span.start), span };
}

function buildStageItems(n: CstNode, around: Span, b: Builder): readonly StageItem[] {
  return nodes(n, 'stageItem').flatMap((wrapper): readonly StageItem[] => {
    const item = Object.values(wrapper.children).flat().find((c) => !isToken(c));
    if (item === undefined || isToken(item)) return [];
    const span = nodeSpan(b.file, item, afterOf(around));
    const name = token(item, 'Name');
    const body = (): Expr => buildExpression(node(item, 'expression'), afterOf(span), b);
    if (item.name === 'repeatItem') return [{ kind: 'repeat', count: body(), items: buildStageItems(item, span, b), span }];
    if (name === undefined) return [];
    switch (item.name) {
      case 'indexItem':
        return [{ kind: 'index', name: ident(b.file, name), range: buildRange(node(item, 'range'), afterOf(span), b), span }];
      case 'letItem':
        return [{ kind: 'let', name: ident(b.file, name), value: body(), span }];
      case 'stageUse':
        return buildUse('stage', item, span, b);
      case 'equation': {
        const indices = nodes(item, 'indexName').flatMap((i) => tokens(i, 'Name').map((t) => ident(b.file, t)));
        const precision = nodes(item, 'precision').flatMap((p) => tokens(p, 'Name').map((t) => ident(b.file, t)))[0];
        const base = { kind: 'equation', name: ident(b.file, name), indices, body: body(), doc: b.docBefore(span.start), span } as const;
        return [precision === undefined ? base : { ...base, precision }];
      }
      default:
        return [];
    }
  });
}

function buildUse<K extends 'stage' | 'attention'>(kind: K, n: CstNode, span: Span, b: Builder): readonly (Omit<StageUse | AttentionUse, 'kind'> & { readonly kind: K })[] {
  const [name, callee] = tokens(n, 'Name').map((t) => ident(b.file, t));
  if (name === undefined || callee === undefined) return [];
  const called = node(n, 'callArguments');
  const args = called === undefined ? [] : nodes(called, 'argument').map((a) => buildArgument(a, span, b));
  return [{ kind, name, callee, args, span }];
}

function buildChain(n: CstNode, span: Span, b: Builder): ChainDecl | undefined {
  const name = token(n, 'Name');
  if (name === undefined) return undefined;
  return { kind: 'chain', name: ident(b.file, name), params: buildParams(n, b), items: buildChainItems(n, span, b), doc: b.docBefore(span.start), span };
}

function buildChainItems(n: CstNode, around: Span, b: Builder): readonly ChainItem[] {
  return nodes(n, 'chainItem').flatMap((wrapper): readonly ChainItem[] => {
    const item = Object.values(wrapper.children).flat().find((c) => !isToken(c));
    if (item === undefined || isToken(item)) return [];
    const span = nodeSpan(b.file, item, afterOf(around));
    const name = token(item, 'Name');
    switch (item.name) {
      case 'sizesItem':
        return [{ kind: 'sizes', sizes: buildPins(item, span, b), span }];
      case 'letItem':
        return name === undefined ? [] : [{ kind: 'let', name: ident(b.file, name), value: buildExpression(node(item, 'expression'), afterOf(span), b), span }];
      case 'stageUse':
        return buildUse('stage', item, span, b);
      case 'attentionUse':
        return buildUse('attention', item, span, b);
      case 'roundsItem':
        if (name === undefined) return [];
        return [{ kind: 'repeat', variable: ident(b.file, name), range: buildRange(node(item, 'range'), afterOf(span), b), items: buildChainItems(item, span, b), span }];
      case 'outputClause':
        return [{ kind: 'output', tensors: nodes(item, 'path').flatMap((p) => pathOf(p, b) ?? []), span }];
      default:
        return [];
    }
  });
}

function buildPins(n: CstNode, span: Span, b: Builder): readonly { readonly name: Ident; readonly value: Expr }[] {
  return nodes(n, 'pin').flatMap((p) => {
    const name = token(p, 'Name');
    return name === undefined ? [] : [{ name: ident(b.file, name), value: buildExpression(node(p, 'expression'), afterOf(span), b) }];
  });
}

/** The empty range behind a span, where a missing part would have stood. */
function afterOf(span: Span): Span {
  return { file: span.file, start: span.end, end: span.end };
}

function buildClause(wrapper: CstNode, parent: Span, b: Builder): readonly Clause[] {
  const n = Object.values(wrapper.children).flat().find((c) => !isToken(c));
  if (n === undefined || isToken(n)) return [];
  const span = nodeSpan(b.file, n, afterOf(parent));
  const body = (): Expr => buildExpression(node(n, 'expression'), afterOf(span), b);
  switch (n.name) {
    case 'maskClause':
      return [{ kind: 'mask', body: body(), span }];
    case 'scaleClause':
      return [{ kind: 'scale', body: body(), span }];
    case 'sinkClause':
      return [{ kind: 'sink', body: body(), span }];
    case 'scoreClause': {
      const variable = token(n, 'Name');
      return variable === undefined ? [] : [{ kind: 'score', variable: ident(b.file, variable), body: body(), span }];
    }
    case 'stageUse':
      return buildUse('stage', n, span, b);
    case 'outputClause':
      return [{ kind: 'output', tensors: nodes(n, 'path').flatMap((p) => pathOf(p, b) ?? []), span }];
    case 'scheduleClause':
      return [{ kind: 'schedule', pins: buildPins(n, span, b), span }];
    default:
      return [];
  }
}

function buildParams(parent: CstNode, b: Builder): readonly Param[] {
  const list = node(parent, 'params');
  if (list === undefined) return [];
  const around = nodeSpan(b.file, list, { file: b.file, start: 0, end: 0 });
  return nodes(list, 'param').flatMap((n) => {
    const name = token(n, 'Name');
    const typeNode = node(n, 'type');
    if (name === undefined) return [];
    const span = nodeSpan(b.file, n, around);
    const type = typeNode === undefined ? undefined : buildType(typeNode, afterOf(span), b);
    // A parameter whose type could not be read is kept as an unknown type: the checker stays silent about its uses.
    const known: TypeExpr = type ?? { scalar: 'hole', axes: [], span: afterOf(span) };
    const value = node(n, 'expression');
    const base = { name: ident(b.file, name), isConst: token(n, 'kw_const') !== undefined, type: known, doc: b.docBefore(span.start), span };
    return [value === undefined ? base : { ...base, defaultValue: buildExpression(value, afterOf(span), b) }];
  });
}

function buildType(n: CstNode, fallback: Span, b: Builder): TypeExpr | undefined {
  const span = nodeSpan(b.file, n, fallback);
  if (token(n, 'kw_attention') !== undefined) return { scalar: 'attention', axes: [], span };
  const word = token(n, 'Name');
  if (word === undefined) return undefined;
  const units = nodes(n, 'unit').flatMap((u) => tokens(u, 'Name').map((t) => ident(b.file, t)));
  const [unit, second] = units;
  if (second !== undefined) b.report(report.unexpectedToken(second.span, { expected: '`,` or `)`', found: `\`${second.name}\``, help: 'a type has one unit' }));
  const list = node(n, 'axes');
  const axes = list === undefined ? [] : nodes(list, 'expression').map((e) => buildExpression(e, span, b));
  if (list !== undefined && axes.length === 0 && list.recoveredNode !== true) {
    b.report(report.missingBody(nodeSpan(b.file, list, span), { what: 'the axes of a tensor type' }));
  }
  if (list !== undefined && axes.length === 0) return undefined;
  const base = { scalar: scalarOf(ident(b.file, word), b), axes, span };
  return unit === undefined ? base : { ...base, unit };
}

function scalarOf(word: Ident, b: Builder): TypeExpr['scalar'] {
  const { name } = word;
  if (name === 'int' || name === 'float' || name === 'bool') return name;
  b.report(report.unknownType(word.span, { name }));
  return 'hole';
}
