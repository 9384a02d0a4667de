/**
 * The dense causal kernel of the same generator: what every pattern's time is measured against. In: sizes. Out: its spec and a launch.
 */
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Launch, Sizes, Spec } from '../../compiler/spec/ir.ts';
import { CompilerBug } from '../../dsl/diagnostic.ts';

const source = 'attention dense_causal() {\n  mask causal\n}\n';

export function denseSpec(): Spec {
  const lowered = compileSource({ file: 'dense.fil', text: source }, () => undefined, 'dense_causal');
  if (!lowered.ok) throw new CompilerBug('dense', lowered.diagnostics.map((d) => d.message).join('; '));
  return lowered.value;
}

export function denseLaunch(sizes: Sizes): Launch {
  return { sizes, scalars: new Map(), tensors: new Map() };
}

/** Live pairs of the causal mask, all heads and batches. */
export function causalPairs({ batch, heads, nQ, nK }: Sizes): number {
  // Row i sees i + 1 + nK - nQ keys, at least none.
  const first = Math.max(0, nQ - nK);
  const rows = nQ - first;
  const shortest = Math.max(0, nK - nQ) + 1;
  return batch * heads * (rows * shortest + (rows * (rows - 1)) / 2);
}
