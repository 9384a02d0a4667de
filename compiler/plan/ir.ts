/**
 * The plan: what is computed in which order, still free of lanes and memory. An attention becomes a few *tables*
 * (small derived tensors made on the device first), one or more *passes* over the query rows, and, when a row is
 * served by more than one pass (or keys are split), a merge of partial softmax states.
 *
 * A pass arranges the query rows into tiles; each of its *phases* arranges the keys into tiles and walks some of
 * them. Row i of a query tile and column j of a key tile stand at positions q and k; the pair contributes iff the
 * phase's `predicate` holds, the pass serves the row, and both positions exist.
 *
 * What every plan must satisfy (plan/coverage.ts checks it by enumeration): each live pair is visited exactly once
 * over all passes and phases, nothing else contributes; `full` and `skip` are sound.
 *
 * Names in scope, besides h b, sizes, launch scalars and extents:
 *   tile level     q_first q_last   positions of the first and last existing row of the query tile
 *                  k_first k_last   positions of the first and last existing key of the key tile
 *   element level  q k
 * `read` may name derived tables as well as parameters.
 */
import type { Origin } from '../../dsl/span.ts';
import type { Expr } from '../expr/ir.ts';
import type { Spec } from '../spec/ir.ts';

/**
 * Derived tables, in the order in which they are made.
 * - marks: a bit set over positions, from a list parameter. Stored as int words [leading extents.., ceil(domain / 32)];
 *   bit i of word w is position-index 32 w + i. Domain index of x: keys: x (0 <= x < n_k); queries: x - (n_k - n_q)
 *   (n_q indices); slashes: x + n_q - 1, for x = q - k (n_q + n_k - 1 indices).
 * - sorted: the distinct marked indices of a marks table of the same domain, ascending: int [leading.., capacity + 1]; entry 0 of
 *   the last axis is the count, entries 1.. the indices (of queries: rows). Capacity = the list parameter's open extent.
 * - map: two bits per (query tile, key tile) of `rows` and keys in order: int words [2, batch or 1, heads or 1,
 *   query tiles, ceil(key tiles / 32)], 0 for tiles without rows; plane 0 `needed` (a superset of the tiles holding a live pair), plane 1
 *   `full` (a subset of the tiles in which every existing pair is live). Bit i of word w is key tile 32 w + i.
 */
export type Table =
  | {
      readonly kind: 'marks';
      readonly name: string;
      readonly domain: 'keys' | 'queries' | 'slashes';
      /**
       * Tensor; its last axis is the list, axes before it are batch / heads / kv_heads in order. A bool tensor is the set itself: by key, by
       * query row, or by distance.
       */
      readonly list: string;
      readonly origin: Origin;
    }
  | {
      readonly kind: 'sorted';
      readonly name: string;
      readonly domain: 'keys' | 'queries';
      readonly marks: string;
      readonly list: string;
      readonly origin: Origin;
    }
  | {
      readonly kind: 'map';
      readonly name: string;
      readonly rows: MappedRows;
      /** bool, tile level. */
      readonly needed: Expr;
      /** bool, tile level. */
      readonly full: Expr;
      readonly perBatch: boolean;
      readonly perHead: boolean;
      readonly origin: Origin;
    };

/**
 * How query rows are put into tiles.
 * - contiguous: tile t holds rows t*T .. t*T + T-1.
 * - residue: rows are grouped by class; class c in [0, min(modulus, n_q)) holds rows c, c + modulus, c + 2 modulus, ...;
 *   a tile holds T consecutive members of one class. `only`: just the class of positions congruent to this expression.
 *   modulus >= 1 is required of the launch.
 * - listed: rows in a sorted table of queries, T consecutive entries a tile; q_first/q_last are the positions of the first and last.
 */
export type RowArrangement =
  | { readonly kind: 'contiguous' }
  | { readonly kind: 'residue'; readonly modulus: Expr; readonly only?: Expr }
  | { readonly kind: 'listed'; readonly table: string; readonly leading: readonly Expr[] };

/** Rows of which a tile map can be made. */
export type MappedRows = Exclude<RowArrangement, { readonly kind: 'residue' }>;

