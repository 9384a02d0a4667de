/**
 * Bounds on the shape of a source, so that no later recursion can run out of stack: nesting of the token list (checked
 * before the parser runs) and depth of an expression's tree (checked before the checker and the lowering run). Both checks are loops.
 */
import type { IToken } from 'chevrotain';
import type { Expr } from './ast.ts';
import { childrenOf } from './ast-children.ts';

/** Levels of brackets and of `if`, `let`, `any`, `per head`. The parser was measured to need the stack of Node at 250. */
export const nestingLimit = 100;

/** Depth of an expression's tree; flat chains of operators lean to the left and count one level per operator. */
export const expressionDepthLimit = 300;

/** Characters of one source file. */
export const sourceLengthLimit = 262_144;

const closerOf: ReadonlyMap<string, string> = new Map([['(', ')'], ['[', ']'], ['{', '}']]);
const closers = new Set(closerOf.values());
const prefixes = new Set(['if', 'let', 'any', 'per']);
/** Prefixes only where no call follows. */
const reducers = new Set(['sum', 'mean', 'min', 'max', 'all', 'argmax', 'softmax', 'rank', 'mass', 'cumsum']);
const declarations = new Set(['mask', 'attention', 'import', 'stage', 'chain', 'index']);

/** The first token that lies too deep, if there is one. */
export function tooDeepToken(tokens: readonly IToken[]): IToken | undefined {
  // One entry per open bracket: what closes it, and the levels that prefix words added inside it so far.
  interface Open {
    readonly close: string;
    inner: number;
  }
  let open: Open[] = [{ close: '', inner: 0 }];
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    const word = token.image;
    const isPrefix = prefixes.has(word) || (reducers.has(word) && tokens[at + 1]?.image !== '(');
    const top = open[open.length - 1] ?? { close: '', inner: 0 };
    const close = closerOf.get(word);
    if (close !== undefined) {
      open.push({ close, inner: 0 });
      depth += 1;
    } else if (closers.has(word)) {
      // A closer that does not fit closes nothing: the parser may well skip it and stay inside.
      if (top.close === word) {
        open.pop();
        depth -= top.inner + 1;
      }
    } else if (isPrefix) {
      top.inner += 1;
      depth += 1;
    } else if (word === ',') {
      depth -= top.inner;
      top.inner = 0;
    } else if (declarations.has(word)) {
      // Either a new declaration or the first word of a clause: nothing is nested deeper than that here.
      open = [{ close: '', inner: 0 }];
      depth = 0;
    }
    if (depth > nestingLimit) return token;
  }
  return undefined;
}

/** Whether the tree is deeper than the limit. */
export function isTooDeep(root: Expr): boolean {
  let level: readonly Expr[] = [root];
  for (let depth = 0; depth <= expressionDepthLimit; depth += 1) {
    level = level.flatMap(childrenOf);
    if (level.length === 0) return false;
  }
  return true;
}
