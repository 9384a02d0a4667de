/**
 * Stage tensors as the levels behind the spec see them: tensor parameters that the device fills. In: a spec. Out: its parameters and stage
 * tensors in one list, and how a stage tensor is stored. Extents are launch-level expressions in the user's names.
 */
import type { Expr } from '../expr/ir.ts';
import { int, mul } from '../expr/build.ts';
import type { Spec, TensorParam } from '../spec/ir.ts';
import type { StageIndex, StageTensor } from '../spec/stage.ts';
import type { BufferElement } from '../tile/ir.ts';
import { extentsOf } from '../tile/extents.ts';

/** The stage tensor as a parameter of the same name, element and axes. */
export function asParameter(t: StageTensor): TensorParam {
  return { name: t.name, element: t.element, axes: t.indices.map((i) => i.axis), doc: t.doc, span: t.span };
}

/** Everything that masks, scores and stages may read by name, besides q, k and v. */
export function allTensors(spec: Spec): readonly TensorParam[] {
  return [...spec.tensors, ...spec.stages.map(asParameter)];
}

/** Extents of a list of indices; never negative. */
export function indexExtents(owner: string, indices: readonly StageIndex[]): readonly Expr[] {
  return extentsOf({ name: owner, axes: indices.map((i) => i.axis) });
}

/** Elements of a stage tensor in memory. Halves are kept as f32 words that hold rounded values: one lane writes one element. */
export function storageElement(t: StageTensor): BufferElement {
  return t.element === 'float' ? 'f32' : t.element;
}

export function product(extents: readonly Expr[]): Expr {
  return extents.reduce((all, e) => mul(all, e), int(1));
}
