/**
 * Reductions that are the same for many elements. In: a spec. Out: the same, where a reduction in the value of an equation that does not speak of
 * all its indices, or that an outer reduction repeats unchanged, is a tensor of its own before it, with the indices it speaks of: a mean along a
 * row is made once a row, not once an element. Short reductions stay, and those that read no tensor. Holds: every tensor of the given spec has
 * the value it had; the new ones are f32, as the reduction would be where it stood.
 */
import { read, ref } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { freeRefs, hasFold, mapChildren, readTensors, sameExpr } from '../expr/traverse.ts';
import type { Spec } from '../spec/ir.ts';
import type { StageIndex, StageTensor } from '../spec/stage.ts';

type Fold = Expr & { readonly kind: 'fold' };

/** Terms up to which a reduction costs less than reading its result from memory and one more kernel. */
const fewTerms = 4;

function isShort({ from, to, body }: Fold): boolean {
  const terms = from.kind === 'literal' && to.kind === 'literal' ? to.value - from.value : Infinity;
  return terms <= fewTerms && !hasFold(body);
}

function isOne({ axis }: StageIndex): boolean {
  return (axis.kind === 'counted' && axis.extent.kind === 'literal' && axis.extent.value <= 1) || (axis.kind === 'fixed' && axis.extent <= 1);
}

/** The indices of a tensor for the reduction alone; undefined where it is best left in place. `locals`: of the reductions around it. */
function indicesFor(t: StageTensor, f: Fold, locals: readonly string[]): readonly StageIndex[] | undefined {
  const names = freeRefs(f);
  if (isShort(f) || readTensors(f).size === 0 || readTensors(f).has(t.name) || locals.some((l) => names.has(l))) return undefined;
  const own = t.indices.filter((x, at) => at === 0 || names.has(x.name));
  const others = t.indices.filter((x) => !own.includes(x));
  return locals.length > 0 || others.some((x) => !isOne(x)) ? own : undefined;
}

interface Made {
  readonly fold: Fold;
  readonly tensor: StageTensor;
}

/** The tensors that `t` becomes, itself last; `taken` are names in use. */
function hoisted(t: StageTensor, taken: Set<string>): readonly StageTensor[] {
  if (t.rule.kind !== 'map') return [t];
  const made: Made[] = [];
  const fresh = (): string => {
    let name = `${t.name}'fold`;
    for (let n = 2; taken.has(name); n += 1) name = `${t.name}'fold_${n}`;
    taken.add(name);
    return name;
  };
  const walk = (e: Expr, locals: readonly string[]): Expr => {
    if (!hasFold(e)) return e;
    if (e.kind !== 'fold') return mapChildren(e, (x) => walk(x, locals));
    const own = indicesFor(t, e, locals);
    if (own === undefined) return mapChildren(e, (x) => walk(x, x === e.body ? [...locals, e.local] : locals));
    const known = made.find((m) => sameExpr(m.fold, e))?.tensor;
    const tensor: StageTensor = known ?? { name: fresh(), doc: [], element: e.type, precision: 'f32', indices: own, rule: { kind: 'map', value: e }, span: t.span };
    if (known === undefined) made.push({ fold: e, tensor });
    return read(tensor.name, tensor.element, own.map((x) => ref(x.name, 'int')));
  };
  const value = walk(t.rule.value, []);
  return [...made.flatMap(({ tensor }) => hoisted(tensor, taken)), made.length === 0 ? t : { ...t, rule: { kind: 'map', value } }];
}

/** The spec with reductions made once that its equations would make again and again. */
export function hoistFolds(spec: Spec): Spec {
  const taken = new Set([...spec.stages.map((s) => s.name), ...spec.tensors.map((s) => s.name)]);
  return { ...spec, stages: spec.stages.flatMap((t) => hoisted(t, taken)) };
}
