/**
 * A host plan with numbers in it. In: a plan, the sizes, scalars and tensor extents of one launch, and what the device allows. Out:
 * buffers with their bytes and dispatches with bindings, uniforms and workgroups, in order; or diagnostics: what does not fit
 * the declaration, which requirement fails, what is too large. A pure function that every runtime and interpreter calls.
 */
import { bindingTooLarge, unsupported } from '../../dsl/catalogue/resources.ts';
import { requirementNotMet } from '../../dsl/catalogue/inputs.ts';
import { bad, CompilerBug, good } from '../../dsl/diagnostic.ts';
import type { Checked, Diagnostic } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { evaluate } from '../expr/evaluate.ts';
import type { Sizes } from '../spec/ir.ts';
import type { BufferElement } from '../tile/ir.ts';
import { checkParameters, freeExtents, sizeNames } from './check-parameters.ts';
import { divideHeads } from './divide-heads.ts';
import type { HeadRange } from './divide-heads.ts';
import type { HostBuffer, HostKernel, HostPlan, HostStep } from './plan.ts';

export type { HeadRange } from './divide-heads.ts';

/** What a device allows; absent: anything. */
export interface LaunchLimits {
  readonly maxBindingBytes?: number;
  readonly maxWorkgroupsPerAxis?: number;
  /** Bindings start at multiples of this many bytes. */
  readonly offsetAlignment?: number;
}

export interface ResolvedBuffer {
  readonly name: string;
  readonly role: 'input' | 'output' | 'workspace';
  readonly element: BufferElement;
  readonly extents: readonly number[];
  /** Product of the extents. */
  readonly elements: number;
  /** Bytes to allocate: whole 16-byte units, at least one. */
  readonly bytes: number;
}

/** The part of a buffer that a dispatch sees, in the order of the step's buffers. */
export interface ResolvedBinding {
  readonly buffer: string;
  /** Bytes, a multiple of the offset alignment. */
  readonly offset: number;
  readonly bytes: number;
  /** Elements that belong to the dispatch; the rest of the bytes is padding. */
  readonly elements: number;
}

/** One dispatch. */
export interface ResolvedPiece {
  readonly kernel: string;
  /** Index of the step it belongs to. */
  readonly step: number;
  readonly heads: HeadRange;
  readonly bindings: readonly ResolvedBinding[];
  /** Values in the order of the kernel's uniforms. */
  readonly uniforms: readonly number[];
  readonly workgroups: readonly [number, number, number];
}

export interface ResolvedLaunch {
  /** Sizes, scalars, free extents and the plan's variables by name. */
  readonly values: ReadonlyMap<string, number>;
  readonly buffers: readonly ResolvedBuffer[];
  /** Dispatches in order. Skipped steps and steps without workgroups have none. */
  readonly pieces: readonly ResolvedPiece[];
}

/** Kernels index elements with i32. */
const maxElements = 2 ** 31 - 1;

/** Bytes of an element in device memory; bools are 4-byte words. */
export function elementBytes(element: BufferElement): 2 | 4 {
  return element === 'f16' || element === 'bf16' ? 2 : 4;
}

/** Whole 16-byte units, never none: what vector views and empty bindings need. */
export function paddedBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

function product(extents: readonly number[]): number {
  return extents.reduce((n, extent) => n * extent, 1);
}

/** A buffer in words, with the product that makes its size: `q [1, 8, 4096, 64] of f32`. */
export function described(buffer: ResolvedBuffer): string {
  return `${buffer.name} [${buffer.extents.join(', ')}] of ${buffer.element}`;
}

/** Names in scope of a step over a range of heads. */
function withHeads(values: ReadonlyMap<string, number>, heads: HeadRange): ReadonlyMap<string, number> {
  return new Map([...values, ['head_first', heads.first], ['head_count', heads.count], ['kv_first', heads.kvFirst], ['kv_count', heads.kvCount]]);
}

interface Context {
  readonly plan: HostPlan;
  readonly sizes: Sizes;
  readonly values: ReadonlyMap<string, number>;
  readonly buffers: ReadonlyMap<string, { readonly host: HostBuffer; readonly resolved: ResolvedBuffer }>;
  readonly limits: LaunchLimits;
}

function bindingOf(c: Context, name: string, chunkable: boolean, heads: HeadRange): ResolvedBinding {
  const buffer = c.buffers.get(name);
  if (buffer === undefined) throw new CompilerBug('launch', `kernel binds unknown buffer '${name}'`);
  const { host, resolved } = buffer;
  if (!chunkable || host.chunked === 'whole') return { buffer: name, offset: 0, bytes: resolved.bytes, elements: resolved.elements };
  const stride = product(resolved.extents.slice(2));
  const [first, count] = host.chunked === 'query-heads' ? [heads.first, heads.count] : [heads.kvFirst, heads.kvCount];
  const elements = stride * count;
  const offset = stride * first * elementBytes(host.element);
  return { buffer: name, offset, bytes: Math.min(resolved.bytes - offset, paddedBytes(elements * elementBytes(host.element))), elements };
}

