/**
 * Tokens to a concrete syntax tree, with error recovery. The parser object is made once and reused; it holds no
 * state between calls. Operators are one flat list per expression (precedence is resolved in build-ast.ts), which keeps the
 * grammar small and the call depth per level of nesting low.
 */
import { CstParser, EOF } from 'chevrotain';
import type { CstNode, IParserErrorMessageProvider, IRecognitionException, IToken, TokenType } from 'chevrotain';
import * as T from './tokens.ts';

function labelOf(type: TokenType): string {
  return type.LABEL ?? type.name;
}

/** What a rule starts with, for the message when nothing fits. */
const ruleLabels: ReadonlyMap<string, string> = new Map([
  ['item', '`mask`, `attention`, `stage`, `chain` or `import`'],
  ['clause', '`mask`, `scale`, `score`, `sink`, `stage`, `output` or `schedule`'],
  ['stageItem', '`index`, `let`, `repeat`, `stage` or an equation'],
  ['chainItem', '`sizes`, `let`, `stage`, `attention`, `repeat` or `output`'],
  ['primary', 'an expression'],
]);

/** Messages are only the phrase of what was expected; parse.ts makes the sentence. */
const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => (expected === EOF ? 'a declaration' : labelOf(expected)),
  buildNotAllInputParsedMessage: () => 'a declaration',
  buildNoViableAltMessage: ({ ruleName, customUserDescription }) => customUserDescription ?? ruleLabels.get(ruleName) ?? 'something else',
  buildEarlyExitMessage: ({ ruleName, customUserDescription }) => customUserDescription ?? ruleLabels.get(ruleName) ?? 'something else',
};

/** A reduction is told from a call or a name by the index that follows: `max t in ...` against `max(a, b)`. */
function isNameLike(t: IToken): boolean {
  return t.tokenType === T.Name || (t.tokenType.CATEGORIES ?? []).includes(T.Name);
}

/** What may stand behind the first index of a reduction. */
const followsIndex: ReadonlySet<TokenType> = new Set([T.In, T.Where, T.Comma, T.Colon]);

/** A look-up behind the word, on its own line, is a reduction without its index; on the next line it is an equation. */
function startsReduction(word: IToken, index: IToken, next: IToken): boolean {
  if (!isNameLike(index)) return false;
  return followsIndex.has(next.tokenType) || (word.image !== 'all' && word.startLine === index.startLine && next.tokenType === T.LeftBracket);
}

class FiligreeParser extends CstParser {
  constructor() {
    super(T.allTokens, { recoveryEnabled: true, maxLookahead: 2, nodeLocationTracking: 'onlyOffset', errorMessageProvider: expectations });
    this.performSelfAnalysis();
  }

  readonly file = this.RULE('file', () => {
    this.MANY(() => this.SUBRULE(this.item));
  });

