/**
 * How a bound moves with the row. In: an int expression of a query tile of one row. Out: `constant`, `affine`, `rising` or
 * `falling` (never the other way), or `any`. Purely by form: `any` is always a right answer.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { knownRange } from '../algebra/known-range.ts';
import type { Expr } from '../expr/ir.ts';
import { freeRefs } from '../expr/traverse.ts';

export type Motion = 'constant' | 'rising' | 'falling' | 'any';

export interface Shape {
  readonly affine: boolean;
  readonly motion: Motion;
}

const constant: Shape = { affine: true, motion: 'constant' };
const unknown: Shape = { affine: false, motion: 'any' };
const flipped: Readonly<Record<Motion, Motion>> = { constant: 'constant', rising: 'falling', falling: 'rising', any: 'any' };

function together(a: Motion, b: Motion): Motion {
  if (a === 'constant') return b;
  return b === 'constant' || a === b ? a : 'any';
}

const turn = (s: Shape): Shape => ({ affine: s.affine, motion: flipped[s.motion] });

function isConstant(e: Expr): boolean {
  const refs = freeRefs(e);
  return !['q', 'k', 'q_first', 'q_last', 'k_first', 'k_last'].some((name) => refs.has(name));
}

/** `signOf` says the sign of a constant that its form does not show; undefined where it may differ by head. */
export function shapeOf(e: Expr, signOf: (e: Expr) => number | undefined): Shape {
  if (isConstant(e)) return constant;
  switch (e.kind) {
    case 'ref':
      return { affine: true, motion: 'rising' };
    case 'unary':
      return e.op === 'neg' ? turn(shapeOf(e.arg, signOf)) : unknown;
    case 'binary': {
      const [a, b] = [shapeOf(e.left, signOf), shapeOf(e.right, signOf)];
      switch (e.op) {
        case 'add':
          return { affine: a.affine && b.affine, motion: together(a.motion, b.motion) };
        case 'sub':
          return { affine: a.affine && b.affine, motion: together(a.motion, flipped[b.motion]) };
        case 'mul': {
          if (!isConstant(e.right)) return unknown;
          const r = knownRange(e.right);
          const sign = r.lo >= 0 ? 1 : r.hi <= 0 ? -1 : signOf(e.right);
          if (sign === undefined) return { affine: a.affine, motion: 'any' };
          return sign >= 0 ? a : turn(a);
        }
        case 'min':
        case 'max':
          return { affine: false, motion: together(a.motion, b.motion) };
        case 'div':
        case 'shr':
          return isConstant(e.right) ? { affine: false, motion: a.motion } : unknown;
        default:
          return unknown;
      }
    }
    case 'literal':
      return constant;
    case 'read':
    case 'select':
    case 'fold':
    case 'element':
      return unknown;
    default:
      return unreachable(e);
  }
}
