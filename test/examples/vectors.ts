/**
 * The reference vectors beside the repository, where there are any. In: the name of a system. Out: its files; a file as a case.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readCase, type GoldenCase } from '../../tools/golden/case.ts';
import { goldenFiles } from '../../tools/golden/main.ts';

export const goldenFolder: string = join(import.meta.dirname, '..', '..', '..', 'shared', 'golden');

/** Systems whose methods are among the examples. */
export const systems: readonly string[] = ['xattention', 'vertical-slash', 'mminference', 'flexprefill', 'quest', 'snapkv', 'sparse-frontier'];

export function vectorsOf(system: string): readonly string[] {
  const folder = join(goldenFolder, system);
  return existsSync(folder) ? goldenFiles(folder) : [];
}

export function titleOf(file: string): string {
  return relative(goldenFolder, file);
}

export function caseOf(file: string): GoldenCase {
  const read = readCase(readFileSync(file, 'utf8'));
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}
