/**
 * FIL03xx: types and units. Reported by the checker (unknown types by the AST builder). Types come in as their words.
 */
import { nearestNames } from '../suggest.ts';
import { didYouMean, entry } from './entry.ts';
import type { Nothing } from './entry.ts';

export const unknownType = entry<{ readonly name: string }>({
  code: 'FIL0301',
  title: 'Unknown type',
  explanation: 'The types are `int`, `float` and `bool`, alone or with axes, as in `int[heads, n]`.',
  wrong: 'mask m(window: i32) = band(0 .. window)',
  right: 'mask m(window: int) = band(0 .. window)',
  say: ({ name }) => ({
    message: `there is no type \`${name}\``,
    label: 'unknown type',
    help: didYouMean(nearestNames(name, ['int', 'float', 'bool'])) ?? 'the types are `int`, `float` and `bool`, with axes for tensors: `int[heads, n]`',
  }),
});

export const unknownUnit = entry<{ readonly name: string }>({
  code: 'FIL0302',
  title: 'Unknown unit',
  explanation: 'The units are `tokens` and `tiles`; they stand behind the type and keep counts of different things apart.',
  wrong: 'mask m(window: int token) = band(0 .. window)',
  right: 'mask m(window: int tokens) = band(0 .. window)',
  say: ({ name }) => ({ message: `there is no unit \`${name}\``, label: 'unknown unit', help: 'the units are `tokens` and `tiles`' }),
});

export const wrongOperand = entry<{ readonly op: string; readonly wanted: string; readonly found: string; readonly help?: string | undefined }>({
  code: 'FIL0303',
  title: 'Operand of the wrong type',
  explanation: 'Arithmetic takes numbers, `div` and `mod` take ints, `&`, `|` and `~` take two masks or two conditions, `-` numbers or masks.',
  wrong: 'mask m = { (q, k) => q & k == 0 }',
  right: 'mask m = { (q, k) => bit_and(q, k) == 0 }',
  say: ({ op, wanted, found, help }) => ({ message: `\`${op}\` takes ${wanted}, but this is ${found}`, label: found, help }),
});

export const typeMismatch = entry<{ readonly where: string; readonly wanted: string; readonly found: string; readonly help?: string | undefined }>({
  code: 'FIL0304',
  title: 'Wrong type',
  explanation: 'An int becomes a float by itself; nothing else is converted. `float(x)` converts where it should be seen.',
  wrong: 'mask m = { (q, k) => q - k }',
  right: 'mask m = { (q, k) => q - k == 0 }',
  say: ({ where, wanted, found, help }) => ({ message: `${where} must be ${wanted}, but this is ${found}`, label: found, help }),
});

export const branchesDiffer = entry<{ readonly then: string; readonly otherwise: string }>({
  code: 'FIL0305',
  title: 'Branches of different types',
  explanation: 'Both branches of an `if` have one type (an int beside a float becomes a float).',
  wrong: 'mask m = { (q, k) => if q == k then true else 0 }',
  right: 'mask m = { (q, k) => if q == k then true else false }',
  say: ({ then, otherwise }) => ({ message: `the branches differ: ${then} and ${otherwise}`, label: `this is ${otherwise}` }),
});

export const unitsMixed = entry<{ readonly op: string; readonly left: string; readonly right: string }>({
  code: 'FIL0306',
  title: 'Units mixed',
  explanation: 'Tokens and tiles are not added or compared. Literals take the unit of the other side; products and quotients have none.',
  wrong: 'mask m(window: int tokens, reach: int tiles) = band(0 .. window + reach)',
  right: 'mask m(window: int tokens, reach: int tiles) = band(0 .. window + reach * 64)',
  say: ({ op, left, right }) => ({ message: `${op} mixes ${left} and ${right}`, label: `${left} and ${right}`, help: 'multiply tiles by the number of tokens in a tile' }),
});

export const unitNotAllowed = entry<{ readonly type: string }>({
  code: 'FIL0307',
  title: 'Unit on a type that counts nothing',
  explanation: 'Only an `int` counts tokens or tiles.',
  wrong: 'mask m(share: float tokens) = { (q, k) => share > 0.5 }',
  right: 'mask m(share: float) = { (q, k) => share > 0.5 }',
  say: ({ type }) => ({ message: `\`${type}\` takes no unit`, label: 'only `int` has a unit' }),
});

export const maskAsValue = entry<Nothing>({
  code: 'FIL0308',
  title: 'Mask inside an expression of numbers',
  explanation: 'Inside a predicate or a score everything is about one pair; a mask is a set of pairs and is combined outside, with `& | - ~`.',
  wrong: 'mask m = { (q, k) => causal & q mod 2 == 0 }',
  right: 'mask m = causal & { (q, k) => q mod 2 == 0 }',
  say: () => ({ message: 'a mask cannot stand here', label: 'a mask', help: 'combine masks outside: `mask & { (q, k) => ... }`' }),
});

