/**
 * What a plan costs on one launch: pairs, tiles, memory, work. In: a plan, a launch, tile sizes, bytes of an element. Out: figures
 * for `explain` and the tests. Small launches are enumerated. Large ones are counted row by row from the closed forms
 * (measure-rows.ts), which is exact, or, where tiles must be asked, from evenly spaced query tiles (`exact` is then false).
 */
import type { Launch } from '../spec/ir.ts';
import { freeRefs } from '../expr/traverse.ts';
import { rowCounter } from './measure-rows.ts';
import { sampleCounter } from './measure-sample.ts';
import { noCount, type Count, type PhaseCounter } from './count.ts';
import type { Pass, Phase, Plan } from './ir.ts';
import { enterKeyTile, enterQueryTile, phaseRunner, queryTiles, rowClasses, type Positions } from './walk.ts';
import { at, worldOf, type Geometry, type World } from './world.ts';

export interface Measures {
  /** Live pairs of all pairs. */
  readonly density: number;
  readonly livePairs: number;
  /** Tiles with a live pair that their phase serves, in the phase's own arrangement. */
  readonly tilesNeeded: number;
  readonly tilesVisited: number;
  /** Visited tiles whose pairs are all live: no predicate is asked. */
  readonly tilesFull: number;
  readonly tilesPartial: number;
  /** Tiles of all arrangements that are not visited. */
  readonly tilesEmpty: number;
  /** Memory of derived tables. */
  readonly maskBytes: number;
  /** Pairs of visited tiles, existing rows times existing keys. */
  readonly visitedWork: number;
  readonly flops: number;
  /** Q, K, V, out and lse as the kernels read and write them, tile by tile. */
  readonly bytesMoved: number;
  /** Whether the counts are exact. */
  readonly exact: boolean;
}

export interface MeasureOptions {
  /** 4 for f32, 2 for f16. */
  readonly elementBytes?: number;
  /** Launches with at most this many pairs are enumerated; where there is no closed form, 16 times as many. */
  readonly enumerate?: number;
}

const defaultEnumerate = 4_000_000;
/** Batches times heads that are looked at one by one; beyond, evenly spaced ones stand for the rest. */
const maxHeads = 64;

/** Counts the tiles of the current query tile by asking every pair. */
function enumerating(phase: Phase, world: World, geometry: Geometry): PhaseCounter {
  const runner = phaseRunner(phase, world, geometry);
  const { values } = world;
  return (rows) => {
    const slots = runner.slots();
    const count: Count = { ...noCount, tiles: Math.ceil(slots.count / geometry.keyTile) };
    for (const [from, to] of runner.runs(slots)) {
      for (let t = from; t < to; t += 1) {
        const keys = enterKeyTile(world, slots, t, geometry.keyTile);
        if (runner.skip()) continue;
        const full = runner.full();
        const live = full ? rows.count * keys.count : livePairsOf(rows, keys, values, runner.predicate);
        count.live += live;
        count.visited += 1;
        if (live > 0) count.needed += 1;
        if (full) count.full += 1;
        count.keys += keys.count;
      }
    }
    return count;
  };
}

function livePairsOf(rows: Positions, keys: Positions, values: Float64Array, predicate: () => boolean): number {
  let live = 0;
  for (let i = 0; i < rows.count; i += 1) {
    values[at.q] = rows.at(i);
    for (let j = 0; j < keys.count; j += 1) {
      values[at.k] = keys.at(j);
      if (predicate()) live += 1;
    }
  }
  return live;
}

/** Whether the plan looks the same for every value of `name`. */
function usesName(plan: Plan, name: string): boolean {
  const maps = plan.tables.flatMap((t) => (t.kind === 'map' ? [t.needed, t.full] : []));
  const phases = plan.passes.flatMap((p) => p.phases.flatMap((f) => [
    f.skip, f.full, f.predicate,
    ...(f.walk.kind === 'ranges' ? f.walk.ranges.flatMap((r) => [r.from, r.to]) : []),
    ...(f.keys.kind === 'residue' ? [f.keys.modulus, f.keys.residue] : f.keys.kind === 'listed' ? f.keys.leading : []),
  ]));
  const rows = plan.passes.flatMap((p) => (p.rows.kind === 'residue' ? [p.rows.modulus, ...(p.rows.only === undefined ? [] : [p.rows.only])] : p.rows.kind === 'listed' ? p.rows.leading : []));
  return [...maps, ...phases, ...rows].some((e) => freeRefs(e).has(name));
}

/** Evenly spaced indices below `n`, at most `most`, and how many each stands for. */
function spread(n: number, most: number): { readonly indices: readonly number[]; readonly weight: number } {
  const count = Math.min(n, Math.max(1, most));
  return { indices: Array.from({ length: count }, (_, i) => Math.floor((i * n) / count)), weight: n / count };
}

