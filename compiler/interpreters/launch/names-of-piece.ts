/**
 * The launch values that a tile program can speak of during one dispatch. In: the host plan, the resolved launch, the dispatch. Out:
 * sizes and variables under their own names, and the kernel's uniforms under theirs, with the values a device would get.
 */
import { CompilerBug } from '../../../dsl/diagnostic.ts';
import type { HostPlan } from '../../launch/plan.ts';
import type { ResolvedLaunch, ResolvedPiece } from '../../launch/resolve.ts';

export function namesOfPiece(plan: HostPlan, launch: ResolvedLaunch, piece: ResolvedPiece): ReadonlyMap<string, number> {
  const kernel = plan.kernels.find((k) => k.name === piece.kernel);
  if (kernel === undefined) throw new CompilerBug('launch', `no kernel '${piece.kernel}'`);
  const { heads } = piece;
  return new Map([
    ...launch.values,
    ['head_first', heads.first], ['head_count', heads.count], ['kv_first', heads.kvFirst], ['kv_count', heads.kvCount],
    // Last: inside a kernel a name means its uniform.
    ...kernel.uniforms.map((u, i): [string, number] => [u.name, piece.uniforms[i] ?? 0]),
  ]);
}
