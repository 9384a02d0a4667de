/**
 * A schedule: how one kernel uses a machine. Chosen from the capability record and the shape of the work (choose-schedule.ts),
 * pinned in part by the source, and passed explicitly: no pass has geometry of its own. A schedule changes speed, never the result.
 */
export interface Schedule {
  /**
   * rows-on-lanes: each lane owns `rowsPerLane` whole query rows (prefill).
   * keys-on-lanes: every lane holds all rows of the tile for its own share of the keys; sums are combined at the end (decode).
   * fragments: each 32 lanes own 8 * `rowsPerLane` query rows, whose scores and outputs they hold as sums of matrix operations; K, V and Q are
   * copied to workgroup memory in the background. 16-bit storage, head dimensions that are multiples of 8, keyStep a multiple of 16.
   */
  readonly layout: 'rows-on-lanes' | 'keys-on-lanes' | 'fragments';
  /** Lanes of a workgroup. */
  readonly lanes: number;
  /** rows-on-lanes: query rows a lane owns; query tile = lanes * rowsPerLane. keys-on-lanes: rows of the tile. fragments: rows a lane has a part of, even. */
  readonly rowsPerLane: number;
  /** Keys between two softmax updates; divides keyTile. keys-on-lanes: a multiple of lanes. */
  readonly keyStep: number;
  /** Keys of the tile that the mask is asked about. */
  readonly keyTile: number;
  /**
   * Where the `dot` atoms take the streamed operand (K, V) from:
   * direct: every lane reads it from the buffer; shuffle: each lane reads one key, subgroup shuffles hand it round;
   * workgroup: staged in workgroup memory.
   */
  readonly operand: 'direct' | 'shuffle' | 'workgroup';
  /** Lanes whose shuffles may be counted on (the target's smallest subgroup). */
  readonly subgroup: number;
  /**
   * Where a lane keeps its query rows and output rows ([rows, dim] tiles).
   * fragments: where fragments of Q are taken from at each step (registers: once, workgroup: each time); outputs are in registers.
   * registers: named variables, everything unrolled. arrays: private arrays, indexed by constants in the unrolled dots and by a rolled
   * loop everywhere else (loading, scaling at the start, storing). workgroup: workgroup memory, dots rolled by chunkUnroll too, in loops that
   * drivers cannot unroll.
   * Measured on SwiftShader (dense causal, N = 1024, D = 64, one subgroup a workgroup): arrays run as fast as registers and compile
   * 4x sooner (1.5 s against 6.2 s); 4 lanes x 8 rows, keyStep 4: 552-598 CPU-ms, 8 x 4: 677-741, 16 x 4 rows: 740; keyStep 8 is slower
   * (735-910) and compiles twice as long. Hence the default there: lanes = subgroup, rowsPerLane 8, keyStep = subgroup, arrays.
   */
  readonly rowStorage: 'registers' | 'arrays' | 'workgroup';
  /** Chunks of 4 head-dim elements unrolled in a row; the loop over the rest is rolled. Registers need all chunks unrolled. */
  readonly chunkUnroll: number;
}

/** Query rows of a tile. */
export function queryTileOf(schedule: Schedule): number {
  switch (schedule.layout) {
    case 'rows-on-lanes':
      return schedule.lanes * schedule.rowsPerLane;
    case 'keys-on-lanes':
      return schedule.rowsPerLane;
    case 'fragments':
      return (schedule.lanes / 32) * 8 * schedule.rowsPerLane;
  }
}
