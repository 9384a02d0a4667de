/**
 * FIL043x: stages, their indices and reductions. Reported by the checker and by the lowering of stages.
 */
import { nearestNames } from '../suggest.ts';
import { didYouMean, entry } from './entry.ts';

export const reductionOutsideStage = entry<{ readonly op: string }>({
  code: 'FIL0430',
  title: 'Reduction outside a stage',
  explanation: 'Sums, maxima, softmax and selections are computed by the equations of a `stage`; masks and scores read the result. In masks only `any t in lo .. hi: condition` stands.',
  wrong: 'mask m = { (q, k) => (sum t in 0 .. 4: t) < q }',
  right: 'mask m = { (q, k) => any t in 0 .. 4: q == k + t }',
  say: ({ op }) => ({ message: `\`${op}\` over indices stands only in the equations of a stage`, label: 'not in a stage', help: 'compute it in a `stage` and read its tensor here' }),
});

export const wholeAxis = entry<{ readonly op: string; readonly reason: string; readonly help?: string | undefined }>({
  code: 'FIL0431',
  title: 'Operator that needs a whole axis',
  explanation: '`softmax`, `rank`, `mass`, `top`, `top_mass` and `cumsum` give every element of an index of their equation its place among all of them. `argmax` and `nth` look at all values of an index of their own. None of them stands inside another reduction.',
  wrong: 'stage pool(x: float[keys]) {\n  index j in keys\n  y[j] = sum t in 0 .. 4: softmax j: x[j]\n}',
  right: 'stage pool(x: float[keys]) {\n  index j in keys\n  y[j] = softmax j: x[j]\n}',
  say: ({ op, reason, help }) => ({ message: `\`${op}\` ${reason}`, label: 'cannot stand like this', help }),
});

export const unknownIndex = entry<{ readonly name: string; readonly candidates: Iterable<string>; /** Declared, but not by this equation. */ readonly elsewhere?: boolean }>({
  code: 'FIL0432',
  title: 'Unknown index',
  explanation: 'The indices of an equation, and those of a reduction without a range, are declared by `index name in range`; `h` is there already and runs over the query heads.',
  wrong: 'stage pool(x: float[keys]) {\n  y[j] = x[j]\n}',
  right: 'stage pool(x: float[keys]) {\n  index j in keys\n  y[j] = x[j]\n}',
  say: ({ name, candidates, elsewhere }) =>
    elsewhere === true
      ? { message: `\`${name}\` is no index of this equation`, label: 'has no value here', help: `write it on the left of \`=\`, or reduce over it, as in \`sum ${name}: ...\`` }
      : {
          message: `\`${name}\` is no declared index`,
          label: 'has no range',
          help: didYouMean(nearestNames(name, candidates)) ?? `declare it: \`index ${name} in 0 .. n\``,
        },
});

export const indexTaken = entry<{ readonly name: string }>({
  code: 'FIL0433',
  title: 'Index used twice',
  explanation: 'A reduction runs over indices of its own; those of the equation, and those of reductions around it, keep their value inside.',
  wrong: 'stage pool(x: float[keys]) {\n  index j in keys\n  y[j] = sum j: x[j]\n}',
  right: 'stage pool(x: float[keys]) {\n  index j in keys\n  y[] = sum j: x[j]\n}',
  say: ({ name }) => ({ message: `\`${name}\` is an index here already`, label: 'second use' }),
});

export const stageExpected = entry<{ readonly name: string; readonly found: string; readonly candidates: Iterable<string> }>({
  code: 'FIL0434',
  title: 'Stage expected',
  explanation: '`stage x = name(...)` uses a stage of this file or of an import; its tensors are then `x.tensor`. A stage itself is no mask and no value.',
  wrong: 'mask near = band(0 .. 4)\nattention a {\n  stage sel = near\n  mask causal\n}',
  right: 'stage near {\n  x[h] = 4\n}\nattention a {\n  stage sel = near\n  mask band(0 .. sel.x)\n}',
  say: ({ name, found, candidates }) => ({ message: `\`${name}\` is ${found}`, label: 'not fit here', help: didYouMean(nearestNames(name, candidates)) }),
});

