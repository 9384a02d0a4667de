/**
 * FIL01xx: characters, numbers and the shape of a file. Reported by parse.ts and build-ast.ts.
 */
import { nearestNames } from '../suggest.ts';
import { didYouMean, entry } from './entry.ts';
import type { Nothing } from './entry.ts';

export const unexpectedCharacter = entry<{ readonly text: string }>({
  code: 'FIL0101',
  title: 'Unexpected character',
  explanation: 'The character belongs to no token of the language. Names are letters, digits and `_`.',
  wrong: 'mask m = causal # all of it',
  right: 'mask m = causal // all of it',
  say: ({ text }) => ({
    message: `unexpected ${text.length === 1 ? 'character' : 'characters'} \`${text}\``,
    label: 'not part of the language',
    help: text.startsWith('#') || text.startsWith('/*') ? 'comments start with `//`' : text.startsWith("'") ? 'file names stand in double quotes' : undefined,
  }),
});

export const malformedNumber = entry<{ readonly text: string }>({
  code: 'FIL0102',
  title: 'Malformed number',
  explanation: 'Integers are decimal (`1_000`) or hexadecimal (`0xff`); floats have digits on both sides of the point (`0.5`, `1e-3`).',
  wrong: 'mask m = band(0 .. 1k)',
  right: 'mask m = band(0 .. 1024)',
  say: ({ text }) => ({ message: `\`${text}\` is not a number`, label: 'malformed', help: 'write 1024, 1_024, 0x400, 0.5 or 1e-3' }),
});

export const numberTooLarge = entry<{ readonly text: string; readonly limit: string }>({
  code: 'FIL0103',
  title: 'Number too large',
  explanation: 'Integers have 32 bits and floats are single precision in kernels. A hexadecimal literal may use all 32 bits as a pattern.',
  wrong: 'mask m = band(0 .. 5000000000)',
  right: 'mask m = band(0 .. 2000000000)',
  say: ({ text, limit }) => ({ message: `\`${text}\` does not fit`, label: limit }),
});

export const unterminatedString = entry<Nothing>({
  code: 'FIL0104',
  title: 'Unterminated file name',
  explanation: 'A file name in an import starts and ends with a double quote on the same line.',
  wrong: 'import window from "./library.fil\nmask m = window(64)',
  right: 'import window from "./library.fil"\nmask m = window(64)',
  say: () => ({ message: 'the file name has no closing quote', label: 'starts here', help: 'add `"` at its end' }),
});

export const nestedTooDeeply = entry<{ readonly limit: number }>({
  code: 'FIL0105',
  kind: 'resource',
  title: 'Nested too deeply',
  explanation: 'Brackets, `if`, `let`, `any` and `per head` may be nested up to a fixed depth.',
  wrong: `mask m = ${'('.repeat(101)}causal${')'.repeat(101)}`,
  right: 'mask m = causal',
  say: ({ limit }) => ({ message: `nested more than ${limit} levels deep`, label: 'the level that is too much', help: 'give inner parts names, as `mask` declarations or with `let`' }),
});

export const expressionTooLong = entry<{ readonly limit: number }>({
  code: 'FIL0106',
  kind: 'resource',
  title: 'Expression too long',
  explanation: 'The tree of one expression may be up to a fixed number of operators deep; a chain `a | b | c` counts one level per operator.',
  wrong: `mask m = causal${' | causal'.repeat(301)}`,
  right: 'mask m = causal',
  say: ({ limit }) => ({ message: `the expression is more than ${limit} operators deep`, label: 'this expression', help: 'split it into several named masks' }),
});

export const sourceTooLong = entry<{ readonly length: number; readonly limit: number }>({
  code: 'FIL0107',
  kind: 'resource',
  title: 'Source too long',
  explanation: 'A source file may hold up to a fixed number of characters. Data belongs into tensors, not into the source.',
  wrong: `// ${'x'.repeat(262_200)}`,
  right: 'mask m = causal',
  say: ({ length, limit }) => ({ message: `the file has ${length} characters; the limit is ${limit}`, label: '', help: 'pass data as tensor parameters, or split the file with `import`' }),
});

