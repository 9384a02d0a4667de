/**
 * What an attention costs and why, as figures and as text for people. In: a spec, a launch, the target, tile sizes. Out: the strategy
 * with its reasons, counts of tiles and pairs, memory sums; and for people the kernels with what each asks of the machine.
 */
import { chooseSchedule } from '../compiler/choose-schedule.ts';
import { kernelResources } from '../compiler/kernel/resources.ts';
import { lowerPlan } from '../compiler/launch/lower-plan.ts';
import type { HostPlan } from '../compiler/launch/plan.ts';
import { resolveLaunch } from '../compiler/launch/resolve.ts';
import type { ResolvedLaunch } from '../compiler/launch/resolve.ts';
import { compileSpec } from '../compiler/pipeline.ts';
import type { Plan } from '../compiler/plan/ir.ts';
import { makePlan } from '../compiler/plan/make-plan.ts';
import { measure } from '../compiler/plan/measure.ts';
import type { Measures } from '../compiler/plan/measure.ts';
import { selectionWork } from '../compiler/report/stage-work.ts';
import { shareStages } from '../compiler/stage/share-stages.ts';
import { queryTileOf } from '../compiler/schedule.ts';
import type { Launch, Spec } from '../compiler/spec/ir.ts';
import type { TargetRecord } from '../compiler/target.ts';
import type { FloatElement } from '../compiler/tile/ir.ts';
import { bad, good } from '../dsl/diagnostic.ts';
import type { Checked } from '../dsl/diagnostic.ts';
import { withMade } from './made-tensors.ts';
import type { MadeTensors } from './made-tensors.ts';
import { bytesText, grouped, percent, tableText } from './table.ts';

export interface TileSize {
  readonly queryTile: number;
  readonly keyTile: number;
}

export interface Explained {
  readonly plan: Plan;
  readonly tile: TileSize;
  readonly measures: Measures;
  /** Device memory of partial results; derived tables of the mask are in `measures.maskBytes`. */
  readonly workspaceBytes: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** What the stages compute and move before the attention; `measures.flops` is the attention alone. */
  readonly selection: { readonly flops: number; readonly bytes: number };
}

export interface ExplainOptions {
  readonly target: TargetRecord;
  readonly dtype: FloatElement;
  readonly tile?: TileSize;
  /** The stage tensors, where the mask reads some. */
  readonly made?: MadeTensors;
}

/** Buffers of a launch, without lowering a kernel: a plan whose steps are left out. */
function buffersOf(spec: Spec, plan: Plan, launch: Launch, { target, dtype }: ExplainOptions): Checked<ResolvedLaunch & { readonly tile: TileSize }> {
  const { dim } = launch.sizes;
  const choose = (kind: 'prefill' | 'decode' | 'merge' | 'table') => chooseSchedule(target, { dim, dtype, kind, pins: spec.pins });
  const schedules = { prefill: choose('prefill'), decode: choose('decode'), merge: choose('merge'), table: choose('table') };
  const checked = lowerPlan(plan, { dim, dtype, schedules, parallelism: target.software ? 4 : 256 });
  if (!checked.ok) return checked;
  const lowered = checked.value;
  const host: HostPlan = {
    format: 'filigree-plan-1', name: spec.name, doc: spec.doc, dim, dtype, scalars: spec.scalars, tensors: spec.tensors, requires: plan.spec.requires,
    variables: lowered.variables, buffers: lowered.buffers, kernels: [], steps: [],
  };
  const extents = new Map([...launch.tensors].map(([name, t]) => [name, t.extents]));
  const resolved = resolveLaunch(host, launch.sizes, launch.scalars, extents);
  if (!resolved.ok) return resolved;
  const { prefill, decode } = schedules;
  const used = launch.sizes.nQ <= queryTileOf(decode) ? decode : prefill;
  return good({ ...resolved.value, tile: { queryTile: queryTileOf(used), keyTile: used.keyTile } });
}

/** The figures of one launch. */
export function explain(spec: Spec, launch: Launch, options: ExplainOptions): Checked<Explained> {
  const planned = makePlan(spec);
  if (!planned.ok) return bad(planned.diagnostics);
  const plan = planned.value;
  const buffers = buffersOf(spec, plan, launch, options);
  if (!buffers.ok) return buffers;
  const tile = options.tile ?? buffers.value.tile;
  // Behind the spec a made tensor is one like those given.
  const measures = measure(plan, withMade(launch, options.made ?? new Map()), tile, { elementBytes: options.dtype === 'f32' ? 4 : 2 });
  const sum = (keep: (name: string, role: string) => boolean): number =>
    buffers.value.buffers.filter((b) => b.elements > 0 && keep(b.name, b.role)).reduce((total, b) => total + b.bytes, 0);
  return good({
    plan, tile, measures,
    workspaceBytes: sum((name, role) => role === 'workspace' && name.startsWith('part_')),
    inputBytes: sum((_, role) => role === 'input'),
    outputBytes: sum((_, role) => role === 'output'),
    selection: selectionWork(spec, launch, options.dtype === 'f32' ? 4 : 2),
  }, planned.diagnostics);
}

