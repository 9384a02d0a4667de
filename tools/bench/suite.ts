/**
 * One benchmark on one device at one length: all patterns, the dense causal kernel of the same generator and, where asked for,
 * the peer package, interleaved in one process. In: jobs, the peer, rounds. Out: a row per variant with times, ratios against the
 * dense kernel, and errors against the interpreter.
 */
import { compareRows } from '../../compiler/interpreters/bounds.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';
import { denseAttention } from '../../compiler/interpreters/dense/index.ts';
import { measure } from '../../compiler/plan/measure.ts';
import { queryTileOf } from '../../compiler/schedule.ts';
import type { Sizes, Spec } from '../../compiler/spec/ir.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { causalPairs, denseLaunch, denseSpec } from '../demo/dense.ts';
import type { DemoJob } from '../demo/jobs.ts';
import { computeReference } from '../demo/reference-worker.ts';
import { compileWgsl } from '../engines/compile.ts';
import type { DeviceSession } from '../engines/device.ts';
import { randomInputs } from '../inputs.ts';
import type { AttentionInputs } from '../inputs.ts';
import { openPeer, peerVersion } from './onnx-runtime.ts';
import type { Ort, Peer } from './onnx-runtime.ts';
import { interleave } from './rounds.ts';
import type { Timing, Variant } from './rounds.ts';

export interface BenchRow {
  readonly n: number;
  readonly name: string;
  readonly kind: 'dense' | 'pattern' | 'peer';
  /** Live pairs over those of the causal mask. */
  readonly relativeDensity: number;
  /** CPU milliseconds of one run: median, least, (largest - least) / median; and wall milliseconds. */
  readonly median: number;
  readonly minimum: number;
  readonly spread: number;
  readonly wall: number;
  /** Median of the dense kernel over this median. */
  readonly speedUp: number;
  /** speedUp x relativeDensity: 1 is a speed-up of 1 / density. */
  readonly ofIdeal: number;
  /** Largest absolute error against the interpreter, where it was computed. */
  readonly error?: number;
  /** Largest error over its bound; above 1 is wrong. */
  readonly ofBound?: number;
  readonly strategy?: string;
  readonly note?: string;
}

export interface SuiteOptions {
  readonly n: number;
  readonly rounds: number;
  readonly heads: number;
  readonly dim: number;
  readonly peer: Ort | undefined;
  /** Patterns are compared with the interpreter up to this length; it takes the square of it in time. */
  readonly checkUpTo: number;
  /** Lengths up to this take the peer's windowed path, which takes half a minute a run on a slow driver. */
  readonly windowUpTo: number;
  readonly say: (text: string) => void;
}

const windowKeys = 256;

interface Entry {
  readonly variant: Variant;
  readonly row: Pick<BenchRow, 'kind' | 'relativeDensity' | 'error' | 'ofBound' | 'strategy' | 'note'>;
  readonly close: () => void | Promise<void>;
}

/** The value; a refusal of what the bench itself asks for is a bug. */
export function valueOf<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw new CompilerBug('bench', checked.diagnostics.map((d) => d.message).join('; '));
}

function windowSpec(): Spec {
  const text = `attention window() {\n  mask band(0 .. ${windowKeys})\n}\n`;
  return valueOf(compileSource({ file: 'window.fil', text }, () => undefined, 'window'));
}

/** Head 0 alone: what the interpreter computes for long inputs. */
function firstHead(inputs: AttentionInputs): AttentionInputs {
  const { nQ, nK, dim } = inputs.sizes;
  return {
    sizes: { batch: 1, heads: 1, kvHeads: 1, nQ, nK, dim },
    q: inputs.q.subarray(0, nQ * dim), k: inputs.k.subarray(0, nK * dim), v: inputs.v.subarray(0, nK * dim),
  };
}

function largestError(actual: ArrayLike<number>, expected: Float64Array): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i += 1) {
    const error = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? 0));
    // Written so that NaN wins.
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

async function ours(session: DeviceSession, job: Pick<DemoJob, 'title' | 'spec' | 'launch' | 'inputs'>, kind: 'dense' | 'pattern', check: boolean): Promise<Entry> {
  const compiled = valueOf(compileWgsl(job.spec, { target: session.target, dim: job.launch.sizes.dim, dtype: 'f32' }));
  const ready = valueOf(await session.prepare(compiled, job.launch));
  const used = job.launch.sizes.nQ <= queryTileOf(compiled.decode) ? compiled.decode : compiled.prefill;
  const m = measure(compiled.plan, job.launch, { queryTile: queryTileOf(used), keyTile: used.keyTile });
  let checked: Pick<BenchRow, 'error' | 'ofBound'> = {};
  if (check) {
    const result = valueOf(await ready.run(job.inputs));
    const truth = computeReference({ spec: job.spec, launch: job.launch, inputs: job.inputs, outType: 'f32', cuts: cutsOf(compiled, job.launch) });
    const ratio = Math.max(compareRows(result.out, truth.out, truth.outBounds).ratio, compareRows(result.lse, truth.lse, truth.lseBounds).ratio);
    checked = { error: largestError(result.out, truth.out), ofBound: ratio };
  }
  return {
    variant: { name: job.title, run: await ready.keep(job.inputs) },
    row: { kind, relativeDensity: m.livePairs / causalPairs(job.launch.sizes), strategy: compiled.plan.strategies.join(' + '), ...checked },
    close: ready.destroy,
  };
}

