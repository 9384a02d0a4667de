/**
 * Text to tokens: the token table of the language and the lexer (built once).
 * In: source text. Out: tokens for the grammar, comments apart (they are trivia with a place), and lexical errors.
 * Words that only mean something in one place (`from`, `head`, `scale`, ...) stay usable as names: their tokens are of
 * the category `Name`. Operators borrowed from other languages lex into their own tokens of the right category, so that
 * parsing goes on and the report can name our spelling.
 */
import { createToken, Lexer } from 'chevrotain';
import type { IToken, TokenType } from 'chevrotain';

export const Name = createToken({ name: 'Name', pattern: /[A-Za-z_][A-Za-z0-9_]*/, label: 'a name' });

function keyword(word: string): TokenType {
  return createToken({ name: `kw_${word}`, pattern: new RegExp(word), longer_alt: Name, label: `\`${word}\`` });
}

function contextual(word: string): TokenType {
  return createToken({ name: `kw_${word}`, pattern: new RegExp(word), longer_alt: Name, label: `\`${word}\``, categories: [Name] });
}

function symbol(name: string, text: string, categories: TokenType[] = []): TokenType {
  return createToken({ name, pattern: text, label: `\`${text}\``, categories });
}

function category(name: string, label: string): TokenType {
  return createToken({ name, pattern: Lexer.NA, label });
}

// Reserved words.
export const Mask = keyword('mask');
export const Attention = keyword('attention');
export const Import = keyword('import');
export const Const = keyword('const');
export const If = keyword('if');
export const Then = keyword('then');
export const Else = keyword('else');
export const Let = keyword('let');
export const Any = keyword('any');
export const Per = keyword('per');
export const True = keyword('true');
export const False = keyword('false');

// Words with a meaning in one place only.
export const From = contextual('from');
export const As = contextual('as');
export const In = contextual('in');
export const Head = contextual('head');
export const Choose = contextual('choose');
export const Scale = contextual('scale');
export const Score = contextual('score');
export const Sink = contextual('sink');
export const Schedule = contextual('schedule');
export const Stage = contextual('stage');
export const Chain = contextual('chain');
export const Sizes = contextual('sizes');
export const Output = contextual('output');
export const Index = contextual('index');
export const Repeat = contextual('repeat');
export const Where = contextual('where');

/** Words that begin a reduction (`sum t in 0 .. n: ...`), and those that also take an argument first (`top(n) J: ...`). */
export const Reducer = createToken({ name: 'Reducer', pattern: /(?:sum|mean|min|max|all|argmax|softmax|rank|mass|cumsum)(?![A-Za-z0-9_])/, longer_alt: Name, label: 'a reduction', categories: [Name] });
export const Selector = createToken({ name: 'Selector', pattern: /(?:top_mass|top|nth)(?![A-Za-z0-9_])/, longer_alt: Name, label: 'a selection' });

// Operators. `-` is both; `UnaryOperator` and `BinaryOperator` are what the grammar asks for.
export const BinaryOperator = category('BinaryOperator', 'an operator');
export const UnaryOperator = category('UnaryOperator', '`-` or `~`');

export const Div = createToken({ name: 'kw_div', pattern: /div/, longer_alt: Name, label: '`div`', categories: [BinaryOperator] });
export const Mod = createToken({ name: 'kw_mod', pattern: /mod/, longer_alt: Name, label: '`mod`', categories: [BinaryOperator] });

/** Spellings of other languages and what they are here. */
export const foreignSpelling: ReadonlyMap<string, string> = new Map([
  ['&&', '&'], ['||', '|'], ['!', '~'], ['%', 'mod'], ['and', '&'], ['or', '|'], ['not', '~'],
]);

const AndAnd = symbol('AndAnd', '&&', [BinaryOperator]);
const OrOr = symbol('OrOr', '||', [BinaryOperator]);
const Percent = symbol('Percent', '%', [BinaryOperator]);
const Bang = symbol('Bang', '!', [UnaryOperator]);
const AndWord = createToken({ name: 'kw_and', pattern: /and/, longer_alt: Name, label: '`and`', categories: [BinaryOperator] });
const OrWord = createToken({ name: 'kw_or', pattern: /or/, longer_alt: Name, label: '`or`', categories: [BinaryOperator] });
const NotWord = createToken({ name: 'kw_not', pattern: /not/, longer_alt: Name, label: '`not`', categories: [UnaryOperator] });

