/**
 * Races on workgroup memory, by vector clocks (section 8.1 of the PTX subset): one component per warp and one per warp for its
 * background copies, whose clock is the group number. A read needs the last write to be ordered before it, a write also every read
 * since. Cells are two bytes, so that neighbouring halves stored by two warps are no race. Also which bytes hold a value.
 */
export interface Races {
  readonly warps: number;
  /** Per byte: 0 nothing, 1 a value, 2 in flight. */
  readonly state: Uint8Array;
  readonly writer: Int16Array;
  readonly writeClock: Int32Array;
  readonly readers: Int32Array;
  readonly readClock: Int32Array;
  /** Row per warp: what it has seen of each component. */
  readonly clocks: readonly Int32Array[];
}

export function createRaces(bytes: number, warps: number): Races {
  const cells = (bytes + 1) >> 1;
  const clocks = Array.from({ length: warps }, (_, w) => {
    const clock = new Int32Array(2 * warps);
    clock[w] = 1;
    return clock;
  });
  return {
    warps, clocks, state: new Uint8Array(cells * 2), writer: new Int16Array(cells).fill(-1), writeClock: new Int32Array(cells),
    readers: new Int32Array(cells), readClock: new Int32Array(cells * warps),
  };
}

/** The component whose write is not ordered before this read, or -1. Records the read. */
export function noteRead(races: Races, warp: number, at: number, bytes: number): number {
  const seen = races.clocks[warp];
  if (seen === undefined) return -1;
  let found = -1;
  const last = (at + bytes - 1) >> 1;
  for (let cell = at >> 1; cell <= last; cell += 1) {
    const writer = races.writer[cell] ?? -1;
    if (writer >= 0 && (races.writeClock[cell] ?? 0) > (seen[writer] ?? 0)) found = writer;
    races.readers[cell] = (races.readers[cell] ?? 0) | (1 << warp);
    races.readClock[cell * races.warps + warp] = seen[warp] ?? 0;
  }
  return found;
}

/** The component whose access is not ordered before this write, or -1. `component` and `clock` are recorded as the writer. */
export function noteWrite(races: Races, warp: number, component: number, clock: number, at: number, bytes: number): number {
  const seen = races.clocks[warp];
  if (seen === undefined) return -1;
  let found = -1;
  const last = (at + bytes - 1) >> 1;
  for (let cell = at >> 1; cell <= last; cell += 1) {
    const writer = races.writer[cell] ?? -1;
    if (writer >= 0 && (races.writeClock[cell] ?? 0) > (seen[writer] ?? 0)) found = writer;
    const readers = races.readers[cell] ?? 0;
    if (readers !== 0) {
      for (let r = 0; r < races.warps; r += 1) {
        if ((readers >>> r) & 1 && (races.readClock[cell * races.warps + r] ?? 0) > (seen[r] ?? 0)) found = r;
      }
      races.readers[cell] = 0;
    }
    races.writer[cell] = component;
    races.writeClock[cell] = clock;
  }
  return found;
}

/** A barrier: the `waiters` afterwards know all that they knew together and what was `given` by those that did not wait; each begins a new epoch. */
export function joinAt(races: Races, waiters: readonly number[], given: readonly Int32Array[]): void {
  const joined = new Int32Array(2 * races.warps);
  const take = (clock: Int32Array | undefined): void => clock?.forEach((c, i) => (joined[i] = Math.max(joined[i] ?? 0, c)));
  given.forEach(take);
  for (const w of waiters) take(races.clocks[w]);
  for (const w of waiters) {
    const row = races.clocks[w];
    if (row === undefined) continue;
    row.set(joined);
    row[w] = (row[w] ?? 0) + 1;
  }
}

/** For messages: `warp 2`, or `a background copy of warp 2`. */
export function componentName(races: Races, component: number): string {
  return component < races.warps ? `warp ${component}` : `a background copy of warp ${component - races.warps}`;
}