export const badRecurrence = entry<{ readonly name: string; readonly reason: string }>({
  code: 'FIL0435',
  title: 'Equation that needs itself',
  explanation: 'An equation may read its own tensor at an earlier place of one index, `x[h, t - 1]`, with all other indices as they are; before the first place it reads 0.',
  wrong: 'stage pool {\n  index t in 0 .. 8\n  x[t] = x[t + 1] + 1\n}',
  right: 'stage pool {\n  index t in 0 .. 8\n  x[t] = x[t - 1] + 1\n}',
  say: ({ name, reason }) => ({ message: `\`${name}\` ${reason}`, label: 'reads itself' }),
});

export const unknownPrecision = entry<{ readonly name: string }>({
  code: 'FIL0436',
  title: 'Unknown precision',
  explanation: 'A float equation is stored as `f32`, or rounded to `f16` or `bf16`. Ints and bools have no precision.',
  wrong: 'stage pool {\n  x[h]: half = 0.5\n}',
  right: 'stage pool {\n  x[h]: f16 = 0.5\n}',
  say: ({ name }) => ({ message: `\`${name}\` is no precision of this equation`, label: 'not `f32`, `f16` or `bf16` of a float' }),
});

export const rowExpected = entry<{ readonly found: string }>({
  code: 'FIL0437',
  title: 'Row expected',
  explanation: '`dot(x[i], y[j])` sums the products over the last axis, which is left open on both sides.',
  wrong: 'stage pool(x: float[keys]) {\n  index j in keys\n  y[j] = dot(x[j], x[j])\n}',
  right: 'stage pool(x: float[keys, dim]) {\n  index j in keys\n  y[j] = dot(x[j], x[j])\n}',
  say: ({ found }) => ({ message: `\`dot\` takes two rows, not ${found}`, label: 'the last axis must be open' }),
});

export const headsMixed = entry<{ readonly name: string }>({
  code: 'FIL0438',
  title: 'Key-value head where a query head is needed',
  explanation: 'An index over `heads` may stand on a `kv_heads` axis and then reads the head that it uses. The other way round several query heads would be meant.',
  wrong: 'stage pool(x: float[heads]) {\n  index g in kv_heads\n  y[g] = x[g]\n}',
  right: 'stage pool(x: float[kv_heads]) {\n  y[h] = x[h]\n}',
  say: ({ name }) => ({ message: `\`${name}\` runs over \`kv_heads\`, this axis over \`heads\``, label: 'a key-value head', help: 'several query heads share one; reduce over them' }),
});

export const indexMissing = entry<{ readonly name: string; readonly index: string; readonly wanted: readonly string[] }>({
  code: 'FIL0439',
  title: 'An index is missing',
  explanation: 'Leading `batch` and heads axes are left out of a look-up or written, all of them from the first that is written on. A head that is written, but stands on a later axis than its own, tells that another index was forgotten.',
  wrong: 'stage pool {\n  index i in queries\n  y[h, i] = q[h, i]\n}',
  right: 'stage pool {\n  index i in queries\n  index c in dim\n  y[h, i] = sum c: q[h, i, c]\n}',
  say: ({ name, index, wanted }) => ({
    message: `\`${name}\` has the axes ${wanted.join(', ')} from \`${index}\` on, and takes an index for each`,
    label: 'would stand on a later axis',
    help: `write all ${wanted.length} of them; a row is left open in \`dot\` only`,
  }),
});

export const stagesEntries = [
  reductionOutsideStage, wholeAxis, unknownIndex, indexTaken, stageExpected, badRecurrence, unknownPrecision, rowExpected, headsMixed, indexMissing,
] as const;
