/**
 * Concrete syntax of declarations to a document; expressions are in format-expr.ts. Layout rules: the body of a mask starts a new
 * line, clauses and declarations stand on their own lines, declarations are one empty line apart, imports close together.
 */
import type { CstNode } from 'chevrotain';
import { isToken, node, nodes, token, tokens } from './cst.ts';
import { formatArguments, formatExpression, formatPath, formatRange } from './format-expr.ts';
import { bracketed, closing, comma, commentsOf, startsWith, tok, word } from './format-token.ts';
import type { Formatter } from './format-token.ts';
import { blankLine, concat, fill, group, hard, indent, join, line, nothing, text } from './layout.ts';
import type { Doc } from './layout.ts';

export function formatFile(tree: CstNode, f: Formatter): Doc {
  const items = nodes(tree, 'item').flatMap((i) => Object.values(i.children).flat()).flatMap((c) => (isToken(c) ? [] : [c]));
  const parts: Doc[] = [];
  items.forEach((item, i) => {
    const previous = items[i - 1];
    const first = item.location?.startOffset ?? 0;
    const { leading = [], blankBefore = false } = f.trivia.get(first) ?? {};
    const asked = leading[0]?.blankBefore ?? blankBefore;
    const close = previous?.name === 'importDecl' && item.name === 'importDecl' && !asked;
    if (previous !== undefined) parts.push(close ? hard : blankLine);
    parts.push(commentLines(leading, true));
    if (leading.length > 0) parts.push(blankBefore ? blankLine : hard);
    parts.push(formatItem(item, { ...f, quiet: first }));
  });
  const start = items.length === 0;
  parts.push(...f.end.map((c, i): Doc => ({ kind: 'comment', text: c.text, blankBefore: c.blankBefore && !(start && i === 0) })));
  return concat(...parts);
}

/** Comments on lines of their own; the distance before the first is made by the caller. */
function commentLines(leading: Formatter['end'], skipFirst: boolean): Doc {
  return concat(...leading.map((c, i): Doc => ({ kind: 'comment', text: c.text, blankBefore: c.blankBefore && !(skipFirst && i === 0) })));
}

function formatItem(n: CstNode, f: Formatter): Doc {
  switch (n.name) {
    case 'importDecl':
      return formatImport(n, f);
    case 'maskDecl':
      return concat(word(n, 'kw_mask', f), text(' '), word(n, 'Name', f), formatParams(n, f), text(' '), word(n, 'Equal', f), indent(hard, formatExpression(node(n, 'expression'), f)));
    case 'stageDecl':
      return formatBlock(concat(word(n, 'kw_stage', f), text(' '), word(n, 'Name', f), formatParams(n, f)), n, 'stageItem', formatStageItem, f);
    case 'attentionDecl':
      return formatBlock(concat(word(n, 'kw_attention', f), text(' '), word(n, 'Name', f), formatParams(n, f)), n, 'clause', formatClause, f);
    case 'chainDecl':
      return formatBlock(concat(word(n, 'kw_chain', f), text(' '), word(n, 'Name', f), formatParams(n, f)), n, 'chainItem', formatChainItem, f);
    default:
      return nothing;
  }
}

function formatImport(n: CstNode, f: Formatter): Doc {
  const commas = tokens(n, 'Comma');
  const names = nodes(n, 'importName').flatMap((part, i): readonly Doc[] => {
    const comma = commas[i];
    const [name, alias] = tokens(part, 'Name');
    const as = token(part, 'kw_as');
    const written = concat(tok(name, f), ...(as === undefined ? [] : [text(' '), tok(as, f), text(' '), tok(alias, f)]));
    return [comma === undefined ? written : concat(written, tok(comma, f))];
  });
  return group(word(n, 'kw_import', f), indent(line, fill(names)), line, word(n, 'kw_from', f), text(' '), word(n, 'StringLiteral', f));
}

