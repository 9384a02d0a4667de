/**
 * Rules of the plan level that hold without running it. In: a plan. Out: findings, each naming the rule it breaks; none for a sound
 * plan. That pairs are visited exactly once is checked by coverage.ts, which needs a launch.
 */
import { freeRefs, readTensors } from '../expr/traverse.ts';
import type { Expr } from '../expr/ir.ts';
import { allTensors } from '../stage/tensors.ts';
import { rowsKey } from './arrange.ts';
import { holdsAllRows } from './own-rows.ts';
import type { KeyArrangement, Phase, Plan, RowArrangement } from './ir.ts';

export interface Finding {
  readonly rule: string;
  readonly message: string;
}

const sizes = ['n_q', 'n_k', 'heads', 'kv_heads', 'batch', 'dim'];

/** The findings of every rule. */
export function verifyPlan(plan: Plan): readonly Finding[] {
  const findings: Finding[] = [];
  const report = (rule: string, message: string): void => void findings.push({ rule, message });
  const scalars = plan.spec.scalars.map((s) => s.name);
  const extents = plan.spec.tensors.flatMap((t) => t.axes.flatMap((a) => (a.kind === 'free' ? [`${t.name}.${a.name}`] : [])));
  const launch = [...sizes, ...scalars, ...extents, 'h', 'b'];
  const tensors = new Set(allTensors(plan.spec).map((t) => t.name));
  const tables = new Map(plan.tables.map((t) => [t.name, t]));

  const check = (what: string, e: Expr, type: 'int' | 'bool', names: readonly string[], readable: ReadonlySet<string>): void => {
    if (e.type !== type) report('types', `${what} is ${e.type}, not ${type}`);
    for (const name of freeRefs(e)) if (!names.includes(name)) report('scope', `${what} uses ${name}`);
    for (const t of readTensors(e)) if (!readable.has(t)) report('tables', `${what} reads ${t}, which is not made before`);
  };

  const queryTile = [...launch, 'q_first', 'q_last'];
  const tile = [...queryTile, 'k_first', 'k_last'];
  const readable = new Set(tensors);
  const checkListed = (what: string, domain: 'keys' | 'queries', arrangement: Extract<RowArrangement | KeyArrangement, { readonly kind: 'listed' }>): void => {
    const table = tables.get(arrangement.table);
    if (table?.kind !== 'sorted' || table.domain !== domain) report('tables', `${what} lists ${domain} of ${arrangement.table}, which is no sorted table of them`);
    for (const e of arrangement.leading) check(`${what} list index`, e, 'int', launch, readable);
  };
  for (const t of plan.tables) {
    if (readable.has(t.name)) report('names', `two tensors or tables are called ${t.name}`);
    if (t.kind === 'map') {
      check(`${t.name}.needed`, t.needed, 'bool', tile, readable);
      check(`${t.name}.full`, t.full, 'bool', tile, readable);
      if (t.rows.kind === 'listed') checkListed(t.name, 'queries', t.rows);
    } else if (!tensors.has(t.list)) report('tables', `${t.name} is made of ${t.list}, which is no parameter`);
    if (t.kind === 'sorted') {
      const marks = tables.get(t.marks);
      if (!readable.has(t.marks)) report('tables', `${t.name} needs ${t.marks} first`);
      if (marks?.kind !== 'marks' || marks.domain !== t.domain) report('tables', `${t.name} lists ${t.domain}, ${t.marks} does not mark them`);
    }
    readable.add(t.name);
  }

  const checkRows = (what: string, rows: RowArrangement): void => {
    if (rows.kind === 'contiguous') return;
    if (rows.kind === 'listed') return checkListed(what, 'queries', rows);
    check(`${what} modulus`, rows.modulus, 'int', launch, readable);
    if (rows.only !== undefined) check(`${what} residue`, rows.only, 'int', launch, readable);
  };
  const checkPhase = (rows: RowArrangement, p: Phase): void => {
    if (p.keys.kind === 'residue') {
      check(`${p.name} modulus`, p.keys.modulus, 'int', launch, readable);
      check(`${p.name} residue`, p.keys.residue, 'int', queryTile, readable);
      if (rows.kind !== 'residue' && freeRefs(p.keys.residue).has('q_first')) report('residue', `${p.name} follows the row class, but rows are of no class`);
    }
    if (p.keys.kind === 'listed') checkListed(p.name, 'keys', p.keys);
    if (p.walk.kind === 'map') {
      const map = tables.get(p.walk.table);
      if (map?.kind !== 'map') report('tables', `${p.name} walks ${p.walk.table}, which is no map`);
      else if (rowsKey(map.rows) !== rowsKey(rows) || p.keys.kind !== 'contiguous') report('map', `${p.name} walks a map in another arrangement`);
    } else {
      for (const r of p.walk.ranges) {
        check(`${p.name} from`, r.from, 'int', queryTile, readable);
        check(`${p.name} to`, r.to, 'int', queryTile, readable);
      }
    }
    check(`${p.name} skip`, p.skip, 'bool', tile, readable);
    check(`${p.name} touched`, p.touched, 'bool', tile, readable);
    check(`${p.name} full`, p.full, 'bool', tile, readable);
    check(`${p.name} predicate`, p.predicate, 'bool', [...launch, 'q', 'k'], readable);
    for (const t of p.tests) {
      check(`${p.name} test`, t.predicate, 'bool', [...launch, 'q', 'k'], readable);
      check(`${p.name} implied test`, t.implied, 'bool', tile, readable);
    }
  };
  if (plan.passes.length === 0) report('passes', 'there is none');
  for (const pass of plan.passes) {
    checkRows(pass.name, pass.rows);
    for (const what of ['serves', 'alone', 'shared'] as const) check(`${pass.name} ${what}`, pass[what], 'bool', [...launch, 'q'], readable);
    pass.phases.forEach((p) => checkPhase(pass.rows, p));
    const orders = pass.phases.filter((p) => p.keys.kind === 'contiguous').length;
    if (orders > 1) report('phases', `${pass.name} has ${orders} phases with keys in order`);
  }
  check('merged rows', plan.merged.rows, 'bool', [...launch, 'q'], readable);
  check('merged tiles', plan.merged.tiles, 'bool', queryTile, readable);
  if (!plan.passes.some((pass) => holdsAllRows(pass.rows))) report('passes', 'none of them holds the rows that no pass serves');
  if (plan.strategies.length === 0) report('strategies', 'none is named');
  return findings;
}
