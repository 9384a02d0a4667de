/**
 * Plans as text for people: tables, passes and phases, one fact a line. In: a plan. Out: text that changes when the plan does.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { printExpr } from '../expr/print.ts';
import type { KeyArrangement, Pass, Phase, Plan, RowArrangement, Table } from './ir.ts';

function printTable(t: Table): string {
  switch (t.kind) {
    case 'marks':
      return `table ${t.name}: marks of ${t.domain} from ${t.list}`;
    case 'sorted':
      return `table ${t.name}: sorted distinct entries of ${t.list}, from ${t.marks}`;
    case 'map': {
      const per = [t.perBatch ? 'batch' : '', t.perHead ? 'head' : ''].filter((s) => s !== '').join(' and ');
      return `table ${t.name}: tile map${per === '' ? '' : ` per ${per}`}, ${printRows(t.rows)}\n  needed ${printExpr(t.needed)}\n  full ${printExpr(t.full)}`;
    }
    default:
      return unreachable(t);
  }
}

function printRows(rows: RowArrangement): string {
  switch (rows.kind) {
    case 'contiguous':
      return 'rows in order';
    case 'residue': {
      const only = rows.only === undefined ? '' : `, only residue ${printExpr(rows.only)}`;
      return `rows by residue mod ${printExpr(rows.modulus)}${only}`;
    }
    case 'listed':
      return `rows of ${rows.table}[${rows.leading.map((e) => printExpr(e)).join(', ')}]`;
    default:
      return unreachable(rows);
  }
}

function printKeys(keys: KeyArrangement): string {
  switch (keys.kind) {
    case 'contiguous':
      return 'keys in order';
    case 'residue':
      return `keys congruent to ${printExpr(keys.residue)} mod ${printExpr(keys.modulus)}`;
    case 'listed':
      return `keys of ${keys.table}[${keys.leading.map((e) => printExpr(e)).join(', ')}]`;
    default:
      return unreachable(keys);
  }
}

function printPhase(p: Phase): readonly string[] {
  const walk = p.walk.kind === 'map' ? [`    walk tiles of ${p.walk.table}`] : p.walk.ranges.map((r) => `    walk ${printExpr(r.from)} .. ${printExpr(r.to)}`);
  return [
    `  phase ${p.name}: ${printKeys(p.keys)}`,
    ...walk,
    `    skip ${printExpr(p.skip)}`,
    ...(p.touched.kind === 'literal' ? [] : [`    touched ${printExpr(p.touched)}`]),
    `    full ${printExpr(p.full)}`,
    `    predicate ${printExpr(p.predicate)}`,
    ...p.tests.map((t) => `      ask ${printExpr(t.predicate)} unless ${printExpr(t.implied)}`),
  ];
}

const isFalse = (e: Expr): boolean => e.kind === 'literal' && e.value === 0;

function printOwned({ serves, alone, shared }: Pass): readonly string[] {
  return [`  serves rows where ${printExpr(serves)}`, `  alone where ${printExpr(alone)}`, ...(isFalse(shared) ? [] : [`  shared where ${printExpr(shared)}`])];
}

/** The plan as text. */
export function printPlan(plan: Plan): string {
  const lines = [
    `plan ${plan.name}`,
    `strategy ${plan.strategies.join(', ')}`,
    ...plan.reasons.map((r) => `because ${r}`),
    ...plan.tables.map(printTable),
    ...plan.passes.flatMap((pass) => [`pass ${pass.name}: ${printRows(pass.rows)}`, ...(plan.passes.length > 1 ? printOwned(pass) : []), ...pass.phases.flatMap(printPhase)]),
    ...(isFalse(plan.merged.rows) ? [] : [`merge rows where ${printExpr(plan.merged.rows)}`, `  tiles where ${printExpr(plan.merged.tiles)}`]),
  ];
  return `${lines.join('\n')}\n`;
}
