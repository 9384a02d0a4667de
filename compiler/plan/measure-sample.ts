/**
 * Estimating a phase whose tiles must be asked. In: a phase, and how many query tiles there are. Out: a counter that looks at evenly
 * spaced query tiles and lets the last one it looked at stand for those between. Runs of key tiles are found by
 * halving: a range of keys that the abstract domain calls empty or full is counted whole. Deterministic.
 */
import { noCount, type Count, type PhaseCounter } from './count.ts';
import type { Phase } from './ir.ts';
import { wideMap } from './make-plan.ts';
import { enterKeyTile, phaseRunner, type Positions, type Runs } from './walk.ts';
import { at, type Geometry, type World } from './world.ts';

/** Query tiles looked at. */
const maxQueryTiles = 48;
/** Questions about ranges of key tiles, for one query tile, and the chunks that share them. */
const maxQuestions = 1024;
const chunks = 64;
/** Its multiples are spread evenly over 0 .. 1 for any number of them. */
const goldenRatio = 0.6180339887;
/** Partial tiles whose pairs are counted, for one query tile. */
const maxCounted = 6;

interface Looked {
  /** Tiles that are visited, and whether all their pairs are live. */
  readonly leaves: readonly { readonly tile: number; readonly full: boolean }[];
  /** Tiles of the walk that were not asked about. */
  readonly unseen: number;
  readonly asked: number;
}

/** A counter that is exact for the tiles it looks at only; `queryTileCount` query tiles will be asked of it. */
export function sampleCounter(phase: Phase, world: World, geometry: Geometry, queryTileCount: number): PhaseCounter {
  const runner = phaseRunner(phase, world, geometry);
  const wide = phase.walk.kind === 'map' ? wideMap(world.plan.spec, phase.walk.table) : undefined;
  const [needed, allLive] = wide === undefined ? [undefined, undefined] : [world.run(wide.needed), world.run(wide.full)];
  const empty = needed === undefined ? runner.empty : () => needed() === 0;
  const isFull = allLive === undefined ? runner.full : () => allLive() !== 0;
  const every = Math.max(1, Math.floor(queryTileCount / maxQueryTiles));
  const { values } = world;
  const { keyTile } = geometry;

  /** Asks ranges of tiles of the runs, halving those that are neither empty nor full. */
  const explore = (slots: Positions, runs: Runs): Looked => {
    const leaves: { tile: number; full: boolean }[] = [];
    const total = runs.reduce((sum, [from, to]) => sum + to - from, 0);
    let unseen = 0;
    let budget = 0;
    const go = (from: number, to: number): void => {
      if (budget <= 0) {
        unseen += to - from;
        return;
      }
      budget -= 1;
      values[at.kFirst] = slots.at(from * keyTile);
      values[at.kLast] = slots.at(Math.min(slots.count, to * keyTile) - 1);
      if (empty()) return;
      const full = isFull();
      if (full || to - from === 1) {
        for (let t = from; t < to; t += 1) leaves.push({ tile: t, full });
        return;
      }
      const middle = (from + to) >> 1;
      go(from, middle);
      go(middle, to);
    };
    // In chunks spread over the walk, each with its share of the questions, so that what is not asked is spread as well.
    const chunk = Math.max(1, Math.ceil(total / chunks));
    for (const [from, to] of runs) {
      for (let first = from; first < to; first += chunk) {
        // What a chunk does not use is left to the next.
        budget += maxQuestions / chunks;
        go(first, Math.min(to, first + chunk));
      }
    }
    return { leaves, unseen, asked: total };
  };

  const livePairs = (rows: Positions, keys: Positions): number => {
    let live = 0;
    for (let i = 0; i < rows.count; i += 1) {
      values[at.q] = rows.at(i);
      for (let j = 0; j < keys.count; j += 1) {
        values[at.k] = keys.at(j);
        if (runner.predicate()) live += 1;
      }
    }
    return live;
  };

  const look = (rows: Positions): Count => {
    const slots = runner.slots();
    const tiles = Math.ceil(slots.count / keyTile);
    const runs: Runs = phase.walk.kind === 'map' ? (tiles > 0 ? [[0, tiles]] : []) : runner.runs(slots);
    const { leaves, unseen, asked } = explore(slots, runs);
    const count: Count = { ...noCount, tiles, estimated: true };
    const step = Math.max(1, Math.floor(leaves.filter((l) => !l.full).length / maxCounted));
    let partial = 0;
    let counted = 0;
    let live = 0;
    let needed = 0;
    for (const { tile, full } of leaves) {
      const keys = enterKeyTile(world, slots, tile, keyTile);
      count.visited += 1;
      count.keys += keys.count;
      if (full) {
        count.full += 1;
        count.needed += 1;
        count.live += rows.count * keys.count;
        continue;
      }
      partial += 1;
      if (partial % step !== 0) continue;
      const here = livePairs(rows, keys);
      counted += 1;
      live += here;
      if (here > 0) needed += 1;
    }
    const partialScale = counted > 0 ? partial / counted : 0;
    count.live += live * partialScale;
    count.needed += needed * partialScale;
    const scale = asked > unseen ? asked / (asked - unseen) : 1;
    return {
      ...count,
      live: count.live * scale, needed: count.needed * scale, visited: count.visited * scale, full: count.full * scale, keys: count.keys * scale,
    };
  };

  // Within each group of `every` tiles another place is looked at, lest the spacing fall in step with blocks of the mask.
  const place = (group: number): number => Math.floor(((group * goldenRatio) % 1) * every);
  let index = -1;
  let known: Count = noCount;
  return (rows) => {
    index += 1;
    if (index === 0 || index % every === place(Math.floor(index / every))) known = look(rows);
    return known;
  };
}
