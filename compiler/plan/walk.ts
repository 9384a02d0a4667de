/**
 * A plan run on the host, tile by tile: the plan level's interpreter. In: a plan, a launch and tile sizes. Out: for each batch, head,
 * pass, query tile and phase, the key tiles in the order in which a kernel visits them, with positions, `skip` and `full`.
 * Closed forms cost a few operations a query tile, whatever the length.
 */
import type { Launch } from '../spec/ir.ts';
import type { Expr } from '../expr/ir.ts';
import type { KeyArrangement, Pass, Phase, Plan, RowArrangement } from './ir.ts';
import { at, worldOf, type Geometry, type World } from './world.ts';

/** Ascending positions: an arithmetic sequence, or entries of a sorted list. */
export interface Positions {
  readonly count: number;
  readonly at: (i: number) => number;
  /** How many lie below a value: the index of the first that does not. */
  readonly below: (value: number) => number;
  /** Distance of neighbours, where it is always the same. */
  readonly step?: number;
}

/** Half-open runs of tile indices, ascending and apart. */
export type Runs = readonly (readonly [number, number])[];

export interface TileVisit {
  readonly b: number;
  readonly h: number;
  readonly pass: number;
  readonly phase: number;
  readonly rows: Positions;
  readonly keys: Positions;
  readonly skip: boolean;
  readonly full: boolean;
}

const within = (x: number, count: number): number => Math.max(0, Math.min(count, x));

function line(first: number, step: number, count: number): Positions {
  return { count, step, at: (i) => first + i * step, below: (value) => within(Math.ceil((value - first) / step), count) };
}

export function slice(p: Positions, from: number, count: number): Positions {
  const part = { count, at: (i: number) => p.at(from + i), below: (value: number) => within(p.below(value) - from, count) };
  return p.step === undefined ? part : { ...part, step: p.step };
}

const floorMod = (a: number, m: number): number => ((a % m) + m) % m;

