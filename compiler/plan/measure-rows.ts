/**
 * Counting a phase from its closed forms. In: a phase whose predicate is, for each row, a union of key ranges. Out: a counter
 * that is exact and costs a few operations a query tile, whatever the number of keys. The rows of a tile are halved until, on
 * each piece, every range end is constant or moves along a line and the ends keep their order: then sums are closed.
 */
import { freeOfKeys } from '../algebra/ask.ts';
import { toParts, type Part } from '../algebra/dnf.ts';
import { atomTest, type Atom } from '../algebra/formula.ts';
import { boolFormula } from '../algebra/normalise.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { isLaunchLevel } from '../algebra/known-range.ts';
import { noCount, type Count, type PhaseCounter } from './count.ts';
import type { Phase } from './ir.ts';
import { partBounds } from './plan-phase.ts';
import { shapeOf, type Shape } from './shape.ts';
import { merged, phaseRunner, type Positions, type Runs } from './walk.ts';
import { at, type Geometry, type World } from './world.ts';

function isRange(atom: Atom): boolean {
  return atom.kind === 'linear' || atom.kind === 'bound' || atom.kind === 'uniform' || freeOfKeys(atom);
}

/** Halvings of a query tile before its rows are taken one by one. */
const maxDepth = 2;

interface Bound {
  readonly run: () => number;
  readonly shape: Shape;
}

/** One part of the predicate: for a row, the keys between its lowers and uppers, if the guard holds. */
interface RowRange {
  /** For rows q_first .. q_last: false only if none of them sees a key of the part. */
  readonly someRow: () => number;
  /** For one row, exactly: whether its range counts. */
  readonly thisRow: () => number;
  /** Guards by inequalities hold on an interval of rows. */
  readonly convex: boolean;
  /** First key, and one past the last. */
  readonly lowers: readonly Bound[];
  readonly ends: readonly Bound[];
}

