/**
 * Whether one pair is in a mask, straight from the definitions in compiler/spec/ir.ts: a second, slower reading of them
 * that shares nothing with the dense interpreter (expressions run through the lowering side's evaluator).
 */
import { evaluate, readerOf } from '../../compiler/expr/evaluate.ts';
import type { Expr } from '../../compiler/expr/ir.ts';
import type { Launch, MaskExpr, Spec } from '../../compiler/spec/ir.ts';

export interface Pair {
  readonly b: number;
  readonly h: number;
  readonly q: number;
  readonly k: number;
}

export function environmentOf(spec: Spec, launch: Launch): ReadonlyMap<string, number> {
  const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
  const extents = spec.tensors.flatMap((t) =>
    t.axes.flatMap((axis, i) => (axis.kind === 'free' ? [[`${t.name}.${axis.name}`, launch.tensors.get(t.name)?.extents[i] ?? 0] as const] : [])),
  );
  return new Map([
    ...Object.entries({ batch, heads, kv_heads: kvHeads, n_q: nQ, n_k: nK, dim }), ...launch.scalars, ...extents,
  ]);
}

/** Whether the query at position q sees key k. */
export function holds(mask: MaskExpr, launch: Launch, names: ReadonlyMap<string, number>, at: Pair): boolean {
  const read = readerOf(launch.tensors);
  const { b, h, q, k } = at;
  const value = (e: Expr): number => evaluate(e, new Map([...names, ['b', b], ['h', h], ['q', q], ['k', k]]), read);
  const part = (m: MaskExpr): boolean => holds(m, launch, names, at);
  const between = (x: number, r: { readonly from: Expr; readonly to: Expr }): boolean => value(r.from) <= x && x < value(r.to);
  switch (mask.kind) {
    case 'all':
      return true;
    case 'none':
      return false;
    case 'causal':
      return k <= q;
    case 'band':
      return between(q - k, mask);
    case 'keys':
      return between(k, mask);
    case 'queries':
      return between(q, mask);
    case 'listed': {
      const leading = mask.list.leading.map(value);
      const wanted = mask.what === 'keys' ? k : mask.what === 'queries' ? q : q - k;
      const list = launch.tensors.get(mask.list.tensor);
      const length = list?.extents.at(-1) ?? 0;
      // A list of bools is the set itself: by key, by query row or by distance.
      if (list?.data instanceof Uint8Array) {
        const entry = mask.what === 'queries' ? q - launch.sizes.nK + launch.sizes.nQ : wanted;
        return entry >= 0 && entry < length && read(mask.list.tensor, [...leading, entry]) !== 0;
      }
      return Array.from({ length }, (_, i) => read(mask.list.tensor, [...leading, i])).includes(wanted);
    }
    case 'segments': {
      const leading = mask.ids.leading.map(value);
      return read(mask.ids.tensor, [...leading, q]) === read(mask.ids.tensor, [...leading, k]);
    }
    case 'tiles': {
      const row = q - launch.sizes.nK + launch.sizes.nQ;
      const block = [Math.floor(row / value(mask.queryBlock)), Math.floor(k / value(mask.keyBlock))];
      return read(mask.table.tensor, [...mask.table.leading.map(value), ...block]) !== 0;
    }
    case 'levels':
      return k <= q && between(q === k ? 0 : 32 - Math.clz32(q ^ k), mask);
    case 'predicate':
      return value(mask.body) !== 0;
    case 'and':
      return mask.args.every(part);
    case 'or':
      return mask.args.some(part);
    case 'not':
      return !part(mask.arg);
    case 'minus':
      return part(mask.left) && !part(mask.right);
    case 'choose': {
      const selector = value(mask.selector);
      return part(mask.cases.find((c) => value(c.value) === selector)?.mask ?? mask.otherwise);
    }
  }
}
