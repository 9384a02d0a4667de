/**
 * The host plan of lowered kernels. In: the plan, what lowerPlan asked for, and the kernels made from it. Out: the one value that
 * runtimes, bindings and reports read. Every expression is in the host's names (compiler/launch/plan.ts).
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import { ref } from '../expr/build.ts';
import type { KernelProgram } from '../kernel/ir.ts';
import { sharedBytes } from '../kernel/resources.ts';
import type { Plan } from '../plan/ir.ts';
import type { Spec } from '../spec/ir.ts';
import { bufferName } from '../tile/names.ts';
import type { LowerOptions, LoweredPlan } from './lower-plan.ts';
import type { HostKernel, HostPlan, HostStep } from './plan.ts';

function stagesOf(spec: Spec): NonNullable<HostPlan['stages']> {
  const outputs = spec.outputs.map(({ name, tensor }) => ({ name, buffer: bufferName(tensor, new Set()) }));
  return { attention: spec.computes === 'attention', outputs };
}

/** What runtimes must know of a kernel. */
export function hostKernel(k: KernelProgram): HostKernel {
  return {
    name: k.name, summary: k.summary, workgroupSize: k.workgroupSize, storage: k.storage, uniforms: k.uniforms, sharedBytes: sharedBytes(k.shared),
    ...(k.subgroup === undefined ? {} : { subgroup: k.subgroup }),
  };
}

/** The host plan of lowered kernels; `kernels[n]` was made from `lowered.requests[n]`. */
export function makeHostPlan(plan: Plan, o: LowerOptions, lowered: LoweredPlan, kernels: readonly KernelProgram[]): HostPlan {
  const steps = lowered.requests.map((request, n): HostStep => {
    const kernel = kernels[n];
    const [x, y, z] = request.program.grid;
    if (kernel === undefined || x === undefined || y === undefined || z === undefined) throw new CompilerBug('launch', `kernel ${n} is missing`);
    return {
      kernel: kernel.name,
      buffers: kernel.storage.map((s) => s.buffer),
      uniforms: kernel.uniforms.map((u) => lowered.toHost(ref(u.name, u.type === 'f32' ? 'float' : 'int'))),
      workgroups: [lowered.toHost(x.extent), lowered.toHost(y.extent), lowered.toHost(z.extent)],
      when: request.when,
      chunkable: request.chunkable,
    };
  });
  return {
    format: 'filigree-plan-1',
    name: plan.spec.name,
    doc: plan.spec.doc,
    dim: o.dim,
    dtype: o.dtype,
    ...(o.products === undefined ? {} : { products: o.products }),
    scalars: plan.spec.scalars,
    tensors: plan.spec.tensors,
    requires: plan.spec.requires,
    variables: lowered.variables,
    buffers: lowered.buffers,
    ...(plan.spec.stages.length === 0 ? {} : { stages: stagesOf(plan.spec) }),
    kernels: kernels.map(hostKernel),
    steps,
  };
}