/** The peer on WebGPU (and on its CPU provider, which is the sound one), with its error on head 0. */
async function peers(ort: Ort, inputs: AttentionInputs, window: number | undefined, relativeDensity: number): Promise<readonly Entry[]> {
  const { heads, kvHeads, nQ: n, dim, batch } = inputs.sizes;
  const spec = window === undefined ? denseSpec() : windowSpec();
  const head = firstHead(inputs);
  const truth = denseAttention(spec, denseLaunch(head.sizes), head).out;
  const entries: Entry[] = [];
  for (const provider of ['webgpu', 'cpu'] as const) {
    const name = `onnxruntime ${peerVersion} ${provider}${window === undefined ? ' MHA' : ` GQA window ${window}`}`;
    let peer: Peer;
    try {
      peer = await openPeer(ort, provider, { sizes: { batch, heads, kvHeads, n, dim }, q: inputs.q, k: inputs.k, v: inputs.v, ...(window === undefined ? {} : { window }) });
      await peer.run();
    } catch (error) {
      const note = `not available: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
      entries.push({ variant: { name, run: async () => undefined }, row: { kind: 'peer', relativeDensity, note }, close: () => undefined });
      continue;
    }
    const error = largestError(peer.out().subarray(0, truth.length), truth);
    entries.push({ variant: { name, run: peer.run }, row: { kind: 'peer', relativeDensity, error }, close: peer.release });
  }
  return entries;
}

function rowsOf(n: number, entries: readonly Entry[], timings: readonly Timing[], dense: Timing | undefined): readonly BenchRow[] {
  return entries.flatMap(({ row }, i) => {
    const t = timings[i];
    if (t === undefined) return [];
    const usable = row.note === undefined;
    const speedUp = usable ? (dense?.median ?? Number.NaN) / t.median : Number.NaN;
    const none = Number.NaN;
    return [{
      n, name: t.name, ...row, median: usable ? t.median : none, minimum: usable ? t.minimum : none, spread: usable ? t.spread : none, wall: usable ? t.wall : none,
      speedUp, ofIdeal: speedUp * row.relativeDensity,
    }];
  });
}

export async function runSuite(session: DeviceSession, jobs: readonly DemoJob[], options: SuiteOptions): Promise<readonly BenchRow[]> {
  const { n, rounds, heads, dim, peer, say } = options;
  const sizes: Sizes = { batch: 1, heads, kvHeads: heads, nQ: n, nK: n, dim };
  const inputs = randomInputs(sizes, 1);
  const check = n <= options.checkUpTo;
  const entries: Entry[] = [];
  say(`bench: n = ${n}, compiling the dense kernel`);
  entries.push(await ours(session, { title: 'dense causal', spec: denseSpec(), launch: denseLaunch(sizes), inputs }, 'dense', check));
  for (const [i, job] of jobs.entries()) {
    say(`bench: n = ${n}, compiling ${i + 1} of ${jobs.length}: ${job.title}`);
    entries.push(await ours(session, job, 'pattern', check));
  }
  if (peer !== undefined) {
    say(`bench: n = ${n}, opening the peer`);
    entries.push(...(await peers(peer, inputs, undefined, 1)));
  }
  const timings = await interleave(entries.map((e) => e.variant), rounds, (name, round) => say(`bench: n = ${n}, ${round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`}: ${name}`));
  const dense = timings[0];
  const rows = [...rowsOf(n, entries, timings, dense)];
  for (const e of entries) await e.close();
  if (peer !== undefined && n <= options.windowUpTo) rows.push(...(await windowRows(session, inputs, peer, options, dense)));
  return rows;
}

/** The 256-key window against the peer's windowed path: few rounds, because that path is slow. */
async function windowRows(session: DeviceSession, inputs: AttentionInputs, peer: Ort, options: SuiteOptions, dense: Timing | undefined): Promise<readonly BenchRow[]> {
  const { n, say } = options;
  const own = await ours(session, { title: `window ${windowKeys} (beside the peer)`, spec: windowSpec(), launch: denseLaunch(inputs.sizes), inputs }, 'pattern', n <= options.checkUpTo);
  const entries = [own, ...(await peers(peer, inputs, windowKeys, own.row.relativeDensity))];
  const timings = await interleave(entries.map((e) => e.variant), Math.min(2, options.rounds), (name) => say(`bench: n = ${n}, windows: ${name}`));
  const rows = rowsOf(n, entries, timings, dense);
  for (const e of entries) await e.close();
  return rows;
}
