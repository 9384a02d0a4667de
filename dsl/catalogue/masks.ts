/**
 * FIL04xx: masks, parameters, axes and the clauses of an attention. Reported by the checker.
 */
import { nearestNames } from '../suggest.ts';
import { count, didYouMean, entry } from './entry.ts';
import type { Nothing } from './entry.ts';

export const wrongArgumentCount = entry<{ readonly name: string; readonly wanted: string; readonly given: number; readonly help?: string | undefined }>({
  code: 'FIL0401',
  title: 'Wrong number of arguments',
  explanation: 'A call has one argument per parameter; parameters with a default may be left out.',
  wrong: 'mask m = { (q, k) => abs(q, k) < 4 }',
  right: 'mask m = { (q, k) => abs(q - k) < 4 }',
  say: ({ name, wanted, given, help }) => ({ message: `\`${name}\` takes ${wanted}, not ${given}`, label: `${count(given, 'argument')} given`, help }),
});

export const unknownArgument = entry<{ readonly callee: string; readonly name: string; readonly candidates: Iterable<string> }>({
  code: 'FIL0402',
  title: 'Unknown named argument',
  explanation: 'Arguments of masks may be given by the name of the parameter, `recent(window = 64)`; constructors and functions have no named arguments.',
  wrong: 'mask recent(window: int) = band(0 .. window)\nmask m = recent(wndow = 64)',
  right: 'mask recent(window: int) = band(0 .. window)\nmask m = recent(window = 64)',
  say: ({ callee, name, candidates }) => ({ message: `\`${callee}\` has no parameter \`${name}\``, label: 'unknown parameter', help: didYouMean(nearestNames(name, candidates)) }),
});

export const argumentOrder = entry<{ readonly name: string }>({
  code: 'FIL0403',
  title: 'Argument given twice or out of order',
  explanation: 'Positional arguments come first, then named ones, and each parameter gets one value.',
  wrong: 'mask recent(window: int) = band(0 .. window)\nmask m = recent(64, window = 32)',
  right: 'mask recent(window: int) = band(0 .. window)\nmask m = recent(window = 32)',
  say: ({ name }) => (name === '' ? { message: 'a positional argument follows a named one', label: 'has no name' } : { message: `\`${name}\` gets two values`, label: 'second value' }),
});

export const missingArgument = entry<{ readonly callee: string; readonly name: string }>({
  code: 'FIL0404',
  title: 'Missing argument',
  explanation: 'A parameter without a default needs a value in every call.',
  wrong: 'mask recent(window: int) = band(0 .. window)\nmask m = recent()',
  right: 'mask recent(window: int) = band(0 .. window)\nmask m = recent(64)',
  say: ({ callee, name }) => ({ message: `\`${callee}\` needs a value for \`${name}\``, label: `no \`${name}\`` }),
});

export const rangeExpected = entry<{ readonly name: string; readonly listToo: boolean }>({
  code: 'FIL0405',
  title: 'Range expected',
  explanation: '`band` and `levels` take a half-open range `lo .. hi`; `keys` and `queries` take a range or a list.',
  wrong: 'mask m = band(64)',
  right: 'mask m = band(0 .. 64)',
  say: ({ name, listToo }) => ({
    message: `\`${name}\` takes a range \`lo .. hi\`${listToo ? ' or a list of positions' : ''}`,
    label: listToo ? 'neither range nor list' : 'not a range',
    help: `for the first n write \`${name}(0 .. n)\``,
  }),
});

export const rangeNotAllowed = entry<{ readonly name: string }>({
  code: 'FIL0406',
  title: 'Range in the wrong place',
  explanation: 'A range `lo .. hi` is an argument of `band`, `keys`, `queries` and `levels` only.',
  wrong: 'mask recent(window: int) = band(0 .. window)\nmask m = recent(0 .. 64)',
  right: 'mask recent(window: int) = band(0 .. window)\nmask m = recent(64)',
  say: ({ name }) => ({ message: `\`${name}\` does not take a range`, label: 'a range' }),
});

export const emptyRange = entry<{ readonly from: number; readonly to: number }>({
  code: 'FIL0407',
  severity: 'warning',
  title: 'Empty range',
  explanation: 'A range is half open: `lo .. hi` holds lo and ends before hi.',
  wrong: 'mask m = band(64 .. 64)',
  right: 'mask m = band(64 .. 65)',
  say: ({ from, to }) => ({ message: `the range ${from} .. ${to} holds nothing`, label: 'always empty' }),
});