/**
 * How keys are put into tiles.
 * - contiguous: key tile t holds keys t*T ..
 * - residue: keys congruent to `residue` mod `modulus`, ascending, T consecutive members a tile. `residue` is tile level
 *   and may use q_first (constant over a residue row tile).
 * - listed: members of a sorted table, T consecutive entries a tile; k_first/k_last are the first and last entry's positions.
 */
export type KeyArrangement =
  | { readonly kind: 'contiguous' }
  | { readonly kind: 'residue'; readonly modulus: Expr; readonly residue: Expr }
  | { readonly kind: 'listed'; readonly table: string; readonly leading: readonly Expr[] };

/** Key positions `from` <= k < `to` (tile level expressions in q_first, q_last); empty when to <= from. */
export interface KeyRange {
  readonly from: Expr;
  readonly to: Expr;
}

/**
 * Which key tiles a query tile walks, each once, ascending.
 * - ranges: every tile that holds a position of some range (ranges may overlap; tiles are still visited once).
 * - map: the tiles whose `needed` bit is set.
 */
export type Walk =
  | { readonly kind: 'ranges'; readonly ranges: readonly KeyRange[] }
  | { readonly kind: 'map'; readonly table: string };

/**
 * One question of a partial tile, and when the tile need not ask it. The existing pairs of a walked tile that answer all questions that
 * their tile does not imply are exactly those that satisfy the phase's predicate.
 */
export interface PhaseTest {
  /** bool, element level. */
  readonly predicate: Expr;
  /** bool, tile level: every existing pair of the tile answers it, or it belongs to another case of the mask. */
  readonly implied: Expr;
}

export interface Phase {
  readonly name: string;
  readonly keys: KeyArrangement;
  readonly walk: Walk;
  /** bool, tile level: true only if no pair of the tile satisfies `predicate`. Literal false when never known. */
  readonly skip: Expr;
  /**
   * bool, tile level, asked of the key steps of partial tiles: false only if no pair of the range of keys satisfies `predicate`. Literal
   * true where asking would cost more than it saves.
   */
  readonly touched: Expr;
  /**
   * bool, tile level: true only if every existing pair of the tile satisfies `predicate`. A phase that walks a map leaves it false: the
   * map's `full` plane says it.
   */
  readonly full: Expr;
  /** bool, element level; what a partial tile must still ask (the walk, the arrangement and that the pass serves the row may be assumed). */
  readonly predicate: Expr;
  /** The same predicate as questions: a partial tile asks only those that it does not imply. */
  readonly tests: readonly PhaseTest[];
  /** The mask parts this phase serves. */
  readonly origin: Origin;
}

/**
 * A pass and the rows of its arrangement that are its own. Of each row either one pass holds `alone` and no other contributes to it, or
 * none does and those that contribute hold `shared`: a row of one pass is finished there, a row of several is merged.
 */
export interface Pass {
  readonly name: string;
  readonly rows: RowArrangement;
  readonly phases: readonly Phase[];
  /** bool of q: false for rows whose pairs do not count here (none of them is live); implies that the arrangement holds the row. */
  readonly serves: Expr;
  /** bool of q: the row is finished here. Rows that no pass serves are finished (empty) by a pass that arranges all rows. */
  readonly alone: Expr;
  /** bool of q: the pass serves the row and others do. */
  readonly shared: Expr;
  readonly origin: Origin;
}

export type StrategyName = 'closed-form' | 'permutation' | 'tile-map' | 'given-lists';

export interface Plan {
  readonly name: string;
  /** The spec, with the requirements that the plan's arithmetic adds (algebra/launch-requirements.ts). */
  readonly spec: Spec;
  readonly tables: readonly Table[];
  /** At least one (a mask that is `none` keeps one pass without phases). */
  readonly passes: readonly Pass[];
  /** Rows to merge: `rows`, a bool of q, where some pass holds `shared`; `tiles`, of q_first and q_last, false only for runs of rows without one. */
  readonly merged: { readonly rows: Expr; readonly tiles: Expr };
  /** Distinct strategies in use, the dominant one first. */
  readonly strategies: readonly StrategyName[];
  /** Sentences for the user: what was chosen for which part of the mask, and why not something better. */
  readonly reasons: readonly string[];
}
