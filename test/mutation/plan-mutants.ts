/**
 * Ways in which a planner can be wrong, as rewrites of plans. Each would give a plausible plan that visits too little, too much, or
 * believes something false about a tile. The coverage checker must notice.
 */
import { add, and, falseExpr, int, lt, ref, sub, trueExpr } from '../../compiler/expr/build.ts';
import type { Expr } from '../../compiler/expr/ir.ts';
import { is, nodeAt, nodesAt, removed } from './rewrite.ts';
import type { Mutant, Node } from './rewrite.ts';

const isPhase = (n: Node): boolean => 'walk' in n && 'predicate' in n;
const isPass = (n: Node): boolean => 'phases' in n && 'rows' in n;
const isPlan = (n: Node): boolean => 'passes' in n && 'tables' in n;
const isRange = (n: Node, trail: readonly Node[]): boolean => 'from' in n && 'to' in n && !('kind' in n) && is(trail.at(-1), 'ranges');
const isLiteral = (n: Node, value: number): boolean => is(n, 'literal') && n['value'] === value;

/** A field of a node as an expression; fields named here always hold one. */
function expr(node: Node, field: string): Expr {
  const value: unknown = node[field];
  return isExpr(value) ? value : int(0);
}

function isExpr(value: unknown): value is Expr {
  return typeof value === 'object' && value !== null && 'kind' in value && 'type' in value;
}

/** Comparisons inside the predicate of a phase. */
function inPredicate(trail: readonly Node[]): boolean {
  const phase = trail.find(isPhase);
  return phase !== undefined && trail.includes(nodeAt(phase, 'predicate')) || (phase !== undefined && trail.at(-1) === phase);
}

const looser: Readonly<Record<string, string>> = { le: 'lt', lt: 'le', ge: 'gt', gt: 'ge', eq: 'ne', ne: 'eq' };

