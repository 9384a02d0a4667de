/**
 * Source text to syntax tree and diagnostics. Never throws and never hangs: length and nesting are bounded first, the
 * parser recovers from errors, and at most one diagnostic is kept per place.
 */
import { EOF } from 'chevrotain';
import type { CstNode, IRecognitionException, IToken } from 'chevrotain';
import type { SourceFile } from './ast.ts';
import { buildItems } from './build-ast.ts';
import * as report from './catalogue/index.ts';
import { inSourceOrder } from './collect.ts';
import { tokenSpan } from './cst.ts';
import type { Diagnostic } from './diagnostic.ts';
import { parseTokens } from './grammar.ts';
import { namesFromWords } from './misused-words.ts';
import { nestingLimit, sourceLengthLimit, tooDeepToken } from './nesting.ts';
import type { Span } from './span.ts';
import { endOf, reservedWords, tokenize } from './tokens.ts';
import type { CommentTrivia, Unread } from './tokens.ts';

export interface ParseResult {
  /** Everything that could be read; holes where something could not. */
  readonly ast: SourceFile;
  readonly diagnostics: readonly Diagnostic[];
}

/** What the formatter needs besides: the concrete tree with its tokens and comments; no tree where nothing could be parsed. */
export interface ConcreteResult extends ParseResult {
  readonly tree: CstNode | undefined;
  readonly tokens: readonly IToken[];
  readonly comments: readonly CommentTrivia[];
}

export function parseSource(file: string, text: string): ParseResult {
  const { ast, diagnostics } = parseConcrete(file, text);
  return { ast, diagnostics };
}

export function parseConcrete(file: string, text: string): ConcreteResult {
  const empty: SourceFile = { file, text, items: [] };
  const nothing = { ast: empty, tree: undefined, tokens: [], comments: [] };
  if (text.length > sourceLengthLimit) {
    const at = { file, start: 0, end: 0 };
    return { ...nothing, diagnostics: [report.sourceTooLong(at, { length: text.length, limit: sourceLengthLimit })] };
  }
  const { tokens: words, comments, errors } = tokenize(text);
  const { tokens, declared } = namesFromWords(words);
  const found: Diagnostic[] = errors.map((e) => lexicalError(file, text, e));
  for (const t of declared) found.push(report.reservedName(tokenSpan(file, t), { name: t.image, what: 'a parameter or local name' }));
  const deep = tooDeepToken(tokens);
  if (deep !== undefined) {
    found.push(report.nestedTooDeeply(tokenSpan(file, deep), { limit: nestingLimit }));
    return { ...nothing, diagnostics: inSourceOrder(found) };
  }
  const docs = docsByToken(text, tokens, comments);
  const { tree, errors: syntax, overflow } = parseTokens(tokens);
  const [first] = tokens;
  if (overflow && first !== undefined) found.push(report.nestedTooDeeply(tokenSpan(file, first), { limit: nestingLimit }));
  const end = tokens[tokens.length - 1];
  for (const e of syntax) found.push(syntaxError(file, e, end === undefined ? 0 : endOf(end)));
  const items = tree === undefined ? [] : buildItems(tree, {
    file,
    docBefore: (offset) => docs.get(offset) ?? [],
    report: (d) => found.push(d),
  });
  return { ast: { file, text, items }, diagnostics: inSourceOrder(found), tree, tokens, comments };
}

function lexicalError(file: string, text: string, e: Unread): Diagnostic {
  const span = { file, start: e.offset, end: e.offset + Math.max(1, e.length) };
  const piece = text.slice(span.start, span.end);
  return report.unexpectedCharacter(span, { text: piece.length <= 20 ? piece : `${piece.slice(0, 16)}...` });
}