function rowRange(part: Part, world: World): RowRange {
  const { guard, lowers, ends } = partBounds(part);
  const rowAtoms = part.filter(freeOfKeys);
  const own = partBounds(part.filter((atom) => !rowAtoms.includes(atom))).guard;
  const signOf = (e: Expr): number | undefined => (isLaunchLevel(e) ? Math.sign(world.run(e)()) : undefined);
  const bound = (e: Expr): Bound => ({ run: world.run(e), shape: shapeOf(e, signOf) });
  const thisRow = world.run(x.all([own, ...rowAtoms.map(atomTest)]));
  return { someRow: world.run(guard), thisRow, convex: rowAtoms.length === 0, lowers: lowers.map(bound), ends: ends.map(bound) };
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

/** The bounds of one row: positions as they are, and slots. */
interface RowEnds {
  readonly position: number[];
  readonly slot: number[];
}

/** Whether two slots change their order between two rows. */
function crosses(a: RowEnds, b: RowEnds): boolean {
  for (let i = 0; i < a.slot.length; i += 1) {
    for (let j = 0; j < i; j += 1) {
      if (((a.slot[i] ?? 0) - (a.slot[j] ?? 0)) * ((b.slot[i] ?? 0) - (b.slot[j] ?? 0)) < 0) return true;
    }
  }
  return false;
}

/** The live slots of one row. */
function liveRuns(ranges: readonly RowRange[], present: readonly boolean[], ends: RowEnds): Runs {
  const found: [number, number][] = [];
  let i = 0;
  ranges.forEach((r, n) => {
    let [from, to] = [0, Infinity];
    for (let e = 0; e < r.lowers.length; e += 1, i += 1) from = Math.max(from, ends.slot[i] ?? 0);
    for (let e = 0; e < r.ends.length; e += 1, i += 1) to = Math.min(to, ends.slot[i] ?? 0);
    if (present[n] === true && from < to) found.push([from, to]);
  });
  return found.length > 1 ? merged(found) : found;
}

/** A counter by closed forms; undefined where the phase has none. */
export function rowCounter(phase: Phase, world: World, geometry: Geometry): PhaseCounter | undefined {
  if (phase.walk.kind === 'map' || phase.skip.kind !== 'literal') return undefined;
  const parts = toParts(boolFormula(phase.predicate));
  if (parts === undefined || !parts.every((part) => part.every(isRange))) return undefined;
  const ranges = parts.map((part) => rowRange(part, world));
  const bounds = ranges.flatMap((r) => [...r.lowers, ...r.ends]);
  if (bounds.some((b) => b.shape.motion === 'any' && !b.shape.affine)) return undefined;
  const { keyTile } = geometry;
  const runner = phaseRunner(phase, world, geometry);
  const { values } = world;

  const setRows = (from: number, to: number): void => {
    values[at.q] = from;
    values[at.qFirst] = from;
    values[at.qLast] = to;
  };
  const endsAt = (q: number, keys: Positions): RowEnds => {
    setRows(q, q);
    const position = bounds.map((b) => b.run());
    return { position, slot: position.map((p) => keys.below(p)) };
  };

  const current: RowEnds = { position: [], slot: [] };
  /** A bound that only rises, or only falls, and has the same slot at both ends. */
  const constantSlot = (i: number, a: RowEnds, b: RowEnds): boolean => a.slot[i] === b.slot[i];

  /** Whether bound `i` is constant or along a line, in slots, over `rows` rows from a to b. */
  const steady = (i: number, a: RowEnds, b: RowEnds, rows: number, keys: Positions): boolean => {
    const [sa, sb] = [a.slot[i] ?? 0, b.slot[i] ?? 0];
    const shape = bounds[i]?.shape;
    if (sa === sb) return true;
    if (shape?.affine !== true || keys.step === undefined) return false;
    const [pa, pb] = [a.position[i] ?? 0, b.position[i] ?? 0];
    const inside = (p: number): boolean => p >= keys.at(0) && p <= keys.at(keys.count - 1) + 1;
    return inside(pa) && inside(pb) && (keys.step === 1 || ((pb - pa) / (rows - 1)) % keys.step === 0);
  };

  return (rows) => {
    const slots = runner.slots();
    const visited = runner.runs(slots);
    const count: Count = { ...noCount, tiles: Math.ceil(slots.count / keyTile), visited: length(visited), keys: keysOf(visited, slots.count, keyTile) };
    if (count.visited === 0 || rows.count === 0) return count;
    let common: Runs = [[0, slots.count]];
    const touched: [number, number][] = [];

    const addRow = (runs: Runs): void => {
      count.live += length(runs);
      common = intersect(common, runs);
      for (const [from, to] of runs) {
        const [first, end] = [Math.floor(from / keyTile), Math.ceil(to / keyTile)];
        const before = touched[touched.length - 1];
        if (before !== undefined && first >= before[0] && first <= before[1]) before[1] = Math.max(before[1], end);
        else touched.push([first, end]);
      }
    };

    /** Rows i .. j one by one, their ends on the lines between those of the first and the last. */
    const takeRows = (i: number, j: number, present: readonly boolean[], a: RowEnds, b: RowEnds): boolean => {
      for (let row = i; row <= j; row += 1) {
        const at = (row - i) / (j - i);
        bounds.forEach((bound, e) => {
          const [p, q] = [a.position[e] ?? 0, b.position[e] ?? 0];
          current.position[e] = bound.shape.affine ? Math.round(p + (q - p) * at) : p;
          current.slot[e] = bound.shape.affine ? slots.below(current.position[e] ?? 0) : a.slot[e] ?? 0;
        });
        addRow(liveRuns(ranges, present, current));
      }
      return true;
    };

    /** One row by its expressions. */
    const takeRow = (i: number): void => {
      const ends = endsAt(rows.at(i), slots);
      addRow(liveRuns(ranges, ranges.map((r) => r.thisRow() !== 0), ends));
    };

    /** Rows i .. j of the tile; false: they must be taken in smaller pieces. */
    const take = (i: number, j: number): boolean => {
      const present: boolean[] = [];
      for (const r of ranges) {
        setRows(rows.at(i), rows.at(j));
        if (i !== j && r.someRow() === 0) {
          present.push(false);
          continue;
        }
        if (i !== j && !r.convex) return false;
        setRows(rows.at(i), rows.at(i));
        const here = r.thisRow() !== 0;
        setRows(rows.at(j), rows.at(j));
        if ((i !== j && !here) || (r.thisRow() !== 0) !== here) return false;
        present.push(here);
      }
      const a = endsAt(rows.at(i), slots);
      const b = i === j ? a : endsAt(rows.at(j), slots);
      const n = j - i + 1;
      // Rows that are not evenly spaced move along no line.
      if (i !== j && rows.step === undefined && !bounds.every((_, e) => constantSlot(e, a, b))) return false;
      const asLine = i === j || (bounds.every((_, e) => steady(e, a, b, n, slots)) && !crosses(a, b));
      if (!asLine) return bounds.every((bound, e) => bound.shape.affine || constantSlot(e, a, b)) && takeRows(i, j, present, a, b);
      const [first, last] = [liveRuns(ranges, present, a), liveRuns(ranges, present, b)];
      if (first.length !== last.length) return false;
      const hulls: [number, number][] = [];
      const cores: [number, number][] = [];
      for (let r = 0; r < first.length; r += 1) {
        const [x, y] = [first[r] ?? [0, 0], last[r] ?? [0, 0]];
        if (n > 1 && Math.abs(x[0] - y[0]) > keyTile * (n - 1)) return false;
        hulls.push([Math.min(x[0], y[0]), Math.max(x[1], y[1])]);
        cores.push([Math.max(x[0], y[0]), Math.min(x[1], y[1])]);
      }
      if (hulls.some((hull, r) => r > 0 && hull[0] <= (hulls[r - 1]?.[1] ?? 0)) && n > 1) return false;
      count.live += (n * (length(first) + length(last))) / 2;
      common = intersect(common, cores.filter(([from, to]) => from < to));
      for (const [from, to] of hulls) touched.push([Math.floor(from / keyTile), Math.ceil(to / keyTile)]);
      return true;
    };
    const halve = (i: number, j: number, depth: number): void => {
      if (take(i, j)) return;
      if (depth === maxDepth) {
        for (let row = i; row <= j; row += 1) takeRow(row);
        return;
      }
      const middle = (i + j) >> 1;
      halve(i, middle, depth + 1);
      halve(middle + 1, j, depth + 1);
    };
    halve(0, rows.count - 1, 0);
    setRows(rows.at(0), rows.at(rows.count - 1));
    count.needed = length(merged(touched));
    count.full = wholeTiles(common, slots.count, keyTile);
    return count;
  };
}
