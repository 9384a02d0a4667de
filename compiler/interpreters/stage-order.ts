/**
 * Orders whose keys have rounding errors. In: one line of candidates: key, its error, whether each takes part. Out: for each, the ranks and
 * masses that some correct evaluation could give it. A key certainly comes before another where their difference is more than both
 * errors, or where both are exact and equal and its number is lower: exact ties are decided.
 */
export interface Candidate {
  readonly key: number;
  readonly error: number;
  readonly takesPart: boolean;
  /** Whether taking part hangs on a comparison within its rounding error. */
  readonly undecided: boolean;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Whether candidate `a` comes before candidate `b`: certainly, perhaps, or not. */
function comesBefore(line: readonly Candidate[], a: number, b: number): 'yes' | 'perhaps' | 'no' {
  const x = line[a];
  const y = line[b];
  if (x === undefined || y === undefined || a === b) return 'no';
  const slack = x.error + y.error;
  if (slack === 0) return x.key > y.key || (x.key === y.key && a < b) ? 'yes' : 'no';
  if (Math.abs(x.key - y.key) <= slack) return 'perhaps';
  return x.key > y.key ? 'yes' : 'no';
}

/** Sums over what comes before candidate `own` (over all, where `all`), with `weight` giving the value and error of each. */
function before(line: readonly Candidate[], own: number, all: boolean, weight: (c: Candidate) => { readonly value: number; readonly error: number }): Interval {
  let low = 0;
  let high = 0;
  line.forEach((c, n) => {
    const order = all ? 'yes' : comesBefore(line, n, own);
    if (order === 'no' || (!c.takesPart && !c.undecided)) return;
    const { value, error } = weight(c);
    const certain = order === 'yes' && !c.undecided;
    low += certain ? value - error : Math.min(0, value - error);
    high += certain ? value + error : Math.max(0, value + error);
  });
  return { low, high };
}

const widened = (a: Interval, b: Interval): Interval => ({ low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) });

function position(line: readonly Candidate[], own: number, weight: (c: Candidate) => { readonly value: number; readonly error: number }): Interval {
  const c = line[own];
  const outside = before(line, own, true, weight);
  if (c === undefined) return outside;
  const inside = before(line, own, false, weight);
  return c.undecided ? widened(inside, outside) : c.takesPart ? inside : outside;
}

/** The ranks that candidate `own` may have. */
export function possibleRanks(line: readonly Candidate[], own: number): Interval {
  return position(line, own, () => ({ value: 1, error: 0 }));
}

/** The masses that candidate `own` may have; `roundoff` is the unit of the arithmetic that adds them up, in any order. */
export function possibleMasses(line: readonly Candidate[], own: number, roundoff: number): Interval {
  const found = position(line, own, (c) => ({ value: c.key, error: c.error }));
  const magnitude = line.reduce((sum, c) => sum + (c.takesPart || c.undecided ? Math.abs(c.key) + c.error : 0), 0);
  const lost = roundoff * line.length * magnitude;
  return isExact(line) ? found : { low: found.low - lost, high: found.high + lost };
}

/** Whole keys whose sums stay below 2^24 are added without rounding. */
function isExact(line: readonly Candidate[]): boolean {
  return line.every((c) => c.error === 0 && Number.isInteger(c.key)) && line.reduce((sum, c) => sum + Math.abs(c.key), 0) < 2 ** 24;
}

/** What is wrong with a list of candidates in order of rank, -1 where none is left; undefined: nothing. */
export function orderFault(line: readonly Candidate[], list: readonly number[]): string | undefined {
  const certain = line.filter((c) => c.takesPart && !c.undecided).length;
  const most = line.filter((c) => c.takesPart || c.undecided).length;
  for (const [rank, entry] of list.entries()) {
    if (entry === -1) {
      if (rank < certain) return `rank ${rank} is empty, but ${certain} take part`;
      continue;
    }
    const c = line[entry];
    if (c === undefined || (!c.takesPart && !c.undecided)) return `rank ${rank} is ${entry}, which takes no part`;
    if (rank >= most || list.indexOf(entry) !== rank) return `rank ${rank} is ${entry}, which is no rank of its own`;
    const possible = possibleRanks(line, entry);
    if (rank < possible.low || rank > possible.high) return `rank ${rank} is ${entry}, whose rank is ${possible.low} to ${possible.high}`;
  }
  return undefined;
}