function tableBytes(plan: Plan, world: World, geometry: Geometry): number {
  const { nQ, nK, batch, heads } = world.launch.sizes;
  return plan.tables.reduce((sum, t) => {
    if (t.kind !== 'map') return sum + 4 * (world.tensors.get(t.name)?.data.length ?? 0);
    const capacity = t.rows.kind === 'listed' ? (world.tensors.get(t.rows.table)?.extents.at(-1) ?? 1) - 1 : nQ;
    const words = 2 * Math.ceil(Math.min(nQ, capacity) / geometry.queryTile) * Math.ceil(Math.ceil(nK / geometry.keyTile) / 32);
    return sum + 4 * words * (t.perBatch ? batch : 1) * (t.perHead ? heads : 1);
  }, 0);
}

interface Totals extends Count {
  work: number;
  rowElements: number;
  exact: boolean;
}

/** The rows of a tile that its pass serves. */
function servedRows(pass: Pass, world: World): (rows: Positions) => Positions {
  if (pass.serves.kind === 'literal' && pass.serves.value !== 0) return (rows) => rows;
  const serves = world.run(pass.serves);
  return (rows) => {
    const served = Array.from({ length: rows.count }, (_, i) => rows.at(i)).filter((q) => {
      world.values[at.q] = q;
      return serves() !== 0;
    });
    if (served.length === rows.count) return rows;
    return { count: served.length, at: (i) => served[i] ?? 0, below: (value) => served.filter((q) => q < value).length };
  };
}

function countPass(pass: Pass, counters: readonly PhaseCounter[], world: World, geometry: Geometry, weight: number, totals: Totals): void {
  const served = servedRows(pass, world);
  queryTiles(pass, world, geometry.queryTile, (rows) => {
    totals.rowElements += weight * rows.count;
    const own = served(rows);
    for (const counter of counters) {
      enterQueryTile(world, rows);
      const c = counter(own);
      totals.live += weight * c.live;
      totals.needed += weight * c.needed;
      totals.visited += weight * c.visited;
      totals.full += weight * c.full;
      totals.keys += weight * c.keys;
      totals.tiles += weight * c.tiles;
      totals.work += weight * c.keys * rows.count;
      if (c.estimated) totals.exact = false;
    }
  });
}

/** The figures of one launch. */
export function measure(plan: Plan, launch: Launch, geometry: Geometry, options: MeasureOptions = {}): Measures {
  const world = worldOf(plan, launch);
  const { batch, heads, nQ, nK, dim } = world.launch.sizes;
  const elementBytes = options.elementBytes ?? 4;
  const batches = usesName(plan, 'b') ? spread(batch, maxHeads) : { indices: [0], weight: batch };
  const headSet = usesName(plan, 'h') ? spread(heads, Math.floor(maxHeads / batches.indices.length)) : { indices: [0], weight: heads };
  const looked = batches.indices.length * headSet.indices.length;
  const pairs = looked * nQ * nK;
  const limit = options.enumerate ?? defaultEnumerate;
  const tilesOf = (pass: Pass): number => rowClasses(pass.rows, world).reduce((sum, rows) => sum + Math.ceil(rows.count / geometry.queryTile), 0) * looked;
  const counters = plan.passes.map((pass) => pass.phases.map((phase) => (
    pairs <= limit
      ? enumerating(phase, world, geometry)
      : rowCounter(phase, world, geometry) ?? (pairs <= 16 * limit ? enumerating(phase, world, geometry) : sampleCounter(phase, world, geometry, tilesOf(pass)))
  )));
  const totals: Totals = { ...noCount, work: 0, rowElements: 0, exact: batches.weight * headSet.weight === 1 || !spreadOut(plan, batches.weight, headSet.weight) };
  const weight = batches.weight * headSet.weight;
  for (const b of batches.indices) {
    for (const h of headSet.indices) {
      world.values[at.b] = b;
      world.values[at.h] = h;
      plan.passes.forEach((pass, i) => countPass(pass, counters[i] ?? [], world, geometry, weight, totals));
    }
  }
  const whole = (n: number): number => Math.round(n);
  const rowBytes = 2 * dim * elementBytes + 4;
  return {
    density: totals.live / Math.max(1, batch * heads * nQ * nK),
    livePairs: whole(totals.live),
    tilesNeeded: whole(totals.needed),
    tilesVisited: whole(totals.visited),
    tilesFull: whole(totals.full),
    tilesPartial: whole(totals.visited) - whole(totals.full),
    tilesEmpty: whole(totals.tiles) - whole(totals.visited),
    maskBytes: tableBytes(plan, world, geometry),
    visitedWork: whole(totals.work),
    flops: whole(4 * dim * totals.work),
    bytesMoved: whole(totals.rowElements * rowBytes + totals.keys * 2 * dim * elementBytes),
    exact: totals.exact,
  };
}

/** Whether some heads stand for others that may differ. */
function spreadOut(plan: Plan, batchWeight: number, headWeight: number): boolean {
  return (batchWeight > 1 && usesName(plan, 'b')) || (headWeight > 1 && usesName(plan, 'h'));
}
