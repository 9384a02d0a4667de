/**
 * Concrete syntax of expressions to AST. The grammar gives flat lists of operands and operators; precedence is resolved here:
 * `|` < `&` < comparisons (non-chaining) < `+ -` < `* / div mod` < unary. Missing parts become holes.
 */
import type { CstNode, IToken } from 'chevrotain';
import type { Arg, BinaryOp, Expr, Ident, RangeExpr, ReduceIndex, ReduceOp } from './ast.ts';
import { literalOf } from './build-literal.ts';
import * as report from './catalogue/index.ts';
import { ident, isToken, node, nodeSpan, nodes, token, tokenSpan, tokens } from './cst.ts';
import type { Diagnostic } from './diagnostic.ts';
import { expressionDepthLimit, isTooDeep } from './nesting.ts';
import { joinSpans } from './span.ts';
import type { Span } from './span.ts';
import { foreignSpelling } from './tokens.ts';

/** What the builders share: the file's name, the doc comments, and where errors go. */
export interface Builder {
  readonly file: string;
  readonly docBefore: (offset: number) => readonly string[];
  readonly report: (diagnostic: Diagnostic) => void;
}

/** An expression and the range it covers with its parentheses. */
interface Built {
  readonly expr: Expr;
  readonly outer: Span;
}

const hole = (span: Span): Expr => ({ kind: 'hole', span });

/** A whole expression; a hole at `fallback` where there is none, or where its tree is too deep for the steps that follow. */
export function buildExpression(n: CstNode | undefined, fallback: Span, b: Builder): Expr {
  const { expr } = build(n, fallback, b);
  if (!isTooDeep(expr)) return expr;
  b.report(report.expressionTooLong(expr.span, { limit: expressionDepthLimit }));
  return hole(expr.span);
}

function build(n: CstNode | undefined, fallback: Span, b: Builder): Built {
  if (n === undefined) return { expr: hole(fallback), outer: fallback };
  const operators = tokens(n, 'BinaryOperator');
  const [first, ...others] = nodes(n, 'operand');
  const span = nodeSpan(b.file, n, fallback);
  const operands = [buildOperand(first, { ...span, end: span.start }, b)];
  operators.forEach((op, i) => {
    const after = tokenSpan(b.file, op).end;
    operands.push(buildOperand(others[i], { file: b.file, start: after, end: after }, b));
  });
  return resolve(operands, operators, b);
}

const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** How tightly an operator binds. */
export function precedenceOf(op: BinaryOp): number {
  if (op === '|') return 1;
  if (op === '&') return 2;
  if (comparisons.has(op)) return 3;
  return op === '+' || op === '-' ? 4 : 5;
}

/** How tightly an operator of the source binds, foreign spellings included. */
export function bindingOf(image: string): number {
  const ours = foreignSpelling.get(image) ?? image;
  return precedenceOf(binaryOps.find((op) => op === ours) ?? '+');
}

