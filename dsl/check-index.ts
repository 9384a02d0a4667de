/**
 * Indices of a look-up against the axes they stand on: ints, of the unit of the axis, no key-value head where query heads are counted, and
 * no head on another axis while the axis of heads is left out: one index was forgotten then.
 */
import type { Expr } from './ast.ts';
import * as report from './catalogue/index.ts';
import { requireInt } from './check-env.ts';
import type { Env } from './check-env.ts';
import { agreeOnUnit } from './check-operators.ts';
import { unreachable } from './diagnostic.ts';
import { axisText, isAutomatic } from './types.ts';
import type { AxisType, Unit } from './types.ts';

/** Checks `given` against the last of the `axes`. Whether none was forgotten. */
export function checkIndices(name: string, axes: readonly AxisType[], given: readonly Expr[], env: Env): boolean {
  const left = axes.length - given.length;
  let complete = true;
  given.forEach((i, n) => {
    const where = `index ${n + 1} of \`${name}\``;
    const type = requireInt(i, where, env);
    const axis = axes[left + n];
    if (axis === undefined) return;
    const family = familyOf(i, type?.axis, env);
    const omitted = axes.slice(0, Math.max(left, 0));
    if (family !== undefined && !family.includes(axis.kind) && omitted.every(isAutomatic) && omitted.some((a) => family.includes(a.kind))) {
      const full = axes.slice(axes.findIndex((a) => family.includes(a.kind)));
      env.checking.report(report.indexMissing(i.span, { name, index: i.kind === 'name' ? i.name : '', wanted: full.map(axisText) }));
      complete = false;
      return;
    }
    agreeOnUnit(where, i.span, unitOfAxis(axis), type?.unit, env);
    if (axis.kind === 'heads' && type?.axis === 'kv_heads') env.checking.report(report.headsMixed(i.span, { name: i.kind === 'name' ? i.name : 'this' }));
  });
  return complete;
}

/** The axes that a head or a batch entry, written by its bare name, is meant for; undefined for other indices. */
function familyOf(i: Expr, axis: AxisType['kind'] | undefined, env: Env): readonly AxisType['kind'][] | undefined {
  if (axis === 'heads' || axis === 'kv_heads') return ['heads', 'kv_heads'];
  if (i.kind !== 'name' || env.values.has(i.name)) return undefined;
  return i.name === 'h' ? ['heads', 'kv_heads'] : i.name === 'b' ? ['batch'] : undefined;
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
