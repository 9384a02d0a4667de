/**
 * Ways in which lowering to tile programs can be wrong: loops that end early, softmax bookkeeping left out, operands exchanged, wrong
 * rows read or written. The tile interpreter's result must differ from the dense interpreter's, or it must report a problem.
 */
import { add, int, lt, ref, sub, trueExpr } from '../../compiler/expr/build.ts';
import type { Expr } from '../../compiler/expr/ir.ts';
import { is, nodeAt, removed } from './rewrite.ts';
import type { Mutant, Node } from './rewrite.ts';

const maps = (n: Node, target: string): boolean => is(n, 'map', { target });
const declares = (n: Node, name: string): boolean => is(n, 'tile') && nodeAt(n, 'tile')['name'] === name;
const isRef = (n: Node, name: string): boolean => is(n, 'ref', { name });
const inStatement = (trail: readonly Node[], test: (n: Node) => boolean): boolean => trail.some(test);

function expr(node: Node, field: string): Expr {
  const value: unknown = node[field];
  return isExpr(value) ? value : int(0);
}

function isExpr(value: unknown): value is Expr {
  return typeof value === 'object' && value !== null && 'kind' in value && 'type' in value;
}

export const tileMutants: readonly Mutant[] = [
  { name: 'the last key step of a tile is skipped', match: (n) => (is(n, 'for', { index: 'step' }) ? { ...n, to: sub(expr(n, 'to'), int(1)) } : undefined) },
  { name: 'a phase is not walked', match: (n) => (is(n, 'for', { index: 'phase' }) ? { ...n, to: sub(expr(n, 'to'), int(1)) } : undefined) },
  { name: 'every second key tile is skipped', match: (n) => (is(n, 'set', { name: 'next_tile' }) && is(nodeAt(n, 'value'), 'binary', { op: 'add' }) && isRef(nodeAt(nodeAt(n, 'value'), 'left'), 'next_tile') ? { ...n, value: add(ref('next_tile', 'int'), int(2)) } : undefined) },
  { name: 'the output is not rescaled when the maximum grows', match: (n, t) => (maps(n, 'O') && is(t.at(-1), 'for') ? removed : undefined) },
  { name: 'the sum is not rescaled when the maximum grows', match: (n, t) => (isRef(n, 'alpha') || (is(n, 'element', { tile: 'alpha' }) && inStatement(t, (s) => maps(s, 'l'))) ? { kind: 'literal', type: 'float', value: 1 } : undefined) },
  { name: 'the maximum is not carried on', match: (n) => (maps(n, 'm') ? removed : undefined) },
  { name: 'the product with keys is not transposed', match: (n) => (is(n, 'dot', { transposed: true }) ? { ...n, transposed: false } : undefined) },
  { name: 'the output forgets earlier steps', match: (n) => (is(n, 'dot', { accumulate: true }) ? { ...n, accumulate: false } : undefined) },
  { name: 'keys and values are exchanged', match: (n) => (is(n, 'load', { buffer: 'v' }) ? { ...n, buffer: 'k' } : undefined) },
  { name: 'every head reads its own keys although heads share them', match: (n) => (isRef(n, 'kv_local') ? ref('head_local', 'int') : undefined) },
  { name: 'every head reads the keys of the first', match: (n) => (isRef(n, 'kv_local') ? int(0) : undefined) },
  { name: 'a key past the end is let in', match: (n, t) => (is(n, 'binary', { op: 'lt' }) && isRef(nodeAt(n, 'right'), 'slot_count') && inStatement(t, (s) => maps(s, 'S')) ? { ...n, op: 'le' } : undefined) },
  { name: 'partial tiles are never asked', match: (n) => (is(n, 'let', { name: 'masked' }) ? { ...n, value: { kind: 'literal', type: 'bool', value: 0 } } : undefined) },
  { name: 'the last partial tile counts as whole', match: (n) => (is(n, 'let', { name: 'masked' }) && !is(nodeAt(n, 'value'), 'literal') ? { ...n, value: withoutRaggedEnd(n) } : undefined) },
  { name: 'rows that have seen nothing subtract their lowest score', match: (n) => (declares(n, 'm_safe') ? { ...n, value: { kind: 'element', type: 'float', tile: 'm_new' } } : undefined) },
  { name: 'rows that see nothing are divided by zero', match: (n) => (declares(n, 'inverse') ? { ...n, value: expr(nodeAt(n, 'value'), 'then') } : undefined) },
  { name: 'the step maximum is a sum', match: (n) => (is(n, 'reduce', { op: 'max' }) ? { ...n, op: 'sum' } : undefined) },
  { name: 'the step sum is a maximum', match: (n) => (is(n, 'reduce', { op: 'sum' }) ? { ...n, op: 'max' } : undefined) },
  { name: 'queries are not scaled', match: (n) => (maps(n, 'Q') ? removed : undefined) },
  { name: 'query positions ignore that lengths differ', match: (n) => (declares(n, 'q_pos') ? { ...n, value: expr(nodeAt(n, 'value'), 'left') } : undefined) },
  { name: 'the merge drops its last part', match: (n) => (is(n, 'for', { index: 'slot' }) ? { ...n, to: sub(expr(n, 'to'), int(1)) } : undefined) },
  { name: 'the merge gives every part the same weight', match: (n) => (declares(n, 'beta') ? { ...n, value: { kind: 'literal', type: 'float', value: 1 } } : undefined) },
  { name: 'parts overwrite each other', match: (n, t) => (isRef(n, 'split') && inStatement(t, (s) => is(s, 'store')) ? int(0) : undefined) },
  { name: 'the shares of two splits overlap', match: (n, t) => (isRef(n, 'split') && inStatement(t, (s) => is(s, 'set', { name: 'next_tile' })) ? int(0) : undefined) },
  { name: 'rows past the end are written', match: (n) => (is(n, 'store') && !is(nodeAt(n, 'where'), 'literal') ? { ...n, where: trueExpr } : undefined) },
  { name: 'the log-sum-exp forgets the maximum', match: (n) => (is(n, 'store', { buffer: 'lse' }) ? { ...n, value: withoutMaximum(n) } : undefined) },
  { name: 'the sink is left out of the sum', match: (n) => (maps(n, 'l') && mentions(n, 'sink') ? removed : undefined) },
  { name: 'list marks sit one bit aside', match: (n) => (declares(n, 'bits') && is(nodeAt(n, 'value'), 'fold') ? { ...n, value: { kind: 'binary', type: 'int', op: 'shl', left: nodeAt(n, 'value'), right: int(1) } } : undefined) },
  { name: 'a sorted list starts at its second entry', match: (n, t) => (is(n, 'literal', { value: 1 }) && is(t.at(-1), 'binary', { op: 'add' }) && is(t.at(-2), 'store') && inStatement(t, (s) => is(s, 'for', { index: 'bit' })) ? int(2) : undefined) },
  { name: 'the map calls no tile needed beyond its first word', match: (n, t) => (is(n, 'ref', { name: 'key_tiles' }) && inStatement(t, (s) => is(s, 'for', { index: 'bit' })) ? int(1) : undefined) },
  { name: 'rows of a residue class stand side by side', match: (n) => (is(n, 'let', { name: 'row_step' }) && !is(nodeAt(n, 'value'), 'literal') ? { ...n, value: int(1) } : undefined) },
  { name: 'a list of rows loses its last', match: (n) => (is(n, 'let', { name: 'row_count' }) ? { ...n, value: sub(expr(n, 'value'), int(1)) } : undefined) },
  { name: 'a list of rows has one more than it counts', match: (n) => (is(n, 'let', { name: 'row_count' }) ? { ...n, value: add(expr(n, 'value'), int(1)) } : undefined) },
  { name: 'the merge reads rows that a pass has not written', match: (n) => (declares(n, 'has') && is(nodeAt(n, 'value'), 'binary', { op: 'and' }) ? { ...n, value: expr(nodeAt(n, 'value'), 'left') } : undefined) },
  { name: 'a residue class starts at its neighbour', match: (n) => (is(n, 'let', { name: 'row_class' }) ? { ...n, value: add(expr(n, 'value'), int(1)) } : undefined) },
  { name: 'the first key of a residue class is left out', match: (n) => (is(n, 'set', { name: 'key_base' }) && !is(nodeAt(n, 'value'), 'literal') ? { ...n, value: add(expr(n, 'value'), ref('key_step', 'int')) } : undefined) },
  { name: 'a walk stops before its end', match: (n) => (is(n, 'while') && is(nodeAt(n, 'cond'), 'binary', { op: 'lt' }) && isRef(nodeAt(nodeAt(n, 'cond'), 'right'), 'walk_end') ? { ...n, cond: lt(add(ref('next_tile', 'int'), int(1)), ref('walk_end', 'int')) } : undefined) },
];

/** `not full | keys here < key tile` without its second half, which is all there is where every tile is full. */
function withoutRaggedEnd(masked: Node): unknown {
  const value = nodeAt(masked, 'value');
  return is(value, 'binary', { op: 'or' }) ? value['left'] : { kind: 'literal', type: 'bool', value: 0 };
}

function mentions(node: Node, name: string): boolean {
  return JSON.stringify(node).includes(`"name":"${name}"`);
}

function withoutMaximum(store: Node): unknown {
  const value = nodeAt(store, 'value');
  const sum = nodeAt(value, 'then');
  return is(sum, 'binary', { op: 'add' }) ? { ...value, then: sum['right'] } : value;
}
