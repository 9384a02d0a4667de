/**
 * How well bytes were expected. In: logits [n, 256] and the bytes that came. Out: for each byte its cost in nats and whether it was the
 * likeliest, in float64.
 */
export interface Scored {
  /** Minus the logarithm of the probability of the byte. */
  readonly nats: Float64Array;
  /** 1 where no other byte was likelier; of equals the lowest counts. */
  readonly hits: Uint8Array;
}

const bytes = 256;

export function scoreBytes(logits: ArrayLike<number>, targets: Uint8Array): Scored {
  const nats = new Float64Array(targets.length);
  const hits = new Uint8Array(targets.length);
  targets.forEach((target, i) => {
    let best = 0;
    for (let o = 0; o < bytes; o += 1) if ((logits[i * bytes + o] ?? NaN) > (logits[i * bytes + best] ?? NaN)) best = o;
    const top = logits[i * bytes + best] ?? NaN;
    let total = 0;
    for (let o = 0; o < bytes; o += 1) total += Math.exp((logits[i * bytes + o] ?? NaN) - top);
    nats[i] = Math.log(total) + top - (logits[i * bytes + target] ?? NaN);
    hits[i] = best === target ? 1 : 0;
  });
  return { nats, hits };
}

/** The byte that is expected most at a position. */
export function likeliest(logits: ArrayLike<number>, position: number): number {
  let best = 0;
  for (let o = 1; o < bytes; o += 1) if ((logits[position * bytes + o] ?? NaN) > (logits[position * bytes + best] ?? NaN)) best = o;
  return best;
}

export function mean(values: Iterable<number>): number {
  let [total, count] = [0, 0];
  for (const value of values) [total, count] = [total + value, count + 1];
  return count === 0 ? NaN : total / count;
}
