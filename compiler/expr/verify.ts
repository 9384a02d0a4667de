/**
 * Whether an expression is well formed. In: an expression and what its names, tensors and tiles are at this place. Out: a sentence for
 * each thing that is wrong: unknown names, operands or results of the wrong type, indices that are no ints. Each level's verifier
 * says what is in scope.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { BinaryOp, Expr, ScalarType, UnaryOp } from './ir.ts';
import { printExpr } from './print.ts';

export interface ExprScope {
  /** Type of a name; undefined: not in scope. */
  readonly ref: (name: string) => ScalarType | undefined;
  /** What is wrong with a read of that type and number of indices; undefined: nothing. */
  readonly read: (tensor: string, type: ScalarType, indices: number) => string | undefined;
  /** The same for an element of a tile; absent: tiles cannot be spoken of. */
  readonly element?: (tile: string, type: ScalarType) => string | undefined;
}

function unaryFault(op: UnaryOp, type: ScalarType, arg: ScalarType): boolean {
  switch (op) {
    case 'not':
      return type !== 'bool' || arg !== 'bool';
    case 'neg':
    case 'abs':
      return type !== arg || arg === 'bool';
    case 'bit_not':
    case 'bit_length':
    case 'popcount':
    case 'trailing_zeros':
      return type !== 'int' || arg !== 'int';
    case 'to_float':
      return type !== 'float' || arg !== 'int';
    case 'floor_to_int':
      return type !== 'int' || arg !== 'float';
    case 'exp':
    case 'log':
    case 'tanh':
    case 'sqrt':
    case 'rsqrt':
      return type !== 'float' || arg !== 'float';
    default:
      return unreachable(op);
  }
}

function binaryFault(op: BinaryOp, type: ScalarType, left: ScalarType, right: ScalarType): boolean {
  if (left !== right) return true;
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'min':
    case 'max':
      return left === 'bool' || type !== left;
    case 'div':
    case 'mod':
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
    case 'shl':
    case 'shr':
      return left !== 'int' || type !== 'int';
    case 'divide':
      return left !== 'float' || type !== 'float';
    case 'and':
    case 'or':
      return left !== 'bool' || type !== 'bool';
    case 'eq':
    case 'ne':
      return type !== 'bool';
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return left === 'bool' || type !== 'bool';
    default:
      return unreachable(op);
  }
}

function literalFault(type: ScalarType, value: number): boolean {
  switch (type) {
    case 'int':
      return !Number.isInteger(value) || (value | 0) !== value;
    case 'bool':
      return value !== 0 && value !== 1;
    case 'float':
      return Number.isNaN(value);
    default:
      return unreachable(type);
  }
}

function wrong(e: Expr, what: string, into: string[]): void {
  into.push(`${what} in \`${printExpr(e)}\``);
}

function collect(e: Expr, scope: ExprScope, into: string[]): void {
  switch (e.kind) {
    case 'literal':
      if (literalFault(e.type, e.value)) wrong(e, `${e.value} is no ${e.type}`, into);
      return;
    case 'ref': {
      const type = scope.ref(e.name);
      if (type === undefined) into.push(`'${e.name}' is not in scope`);
      else if (type !== e.type) into.push(`'${e.name}' is ${type}, not ${e.type}`);
      return;
    }
    case 'read': {
      const fault = scope.read(e.tensor, e.type, e.indices.length);
      if (fault !== undefined) into.push(fault);
      for (const x of e.indices) {
        if (x.type !== 'int') wrong(e, `an index of type ${x.type}`, into);
        collect(x, scope, into);
      }
      return;
    }
    case 'element': {
      const fault = scope.element === undefined ? `'${e.tile}[.]' stands where no tile can be spoken of` : scope.element(e.tile, e.type);
      if (fault !== undefined) into.push(fault);
      return;
    }
    case 'unary':
      if (unaryFault(e.op, e.type, e.arg.type)) wrong(e, `${e.op} of ${e.arg.type} gives no ${e.type}`, into);
      return collect(e.arg, scope, into);
    case 'binary': {
      const { left, right } = e;
      if (binaryFault(e.op, e.type, left.type, right.type)) wrong(e, `${e.op} of ${left.type} and ${right.type} gives no ${e.type}`, into);
      collect(left, scope, into);
      return collect(right, scope, into);
    }
    case 'select': {
      const fits = e.cond.type === 'bool' && e.then.type === e.type && e.otherwise.type === e.type;
      if (!fits) wrong(e, `select of ${e.cond.type}, ${e.then.type} and ${e.otherwise.type} gives no ${e.type}`, into);
      for (const x of [e.cond, e.then, e.otherwise]) collect(x, scope, into);
      return;
    }
    case 'fold': {
      const wanted = e.op === 'any' || e.op === 'all' ? e.type === 'bool' : e.op === 'bit_or' ? e.type === 'int' : e.type !== 'bool';
      if (!wanted || e.body.type !== e.type || e.from.type !== 'int' || e.to.type !== 'int') wrong(e, `${e.op} of ${e.body.type} gives no ${e.type}`, into);
      collect(e.from, scope, into);
      collect(e.to, scope, into);
      return collect(e.body, { ...scope, ref: (name) => (name === e.local ? 'int' : scope.ref(name)) }, into);
    }
    default:
      return unreachable(e);
  }
}

/** What is wrong with an expression, in the order in which it is written. */
export function exprFaults(e: Expr, scope: ExprScope): readonly string[] {
  const found: string[] = [];
  collect(e, scope, found);
  return found;
}
