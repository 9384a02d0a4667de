/**
 * The catalogue of diagnostics: every code once, one file per hundred. Import the functions from here; `catalogue` is the list for
 * documentation, `filigree explain-code` and the completeness test.
 */
import { bugsEntries } from './bugs.ts';
import { chainsEntries } from './chains.ts';
import type { CatalogueInfo } from './entry.ts';
import { inputsEntries } from './inputs.ts';
import { masksEntries } from './masks.ts';
import { namesEntries } from './names.ts';
import { resourcesEntries } from './resources.ts';
import { stagesEntries } from './stages.ts';
import { syntaxEntries } from './syntax.ts';
import { typesEntries } from './types.ts';

export * from './bugs.ts';
export * from './chains.ts';
export * from './inputs.ts';
export * from './masks.ts';
export * from './names.ts';
export * from './resources.ts';
export * from './stages.ts';
export * from './syntax.ts';
export * from './types.ts';
export type { CatalogueInfo, Entry } from './entry.ts';

/** All codes in ascending order. */
export const catalogue: readonly CatalogueInfo[] = [
  ...syntaxEntries, ...namesEntries, ...typesEntries, ...masksEntries, ...stagesEntries, ...chainsEntries, ...inputsEntries, ...resourcesEntries, ...bugsEntries,
].map((e) => e.info);

export function catalogueInfo(code: string): CatalogueInfo | undefined {
  return catalogue.find((info) => info.code === code);
}
