/**
 * The mask and the scores of a program as Python, for the peers and the reference of bench/h100.py. In: a spec. Out: functions over batch,
 * head and positions, which work on tensors and, with other operators behind `o`, on plain numbers; what they read; or why there is none.
 * Written from the spec, not from anything the compiler derives from it. Ints do not wrap: positions are far below 2^31.
 */
import { freeRefs, readTensors } from '../compiler/expr/traverse.ts';
import type { BinaryOp, Expr, UnaryOp } from '../compiler/expr/ir.ts';
import type { MaskExpr, Spec, TensorUse } from '../compiler/spec/ir.ts';
import { unreachable } from '../dsl/diagnostic.ts';

const call = (name: string, ...args: readonly string[]): string => `o.${name}(${args.join(', ')})`;
const quoted = (name: string): string => JSON.stringify(name);

/** Names of positions and of the score are variables, everything else known of a launch is looked up. */
const variables = new Set(['q', 'k', 'h', 'b', 's']);

class Untold extends Error {}

type Scope = ReadonlyMap<string, string>;

function unaryText(op: UnaryOp, a: string): string {
  switch (op) {
    case 'neg':
      return `(-${a})`;
    case 'bit_not':
      return `(~${a})`;
    case 'not':
      return call('invert', a);
    case 'abs':
      return `abs(${a})`;
    case 'bit_length':
    case 'popcount':
    case 'trailing_zeros':
    case 'to_float':
    case 'floor_to_int':
    case 'exp':
    case 'log':
    case 'tanh':
    case 'sqrt':
    case 'rsqrt':
      return call(op, a);
    default:
      return unreachable(op);
  }
}

const infixes = {
  add: '+', sub: '-', mul: '*', divide: '/', bit_and: '&', bit_or: '|', bit_xor: '^', and: '&', or: '|', eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=',
} as const;

function binaryText(op: BinaryOp, a: string, b: string): string {
  switch (op) {
    case 'min':
    case 'max':
    case 'div':
    case 'mod':
    case 'shl':
    case 'shr':
      return call(op, a, b);
    default:
      return `(${a} ${infixes[op]} ${b})`;
  }
}

function expression(e: Expr, scope: Scope): string {
  const of = (x: Expr): string => expression(x, scope);
  switch (e.kind) {
    case 'literal':
      return e.type === 'bool' ? (e.value !== 0 ? 'True' : 'False') : e.value < 0 ? `(${e.value})` : `${e.value}`;
    case 'ref':
      return scope.get(e.name) ?? (variables.has(e.name) ? (e.name === 's' ? 'x' : e.name) : `v[${quoted(e.name)}]`);
    case 'read':
      return call('look', `t[${quoted(e.tensor)}]`, ...e.indices.map(of));
    case 'unary':
      return unaryText(e.op, of(e.arg));
    case 'binary':
      return binaryText(e.op, of(e.left), of(e.right));
    case 'select':
      return call('where', of(e.cond), of(e.then), of(e.otherwise));
    case 'fold': {
      // A loop of Python: its ends must be known before anything runs.
      const ends = [e.from, e.to];
      if (ends.some((end) => readTensors(end).size > 0 || [...freeRefs(end)].some((r) => variables.has(r)))) throw new Untold('the ends of a quantifier depend on positions');
      const local = `i_${scope.size}`;
      return call('fold', quoted(e.op), of(e.from), of(e.to), `lambda ${local}: ${expression(e.body, new Map([...scope, [e.local, local]]))}`);
    }
    case 'element':
      throw new Untold('an element of a tile');
    default:
      return unreachable(e);
  }
}

const none: Scope = new Map();
const row = '(q - v["n_k"] + v["n_q"])';

function used({ tensor, leading }: TensorUse, ...last: readonly string[]): string {
  return call('look', `t[${quoted(tensor)}]`, ...leading.map((e) => expression(e, none)), ...last);
}

/** A set of ints as truth values by position, which the bench makes once. */
export const setOf = (tensor: string): string => `${tensor}@set`;

function listed(e: Extract<MaskExpr, { kind: 'listed' }>, isTable: boolean): string {
  const at = { keys: 'k', queries: isTable ? row : 'q', slashes: '(q - k)' }[e.what];
  return used(isTable ? e.list : { ...e.list, tensor: setOf(e.list.tensor) }, at);
}

function mask(m: MaskExpr, isTable: (tensor: string) => boolean): string {
  const of = (x: MaskExpr): string => mask(x, isTable);
  const within = (x: string, from: Expr, to: Expr): string => `((${x} >= ${expression(from, none)}) & (${x} < ${expression(to, none)}))`;
  switch (m.kind) {
    case 'all':
      return 'True';
    case 'none':
      return 'False';
    case 'causal':
      return '(k <= q)';
    case 'band':
      return within('(q - k)', m.from, m.to);
    case 'keys':
      return within('k', m.from, m.to);
    case 'queries':
      return within('q', m.from, m.to);
    case 'listed':
      return listed(m, isTable(m.list.tensor));
    case 'segments':
      return `(${used(m.ids, 'q')} == ${used(m.ids, 'k')})`;
    case 'tiles':
      return used(m.table, call('div', row, expression(m.queryBlock, none)), call('div', 'k', expression(m.keyBlock, none)));
    case 'levels':
      return `((k <= q) & ${within(call('bit_length', '(q ^ k)'), m.from, m.to)})`;
    case 'predicate':
      return expression(m.body, none);
    case 'and':
    case 'or':
      return `(${m.args.map(of).join(m.kind === 'and' ? ' & ' : ' | ')})`;
    case 'not':
      return call('invert', of(m.arg));
    case 'minus':
      return `(${of(m.left)} & ${call('invert', of(m.right))})`;
    case 'choose':
      return m.cases.reduceRight((otherwise, c) => call('where', `(${expression(m.selector, none)} == ${expression(c.value, none)})`, of(c.mask), otherwise), of(m.otherwise));
    default:
      return unreachable(m);
  }
}

export interface TorchProgram {
  /** Expressions in b, h, q, k, whose result may depend on some of them only; o: operators, t: tensors, v: what a launch knows. `score` has the scaled product x; `sink` has no q and k. */
  readonly live: string;
  readonly scale: string;
  readonly score?: string;
  readonly sink?: string;
  /** Tensors whose entries are wanted as sets. */
  readonly sets: readonly string[];
  readonly perHead: boolean;
}

/** The program as Python, or why it cannot be told. */
export function torchProgram(spec: Spec): TorchProgram | { readonly reason: string } {
  const declared = new Map([...spec.tensors, ...spec.stages].map((t) => [t.name, t.element]));
  try {
    const live = mask(spec.mask, (tensor) => declared.get(tensor) === 'bool');
    const others = { scale: expression(spec.scale, none), ...(spec.score === undefined ? {} : { score: expression(spec.score, none) }), ...(spec.sink === undefined ? {} : { sink: expression(spec.sink, none) }) };
    const sets = [...new Set([...live.matchAll(/t\["([^"]+)@set"\]/g)].map(([, name = '']) => name))];
    return { live, ...others, sets, perHead: /\bh\b/.test(live) };
  } catch (error) {
    if (error instanceof Untold) return { reason: error.message };
    throw error;
  }
}
