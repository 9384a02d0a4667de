/**
 * The cost of choosing at run time, on one device at one length. In: jobs whose programs have stages. Out: a row per method: its whole
 * time, the time of what runs before the attention (stage tensors and the tables made of them), both against the dense causal kernel of the same
 * generator in the same rounds, and the density of what was chosen. Queries and keys are made to look like heads that choose something.
 */
import { measure } from '../../compiler/plan/measure.ts';
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import { queryTileOf } from '../../compiler/schedule.ts';
import type { Sizes } from '../../compiler/spec/ir.ts';
import { tensorsOfMask } from '../../compiler/spec/traverse.ts';
import { causalPairs, denseLaunch, denseSpec } from '../demo/dense.ts';
import type { DemoJob } from '../demo/jobs.ts';
import { compileWgsl } from '../engines/compile.ts';
import type { DeviceSession } from '../engines/device.ts';
import { asGiven } from '../fuzz/stage-cases.ts';
import { headInputs } from '../inputs.ts';
import { interleave, medianOf } from './rounds.ts';
import type { Timing, Variant } from './rounds.ts';
import { valueOf } from './suite.ts';

export interface MethodRow {
  readonly n: number;
  /** Query rows: fewer than keys for decoding. */
  readonly nQ: number;
  readonly name: string;
  readonly kind: 'dense' | 'method';
  /** Chosen pairs over those of the causal mask. */
  readonly density: number;
  /** CPU milliseconds of the whole run: median, least, (largest - least) / median; wall milliseconds. */
  readonly median: number;
  readonly minimum: number;
  readonly spread: number;
  readonly wall: number;
  /** CPU milliseconds of all that runs before the attention. */
  readonly selection: number;
  /** selection / median. */
  readonly share: number;
  /** Medians over that of the dense kernel. */
  readonly totalOfDense: number;
  readonly selectionOfDense: number;
  /** Largest error over its bound on the tensors that were really made, where it was computed; above 1 is wrong. */
  readonly ofBound?: number;
  /** CPU milliseconds by kernel, where asked for. */
  readonly steps?: readonly { readonly kernel: string; readonly median: number }[];
}

export interface MethodOptions {
  readonly n: number;
  readonly rounds: number;
  readonly heads: number;
  readonly dim: number;
  /** Attentions are compared with the interpreter up to this length. */
  readonly checkUpTo: number;
  /** Also time every kernel by itself. */
  readonly steps: boolean;
  readonly say: (text: string) => void;
}

/** Launches of at most this many pairs are counted one by one, longer ones from some of their tiles. */
const fewPairs = 200_000;

interface Entry {
  readonly name: string;
  readonly kind: 'dense' | 'method';
  readonly sizes: Sizes;
  readonly density: number;
  readonly ofBound?: number;
  readonly whole: Variant;
  readonly selection?: Variant;
  readonly kernels: readonly Variant[];
  readonly close: () => void;
}

/** Kernels that make what the attention reads: all but those that write its results, partial ones included. */
function selecting(plan: HostPlan): ReadonlySet<string> {
  const results = new Set(['out', 'lse', 'part_out', 'part_state']);
  const writes = (step: HostPlan['steps'][number]): readonly string[] => {
    const kernel = plan.kernels.find((k) => k.name === step.kernel);
    return step.buffers.filter((_, i) => kernel?.storage[i]?.access === 'write');
  };
  return new Set(plan.steps.filter((s) => !writes(s).some((b) => results.has(b))).map((s) => s.kernel));
}

