/**
 * How a bound moves with the row. In: an int expression of a query tile of one row. Out: `constant`, `affine`, `rising` or
 * `falling` (never the other way), or `any`. Purely by form: `any` is always a right answer.
 */
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

export function shapeOf(e: Expr): Shape {
  if (isConstant(e)) return constant;
  switch (e.kind) {
    case 'ref':
      return { affine: true, motion: 'rising' };
    case 'unary':
      return e.op === 'neg' ? turn(shapeOf(e.arg)) : unknown;
    case 'binary': {
      const [a, b] = [shapeOf(e.left), shapeOf(e.right)];
      switch (e.op) {
        case 'add':
          return { affine: a.affine && b.affine, motion: together(a.motion, b.motion) };
        case 'sub':
          return { affine: a.affine && b.affine, motion: together(a.motion, flipped[b.motion]) };
        case 'mul': {
          if (!isConstant(e.right)) return unknown;
          const r = knownRange(e.right);
          if (r.lo >= 0) return a;
          return r.hi <= 0 ? turn(a) : { affine: a.affine, motion: 'any' };
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
    default:
      return unknown;
  }
}
