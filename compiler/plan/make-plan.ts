/**
 * From the meaning to the plan. In: a spec. Out: passes and phases that visit each live pair exactly once, independent of sizes
 * and parameter values. The mask becomes a union of parts; each part goes to the arrangement in which it is dense; what an
 * earlier phase serves is taken out of the later ones; the rest is bounds, tile questions and predicates.
 */
import { good, type Checked } from '../../dsl/diagnostic.ts';
import { originOf, through, type Origin } from '../../dsl/span.ts';
import { contiguous, type Arrangement } from '../algebra/ask.ts';
import { meet, outside, product, simplifyParts, toParts, type Part } from '../algebra/dnf.ts';
import { atomsOf, type Formula } from '../algebra/formula.ts';
import { launchRequirements } from '../algebra/launch-requirements.ts';
import { maskFormula } from '../algebra/normalise.ts';
import type { Spec } from '../spec/ir.ts';
import { arrange, keysKey, rowsKey, withoutImplied, type Arranged } from './arrange.ts';
import type { Pass, Phase, Plan, StrategyName, Table } from './ir.ts';
import { opaquePhase, planPhase, type PlannedPhase } from './plan-phase.ts';
import { listTables } from './list-tables.ts';

/** Parts of one arrangement, before earlier phases are taken out. */
interface Group {
  readonly arrangement: Arrangement;
  readonly members: readonly Arranged[];
}

/** Rows and keys in order first, then listed keys, then residue keys, then other orders of rows: what is served early stays simple. */
function rank(a: Arrangement): number {
  const keys = { contiguous: 0, listed: 1, residue: 2 }[a.keys.kind];
  return (a.rows.kind === 'contiguous' ? 0 : 10) + keys;
}

function grouped(parts: readonly Part[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const part of parts) {
    const arranged = arrange(part);
    const key = `${rowsKey(arranged.arrangement.rows)} / ${keysKey(arranged.arrangement.keys)}`;
    const group = groups.get(key);
    groups.set(key, { arrangement: arranged.arrangement, members: [...(group?.members ?? []), arranged] });
  }
  return [...groups.values()].sort((a, b) => rank(a.arrangement) - rank(b.arrangement));
}

/** The pairs of a group that no earlier part serves; undefined when that takes too many parts to say. */
function refine(group: Group, earlier: readonly Part[]): readonly Part[] | undefined {
  const out: Part[] = [];
  for (const member of group.members) {
    const overlapping = earlier.filter((e) => meet(member.whole, e) !== undefined);
    const left = toParts(outside(overlapping));
    const parts = left === undefined ? undefined : product([member.whole], left);
    if (parts === undefined) return undefined;
    out.push(...parts.map((p) => withoutImplied(p, member)));
  }
  return simplifyParts(out);
}

function planUnion(parts: readonly Part[], origin: Origin, wideReads: boolean): readonly { readonly group: Group; readonly planned: PlannedPhase }[] {
  const out: { group: Group; planned: PlannedPhase }[] = [];
  const earlier: Part[] = [];
  for (const group of grouped(parts)) {
    const refined = refine(group, earlier);
    if (refined === undefined || refined.length > 0) {
      const planned = planPhase({
        arrangement: group.arrangement,
        name: `phase_${out.length}`,
        parts: refined ?? group.members.map((m) => m.rest),
        except: refined === undefined ? [...earlier] : [],
        origin,
        wideReads,
      });
      if (planned !== undefined) out.push({ group, planned });
    }
    earlier.push(...group.members.map((m) => m.whole));
  }
  return out;
}

function passesOf(planned: readonly { readonly group: Group; readonly planned: PlannedPhase }[], origin: Origin): readonly Pass[] {
  const passes = new Map<string, Pass>();
  for (const { group, planned: { phase } } of planned) {
    const { rows } = group.arrangement;
    const key = rowsKey(rows);
    const pass = passes.get(key);
    const phases: readonly Phase[] = [...(pass?.phases ?? []), phase];
    passes.set(key, { name: pass?.name ?? (rows.kind === 'contiguous' ? 'rows' : `lines_${passes.size}`), rows, phases, origin });
  }
  return passes.size > 0 ? [...passes.values()] : [{ name: 'rows', rows: contiguous.rows, phases: [], origin }];
}

function planFormula(formula: Formula, origin: Origin, wideReads = false): readonly { readonly group: Group; readonly planned: PlannedPhase }[] {
  const parts = toParts(formula);
  if (parts !== undefined) return planUnion(parts, origin, wideReads);
  return [{ group: { arrangement: contiguous, members: [] }, planned: opaquePhase(formula, origin, wideReads) }];
}

function distinct<T>(list: readonly T[]): readonly T[] {
  return [...new Set(list)];
}

/** The plan of a spec. */
export function makePlan(spec: Spec): Checked<Plan> {
  const origin = through(originOf(spec.mask.span), 'plan');
  const formula = maskFormula(spec.mask);
  const planned = planFormula(formula, origin);
  const phases = planned.map((p) => p.planned);
  const maps: readonly Table[] = phases.flatMap((p) => (p.map === undefined ? [] : [p.map]));
  const strategies: readonly StrategyName[] = distinct(phases.map((p) => p.strategy));
  const reasons = phases.length === 0 ? ['the mask is empty: nothing is visited'] : phases.map((p) => p.reason);
  return good({
    name: spec.name,
    spec: { ...spec, requires: [...spec.requires, ...launchRequirements(spec.mask)] },
    tables: [...listTables(atomsOf(formula), phases, origin), ...maps],
    passes: passesOf(planned, origin),
    strategies: strategies.length === 0 ? ['closed-form'] : strategies,
    reasons: distinct(reasons),
  });
}

/** The map table of a plan with questions for ranges of any size, for measuring on the host; undefined where it has none. */
export function wideMap(spec: Spec): Extract<Table, { readonly kind: 'map' }> | undefined {
  const planned = planFormula(maskFormula(spec.mask), originOf(spec.mask.span), true);
  return planned.map((p) => p.planned.map).find((map) => map !== undefined);
}
