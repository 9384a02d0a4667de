/**
 * Expressions of a host plan as C++ text. In: an expression and the text for each name in scope. Out: text that computes the same value:
 * ints wrap to 32 bits, `div` and `mod` floor and give 0 for divisors below 1, floats are doubles. Its functions stand in helpers.ts. Host
 * expressions read no tensor.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import type { BinaryOp, Expr, FoldOp, ScalarType, UnaryOp } from '../../../compiler/expr/ir.ts';
import { call, floatText, foldScope, infix, sharedOperators, type HostNaming } from '../host-text.ts';

const cTypes: Readonly<Record<ScalarType, string>> = { int: 'int', float: 'double', bool: 'bool' };

function literalText(type: ScalarType, value: number): string {
  switch (type) {
    case 'bool':
      return value !== 0 ? 'true' : 'false';
    case 'int':
      if (value === -2147483648) return '(-2147483647 - 1)';
      return value < 0 ? ['(', String(value), ')'].join('') : String(value);
    case 'float':
      if (value === Infinity) return 'HUGE_VAL';
      if (value === -Infinity) return '(-HUGE_VAL)';
      return Number.isNaN(value) ? 'NAN' : floatText(value);
    default:
      return unreachable(type);
  }
}

function unaryText(op: UnaryOp, isInt: boolean, a: string): string {
  switch (op) {
    case 'neg':
      return isInt ? call('sub_int', '0', a) : ['(-', a, ')'].join('');
    case 'abs':
      return isInt ? call('abs_int', a) : call('std::fabs', a);
    case 'not':
      return ['(!', a, ')'].join('');
    case 'bit_not':
      return ['(~', a, ')'].join('');
    case 'bit_length':
    case 'popcount':
    case 'trailing_zeros':
    case 'floor_to_int':
      return call(op, a);
    case 'to_float':
      return call('double', a);
    case 'exp':
    case 'log':
    case 'tanh':
    case 'sqrt':
      return call(['std::', op].join(''), a);
    case 'rsqrt':
      return infix('1.0', '/', call('std::sqrt', a));
    default:
      return unreachable(op);
  }
}

function binaryText(op: BinaryOp, isInt: boolean, a: string, b: string): string {
  switch (op) {
    case 'add':
      return isInt ? call('add_int', a, b) : infix(a, '+', b);
    case 'sub':
      return isInt ? call('sub_int', a, b) : infix(a, '-', b);
    case 'mul':
      return isInt ? call('mul_int', a, b) : infix(a, '*', b);
    case 'min':
    case 'max':
      return isInt ? call(['std::', op].join(''), a, b) : call(['std::f', op].join(''), a, b);
    case 'div':
      return call('floor_div', a, b);
    case 'mod':
      return call('floor_mod', a, b);
    case 'divide':
      return infix(a, '/', b);
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
      return call('shift_left', a, b);
    case 'shr':
      return infix(a, '>>', infix(b, '&', '31'));
    case 'and':
      return infix(a, '&&', b);
    case 'or':
      return infix(a, '||', b);
    default:
      return unreachable(op);
  }
}

/** What an empty range gives, and one step from `folded` to the next. */
function foldParts(op: FoldOp, isInt: boolean, body: string): readonly [string, string] {
  switch (op) {
    case 'any':
      return ['false', infix('folded', '||', body)];
    case 'all':
      return ['true', infix('folded', '&&', body)];
    case 'sum':
      return [isInt ? '0' : '0.0', binaryText('add', isInt, 'folded', body)];
    case 'bit_or':
      return ['0', infix('folded', '|', body)];
    case 'min':
      return [isInt ? '2147483647' : '3.4028234663852886e38', binaryText('min', isInt, 'folded', body)];
    case 'max':
      return [isInt ? '(-2147483647 - 1)' : '(-3.4028234663852886e38)', binaryText('max', isInt, 'folded', body)];
    default:
      return unreachable(op);
  }
}

/** The expression as C++; parenthesised wherever it is not a single term. */
export function hostExpression(e: Expr, naming: HostNaming): string {
  switch (e.kind) {
    case 'literal':
      return literalText(e.type, e.value);
    case 'ref': {
      const name = naming(e.name);
      if (name === undefined) throw new CompilerBug('launcher', `'${e.name}' is not known on the host`);
      return name;
    }
    case 'unary':
      return unaryText(e.op, e.arg.type === 'int', hostExpression(e.arg, naming));
    case 'binary':
      return binaryText(e.op, e.left.type === 'int', hostExpression(e.left, naming), hostExpression(e.right, naming));
    case 'select':
      return ['(', hostExpression(e.cond, naming), ' ? ', hostExpression(e.then, naming), ' : ', hostExpression(e.otherwise, naming), ')'].join('');
    case 'fold': {
      const { local, inner } = foldScope(e, naming);
      const [start, step] = foldParts(e.op, e.type === 'int', hostExpression(e.body, inner));
      const type = cTypes[e.type];
      const lambda = ['[&](', type, ' folded, int ', local, ') -> ', type, ' { return ', step, '; }'].join('');
      return call(['fold_range<', type, '>'].join(''), hostExpression(e.from, naming), hostExpression(e.to, naming), start, lambda);
    }
    case 'read':
    case 'element':
      throw new CompilerBug('launcher', `a host expression reads '${e.kind === 'read' ? e.tensor : e.tile}'`);
    default:
      return unreachable(e);
  }
}
