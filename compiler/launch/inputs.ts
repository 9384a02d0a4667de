/**
 * What a caller gives a launch, and by which name. In: a host plan. Out: its input buffers in order, each with the name of the tensor that
 * fills it: q, k, v where the plan is an attention's, then the tensor parameters.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { TensorParam } from '../spec/ir.ts';
import type { HostBuffer, HostPlan } from './plan.ts';

export interface HostInput {
  /** `q`, `k`, `v`, or the name of a tensor parameter. */
  readonly name: string;
  /** Absent for q, k and v. */
  readonly tensor?: TensorParam;
  readonly buffer: HostBuffer;
}

/** The inputs of a plan in the order of its buffers. */
export function hostInputs(plan: HostPlan): readonly HostInput[] {
  const own = plan.chain !== undefined ? [] : ['q', 'k', 'v'];
  const given = [...own.map((name) => ({ name })), ...plan.tensors.map((tensor) => ({ name: tensor.name, tensor }))];
  const buffers = plan.buffers.filter((b) => b.role === 'input');
  if (buffers.length !== given.length) throw new CompilerBug('launch', `plan ${plan.name} has ${buffers.length} inputs for ${given.length} tensors`);
  return buffers.flatMap((buffer, i) => {
    const found = given[i];
    return found === undefined ? [] : [{ ...found, buffer }];
  });
}

/** Whether the plan computes an attention of its own: it is then given q, k, v, and (unless only its stages run) gives out and lse. */
export function givesAttention(plan: HostPlan): boolean {
  return plan.chain === undefined && plan.stages?.attention !== false;
}
