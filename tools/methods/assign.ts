/**
 * Which candidate each head gets. In: for every head (of every layer) the measured points of all candidates, in the order of the file, and a
 * rule. Out: the index of one candidate per head, or nothing for a head where no candidate will do.
 * Costs and losses are numbers; a smaller loss is better. Equal points: the one written first.
 *
 * - budget: mean cost of all heads at most `limit`, total loss as small as can be. Each head keeps the lower convex hull of its points; all
 *   start at their cheapest, and the step with the most loss saved per cost is taken, head by head, while it fits. On the hull that is the
 *   answer for every multiplier of the Lagrangian; what is left is less than one step, and steps that no longer fit are passed over.
 * - best: the smallest loss among the points of at most `limit` cost, each head by itself.
 * - improve: the points are walked in order; one replaces what is held only if its loss is lower by more than `threshold`.
 * - reach: the cheapest point whose recall is at least `recall`; the highest recall where none is.
 */
import { unreachable } from '../../dsl/diagnostic.ts';

export type SearchRule =
  | { readonly rule: 'budget' | 'best'; readonly limit: number }
  | { readonly rule: 'improve'; readonly threshold: number }
  | { readonly rule: 'reach'; readonly recall: number };

export interface Point {
  readonly cost: number;
  readonly loss: number;
  readonly recall: number;
}

export function assign(heads: readonly (readonly Point[])[], rule: SearchRule): readonly (number | undefined)[] {
  switch (rule.rule) {
    case 'budget':
      return withinBudget(heads, rule.limit);
    case 'best':
      return heads.map((points) => least(points, (p) => (p.cost <= rule.limit ? p.loss : Infinity)));
    case 'improve':
      return heads.map((points) => {
        let held = 0;
        points.forEach((p, i) => {
          if (p.loss < (points[held]?.loss ?? Infinity) - rule.threshold) held = i;
        });
        return points.length === 0 ? undefined : held;
      });
    case 'reach':
      return heads.map((points) => least(points, (p) => (p.recall >= rule.recall ? p.cost : Infinity)) ?? least(points, (p) => -p.recall));
    default:
      return unreachable(rule);
  }
}

/** The index of the smallest finite value, the first of equals. */
function least(points: readonly Point[], value: (p: Point) => number): number | undefined {
  let found: number | undefined;
  let smallest = Infinity;
  points.forEach((p, i) => {
    if (value(p) < smallest) [smallest, found] = [value(p), i];
  });
  return found;
}

interface Corner extends Point {
  readonly index: number;
}

/** Corners of the lower convex hull of loss over cost, from the cheapest to the best. */
export function lowerHull(points: readonly Point[]): readonly Corner[] {
  const sorted = points.map((p, index) => ({ ...p, index })).sort((a, b) => a.cost - b.cost || a.loss - b.loss || a.index - b.index);
  const hull: Corner[] = [];
  for (const p of sorted) {
    const last = hull.at(-1);
    if (last !== undefined && p.loss >= last.loss) continue;
    for (;;) {
      const [a, b] = [hull.at(-2), hull.at(-1)];
      // b goes where it lies on or above the line from a to p.
      if (a === undefined || b === undefined || (b.loss - a.loss) * (p.cost - a.cost) < (p.loss - a.loss) * (b.cost - a.cost)) break;
      hull.pop();
    }
    hull.push(p);
  }
  return hull;
}

function withinBudget(heads: readonly (readonly Point[])[], limit: number): readonly (number | undefined)[] {
  const hulls = heads.map(lowerHull);
  const at = hulls.map(() => 0);
  let left = limit * heads.length - hulls.reduce((sum, hull) => sum + (hull[0]?.cost ?? 0), 0);
  // Sums of decimals: a budget that is met exactly must not fail by a rounding.
  const slack = 1e-9 * Math.max(1, limit * heads.length);
  if (left < -slack) return heads.map(() => undefined);
  const steps = hulls
    .flatMap((hull, head) => hull.slice(1).map((p, i) => {
      const from = hull[i] ?? p;
      return { head, step: i + 1, cost: p.cost - from.cost, rate: (from.loss - p.loss) / (p.cost - from.cost) };
    }))
    .sort((a, b) => b.rate - a.rate || a.head - b.head || a.step - b.step);
  for (const { head, step, cost } of steps) {
    // A step is only open after the one before it; rates fall along a hull, so the order sees to that unless one did not fit.
    if (at[head] !== step - 1 || cost > left + slack) continue;
    at[head] = step;
    left -= cost;
  }
  return hulls.map((hull, head) => hull[at[head] ?? 0]?.index);
}
