/**
 * Compiling for a target with the printed texts beside it. In: a spec and options. Out: everything the pipeline made and a WGSL
 * text per kernel; or diagnostics.
 */
import { compileChain, compileSpec } from '../../compiler/pipeline.ts';
import type { ChainOptions, Compiled, CompiledChain, CompileOptions } from '../../compiler/pipeline.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import { good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import type { Printed } from '../../backends/document.ts';
import { printWgsl } from '../../backends/wgsl/module.ts';

export interface CompiledText extends Compiled {
  /** By kernel name. */
  readonly texts: ReadonlyMap<string, Printed>;
}

export function compileWgsl(spec: Spec, options: CompileOptions): Checked<CompiledText> {
  const compiled = compileSpec(spec, options);
  if (!compiled.ok) return compiled;
  const texts = new Map(compiled.value.kernelPrograms.map((kernel) => [kernel.name, printWgsl(kernel)]));
  return good({ ...compiled.value, texts }, compiled.diagnostics);
}

export interface CompiledChainText extends CompiledChain {
  /** By kernel name. */
  readonly texts: ReadonlyMap<string, Printed>;
}

/** A chain with the WGSL text of every kernel. */
export function compileWgslChain(chain: ChainSpec, options: ChainOptions): Checked<CompiledChainText> {
  const compiled = compileChain(chain, options);
  if (!compiled.ok) return compiled;
  const texts = new Map(compiled.value.kernelPrograms.map((kernel) => [kernel.name, printWgsl(kernel)]));
  return good({ ...compiled.value, texts }, compiled.diagnostics);
}
