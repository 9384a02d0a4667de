/**
 * Places in source text. A span is a half-open range of UTF-16 offsets in one named file.
 * An origin is what every AST node and IR statement carries: the user's span plus the names of the
 * rewrites that produced the node. Origins never take part in equality or printing.
 */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export interface Origin {
  readonly span: Span;
  readonly via: readonly string[];
}

/** The span of things the compiler adds without a line of their own (never shown to the user alone). */
export const noSpan: Span = { file: '', start: 0, end: 0 };

export function spanOf(file: string, start: number, end: number): Span {
  return { file, start, end };
}

export function joinSpans(a: Span, b: Span): Span {
  return { file: a.file, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

export function originOf(span: Span): Origin {
  return { span, via: [] };
}

/** The origin of a node that rewrite `pass` made out of a node with origin `from`. */
export function through(from: Origin, pass: string): Origin {
  return from.via[from.via.length - 1] === pass ? from : { span: from.span, via: [...from.via, pass] };
}

export interface LineColumn {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
}

/** Line and column of `offset` in `text`; offsets past the end give the end. */
export function lineColumn(text: string, offset: number): LineColumn {
  const end = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let lineStart = 0;
  for (let i = text.indexOf('\n'); i >= 0 && i < end; i = text.indexOf('\n', i + 1)) {
    line += 1;
    lineStart = i + 1;
  }
  return { line, column: end - lineStart + 1 };
}
