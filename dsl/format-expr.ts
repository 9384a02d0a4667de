/**
 * Concrete syntax of expressions to a document. A chain of operators breaks before its loosest operators first; a bracketed last
 * operand may open on the line of the others. Parentheses stay as they are written.
 */
import type { CstNode, IToken } from 'chevrotain';
import { bindingOf } from './build-expr.ts';
import { isToken, node, nodes, token, tokens } from './cst.ts';
import { bracketed, closing, comma, commentsOf, ruleOf, soleRule, tok, word } from './format-token.ts';
import type { Formatter } from './format-token.ts';
import { concat, group, hard, indent, line, nothing, softline, text } from './layout.ts';
import type { Doc } from './layout.ts';

/** `hang`: continuation lines are indented under the word the expression follows. */
export function formatExpression(n: CstNode | undefined, f: Formatter, hang = false): Doc {
  if (n === undefined) return nothing;
  return chain(nodes(n, 'operand'), tokens(n, 'BinaryOperator'), f, hang);
}

function chain(operands: readonly CstNode[], operators: readonly IToken[], f: Formatter, hang: boolean): Doc {
  const [first] = operands;
  if (first === undefined) return nothing;
  if (operators.length === 0) return formatOperand(first, f);
  const loosest = Math.min(...operators.map((op) => bindingOf(op.image)));
  const cuts = operators.flatMap((op, i) => (bindingOf(op.image) === loosest ? [i] : []));
  const ends = [...cuts, operands.length - 1];
  const parts = ends.map((end, i): Doc => {
    const start = (cuts[i - 1] ?? -1) + 1;
    return chain(operands.slice(start, end + 1), operators.slice(start, end), f, false);
  });
  const wrap = hang ? indent : concat;
  const [head, ...others] = parts;
  const steps = others.map((part, i) => concat(line, tok(operators[cuts[i] ?? 0], f), text(' '), indent(part)));
  const broken = concat(head ?? nothing, wrap(...steps));
  const lastOperand = operands[operands.length - 1];
  const lastStart = (cuts[cuts.length - 1] ?? 0) + 1;
  const opens = lastOperand !== undefined && lastStart === operands.length - 1 && canOpen(lastOperand);
  const lastPart = others[others.length - 1];
  // With more than two parts the last one would look as if it held the others.
  if (!opens || lastPart === undefined || parts.length > 2) return group(broken);
  const lastOperator = operators[cuts[cuts.length - 1] ?? 0];
  return { kind: 'hug', head: concat(head ?? nothing, ...steps.slice(0, -1), line, tok(lastOperator, f), text(' ')), last: lastPart, broken };
}

function canOpen(operand: CstNode): boolean {
  const rule = ruleOf(operand);
  return rule === 'parenthesised' || rule === 'predicate' || rule === 'choose';
}

function formatOperand(n: CstNode, f: Formatter): Doc {
  const signs = tokens(n, 'UnaryOperator').map((t) => tok(t, f));
  const primary = formatPrimary(node(n, 'primary'), f);
  return signs.length === 0 ? primary : concat(...signs, primary);
}

function formatPrimary(wrapper: CstNode | undefined, f: Formatter): Doc {
  const child = wrapper === undefined ? undefined : Object.values(wrapper.children).flat()[0];
  if (child === undefined) return nothing;
  return isToken(child) ? tok(child, f) : formatCompound(child, f);
}

function formatCompound(n: CstNode, f: Formatter): Doc {
  const [first, second] = nodes(n, 'expression');
  const [name, otherName] = tokens(n, 'Name');
  switch (n.name) {
    case 'parenthesised': {
      const close = token(n, 'RightParen');
      return group(word(n, 'LeftParen', f), indent(softline, formatExpression(first, f), ...commentsOf(close, f)), softline, closing(close, f));
    }
    case 'ifThenElse':
      return group(...formatIf(n, f));
    case 'letIn':
      return concat(
        word(n, 'kw_let', f), text(' '), tok(name, f), text(' '), word(n, 'Equal', f), text(' '), indent(formatExpression(first, f)), word(n, 'Semicolon', f),
        hard, formatExpression(second, f),
      );
    case 'anyIn':
      return concat(word(n, 'kw_any', f), text(' '), formatReduced(node(n, 'reduced'), f));
    case 'reduction':
      return concat(word(n, 'Reducer', f), text(' '), formatReduced(node(n, 'reduced'), f));
    case 'selection':
      return concat(word(n, 'Selector', f), word(n, 'LeftParen', f), formatExpression(first, f), word(n, 'RightParen', f), text(' '), formatReduced(node(n, 'reduced'), f));
    case 'predicate': {
      const close = token(n, 'RightBrace');
      return group(
        word(n, 'LeftBrace', f), text(' '), word(n, 'LeftParen', f), tok(name, f), word(n, 'Comma', f), text(' '), tok(otherName, f), word(n, 'RightParen', f), text(' '),
        word(n, 'Arrow', f), indent(line, formatExpression(first, f), ...commentsOf(close, f)), text(' '), closing(close, f),
      );
    }
    case 'choose':
      return formatChoose(n, f);
    case 'reference':
      return concat(formatPath(n, f), formatArguments(node(n, 'callArguments'), f), formatIndices(node(n, 'indices'), f));
    default:
      return nothing;
  }
}

