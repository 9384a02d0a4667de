/**
 * Measuring side by side. In: variants, each a function that does the work once. Out: for each the CPU time of its runs. The
 * variants are interleaved (A B C A B C ...) after a warm-up, because a shared machine is slower at times and faster at others. CPU time
 * of this process is the measure: software drivers compute inside it.
 */
export interface Variant {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export interface Timing {
  readonly name: string;
  /** CPU milliseconds of each round. */
  readonly rounds: readonly number[];
  readonly median: number;
  readonly minimum: number;
  /** (largest - smallest) / median. */
  readonly spread: number;
  /** Median wall time, milliseconds. */
  readonly wall: number;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

async function once(run: () => Promise<void>): Promise<{ readonly cpu: number; readonly wall: number }> {
  const start = performance.now();
  const before = process.cpuUsage();
  await run();
  const used = process.cpuUsage(before);
  return { cpu: (used.user + used.system) / 1000, wall: performance.now() - start };
}

/** Runs all variants `rounds` times in turn, after one run each that does not count, unless they are `warm` already. */
export async function interleave(variants: readonly Variant[], rounds: number, said: (name: string, round: number) => void = () => undefined, warm = false): Promise<readonly Timing[]> {
  const measured = variants.map(() => ({ cpu: new Array<number>(), wall: new Array<number>() }));
  for (let round = warm ? 0 : -1; round < rounds; round += 1) {
    for (const [i, variant] of variants.entries()) {
      said(variant.name, round);
      const { cpu, wall } = await once(variant.run);
      if (round < 0) continue;
      measured[i]?.cpu.push(cpu);
      measured[i]?.wall.push(wall);
    }
  }
  return variants.map(({ name }, i) => {
    const cpu = measured[i]?.cpu ?? [];
    const median = medianOf(cpu);
    const minimum = Math.min(...cpu);
    return { name, rounds: cpu, median, minimum, spread: (Math.max(...cpu) - minimum) / median, wall: medianOf(measured[i]?.wall ?? []) };
  });
}
