/**
 * Walking over masks: the masks directly inside a mask, and the scalar expressions it holds itself. Each covers every field of
 * every variant; printer, verifier and lowering are built on them.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import type { MaskExpr, TensorUse } from './ir.ts';
import { readTensors } from '../expr/traverse.ts';

/** The masks directly inside `m`, in the order in which they are written. */
export function maskChildren(m: MaskExpr): readonly MaskExpr[] {
  switch (m.kind) {
    case 'all':
    case 'none':
    case 'causal':
    case 'band':
    case 'keys':
    case 'queries':
    case 'listed':
    case 'segments':
    case 'tiles':
    case 'levels':
    case 'predicate':
      return [];
    case 'and':
    case 'or':
      return m.args;
    case 'not':
      return [m.arg];
    case 'minus':
      return [m.left, m.right];
    case 'choose':
      return [...m.cases.map((c) => c.mask), m.otherwise];
    default:
      return unreachable(m);
  }
}

/** The tensors a mask reads as lists, segments or tables. */
export function maskTensors(m: MaskExpr): readonly TensorUse[] {
  switch (m.kind) {
    case 'listed':
      return [m.list];
    case 'segments':
      return [m.ids];
    case 'tiles':
      return [m.table];
    case 'all':
    case 'none':
    case 'causal':
    case 'band':
    case 'keys':
    case 'queries':
    case 'levels':
    case 'predicate':
    case 'and':
    case 'or':
    case 'not':
    case 'minus':
    case 'choose':
      return [];
    default:
      return unreachable(m);
  }
}

/** The scalar expressions that `m` holds itself, those of its inner masks excepted. */
export function maskOperands(m: MaskExpr): readonly Expr[] {
  switch (m.kind) {
    case 'all':
    case 'none':
    case 'causal':
    case 'and':
    case 'or':
    case 'not':
    case 'minus':
      return [];
    case 'band':
    case 'keys':
    case 'queries':
    case 'levels':
      return [m.from, m.to];
    case 'listed':
      return m.list.leading;
    case 'segments':
      return m.ids.leading;
    case 'tiles':
      return [...m.table.leading, m.queryBlock, m.keyBlock];
    case 'predicate':
      return [m.body];
    case 'choose':
      return [m.selector, ...m.cases.map((c) => c.value)];
    default:
      return unreachable(m);
  }
}

/** Names of all tensors that decide which pairs a mask keeps. */
export function tensorsOfMask(m: MaskExpr): ReadonlySet<string> {
  return new Set([
    ...maskTensors(m).map((use) => use.tensor),
    ...maskTensors(m).flatMap((use) => use.leading.flatMap((e) => [...readTensors(e)])),
    ...maskOperands(m).flatMap((e) => [...readTensors(e)]),
    ...maskChildren(m).flatMap((child) => [...tensorsOfMask(child)]),
  ]);
}
