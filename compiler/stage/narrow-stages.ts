/**
 * Stage tensors of which only a part is read. In: a spec. Out: the same, where a tensor that nothing reads but one line rule (softmax, rank,
 * mass), at the rule's own indices, is 0 wherever that rule's condition fails: programs then pass over tiles that hold nothing else, such as
 * those of scores above a diagonal. Tensors that the attention or the caller reads stay as they are.
 */
import { float, ref, select } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { freeRefs, readsOf, readTensors, substitute } from '../expr/traverse.ts';
import type { Spec } from '../spec/ir.ts';
import { ruleParts, type StageTensor } from '../spec/stage.ts';
import { wantedNames } from './share-stages.ts';

/** The reader's names of the tensor's indices, where every read is at the reader's own, different ones. */
function namesIn(t: StageTensor, reads: readonly (Expr & { readonly kind: 'read' })[], reader: StageTensor): ReadonlyMap<string, string> | undefined {
  const names = new Map<string, string>();
  for (const read of reads) {
    for (const [n, index] of read.indices.entries()) {
      const own = t.indices[n];
      if (own === undefined || index.kind !== 'ref' || !reader.indices.some((x) => x.name === index.name)) return undefined;
      if ((names.get(index.name) ?? own.name) !== own.name) return undefined;
      names.set(index.name, own.name);
    }
  }
  return new Set(names.values()).size === t.indices.length ? names : undefined;
}

/** The condition under which an element of the tensor is read, in the tensor's own indices; undefined where it is not known. */
function partRead(t: StageTensor, at: number, stages: readonly StageTensor[]): Expr | undefined {
  const [reader, ...more] = stages.filter((s) => ruleParts(s.rule).some((e) => readTensors(e).has(t.name)));
  if (reader === undefined || more.length > 0) return undefined;
  const { rule } = reader;
  if (rule.kind !== 'softmax' && rule.kind !== 'rank' && rule.kind !== 'mass') return undefined;
  const key = rule.kind === 'softmax' ? rule.value : rule.key;
  const made = new Set(stages.slice(0, at).map((s) => s.name));
  const later = [...readTensors(rule.where)].some((name) => stages.some((s) => s.name === name) && !made.has(name));
  const names = later ? undefined : namesIn(t, readsOf(key, t.name), reader);
  if (names === undefined) return undefined;
  // The condition may speak of the reader's indices alone that the tensor has as well.
  const renamed = substitute(rule.where, new Map([...names].map(([from, to]) => [from, ref(to, 'int')])));
  const spoken = freeRefs(rule.where);
  return reader.indices.some(({ name }) => !names.has(name) && spoken.has(name)) ? undefined : renamed;
}

/** The spec with tensors that are partly read made only there. */
export function narrowStages(spec: Spec): Spec {
  const wanted = wantedNames(spec);
  const stages = spec.stages.map((t, at): StageTensor => {
    const { rule } = t;
    if (wanted.has(t.name) || rule.kind !== 'map' || rule.value.type !== 'float') return t;
    const where = partRead(t, at, spec.stages);
    return where === undefined || where.kind === 'literal' ? t : { ...t, rule: { kind: 'map', value: select(where, rule.value, float(0)) } };
  });
  return { ...spec, stages };
}
