/**
 * Tokens and brackets for the formatter: every token is written through `tok`, which brings its comments along.
 */
import type { CstNode, IToken } from 'chevrotain';
import { isToken, node, nodes, token } from './cst.ts';
import { concat, fill, group, indent, nothing, text } from './layout.ts';
import type { Doc } from './layout.ts';
import type { LeadingComment, TokenTrivia } from './trivia.ts';

export interface Formatter {
  readonly trivia: ReadonlyMap<number, TokenTrivia>;
  /** Comments behind the last token of the file. */
  readonly end: readonly LeadingComment[];
  /** A token whose leading comments have been written already. */
  readonly quiet?: number;
}

function textOf(t: IToken, f: Formatter): Doc {
  const trailing = f.trivia.get(t.startOffset)?.trailing;
  return trailing === undefined ? text(t.image) : { kind: 'text', text: t.image, trailing };
}

/** The comments that lead a token, each on a line of its own. */
export function commentsOf(t: IToken | undefined, f: Formatter): readonly Doc[] {
  if (t === undefined || t.startOffset === f.quiet) return [];
  return (f.trivia.get(t.startOffset)?.leading ?? []).map((c) => ({ kind: 'comment', text: c.text, blankBefore: false }));
}

/** A token behind its comments. */
export function tok(t: IToken | undefined, f: Formatter): Doc {
  return t === undefined ? nothing : concat(...commentsOf(t, f), textOf(t, f));
}

/** The first token of a type in a node. */
export function word(n: CstNode, type: string, f: Formatter): Doc {
  return tok(token(n, type), f);
}

/** A comma; nothing where it is not there or is dropped. */
export function comma(t: IToken | undefined, f: Formatter): Doc {
  return t === undefined || !f.trivia.has(t.startOffset) ? nothing : tok(t, f);
}

/** A closing bracket, whose comments have been written inside the brackets. */
export function closing(t: IToken | undefined, f: Formatter): Doc {
  return t === undefined ? nothing : textOf(t, f);
}

/** A list in brackets: on one line, or filled into indented lines. `pad` stands inside the brackets on one line. */
export function bracketed(open: IToken | undefined, items: readonly Doc[], close: IToken | undefined, f: Formatter, pad: ' ' | ''): Doc {
  const last = commentsOf(close, f);
  if (items.length === 0 && last.length === 0) return concat(tok(open, f), closing(close, f));
  const edge: Doc = { kind: 'line', flat: pad };
  return group(tok(open, f), indent(edge, fill(items), ...last), edge, closing(close, f));
}

/** The grammar rule of the only operand of an expression, where it has but one and no sign. */
export function soleRule(e: CstNode | undefined): string | undefined {
  const [operand, second] = e === undefined ? [] : nodes(e, 'operand');
  if (operand === undefined || second !== undefined || token(operand, 'UnaryOperator') !== undefined) return undefined;
  return ruleOf(operand);
}

/** The grammar rule of an operand's primary; undefined for a literal. */
export function ruleOf(operand: CstNode): string | undefined {
  const primary = node(operand, 'primary');
  const child = primary === undefined ? undefined : Object.values(primary.children).flat()[0];
  return child === undefined || isToken(child) ? undefined : child.name;
}

export function startsWith(e: CstNode | undefined, rule: string): boolean {
  return soleRule(e) === rule;
}
