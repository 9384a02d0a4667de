/**
 * From the meaning to the plan. In: a spec. Out: passes and phases that visit each live pair exactly once, independent of sizes
 * and parameter values. The mask becomes a union of parts; each part goes to the arrangement in which it is dense; what an
 * earlier phase serves is taken out of the later ones; the rest is bounds, tile questions and predicates.
 */
import { good, type Checked } from '../../dsl/diagnostic.ts';
import { originOf, through, type Origin } from '../../dsl/span.ts';
import { contiguous, freeOfKeys, type Arrangement } from '../algebra/ask.ts';
import { meet, outside, product, simplifyParts, toParts, within, type Part } from '../algebra/dnf.ts';
import { atomKey, atomsOf, type Atom, type Formula } from '../algebra/formula.ts';
import { launchRequirements } from '../algebra/launch-requirements.ts';
import { maskFormula } from '../algebra/normalise.ts';
import type { Spec } from '../spec/ir.ts';
import { arrange, keysKey, rowsKey, withoutImplied, type Arranged } from './arrange.ts';
import type { Plan, StrategyName, Table } from './ir.ts';
import { opaquePhase, planPhase, type PlannedPhase } from './plan-phase.ts';
import { listTables } from './list-tables.ts';
import { holdsAllRows, ownRows, type OwnedRows, type ServedPass } from './own-rows.ts';

/** Parts of one arrangement, before earlier phases are taken out. */
interface Group {
  readonly arrangement: Arrangement;
  readonly ofRows: Atom | undefined;
  readonly members: readonly Arranged[];
}

interface PlannedGroup {
  readonly group: Group;
  /** What the phase serves; undefined where that is not known as parts. */
  readonly parts: readonly Part[] | undefined;
  readonly planned: PlannedPhase;
}

/** Whether all that the other parts say of the group's listed rows lies in one of its own: it takes these rows over. */
function takesRowsOver({ arrangement, ofRows, members }: Group, parts: readonly Part[]): boolean {
  if (arrangement.rows.kind !== 'listed' || ofRows === undefined) return false;
  const own = members.map((m) => m.whole);
  return parts.filter((part) => !own.includes(part)).every((part) => {
    const there = meet(part, [ofRows]);
    return there === undefined || own.some((mine) => within(there, mine));
  });
}

/**
 * Rows and keys in order first, then listed keys, then residue keys, then other orders of rows: what is served early stays simple. Before
 * all of them come lists of rows that leave nothing of their rows to others: those rows are then of one pass.
 */
function rank(group: Group, parts: readonly Part[]): number {
  const { rows, keys } = group.arrangement;
  const byKeys = { contiguous: 0, listed: 1, residue: 2 }[keys.kind];
  return (takesRowsOver(group, parts) ? -10 : { contiguous: 0, residue: 10, listed: 20 }[rows.kind]) + byKeys;
}

