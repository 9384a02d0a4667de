/**
 * Expressions of a host plan as Python text: extents of what an operator gives back. In: an expression and the text for each name in scope. Out:
 * text that computes the same value wherever it fits 32 bits; `div` and `mod` floor and give 0 for divisors below 1. A value that does not fit
 * is no extent: the launcher, which wraps, names another number of elements, and the call is refused. Its functions stand in helpers.ts.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import type { BinaryOp, Expr, FoldOp, ScalarType, UnaryOp } from '../../../compiler/expr/ir.ts';
import { call, floatText, foldScope, infix, sharedOperators, type HostNaming } from '../host-text.ts';

function native(name: string, ...args: readonly string[]): string {
  return call(['_native.', name].join(''), ...args);
}

function literalText(type: ScalarType, value: number): string {
  switch (type) {
    case 'bool':
      return value !== 0 ? 'True' : 'False';
    case 'int':
      return value < 0 ? ['(', String(value), ')'].join('') : String(value);
    case 'float':
      return Number.isFinite(value) ? floatText(value) : call('float', JSON.stringify(String(value).replace('Infinity', 'inf')));
    default:
      return unreachable(type);
  }
}

function unaryText(op: UnaryOp, a: string): string {
  switch (op) {
    case 'neg':
      return ['(-', a, ')'].join('');
    case 'not':
      return ['(not ', a, ')'].join('');
    case 'bit_not':
      return ['(~', a, ')'].join('');
    case 'abs':
      return call('abs', a);
    case 'to_float':
      return call('float', a);
    case 'bit_length':
    case 'popcount':
    case 'trailing_zeros':
    case 'floor_to_int':
    case 'exp':
    case 'log':
    case 'tanh':
    case 'sqrt':
    case 'rsqrt':
      return native(op, a);
    default:
      return unreachable(op);
  }
}

function binaryText(op: BinaryOp, a: string, b: string): string {
  switch (op) {
    case 'add':
      return infix(a, '+', b);
    case 'sub':
      return infix(a, '-', b);
    case 'mul':
      return infix(a, '*', b);
    case 'min':
    case 'max':
      return call(op, a, b);
    case 'div':
    case 'mod':
    case 'divide':
      return native(op, a, b);
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return infix(a, sharedOperators[op], b);
    case 'shl':
      return infix(a, '<<', infix(b, '&', '31'));
    case 'shr':
      return infix(a, '>>', infix(b, '&', '31'));
    case 'and':
    case 'or':
      return infix(a, op, b);
    default:
      return unreachable(op);
  }
}

function foldText(op: FoldOp, isInt: boolean, each: string): string {
  switch (op) {
    case 'any':
    case 'all':
      return call(op, each);
    case 'sum':
      return call('sum', ['(', each, ')'].join(''), isInt ? '0' : '0.0');
    case 'bit_or':
      return native('bit_or_of', each);
    case 'min':
      return call('min', ['(', each, ')'].join(''), ['default=', isInt ? '2147483647' : '3.4028234663852886e38'].join(''));
    case 'max':
      return call('max', ['(', each, ')'].join(''), ['default=', isInt ? '-2147483648' : '-3.4028234663852886e38'].join(''));
    default:
      return unreachable(op);
  }
}

/** The expression as Python; parenthesised wherever it is not a single term. */
export function pythonExpression(e: Expr, naming: HostNaming): string {
  switch (e.kind) {
    case 'literal':
      return literalText(e.type, e.value);
    case 'ref': {
      const name = naming(e.name);
      if (name === undefined) throw new CompilerBug('pytorch', `'${e.name}' is not known on the host`);
      return name;
    }
    case 'unary':
      return unaryText(e.op, pythonExpression(e.arg, naming));
    case 'binary':
      return binaryText(e.op, pythonExpression(e.left, naming), pythonExpression(e.right, naming));
    case 'select':
      return ['(', pythonExpression(e.then, naming), ' if ', pythonExpression(e.cond, naming), ' else ', pythonExpression(e.otherwise, naming), ')'].join('');
    case 'fold': {
      const { local, inner } = foldScope(e, naming);
      const range = call('range', pythonExpression(e.from, naming), pythonExpression(e.to, naming));
      return foldText(e.op, e.type === 'int', [pythonExpression(e.body, inner), 'for', local, 'in', range].join(' '));
    }
    case 'read':
    case 'element':
      throw new CompilerBug('pytorch', `a host expression reads '${e.kind === 'read' ? e.tensor : e.tile}'`);
    default:
      return unreachable(e);
  }
}
