/**
 * What a program can speak of during one dispatch, by its own names. In: the host plan, the resolved launch, the dispatch. Out: the launch's
 * sizes and variables, and the kernel's uniforms with the values a device would get; the buffers that the dispatch binds.
 */
import { CompilerBug } from '../../../dsl/diagnostic.ts';
import type { HostKernel, HostPlan } from '../../launch/plan.ts';
import type { ResolvedBinding, ResolvedLaunch, ResolvedPiece } from '../../launch/resolve.ts';

function kernelOf(plan: HostPlan, piece: ResolvedPiece): HostKernel {
  const kernel = plan.kernels.find((k) => k.name === piece.kernel);
  if (kernel === undefined) throw new CompilerBug('launch', `no kernel '${piece.kernel}'`);
  return kernel;
}

/** The memory of a dispatch, by the names that the kernel has for its buffers. */
export function boundAs<T>(plan: HostPlan, piece: ResolvedPiece, memory: (binding: ResolvedBinding) => T): ReadonlyMap<string, T> {
  const { storage } = kernelOf(plan, piece);
  return new Map(piece.bindings.map((b, i) => [storage[i]?.buffer ?? b.buffer, memory(b)]));
}

export function namesOfPiece(plan: HostPlan, launch: ResolvedLaunch, piece: ResolvedPiece): ReadonlyMap<string, number> {
  const kernel = kernelOf(plan, piece);
  const { heads } = piece;
  return new Map([
    ...launch.values,
    ['head_first', heads.first], ['head_count', heads.count], ['kv_first', heads.kvFirst], ['kv_count', heads.kvCount],
    // Last: inside a kernel a name means its uniform.
    ...kernel.uniforms.map((u, i): [string, number] => [u.name, piece.uniforms[i] ?? 0]),
  ]);
}
