/**
 * Comments attached to tokens, for the formatter: those on lines of their own lead the next token, one behind a token on its line
 * trails it. Nothing is lost: what stands before a token that the formatter drops moves on to the next.
 */
import type { IToken } from 'chevrotain';
import { endOf } from './tokens.ts';
import type { CommentTrivia } from './tokens.ts';

export interface LeadingComment {
  readonly text: string;
  /** An empty line stands before it. */
  readonly blankBefore: boolean;
}

export interface TokenTrivia {
  readonly leading: readonly LeadingComment[];
  readonly trailing?: string;
  /** An empty line stands before the token itself (behind its leading comments). */
  readonly blankBefore: boolean;
}

/** Trivia by the start of the token; comments at the end of the file lead the offset `endOfFile`. */
export const endOfFile = Infinity;

export function attachTrivia(
  source: string,
  tokens: readonly IToken[],
  comments: readonly CommentTrivia[],
  dropped: ReadonlySet<number>,
): ReadonlyMap<number, TokenTrivia> {
  const result = new Map<number, TokenTrivia>();
  const lines = (from: number, to: number): number => source.slice(from, to).split('\n').length - 1;
  let next = 0;
  let before: IToken | undefined;
  let kept: number | undefined;
  let end = 0;
  let carried: LeadingComment[] = [];
  const starts = [...tokens.map((t): readonly [number, IToken | undefined] => [t.startOffset, t]), [endOfFile, undefined] as const];
  for (const [start, token] of starts) {
    const leading: LeadingComment[] = carried;
    carried = [];
    for (let c = comments[next]; c !== undefined && c.start < start; c = comments[next]) {
      const gap = lines(end, c.start);
      const previous = kept === undefined ? undefined : result.get(kept);
      if (gap === 0 && before !== undefined && leading.length === 0 && previous !== undefined && kept !== undefined && previous.trailing === undefined) {
        result.set(kept, { ...previous, trailing: c.text });
      } else {
        leading.push({ text: c.text, blankBefore: gap > 1 });
      }
      end = c.end;
      next += 1;
    }
    const blankBefore = token !== undefined && lines(end, start) > 1;
    if (dropped.has(start)) {
      carried = leading;
    } else {
      result.set(start, { leading, blankBefore });
      kept = start;
    }
    before = token;
    if (token !== undefined) end = endOf(token);
  }
  return result;
}
