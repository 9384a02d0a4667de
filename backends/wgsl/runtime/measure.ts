/**
 * Comparing the cost of runs side by side. In: variants, each a function that runs once. Out: CPU and wall milliseconds (and
 * the device's own time, where runs tell it) as median, least and most. Holds: variants take turns within each round, so
 * that a change of the machine's mood meets all alike; only ratios of such figures mean something (webgpu-notes section 6).
 */
export interface Variant {
  readonly name: string;
  /** One whole run, awaited to its end. */
  readonly run: () => Promise<{ readonly gpuNanoseconds?: number }>;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Measured {
  readonly name: string;
  readonly rounds: number;
  /** Of all threads of this process: the honest cost on software drivers, which run inside it. */
  readonly cpuMs: Spread;
  readonly wallMs: Spread;
  /** The device's clock; absent where it has none. */
  readonly gpuMs?: Spread;
}

/** Milliseconds since any fixed moment. */
export interface Clock {
  readonly cpu: () => number;
  readonly wall: () => number;
}

/** The clock of a Node process. */
export const processClock: Clock = {
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  wall: () => performance.now(),
};

export interface MeasureOptions {
  /** At least 5 for a figure worth printing. */
  readonly rounds: number;
  /** Rounds that are not counted: compilation and caches. */
  readonly warmUp: number;
  readonly clock?: Clock;
  /** Called after each round, for a progress line. */
  readonly onRound?: (done: number, all: number) => void;
}

/** Median, least and most of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, least: at(0), most: at(sorted.length - 1) };
}

interface Sample {
  readonly variant: string;
  readonly cpu: number;
  readonly wall: number;
  readonly gpu: number | undefined;
}

async function sample(variant: Variant, clock: Clock): Promise<Sample> {
  const cpu = clock.cpu();
  const wall = clock.wall();
  const { gpuNanoseconds } = await variant.run();
  return { variant: variant.name, cpu: clock.cpu() - cpu, wall: clock.wall() - wall, gpu: gpuNanoseconds === undefined ? undefined : gpuNanoseconds / 1e6 };
}

/** Runs the variants in turns and gives their costs in the order of the variants. */
export async function measure(variants: readonly Variant[], options: MeasureOptions): Promise<readonly Measured[]> {
  const { rounds, warmUp, clock = processClock, onRound } = options;
  const samples: Sample[] = [];
  for (let round = 0; round < warmUp + rounds; round += 1) {
    for (const variant of variants) {
      const taken = await sample(variant, clock);
      if (round >= warmUp) samples.push(taken);
    }
    onRound?.(round + 1, warmUp + rounds);
  }
  return variants.map(({ name }) => {
    const own = samples.filter((s) => s.variant === name);
    const gpu = own.flatMap((s) => (s.gpu === undefined ? [] : [s.gpu]));
    const figures = { name, rounds, cpuMs: spreadOf(own.map((s) => s.cpu)), wallMs: spreadOf(own.map((s) => s.wall)) };
    return gpu.length === own.length && gpu.length > 0 ? { ...figures, gpuMs: spreadOf(gpu) } : figures;
  });
}