/** What stands against a dispatch over these heads, if anything does. */
function refusal(c: Context, kernel: HostKernel, step: HostStep, heads: HeadRange): Diagnostic | undefined {
  const { maxBindingBytes = Infinity, maxWorkgroupsPerAxis = Infinity } = c.limits;
  for (const name of step.buffers) {
    const { bytes, elements } = bindingOf(c, name, step.chunkable, heads);
    const buffer = c.buffers.get(name);
    if (buffer === undefined) continue;
    const whole = elements === buffer.resolved.elements;
    const part = whole ? described(buffer.resolved) : `${described(buffer.resolved)}, ${heads.count} of its heads`;
    if (elements > maxElements) {
      const reason = `it has ${elements} elements, and kernels count to ${maxElements}`;
      return unsupported(noSpan, { construct: `a binding of \`${part}\``, target: '32-bit indices', reason });
    }
    if (bytes > maxBindingBytes) return bindingTooLarge(noSpan, { buffer: part, bytes, limit: maxBindingBytes });
  }
  const workgroups = workgroupsOf(c, step, heads);
  const most = Math.max(...workgroups);
  if (most <= maxWorkgroupsPerAxis) return undefined;
  const reason = `it needs [${workgroups.join(', ')}] workgroups, and the device runs at most ${maxWorkgroupsPerAxis} along an axis`;
  return unsupported(noSpan, { construct: `kernel \`${kernel.name}\``, target: 'this device', reason });
}

function workgroupsOf(c: Context, step: HostStep, heads: HeadRange): readonly [number, number, number] {
  const scope = withHeads(c.values, heads);
  const [x, y, z] = step.workgroups;
  return [evaluate(x, scope), evaluate(y, scope), evaluate(z, scope)];
}

function pieceOf(c: Context, kernel: HostKernel, step: HostStep, index: number, heads: HeadRange): ResolvedPiece {
  const scope = withHeads(c.values, heads);
  return {
    kernel: kernel.name,
    step: index,
    heads,
    bindings: step.buffers.map((name) => bindingOf(c, name, step.chunkable, heads)),
    uniforms: step.uniforms.map((u) => evaluate(u, scope)),
    workgroups: workgroupsOf(c, step, heads),
  };
}

function resolveStep(c: Context, step: HostStep, index: number): Checked<readonly ResolvedPiece[]> {
  const kernel = c.plan.kernels.find((k) => k.name === step.kernel);
  if (kernel === undefined) throw new CompilerBug('launch', `step ${index} runs unknown kernel '${step.kernel}'`);
  const { batch, heads, kvHeads } = c.sizes;
  const everything: HeadRange = { first: 0, count: batch * heads, kvFirst: 0, kvCount: batch * kvHeads };
  if (evaluate(step.when, withHeads(c.values, everything)) === 0) return good([]);
  const against = refusal(c, kernel, step, everything);
  const strides = step.buffers.flatMap((buffer) => {
    const found = c.buffers.get(buffer);
    if (found === undefined || found.host.chunked === 'whole') return [];
    return [{ over: found.host.chunked, bytes: product(found.resolved.extents.slice(2)) * elementBytes(found.host.element) }];
  });
  const division = against === undefined ? { ranges: [everything] } : step.chunkable
    ? divideHeads({ heads: batch * heads, group: heads / kvHeads, strides, alignment: c.limits.offsetAlignment ?? 1, refused: (range) => refusal(c, kernel, step, range) })
    : { refusal: against };
  if (division.ranges === undefined) return bad([division.refusal]);
  const pieces = division.ranges.map((range) => pieceOf(c, kernel, step, index, range));
  return good(pieces.filter((p) => p.workgroups.every((n) => n > 0)));
}

function resolveBuffer(buffer: HostBuffer, values: ReadonlyMap<string, number>): ResolvedBuffer {
  const extents = buffer.extents.map((e) => evaluate(e, values));
  if (extents.some((n) => n < 0)) throw new CompilerBug('launch', `buffer '${buffer.name}' has extents [${extents.join(', ')}]`);
  const elements = product(extents);
  return { name: buffer.name, role: buffer.role, element: buffer.element, extents, elements, bytes: paddedBytes(elements * elementBytes(buffer.element)) };
}

/**
 * Evaluates a plan for one launch. `extents` holds the extents of every tensor parameter, by name. A step whose bindings or
 * workgroups exceed the limits is divided over heads where it may be; otherwise the launch is refused with the sum.
 */
export function resolveLaunch(
  plan: HostPlan,
  sizes: Sizes,
  scalars: ReadonlyMap<string, number>,
  extents: ReadonlyMap<string, readonly number[]>,
  limits: LaunchLimits = {},
): Checked<ResolvedLaunch> {
  const checked = checkParameters(plan, sizes, scalars, extents);
  if (!checked.ok) return checked;
  const known = new Map([...sizeNames(sizes), ...checked.value, ...freeExtents(plan, extents)]);
  const failed = plan.requires.filter((r) => evaluate(r.condition, known) === 0);
  if (failed.length > 0) return bad(failed.map((r) => requirementNotMet(r.span, { message: r.message })));

  const values = new Map(known);
  for (const v of plan.variables) values.set(v.name, evaluate(v.value, values));
  const buffers = new Map(plan.buffers.map((host) => [host.name, { host, resolved: resolveBuffer(host, values) }]));
  const context: Context = { plan, sizes, values, buffers, limits };
  const steps = plan.steps.map((step, index) => resolveStep(context, step, index));
  const refused = steps.flatMap((s) => (s.ok ? [] : s.diagnostics));
  if (refused.length > 0) return bad(refused);
  return good({ values, buffers: [...buffers.values()].map((b) => b.resolved), pieces: steps.flatMap((s) => (s.ok ? s.value : [])) });
}

/** The uniform block of a dispatch as 32-bit words: i32 values, f32 bit patterns, zeros up to a multiple of 16 bytes. */
export function uniformWords(kernel: HostKernel, values: readonly number[]): Int32Array {
  const words = new Int32Array(Math.ceil(kernel.uniforms.length / 4) * 4);
  const floats = new Float32Array(words.buffer);
  kernel.uniforms.forEach((u, i) => {
    const value = values[i] ?? 0;
    if (u.type === 'f32') floats[i] = value;
    else words[i] = value;
  });
  return words;
}
