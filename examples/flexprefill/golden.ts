/**
 * Reference vectors of FlexPrefill's own rule; its token-level variant is a program of vertical-slash. A prompt no longer than two blocks
 * or the smallest budget is dense.
 */
import { numberParam } from '../../tools/golden/case.ts';
import { checkIf, checkOutputs, inputOf, sizesOf } from '../../tools/golden/mapping.ts';
import type { GoldenMapping } from '../../tools/golden/mapping.ts';

export const golden: GoldenMapping = {
  systems: ['flexprefill'],
  runs: (c) => {
    if (c.params['gamma'] === undefined) return [];
    const [q, k, v] = [inputOf(c, 'q'), inputOf(c, 'k'), inputOf(c, 'v')];
    const sizes = sizesOf(q, k);
    const block = numberParam(c, 'block_size');
    const budget = numberParam(c, 'min_budget_tokens', 0);
    const blocks = Math.ceil(sizes.nK / block);
    const most = typeof c.params['max_budget_blocks'] === 'number' ? Math.min(numberParam(c, 'max_budget_blocks'), blocks) : blocks;
    return [{
      program: 'flexprefill/flexprefill.fil', declaration: 'flexprefill', sizes, q: q.data, k: k.data, v: v.data,
      set: {
        block, cover: numberParam(c, 'gamma'), tau: numberParam(c, 'tau'), most,
        least: numberParam(c, 'min_budget_blocks', Math.max(1, Math.ceil(budget / block))),
        divisor: numberParam(c, 'cover_divisor', block), dense_below: Math.max(2 * block, Math.ceil(budget / block) * block),
      },
      checks: [
        ...checkOutputs(c, {
          vertical_token: 'seen.vertical', slash_token: 'seen.slash', vertical_block: 'seen.vertical_block', slash_block: 'seen.slash_block',
          num_vertical_before_pattern: 'sel.verticals', num_slash_before_pattern: 'sel.slashes_kept', pooled_estimate: 'sel.estimate',
          sqrt_js: 'sel.distance', query_aware: 'sel.by_query', block_mask: 'sel.keep',
        }),
        ...checkIf(c, 'o', (made) => made.out.values), ...checkIf(c, 'lse', (made) => made.lse.values),
      ],
    }];
  },
};
