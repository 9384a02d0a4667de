/**
 * Stage tensors that a device need not make: those that a tensor before them equals by its rule (two uses of one stage) or that are no more
 * than its copy, and those that nothing reads. In: a spec. Out: a spec with the same mask, score and outputs over fewer tensors. Tensors that the attention or the caller
 * reads keep their names. Holds: every tensor that is left has the value it had.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { read } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { exprKey, mapChildren, readTensors } from '../expr/traverse.ts';
import type { Axis } from '../spec/axes.ts';
import type { Spec } from '../spec/ir.ts';
import { axisText } from '../spec/names.ts';
import { ruleParts, type StageIndex, type StageRule, type StageTensor } from '../spec/stage.ts';
import { tensorsOfMask } from '../spec/traverse.ts';

function renamed(e: Expr, names: ReadonlyMap<string, string>): Expr {
  const inner = mapChildren(e, (c) => renamed(c, names));
  const name = inner.kind === 'read' ? names.get(inner.tensor) : undefined;
  return inner.kind === 'read' && name !== undefined ? read(name, inner.type, inner.indices) : inner;
}

/** The rule with each of its expressions through `f`. */
export function withParts(rule: StageRule, f: (e: Expr) => Expr): StageRule {
  switch (rule.kind) {
    case 'map':
    case 'recurrence':
      return { ...rule, value: f(rule.value) };
    case 'softmax':
    case 'softmax_parts':
      return { ...rule, where: f(rule.where), value: f(rule.value) };
    case 'rank':
    case 'mass':
    case 'order':
      return { ...rule, where: f(rule.where), key: f(rule.key) };
    default:
      return unreachable(rule);
  }
}

const axisKey = (axis: Axis): string => axisText(axis, exprKey);

const indexKey = (i: StageIndex): string => `${i.name}: ${axisKey(i.axis)}`;

/** Two tensors with one key have the same elements. Its own name, which a recurrence reads, is left out. */
function keyOf(t: StageTensor): string {
  const { rule } = t;
  const over = 'over' in rule ? rule.over.map((i) => (typeof i === 'string' ? i : indexKey(i))) : [];
  const segments = rule.kind === 'softmax_parts' ? [indexKey(rule.line), rule.length, rule.part] : [];
  const along = 'along' in rule ? rule.along : '';
  const parts = ruleParts(rule).map((e) => exprKey(renamed(e, new Map([[t.name, '']]))));
  return JSON.stringify([t.element, t.precision, t.indices.map(indexKey), rule.kind, over, along, segments, parts]);
}

/** The tensor of which this one is a copy, element by element. */
function copiedFrom(t: StageTensor, made: readonly StageTensor[]): string | undefined {
  const { rule } = t;
  if (rule.kind !== 'map' || rule.value.kind !== 'read') return undefined;
  const { tensor, indices } = rule.value;
  const source = made.find((m) => m.name === tensor);
  if (source === undefined || source.element !== t.element || (t.precision !== 'f32' && t.precision !== source.precision)) return undefined;
  const same = source.indices.length === t.indices.length && source.indices.every((own, n) => {
    const [index, given] = [t.indices[n], indices[n]];
    return index !== undefined && given?.kind === 'ref' && given.name === index.name && axisKey(own.axis) === axisKey(index.axis);
  });
  return same ? tensor : undefined;
}

/** Names that the attention or the caller reads. */
export function wantedNames(spec: Spec): ReadonlySet<string> {
  const scalars = [spec.scale, spec.score, spec.sink].flatMap((e) => (e === undefined ? [] : [...readTensors(e)]));
  return new Set([...spec.outputs.map((o) => o.tensor), ...tensorsOfMask(spec.mask), ...scalars]);
}

/** The stages without wanted tensors that are copies of others which are not: those are made under the wanted names. */
function withoutWantedCopies(stages: readonly StageTensor[], wanted: ReadonlySet<string>): readonly StageTensor[] {
  const names = new Map<string, string>();
  const copies = new Set<string>();
  stages.forEach((t, at) => {
    const source = wanted.has(t.name) ? copiedFrom(t, stages.slice(0, at)) : undefined;
    if (source === undefined || wanted.has(source) || names.has(source)) return;
    names.set(source, t.name);
    copies.add(t.name);
  });
  if (copies.size === 0) return stages;
  const left = stages.filter((t) => !copies.has(t.name)).map((t) => ({ ...t, name: names.get(t.name) ?? t.name, rule: withParts(t.rule, (e) => renamed(e, names)) }));
  return withoutWantedCopies(left, wanted);
}

/** The spec with each stage tensor made once, and only where it is read. */
export function shareStages(spec: Spec): Spec {
  const wanted = wantedNames(spec);
  const known = new Map<string, string>();
  const names = new Map<string, string>();
  const distinct: StageTensor[] = [];
  for (const given of withoutWantedCopies(spec.stages, wanted)) {
    const t: StageTensor = { ...given, rule: withParts(given.rule, (e) => renamed(e, names)) };
    const key = keyOf(t);
    const twin = known.get(key);
    const same = twin ?? copiedFrom(t, distinct);
    if (same !== undefined && !wanted.has(t.name)) {
      names.set(t.name, same);
      continue;
    }
    if (twin === undefined) known.set(key, t.name);
    distinct.push(t);
  }
  const live = new Set(wanted);
  for (const t of [...distinct].reverse()) if (live.has(t.name)) for (const e of ruleParts(t.rule)) for (const name of readTensors(e)) live.add(name);
  return { ...spec, stages: distinct.filter((t) => live.has(t.name)) };
}