/** A head and, in braces, parts on lines of their own. */
function formatBlock(head: Doc, n: CstNode, rule: string, part: (n: CstNode, f: Formatter) => Doc, f: Formatter): Doc {
  const clauses = nodes(n, rule).flatMap((c) => Object.values(c.children).flat()).flatMap((c) => (isToken(c) ? [] : [c]));
  const close = token(n, 'RightBrace');
  const body = clauses.map((clause, i): Doc => {
    const { leading = [], blankBefore = false } = f.trivia.get(clause.location?.startOffset ?? 0) ?? {};
    const asked = leading[0]?.blankBefore ?? blankBefore;
    const first = clause.location?.startOffset;
    return concat(
      asked && i > 0 ? blankLine : hard,
      commentLines(leading, true),
      leading.length > 0 ? (blankBefore ? blankLine : hard) : nothing,
      part(clause, first === undefined ? f : { ...f, quiet: first }),
    );
  });
  const last = commentsOf(close, f);
  const isEmpty = body.length === 0 && last.length === 0;
  return concat(
    head, text(' '), word(n, 'LeftBrace', f),
    indent(...body, ...(last.length > 0 ? [hard, ...last] : [])), isEmpty ? nothing : hard, closing(close, f),
  );
}

function formatStageItem(n: CstNode, f: Formatter): Doc {
  const body = node(n, 'expression');
  switch (n.name) {
    case 'indexItem': {
      const range = node(n, 'range');
      return concat(word(n, 'kw_index', f), text(' '), word(n, 'Name', f), text(' '), word(n, 'kw_in', f), text(' '), range === undefined ? nothing : formatRange(range, f));
    }
    case 'letItem':
      return formatLet(n, f);
    case 'repeatItem':
      return formatBlock(concat(word(n, 'kw_repeat', f), text(' '), formatExpression(body, f)), n, 'stageItem', formatStageItem, f);
    case 'stageUse':
      return formatUse('kw_stage', n, f);
    case 'equation': {
      const commas = tokens(n, 'Comma');
      const indices = nodes(n, 'indexName').map((i, at) => concat(at === 0 ? nothing : text(' '), word(i, 'Name', f), comma(commas[at], f)));
      const open = token(n, 'LeftBracket');
      const precision = node(n, 'precision');
      return concat(
        word(n, 'Name', f), open === undefined ? nothing : concat(tok(open, f), ...indices, word(n, 'RightBracket', f)),
        precision === undefined ? nothing : concat(word(n, 'Colon', f), text(' '), word(precision, 'Name', f)),
        text(' '), word(n, 'Equal', f),
        startsWith(body, 'letIn') ? indent(hard, formatExpression(body, f)) : group(indent(line, formatExpression(body, f))),
      );
    }
    default:
      return nothing;
  }
}

function formatLet(n: CstNode, f: Formatter): Doc {
  return concat(word(n, 'kw_let', f), text(' '), word(n, 'Name', f), text(' '), word(n, 'Equal', f), text(' '), formatExpression(node(n, 'expression'), f, true));
}

function formatOutput(n: CstNode, f: Formatter): Doc {
  const commas = tokens(n, 'Comma');
  const paths = nodes(n, 'path').map((p, i) => concat(i === 0 ? nothing : text(' '), formatPath(p, f), comma(commas[i], f)));
  return concat(word(n, 'kw_output', f), text(' '), ...paths);
}

function formatPins(n: CstNode, f: Formatter): readonly Doc[] {
  const commas = tokens(n, 'Comma');
  return nodes(n, 'pin').map((p, i): Doc => {
    const pin = concat(word(p, 'Name', f), text(' '), word(p, 'Equal', f), text(' '), formatExpression(node(p, 'expression'), f));
    return concat(pin, comma(commas[i], f));
  });
}

