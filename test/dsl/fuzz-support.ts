/**
 * Shared by the fuzz test and the fuzz script: sources to mutate, and the lowering of everything in a checked program, whose
 * result must be a legal spec or a diagnostic.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import { lowerProgram } from '../../compiler/spec/lower-ast.ts';
import { lowerChain } from '../../compiler/spec/lower-chain.ts';
import { printSpec } from '../../compiler/spec/print.ts';
import { printChain } from '../../compiler/spec/print-chain.ts';
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

/** What stands for the attentions of chains. */
function causal(): Spec {
  const made = compileSource({ file: 'causal.fil', text: 'attention dense(window: int = 3, layer: int) { mask causal & band(0 .. window + layer) }' }, () => undefined, 'dense');
  if (!made.ok) throw new Error('a causal attention');
  return made.value;
}

/** Lowers every declaration of the entry file, with 1 for every constant that has no default. */
export function lowerEverything(program: Program): void {
  for (const d of declarations(program.files, program.entryFile)) {
    const constants = new Map(d.params.filter((p) => p.isConst && p.defaultValue === undefined).map((p) => [p.name.name, 1] as const));
    if (d.kind === 'chain') {
      const chosen = new Map(d.params.filter((p) => p.type.scalar === 'attention').map((p) => [p.name.name, causal()] as const));
      const chain = lowerChain(program.files, program.entryFile, d.name, constants, chosen);
      if (chain.ok) printChain(chain.value);
      else if (chain.diagnostics.length === 0) throw new Error('refused without a reason');
      continue;
    }
    const lowered = lowerProgram(program.files, program.entryFile, d.name, constants);
    if (lowered.ok) {
      assertSpec(lowered.value);
      printSpec(lowered.value);
    } else if (lowered.diagnostics.length === 0) {
      throw new Error('refused without a reason');
    }
  }
}