/** The keys of the contract, and a few more. */
export function explainJson({ plan, tile, measures: m, workspaceBytes, inputBytes, outputBytes, selection }: Explained, launch: Launch): object {
  return {
    density: m.density, livePairs: m.livePairs, tilesNeeded: m.tilesNeeded, tilesVisited: m.tilesVisited, tilesFull: m.tilesFull, tilesPartial: m.tilesPartial,
    tilesEmpty: m.tilesEmpty, strategy: plan.strategies.join(' + '), reason: plan.reasons.join(' '), maskBytes: m.maskBytes, workspaceBytes, flops: m.flops,
    bytesMoved: m.bytesMoved, exact: m.exact, tile: [tile.queryTile, tile.keyTile], visitedWork: m.visitedWork, inputBytes, outputBytes, selectionFlops: selection.flops,
    selectionBytes: selection.bytes, sizes: launch.sizes,
  };
}

/** Kernels and dispatches of a launch, for people; a line that says why where the target cannot carry them. */
function kernelsText(spec: Spec, launch: Launch, { target, dtype }: ExplainOptions): string {
  const compiled = compileSpec(spec, { target, dim: launch.sizes.dim, dtype });
  if (!compiled.ok) return compiled.diagnostics.map((d) => `  not for ${target.name}: ${d.message}\n`).join('');
  const { hostPlan, kernelPrograms } = compiled.value;
  const extents = new Map([...launch.tensors].map(([name, t]) => [name, t.extents]));
  const limits = { maxBindingBytes: target.maxBindingBytes, maxWorkgroupsPerAxis: target.maxWorkgroupsPerAxis, offsetAlignment: 256 };
  const resolved = resolveLaunch(hostPlan, launch.sizes, launch.scalars, extents, limits);
  if (!resolved.ok) return resolved.diagnostics.map((d) => `  not for ${target.name}: ${d.message}\n`).join('');
  const rows = kernelPrograms.flatMap((kernel) => {
    const pieces = resolved.value.pieces.filter((p) => p.kernel === kernel.name);
    if (pieces.length === 0) return [];
    const r = kernelResources(kernel);
    const groups = pieces.map((p) => p.workgroups.join('x')).slice(0, 2).join(', ');
    return [[kernel.name, `${pieces.length}`, `${groups}${pieces.length > 2 ? ', ...' : ''}`, `${kernel.workgroupSize}`, `${r.sharedBytes}`, `${r.words}`, `${kernel.storage.length}`, `${r.loadSites}`]];
  });
  const unused = kernelPrograms.length - rows.length;
  const right = (title: string) => ({ title, align: 'right' as const });
  const table = tableText(
    [{ title: 'kernel', align: 'left' }, right('dispatches'), right('workgroups'), right('lanes'), right('workgroup bytes'), right('registers >='), right('bindings'), right('load sites')],
    rows,
  );
  return `${table.replace(/^/gm, '  ').trimEnd()}\n${unused === 0 ? '' : `  ${unused} more for other sizes (few query rows, keys in parts, merging)\n`}`;
}

/** The report for people. */
export function explainText(spec: Spec, launch: Launch, explained: Explained, options: ExplainOptions): string {
  const { plan, tile, measures: m, workspaceBytes, inputBytes, outputBytes, selection } = explained;
  const { sizes } = launch;
  const ratio = (a: number, b: number): string => (b === 0 ? '-' : (a / b).toFixed(3));
  const estimate = m.exact ? '' : ' (estimated from evenly spaced query tiles)';
  return [
    `${plan.name}: n_q = ${grouped(sizes.nQ)}, n_k = ${grouped(sizes.nK)}, ${sizes.heads} head${sizes.heads === 1 ? '' : 's'} (${sizes.kvHeads} of keys), batch ${sizes.batch}, dim ${sizes.dim}, ${options.dtype}`,
    '',
    `strategy        ${plan.strategies.join(', ')}`,
    ...plan.reasons.map((r, i) => `${(i === 0 ? 'because' : '').padEnd(16)}${r}`),
    '',
    `density         ${percent(m.density)}: ${grouped(m.livePairs)} live pairs${estimate}`,
    `tiles           ${tile.queryTile} x ${tile.keyTile}: ${grouped(m.tilesVisited)} visited, ${grouped(m.tilesNeeded)} needed (ratio ${ratio(m.tilesVisited, m.tilesNeeded)})`,
    `                ${grouped(m.tilesFull)} full, ${grouped(m.tilesPartial)} partial, ${grouped(m.tilesEmpty)} never touched`,
    `work            ${grouped(m.visitedWork)} pairs in visited tiles (${ratio(m.visitedWork, m.livePairs)} x live), ${grouped(m.flops)} flops`,
    ...(spec.stages.length === 0 ? [] : [`selection       ${grouped(selection.flops)} flops in ${shareStages(spec).stages.length} stage tensors, ${bytesText(selection.bytes)} moved`]),
    `memory          inputs ${bytesText(inputBytes)} + outputs ${bytesText(outputBytes)} + mask ${bytesText(m.maskBytes)} + workspace ${bytesText(workspaceBytes)} = ${bytesText(inputBytes + outputBytes + m.maskBytes + workspaceBytes)}`,
    `                ${bytesText(m.bytesMoved)} moved`,
    '',
    `kernels for ${options.target.name}`,
    kernelsText(spec, launch, options),
  ].join('\n');
}
