/**
 * The meaning of `stage` equations: tensors computed at run time before the attention, each by one rule over its index set. After the
 * lowering from the source nothing is left of stages as such: calls are inlined, `repeat` is unrolled, and what remains is a list of tensors in
 * the order in which they are made. Everything behind (masks, plans, kernels) sees such a tensor as a tensor parameter that the device fills.
 *
 * Expressions use the tensor's index names (int, counted from 0 as stored: an index over `queries` is a row), sizes, launch scalars, and
 * `read` of parameters, of `q`, `k`, `v` (indices batch, head, row, channel), and of stage tensors made before. Reads outside give 0.
 *
 * Rules. An order over the indices `over` is: larger key first, equal keys by lower index (the first name of `over` slowest). Only elements
 * for which `where` holds take part.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Span } from '../../dsl/span.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import type { Axis } from './axes.ts';

/** A named index and its range, 0 to the axis's extent. */
export interface StageIndex {
  readonly name: string;
  readonly axis: Axis;
}

export type StageRule =
  /** The value of each element by itself; folds inside are reductions. */
  | { readonly kind: 'map'; readonly value: Expr }
  /** Like map, but the value may read the tensor itself, at the same indices with a smaller one on `along` (outside: 0). */
  | { readonly kind: 'recurrence'; readonly along: string; readonly value: Expr }
  /** exp(value) over its sum along `over`; 0 for elements that take no part. */
  | { readonly kind: 'softmax'; readonly over: readonly string[]; readonly where: Expr; readonly value: Expr }
  /**
   * float: the first half of a softmax along `line`, which is parted into segments of `length`, one for each value of the tensor's index `along`.
   * Where the index `part` is 0: the largest value of the segment, the least finite number where none takes part; where it is 1: the sum
   * of exp(value - largest).
   */
  | {
      readonly kind: 'softmax_parts';
      readonly along: string;
      readonly part: string;
      readonly line: StageIndex;
      readonly length: number;
      readonly where: Expr;
      readonly value: Expr;
    }
  /** int: how many taking part come before this element in the order; for those that take no part: how many take part. */
  | { readonly kind: 'rank'; readonly over: readonly string[]; readonly where: Expr; readonly key: Expr }
  /** float: the sum of the keys of those taking part that come before this element; for those that take no part: of all. */
  | { readonly kind: 'mass'; readonly over: readonly string[]; readonly where: Expr; readonly key: Expr }
  /**
   * int: along the tensor's index `along` (r = 0, 1, ...) the element of rank r, as its number in row-major order of the bound indices `over`
   * (these are no indices of the tensor); -1 where fewer take part.
   */
  | { readonly kind: 'order'; readonly along: string; readonly over: readonly StageIndex[]; readonly where: Expr; readonly key: Expr };

export interface StageTensor {
  /** Unique in the spec, such as `sel.keep`; helpers that the lowering made have names such as `sel.keep'rank`. */
  readonly name: string;
  readonly doc: readonly string[];
  readonly element: ScalarType;
  /** Storage precision of a float tensor; values are rounded to nearest when stored. */
  readonly precision: 'f32' | 'f16' | 'bf16';
  /** Outermost first; the first is always the batch, named `b`. */
  readonly indices: readonly StageIndex[];
  readonly rule: StageRule;
  readonly span: Span;
}

/** The expressions of a rule. */
export function ruleParts(rule: StageRule): readonly Expr[] {
  switch (rule.kind) {
    case 'map':
    case 'recurrence':
      return [rule.value];
    case 'softmax':
    case 'softmax_parts':
      return [rule.where, rule.value];
    case 'rank':
    case 'mass':
    case 'order':
      return [rule.where, rule.key];
    default:
      return unreachable(rule);
  }
}