const binaryOps: readonly BinaryOp[] = ['|', '&', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', 'div', 'mod'];

function operatorOf(t: IToken, b: Builder): BinaryOp {
  const ours = foreignSpelling.get(t.image);
  if (ours !== undefined) b.report(report.foreignOperator(tokenSpan(b.file, t), { found: t.image, ours }));
  return binaryOps.find((op) => op === (ours ?? t.image)) ?? '+';
}

/** Operator precedence over the flat list, with a stack: every operator first closes those that bind at least as tightly. */
function resolve(operands: readonly Built[], operators: readonly IToken[], b: Builder): Built {
  const values: Built[] = [];
  const pending: { readonly op: BinaryOp; readonly token: IToken }[] = [];
  const close = (): void => {
    const top = pending.pop();
    const right = values.pop();
    const left = values.pop();
    if (top === undefined || left === undefined || right === undefined) return;
    const span = joinSpans(left.outer, right.outer);
    values.push({ expr: { kind: 'binary', op: top.op, left: left.expr, right: right.expr, span }, outer: span });
  };
  operands.forEach((operand, i) => {
    values.push(operand);
    const next = operators[i];
    if (next === undefined) return;
    const op = operatorOf(next, b);
    for (let top = pending[pending.length - 1]; top !== undefined && precedenceOf(top.op) >= precedenceOf(op); top = pending[pending.length - 1]) {
      if (comparisons.has(op) && comparisons.has(top.op)) {
        const isToldAlready = values[values.length - 2]?.expr.kind === 'hole';
        const first = { span: tokenSpan(b.file, top.token), text: 'first comparison' };
        if (!isToldAlready) b.report(report.chainedComparison(tokenSpan(b.file, next), { first: top.op, second: op }, [first]));
        close();
        const wrong = values.pop();
        if (wrong !== undefined) values.push({ expr: hole(wrong.outer), outer: wrong.outer });
      } else {
        close();
      }
    }
    pending.push({ op, token: next });
  });
  while (pending.length > 0) close();
  const whole = values[0];
  return whole ?? { expr: hole({ file: b.file, start: 0, end: 0 }), outer: { file: b.file, start: 0, end: 0 } };
}

function buildOperand(n: CstNode | undefined, fallback: Span, b: Builder): Built {
  if (n === undefined) return { expr: hole(fallback), outer: fallback };
  const signs = [...tokens(n, 'UnaryOperator')];
  const primary = node(n, 'primary');
  const number = primary === undefined ? undefined : token(primary, 'NumberLiteral');
  const span = nodeSpan(b.file, n, fallback);
  let built: Built;
  const last = signs[signs.length - 1];
  if (number !== undefined && last?.image === '-') {
    signs.pop();
    const whole = joinSpans(tokenSpan(b.file, last), tokenSpan(b.file, number));
    built = { expr: literalOf(number.image, true, whole, b.report), outer: whole };
  } else {
    built = primary === undefined ? { expr: hole(span), outer: span } : buildPrimary(primary, span, b);
  }
  for (let sign = signs.pop(); sign !== undefined; sign = signs.pop()) {
    const at = tokenSpan(b.file, sign);
    const ours = foreignSpelling.get(sign.image);
    if (ours !== undefined) b.report(report.foreignOperator(at, { found: sign.image, ours }));
    const whole = joinSpans(at, built.outer);
    built = { expr: { kind: 'unary', op: (ours ?? sign.image) === '-' ? '-' : '~', arg: built.expr, span: whole }, outer: whole };
  }
  return built;
}

function buildPrimary(wrapper: CstNode, fallback: Span, b: Builder): Built {
  const span = nodeSpan(b.file, wrapper, fallback);
  const child = Object.values(wrapper.children).flat()[0];
  if (child === undefined) return { expr: hole(span), outer: span };
  if (isToken(child)) return { expr: buildWord(child, span, b), outer: span };
  if (child.name === 'parenthesised') return { expr: build(node(child, 'expression'), span, b).expr, outer: span };
  return { expr: buildCompound(child, span, b), outer: span };
}

function buildWord(t: IToken, span: Span, b: Builder): Expr {
  switch (t.tokenType.name) {
    case 'NumberLiteral':
      return literalOf(t.image, false, span, b.report);
    case 'kw_true':
      return { kind: 'bool', value: true, span };
    case 'kw_false':
      return { kind: 'bool', value: false, span };
    default:
      return hole(span);
  }
}

function buildCompound(n: CstNode, span: Span, b: Builder): Expr {
  const end: Span = { file: span.file, start: span.end, end: span.end };
  const part = (i: number): Expr => build(nodes(n, 'expression')[i], end, b).expr;
  const names = tokens(n, 'Name').map((t) => ident(b.file, t));
  const [first, second] = names;
  switch (n.name) {
    case 'ifThenElse':
      return { kind: 'if', cond: part(0), then: part(1), otherwise: part(2), span };
    case 'letIn':
      return first === undefined ? hole(span) : { kind: 'let', name: first, value: part(0), body: part(1), span };
    case 'anyIn':
      return buildReduce('any', undefined, node(n, 'reduced'), span, b);
    case 'reduction':
      return buildReduce(reduceOpOf(token(n, 'Reducer')), undefined, node(n, 'reduced'), span, b);
    case 'selection':
      return buildReduce(reduceOpOf(token(n, 'Selector')), part(0), node(n, 'reduced'), span, b);
    case 'predicate':
      return first === undefined || second === undefined ? hole(span) : { kind: 'predicate', query: first, key: second, body: part(0), span };
    case 'choose':
      return buildChoose(n, span, b);
    case 'reference':
      return buildReference(n, span, b);
    default:
      return hole(span);
  }
}

const reduceOps: readonly ReduceOp[] = ['sum', 'mean', 'min', 'max', 'any', 'all', 'argmax', 'nth', 'softmax', 'rank', 'mass', 'cumsum', 'top', 'top_mass'];

function reduceOpOf(t: IToken | undefined): ReduceOp {
  return reduceOps.find((op) => op === t?.image) ?? 'sum';
}

/** A range of the grammar: `lo .. hi`, or one expression (an axis). */
export function buildRange(n: CstNode | undefined, fallback: Span, b: Builder): Expr | RangeExpr {
  if (n === undefined) return hole(fallback);
  const [first, second] = nodes(n, 'expression');
  const from = buildExpression(first, fallback, b);
  if (tokens(n, 'DotDot').length === 0) return from;
  return { kind: 'range', from, to: buildExpression(second, fallback, b), span: nodeSpan(b.file, n, fallback) };
}

function buildReduce(op: ReduceOp, arg: Expr | undefined, n: CstNode | undefined, span: Span, b: Builder): Expr {
  if (n === undefined) return hole(span);
  const end: Span = { file: span.file, start: span.end, end: span.end };
  const over = nodes(n, 'reduceIndex').flatMap((part): readonly ReduceIndex[] => {
    const name = token(part, 'Name');
    if (name === undefined) return [];
    const range = node(part, 'range');
    return [range === undefined ? { name: ident(b.file, name) } : { name: ident(b.file, name), range: buildRange(range, end, b) }];
  });
  const [first] = over;
  if (first === undefined) return hole(span);
  const isConditional = token(n, 'kw_where') !== undefined;
  const parts = nodes(n, 'expression').map((e) => build(e, end, b).expr);
  const body = parts[isConditional ? 1 : 0] ?? hole(end);
  if (op === 'any' && over.length === 1 && !isConditional && first.range?.kind === 'range') {
    return { kind: 'any', variable: first.name, from: first.range.from, to: first.range.to, body, span };
  }
  return { kind: 'reduce', op, over, ...(arg === undefined ? {} : { arg }), ...(isConditional ? { where: parts[0] ?? hole(end) } : {}), body, span };
}

function buildChoose(n: CstNode, span: Span, b: Builder): Expr {
  const end: Span = { file: span.file, start: span.end, end: span.end };
  const cases: { readonly value: Expr; readonly body: Expr; readonly span: Span }[] = [];
  let otherwise: Expr | undefined;
  for (const c of nodes(n, 'chooseCase')) {
    const at = nodeSpan(b.file, c, end);
    const parts = nodes(c, 'expression').map((e) => build(e, at, b).expr);
    if (otherwise !== undefined) b.report(report.elseNotLast(at, {}));
    if (token(c, 'kw_else') !== undefined) otherwise ??= parts[0] ?? hole(at);
    else cases.push({ value: parts[0] ?? hole(at), body: parts[1] ?? hole(at), span: at });
  }
  const selector = build(node(n, 'expression'), end, b).expr;
  return otherwise === undefined ? { kind: 'choose', selector, cases, span } : { kind: 'choose', selector, cases, otherwise, span };
}

function buildReference(n: CstNode, span: Span, b: Builder): Expr {
  const name = pathOf(n, b);
  if (name === undefined) return hole(span);
  const called = node(n, 'callArguments');
  if (called !== undefined) {
    return { kind: 'call', callee: name, args: nodes(called, 'argument').map((a) => buildArgument(a, span, b)), span };
  }
  const indexed = node(n, 'indices');
  if (indexed === undefined) return { kind: 'name', name: name.name, span };
  const indices = nodes(indexed, 'expression').map((e) => build(e, span, b).expr);
  if (indices.length === 0) {
    if (indexed.recoveredNode !== true) b.report(report.missingBody(nodeSpan(b.file, indexed, span), { what: 'an index' }));
    return hole(span);
  }
  return { kind: 'index', base: name, indices, span };
}

/** A name, or the tensor of a used stage: `stage.tensor` is one name from here on. */
export function pathOf(n: CstNode, b: Builder): Ident | undefined {
  const parts = tokens(n, 'Name').map((t) => ident(b.file, t));
  const [first] = parts;
  const last = parts[parts.length - 1];
  if (first === undefined || last === undefined) return undefined;
  return { name: parts.map((p) => p.name).join('.'), span: joinSpans(first.span, last.span) };
}

export function buildArgument(n: CstNode, fallback: Span, b: Builder): Arg {
  const span = nodeSpan(b.file, n, fallback);
  const name = token(n, 'Name');
  const [first, second] = nodes(n, 'expression');
  const from = build(first, span, b);
  const isRange = tokens(n, 'DotDot').length > 0;
  const to = isRange ? build(second, { ...span, start: span.end }, b) : undefined;
  const value: Expr | RangeExpr = to === undefined ? from.expr : { kind: 'range', from: from.expr, to: to.expr, span: joinSpans(from.outer, to.outer) };
  return name === undefined ? { value, span } : { name: ident(b.file, name), value, span };
}
