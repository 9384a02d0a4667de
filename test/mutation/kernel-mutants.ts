/**
 * Ways in which lowering to kernels can be wrong: a barrier too few, a lane or register taken for another, machine arithmetic where the
 * language's is meant, a guard left out. The lock-step interpreter must report a problem or give another result.
 */
import { is, nodeAt, nodesAt, removed } from './rewrite.ts';
import type { Mutant, Node } from './rewrite.ts';

const i32 = (value: number): Node => ({ kind: 'literal', type: 'i32', value });
const plus = (e: unknown, by: number): Node => ({ kind: 'binary', type: 'i32', op: 'add', left: e, right: i32(by) });
const isZero = (n: Node): boolean => is(n, 'literal', { value: 0 });
const isOne = (n: Node): boolean => is(n, 'literal', { value: 1 });
const inStatement = (trail: readonly Node[], test: (n: Node) => boolean): boolean => trail.some(test);

/** `x < 0 ? 1 : 0`: the correction that makes truncating division floor. */
const isFloorCorrection = (n: Node): boolean => is(n, 'select', { type: 'i32' }) && isOne(nodeAt(n, 'then')) && isZero(nodeAt(n, 'otherwise'));
/** `rest < 0 ? rest + d : rest`: the same for the remainder. */
const isModCorrection = (n: Node): boolean =>
  is(n, 'select', { type: 'i32' }) && is(nodeAt(n, 'then'), 'binary', { op: 'add' }) && is(nodeAt(n, 'cond'), 'binary', { op: 'lt' }) && isZero(nodeAt(nodeAt(n, 'cond'), 'right'));

const startsAtZero = (e: Node): boolean => isZero(e) || (is(e, 'unary', { op: 'splat' }) && isZero(nodeAt(e, 'arg')));

/** What no program may count on: any number, this one among them. */
function leftOver(type: unknown): Node {
  const scalar: Node = { kind: 'literal', type: 'f32', value: NaN };
  return type === 'vec4f' ? { kind: 'unary', type: 'vec4f', op: 'splat', arg: scalar } : scalar;
}

/** The assignment goes to another variable of the same type that is assigned in the same list of statements. */
function registerOfNeighbour(assign: Node, trail: readonly Node[]): Node | undefined {
  const around = trail.at(-1) ?? {};
  const list = ['body', 'then', 'otherwise'].map((field) => nodesAt(around, field)).find((statements) => statements.includes(assign)) ?? [];
  const type = nodeAt(assign, 'value')['type'];
  const other = list.find((s) => is(s, 'assign') && s['name'] !== assign['name'] && nodeAt(s, 'value')['type'] === type);
  return other === undefined ? undefined : { ...assign, name: other['name'] };
}

