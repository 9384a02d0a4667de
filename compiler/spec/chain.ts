/**
 * The meaning of a `chain`: stages and attentions run one after another on each other's tensors. After the lowering from the source
 * `repeat` is unrolled and a chain is a list of calls of units. A unit is a spec as it would be compiled by itself (its parameters
 * are still parameters), so calls that differ only in what they are given share one unit and its kernels.
 *
 * All calls of a launch have the sizes of the launch. Values are tensors by name: `x` is a tensor parameter of the chain, `call.t` what call
 * `call` gives as `t` (the names of its spec's outputs; `out` and `lse` of an attention). A call reads parameters and earlier calls.
 */
import type { Span } from '../../dsl/span.ts';
import type { Expr } from '../expr/ir.ts';
import type { Requirement, ScalarParam, Spec, TensorParam } from './ir.ts';

export interface ChainCall {
  /** Unique in the chain, such as `x` and `x'1` (the second round of a repetition). */
  readonly name: string;
  /** Index in `units`. */
  readonly unit: number;
  /** A value for each scalar parameter of the unit, by its name: over sizes, scalars and free extents of the chain. */
  readonly scalars: ReadonlyMap<string, Expr>;
  /** A value name for each tensor parameter of the unit, and for `q`, `k`, `v` where the unit has use for them. */
  readonly tensors: ReadonlyMap<string, string>;
  readonly span: Span;
}

/** A tensor that the caller gets. */
export interface ChainOutput {
  /** As the source names it, `call.tensor`. */
  readonly name: string;
  readonly value: string;
}

export interface ChainSpec {
  readonly name: string;
  readonly doc: readonly string[];
  readonly scalars: readonly ScalarParam[];
  readonly tensors: readonly TensorParam[];
  /** Sizes that the chain fixes. */
  readonly sizes: { readonly heads: number; readonly kvHeads: number; readonly dim: number };
  readonly units: readonly Spec[];
  readonly calls: readonly ChainCall[];
  readonly outputs: readonly ChainOutput[];
  readonly requires: readonly Requirement[];
  readonly span: Span;
}
