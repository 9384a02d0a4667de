/**
 * Reading a concrete syntax tree that may have holes: typed access to the children of a node, and spans.
 */
import type { CstElement, CstNode, IToken } from 'chevrotain';
import type { Ident } from './ast.ts';
import type { Span } from './span.ts';
import { endOf } from './tokens.ts';

export function isToken(element: CstElement): element is IToken {
  return 'image' in element;
}

/** The child nodes made by grammar rule `rule`. */
export function nodes(parent: CstNode, rule: string): readonly CstNode[] {
  return (parent.children[rule] ?? []).flatMap((c) => (isToken(c) ? [] : [c]));
}

export function node(parent: CstNode, rule: string): CstNode | undefined {
  return nodes(parent, rule)[0];
}

/** The child tokens of a type that were really in the source (recovery may have invented some). */
export function tokens(parent: CstNode, type: string): readonly IToken[] {
  return (parent.children[type] ?? []).flatMap((c) => (isToken(c) && c.image !== '' && Number.isFinite(c.startOffset) ? [c] : []));
}

export function token(parent: CstNode, type: string): IToken | undefined {
  return tokens(parent, type)[0];
}

export function tokenSpan(file: string, t: IToken): Span {
  return { file, start: t.startOffset, end: endOf(t) };
}

/** The range a node covers; `fallback` where nothing of it was in the source. */
export function nodeSpan(file: string, n: CstNode, fallback: Span): Span {
  const start = n.location?.startOffset ?? NaN;
  const end = n.location?.endOffset ?? NaN;
  return Number.isFinite(start) && Number.isFinite(end) ? { file, start, end: end + 1 } : fallback;
}

export function ident(file: string, t: IToken): Ident {
  return { name: t.image, span: tokenSpan(file, t) };
}