function grouped(parts: readonly Part[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const part of parts) {
    const arranged = arrange(part);
    const key = `${rowsKey(arranged.arrangement.rows)} / ${keysKey(arranged.arrangement.keys)}`;
    const group = groups.get(key);
    groups.set(key, { arrangement: arranged.arrangement, ofRows: arranged.ofRows, members: [...(group?.members ?? []), arranged] });
  }
  const ranked = [...groups.values()].map((group) => ({ group, rank: rank(group, parts) }));
  return ranked.sort((a, b) => a.rank - b.rank).map((r) => r.group);
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

interface RefinedGroup {
  readonly group: Group;
  readonly parts: readonly Part[];
  /** Served earlier and not taken out of the parts. */
  readonly except: readonly Part[];
}

/** The groups in the order in which they are served, each without what is served before. */
function refinedGroups(parts: readonly Part[]): readonly RefinedGroup[] {
  const out: RefinedGroup[] = [];
  const earlier: Part[] = [];
  for (const group of grouped(parts)) {
    const refined = refine(group, earlier);
    if (refined === undefined) out.push({ group, parts: group.members.map((m) => m.rest), except: [...earlier] });
    else if (refined.length > 0) out.push({ group, parts: refined, except: [] });
    earlier.push(...group.members.map((m) => m.whole));
  }
  return out;
}

/** What all parts of one order of rows say of the row alone: rows of which it is not true are not served, whatever their pairs are. */
function commonRowAtoms(groups: readonly RefinedGroup[]): readonly Atom[] {
  const parts = groups.flatMap((g) => g.parts);
  const first = groups.some((g) => g.except.length > 0) ? [] : parts[0] ?? [];
  return first.filter((atom) => freeOfKeys(atom) && parts.every((part) => part.some((other) => atomKey(other) === atomKey(atom))));
}

function planUnion(all: readonly Part[], origin: Origin, wideReads: boolean): readonly PlannedGroup[] {
  const out: PlannedGroup[] = [];
  const groups = refinedGroups(all);
  for (const { group, parts, except } of groups) {
    const { arrangement } = group;
    const ofRows = commonRowAtoms(groups.filter((other) => rowsKey(other.group.arrangement.rows) === rowsKey(arrangement.rows)));
    const keys = new Set(ofRows.map(atomKey));
    const planned = planPhase({
      arrangement,
      name: `phase_${out.length}`,
      parts: parts.map((part) => part.filter((atom) => !keys.has(atomKey(atom)))),
      ofRows,
      except,
      origin,
      wideReads,
    });
    if (planned !== undefined) out.push({ group, parts, planned });
  }
  return out;
}

function passesOf(planned: readonly PlannedGroup[], origin: Origin): OwnedRows {
  const passes = new Map<string, ServedPass>();
  for (const { group, parts, planned: { phase } } of planned) {
    const { rows } = group.arrangement;
    const key = rowsKey(rows);
    const before = passes.get(key);
    const name = before?.pass.name ?? (rows.kind === 'contiguous' ? 'rows' : `lines_${passes.size}`);
    const served = before === undefined ? parts : before.parts === undefined || parts === undefined ? undefined : [...before.parts, ...parts];
    passes.set(key, { pass: { name, rows, phases: [...(before?.pass.phases ?? []), phase], origin }, ofRows: group.ofRows, parts: served });
  }
  const all = [...passes.values()];
  const empty: ServedPass = { pass: { name: 'rows', rows: contiguous.rows, phases: [], origin }, ofRows: undefined, parts: [] };
  return ownRows(all.some(({ pass }) => holdsAllRows(pass.rows)) ? all : [...all, empty]);
}

function planFormula(formula: Formula, origin: Origin, wideReads = false): readonly PlannedGroup[] {
  const parts = toParts(formula);
  if (parts !== undefined) return planUnion(parts, origin, wideReads);
  return [{ group: { arrangement: contiguous, ofRows: undefined, members: [] }, parts: undefined, planned: opaquePhase(formula, origin, wideReads) }];
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
  const owned = passesOf(planned, origin);
  const maps: readonly Table[] = phases.flatMap((p) => (p.map === undefined ? [] : [p.map]));
  const strategies: readonly StrategyName[] = distinct(phases.map((p) => p.strategy));
  const reasons = phases.length === 0 ? ['the mask is empty: nothing is visited'] : phases.map((p) => p.reason);
  return good({
    name: spec.name,
    spec: { ...spec, requires: [...spec.requires, ...launchRequirements(spec.mask)] },
    tables: [...listTables(atomsOf(formula), phases, owned, origin), ...maps],
    ...owned,
    strategies: strategies.length === 0 ? ['closed-form'] : strategies,
    reasons: distinct(reasons),
  });
}

/** A map table of a plan with questions for ranges of any size, for measuring on the host; undefined where it has none of the name. */
export function wideMap(spec: Spec, name: string): Extract<Table, { readonly kind: 'map' }> | undefined {
  const planned = planFormula(maskFormula(spec.mask), originOf(spec.mask.span), true);
  return planned.map((p) => p.planned.map).find((map) => map?.name === name);
}