function formatChainItem(n: CstNode, f: Formatter): Doc {
  switch (n.name) {
    case 'sizesItem':
      return concat(word(n, 'kw_sizes', f), text(' '), group(indent(join(formatPins(n, f), line))));
    case 'letItem':
      return formatLet(n, f);
    case 'stageUse':
      return formatUse('kw_stage', n, f);
    case 'attentionUse':
      return formatUse('kw_attention', n, f);
    case 'roundsItem': {
      const range = node(n, 'range');
      const head = concat(word(n, 'kw_repeat', f), text(' '), word(n, 'Name', f), text(' '), word(n, 'kw_in', f), text(' '), range === undefined ? nothing : formatRange(range, f));
      return formatBlock(head, n, 'chainItem', formatChainItem, f);
    }
    case 'outputClause':
      return formatOutput(n, f);
    default:
      return nothing;
  }
}

function formatUse(keyword: 'kw_stage' | 'kw_attention', n: CstNode, f: Formatter): Doc {
  const [name, callee] = tokens(n, 'Name');
  return concat(word(n, keyword, f), text(' '), tok(name, f), text(' '), word(n, 'Equal', f), text(' '), tok(callee, f), formatArguments(node(n, 'callArguments'), f));
}

function formatClause(n: CstNode, f: Formatter): Doc {
  const body = node(n, 'expression');
  const hang = (): Doc => (startsWith(body, 'letIn') ? indent(hard, formatExpression(body, f)) : concat(text(' '), formatExpression(body, f, true)));
  switch (n.name) {
    case 'maskClause':
      return concat(word(n, 'kw_mask', f), hang());
    case 'scaleClause':
      return concat(word(n, 'kw_scale', f), hang());
    case 'sinkClause':
      return concat(word(n, 'kw_sink', f), hang());
    case 'scoreClause':
      return concat(word(n, 'kw_score', f), text(' '), word(n, 'Name', f), text(' '), word(n, 'Arrow', f), hang());
    case 'stageUse':
      return formatUse('kw_stage', n, f);
    case 'outputClause':
      return formatOutput(n, f);
    case 'scheduleClause':
      return concat(word(n, 'kw_schedule', f), text(' '), bracketed(token(n, 'LeftBrace'), formatPins(n, f), token(n, 'RightBrace'), f, ' '));
    default:
      return nothing;
  }
}

function formatParams(n: CstNode, f: Formatter): Doc {
  const list = node(n, 'params');
  if (list === undefined) return nothing;
  const commas = tokens(list, 'Comma');
  const params = nodes(list, 'param').map((p, i) => concat(formatParam(p, f), comma(commas[i], f)));
  return bracketed(token(list, 'LeftParen'), params, token(list, 'RightParen'), f, '');
}

function formatParam(n: CstNode, f: Formatter): Doc {
  const isConst = token(n, 'kw_const');
  const value = node(n, 'expression');
  return concat(
    isConst === undefined ? nothing : concat(tok(isConst, f), text(' ')),
    word(n, 'Name', f), word(n, 'Colon', f), text(' '), formatType(node(n, 'type'), f),
    value === undefined ? nothing : concat(text(' '), word(n, 'Equal', f), text(' '), formatExpression(value, f)),
  );
}

function formatType(n: CstNode | undefined, f: Formatter): Doc {
  if (n === undefined) return nothing;
  const axes = node(n, 'axes');
  const at = axes?.location?.startOffset ?? Infinity;
  const units = nodes(n, 'unit');
  const unit = (before: boolean): readonly Doc[] =>
    units.filter((u) => ((u.location?.startOffset ?? 0) < at) === before).flatMap((u) => [text(' '), word(u, 'Name', f)]);
  const early = unit(true);
  const list = axes === undefined ? nothing : formatAxes(axes, f);
  return concat(token(n, 'kw_attention') === undefined ? word(n, 'Name', f) : word(n, 'kw_attention', f), ...early, axes !== undefined && early.length > 0 ? text(' ') : nothing, list, ...(axes === undefined ? [] : unit(false)));
}

function formatAxes(n: CstNode, f: Formatter): Doc {
  const commas = tokens(n, 'Comma');
  const axes = nodes(n, 'expression').map((e, i) => concat(formatExpression(e, f), comma(commas[i], f)));
  return bracketed(token(n, 'LeftBracket'), axes, token(n, 'RightBracket'), f, '');
}