export const tensorExpected = entry<{ readonly callee: string; readonly wanted: string; readonly found: string }>({
  code: 'FIL0408',
  title: 'Tensor parameter expected',
  explanation: 'Lists, segments and tables are tensor parameters, passed by their name. Leading `batch` and heads axes are filled in by themselves.',
  wrong: 'mask m(w: int) = slashes(w)',
  right: 'mask m(w: int[n]) = slashes(w)',
  say: ({ callee, wanted, found }) => ({ message: `\`${callee}\` takes ${wanted}, but this is ${found}`, label: found }),
});

export const axesDoNotFit = entry<{ readonly callee: string; readonly wanted: string; readonly found: string; readonly help?: string | undefined }>({
  code: 'FIL0409',
  title: 'Axes do not fit',
  explanation: 'After leading `batch` and heads axes a list has one free axis, segments one `keys` axis, a table of tiles two axes of blocks; a tensor argument has the axes of its parameter.',
  wrong: 'mask m(doc: int[queries]) = segments(doc)',
  right: 'mask m(doc: int[keys]) = segments(doc)',
  say: ({ callee, wanted, found, help }) => ({ message: `\`${callee}\` takes a tensor ${wanted}, but this is ${found}`, label: found, help }),
});

export const pairOutsidePredicate = entry<{ readonly name: string }>({
  code: 'FIL0410',
  title: 'Position outside a predicate',
  explanation: 'The positions of a query and a key are known inside a predicate `{ (q, k) => ... }`, under the names of its header, and in `score`.',
  wrong: 'mask m = band(0 .. q div 2)',
  right: 'mask m = { (q, k) => 0 <= q - k & q - k < q div 2 }',
  say: ({ name }) => ({ message: `\`${name}\` is not known here`, label: 'only inside a predicate or a score', help: 'write a predicate: `{ (q, k) => ... }`' }),
});

export const notAvailable = entry<{ readonly name: string; readonly place: string; readonly help?: string | undefined }>({
  code: 'FIL0411',
  title: 'Not available at this place',
  explanation: '`s` is the scaled product in `score`; `h` and `b` are known in masks, `score` and `sink`; defaults, pins and block sizes are made before any launch.',
  wrong: 'attention a { mask causal  scale s * 2.0 }',
  right: 'attention a { mask causal  score s => s * 2.0 }',
  say: ({ name, place, help }) => ({ message: `\`${name}\` is not known in ${place}`, label: 'not known here', help }),
});

export const recursiveMask = entry<{ readonly names: readonly string[] }>({
  code: 'FIL0412',
  title: 'Mask defined by itself',
  explanation: 'Masks may use other masks but not, directly or through others, themselves.',
  wrong: 'mask near = wide & causal\nmask wide = near',
  right: 'mask near = wide & causal\nmask wide = band(0 .. 64)',
  say: ({ names }) => ({ message: `mask defined by itself: ${names.join(' -> ')}`, label: 'closes the circle' }),
});

export const duplicateClause = entry<{ readonly name: string }>({
  code: 'FIL0413',
  title: 'Clause given twice',
  explanation: 'Each clause of an attention, and each pin of a schedule, stands at most once.',
  wrong: 'attention a { mask causal  mask band(0 .. 64) }',
  right: 'attention a { mask causal & band(0 .. 64) }',
  say: ({ name }) => ({ message: `\`${name}\` is given twice`, label: 'second time', help: name === 'mask' ? 'join masks with `&` or `|`' : undefined }),
});

export const missingMask = entry<{ readonly name: string }>({
  code: 'FIL0414',
  title: 'Attention without a mask',
  explanation: 'An attention says which pairs it computes; `mask all` says that it is every pair.',
  wrong: 'attention a { scale 0.125 }',
  right: 'attention a { mask all  scale 0.125 }',
  say: ({ name }) => ({ message: `attention \`${name}\` has no mask`, label: 'no `mask` clause', help: 'for plain attention write `mask all` or `mask causal`' }),
});

