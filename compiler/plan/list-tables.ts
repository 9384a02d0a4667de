/**
 * The derived tables that the lists of a plan need: bit sets for membership, sorted tables for listed keys. In: the mask's atoms
 * and the planned phases. Out: tables in the order in which they are made, each once, none that nobody reads.
 */
import type { Origin } from '../../dsl/span.ts';
import { marksName, type Atom } from '../algebra/formula.ts';
import type { Expr } from '../expr/ir.ts';
import { readTensors } from '../expr/traverse.ts';
import { sortedName } from './arrange.ts';
import type { Table } from './ir.ts';
import type { PlannedPhase } from './plan-phase.ts';

function expressionsOf({ phase, map }: PlannedPhase): readonly Expr[] {
  const ranges = phase.walk.kind === 'ranges' ? phase.walk.ranges.flatMap((r) => [r.from, r.to]) : [];
  return [phase.predicate, ...phase.tests.flatMap((t) => [t.predicate, t.implied]), phase.skip, phase.full, ...ranges, ...(map === undefined ? [] : [map.needed, map.full])];
}

export function listTables(atoms: readonly Atom[], phases: readonly PlannedPhase[], origin: Origin): readonly Table[] {
  const read = new Set(phases.flatMap(expressionsOf).flatMap((e) => [...readTensors(e)]));
  const listed = new Set(phases.flatMap((p) => (p.phase.keys.kind === 'listed' ? [p.phase.keys.table] : [])));
  const out = new Map<string, Table>();
  for (const atom of atoms) {
    if (atom.kind !== 'member') continue;
    const list = atom.list.tensor;
    const marks = marksName(atom.what, list);
    const sorted = sortedName(list);
    const wantsSorted = atom.what === 'keys' && listed.has(sorted);
    if (read.has(marks) || wantsSorted) out.set(marks, { kind: 'marks', name: marks, domain: atom.what, list, origin });
    if (wantsSorted) out.set(sorted, { kind: 'sorted', name: sorted, marks, list, origin });
  }
  return [...out.values()];
}