export const planMutants: readonly Mutant[] = [
  { name: 'a key range starts one too late', match: (n, t) => (isRange(n, t) ? { ...n, from: add(expr(n, 'from'), int(1)) } : undefined) },
  { name: 'a key range ends one too early', match: (n, t) => (isRange(n, t) ? { ...n, to: sub(expr(n, 'to'), int(1)) } : undefined) },
  { name: 'a key range is forgotten', match: (n, t) => (isRange(n, t) && nodesAt(t.at(-1) ?? {}, 'ranges').length > 1 ? removed : undefined) },
  { name: 'a range forgets the rows below its first', match: (n, t) => (isRange(n, t) ? { ...n, to: swapped(expr(n, 'to'), 'q_last', 'q_first') } : undefined) },
  { name: 'a range forgets the rows above its last', match: (n, t) => (isRange(n, t) ? { ...n, from: swapped(expr(n, 'from'), 'q_first', 'q_last') } : undefined) },
  { name: 'a phase is dropped', match: (n) => (isPhase(n) ? removed : undefined) },
  { name: 'a phase is walked twice', match: (n) => (isPass(n) && nodesAt(n, 'phases').length > 0 ? { ...n, phases: [...nodesAt(n, 'phases'), nodesAt(n, 'phases')[0]] } : undefined) },
  { name: 'a pass is dropped', match: (n, t) => (isPass(n) && nodesAt(t.find(isPlan) ?? {}, 'passes').length > 1 ? removed : undefined) },
  { name: 'every tile is believed full', match: (n) => (isPhase(n) && !isLiteral(nodeAt(n, 'predicate'), 1) && !isLiteral(nodeAt(n, 'full'), 1) ? { ...n, full: trueExpr } : undefined) },
  { name: 'every tile is skipped', match: (n) => (isPhase(n) ? { ...n, skip: trueExpr } : undefined) },
  { name: 'key steps of partial tiles are taken for empty', match: (n) => (isPhase(n) && !isLiteral(nodeAt(n, 'touched'), 1) ? { ...n, touched: falseExpr } : undefined) },
  { name: 'full and skip are exchanged', match: (n) => (isPhase(n) && !isLiteral(nodeAt(n, 'full'), 0) ? { ...n, full: n['skip'], skip: n['full'] } : undefined) },
  { name: 'partial tiles ask nothing', match: (n) => (isPhase(n) && !isLiteral(nodeAt(n, 'predicate'), 1) ? { ...n, predicate: trueExpr } : undefined) },
  { name: 'a comparison of the predicate is off by one', match: (n, t) => (is(n, 'binary') && inPredicate(t) && typeof n['op'] === 'string' && looser[n['op']] !== undefined ? { ...n, op: looser[n['op']] } : undefined) },
  { name: 'a phase serves what an earlier one has served', match: (n) => (isPhase(n) && is(nodeAt(n, 'predicate'), 'binary', { op: 'and' }) ? { ...n, predicate: expr(nodeAt(n, 'predicate'), 'left') } : undefined) },
  { name: 'the residue of a key class has the wrong sign', match: (n) => (is(n, 'residue') && 'residue' in n ? { ...n, residue: sub(int(0), expr(n, 'residue')) } : undefined) },
  { name: 'the residue of a key class is off by one', match: (n) => (is(n, 'residue') && 'residue' in n ? { ...n, residue: add(expr(n, 'residue'), int(1)) } : undefined) },
  { name: 'keys step by the wrong modulus', match: (n) => (is(n, 'residue') && 'residue' in n ? { ...n, modulus: add(expr(n, 'modulus'), int(1)) } : undefined) },
  { name: 'rows step by the wrong modulus', match: (n) => (is(n, 'residue') && !('residue' in n) ? { ...n, modulus: add(expr(n, 'modulus'), int(1)) } : undefined) },
  { name: 'the only row class is the wrong one', match: (n) => (is(n, 'residue') && 'only' in n ? { ...n, only: add(expr(n, 'only'), int(1)) } : undefined) },
  { name: 'rows of a pass are not arranged', match: (n) => (is(n, 'residue') && !('residue' in n) ? { kind: 'contiguous' } : undefined) },
  { name: 'keys of a phase are not arranged', match: (n, t) => (is(n, 'residue') && 'residue' in n && isPhase(t.at(-1) ?? {}) ? { kind: 'contiguous' } : undefined) },
  { name: 'a list of head 0 serves every head', match: (n) => (is(n, 'listed') && nodesAt(n, 'leading').length > 0 ? { ...n, leading: nodesAt(n, 'leading').map(() => int(0)) } : undefined) },
  { name: 'a row of several passes is finished by each', match: (n) => (isPass(n) && !isLiteral(nodeAt(n, 'shared'), 0) ? { ...n, alone: n['serves'], shared: falseExpr } : undefined) },
  { name: 'a row of one pass is left to the merge', match: (n) => (isPass(n) && !isLiteral(nodeAt(n, 'alone'), 0) ? { ...n, alone: falseExpr, shared: n['serves'] } : undefined) },
  { name: 'a pass forgets the rows that it shares', match: (n) => (isPass(n) && !isLiteral(nodeAt(n, 'shared'), 0) ? { ...n, serves: n['alone'] } : undefined) },
  { name: 'tiles of rows to merge are passed over', match: (n) => ('tiles' in n && 'rows' in n && !isLiteral(nodeAt(n, 'tiles'), 0) ? { ...n, tiles: falseExpr } : undefined) },
  { name: 'a tile map keeps only the full tiles', match: (n) => (is(n, 'map') && 'needed' in n ? { ...n, needed: n['full'] } : undefined) },
  { name: 'a tile map believes what it needs to be full', match: (n) => (is(n, 'map') && 'needed' in n ? { ...n, full: n['needed'] } : undefined) },
  { name: 'a tile map forgets the last tiles', match: (n) => (is(n, 'map') && 'needed' in n ? { ...n, needed: and(expr(n, 'needed'), lt(add(ref('k_last', 'int'), int(1)), ref('n_k', 'int'))) } : undefined) },
  { name: 'marks are made for the wrong axis', match: (n) => (is(n, 'marks') ? { ...n, domain: n['domain'] === 'keys' ? 'slashes' : 'keys' } : undefined) },
  { name: 'membership is looked up one bit aside', match: (n, t) => (is(n, 'binary', { op: 'bit_and' }) && inPredicate(t) && isLiteral(nodeAt(n, 'right'), 31) ? { ...n, left: add(expr(n, 'left'), int(1)) } : undefined) },
  { name: 'no phase is left', match: (n) => (isPass(n) && nodesAt(n, 'phases').length > 0 ? { ...n, phases: [] } : undefined) },
  { name: 'a tile that is needed is skipped at the end of the sequence', match: (n) => (isPhase(n) && isLiteral(nodeAt(n, 'skip'), 0) ? { ...n, skip: lt(ref('n_k', 'int'), add(ref('k_last', 'int'), int(2))) } : undefined) },
];

/** Broken plans that only show when the device makes its tables: judged by the tile interpreter after lowering. */
export const tableMutants: readonly Mutant[] = [
  { name: 'a tile map of one head serves all', match: (n) => (is(n, 'map') && n['perHead'] === true ? { ...n, perHead: false } : undefined) },
  { name: 'a tile map keeps only the full tiles', match: (n) => (is(n, 'map') && 'needed' in n ? { ...n, needed: n['full'] } : undefined) },
  { name: 'marks are made for the wrong axis', match: (n) => (is(n, 'marks') ? { ...n, domain: n['domain'] === 'keys' ? 'slashes' : 'keys' } : undefined) },
  { name: 'a phase is dropped', match: (n) => (isPhase(n) ? removed : undefined) },
  { name: 'the only row class is the wrong one', match: (n) => (is(n, 'residue') && 'only' in n ? { ...n, only: add(expr(n, 'only'), int(1)) } : undefined) },
];

/** The expression with one name in place of another; undefined sites come back unchanged and are equal to the original. */
function swapped(e: Expr, name: string, by: string): Expr {
  const text = JSON.stringify(e);
  const changed: unknown = JSON.parse(text.replaceAll(`"name":"${name}"`, `"name":"${by}"`));
  return isExpr(changed) ? changed : e;
}