/** Entries of ascending positions below a value, by bisection. */
function bisect(count: number, at: (i: number) => number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The entries of a sorted table for the current head, each moved by `offset`. */
function entriesOf(table: string, leading: readonly Expr[], world: World, offset: number): () => Positions {
  const tensor = world.tensors.get(table);
  const indices = leading.map((e) => world.run(e));
  return () => {
    const base = indices.reduce((index, run, i) => index * (tensor?.extents[i] ?? 1) + run(), 0) * (tensor?.extents[indices.length] ?? 0);
    const count = tensor?.data[base] ?? 0;
    const entry = (i: number): number => (tensor?.data[base + 1 + i] ?? 0) + offset;
    return { count, at: entry, below: (value) => bisect(count, entry, value) };
  };
}

/** The classes of rows of a pass, for the batch and head that are set: each is cut into query tiles by itself. */
export function rowClasses(rows: RowArrangement, world: World): readonly Positions[] {
  const { nQ, nK } = world.launch.sizes;
  const first = nK - nQ;
  if (rows.kind === 'contiguous') return [line(first, 1, nQ)];
  if (rows.kind === 'listed') return [entriesOf(rows.table, rows.leading, world, first)()];
  const modulus = world.run(rows.modulus)();
  const classOf = (c: number): Positions => line(first + c, modulus, Math.max(0, Math.ceil((nQ - c) / modulus)));
  if (rows.only !== undefined) return [classOf(floorMod(world.run(rows.only)() - first, modulus))];
  return Array.from({ length: Math.min(modulus, nQ) }, (_, c) => classOf(c));
}

/** The keys of a phase for the current query tile. */
export function keySlots(keys: KeyArrangement, world: World): () => Positions {
  const { nK } = world.launch.sizes;
  switch (keys.kind) {
    case 'contiguous': {
      const all = line(0, 1, nK);
      return () => all;
    }
    case 'residue': {
      const modulus = world.run(keys.modulus);
      const residue = world.run(keys.residue);
      return () => {
        const m = modulus();
        const first = floorMod(residue(), m);
        return line(first, m, Math.max(0, Math.ceil((nK - first) / m)));
      };
    }
    case 'listed':
      return entriesOf(keys.table, keys.leading, world, 0);
  }
}

/** Runs in order, those that touch made one; sorts its argument. */
export function merged(runs: (readonly [number, number])[]): Runs {
  runs.sort((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [from, to] of runs) {
    const last = out[out.length - 1];
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

export interface PhaseRunner {
  readonly phase: Phase;
  readonly slots: () => Positions;
  /** Tiles to visit for the current query tile. */
  readonly runs: (slots: Positions) => Runs;
  /** Of the current key tile (or of any range of keys): no pair of it is served, or it is not walked. */
  readonly empty: () => boolean;
  readonly skip: () => boolean;
  readonly full: () => boolean;
  /** Of any range of keys of a partial tile: whether some pair may be served. */
  readonly touched: () => boolean;
  readonly predicate: () => boolean;
  /** What the current key tile must ask of its pairs: the conjuncts that it does not imply. */
  readonly asked: () => readonly (() => boolean)[];
}

/** Sets the key tile `t` of `slots`; its keys. */
export function enterKeyTile(world: World, slots: Positions, t: number, keyTile: number): Positions {
  const keys = slice(slots, t * keyTile, Math.min(keyTile, slots.count - t * keyTile));
  world.values[at.kFirst] = keys.at(0);
  world.values[at.kLast] = keys.at(keys.count - 1);
  return keys;
}

export function phaseRunner(phase: Phase, world: World, geometry: Geometry): PhaseRunner {
  const { keyTile } = geometry;
  const slots = keySlots(phase.keys, world);
  const skip = world.run(phase.skip);
  const predicate = world.run(phase.predicate);
  const touched = world.run(phase.touched);
  const tests = phase.tests.map((t) => ({ holds: world.run(t.predicate), implied: world.run(t.implied) }));
  const base = {
    phase,
    slots,
    skip: () => skip() !== 0,
    touched: () => touched() !== 0,
    predicate: () => predicate() !== 0,
    asked: () => tests.filter((t) => t.implied() === 0).map((t) => () => t.holds() !== 0),
  };
  if (phase.walk.kind === 'map') {
    const name = phase.walk.table;
    const table = world.plan.tables.find((t) => t.name === name);
    const needed = table?.kind === 'map' ? world.run(table.needed) : () => 1;
    const full = table?.kind === 'map' ? world.run(table.full) : () => 0;
    return {
      ...base,
      empty: () => needed() === 0 || skip() !== 0,
      full: () => full() !== 0,
      runs: (keys) => {
        const found: [number, number][] = [];
        for (let t = 0; t * keyTile < keys.count; t += 1) {
          enterKeyTile(world, keys, t, keyTile);
          if (needed() !== 0) found.push([t, t + 1]);
        }
        return merged(found);
      },
    };
  }
  const full = world.run(phase.full);
  const ranges = phase.walk.ranges.map((r) => [world.run(r.from), world.run(r.to)] as const);
  return {
    ...base,
    empty: base.skip,
    full: () => full() !== 0,
    runs: (keys) => {
      const found: [number, number][] = [];
      for (const [from, to] of ranges) {
        const first = keys.below(from());
        const end = keys.below(to());
        if (first < end) found.push([Math.floor(first / keyTile), Math.ceil(end / keyTile)]);
      }
      return merged(found);
    },
  };
}

/** Sets the query tile; its rows. */
export function enterQueryTile(world: World, rows: Positions): void {
  world.values[at.qFirst] = rows.at(0);
  world.values[at.qLast] = rows.at(rows.count - 1);
}

/** The query tiles of a pass, for the batch and head that are set. */
export function queryTiles(pass: Pass, world: World, queryTile: number, visit: (rows: Positions) => void): void {
  for (const rows of rowClasses(pass.rows, world)) {
    for (let first = 0; first < rows.count; first += queryTile) {
      const tile = slice(rows, first, Math.min(queryTile, rows.count - first));
      enterQueryTile(world, tile);
      visit(tile);
    }
  }
}

/** Every tile that a kernel of the plan visits (also those it skips), in its order. */
export function walkPlan(plan: Plan, launch: Launch, geometry: Geometry, visit: (tile: TileVisit) => void): void {
  const world = worldOf(plan, launch);
  const { batch, heads } = launch.sizes;
  const runners = plan.passes.map((pass) => pass.phases.map((phase) => phaseRunner(phase, world, geometry)));
  for (let b = 0; b < batch; b += 1) {
    for (let h = 0; h < heads; h += 1) {
      world.values[at.b] = b;
      world.values[at.h] = h;
      plan.passes.forEach((pass, passIndex) => {
        queryTiles(pass, world, geometry.queryTile, (rows) => {
          (runners[passIndex] ?? []).forEach((runner, phaseIndex) => {
            const slots = runner.slots();
            for (const [from, to] of runner.runs(slots)) {
              for (let t = from; t < to; t += 1) {
                const keys = enterKeyTile(world, slots, t, geometry.keyTile);
                visit({ b, h, pass: passIndex, phase: phaseIndex, rows, keys, skip: runner.skip(), full: runner.full() });
              }
            }
          });
        });
      });
    }
  }
}
