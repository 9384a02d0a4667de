/**
 * Memory of stage tensors on the device. In: a spec. Out: host buffers, one a tensor, and what long orders are made in; outputs of the spec
 * are outputs of the plan.
 */
import type { Spec } from '../spec/ir.ts';
import type { HostBuffer } from '../launch/plan.ts';
import { extentsOf } from '../tile/extents.ts';
import { bufferName } from '../tile/names.ts';
import { orderMemory } from './orders.ts';
import { asParameter, storageElement } from './tensors.ts';

export function stageBuffers(spec: Spec): readonly HostBuffer[] {
  const given = new Set(spec.outputs.map((o) => o.tensor));
  const tensors = spec.stages.map((t): HostBuffer => ({
    name: bufferName(t.name, new Set()),
    role: given.has(t.name) ? 'output' : 'workspace',
    element: storageElement(t),
    extents: extentsOf(asParameter(t)),
    chunked: 'whole',
  }));
  return [...tensors, ...orderMemory(spec)];
}
