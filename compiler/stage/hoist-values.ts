/**
 * Values of line rules that take work of their own. In: a spec. Out: the same, where the value of a softmax, or the key of an order, that holds a
 * reduction is a tensor before it: a rule looks at each element several times, and a sum of products is made by tiles. The new tensor is
 * as large as the line and everything around it; the rule itself reads one element.
 */
import { read, ref } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { hasFold } from '../expr/traverse.ts';
import type { Spec } from '../spec/ir.ts';
import type { StageIndex, StageRule, StageTensor } from '../spec/stage.ts';

/** The value of a line rule with the indices that it may speak of, and the rule around another value. */
function valueOf(t: StageTensor): { readonly value: Expr; readonly indices: readonly StageIndex[]; readonly around: (value: Expr) => StageRule } | undefined {
  const { rule } = t;
  switch (rule.kind) {
    case 'softmax':
      return { value: rule.value, indices: t.indices, around: (value) => ({ ...rule, value }) };
    case 'rank':
    case 'mass':
      return { value: rule.key, indices: t.indices, around: (key) => ({ ...rule, key }) };
    case 'order':
      return { value: rule.key, indices: [...t.indices.filter((x) => x.name !== rule.along), ...rule.over], around: (key) => ({ ...rule, key }) };
    case 'map':
    case 'recurrence':
    case 'softmax_parts':
      return undefined;
  }
}

/** The spec with reductions in values of line rules made before them. */
export function hoistValues(spec: Spec): Spec {
  const stages = spec.stages.flatMap((t): readonly StageTensor[] => {
    const found = valueOf(t);
    if (found === undefined || !hasFold(found.value) || found.value.type === 'bool') return [t];
    const { value, indices, around } = found;
    const made: StageTensor = { name: `${t.name}'value`, doc: [], element: value.type, precision: 'f32', indices, rule: { kind: 'map', value }, span: t.span };
    return [made, { ...t, rule: around(read(made.name, value.type, indices.map((x) => ref(x.name, 'int')))) }];
  });
  return { ...spec, stages };
}