export const Arrow = symbol('Arrow', '=>');
const EqualEqual = symbol('EqualEqual', '==', [BinaryOperator]);
const NotEqual = symbol('NotEqual', '!=', [BinaryOperator]);
const LessEqual = symbol('LessEqual', '<=', [BinaryOperator]);
const GreaterEqual = symbol('GreaterEqual', '>=', [BinaryOperator]);
const Less = symbol('Less', '<', [BinaryOperator]);
const Greater = symbol('Greater', '>', [BinaryOperator]);
export const Equal = symbol('Equal', '=');
const Plus = symbol('Plus', '+', [BinaryOperator]);
const Minus = symbol('Minus', '-', [BinaryOperator, UnaryOperator]);
const Star = symbol('Star', '*', [BinaryOperator]);
const Slash = symbol('Slash', '/', [BinaryOperator]);
const Ampersand = symbol('Ampersand', '&', [BinaryOperator]);
const Bar = symbol('Bar', '|', [BinaryOperator]);
const Tilde = symbol('Tilde', '~', [UnaryOperator]);

export const DotDot = symbol('DotDot', '..');
export const Dot = symbol('Dot', '.');
export const LeftParen = symbol('LeftParen', '(');
export const RightParen = symbol('RightParen', ')');
export const LeftBracket = symbol('LeftBracket', '[');
export const RightBracket = symbol('RightBracket', ']');
export const LeftBrace = symbol('LeftBrace', '{');
export const RightBrace = symbol('RightBrace', '}');
export const Comma = symbol('Comma', ',');
export const Colon = symbol('Colon', ':');
export const Semicolon = symbol('Semicolon', ';');

/** Swallows what is glued to a number, so that `12abc` is one malformed number and not two tokens. */
export const NumberLiteral = createToken({
  name: 'NumberLiteral',
  pattern: /0[xX]\w*|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d[\d_]*)?\w*(?:\.\d\w*)*/,
  label: 'a number',
});

/** A string ends at the line's end at the latest; a missing quote is reported by the AST builder. */
export const StringLiteral = createToken({ name: 'StringLiteral', pattern: /"[^"\n\r]*"?/, label: 'a file name in quotes', line_breaks: false });

const WhiteSpace = createToken({ name: 'WhiteSpace', pattern: /[ \t\r\n\uFEFF]+/, group: Lexer.SKIPPED, line_breaks: true });
/** Comments of other languages, read as a whole so that their words cause no further reports. */
const ForeignComment = createToken({ name: 'ForeignComment', pattern: /#[^\n\r]*|\/\*[^]*?(?:\*\/|$)/, group: 'foreign', line_breaks: true });

const Comment = createToken({ name: 'Comment', pattern: /\/\/[^\n\r]*/, group: 'comments' });

/** Longest spelling first where one is a prefix of another; words before `Name`. */
export const allTokens: TokenType[] = [
  WhiteSpace, Comment, ForeignComment, StringLiteral, NumberLiteral,
  Mask, Attention, Import, Const, If, Then, Else, Let, Any, Per, True, False,
  From, As, Index, In, Head, Choose, Scale, Score, Sink, Schedule, Stage, Chain, Sizes, Output, Repeat, Where, Selector, Reducer,
  Div, Mod, AndWord, OrWord, NotWord, Name,
  AndAnd, OrOr, Arrow, EqualEqual, NotEqual, LessEqual, GreaterEqual, DotDot, Dot,
  Less, Greater, Equal, Plus, Minus, Star, Slash, Ampersand, Bar, Tilde, Percent, Bang,
  LeftParen, RightParen, LeftBracket, RightBracket, LeftBrace, RightBrace, Comma, Colon, Semicolon,
  BinaryOperator, UnaryOperator,
];

/** Words that cannot be names. */
export const reservedWords: ReadonlySet<string> = new Set([
  'mask', 'attention', 'import', 'const', 'if', 'then', 'else', 'let', 'any', 'per', 'true', 'false', 'div', 'mod', 'and', 'or', 'not', 'top', 'top_mass', 'nth',
]);

export interface CommentTrivia {
  /** With its slashes, without trailing blanks. */
  readonly text: string;
  readonly isDoc: boolean;
  readonly start: number;
  readonly end: number;
}

export interface Unread {
  readonly offset: number;
  readonly length: number;
}

export interface LexResult {
  readonly tokens: IToken[];
  readonly comments: readonly CommentTrivia[];
  /** Pieces of the text that are not part of the language. */
  readonly errors: readonly Unread[];
}

const lexer = new Lexer(allTokens, { positionTracking: 'full', ensureOptimizations: false, skipValidations: true });

export function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}

/** Splits `text` into tokens and comments. Never throws; characters that belong to no token are reported and skipped. */
export function tokenize(text: string): LexResult {
  const result = lexer.tokenize(text);
  const comments = (result.groups['comments'] ?? []).map((token) => ({
    text: token.image.trimEnd(),
    // Four slashes or more are a ruler, not documentation.
    isDoc: token.image.startsWith('///') && !token.image.startsWith('////'),
    start: token.startOffset,
    end: token.startOffset + token.image.trimEnd().length,
  }));
  const foreign = (result.groups['foreign'] ?? []).map((t) => ({ offset: t.startOffset, length: t.image.startsWith('#') ? 1 : 2 }));
  return { tokens: result.tokens, comments, errors: [...result.errors, ...foreign] };
}
