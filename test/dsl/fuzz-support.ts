/**
 * Shared by the fuzz test and the fuzz script: sources to mutate, and the lowering of everything in a checked program, whose
 * result must be a legal spec or a diagnostic.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lowerProgram } from '../../compiler/spec/lower-ast.ts';
import { printSpec } from '../../compiler/spec/print.ts';
import { assertSpec } from '../../compiler/spec/verify.ts';
import { seedPrograms } from '../../dsl/fuzz-sources.ts';
import { declarations } from '../../dsl/program.ts';
import type { Program } from '../../dsl/program.ts';

export const root = join(import.meta.dirname, '../..');

/** Paths of all example programs. */
export function exampleFiles(): readonly string[] {
  const folder = join(root, 'examples');
  return readdirSync(folder).map((name) => join(folder, name, `${name}.fil`)).filter((path) => existsSync(path)).sort();
}

/** The seed programs and the examples without their imports, which mutants could not resolve. */
export function exampleSources(read: (path: string) => string): readonly string[] {
  return [...seedPrograms, ...exampleFiles().map((path) => read(path).replaceAll(/^import .*$/gm, ''))];
}

/** Lowers every declaration of the entry file, with 1 for every constant that has no default. */
export function lowerEverything(program: Program): void {
  for (const d of declarations(program.files, program.entryFile)) {
    const constants = new Map(d.params.filter((p) => p.isConst && p.defaultValue === undefined).map((p) => [p.name.name, 1] as const));
    const lowered = lowerProgram(program.files, program.entryFile, d.name, constants);
    if (lowered.ok) {
      assertSpec(lowered.value);
      printSpec(lowered.value);
    } else if (lowered.diagnostics.length === 0) {
      throw new Error('refused without a reason');
    }
  }
}