  readonly item = this.RULE('item', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.importDecl) },
      { ALT: () => this.SUBRULE(this.maskDecl) },
      { ALT: () => this.SUBRULE(this.stageDecl) },
      { ALT: () => this.SUBRULE(this.attentionDecl) },
      { ALT: () => this.SUBRULE(this.chainDecl) },
    ]);
  });

  readonly importDecl = this.RULE('importDecl', () => {
    this.CONSUME(T.Import);
    this.SUBRULE(this.importName);
    this.MANY(() => {
      this.CONSUME(T.Comma);
      this.SUBRULE2(this.importName);
    });
    this.CONSUME(T.From);
    this.CONSUME(T.StringLiteral);
  });

  readonly importName = this.RULE('importName', () => {
    this.CONSUME(T.Name);
    this.OPTION(() => {
      this.CONSUME(T.As);
      this.CONSUME2(T.Name);
    });
  });

  readonly maskDecl = this.RULE('maskDecl', () => {
    this.CONSUME(T.Mask);
    this.CONSUME(T.Name);
    this.OPTION(() => this.SUBRULE(this.params));
    this.CONSUME(T.Equal);
    this.SUBRULE(this.expression);
  });

  readonly stageDecl = this.RULE('stageDecl', () => {
    this.CONSUME(T.Stage);
    this.CONSUME(T.Name);
    this.OPTION(() => this.SUBRULE(this.params));
    this.CONSUME(T.LeftBrace);
    this.MANY(() => this.SUBRULE(this.stageItem));
    this.CONSUME(T.RightBrace);
  });

  readonly stageItem = this.RULE('stageItem', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.indexItem) },
      { ALT: () => this.SUBRULE(this.letItem) },
      { ALT: () => this.SUBRULE(this.repeatItem) },
      { ALT: () => this.SUBRULE(this.stageUse) },
      { ALT: () => this.SUBRULE(this.equation) },
    ]);
  });

  readonly indexItem = this.RULE('indexItem', () => {
    this.CONSUME(T.Index);
    this.CONSUME(T.Name);
    this.CONSUME(T.In);
    this.SUBRULE(this.range);
  });

  readonly range = this.RULE('range', () => {
    this.SUBRULE(this.expression);
    this.OPTION(() => {
      this.CONSUME(T.DotDot);
      this.SUBRULE2(this.expression);
    });
  });

  readonly letItem = this.RULE('letItem', () => {
    this.CONSUME(T.Let);
    this.CONSUME(T.Name);
    this.CONSUME(T.Equal);
    this.SUBRULE(this.expression);
  });

  readonly repeatItem = this.RULE('repeatItem', () => {
    this.CONSUME(T.Repeat);
    this.SUBRULE(this.expression);
    this.CONSUME(T.LeftBrace);
    this.MANY(() => this.SUBRULE(this.stageItem));
    this.CONSUME(T.RightBrace);
  });

  readonly stageUse = this.RULE('stageUse', () => {
    this.CONSUME(T.Stage);
    this.CONSUME(T.Name);
    this.CONSUME(T.Equal);
    this.CONSUME2(T.Name);
    this.OPTION(() => this.SUBRULE(this.callArguments));
  });

  readonly equation = this.RULE('equation', () => {
    this.CONSUME(T.Name);
    this.OPTION(() => {
      this.CONSUME(T.LeftBracket);
      this.OPTION2(() => {
        this.SUBRULE(this.indexName);
        this.MANY(() => {
          this.CONSUME(T.Comma);
          this.SUBRULE2(this.indexName);
        });
      });
      this.CONSUME(T.RightBracket);
    });
    this.OPTION3(() => {
      this.CONSUME(T.Colon);
      this.SUBRULE(this.precision);
    });
    this.CONSUME(T.Equal);
    this.SUBRULE(this.expression);
  });

  readonly indexName = this.RULE('indexName', () => {
    this.CONSUME(T.Name);
  });

  readonly precision = this.RULE('precision', () => {
    this.CONSUME(T.Name);
  });

  readonly attentionDecl = this.RULE('attentionDecl', () => {
    this.CONSUME(T.Attention);
    this.CONSUME(T.Name);
    this.OPTION(() => this.SUBRULE(this.params));
    this.CONSUME(T.LeftBrace);
    this.MANY(() => this.SUBRULE(this.clause));
    this.CONSUME(T.RightBrace);
  });

  readonly chainDecl = this.RULE('chainDecl', () => {
    this.CONSUME(T.Chain);
    this.CONSUME(T.Name);
    this.OPTION(() => this.SUBRULE(this.params));
    this.CONSUME(T.LeftBrace);
    this.MANY(() => this.SUBRULE(this.chainItem));
    this.CONSUME(T.RightBrace);
  });

  readonly chainItem = this.RULE('chainItem', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.sizesItem) },
      { ALT: () => this.SUBRULE(this.letItem) },
      { ALT: () => this.SUBRULE(this.stageUse) },
      { ALT: () => this.SUBRULE(this.attentionUse) },
      { ALT: () => this.SUBRULE(this.roundsItem) },
      { ALT: () => this.SUBRULE(this.outputClause) },
    ]);
  });

  readonly sizesItem = this.RULE('sizesItem', () => {
    this.CONSUME(T.Sizes);
    this.SUBRULE(this.pin);
    this.MANY(() => {
      this.CONSUME(T.Comma);
      this.SUBRULE2(this.pin);
    });
  });

  readonly attentionUse = this.RULE('attentionUse', () => {
    this.CONSUME(T.Attention);
    this.CONSUME(T.Name);
    this.CONSUME(T.Equal);
    this.CONSUME2(T.Name);
    this.OPTION(() => this.SUBRULE(this.callArguments));
  });

  readonly roundsItem = this.RULE('roundsItem', () => {
    this.CONSUME(T.Repeat);
    this.CONSUME(T.Name);
    this.CONSUME(T.In);
    this.SUBRULE(this.range);
    this.CONSUME(T.LeftBrace);
    this.MANY(() => this.SUBRULE(this.chainItem));
    this.CONSUME(T.RightBrace);
  });

  readonly params = this.RULE('params', () => {
    this.CONSUME(T.LeftParen);
    this.OPTION(() => {
      this.SUBRULE(this.param);
      this.MANY(() => {
        this.CONSUME(T.Comma);
        this.SUBRULE2(this.param);
      });
      this.OPTION2(() => this.CONSUME2(T.Comma));
    });
    this.CONSUME(T.RightParen);
  });

  readonly param = this.RULE('param', () => {
    this.OPTION(() => this.CONSUME(T.Const));
    this.CONSUME(T.Name);
    this.CONSUME(T.Colon);
    this.SUBRULE(this.type);
    this.OPTION2(() => {
      this.CONSUME(T.Equal);
      this.SUBRULE(this.expression);
    });
  });

  readonly type = this.RULE('type', () => {
    this.OR([
      { ALT: () => this.CONSUME(T.Name) },
      { ALT: () => this.CONSUME(T.Attention) },
    ]);
    this.OPTION(() => this.SUBRULE(this.unit));
    this.OPTION2(() => {
      this.SUBRULE(this.axes);
      this.OPTION3(() => this.SUBRULE2(this.unit));
    });
  });

  readonly unit = this.RULE('unit', () => {
    this.CONSUME(T.Name);
  });

  readonly axes = this.RULE('axes', () => {
    this.CONSUME(T.LeftBracket);
    this.OPTION(() => {
      this.SUBRULE(this.expression);
      this.MANY(() => {
        this.CONSUME(T.Comma);
        this.SUBRULE2(this.expression);
      });
      this.OPTION2(() => this.CONSUME2(T.Comma));
    });
    this.CONSUME(T.RightBracket);
  });

  readonly clause = this.RULE('clause', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.maskClause) },
      { ALT: () => this.SUBRULE(this.scaleClause) },
      { ALT: () => this.SUBRULE(this.scoreClause) },
      { ALT: () => this.SUBRULE(this.sinkClause) },
      { ALT: () => this.SUBRULE(this.stageUse) },
      { ALT: () => this.SUBRULE(this.outputClause) },
      { ALT: () => this.SUBRULE(this.scheduleClause) },
    ]);
  });

  readonly maskClause = this.RULE('maskClause', () => {
    this.CONSUME(T.Mask);
    this.SUBRULE(this.expression);
  });

  readonly scaleClause = this.RULE('scaleClause', () => {
    this.CONSUME(T.Scale);
    this.SUBRULE(this.expression);
  });

  readonly scoreClause = this.RULE('scoreClause', () => {
    this.CONSUME(T.Score);
    this.CONSUME(T.Name);
    this.CONSUME(T.Arrow);
    this.SUBRULE(this.expression);
  });

  readonly sinkClause = this.RULE('sinkClause', () => {
    this.CONSUME(T.Sink);
    this.SUBRULE(this.expression);
  });

  readonly outputClause = this.RULE('outputClause', () => {
    this.CONSUME(T.Output);
    this.SUBRULE(this.path);
    this.MANY(() => {
      this.CONSUME(T.Comma);
      this.SUBRULE2(this.path);
    });
  });

  readonly path = this.RULE('path', () => {
    this.CONSUME(T.Name);
    this.MANY(() => {
      this.CONSUME(T.Dot);
      this.CONSUME2(T.Name);
    });
  });

  readonly scheduleClause = this.RULE('scheduleClause', () => {
    this.CONSUME(T.Schedule);
    this.CONSUME(T.LeftBrace);
    this.OPTION(() => {
      this.SUBRULE(this.pin);
      this.MANY(() => {
        this.CONSUME(T.Comma);
        this.SUBRULE2(this.pin);
      });
      this.OPTION2(() => this.CONSUME2(T.Comma));
    });
    this.CONSUME(T.RightBrace);
  });

  readonly pin = this.RULE('pin', () => {
    this.CONSUME(T.Name);
    this.CONSUME(T.Equal);
    this.SUBRULE(this.expression);
  });

  readonly expression = this.RULE('expression', () => {
    this.SUBRULE(this.operand);
    this.MANY(() => {
      this.CONSUME(T.BinaryOperator);
      this.SUBRULE2(this.operand);
    });
  });

  readonly operand = this.RULE('operand', () => {
    this.MANY(() => this.CONSUME(T.UnaryOperator));
    this.SUBRULE(this.primary);
  });

  readonly primary = this.RULE('primary', () => {
    this.OR([
      { ALT: () => this.CONSUME(T.NumberLiteral) },
      { ALT: () => this.CONSUME(T.True) },
      { ALT: () => this.CONSUME(T.False) },
      { ALT: () => this.SUBRULE(this.parenthesised) },
      { ALT: () => this.SUBRULE(this.ifThenElse) },
      { ALT: () => this.SUBRULE(this.letIn) },
      { ALT: () => this.SUBRULE(this.anyIn) },
      { GATE: () => startsReduction(this.LA(1), this.LA(2), this.LA(3)), ALT: () => this.SUBRULE(this.reduction) },
      { ALT: () => this.SUBRULE(this.selection) },
      { ALT: () => this.SUBRULE(this.predicate) },
      { ALT: () => this.SUBRULE(this.choose) },
      { ALT: () => this.SUBRULE(this.reference) },
    ]);
  });

  readonly parenthesised = this.RULE('parenthesised', () => {
    this.CONSUME(T.LeftParen);
    this.SUBRULE(this.expression);
    this.CONSUME(T.RightParen);
  });

  readonly ifThenElse = this.RULE('ifThenElse', () => {
    this.CONSUME(T.If);
    this.SUBRULE(this.expression);
    this.CONSUME(T.Then);
    this.SUBRULE2(this.expression);
    this.CONSUME(T.Else);
    this.SUBRULE3(this.expression);
  });

  readonly letIn = this.RULE('letIn', () => {
    this.CONSUME(T.Let);
    this.CONSUME(T.Name);
    this.CONSUME(T.Equal);
    this.SUBRULE(this.expression);
    this.CONSUME(T.Semicolon);
    this.SUBRULE2(this.expression);
  });

  readonly anyIn = this.RULE('anyIn', () => {
    this.CONSUME(T.Any);
    this.SUBRULE(this.reduced);
  });

  readonly reduction = this.RULE('reduction', () => {
    this.CONSUME(T.Reducer);
    this.SUBRULE(this.reduced);
  });

  readonly selection = this.RULE('selection', () => {
    this.CONSUME(T.Selector);
    this.CONSUME(T.LeftParen);
    this.SUBRULE(this.expression);
    this.CONSUME(T.RightParen);
    this.SUBRULE(this.reduced);
  });

  /** Indices, condition and body of a reduction. */
  readonly reduced = this.RULE('reduced', () => {
    this.SUBRULE(this.reduceIndex);
    this.MANY(() => {
      this.CONSUME(T.Comma);
      this.SUBRULE2(this.reduceIndex);
    });
    this.OPTION(() => {
      this.CONSUME(T.Where);
      this.SUBRULE(this.expression);
    });
    this.CONSUME(T.Colon);
    this.SUBRULE2(this.expression);
  });

  readonly reduceIndex = this.RULE('reduceIndex', () => {
    this.CONSUME(T.Name);
    this.OPTION(() => {
      this.CONSUME(T.In);
      this.SUBRULE(this.range);
    });
  });

  readonly predicate = this.RULE('predicate', () => {
    this.CONSUME(T.LeftBrace);
    this.CONSUME(T.LeftParen);
    this.CONSUME(T.Name);
    this.CONSUME(T.Comma);
    this.CONSUME2(T.Name);
    this.CONSUME(T.RightParen);
    this.CONSUME(T.Arrow);
    this.SUBRULE(this.expression);
    this.CONSUME(T.RightBrace);
  });

  readonly choose = this.RULE('choose', () => {
    this.CONSUME(T.Per);
    this.CONSUME(T.Head);
    this.CONSUME(T.Choose);
    this.SUBRULE(this.expression);
    this.CONSUME(T.LeftBrace);
    this.OPTION(() => {
      this.SUBRULE(this.chooseCase);
      this.MANY(() => {
        this.CONSUME(T.Comma);
        this.SUBRULE2(this.chooseCase);
      });
      this.OPTION2(() => this.CONSUME2(T.Comma));
    });
    this.CONSUME(T.RightBrace);
  });

  readonly chooseCase = this.RULE('chooseCase', () => {
    this.OR([
      { ALT: () => this.CONSUME(T.Else) },
      { ALT: () => this.SUBRULE(this.expression) },
    ]);
    this.CONSUME(T.Arrow);
    this.SUBRULE2(this.expression);
  });

  readonly reference = this.RULE('reference', () => {
    this.CONSUME(T.Name);
    this.MANY(() => {
      this.CONSUME(T.Dot);
      this.CONSUME2(T.Name);
    });
    this.OPTION(() => {
      this.OR([
        { ALT: () => this.SUBRULE(this.callArguments) },
        { ALT: () => this.SUBRULE(this.indices) },
      ]);
    });
  });

  readonly callArguments = this.RULE('callArguments', () => {
    this.CONSUME(T.LeftParen);
    this.OPTION(() => {
      this.SUBRULE(this.argument);
      this.MANY(() => {
        this.CONSUME(T.Comma);
        this.SUBRULE2(this.argument);
      });
      this.OPTION2(() => this.CONSUME2(T.Comma));
    });
    this.CONSUME(T.RightParen);
  });

  readonly argument = this.RULE('argument', () => {
    this.OPTION(() => {
      this.CONSUME(T.Name);
      this.CONSUME(T.Equal);
    });
    this.SUBRULE(this.expression);
    this.OPTION2(() => {
      this.CONSUME(T.DotDot);
      this.SUBRULE2(this.expression);
    });
  });

  readonly indices = this.RULE('indices', () => {
    this.CONSUME(T.LeftBracket);
    this.OPTION(() => {
      this.SUBRULE(this.expression);
      this.MANY(() => {
        this.CONSUME(T.Comma);
        this.SUBRULE2(this.expression);
      });
      this.OPTION2(() => this.CONSUME2(T.Comma));
    });
    this.CONSUME(T.RightBracket);
  });
}

const parser = new FiligreeParser();

export interface CstResult {
  /** Absent only when nothing at all could be made of the input. */
  readonly tree: CstNode | undefined;
  readonly errors: readonly IRecognitionException[];
  /** The input was nested more deeply, through errors in it, than the stack of this process allows. */
  readonly overflow: boolean;
}

/** Parses a whole file. The caller has bounded the nesting (see nesting.ts), so the recursive descent cannot run out of stack. */
export function parseTokens(tokens: IToken[]): CstResult {
  parser.input = tokens;
  try {
    const tree: CstNode | undefined = parser.file();
    return { tree, errors: [...parser.errors], overflow: false };
  } catch (error) {
    // Recovery can skip what would have ended a level, so no count of brackets bounds the nesting of text that is wrong.
    if (error instanceof RangeError) return { tree: undefined, errors: [], overflow: true };
    throw error;
  } finally {
    parser.input = [];
  }
}
