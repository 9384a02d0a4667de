/**
 * Thresholds of a selector that keeps the best-scored blocks of a row until they hold a share of its scores, one per head. In: dense
 * attention on real inputs, a program's scores of blocks [batch, heads, rows of blocks, blocks], the share of true attention that a row of
 * blocks shall keep. Out: per head the share of the scores to ask for.
 *
 * For each row of blocks the fewest blocks that truly hold `share` of its attention are taken (larger first, equal ones by lower index); the
 * smallest score among them is what a selector would have to go down to. The threshold is the share of all scores that lies at or above
 * these smallest ones, over all rows together.
 */
import { denseAttention } from '../../compiler/interpreters/dense/index.ts';
import type { Inputs, StoredTensor } from '../../compiler/interpreters/dense/index.ts';
import type { Program } from './measure.ts';

export interface Calibration {
  readonly rule: 'calibrate';
  readonly share: number;
  /** The stage tensor with the scores, such as `sel.score_of`. */
  readonly scores: string;
  /** The parameter that the thresholds are for. */
  readonly parameter: string;
}

export interface BlockScores {
  /** [batch, heads, rows of blocks, blocks]. */
  readonly scores: StoredTensor;
  /** Queries and keys of a block. */
  readonly height: number;
  readonly width: number;
}

/** Of one input: a threshold per batch * heads + head. */
export function calibrated(reference: Program, inputs: Inputs, { scores, height, width }: BlockScores, share: number): readonly number[] {
  const { batch, heads } = reference.launch.sizes;
  const [, , rows = 1, blocks = 1] = scores.extents;
  const truth = new Float64Array(batch * heads * rows * blocks);
  denseAttention(reference.spec, reference.launch, inputs, ({ b, h, row, count, keys, weights }) => {
    const base = ((b * heads + h) * rows + Math.floor(row / height)) * blocks;
    for (let i = 0; i < count; i += 1) {
      const at = base + Math.floor((keys[i] ?? 0) / width);
      truth[at] = (truth[at] ?? 0) + (weights[i] ?? 0);
    }
  });
  return Array.from({ length: batch * heads }, (_, head) => {
    let above = 0;
    let all = 0;
    for (let row = 0; row < rows; row += 1) {
      const from = (head * rows + row) * blocks;
      const line = Float64Array.from(scores.data.subarray(from, from + blocks));
      const smallest = smallestNeeded(truth.subarray(from, from + blocks), line, share);
      for (const x of line) {
        all += x;
        if (x >= smallest) above += x;
      }
    }
    return all === 0 ? 1 : above / all;
  });
}

/** The smallest score among the fewest blocks that hold `share` of the truth. */
function smallestNeeded(truth: Float64Array, scores: Float64Array, share: number): number {
  const order = [...truth.keys()].sort((a, b) => (truth[b] ?? 0) - (truth[a] ?? 0) || a - b);
  const need = share * truth.reduce((a, b) => a + b, 0);
  let held = 0;
  let smallest = Infinity;
  for (const block of order) {
    if (held >= need) break;
    held += truth[block] ?? 0;
    smallest = Math.min(smallest, scores[block] ?? 0);
  }
  return smallest;
}
