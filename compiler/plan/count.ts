/**
 * What one phase does for one query tile, counted. In and out of the measuring files: a counter takes the rows of the query tile that
 * is set and says how many tiles and pairs the phase visits.
 */
import type { Positions } from './walk.ts';

export interface Count {
  live: number;
  needed: number;
  visited: number;
  full: number;
  /** Keys of visited tiles. */
  keys: number;
  /** Key tiles of the arrangement. */
  tiles: number;
  estimated: boolean;
}

export const noCount: Readonly<Count> = { live: 0, needed: 0, visited: 0, full: 0, keys: 0, tiles: 0, estimated: false };

export type PhaseCounter = (rows: Positions) => Count;
