/**
 * FIL02xx: names, scopes and imports. Reported by scope.ts, load.ts and the checker.
 */
import { nearestNames } from '../suggest.ts';
import { didYouMean, entry } from './entry.ts';
import type { Nothing } from './entry.ts';

export const unknownName = entry<{ readonly name: string; readonly candidates: Iterable<string> }>({
  code: 'FIL0201',
  title: 'Unknown name',
  explanation: 'The name is no parameter, local name, tensor axis, size or mask that is known at this place.',
  wrong: 'mask m(window: int) = band(0 .. windw)',
  right: 'mask m(window: int) = band(0 .. window)',
  say: ({ name, candidates }) => ({ message: `unknown name \`${name}\``, label: 'not known here', help: didYouMean(nearestNames(name, candidates)) }),
});

export const unknownCallee = entry<{ readonly name: string; readonly candidates: Iterable<string>; readonly help?: string | undefined }>({
  code: 'FIL0202',
  title: 'Unknown mask or function',
  explanation: 'A call names a constructor of masks, a function, or a `mask` of this file or of an import.',
  wrong: 'mask m = causal & bnd(0 .. 64)',
  right: 'mask m = causal & band(0 .. 64)',
  say: ({ name, candidates, help }) => ({
    message: `there is no mask or function \`${name}\``,
    label: 'not known',
    help: help ?? didYouMean(nearestNames(name, candidates)) ?? 'masks of other files must be imported',
  }),
});

export const duplicateDeclaration = entry<{ readonly name: string }>({
  code: 'FIL0203',
  title: 'Declared twice',
  explanation: 'Masks, attentions and imported names of one file share one list of names.',
  wrong: 'mask m = causal\nmask m = all',
  right: 'mask m = causal\nmask n = all',
  say: ({ name }) => ({ message: `\`${name}\` is declared twice`, label: 'second declaration' }),
});

/** What the reserved names of one letter stand for: nobody would look for them in a list. */
const meanings: ReadonlyMap<string, string> = new Map([
  ['q', 'means the query'], ['k', 'means the key'], ['h', 'means the query head'], ['b', 'means the batch entry'], ['s', 'means the scaled product in `score`'],
]);

export const reservedName = entry<{ readonly name: string; readonly what: string }>({
  code: 'FIL0204',
  title: 'Reserved name',
  explanation: 'Positions, sizes and what is built in (`q k h b s n_q n_k heads kv_heads batch dim queries keys`, the constructors and functions) keep their meaning everywhere.',
  wrong: 'mask m(heads: int) = band(0 .. heads)',
  right: 'mask m(width: int) = band(0 .. width)',
  say: ({ name, what }) => ({ message: `\`${name}\` cannot be the name of ${what}`, label: meanings.get(name) ?? 'has a fixed meaning', help: 'choose another name' }),
});

export const duplicateName = entry<{ readonly name: string }>({
  code: 'FIL0205',
  title: 'Name taken',
  explanation: 'A parameter, axis or local name may not hide another one: every name means one thing inside a declaration.',
  wrong: 'mask m(w: int) = let w = 4; band(0 .. w)',
  right: 'mask m(w: int) = let wide = 4 * w; band(0 .. wide)',
  say: ({ name }) => ({ message: `\`${name}\` already means something here`, label: 'second meaning' }),
});

export const unusedParameter = entry<{ readonly name: string }>({
  code: 'FIL0206',
  severity: 'warning',
  title: 'Unused parameter',
  explanation: 'A parameter that nothing reads is usually a slip; callers must still supply it.',
  wrong: 'mask m(window: int) = causal',
  right: 'mask m(window: int) = band(0 .. window)',
  say: ({ name }) => ({ message: `parameter \`${name}\` is never used`, label: 'never used' }),
});

export const importNotFound = entry<{ readonly path: string; readonly resolved: string }>({
  code: 'FIL0207',
  title: 'Imported file not found',
  explanation: 'The path of an import is relative to the file that imports.',
  wrong: 'import window from "./nowhere.fil"',
  right: 'import window from "./library.fil"\nmask m = window(64)',
  say: ({ path, resolved }) => ({ message: `cannot read \`${path}\``, label: `looked for ${resolved}` }),
});

export const importMissing = entry<{ readonly name: string; readonly path: string; readonly candidates: Iterable<string> }>({
  code: 'FIL0208',
  title: 'Not in the imported file',
  explanation: 'Only masks that the imported file declares itself can be imported from it.',
  wrong: 'import windw from "./library.fil"',
  right: 'import window from "./library.fil"\nmask m = window(64)',
  say: ({ name, path, candidates }) => ({ message: `\`${path}\` declares no mask \`${name}\``, label: 'not declared there', help: didYouMean(nearestNames(name, candidates)) }),
});

export const importCycle = entry<{ readonly files: readonly string[] }>({
  code: 'FIL0209',
  title: 'Import cycle',
  explanation: 'Files may not import each other in a circle.',
  wrong: 'import looped from "./cycle.fil"\nmask base = causal\nmask m = looped',
  right: 'import window from "./library.fil"\nmask m = window(64)',
  say: ({ files }) => ({ message: `import cycle: ${files.join(' -> ')}`, label: 'closes the circle', help: 'move what both need into a third file' }),
});

export const attentionUsed = entry<{ readonly name: string }>({
  code: 'FIL0210',
  title: 'An attention is no mask',
  explanation: 'An attention is a whole operator: masks are made of masks, and only chains use attentions.',
  wrong: 'attention a { mask causal }\nmask m = a & band(0 .. 4)',
  right: 'mask a = causal\nmask m = a & band(0 .. 4)',
  say: ({ name }) => ({ message: `\`${name}\` is an attention, not a mask`, label: 'an attention', help: `give its mask a name of its own with \`mask\` and use that` }),
});

export const emptyImport = entry<{ readonly path: string }>({
  code: 'FIL0211',
  title: 'Import path expected',
  explanation: 'An import names a file, relative to the importing one, such as `./masks.fil`.',
  wrong: 'import window from ""',
  right: 'import window from "./library.fil"\nmask m = window(64)',
  say: ({ path }) => ({ message: `\`${path}\` names no file`, label: 'no file name' }),
});

export const unusedImport = entry<{ readonly name: string }>({
  code: 'FIL0212',
  severity: 'warning',
  title: 'Unused import',
  explanation: 'The imported name is not used in this file.',
  wrong: 'import window from "./library.fil"\nmask m = causal',
  right: 'import window from "./library.fil"\nmask m = window(64)',
  say: ({ name }) => ({ message: `the import \`${name}\` is never used`, label: 'never used' }),
});

export const headerOrder = entry<Nothing>({
  code: 'FIL0213',
  title: 'Query first, then key',
  explanation: 'The header of a predicate names the query position first and the key position second.',
  wrong: 'mask m = { (k, q) => k <= q }',
  right: 'mask m = { (q, k) => k <= q }',
  say: () => ({ message: 'the query comes first in the header of a predicate', label: 'this names the other one', help: 'write `(q, k)`' }),
});

export const namesEntries = [
  unknownName, unknownCallee, duplicateDeclaration, reservedName, duplicateName, unusedParameter, importNotFound, importMissing,
  importCycle, attentionUsed, emptyImport, unusedImport, headerOrder,
];
