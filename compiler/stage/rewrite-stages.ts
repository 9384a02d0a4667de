/**
 * Everything that is done to stage tensors before programs are made of them, in order. In: a spec. Out: a spec with the same mask, score and outputs
 * whose tensors cost less: none is made twice or for nothing, work that is the same for many elements is done once, and what is read in part
 * is made in part.
 */
import type { Spec } from '../spec/ir.ts';
import { boundFolds } from './bound-folds.ts';
import { hoistFolds } from './hoist-folds.ts';
import { hoistValues } from './hoist-values.ts';
import { narrowStages } from './narrow-stages.ts';
import { shareStages } from './share-stages.ts';
import { splitSoftmax } from './split-softmax.ts';

export function rewriteStages(spec: Spec): Spec {
  return boundFolds(narrowStages(splitSoftmax(shareStages(hoistFolds(hoistValues(spec))))));
}
