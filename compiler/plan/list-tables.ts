/**
 * The derived tables that the lists of a plan need: bit sets for membership, sorted tables for listed keys and rows. In: the mask's
 * atoms, the planned phases and the passes. Out: tables in the order in which they are made, each once, none that nobody reads.
 */
import type { Origin } from '../../dsl/span.ts';
import { marksName, type Atom } from '../algebra/formula.ts';
import type { Expr } from '../expr/ir.ts';
import { readTensors } from '../expr/traverse.ts';
import { sortedName } from './arrange.ts';
import type { Table } from './ir.ts';
import type { OwnedRows } from './own-rows.ts';
import type { PlannedPhase } from './plan-phase.ts';

function expressionsOf({ phase, map }: PlannedPhase): readonly Expr[] {
  const ranges = phase.walk.kind === 'ranges' ? phase.walk.ranges.flatMap((r) => [r.from, r.to]) : [];
  return [phase.predicate, ...phase.tests.flatMap((t) => [t.predicate, t.implied]), phase.skip, phase.full, ...ranges, ...(map === undefined ? [] : [map.needed, map.full])];
}

export function listTables(atoms: readonly Atom[], phases: readonly PlannedPhase[], { passes, merged }: OwnedRows, origin: Origin): readonly Table[] {
  const ofRows = [merged.rows, merged.tiles, ...passes.flatMap((p) => [p.serves, p.alone, p.shared])];
  const read = new Set([...phases.flatMap(expressionsOf), ...ofRows].flatMap((e) => [...readTensors(e)]));
  const arrangements = [...phases.map((p) => p.phase.keys), ...passes.map((p) => p.rows)];
  const listed = new Set(arrangements.flatMap((a) => (a.kind === 'listed' ? [a.table] : [])));
  const out = new Map<string, Table>();
  for (const atom of atoms) {
    if (atom.kind !== 'member') continue;
    const list = atom.list.tensor;
    const marks = marksName(atom.what, list);
    const domain = atom.what === 'slashes' ? undefined : atom.what;
    const sorted = domain === undefined || !listed.has(sortedName(domain, list)) ? [] : [{ kind: 'sorted', name: sortedName(domain, list), domain, marks, list, origin } as const];
    if (read.has(marks) || sorted.length > 0) out.set(marks, { kind: 'marks', name: marks, domain: atom.what, list, origin });
    for (const table of sorted) out.set(table.name, table);
  }
  return [...out.values()];
}
