/** Reference vectors of Quest: the deployed rule and the rule of the published evaluation. */
import { numberParam } from '../../tools/golden/case.ts';
import { checkIf, checkOutputs, inputOf } from '../../tools/golden/mapping.ts';
import type { GoldenMapping, GoldenRun } from '../../tools/golden/mapping.ts';

export const golden: GoldenMapping = {
  systems: ['quest'],
  runs: (c) => {
    const [q, k, v] = [inputOf(c, 'q'), inputOf(c, 'k'), inputOf(c, 'v')];
    const [heads = 1, dim = 1] = q.shape;
    const [kvHeads = 1, nK = 1] = k.shape;
    const sizes = { batch: 1, heads, kvHeads, nQ: 1, nK, dim };
    const data = { sizes, q: q.data, k: k.data, v: v.data, program: 'quest/quest.fil' };
    const page = numberParam(c, 'page_size');
    const evaluated = c.params['mode'] === 'eval';
    const rule = evaluated
      ? { declaration: 'quest_unforced', set: { page, budget: Math.max(numberParam(c, 'min_pages', 0), Math.floor(Math.min(nK, numberParam(c, 'token_budget')) / page)) } }
      : { declaration: 'quest', set: { page, budget: numberParam(c, 'page_budget_including_last'), shared: numberParam(c, 'share_pages_across_group', 0) } };
    const attention: GoldenRun = {
      ...data, ...rule,
      checks: [
        ...checkOutputs(c, { page_min: 'known.low', page_max: 'known.high', page_upper_bound: 'known.bound', page_mask: 'sel.keep' }),
        ...checkIf(c, 'o', (made) => made.out.values), ...checkIf(c, 'lse', (made) => made.lse.values),
      ],
    };
    const peaks: GoldenRun = { ...data, declaration: 'page_peaks', set: { page }, checks: checkOutputs(c, { page_true_max_dot: 'peak' }) };
    return [attention, peaks];
  },
};
