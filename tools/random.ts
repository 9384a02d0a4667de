/**
 * Seeded random numbers for inputs and fuzzing: the same seed gives the same numbers on every machine.
 */
export interface Random {
  /** Uniform in [0, 1). */
  readonly next: () => number;
  /** A whole number in [low, high). */
  readonly int: (low: number, high: number) => number;
  /** True with this probability. */
  readonly coin: (probability: number) => boolean;
  readonly pick: <T>(list: readonly [T, ...T[]]) => T;
  /** Standard normal. */
  readonly normal: () => number;
}

/** mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low));
  return {
    next,
    int,
    coin: (probability) => next() < probability,
    pick: (list) => list[int(0, list.length)] ?? list[0],
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** A seed that depends on both numbers. */
export function mixSeeds(a: number, b: number): number {
  return (Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x165667b1, 0xc2b2ae35)) | 0;
}
