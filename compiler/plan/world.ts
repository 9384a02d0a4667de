/**
 * One launch of a plan on the host: names, values and tensors for running its expressions. In: a plan, a launch, and the tile sizes.
 * Out: a compiler of expressions whose closures read `values`, which the walker sets as it goes.
 */
import { compileExpr, type HostTensor } from '../expr/evaluate.ts';
import type { Expr } from '../expr/ir.ts';
import { withDefaults } from '../spec/check-launch.ts';
import type { Launch } from '../spec/ir.ts';
import { rangeReader } from './range-reads.ts';
import { makeListTable } from './tables.ts';
import type { Plan } from './ir.ts';

/** Rows and keys of a tile. */
export interface Geometry {
  readonly queryTile: number;
  readonly keyTile: number;
}

/** Slots of the names that change while walking. */
export const at = { q: 0, k: 1, qFirst: 2, qLast: 3, kFirst: 4, kLast: 5, h: 6, b: 7 } as const;
const moving = ['q', 'k', 'q_first', 'q_last', 'k_first', 'k_last', 'h', 'b'];

export interface World {
  readonly plan: Plan;
  readonly launch: Launch;
  readonly values: Float64Array;
  /** Parameters and the tables of lists. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** The value of an expression under the current `values`. */
  readonly run: (e: Expr) => () => number;
}

/** The world of a launch: parameters, sizes, extents of free axes, and the tables of lists. */
export function worldOf(plan: Plan, given: Launch): World {
  const launch = withDefaults(plan.spec, given);
  const { sizes } = launch;
  const names = [...moving, 'n_q', 'n_k', 'heads', 'kv_heads', 'batch', 'dim'];
  const values = [0, 0, 0, 0, 0, 0, 0, 0, sizes.nQ, sizes.nK, sizes.heads, sizes.kvHeads, sizes.batch, sizes.dim];
  for (const s of plan.spec.scalars) {
    names.push(s.name);
    values.push(launch.scalars.get(s.name) ?? 0);
  }
  for (const t of plan.spec.tensors) {
    t.axes.forEach((axis, i) => {
      if (axis.kind !== 'free') return;
      names.push(`${t.name}.${axis.name}`);
      values.push(launch.tensors.get(t.name)?.extents[i] ?? 0);
    });
  }
  const tensors = new Map<string, HostTensor>(launch.tensors);
  for (const table of plan.tables) {
    if (table.kind !== 'map') tensors.set(table.name, makeListTable(table, sizes, tensors));
  }
  const current = Float64Array.from(values);
  const ranges = rangeReader(tensors);
  return {
    plan, launch, values: current, tensors,
    run: (e) => {
      const compiled = compileExpr(e, names, ranges, tensors);
      return () => compiled(current);
    },
  };
}
