/**
 * Scalars of the lowering: names, operators, functions and look-ups, from values already lowered. Positions on a `queries` axis
 * become rows here, left-out batch and heads indices are written, and divisors leave requirements.
 */
import type { BinaryOp as SourceOp, Expr as Syntax } from '../../dsl/ast.ts';
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { Axis } from './ir.ts';
import { bounded, requireDivisor } from './lower-state.ts';
import type { BoundTensor, Env, EquationContext, Lowering, Value } from './lower-state.ts';
import { currentHead, headOf, rowOf } from './names.ts';

export const scalarValue = (expr: Expr): Value => ({ kind: 'scalar', expr });

/** A broken promise of the checker. */
export function broken(what: string): never {
  throw new CompilerBug('lower', what);
}

/** The index of the current batch or head on an axis that may be left out. */
export function automaticIndex(axis: Axis): Expr {
  switch (axis.kind) {
    case 'batch':
      return x.ref('b', 'int');
    case 'heads':
      return x.ref('h', 'int');
    case 'kv_heads':
      return currentHead();
    case 'queries':
    case 'keys':
    case 'blocks':
    case 'free':
    case 'fixed':
    case 'dim':
    case 'counted':
      return broken(`axis ${axis.kind} has no index of its own`);
    default:
      return unreachable(axis);
  }
}

/** The scalar behind a value: a tensor over batch and heads is read at the current ones. */
export function scalarOf(value: Value): Expr {
  switch (value.kind) {
    case 'scalar':
      return value.expr;
    case 'tensor':
      return readAt(value.tensor, []);
    case 'mask':
      return broken('a mask where a scalar is expected');
    default:
      return unreachable(value);
  }
}

/** The value of an expression that is a scalar. */
export function scalarAt(l: Lowering, e: Syntax, env: Env): Expr {
  return scalarOf(l.lower(e, env));
}

/** The entry of a tensor at source indices; leading batch and heads axes that are left out are the current ones. */
export function readAt(t: BoundTensor, given: readonly Expr[], env?: Pick<Env, 'equation'>): Expr {
  const omitted = t.axes.length - given.length;
  const indices = t.axes.map((axis, i) => {
    const index = given[i - omitted];
    if (index === undefined) return automaticIndex(axis);
    if (axis.kind === 'kv_heads' && isHead(index, env?.equation)) return headOf(index);
    return axis.kind === 'queries' ? rowOf(index) : index;
  });
  return x.read(t.name, t.element, [...t.leading, ...indices]);
}

/** Whether an index is one over query heads. */
function isHead(index: Expr, equation: EquationContext | undefined): boolean {
  return index.kind === 'ref' && equation?.indices.some((i) => i.name === index.name && i.axis.kind === 'heads') === true;
}

export function unaryScalar(op: '-' | '~', arg: Expr): Expr {
  return op === '-' ? x.neg(arg) : x.not(arg);
}

export function binaryScalar(l: Lowering, op: SourceOp, left: Expr, right: Expr, at: Syntax): Expr {
  switch (op) {
    case '|':
      return x.or(left, right);
    case '&':
      return x.and(left, right);
    case '==':
      return x.eq(left, right);
    case '!=':
      return x.ne(left, right);
    case '<':
      return x.lt(left, right);
    case '<=':
      return x.le(left, right);
    case '>':
      return x.gt(left, right);
    case '>=':
      return x.ge(left, right);
    case '+':
      return x.add(left, right);
    case '-':
      return x.sub(left, right);
    case '*':
      return x.mul(left, right);
    case '/':
      return x.divide(left, right);
    case 'div':
      requireDivisor(l, right, op, at.span);
      return x.div(left, right);
    case 'mod':
      requireDivisor(l, right, op, at.span);
      return x.mod(left, right);
    default:
      return unreachable(op);
  }
}

/** A call of a built-in function. */
export function callScalar(name: string, args: readonly Expr[]): Expr {
  const [a, b, c] = args;
  if (a === undefined) return broken(`\`${name}\` without arguments`);
  switch (name) {
    case 'abs':
      return x.abs(a);
    case 'bit_length':
    case 'popcount':
    case 'exp':
    case 'log':
    case 'tanh':
    case 'sqrt':
    case 'rsqrt':
      return x.unary(name, a);
    case 'float':
      return x.toFloat(a);
    case 'floor':
      return x.unary('floor_to_int', x.toFloat(a));
    case 'min':
      return args.reduce(x.min);
    case 'max':
      return args.reduce(x.max);
  }
  if (b === undefined) return broken(`\`${name}\` with one argument`);
  switch (name) {
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
    case 'shl':
    case 'shr':
      return x.binary(name, a, b);
    case 'ceil_div':
      return x.div(x.sub(x.add(a, b), x.int(1)), b);
    case 'level':
      return x.unary('bit_length', x.binary('bit_xor', a, b));
  }
  if (name === 'clamp' && c !== undefined) return x.clamp(a, b, c);
  return broken(`unknown function \`${name}\``);
}

/** A scalar result that is not too large. */
export function boundedScalar(l: Lowering, expr: Expr, at: Syntax): Value {
  return scalarValue(bounded(l, expr, at.span));
}

