/**
 * Counting a phase from its closed forms. In: a phase whose predicate is, for each row, a union of key ranges. Out: a counter that
 * is exact and costs a few operations a row, whatever the number of keys. Range ends that are affine over a query tile (checked
 * at three rows: an end is a maximum or a minimum of affine functions, so three points on a line prove it) are
 * evaluated at its ends only.
 */
import { freeOfKeys } from '../algebra/ask.ts';
import { toParts, type Part } from '../algebra/dnf.ts';
import { coefficientOf } from '../algebra/sums.ts';
import { boolFormula } from '../algebra/normalise.ts';
import type { Atom } from '../algebra/formula.ts';
import { noCount, type Count, type PhaseCounter } from './count.ts';
import type { KeyRange, Phase } from './ir.ts';
import { rangeOf } from './plan-phase.ts';
import { contiguous } from '../algebra/ask.ts';
import { merged, phaseRunner, type Positions, type Runs } from './walk.ts';
import { at, type Geometry, type World } from './world.ts';

function isRange(atom: Atom): boolean {
  return atom.kind === 'linear' || atom.kind === 'bound' || atom.kind === 'uniform' || freeOfKeys(atom);
}

/** Whether range ends are maxima and minima of affine functions of the row. */
function isAffine(parts: readonly Part[]): boolean {
  return parts.every((part) => part.every((a) => a.kind === 'uniform' || (a.kind === 'linear' && Math.abs(coefficientOf(a.sum, 'k')) <= 1)));
}

type Ends = (q: number, into: Float64Array) => void;

function endsOf(ranges: readonly KeyRange[], world: World): Ends {
  const runs = ranges.flatMap((r) => [world.run(r.from), world.run(r.to)]);
  const { values } = world;
  return (q, into) => {
    values[at.q] = q;
    values[at.qFirst] = q;
    values[at.qLast] = q;
    runs.forEach((run, i) => {
      into[i] = run();
    });
  };
}

/** Union of [ends[2i], ends[2i + 1]) as slots of the keys. */
function slotsOf(ends: Float64Array, from: number, to: number, keys: Positions): Runs {
  const found: [number, number][] = [];
  for (let i = from; i < to; i += 2) {
    const [first, end] = [keys.below(ends[i] ?? 0), keys.below(ends[i + 1] ?? 0)];
    if (first < end) found.push([first, end]);
  }
  return found.length > 1 ? merged(found) : found;
}

function intersect(a: Runs, b: Runs): Runs {
  const out: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i] ?? [0, 0], b[j] ?? [0, 0]];
    const [from, to] = [Math.max(x[0], y[0]), Math.min(x[1], y[1])];
    if (from < to) out.push([from, to]);
    if (x[1] < y[1]) i += 1;
    else j += 1;
  }
  return out;
}

const length = (runs: Runs): number => runs.reduce((sum, [from, to]) => sum + to - from, 0);

/** Tiles that lie within the runs entirely; the last tile ends with the slots. */
function wholeTiles(runs: Runs, slots: number, keyTile: number): number {
  return runs.reduce((sum, [from, to]) => sum + Math.max(0, (to === slots ? Math.ceil(to / keyTile) : Math.floor(to / keyTile)) - Math.ceil(from / keyTile)), 0);
}

/** Keys of the tiles of the runs. */
function keysOf(tiles: Runs, slots: number, keyTile: number): number {
  return tiles.reduce((sum, [from, to]) => sum + Math.min(slots, to * keyTile) - from * keyTile, 0);
}

