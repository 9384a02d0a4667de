/**
 * Reductions that keep to what their conditions leave. In: a spec. Out: the same, where the range of a reduction in a stage equation ends where
 * a condition on its variable says so: `any t where t < count[h]: ...` walks `count[h]` places, not the whole axis. The condition stays in the
 * body, so a bound only has to be wide enough.
 */
import { foldIdentity } from '../expr/arithmetic.ts';
import { add, fold, int, max, min, not, sub } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { conjuncts, freeRefs, mapChildren } from '../expr/traverse.ts';
import type { Spec } from '../spec/ir.ts';
import { boundOf } from './places.ts';
import { withParts } from './share-stages.ts';

type Fold = Expr & { readonly kind: 'fold' };

/** Conditions without which a turn changes nothing. */
function conditionsOf({ op, body }: Fold): readonly Expr[] {
  switch (op) {
    case 'any':
      return conjuncts(body);
    case 'all':
      // `all t where c: b` is `~c | b`: what it needs is `c & ~b`.
      return conjuncts(not(body));
    case 'sum':
    case 'min':
    case 'max':
    case 'bit_or':
      return body.kind === 'select' && body.otherwise.kind === 'literal' ? conjuncts(body.cond) : [];
  }
}

function isNeutral({ op, body, type }: Fold): boolean {
  if (op === 'any' || op === 'all') return true;
  return body.kind === 'select' && body.otherwise.kind === 'literal' && body.otherwise.value === foldIdentity(op, type);
}

/** A sum of products under a condition: tiles of dots keep to what the condition leaves by themselves, and need the whole range. */
function isProduct({ op, body }: Fold): boolean {
  return op === 'sum' && body.kind === 'select' && body.then.kind === 'binary' && body.then.op === 'mul';
}

function bounded(e: Expr): Expr {
  const inner = mapChildren(e, bounded);
  if (inner.kind !== 'fold' || !isNeutral(inner) || isProduct(inner)) return inner;
  const { op, local, body } = inner;
  let { from, to } = inner;
  const end = to;
  for (const cond of conditionsOf(inner)) {
    const { least, most } = boundOf(cond, local);
    // Held within the range first, so that nothing can wrap.
    if (least !== undefined && !freeRefs(least).has(local)) from = max(from, min(least, end));
    if (most !== undefined && !freeRefs(most).has(local)) to = min(to, add(min(most, sub(end, int(1))), int(1)));
  }
  return from === inner.from && to === inner.to ? inner : fold(op, local, from, to, body);
}

/** The spec with bounded reductions in its stages. */
export function boundFolds(spec: Spec): Spec {
  return { ...spec, stages: spec.stages.map((t) => ({ ...t, rule: withParts(t.rule, bounded) })) };
}
