/**
 * Reserved words that a program uses as names of its own. In: the tokens of a file. Out: the tokens with those words read as names, and
 * where each is declared. One report at the declaration then stands for all uses, which would be errors of their own otherwise:
 * `per` is followed by `head`, a selection by its bracket, and an operator stands behind an operand wherever it is meant as one.
 */
import type { IToken } from 'chevrotain';
import * as T from './tokens.ts';

export interface Renamed {
  readonly tokens: IToken[];
  /** The words where they are declared. */
  readonly declared: readonly IToken[];
}

/** What a parameter begins behind, and an operand. */
const beforeParam = new Set([T.LeftParen, T.Comma, T.Const]);
const beforeOperand = new Set([T.LeftParen, T.LeftBracket, T.Comma, T.DotDot, T.Equal, T.Arrow, T.Colon]);

export function namesFromWords(tokens: IToken[]): Renamed {
  const declared = tokens.filter((t, i) => T.reservedWords.has(t.image) && declares(tokens[i - 1], tokens[i + 1]));
  if (declared.length === 0) return { tokens, declared };
  const words = new Set(declared.map((t) => t.image));
  const places = new Set(declared);
  const renamed = tokens.map((t, i) => (words.has(t.image) && (places.has(t) || isNoWord(t, tokens[i - 1], tokens[i + 1])) ? asName(t) : t));
  return { tokens: renamed, declared };
}

/** `(word: type`, `index word in`, `let word =`. */
function declares(before: IToken | undefined, after: IToken | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  if (beforeParam.has(before.tokenType)) return after.tokenType === T.Colon;
  return (before.tokenType === T.Index && after.tokenType === T.In) || (before.tokenType === T.Let && after.tokenType === T.Equal);
}

/** Whether the word cannot have its own meaning between these two. */
function isNoWord(t: IToken, before: IToken | undefined, after: IToken | undefined): boolean {
  if (t.tokenType === T.Per) return after?.tokenType !== T.Head;
  if (t.tokenType === T.Selector) return after?.tokenType !== T.LeftParen;
  const isOperator = (t.tokenType.CATEGORIES ?? []).includes(T.BinaryOperator);
  if (!isOperator || before === undefined) return false;
  return beforeOperand.has(before.tokenType) || (before.tokenType.CATEGORIES ?? []).includes(T.BinaryOperator);
}

function asName(t: IToken): IToken {
  return T.Name.tokenTypeIdx === undefined ? t : { ...t, tokenType: T.Name, tokenTypeIdx: T.Name.tokenTypeIdx };
}