/** Indices, condition and body of a reduction. */
function formatReduced(n: CstNode | undefined, f: Formatter): Doc {
  if (n === undefined) return nothing;
  const commas = tokens(n, 'Comma');
  const over = nodes(n, 'reduceIndex').map((part, i): Doc => {
    const range = node(part, 'range');
    const bounds = range === undefined ? nothing : concat(text(' '), word(part, 'kw_in', f), text(' '), formatRange(range, f));
    return concat(i === 0 ? nothing : text(' '), word(part, 'Name', f), bounds, comma(commas[i], f));
  });
  const where = token(n, 'kw_where');
  const [first, second] = nodes(n, 'expression');
  const condition = where === undefined ? nothing : concat(text(' '), tok(where, f), text(' '), formatExpression(first, f));
  const body = where === undefined ? first : second;
  return concat(...over, condition, word(n, 'Colon', f), group(indent(line, formatExpression(body, f))));
}

/** `lo .. hi`, or an axis. */
export function formatRange(n: CstNode, f: Formatter): Doc {
  const [from, to] = nodes(n, 'expression');
  if (to === undefined) return formatExpression(from, f);
  return concat(formatExpression(from, f), text(' '), word(n, 'DotDot', f), text(' '), formatExpression(to, f));
}

/** A name, or the tensor of a used stage. */
export function formatPath(n: CstNode, f: Formatter): Doc {
  const dots = tokens(n, 'Dot');
  return concat(...tokens(n, 'Name').map((name, i) => (i === 0 ? tok(name, f) : concat(tok(dots[i - 1], f), tok(name, f)))));
}

/** `if`, its `then`, and the `else` branches; a chain of `else if` stays at one level. */
function formatIf(n: CstNode, f: Formatter): readonly Doc[] {
  const [cond, then, otherwise] = nodes(n, 'expression');
  const head = [
    word(n, 'kw_if', f), text(' '), indent(formatExpression(cond, f)), indent(line, word(n, 'kw_then', f), text(' '), formatExpression(then, f)),
    line, word(n, 'kw_else', f), text(' '),
  ];
  const operand = otherwise === undefined ? undefined : node(otherwise, 'operand');
  const primary = operand === undefined ? undefined : node(operand, 'primary');
  const nested = primary === undefined || soleRule(otherwise) !== 'ifThenElse' ? undefined : node(primary, 'ifThenElse');
  return nested === undefined ? [...head, indent(formatExpression(otherwise, f))] : [...head, ...formatIf(nested, f)];
}

function formatChoose(n: CstNode, f: Formatter): Doc {
  const commas = tokens(n, 'Comma');
  const close = token(n, 'RightBrace');
  const cases = nodes(n, 'chooseCase').map((c, i): Doc => {
    const parts = nodes(c, 'expression');
    const isElse = token(c, 'kw_else') !== undefined;
    const value = isElse ? word(c, 'kw_else', f) : formatExpression(parts[0], f);
    return concat(line, value, text(' '), word(c, 'Arrow', f), text(' '), indent(formatExpression(isElse ? parts[0] : parts[1], f)), comma(commas[i], f));
  });
  return group(
    word(n, 'kw_per', f), text(' '), word(n, 'kw_head', f), text(' '), word(n, 'kw_choose', f), text(' '), formatExpression(node(n, 'expression'), f), text(' '),
    word(n, 'LeftBrace', f), indent(...cases, ...commentsOf(close, f)), line, closing(close, f),
  );
}

export function formatArguments(n: CstNode | undefined, f: Formatter): Doc {
  if (n === undefined) return nothing;
  const commas = tokens(n, 'Comma');
  const args = nodes(n, 'argument').map((a, i): Doc => {
    const [from, to] = nodes(a, 'expression');
    const name = token(a, 'Name');
    return concat(
      name === undefined ? nothing : concat(tok(name, f), text(' '), word(a, 'Equal', f), text(' ')),
      formatExpression(from, f),
      to === undefined ? nothing : concat(text(' '), word(a, 'DotDot', f), text(' '), formatExpression(to, f)),
      comma(commas[i], f),
    );
  });
  return bracketed(token(n, 'LeftParen'), args, token(n, 'RightParen'), f, '');
}

function formatIndices(n: CstNode | undefined, f: Formatter): Doc {
  if (n === undefined) return nothing;
  const commas = tokens(n, 'Comma');
  const indices = nodes(n, 'expression').map((e, i) => concat(formatExpression(e, f), comma(commas[i], f)));
  return bracketed(token(n, 'LeftBracket'), indices, token(n, 'RightBracket'), f, '');
}
