/**
 * The host plan: everything a runtime must do, as plain JSON-able data. Runtimes (WebGPU in Node and in the browser, later
 * the CUDA driver), generated bindings and the explain report are all readers of this one value; none of them knows attention.
 *
 * Names in scope of its expressions: sizes (n_q n_k heads kv_heads batch dim), launch scalars, free extents (`tensor.axis`), the
 * `variables` in order, and in chunked steps `chunkNames` (flattened batch*head ranges of the chunk).
 */
import type { Expr, ScalarType } from '../expr/ir.ts';
import type { ScalarParam, TensorParam, Requirement } from '../spec/ir.ts';
import type { BufferElement, FloatElement } from '../tile/ir.ts';
import type { StorageDecl, UniformDecl } from '../kernel/ir.ts';

/** First head and number of heads of a chunk, and the first and number of the key-value heads that they share. */
export const chunkNames: readonly string[] = ['head_first', 'head_count', 'kv_first', 'kv_count'];

export interface HostBuffer {
  readonly name: string;
  /** input: q k v and tensor parameters; output: out lse and stage tensors that the caller gets; workspace: other stage tensors, derived
   * tables and partial results. */
  readonly role: 'input' | 'output' | 'workspace';
  readonly element: BufferElement;
  readonly extents: readonly Expr[];
  /**
   * How a chunk over flattened heads sees it: `query-heads` / `kv-heads`: the buffer's first two axes are batch and (kv) heads, and a
   * chunk binds only its own part; `whole`: bound entirely.
   */
  readonly chunked: 'query-heads' | 'kv-heads' | 'whole';
}

export interface HostVariable {
  readonly name: string;
  readonly type: ScalarType;
  readonly value: Expr;
}

export interface HostKernel {
  readonly name: string;
  readonly summary: string;
  readonly workgroupSize: number;
  readonly subgroup?: number;
  readonly storage: readonly StorageDecl[];
  readonly uniforms: readonly UniformDecl[];
  /** Bytes of workgroup memory. */
  readonly sharedBytes: number;
}

/** One dispatch. `uniforms[i]` gives the value of the kernel's i-th uniform, `buffers[i]` the buffer of the plan that its i-th storage sees. */
export interface HostStep {
  readonly kernel: string;
  readonly buffers: readonly string[];
  readonly uniforms: readonly Expr[];
  readonly workgroups: readonly [Expr, Expr, Expr];
  /** Skipped when false. */
  readonly when: Expr;
  /** May be run in several pieces over flattened heads when a binding would be too large. */
  readonly chunkable: boolean;
  /** Workspace that several results take in turn: what lay in these buffers before this step means nothing any more. */
  readonly begins?: readonly string[];
}

export interface HostPlan {
  readonly format: 'filigree-plan-1';
  readonly name: string;
  readonly doc: readonly string[];
  readonly dim: number;
  readonly dtype: FloatElement;
  /** Kernels round the factors of products to this; absent: they multiply what is stored. */
  readonly products?: 'tf32';
  readonly scalars: readonly ScalarParam[];
  readonly tensors: readonly TensorParam[];
  readonly requires: readonly Requirement[];
  readonly variables: readonly HostVariable[];
  /**
   * Where the program has stages: whether an attention follows (else there is no `out` and no `lse`), and what the caller gets besides, by
   * name and by the buffer that holds it.
   */
  readonly stages?: { readonly attention: boolean; readonly outputs: readonly { readonly name: string; readonly buffer: string }[] };
  /** Linked from several programs: its inputs are `tensors` alone (no q, k, v), its outputs those of `stages`, its heads fixed. */
  readonly chain?: { readonly heads: number; readonly kvHeads: number };
  /** Inputs first: q, k, v (not in a chain), then one for each entry of `tensors`, in that order. */
  readonly buffers: readonly HostBuffer[];
  readonly kernels: readonly HostKernel[];
  readonly steps: readonly HostStep[];
}