/** The doc comments before each token that has some; one that trails code on its line documents nothing. */
function docsByToken(text: string, tokens: readonly IToken[], comments: readonly CommentTrivia[]): ReadonlyMap<number, readonly string[]> {
  const docs = new Map<number, readonly string[]>();
  let next = 0;
  let before = 0;
  for (const t of tokens) {
    const lines: string[] = [];
    for (let c = comments[next]; c !== undefined && c.start < t.startOffset; c = comments[next]) {
      const trails = before > 0 && !text.slice(before, c.start).includes('\n');
      if (c.isDoc && !trails) lines.push(c.text.slice(3).replace(/^ /, ''));
      next += 1;
    }
    if (lines.length > 0) docs.set(t.startOffset, lines);
    before = endOf(t);
  }
  return docs;
}

function foundText(t: IToken): string {
  if (t.tokenType === EOF) return 'the end of the file';
  const image = t.image.length <= 40 ? t.image : `${t.image.slice(0, 36)}...`;
  return `\`${image}\``;
}

function placeOf(file: string, t: IToken, end: number): Span {
  return t.tokenType === EOF ? { file, start: end, end } : tokenSpan(file, t);
}

const clauseWords = ['mask', 'scale', 'score', 'sink', 'schedule'];

/** The parser's exception as a diagnostic of ours; its message is the phrase of what was expected (see grammar.ts). */
function syntaxError(file: string, e: IRecognitionException, end: number): Diagnostic {
  const at = placeOf(file, e.token, end);
  const found = foundText(e.token);
  const rule = e.context.ruleStack[e.context.ruleStack.length - 1] ?? 'file';
  const word = e.token.image;
  if (rule === 'file') return report.expectedDeclaration(at, { found, help: declarationHelp(word) });
  if (e.message === 'an expression') return report.expectedExpression(at, { found, help: expressionHelp(word) });
  if (rule === 'attentionDecl' && e.message === '`}`' && /^[A-Za-z_]/.test(word)) {
    return report.unknownClause(at, { found: word, candidates: clauseWords });
  }
  const help = ruleHelp(rule, e.message) ?? tokenHelp(word, e.message);
  return report.unexpectedToken(at, { expected: e.message, found, help });
}

function declarationHelp(word: string): string | undefined {
  if (word === '=') return 'a comparison is written `==`';
  if (word === '..') return 'a range `lo .. hi` stands only as an argument, as in `band(0 .. 64)`';
  if ([')', ']', '}'].includes(word)) return 'no bracket is open here';
  if (/^[A-Za-z_0-9({]/.test(word)) return 'is an operator missing before it, or the word `mask` or `attention`?';
  return undefined;
}

function expressionHelp(word: string): string | undefined {
  if (word === '..') return 'a range needs both ends, as in `band(0 .. 64)`';
  if (word === '*' || word === '/') return 'an operator stands between two expressions';
  return reservedHelp(word);
}

function reservedHelp(word: string): string | undefined {
  return reservedWords.has(word) ? `\`${word}\` is a reserved word` : undefined;
}

/** What is written where a rule did not go on. */
function ruleHelp(rule: string, expected: string): string | undefined {
  if (rule === 'reduced' && expected === '`:`') return 'a reduction names its index first, as in `sum j: x[j]`';
  if (rule === 'stageUse' && expected === '`=`') return 'a use has a name of its own, as in `stage sel = choose(4)`';
  if (rule === 'scoreClause') return 'a score names the product that it changes, as in `score s => s * 2`';
  return undefined;
}

function tokenHelp(word: string, expected: string): string | undefined {
  if (word === '=' && ['`)`', '`]`', '`}`', '`;`', '`:`', '`then`', '`else`'].includes(expected)) return 'a comparison is written `==`';
  if (word === '..') return 'a range `lo .. hi` stands only as an argument, as in `band(0 .. 64)`';
  if (word === 'where') return 'the condition of a reduction stands before its colon, as in `sum j where j > 0: x[j]`';
  if (word === ';' && expected !== '`;`') return '`;` stands behind local names only; clauses and equations follow each other without it';
  if (expected === 'a name') return reservedHelp(word);
  if (expected === '`;`') return 'a local name is written `let x = value; body`';
  if (expected === '`:`' ) return 'a parameter is written `name: type`, a quantifier `any t in lo .. hi: body`';
  return undefined;
}
