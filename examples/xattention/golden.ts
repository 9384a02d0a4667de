/**
 * Reference vectors of XAttention: each selection rule is a program of its own; `block_sparse` cases (a given block mask) are the block
 * table. Kernels of the reference write lse = +inf for rows that see nothing; here it is -inf.
 */
import { numberParam, perHead } from '../../tools/golden/case.ts';
import { checkIf, checkOutputs, inputOf, sizesOf } from '../../tools/golden/mapping.ts';
import type { Check, GoldenMapping, GoldenRun, Made } from '../../tools/golden/mapping.ts';

function positive(made: Made): ArrayLike<number> {
  return Array.from(made.lse.values, (x) => (x === -Infinity ? Infinity : x));
}

export const golden: GoldenMapping = {
  systems: ['xattention'],
  runs: (c) => {
    const [q, k, v] = [inputOf(c, 'q'), inputOf(c, 'k'), inputOf(c, 'v')];
    const sizes = sizesOf(q, k);
    const data = { sizes, q: q.data, k: k.data, v: v.data };
    const block = numberParam(c, 'block_size');
    const given = c.inputs.get('block_mask');
    if (given !== undefined) {
      const checks: readonly Check[] = [...checkIf(c, 'o', (made) => made.out.values), ...checkIf(c, 'lse', positive)];
      return [{ ...data, program: 'block-table/block-table.fil', declaration: 'block_table', set: { block }, tensors: { granted: given }, checks }];
    }
    const causal = c.params['causal'] !== false;
    const chunk = numberParam(c, 'chunk_size');
    const padded = c.params['pad_keys_take_part_in_compressed_softmax'] === true ? Math.ceil(sizes.nK / chunk) * chunk : sizes.nK;
    const common = { stride: numberParam(c, 'stride'), block, recent: numberParam(c, 'keep_recent', 0) };
    const set = causal ? common : { ...common, padded };
    const tensors = { tau: perHead(c, 'threshold', sizes.heads) };
    const program = 'xattention/xattention.fil';
    const name = causal ? 'xattention' : 'xattention_bidirectional';
    const minimal: GoldenRun = {
      ...data, program, declaration: name, set, tensors,
      checks: [
        ...checkOutputs(c, { block_scores: 'sel.score_of', row_totals: 'sel.total_of', mask_minimal: 'sel.keep' }),
        ...checkIf(c, 'o_minimal', (made) => made.out.values), ...checkIf(c, 'lse_minimal', positive),
      ],
    };
    const published: GoldenRun = {
      ...data, program, declaration: `${name}_as_published`, set: { ...set, chunk }, tensors,
      checks: [...checkOutputs(c, { mask_reference: 'sel.keep' }), ...checkIf(c, 'o_reference', (made) => made.out.values)],
    };
    return c.outputs.has('mask_reference') ? [minimal, published] : [minimal];
  },
};