/** A counter by closed forms; undefined where the phase has none. */
export function rowCounter(phase: Phase, world: World, geometry: Geometry): PhaseCounter | undefined {
  if (phase.walk.kind === 'map' || phase.skip.kind !== 'literal') return undefined;
  const parts = toParts(boolFormula(phase.predicate));
  if (parts === undefined || !parts.every((part) => part.every(isRange))) return undefined;
  const live = parts.map((part) => rangeOf(part, contiguous));
  const all = [...live, ...phase.walk.ranges];
  const split = 2 * live.length;
  const ends = endsOf(all, world);
  const tileEnds = all.flatMap((r) => [world.run(r.from), world.run(r.to)]);
  const affine = isAffine(parts);
  const { keyTile } = geometry;
  const runner = phaseRunner(phase, world, geometry);
  const { values } = world;
  const [first, middle, last, current, whole] = Array.from({ length: 5 }, () => new Float64Array(2 * all.length));
  if (first === undefined || middle === undefined || last === undefined || current === undefined || whole === undefined) return undefined;

  /** Fills `current` for row i of the tile, by closures or along the line from first to last. */
  const rowEnds = (rows: Positions, line: boolean): ((i: number) => void) => {
    if (!line) return (i) => ends(rows.at(i), current);
    const by = rows.count > 1 ? 1 / (rows.count - 1) : 0;
    return (i) => {
      for (let e = 0; e < current.length; e += 1) current[e] = Math.round((first[e] ?? 0) + ((last[e] ?? 0) - (first[e] ?? 0)) * i * by);
    };
  };

  /** Whether all ends move along a line over the tile; fills `first` and `last`. */
  const isLine = (rows: Positions): boolean => {
    const half = Math.floor((rows.count - 1) / 2);
    const [qFirst, qLast] = [rows.at(0), rows.at(rows.count - 1)];
    ends(qFirst, first);
    ends(rows.at(half), middle);
    ends(qLast, last);
    values[at.qFirst] = qFirst;
    all.forEach((_, r) => {
      whole[2 * r] = tileEnds[2 * r]?.() ?? 0;
      whole[2 * r + 1] = tileEnds[2 * r + 1]?.() ?? 0;
    });
    for (let r = 0; r < all.length; r += 1) {
      const [from, to] = [2 * r, 2 * r + 1];
      if ((whole[to] ?? 0) <= (whole[from] ?? 0)) {
        // Empty for the tile, so for each row of it.
        first[from] = first[to] = last[from] = last[to] = 0;
        continue;
      }
      // Under a guard that is false `to` is 0: it jumps.
      if ((first[to] ?? 0) <= 0 || (last[to] ?? 0) <= 0) return false;
      for (const e of [from, to]) {
        const [x, y, z] = [first[e] ?? 0, middle[e] ?? 0, last[e] ?? 0];
        if ((z - x) * half !== (y - x) * (rows.count - 1)) return false;
      }
    }
    return true;
  };

  return (rows) => {
    const slots = runner.slots();
    const visited = runner.runs(slots);
    const count: Count = { ...noCount, tiles: Math.ceil(slots.count / keyTile), visited: length(visited), keys: keysOf(visited, slots.count, keyTile) };
    if (count.visited === 0) return count;
    const [qFirst, qLast] = [rows.at(0), rows.at(rows.count - 1)];
    const line = affine && rows.count > 4 && isLine(rows);
    const row = rowEnds(rows, line);
    let common: Runs = [[0, slots.count]];
    const touched: [number, number][] = [];
    for (let i = 0; i < rows.count; i += 1) {
      row(i);
      const here = intersect(slotsOf(current, 0, split, slots), slotsOf(current, split, current.length, slots));
      count.live += length(here);
      common = common.length === 0 ? common : intersect(common, here);
      for (const [from, to] of here) {
        const run: [number, number] = [Math.floor(from / keyTile), Math.ceil(to / keyTile)];
        const before = touched[touched.length - 1];
        if (before !== undefined && run[0] >= before[0] && run[0] <= before[1]) before[1] = Math.max(before[1], run[1]);
        else touched.push(run);
      }
    }
    values[at.qFirst] = qFirst;
    values[at.qLast] = qLast;
    count.needed = length(merged(touched));
    count.full = wholeTiles(common, slots.count, keyTile);
    return count;
  };
}
