/**
 * How a compiled attention cuts the work of one row, which the error bound of the row depends on (interpreters/bounds.ts). In: the
 * schedules and the host plan, a launch. Out: the most softmax updates a row goes through, how many partial states are merged, and to
 * what matrix operations round their operands.
 */
import type { MatrixElement } from '../kernel/ir.ts';
import { queryTileOf, type Schedule } from '../schedule.ts';
import type { Sizes } from '../spec/ir.ts';
import type { HostPlan } from './plan.ts';
import { resolveLaunch } from './resolve.ts';

export interface Cuts {
  readonly keySteps: number;
  readonly splits: number;
  readonly weights?: MatrixElement;
}

/** What is asked of a launch here: its numbers, not what its tensors hold. */
interface Shape {
  readonly sizes: Sizes;
  readonly scalars: ReadonlyMap<string, number>;
  readonly tensors: ReadonlyMap<string, { readonly extents: readonly number[] }>;
}

export function cutsOf(compiled: { readonly hostPlan: HostPlan; readonly prefill: Schedule; readonly decode: Schedule }, launch: Shape): Cuts {
  const extents = new Map([...launch.tensors].map(([name, t]) => [name, t.extents]));
  const resolved = resolveLaunch(compiled.hostPlan, launch.sizes, launch.scalars, extents);
  const slots = resolved.ok ? resolved.value.values.get('slots') ?? 0 : 0;
  const step = Math.min(compiled.prefill.keyStep, compiled.decode.keyStep);
  // Every phase may end in a partial step of its own.
  const { dtype } = compiled.hostPlan;
  const used = launch.sizes.nQ > queryTileOf(compiled.decode) ? compiled.prefill : compiled.decode;
  const weights = used.layout === 'fragments' ? { weights: dtype === 'f32' ? 'tf32' as const : dtype } : {};
  return { keySteps: Math.ceil(launch.sizes.nK / step) + 16, splits: Math.max(1, slots), ...weights };
}