export const valueAsMask = entry<{ readonly found: string }>({
  code: 'FIL0309',
  title: 'Mask expected',
  explanation: 'A mask is made by a constructor, by the name of a mask, or from a condition by a predicate `{ (q, k) => ... }`.',
  wrong: 'mask m(on: bool) = causal & on',
  right: 'mask m(on: bool) = causal & { (q, k) => on }',
  say: ({ found }) => ({
    message: `a mask is expected, but this is ${found}`,
    label: found,
    help: found === 'bool' ? 'make it a predicate: `{ (q, k) => ... }`' : undefined,
  }),
});

export const tensorNeedsIndices = entry<{ readonly name: string; readonly type: string }>({
  code: 'FIL0310',
  title: 'Tensor without indices',
  explanation: 'A tensor over `batch` and heads alone may stand for its entry at the current batch and head; all others need indices.',
  wrong: 'mask m(kind: int[keys]) = { (q, k) => kind == 1 }',
  right: 'mask m(kind: int[keys]) = { (q, k) => kind[k] == 1 }',
  say: ({ name, type }) => ({ message: `\`${name}\` is a tensor ${type} and needs indices here`, label: `write \`${name}[...]\`` }),
});

export const wrongIndexCount = entry<{ readonly name: string; readonly type: string; readonly given: number; readonly wanted: string }>({
  code: 'FIL0311',
  title: 'Wrong number of indices',
  explanation: 'One index per axis; leading `batch` and heads axes may be left out and are then the current batch and head.',
  wrong: 'mask m(kind: int[keys]) = { (q, k) => kind[q, k] == 1 }',
  right: 'mask m(kind: int[keys]) = { (q, k) => kind[k] == 1 }',
  say: ({ name, type, given, wanted }) => ({ message: `\`${name}\` is ${type} and takes ${wanted}, not ${given}`, label: `${given} given` }),
});

export const notATensor = entry<{ readonly name: string; readonly found: string }>({
  code: 'FIL0312',
  title: 'Indexed, but no tensor',
  explanation: 'Only parameters with axes can be indexed.',
  wrong: 'mask m(w: int) = band(0 .. w[h])',
  right: 'mask m(w: int[heads]) = band(0 .. w[h])',
  say: ({ name, found }) => ({ message: `\`${name}\` cannot be indexed: it is ${found}`, label: found, help: `give it axes where it is declared, as in \`${name}: int[heads]\`` }),
});

export const divisorTooSmall = entry<{ readonly op: string; readonly value: number }>({
  code: 'FIL0313',
  title: 'Divisor below 1',
  explanation: '`div` and `mod` are defined for divisors of 1 and more.',
  wrong: 'mask m = { (q, k) => q mod 0 == k }',
  right: 'mask m = { (q, k) => q mod 2 == k }',
  say: ({ op, value }) => ({ message: `the divisor of \`${op}\` is ${value}, but must be at least 1`, label: 'below 1' }),
});

export const notConstant = entry<{ readonly where: string }>({
  code: 'FIL0314',
  title: 'Not known at compile time',
  explanation: 'A `const` parameter, a schedule pin and a default are fixed when the kernel is made: they are made of literals and `const` parameters.',
  wrong: 'mask a(const w: int) = band(0 .. w)\nmask m(v: int) = a(v)',
  right: 'mask a(const w: int) = band(0 .. w)\nmask m(const v: int) = a(v)',
  say: ({ where }) => ({ message: `${where} must be known at compile time`, label: 'known only at launch', help: 'declare the parameters it uses `const`' }),
});

export const notAValue = entry<{ readonly name: string; readonly what: string }>({
  code: 'FIL0315',
  title: 'Needs arguments',
  explanation: 'Functions and constructors other than `all`, `none` and `causal` are called with arguments.',
  wrong: 'mask m = causal & band',
  right: 'mask m = causal & band(0 .. 64)',
  say: ({ name, what }) => ({ message: `\`${name}\` is ${what} and needs arguments`, label: `write \`${name}(...)\`` }),
});

export const notCallable = entry<{ readonly name: string; readonly found: string }>({
  code: 'FIL0316',
  title: 'Called, but neither mask nor function',
  explanation: 'Parameters and local names are values; they are not called.',
  wrong: 'mask m(w: int) = band(0 .. w(2))',
  right: 'mask m(w: int) = band(0 .. w * 2)',
  say: ({ name, found }) => ({ message: `\`${name}\` cannot be called: it is ${found}`, label: found, help: `entries of a tensor are written \`${name}[...]\`` }),
});

export const typesEntries = [
  unknownType, unknownUnit, wrongOperand, typeMismatch, branchesDiffer, unitsMixed, unitNotAllowed, maskAsValue, valueAsMask,
  tensorNeedsIndices, wrongIndexCount, notATensor, divisorTooSmall, notConstant, notAValue, notCallable,
];