export const kernelMutants: readonly Mutant[] = [
  { name: 'a barrier is dropped', match: (n) => (is(n, 'barrier') ? removed : undefined) },
  { name: 'a barrier stands where not all lanes pass', match: (n) => (is(n, 'barrier') ? { kind: 'if', cond: { kind: 'binary', type: 'bool', op: 'lt', left: { kind: 'builtin', type: 'i32', name: 'lane' }, right: i32(1) }, uniform: false, then: [n], otherwise: [], origin: n['origin'] } : undefined) },
  { name: 'a shuffle takes the next lane', match: (n) => (is(n, 'shuffle') ? { ...n, from: plus(n['from'], 1) } : undefined) },
  { name: 'a shuffle always takes lane 0', match: (n) => (is(n, 'shuffle') && !isZero(nodeAt(n, 'from')) ? { ...n, from: i32(0) } : undefined) },
  { name: 'a lane takes its own value instead of the shuffled one', match: (n) => (is(n, 'shuffle') ? n['value'] : undefined) },
  { name: 'a subgroup maximum is a sum', match: (n) => (is(n, 'subgroup', { op: 'max' }) ? { ...n, op: 'sum' } : undefined) },
  { name: 'a product forgets what it accumulates on', match: (n) => (is(n, 'fma') && !isZero(nodeAt(n, 'c')) ? { kind: 'binary', type: n['type'], op: 'mul', left: n['a'], right: n['b'] } : undefined) },
  { name: 'a variable keeps its old value', match: (n) => (is(n, 'assign') ? removed : undefined) },
  { name: 'a staged element is not written', match: (n) => (is(n, 'store_shared') ? removed : undefined) },
  { name: 'a staged element is written one place aside', match: (n) => (is(n, 'store_shared') ? { ...n, index: plus(n['index'], 1) } : undefined) },
  { name: 'a staged element is read one place aside', match: (n) => (is(n, 'load_shared') ? { ...n, index: plus(n['index'], 1) } : undefined) },
  { name: 'division truncates', match: (n, t) => (is(n, 'binary', { op: 'sub' }) && isFloorCorrection(nodeAt(n, 'right')) ? n['left'] : isFloorCorrection(n) && !inStatement(t, (s) => is(s, 'binary', { op: 'sub' })) ? i32(0) : undefined) },
  { name: 'remainders keep the sign of the dividend', match: (n) => (isModCorrection(n) ? n['otherwise'] : undefined) },
  { name: 'an access is not guarded', match: (n) => (is(n, 'if', { uniform: false }) && nodesAt(n, 'then').some((s) => is(s, 'store')) ? { ...n, cond: { kind: 'literal', type: 'bool', value: 1 } } : undefined) },
  { name: 'a guarded index is not clamped', match: (n, t) => (is(n, 'select', { type: 'i32' }) && isZero(nodeAt(n, 'otherwise')) && !isOne(nodeAt(n, 'then')) && inStatement(t, (s) => is(s, 'let') || is(s, 'load')) ? n['then'] : undefined) },
  { name: 'a load reads one element aside', match: (n) => (is(n, 'load') ? { ...n, index: plus(n['index'], 1) } : undefined) },
  { name: 'a store writes one element aside', match: (n) => (is(n, 'store') ? { ...n, index: plus(n['index'], 1) } : undefined) },
  { name: 'a store is left out', match: (n) => (is(n, 'store') ? removed : undefined) },
  { name: 'two axes of the grid are exchanged', match: (n) => (is(n, 'builtin', { name: 'group_x' }) ? { ...n, name: 'group_z' } : is(n, 'builtin', { name: 'group_z' }) ? { ...n, name: 'group_x' } : undefined) },
  { name: 'every lane takes the part of its neighbour', match: (n) => (is(n, 'builtin', { name: 'lane' }) ? plus(n, 1) : undefined) },
  { name: 'a loop ends one early', match: (n) => (is(n, 'for') ? { ...n, to: plus(n['to'], -1) } : undefined) },
  { name: 'a loop ends one late', match: (n) => (is(n, 'for') ? { ...n, to: plus(n['to'], 1) } : undefined) },
  { name: 'a sum is a difference', match: (n) => (is(n, 'binary', { op: 'add', type: 'f32' }) ? { ...n, op: 'sub' } : undefined) },
  { name: 'a maximum is a minimum', match: (n) => (is(n, 'binary', { op: 'max', type: 'f32' }) ? { ...n, op: 'min' } : undefined) },
  { name: 'parts of a vector are exchanged', match: (n) => (is(n, 'vec4') ? { ...n, parts: [...nodesAt(n, 'parts')].reverse() } : undefined) },
  { name: 'the wrong part of a vector is taken', match: (n) => (is(n, 'extract') && typeof n['part'] === 'number' ? { ...n, part: n['part'] ^ 1 } : undefined) },
  { name: 'accumulators start with whatever the registers held', match: (n) => (is(n, 'var') && (n['type'] === 'f32' || n['type'] === 'vec4f') && startsAtZero(nodeAt(n, 'value')) ? { ...n, value: leftOver(n['type']) } : undefined) },
  { name: 'two rows share a register', match: (n, t) => (is(n, 'assign') && typeof n['name'] === 'string' ? registerOfNeighbour(n, t) : undefined) },
  { name: 'the other half of a packed pair is taken', match: (n) => (is(n, 'unary', { op: 'unpack_half_low' }) ? { ...n, op: 'unpack_half_high' } : is(n, 'unary', { op: 'unpack_half_high' }) ? { ...n, op: 'unpack_half_low' } : undefined) },
  { name: 'a branch is taken the other way', match: (n) => (is(n, 'if') ? { ...n, cond: { kind: 'unary', type: 'bool', op: 'not', arg: n['cond'] } } : undefined) },
];