export const unknownPin = entry<{ readonly name: string; readonly candidates: readonly string[] }>({
  code: 'FIL0415',
  title: 'Unknown schedule pin',
  explanation: 'A schedule pins `query_tile`, `key_tile` or `splits`.',
  wrong: 'attention a { mask causal  schedule { tile = 64 } }',
  right: 'attention a { mask causal  schedule { query_tile = 64 } }',
  say: ({ name, candidates }) => ({
    message: `a schedule has no pin \`${name}\``,
    label: 'unknown pin',
    help: didYouMean(nearestNames(name, candidates)) ?? `the pins are ${candidates.map((c) => `\`${c}\``).join(', ')}`,
  }),
});

export const pinOutOfRange = entry<{ readonly name: string; readonly limit: number }>({
  code: 'FIL0416',
  title: 'Schedule pin out of range',
  explanation: 'Tile sizes and the number of splits are positive and bounded.',
  wrong: 'attention a { mask causal  schedule { splits = 0 } }',
  right: 'attention a { mask causal  schedule { splits = 4 } }',
  say: ({ name, limit }) => ({ message: `\`${name}\` must lie between 1 and ${limit}`, label: 'out of range' }),
});

export const unknownAxis = entry<{ readonly help?: string | undefined }>({
  code: 'FIL0417',
  title: 'Not an axis',
  explanation: 'An axis is `batch`, `heads`, `kv_heads`, `queries`, `keys`, a size, a new name (a free axis), or `queries / B`, `keys / B` with B a literal or an int parameter.',
  wrong: 'mask m(t: bool[n_k / 64, keys / 64]) = tiles(t)',
  right: 'mask m(t: bool[queries / 64, keys / 64]) = tiles(t)',
  say: ({ help }) => ({ message: 'this is not an axis', label: 'not an axis', help: help ?? 'an axis is `batch`, `heads`, `kv_heads`, `queries`, `keys`, `queries / B`, `keys / B`, a size, or a new name' }),
});

export const duplicateAxis = entry<{ readonly name: string }>({
  code: 'FIL0418',
  title: 'Free axis named twice in one tensor',
  explanation: 'The name of a free axis stands for its extent; two axes of one tensor need two names.',
  wrong: 'mask m(near: bool[n, n]) = { (q, k) => near[q mod n, k mod n] }',
  right: 'mask m(near: bool[n, o]) = { (q, k) => near[q mod n, k mod o] }',
  say: ({ name }) => ({ message: `two axes of one tensor are named \`${name}\``, label: 'second axis' }),
});

export const badBlockSize = entry<Nothing>({
  code: 'FIL0419',
  title: 'Unusable block size',
  explanation: 'A block size is a literal of at least 1 or an int parameter of the same declaration.',
  wrong: 'mask m(t: bool[queries / 0, keys / 64]) = tiles(t)',
  right: 'mask m(t: bool[queries / 64, keys / 64]) = tiles(t)',
  say: () => ({ message: 'a block size is a literal of at least 1 or an int parameter', label: 'not a block size' }),
});

export const badDefault = entry<{ readonly reason: string }>({
  code: 'FIL0420',
  title: 'Unusable default',
  explanation: 'A default is a number or truth value made of literals; tensors have none.',
  wrong: 'mask m(list: int[n] = 4) = keys(list)',
  right: 'mask m(list: int[n]) = keys(list)',
  say: ({ reason }) => ({ message: reason, label: 'unusable default' }),
});

export const constTensor = entry<{ readonly name: string }>({
  code: 'FIL0421',
  title: 'Constant tensor',
  explanation: 'Tensors are given at launch; only scalars can be `const`.',
  wrong: 'mask m(const list: int[n]) = keys(list)',
  right: 'mask m(list: int[n]) = keys(list)',
  say: ({ name }) => ({ message: `the tensor \`${name}\` cannot be \`const\``, label: 'a tensor', help: 'leave out `const`' }),
});

export const repeatedCase = entry<{ readonly value: number }>({
  code: 'FIL0422',
  severity: 'warning',
  title: 'Case that is never reached',
  explanation: 'The first case with the value of the selector is taken; a later one with the same value is dead.',
  wrong: 'mask m = per head choose h { 0 => causal, 0 => all, else => none }',
  right: 'mask m = per head choose h { 0 => causal, 1 => all, else => none }',
  say: ({ value }) => ({ message: `case ${value} stands twice`, label: 'never reached' }),
});

export const masksEntries = [
  wrongArgumentCount, unknownArgument, argumentOrder, missingArgument, rangeExpected, rangeNotAllowed, emptyRange, tensorExpected, axesDoNotFit,
  pairOutsidePredicate, notAvailable, recursiveMask, duplicateClause, missingMask, unknownPin, pinOutOfRange, unknownAxis, duplicateAxis,
  badBlockSize, badDefault, constTensor, repeatedCase,
];
