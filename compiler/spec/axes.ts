/**
 * Axes of tensors: what an extent is counted from. Extents are at launch level: sizes, launch scalars, extents of the tensors given.
 */
import type { Expr } from '../expr/ir.ts';

export type Axis =
  | { readonly kind: 'batch' | 'heads' | 'kv_heads' | 'queries' | 'keys' }
  /** ceil(n_q / size) or ceil(n_k / size) entries; tile rows count from query row 0. */
  | { readonly kind: 'blocks'; readonly of: 'queries' | 'keys'; readonly size: Expr }
  /** Extent known at launch, from the tensor itself. */
  | { readonly kind: 'free'; readonly name: string }
  | { readonly kind: 'fixed'; readonly extent: number }
  /** Stage tensors only: the head dimension, and an extent computed from sizes, launch scalars and free extents. */
  | { readonly kind: 'dim' }
  | { readonly kind: 'counted'; readonly extent: Expr };
