/**
 * The part of the browser test that runs in the page: the runtime's own modules, bundled unchanged. In: a plan, texts, a
 * resolved launch and tensors as plain data. Out: outputs or diagnostics as plain data. Holds: nothing of Node is used.
 */
import { openBrowserDevice } from '../../backends/wgsl/runtime/device.ts';
import { launch, preparePlan, runResolved, type LaunchResult } from '../../backends/wgsl/runtime/execute.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import type { ResolvedLaunch } from '../../compiler/launch/resolve.ts';
import type { Sizes } from '../../compiler/spec/ir.ts';
import type { Checked } from '../../dsl/diagnostic.ts';

export type PlainArray =
  | { readonly type: 'f32' | 'f16' | 'int' | 'bool'; readonly values: readonly number[] };

export interface PageJob {
  readonly plan: HostPlan;
  readonly texts: readonly (readonly [string, string])[];
  /** Numbers already, or sizes and scalars from which the page computes them. */
  readonly launch: ResolvedLaunch | { readonly sizes: Sizes; readonly scalars: readonly (readonly [string, number])[] };
  readonly tensors: readonly (readonly [string, { readonly extents: readonly number[]; readonly data: PlainArray }])[];
}

export interface PageAnswer {
  readonly adapter: string;
  readonly outputs: readonly (readonly [string, readonly number[]])[];
  readonly problems: readonly string[];
}

function arrayOf(plain: PlainArray): Float32Array | Uint16Array | Int32Array {
  if (plain.type === 'f32') return Float32Array.from(plain.values);
  return plain.type === 'f16' ? Uint16Array.from(plain.values) : Int32Array.from(plain.values);
}

/** Runs one job on the browser's device. Outputs are given as 32-bit (or 16-bit) patterns, so that NaN survives. */
export async function runInPage(job: PageJob): Promise<PageAnswer> {
  const opened = await openBrowserDevice(navigator.gpu);
  if (!opened.ok) return { adapter: '', outputs: [], problems: opened.diagnostics.map((d) => d.message) };
  const { device, info, problems } = opened.value;
  const prepared = await preparePlan(device, job.plan, new Map(job.texts.map(([name, text]) => [name, { text }])), { compile: 'when-used' });
  if (!prepared.ok) return { adapter: info.architecture, outputs: [], problems: prepared.diagnostics.map((d) => d.message) };
  const tensors = new Map(job.tensors.map(([name, { extents, data }]) => [name, { extents, data: arrayOf(data) }]));
  const asked = job.launch;
  const result: Checked<LaunchResult> =
    'pieces' in asked ? await runResolved(prepared.value, asked, tensors) : await launch(prepared.value, asked.sizes, new Map(asked.scalars), tensors);
  if (!result.ok) return { adapter: info.architecture, outputs: [], problems: result.diagnostics.map((d) => d.message) };
  const outputs = [...result.value.outputs].map(([name, { data }]) => {
    if (!ArrayBuffer.isView(data)) return [name, []] as const;
    const bits = data instanceof Uint16Array ? data : new Uint32Array(data.buffer, data.byteOffset, data.length);
    return [name, [...bits]] as const;
  });
  return { adapter: info.architecture, outputs, problems: problems().map((d) => d.message) };
}

Object.assign(globalThis, { runInPage });
