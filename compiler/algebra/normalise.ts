/**
 * From a mask expression to a formula over atoms. In: a mask of the spec. Out: a formula that holds for exactly the same
 * pairs (existing rows and keys). Predicates are taken apart as far as comparisons.ts can; what is left is an opaque atom.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { MaskExpr } from '../spec/ir.ts';
import { atLeast, equal, levelBelow } from './comparisons.ts';
import { atomFormula, conjunction, disjunction, isUniform, k, negate, nK, no, nQ, q, uniformFormula, yes, type Formula } from './formula.ts';

const between = (e: Expr, from: Expr, to: Expr): Formula =>
  conjunction([atLeast(e, from, boolFormula), negate(atLeast(e, to, boolFormula))]);

/** A bool expression of q and k as a formula. */
export function boolFormula(e: Expr): Formula {
  if (e.kind === 'literal') return e.value !== 0 ? yes : no;
  if (isUniform(e)) return uniformFormula(e);
  const opaque = atomFormula({ kind: 'opaque', cond: e });
  switch (e.kind) {
    case 'unary':
      return e.op === 'not' ? negate(boolFormula(e.arg)) : opaque;
    case 'select':
      if (isUniform(e.cond)) {
        return {
          kind: 'cases',
          arms: [{ guard: [e.cond], body: boolFormula(e.then) }, { guard: [x.not(e.cond)], body: boolFormula(e.otherwise) }],
        };
      }
      return disjunction([
        conjunction([boolFormula(e.cond), boolFormula(e.then)]),
        conjunction([negate(boolFormula(e.cond)), boolFormula(e.otherwise)]),
      ]);
    case 'binary':
      return binaryFormula(e, opaque);
    case 'ref':
    case 'read':
    case 'fold':
    case 'element':
      return opaque;
    default:
      return unreachable(e);
  }
}

function binaryFormula(e: Extract<Expr, { readonly kind: 'binary' }>, opaque: Formula): Formula {
  const { left, right } = e;
  if (left.type === 'bool') {
    const a = boolFormula(left);
    const b = boolFormula(right);
    switch (e.op) {
      case 'and':
        return conjunction([a, b]);
      case 'or':
        return disjunction([a, b]);
      case 'eq':
        return disjunction([conjunction([a, b]), conjunction([negate(a), negate(b)])]);
      case 'ne':
        return disjunction([conjunction([a, negate(b)]), conjunction([negate(a), b])]);
      default:
        return opaque;
    }
  }
  if (left.type !== 'int') return opaque;
  switch (e.op) {
    case 'ge':
      return atLeast(left, right, boolFormula);
    case 'le':
      return atLeast(right, left, boolFormula);
    case 'lt':
      return negate(atLeast(left, right, boolFormula));
    case 'gt':
      return negate(atLeast(right, left, boolFormula));
    case 'eq':
      return equal(left, right, boolFormula);
    case 'ne':
      return negate(equal(left, right, boolFormula));
    default:
      return opaque;
  }
}

/** The selector's cases, each with what makes it the first that fits. */
function choice(mask: Extract<MaskExpr, { readonly kind: 'choose' }>): Formula {
  const { selector, cases } = mask;
  const distinct = cases.every((c, i) => c.value.kind === 'literal' && cases.every((d, j) => i === j || (d.value.kind === 'literal' && d.value.value !== (c.value.kind === 'literal' ? c.value.value : 0))));
  const arms = cases.map((c, i) => ({
    guard: [x.eq(selector, c.value), ...(distinct ? [] : cases.slice(0, i).map((d) => x.ne(selector, d.value)))],
    body: maskFormula(c.mask),
  }));
  return {
    kind: 'cases',
    arms: [...arms, { guard: cases.map((c) => x.ne(selector, c.value)), body: maskFormula(mask.otherwise) }],
  };
}

/** The mask as a formula. */
export function maskFormula(mask: MaskExpr): Formula {
  switch (mask.kind) {
    case 'all':
      return yes;
    case 'none':
      return no;
    case 'causal':
      return atLeast(q, k, boolFormula);
    case 'band':
      return between(x.sub(q, k), mask.from, mask.to);
    case 'keys':
      return between(k, mask.from, mask.to);
    case 'queries':
      return between(q, mask.from, mask.to);
    case 'listed':
      return atomFormula({ kind: 'member', what: mask.what, list: mask.list, holds: true });
    case 'segments': {
      const { tensor, leading } = mask.ids;
      return atomFormula({ kind: 'opaque', cond: x.eq(x.read(tensor, 'int', [...leading, q]), x.read(tensor, 'int', [...leading, k])) });
    }
    case 'tiles': {
      const { tensor, leading } = mask.table;
      const row = x.div(x.add(x.sub(q, nK), nQ), mask.queryBlock);
      return boolFormula(x.read(tensor, 'bool', [...leading, row, x.div(k, mask.keyBlock)]));
    }
    case 'levels':
      return conjunction([atLeast(q, k, boolFormula), levelBelow(mask.to), negate(levelBelow(mask.from))]);
    case 'predicate':
      return boolFormula(mask.body);
    case 'and':
      return conjunction(mask.args.map(maskFormula));
    case 'or':
      return disjunction(mask.args.map(maskFormula));
    case 'not':
      return negate(maskFormula(mask.arg));
    case 'minus':
      return conjunction([maskFormula(mask.left), negate(maskFormula(mask.right))]);
    case 'choose':
      return choice(mask);
    default:
      return unreachable(mask);
  }
}
