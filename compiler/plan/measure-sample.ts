/**
 * Estimating a phase whose tiles must be asked. In: a phase, and how many query tiles there are. Out: a counter that looks at evenly
 * spaced query tiles and lets the last one it looked at stand for those between. Runs of key tiles are found by
 * halving: a range of keys that the abstract domain calls empty or full is counted whole. Deterministic.
 */
import { noCount, type Count, type PhaseCounter } from './count.ts';
import type { Phase } from './ir.ts';
import { enterKeyTile, enterQueryTile, phaseRunner, type Positions } from './walk.ts';
import { at, type Geometry, type World } from './world.ts';

/** Query tiles looked at. */
const maxQueryTiles = 48;
/** Questions about ranges of keys, for one query tile. */
const maxQuestions = 1024;
/** Partial tiles whose pairs are counted, for one query tile. */
const maxCounted = 6;

interface Leaf {
  readonly tile: number;
  readonly full: boolean;
}

/** A counter that is exact for the tiles it looks at only. */
export function sampleCounter(phase: Phase, world: World, geometry: Geometry, queryTileCount: number): PhaseCounter {
  const runner = phaseRunner(phase, world, geometry);
  const name = phase.walk.kind === 'map' ? phase.walk.table : undefined;
  const table = world.plan.tables.find((t) => t.name === name);
  const needed = table?.kind === 'map' ? world.run(table.needed) : undefined;
  const full = table?.kind === 'map' ? world.run(table.full) : undefined;
  const every = Math.max(1, Math.floor(queryTileCount / maxQueryTiles));
  const { values } = world;
  const { keyTile } = geometry;
  let index = -1;
  let known: Count = noCount;

  /** Tiles of a map that are visited; ranges of tiles that are empty or full cost one question. */
  const fromMap = (slots: Positions, tiles: number, questions: { left: number }): { readonly leaves: Leaf[]; unseen: number } => {
    const leaves: Leaf[] = [];
    let unseen = 0;
    const go = (from: number, to: number): void => {
      if (from >= to) return;
      if (questions.left <= 0) {
        unseen += to - from;
        return;
      }
      questions.left -= 1;
      values[at.kFirst] = slots.at(from * keyTile);
      values[at.kLast] = slots.at(Math.min(slots.count, to * keyTile) - 1);
      if (needed !== undefined && needed() === 0) return;
      const all = full !== undefined && full() !== 0;
      if (all || to - from === 1) {
        for (let t = from; t < to; t += 1) leaves.push({ tile: t, full: all });
        return;
      }
      const middle = (from + to) >> 1;
      go(from, middle);
      go(middle, to);
    };
    // From chunks spread over the keys, so that a budget that runs out has seen all of them.
    const chunk = Math.max(1, Math.ceil(tiles / 64));
    for (let from = 0; from < tiles; from += chunk) {
      const before = questions.left;
      const share = Math.max(8, Math.floor(maxQuestions / 64));
      const budget = { left: Math.min(before, share) };
      const outer = questions.left;
      questions.left = budget.left;
      go(from, Math.min(tiles, from + chunk));
      questions.left = outer - (budget.left - questions.left);
    }
    return { leaves, unseen };
  };

  const fromRanges = (slots: Positions): Leaf[] => {
    const leaves: Leaf[] = [];
    const runs = runner.runs(slots);
    for (const [from, to] of runs) for (let t = from; t < to; t += 1) leaves.push({ tile: t, full: false });
    return leaves;
  };

  const look = (rows: Positions): Count => {
    const slots = runner.slots();
    const tiles = Math.ceil(slots.count / keyTile);
    const count: Count = { ...noCount, tiles, estimated: true };
    const { leaves, unseen } = phase.walk.kind === 'map' ? fromMap(slots, tiles, { left: maxQuestions }) : { leaves: fromRanges(slots), unseen: 0 };
    const step = Math.max(1, Math.floor(leaves.filter((l) => !l.full).length / maxCounted));
    let partial = 0;
    let counted = 0;
    let countedLive = 0;
    let countedNeeded = 0;
    let pending = 0;
    for (const leaf of leaves) {
      const keys = enterKeyTile(world, slots, leaf.tile, keyTile);
      if (phase.walk.kind === 'ranges' && runner.skip()) continue;
      count.visited += 1;
      count.keys += keys.count;
      if (leaf.full || (phase.walk.kind === 'ranges' && runner.full())) {
        count.full += 1;
        count.needed += 1;
        count.live += rows.count * keys.count;
        continue;
      }
      partial += 1;
      pending += 1;
      if (pending < step) continue;
      pending = 0;
      let live = 0;
      for (let i = 0; i < rows.count; i += 1) {
        values[at.q] = rows.at(i);
        for (let j = 0; j < keys.count; j += 1) {
          values[at.k] = keys.at(j);
          if (runner.predicate()) live += 1;
        }
      }
      counted += 1;
      countedLive += live;
      if (live > 0) countedNeeded += 1;
    }
    if (counted > 0) {
      count.live += (countedLive * partial) / counted;
      count.needed += (countedNeeded * partial) / counted;
    }
    const seen = tiles - unseen;
    if (unseen > 0 && seen > 0) {
      const scale = tiles / seen;
      count.live *= scale;
      count.needed *= scale;
      count.visited *= scale;
      count.full *= scale;
      count.keys *= scale;
    }
    return count;
  };

  return (rows) => {
    index += 1;
    if (index % every === 0) {
      enterQueryTile(world, rows);
      known = look(rows);
    }
    return known;
  };
}