async function entryOf(session: DeviceSession, job: Pick<DemoJob, 'title' | 'spec' | 'launch' | 'inputs'>, options: MethodOptions): Promise<Entry> {
  const { title, launch, inputs } = job;
  const { sizes } = launch;
  // What the mask reads comes back, so that its density can be told.
  const read = [...tensorsOfMask(job.spec.mask)].filter((name) => job.spec.stages.some((t) => t.name === name) && !job.spec.outputs.some((o) => o.tensor === name));
  const spec = { ...job.spec, outputs: [...job.spec.outputs, ...read.map((tensor) => ({ name: tensor, tensor }))] };
  const compiled = valueOf(compileWgsl(spec, { target: session.target, dim: sizes.dim, dtype: 'f32' }));
  const ready = valueOf(await session.prepare(compiled, launch));
  const result = valueOf(await ready.run(inputs));
  const made = new Map(spec.outputs.flatMap(({ name, tensor }) => {
    const found = result.outputs?.get(name);
    return found === undefined ? [] : [[tensor, found] as const];
  }));
  const given = asGiven({ ...job, spec: { ...spec, stages: spec.stages.filter((t) => made.has(t.name)) } }, made);
  const used = sizes.nQ <= queryTileOf(compiled.decode) ? compiled.decode : compiled.prefill;
  const { livePairs } = measure(compiled.plan, given.launch, { queryTile: queryTileOf(used), keyTile: used.keyTile }, { enumerate: fewPairs });
  let checked: Pick<Entry, 'ofBound'> = {};
  if (sizes.nQ <= options.checkUpTo) {
    const truth = attentionWithBounds(given.spec, given.launch, inputs, { outType: 'f32', ...cutsOf(compiled, launch) });
    checked = { ofBound: Math.max(compareRows(result.out, truth.out, truth.bounds.out).ratio, compareRows(result.lse, truth.lse, truth.bounds.lse).ratio) };
  }
  const before = selecting(compiled.hostPlan);
  const keep = async (name: string, only?: (kernel: string) => boolean): Promise<Variant> => ({ name, run: await ready.keep(inputs, only) });
  const kernels = options.steps ? await Promise.all(ready.kernels.map((k) => keep(k, (name) => name === k))) : [];
  return {
    name: title, sizes, density: livePairs / causalPairs(sizes), ...checked, close: ready.destroy, kernels,
    whole: await keep(title),
    ...(before.size === 0 ? { kind: 'dense' } : { kind: 'method', selection: await keep(`${title}, selection`, (name) => before.has(name)) }),
  };
}

function rowOf(n: number, entry: Entry, timings: ReadonlyMap<Variant, Timing>, dense: Timing | undefined): MethodRow {
  const whole = timings.get(entry.whole);
  const median = whole?.median ?? Number.NaN;
  const selection = entry.selection === undefined ? 0 : timings.get(entry.selection)?.median ?? Number.NaN;
  const denseMedian = dense?.median ?? Number.NaN;
  return {
    n, nQ: entry.sizes.nQ, name: entry.name, kind: entry.kind, density: entry.density, median, minimum: whole?.minimum ?? Number.NaN, spread: whole?.spread ?? Number.NaN, wall: whole?.wall ?? Number.NaN,
    selection, share: selection / median, totalOfDense: median / denseMedian, selectionOfDense: selection / denseMedian,
    ...(entry.ofBound === undefined ? {} : { ofBound: entry.ofBound }),
    ...(entry.kernels.length === 0 ? {} : { steps: entry.kernels.map((k) => ({ kernel: k.name, median: medianOf(timings.get(k)?.rounds ?? []) })) }),
  };
}

/** The jobs at one length; their inputs are replaced by those of heads that choose something. */
export async function runMethods(session: DeviceSession, jobs: readonly DemoJob[], options: MethodOptions): Promise<readonly MethodRow[]> {
  const { n, rounds, say } = options;
  const counts = [...new Set([n, ...jobs.map((j) => j.launch.sizes.nQ)])];
  const base = { batch: 1, heads: options.heads, kvHeads: options.heads, nK: n, dim: options.dim };
  const dense = counts.map((nQ) => ({ title: nQ === n ? 'dense causal' : `dense, ${nQ} row${nQ === 1 ? '' : 's'}`, spec: denseSpec(), launch: denseLaunch({ ...base, nQ }), inputs: headInputs({ ...base, nQ }, 1) }));
  const methods = jobs.map((job) => ({ ...job, inputs: headInputs(job.launch.sizes, 1) }));
  const all = [...dense, ...methods];
  const entries: Entry[] = [];
  for (const [i, job] of all.entries()) {
    say(`bench: n = ${n}, compiling ${i + 1} of ${all.length}: ${job.title}`);
    entries.push(await entryOf(session, job, options));
  }
  const variants = entries.flatMap((e) => [e.whole, ...(e.selection === undefined ? [] : [e.selection]), ...e.kernels]);
  // Each launch has run once, for what it chooses.
  const measured = await interleave(variants, rounds, (name, round) => say(`bench: n = ${n}, round ${round + 1} of ${rounds}: ${name}`), true);
  const timings = new Map(variants.flatMap((v, i): readonly (readonly [Variant, Timing])[] => {
    const timing = measured[i];
    return timing === undefined ? [] : [[v, timing]];
  }));
  entries.forEach((e) => e.close());
  return entries.map((e) => {
    const baseline = entries.find((d) => d.kind === 'dense' && d.sizes.nQ === e.sizes.nQ);
    return rowOf(n, e, timings, baseline === undefined ? undefined : timings.get(baseline.whole));
  });
}
