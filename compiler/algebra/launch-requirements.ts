/**
 * What a launch must satisfy for the algebra to read arithmetic on sizes and launch scalars as arithmetic on integers. In: a mask. Out:
 * requirements (compiler/spec/ir.ts): each sum, difference or product of such numbers that could wrap lies within +-2^30.
 * A launch that breaks one is refused; with ordinary sizes none does.
 */
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { printExpr } from '../expr/print.ts';
import { children, exprKey } from '../expr/traverse.ts';
import { maskChildren, maskOperands } from '../spec/traverse.ts';
import type { MaskExpr, Requirement } from '../spec/ir.ts';
import type { Span } from '../../dsl/span.ts';
import { fits, innerLocals, isLaunchLevel, knownRange, unwrappedRange, type Locals } from './known-range.ts';

const limit = 2 ** 30;

function within(e: Expr): Expr {
  return x.and(x.ge(e, x.int(-limit)), x.le(e, x.int(limit)));
}

/** Operands up to 3/2 of the limit leave a sum that wraps outside of +-limit, where it is seen. */
function operandsAsked(e: Expr): readonly Expr[] {
  return children(e).filter((c) => {
    const r = knownRange(c);
    return r.lo < -1.5 * limit || r.hi > 1.5 * limit;
  });
}

function conditionOf(e: Expr): Expr {
  const operands = x.all(operandsAsked(e).map(within));
  if (e.kind === 'binary' && e.op === 'mul') {
    const factor = x.max(x.abs(e.right), x.int(1));
    return x.and(operands, x.le(x.abs(e.left), x.div(x.int(limit), factor)));
  }
  return x.and(operands, within(e));
}

function collect(e: Expr, span: Span, into: Map<string, Requirement>, locals: Locals = new Map()): void {
  for (const child of children(e)) collect(child, span, into, e.kind === 'fold' && child === e.body ? innerLocals(e, locals) : locals);
  const whole = unwrappedRange(e, locals);
  if (whole === undefined || fits(whole) || !isLaunchLevel(e, locals)) return;
  into.set(exprKey(e), {
    condition: conditionOf(e),
    message: `\`${printExpr(e)}\` must lie within +-2^30, so that positions can be computed from it in 32 bits`,
    span,
  });
}

function walk(mask: MaskExpr, into: Map<string, Requirement>): void {
  for (const e of maskOperands(mask)) collect(e, mask.span, into);
  for (const child of maskChildren(mask)) walk(child, into);
}

/** The requirements of a mask, each once. */
export function launchRequirements(mask: MaskExpr): readonly Requirement[] {
  const found = new Map<string, Requirement>();
  walk(mask, found);
  return [...found.values()];
}
