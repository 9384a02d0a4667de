/**
 * A whole compiled launch without a device: the host plan is resolved as for a device, and each dispatch runs on the tile interpreter
 * or on the lock-step interpreter. In: the compiled artefact, inputs, parameters. Out: `out` and `lse` as numbers, and every
 * problem, elements of the outputs that nothing has written among them; or the diagnostics of a launch that does not fit.
 */
import { CompilerBug, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { noSpan, originOf } from '../../dsl/span.ts';
import { hostInputs } from '../launch/inputs.ts';
import type { HostPlan } from '../launch/plan.ts';
import { resolveLaunch } from '../launch/resolve.ts';
import type { ResolvedBuffer } from '../launch/resolve.ts';
import type { Artefact, LaunchInput, LaunchOutput, LaunchRunOptions, LockstepRunOptions, OutputTensor, PretendDevice, ReadBack } from './launch/device.ts';
import { lockstepDevice } from './launch/lockstep-device.ts';
import { tileDevice } from './launch/tile-device.ts';
import { problemLog } from './problem.ts';
import type { Problem } from './problem.ts';

export type { Artefact, ExecuteKernel, LaunchInput, LaunchOutput, LaunchRunOptions, LockstepRunOptions, OutputTensor } from './launch/device.ts';

/** The numbers of an input buffer. */
export function givenData(plan: HostPlan, input: LaunchInput, buffer: string): ArrayLike<number> | undefined {
  const found = hostInputs(plan).find((i) => i.buffer.name === buffer);
  if (found === undefined) return undefined;
  return found.tensor === undefined ? new Map([['q', input.q], ['k', input.k], ['v', input.v]]).get(found.name) : input.tensors.get(found.name)?.data;
}

function inputValues(plan: HostPlan, input: LaunchInput, buffer: ResolvedBuffer): ArrayLike<number> {
  const given = givenData(plan, input, buffer.name);
  if (given === undefined) throw new CompilerBug('launch', `nothing is known of the input buffer '${buffer.name}'`);
  if (given.length !== buffer.elements) throw new CompilerBug('launch', `'${buffer.name}' got ${given.length} of ${buffer.elements} elements`);
  return given;
}

function unwrittenOutputs(plan: HostPlan, buffer: ResolvedBuffer, { written }: ReadBack): readonly Problem[] {
  const log = problemLog();
  written.forEach((w, i) => {
    if (w === 0) log.report('unwritten', plan, buffer.name, originOf(noSpan), () => `plan ${plan.name}`, () => `nothing has written element ${i} of the output ${buffer.name} [${buffer.extents.join(', ')}]`);
  });
  return log.list();
}

/** Called with the step of each dispatch, in order: forgets what lay in the workspace that a step begins anew, or one that was skipped. */
function beginner(plan: HostPlan, device: PretendDevice): (step: number) => void {
  let next = 0;
  return (step) => {
    for (; next <= step; next += 1) for (const name of plan.steps[next]?.begins ?? []) device.forget(name);
  };
}

function runPlan(plan: HostPlan, input: LaunchInput, device: PretendDevice, options: LaunchRunOptions): Checked<LaunchOutput> {
  const extents = new Map([...input.tensors].map(([name, t]) => [name, t.extents]));
  const checked = resolveLaunch(plan, input.sizes, input.scalars, extents, options.limits);
  if (!checked.ok) return checked;
  const resolved = checked.value;
  for (const b of resolved.buffers) {
    if (b.role === 'input') device.allocate(b, inputValues(plan, input, b));
    else device.allocate(b);
  }
  const begun = beginner(plan, device);
  const problems = resolved.pieces.flatMap((piece) => {
    begun(piece.step);
    return device.execute(piece, resolved);
  });
  const outputs = resolved.buffers.filter((b) => b.role === 'output');
  const unwritten = outputs.flatMap((b) => unwrittenOutputs(plan, b, device.readBack(b.name)));
  const given = (name: string): Float64Array => (outputs.some((b) => b.name === name) ? device.readBack(name).values : new Float64Array(0));
  const stages = (plan.stages?.outputs ?? []).flatMap(({ name, buffer }): readonly (readonly [string, OutputTensor])[] => {
    const found = outputs.find((b) => b.name === buffer);
    return found === undefined ? [] : [[name, { element: found.element, extents: found.extents, values: given(buffer) }]];
  });
  return good({ out: given('out'), lse: given('lse'), outputs: new Map(stages), problems: [...problems, ...unwritten], resolved });
}

/** Runs a launch with tile programs in place of kernels: float64, one instance after another. */
export function runPlanWithTiles(artefact: Artefact, input: LaunchInput, options: LaunchRunOptions = {}): Checked<LaunchOutput> {
  return runPlan(artefact.hostPlan, input, tileDevice(artefact, options), options);
}

/** Runs a launch with kernel programs, all lanes of a workgroup in step. */
export function runPlanWithLockstep(artefact: Artefact, input: LaunchInput, options: LockstepRunOptions): Checked<LaunchOutput> {
  return runPlan(artefact.hostPlan, input, lockstepDevice(artefact, options), options);
}
