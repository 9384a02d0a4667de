/**
 * Source text to its canonical layout. Works on the concrete tree, token by token in source order: what is formatted has the same
 * tokens (only commas before a closing bracket are dropped) and all comments. Text with syntax errors is refused with its diagnostics.
 */
import type { IToken } from 'chevrotain';
import * as report from './catalogue/index.ts';
import { hasErrors } from './collect.ts';
import { bad, good } from './diagnostic.ts';
import type { Checked } from './diagnostic.ts';
import { formatFile } from './format-tree.ts';
import { layout } from './layout.ts';
import { parseConcrete } from './parse.ts';
import { tokenize } from './tokens.ts';
import { attachTrivia, endOfFile } from './trivia.ts';

/** Columns of canonical text; only comments and single long tokens stand out. */
export const lineWidth = 100;

/** The canonical layout of `source`; `file` is the name used in diagnostics. */
export function formatSource(source: string, file = 'source.fil'): Checked<string> {
  const { diagnostics, tree, tokens, comments } = parseConcrete(file, source);
  if (hasErrors(diagnostics)) return bad(diagnostics);
  if (tree === undefined) return good('');
  const dropped = droppedCommas(tokens);
  const trivia = attachTrivia(source, tokens, comments, dropped);
  const formatted = layout(formatFile(tree, { trivia, end: trivia.get(endOfFile)?.leading ?? [] }), lineWidth);
  const result = formatted.trim() === '' ? '' : formatted;
  // The formatter may move white space only; anything else would change the user's program.
  const after = tokenize(result);
  const same = images(tokens, dropped) === images(after.tokens, droppedCommas(after.tokens)) && after.comments.length === comments.length;
  if (!same) return bad([report.internalError({ file, start: 0, end: 0 }, { stage: 'format', message: 'formatting would change the program' })]);
  return good(result);
}

const closers = new Set([')', ']', '}']);

/** The start of every comma that stands before a closing bracket. */
function droppedCommas(tokens: readonly IToken[]): ReadonlySet<number> {
  return new Set(tokens.flatMap((t, i) => (t.image === ',' && closers.has(tokens[i + 1]?.image ?? '') ? [t.startOffset] : [])));
}

function images(tokens: readonly IToken[], dropped: ReadonlySet<number>): string {
  return tokens.filter((t) => !dropped.has(t.startOffset)).map((t) => t.image).join('\n');
}
