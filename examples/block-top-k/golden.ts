/** Reference vectors of block selection by mean pooling: MInference's block-sparse heads and the Sparse Frontier's. */
import { numberParam } from '../../tools/golden/case.ts';
import { checkIf, inputOf, sizesOf } from '../../tools/golden/mapping.ts';
import type { GoldenMapping, Made } from '../../tools/golden/mapping.ts';

export const golden: GoldenMapping = {
  systems: ['vertical-slash', 'sparse-frontier'],
  runs: (c) => {
    const minference = c.outputs.has('selected_blocks');
    if (!minference && c.params['method'] !== 'block-sparse') return [];
    const [q, k, v] = [inputOf(c, 'q'), inputOf(c, 'k'), inputOf(c, 'v')];
    const sizes = sizesOf(q, k);
    const block = numberParam(c, minference ? 'block' : 'block_size');
    const best = numberParam(c, minference ? 'top_k' : 'top_chunks');
    // MInference shows acausal products as -inf; the Frontier shows only blocks that hold tokens.
    const shown = (made: Made, rows: number, columns: number): ArrayLike<number> => {
      const { extents, values } = made.output('pooled.product');
      const [, , all = 0, width = 0] = extents;
      return Array.from({ length: sizes.heads * rows * columns }, (_, i) => {
        const [head, row, column] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
        return minference && column > row ? -Infinity : (values[(head * all + row) * width + column] ?? NaN);
      });
    };
    const pooled = (name: string): ReturnType<typeof checkIf> => {
      const [rows = 0, columns = 0] = (c.outputs.get(name)?.shape ?? []).slice(-2);
      return checkIf(c, name, (made) => shown(made, rows, columns));
    };
    return [{
      program: 'block-top-k/block-top-k.fil', declaration: 'block_top_k', sizes, q: q.data, k: k.data, v: v.data,
      set: { block, best, local: minference ? 0 : 1 },
      checks: [
        ...pooled('pooled_score'), ...pooled('pooled_scores'),
        ...checkIf(c, 'selected_blocks', (made) => made.output('sel.list').values),
        ...checkIf(c, 'block_mask', (made) => made.output('sel.keep').values),
        ...checkIf(c, 'mask', (made) => made.mask().values),
        ...checkIf(c, 'output', (made) => made.out.values), ...checkIf(c, 'o', (made) => made.out.values), ...checkIf(c, 'lse', (made) => made.lse.values),
      ],
    }];
  },
};
