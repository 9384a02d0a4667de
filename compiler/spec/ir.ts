/**
 * The meaning of one `attention` (or of one `mask`, wrapped in a plain attention): names resolved, named masks
 * inlined, `const` parameters replaced by their values, all defaults explicit.
 *
 * Names in scope of expressions:
 *   q k     absolute positions (int): query row i sits at position i + n_k - n_q; key j at position j
 *   h b     query head and batch (int)
 *   s       the scaled product, in `score` only (float)
 *   n_q n_k heads kv_heads batch dim    sizes (int)
 *   NAME    a launch scalar parameter;  NAME.AXIS   the extent of a free tensor axis (ref named `tensor.axis`)
 * `read` indices are storage indices: the AST lowering has already turned a position on a `queries` axis into a row
 * (q - n_k + n_q), so interpreters and kernels index plainly.
 *
 * Sizes: q [batch, heads, n_q, dim]; k, v [batch, kv_heads, n_k, dim]; heads a multiple of kv_heads; out like q;
 * lse [batch, heads, n_q], natural log of the whole denominator (the sink included). A row that sees nothing gives
 * zeros and lse = -inf (with a sink: lse = the sink's logit). n_q and n_k are at most 2^24; `int` launch scalars
 * lie within +-2^30.
 */
import type { Span } from '../../dsl/span.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import type { Axis } from './axes.ts';
import type { StageTensor } from './stage.ts';

export type { Axis };

export interface ScalarParam {
  readonly name: string;
  readonly type: 'int' | 'float' | 'bool';
  readonly unit?: string;
  readonly defaultValue?: number;
  readonly doc: readonly string[];
  readonly span: Span;
}

export interface TensorParam {
  readonly name: string;
  readonly element: ScalarType;
  readonly unit?: string;
  readonly axes: readonly Axis[];
  readonly doc: readonly string[];
  readonly span: Span;
}

/** A tensor with its leading batch / heads indices already written (in `b`, `h`); one trailing axis is left open. */
export interface TensorUse {
  readonly tensor: string;
  readonly leading: readonly Expr[];
}

export type MaskExpr =
  | { readonly kind: 'all'; readonly span: Span }
  | { readonly kind: 'none'; readonly span: Span }
  /** k <= q */
  | { readonly kind: 'causal'; readonly span: Span }
  /** from <= q - k < to */
  | { readonly kind: 'band'; readonly from: Expr; readonly to: Expr; readonly span: Span }
  /** from <= k < to */
  | { readonly kind: 'keys'; readonly from: Expr; readonly to: Expr; readonly span: Span }
  /** from <= q < to */
  | { readonly kind: 'queries'; readonly from: Expr; readonly to: Expr; readonly span: Span }
  /** k (or q, or q - k) is an entry of the list. Lists are sets: order and repetition mean nothing, and entries that
   *  are no position (padding such as -1) match nothing on keys and queries. A list of bools is the set itself: entry x says whether key
   *  x, query row x or the distance x is in it. */
  | { readonly kind: 'listed'; readonly what: 'keys' | 'queries' | 'slashes'; readonly list: TensorUse; readonly span: Span }
  /** ids[q] == ids[k]; the open axis is a `keys` axis read at both positions. */
  | { readonly kind: 'segments'; readonly ids: TensorUse; readonly span: Span }
  /** table[.., row div queryBlock, k div keyBlock], row = q - n_k + n_q; the two open axes are blocks. */
  | { readonly kind: 'tiles'; readonly table: TensorUse; readonly queryBlock: Expr; readonly keyBlock: Expr; readonly span: Span }
  /** k <= q and from <= level(q, k) < to, with level(q, k) = bit_length(q bit_xor k): the Fenwick partition. */
  | { readonly kind: 'levels'; readonly from: Expr; readonly to: Expr; readonly span: Span }
  | { readonly kind: 'predicate'; readonly body: Expr; readonly span: Span }
  | { readonly kind: 'and' | 'or'; readonly args: readonly MaskExpr[]; readonly span: Span }
  | { readonly kind: 'not'; readonly arg: MaskExpr; readonly span: Span }
  | { readonly kind: 'minus'; readonly left: MaskExpr; readonly right: MaskExpr; readonly span: Span }
  /** The first case whose value equals the selector (an int without q and k); no case and no `else`: none. */
  | {
      readonly kind: 'choose';
      readonly selector: Expr;
      readonly cases: readonly { readonly value: Expr; readonly mask: MaskExpr }[];
      readonly otherwise: MaskExpr;
      readonly span: Span;
    };

/** Something that must be true of a launch; checked on the host by every backend and by the interpreter. */
export interface Requirement {
  /** bool, over sizes, launch scalars and free extents only. */
  readonly condition: Expr;
  readonly message: string;
  readonly span: Span;
}

export interface SchedulePins {
  readonly queryTile?: number;
  readonly keyTile?: number;
  readonly splits?: number;
}

/** A stage tensor that the caller gets. */
export interface StageOutput {
  readonly name: string;
  readonly tensor: string;
}

export interface Spec {
  readonly name: string;
  /** `stages`: no attention is computed (mask `none`, no out, no lse); what comes out are `outputs`. */
  readonly computes: 'attention' | 'stages';
  readonly doc: readonly string[];
  readonly scalars: readonly ScalarParam[];
  readonly tensors: readonly TensorParam[];
  /** Tensors computed before the attention, in order; usable wherever a tensor parameter is. */
  readonly stages: readonly StageTensor[];
  readonly outputs: readonly StageOutput[];
  readonly mask: MaskExpr;
  /** float, no q k s. */
  readonly scale: Expr;
  /** float, may use s q k h b; absent: the identity. */
  readonly score?: Expr;
  /** float, may use h b. */
  readonly sink?: Expr;
  /** Includes: every divisor that is free of q, k and tensor reads is >= 1; sizes of fixed axes. */
  readonly requires: readonly Requirement[];
  readonly pins: SchedulePins;
  readonly span: Span;
}

/** What a launch must know of the program it launches, a spec or a chain. */
export type Declared = Pick<Spec, 'name' | 'scalars' | 'tensors' | 'requires' | 'span'>;

/** The sizes of one launch. */
export interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly nQ: number;
  readonly nK: number;
  readonly dim: number;
}

/** Values of the parameters of one launch; tensors are row-major, bool tensors hold 0 and 1. */
export interface TensorValue {
  readonly extents: readonly number[];
  readonly data: Int32Array | Float32Array | Uint8Array;
}

export interface Launch {
  readonly sizes: Sizes;
  readonly scalars: ReadonlyMap<string, number>;
  readonly tensors: ReadonlyMap<string, TensorValue>;
}
