/**
 * Indices of a look-up against the axes they stand on: ints, of the unit of the axis, and no key-value head where query heads are counted.
 */
import type { Expr } from './ast.ts';
import * as report from './catalogue/index.ts';
import { requireInt } from './check-env.ts';
import type { Env } from './check-env.ts';
import { agreeOnUnit } from './check-operators.ts';
import { unreachable } from './diagnostic.ts';
import type { AxisType, Unit } from './types.ts';

/** Checks `given` against the last of the `axes`. */
export function checkIndices(name: string, axes: readonly AxisType[], given: readonly Expr[], env: Env): void {
  const left = axes.length - given.length;
  given.forEach((i, n) => {
    const where = `index ${n + 1} of \`${name}\``;
    const type = requireInt(i, where, env);
    const axis = axes[left + n];
    if (axis === undefined) return;
    agreeOnUnit(where, i.span, unitOfAxis(axis), type?.unit, env);
    if (axis.kind === 'heads' && type?.axis === 'kv_heads') env.checking.report(report.headsMixed(i.span, { name: i.kind === 'name' ? i.name : 'this' }));
  });
}

/** What an index of the axis counts, where that is sure. */
export function unitOfAxis(axis: AxisType): Unit | undefined {
  switch (axis.kind) {
    case 'queries':
    case 'keys':
      return 'tokens';
    case 'blocks':
      return 'tiles';
    case 'batch':
    case 'heads':
    case 'kv_heads':
    case 'dim':
    case 'counted':
    case 'free':
    case 'fixed':
      return undefined;
    default:
      return unreachable(axis);
  }
}