export const foreignOperator = entry<{ readonly found: string; readonly ours: string }>({
  code: 'FIL0108',
  title: 'Operator of another language',
  explanation: 'Conjunction is `&`, disjunction `|`, negation `~` (for masks and for conditions alike), and the remainder is `mod`.',
  wrong: 'mask m = { (q, k) => k <= q && q % 2 == 0 }',
  right: 'mask m = { (q, k) => k <= q & q mod 2 == 0 }',
  say: ({ found, ours }) => ({ message: `\`${found}\` is written \`${ours}\` here`, label: `write \`${ours}\`` }),
});

export const unexpectedToken = entry<{ readonly expected: string; readonly found: string; readonly help?: string | undefined }>({
  code: 'FIL0110',
  title: 'Something else was expected',
  explanation: 'At this place the grammar allows only what the message names.',
  wrong: 'mask m(window int) = band(0 .. window)',
  right: 'mask m(window: int) = band(0 .. window)',
  say: ({ expected, found, help }) => ({ message: `expected ${expected}, found ${found}`, label: `expected ${expected}`, help }),
});

export const expectedExpression = entry<{ readonly found: string; readonly help?: string | undefined }>({
  code: 'FIL0111',
  title: 'Expression missing',
  explanation: 'An operator, bracket or keyword must be followed by an expression: a number, a name, a call, `( )`, `{ (q, k) => ... }`, `if`, `let`, `any` or `per head`.',
  wrong: 'mask m = causal &',
  right: 'mask m = causal & band(0 .. 64)',
  say: ({ found, help }) => ({ message: `expected an expression, found ${found}`, label: 'expected an expression', help }),
});

export const expectedDeclaration = entry<{ readonly found: string; readonly help?: string | undefined }>({
  code: 'FIL0112',
  title: 'Declaration expected',
  explanation: 'A file is a list of `import`, `mask` and `attention` declarations. An expression ends where no operator follows.',
  wrong: 'mask m = causal band(0 .. 64)',
  right: 'mask m = causal & band(0 .. 64)',
  say: ({ found, help }) => ({ message: `expected a declaration, found ${found}`, label: 'starts no declaration', help }),
});

export const unknownClause = entry<{ readonly found: string; readonly candidates: readonly string[] }>({
  code: 'FIL0113',
  title: 'Unknown clause',
  explanation: 'An attention holds the clauses `mask`, `scale`, `score`, `sink` and `schedule`, each at most once, without separators.',
  wrong: 'attention a { mask causal  sinks 1.0 }',
  right: 'attention a { mask causal  sink 1.0 }',
  say: ({ found, candidates }) => ({
    message: `an attention has no clause \`${found}\``,
    label: 'unknown clause',
    help: didYouMean(nearestNames(found, candidates)) ?? 'the clauses are `mask`, `scale`, `score`, `sink` and `schedule`',
  }),
});

export const chainedComparison = entry<{ readonly first: string; readonly second: string }>({
  code: 'FIL0114',
  title: 'Chained comparison',
  explanation: 'Comparisons do not chain: `a < b < c` would compare a truth value. Two comparisons are joined with `&`.',
  wrong: 'mask m = { (q, k) => 0 <= k < 64 }',
  right: 'mask m = { (q, k) => 0 <= k & k < 64 }',
  say: ({ first, second }) => ({
    message: 'comparisons do not chain',
    label: 'second comparison',
    help: `write \`a ${first} b & b ${second} c\``,
  }),
});

export const missingBody = entry<{ readonly what: string }>({
  code: 'FIL0115',
  title: 'Empty brackets',
  explanation: 'An index and the axes of a type need at least one entry.',
  wrong: 'mask m(list: int[]) = keys(list)',
  right: 'mask m(list: int[n]) = keys(list)',
  say: ({ what }) => ({ message: `${what} must not be empty`, label: 'nothing inside' }),
});

export const elseNotLast = entry<Nothing>({
  code: 'FIL0116',
  title: '`else` is the last case',
  explanation: 'In `per head choose` the `else` case stands once, at the end.',
  wrong: 'mask m = per head choose h { else => causal, 0 => all }',
  right: 'mask m = per head choose h { 0 => all, else => causal }',
  say: () => ({ message: 'nothing may follow the `else` case', label: 'this case is never reached', help: 'move `else` to the end' }),
});

export const syntaxEntries = [
  unexpectedCharacter, malformedNumber, numberTooLarge, unterminatedString, nestedTooDeeply, expressionTooLong, sourceTooLong,
  foreignOperator, unexpectedToken, expectedExpression, expectedDeclaration, unknownClause, chainedComparison, missingBody, elseNotLast,
];
