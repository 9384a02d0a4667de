/**
 * The law of the plan level, checked by enumeration: each live pair is visited exactly once over all passes and phases, nothing
 * else contributes, `full`, `skip` and `touched` are sound, and each row is written once: by the pass that is alone with it, or by the merge
 * from the passes that share it. In: a plan, a launch, tile sizes. Out: violations; none for a correct plan.
 * The truth is the dense interpreter's mask. For tests and fuzzing: it looks at every pair.
 */
import { denseMask } from '../interpreters/dense/index.ts';
import type { Launch } from '../spec/ir.ts';
import type { Plan } from './ir.ts';
import { enterKeyTile, phaseRunner, queryTiles, type PhaseRunner, type Positions } from './walk.ts';
import { at, worldOf, type Geometry, type World } from './world.ts';

export interface Violation {
  readonly kind: 'missed' | 'twice' | 'dead' | 'full' | 'skip' | 'step' | 'tests' | 'row' | 'merge';
  readonly b: number;
  readonly h: number;
  readonly q: number;
  /** -1 where the row is at fault. */
  readonly k: number;
  /** `pass/phase` that was at fault, where one was. */
  readonly where: string;
}

/** At most this many are reported. */
const maxViolations = 8;

export function printViolation(v: Violation): string {
  const what = {
    missed: 'is live but never visited',
    twice: 'is visited twice',
    dead: 'is not live but contributes',
    full: 'fails the predicate in a tile called full',
    skip: 'satisfies the predicate in a tile that is skipped',
    step: 'satisfies the predicate in a step of a partial tile that is said to hold none',
    tests: 'is judged differently by the conjuncts that its tile asks and by the predicate',
    row: 'is a row that is not written once, or not by those that see keys for it',
    merge: 'is a row to merge in a run that is said to hold none',
  }[v.kind];
  return `(q ${v.q}, k ${v.k}) of batch ${v.b}, head ${v.h} ${what}${v.where === '' ? '' : ` (${v.where})`}`;
}

/** For each key of the tile, whether some range of keys around it is said to hold no pair: steps of several sizes are asked. */
function idleKeys(runner: PhaseRunner, world: World, keys: Positions): readonly boolean[] {
  const idle = Array.from({ length: keys.count }, () => false);
  for (const step of [1, 3, 8]) {
    for (let from = 0; from < keys.count; from += step) {
      enterKeyTile(world, keys, from / step, step);
      if (!runner.touched()) idle.fill(true, from, from + step);
    }
  }
  return idle;
}

/** Who writes a row, and who has seen a key for it. */
interface Writers {
  alone: number;
  readonly shared: Set<number>;
  readonly seen: Set<number>;
}

/** Whether every pass that sees keys for the row is among those that write it, and those are one or the merge. */
function writtenOnce({ alone, shared, seen }: Writers, merged: boolean, isAlone: (pass: number) => boolean): boolean {
  if (merged) return alone === 0 && shared.size > 0 && [...seen].every((pass) => shared.has(pass));
  return alone === 1 && shared.size === 0 && [...seen].every(isAlone);
}

/** The violations of one launch. */
export function checkCoverage(plan: Plan, launch: Launch, geometry: Geometry): readonly Violation[] {
  const found: Violation[] = [];
  const { batch, heads, nQ, nK } = launch.sizes;
  const mask = denseMask(plan.spec, launch);
  const world = worldOf(plan, launch);
  const { values } = world;
  const runners = plan.passes.map((pass) => pass.phases.map((phase) => phaseRunner(phase, world, geometry)));
  const owns = plan.passes.map((pass) => ({ serves: world.run(pass.serves), alone: world.run(pass.alone), shared: world.run(pass.shared) }));
  const [mergedRow, mergedTile] = [world.run(plan.merged.rows), world.run(plan.merged.tiles)];
  const seen = new Uint8Array(nQ * nK);
  for (let b = 0; b < batch; b += 1) {
    for (let h = 0; h < heads; h += 1) {
      const live = mask.subarray((b * heads + h) * nQ * nK, (b * heads + h + 1) * nQ * nK);
      const report = (kind: Violation['kind'], q: number, k: number, where: string): void => {
        if (found.length < maxViolations) found.push({ kind, b, h, q, k, where });
      };
      seen.fill(0);
      values[at.b] = b;
      values[at.h] = h;
      const writers = Array.from({ length: nQ }, (): Writers => ({ alone: 0, shared: new Set(), seen: new Set() }));
      plan.passes.forEach((pass, passIndex) => {
        queryTiles(pass, world, geometry.queryTile, (rows) => {
          for (let i = 0; i < rows.count; i += 1) {
            values[at.q] = rows.at(i);
            const row = writers[rows.at(i) - nK + nQ];
            if (row === undefined) continue;
            if (owns[passIndex]?.alone() !== 0) row.alone += 1;
            if (owns[passIndex]?.shared() !== 0) row.shared.add(passIndex);
          }
          for (const runner of runners[passIndex] ?? []) {
            const where = `${pass.name}/${runner.phase.name}`;
            const slots = runner.slots();
            for (const [from, to] of runner.runs(slots)) {
              for (let t = from; t < to; t += 1) {
                const keys = enterKeyTile(world, slots, t, geometry.keyTile);
                const skip = runner.skip();
                const full = runner.full();
                const asked = runner.asked();
                const idle = idleKeys(runner, world, keys);
                enterKeyTile(world, slots, t, geometry.keyTile);
                for (let i = 0; i < rows.count; i += 1) {
                  const q = rows.at(i);
                  values[at.q] = q;
                  // Nobody reads what a tile makes of a row that its pass does not serve.
                  if (owns[passIndex]?.serves() === 0) continue;
                  for (let j = 0; j < keys.count; j += 1) {
                    const k = keys.at(j);
                    values[at.k] = k;
                    const holds = runner.predicate();
                    if (skip && holds) report('skip', q, k, where);
                    if (full && !holds) report('full', q, k, where);
                    if (!full && idle[j] === true && holds) report('step', q, k, where);
                    const kept = full || asked.every((test) => test());
                    if (!skip && !full && kept !== holds) report('tests', q, k, where);
                    if (skip || !kept) continue;
                    const pair = (q - nK + nQ) * nK + k;
                    writers[q - nK + nQ]?.seen.add(passIndex);
                    if (live[pair] === 0) report('dead', q, k, where);
                    if (seen[pair] !== 0) report('twice', q, k, where);
                    seen[pair] = 1;
                  }
                }
              }
            }
          }
        });
      });
      writers.forEach((row, i) => {
        const q = i + nK - nQ;
        values[at.q] = q;
        if (!writtenOnce(row, mergedRow() !== 0, (pass) => owns[pass]?.alone() !== 0)) report('row', q, -1, '');
        values[at.qFirst] = Math.max(nK - nQ, q - 2);
        values[at.qLast] = q;
        if (mergedRow() !== 0 && mergedTile() === 0) report('merge', q, -1, '');
      });
      for (let pair = 0; pair < seen.length; pair += 1) {
        if (live[pair] !== 0 && seen[pair] === 0) report('missed', Math.floor(pair / nK) + nK - nQ, pair % nK, '');
      }
    }
  }
  return found;
}
