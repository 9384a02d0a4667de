/**
 * Expressions of a host plan as TypeScript text, for generated modules. In: an expression and the text for each name in scope.
 * Out: text that computes the same value (ints wrap to 32 bits, `div` and `mod` floor, bools are booleans), and the
 * names of the helpers of bindings-runtime.ts that it calls. Host expressions read no tensor.
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import type { BinaryOp, Expr, FoldOp, UnaryOp } from '../expr/ir.ts';

/** The text that stands for a name, or undefined when the name is unknown. */
export type Naming = (name: string) => string | undefined;

/** The expression as TypeScript; parenthesised wherever it is not a single term. */
export function expressionText(e: Expr, naming: Naming): string {
  switch (e.kind) {
    case 'literal':
      return literalText(e.type, e.value);
    case 'ref': {
      const name = naming(e.name);
      if (name === undefined) throw new CompilerBug('bindings', `'${e.name}' is not known on the host`);
      return name;
    }
    case 'unary':
      return unaryText(e.op, e.arg, expressionText(e.arg, naming));
    case 'binary':
      return binaryText(e.op, e.left.type, expressionText(e.left, naming), expressionText(e.right, naming));
    case 'select':
      return `(${expressionText(e.cond, naming)} ? ${expressionText(e.then, naming)} : ${expressionText(e.otherwise, naming)})`;
    case 'fold': {
      const local = `i_${e.local.replace(/[^A-Za-z0-9_]/g, '_')}`;
      const inner: Naming = (name) => (name === e.local ? local : naming(name));
      const from = expressionText(e.from, naming);
      const to = expressionText(e.to, naming);
      return foldText(e.op, e.type === 'int', local, from, to, expressionText(e.body, inner));
    }
    case 'read':
    case 'element':
      throw new CompilerBug('bindings', `a host expression reads '${e.kind === 'read' ? e.tensor : e.tile}'`);
    default:
      return unreachable(e);
  }
}

function literalText(type: 'int' | 'float' | 'bool', value: number): string {
  switch (type) {
    case 'bool':
      return value !== 0 ? 'true' : 'false';
    case 'int':
      return value < 0 ? `(${value})` : `${value}`;
    case 'float':
      if (value === Infinity) return 'Infinity';
      if (value === -Infinity) return '(-Infinity)';
      return value < 0 || Object.is(value, -0) ? `(${Object.is(value, -0) ? '-0' : value})` : `${value}`;
    default:
      return unreachable(type);
  }
}

function unaryText(op: UnaryOp, arg: Expr, a: string): string {
  const isInt = arg.type === 'int';
  switch (op) {
    case 'neg':
      return isInt ? `(-${a} | 0)` : `(-${a})`;
    case 'abs':
      return isInt ? `(Math.abs(${a}) | 0)` : `Math.abs(${a})`;
    case 'not':
      return `(!${a})`;
    case 'bit_not':
      return `(~${a})`;
    case 'bit_length':
      return `(32 - Math.clz32(${a}))`;
    case 'popcount':
      return `popcount(${a})`;
    case 'trailing_zeros':
      return `trailingZeros(${a})`;
    case 'to_float':
      return a;
    case 'floor_to_int':
      return `floorToInt(${a})`;
    case 'exp':
      return `Math.exp(${a})`;
    case 'log':
      return `Math.log(${a})`;
    case 'tanh':
      return `Math.tanh(${a})`;
    case 'sqrt':
      return `Math.sqrt(${a})`;
    case 'rsqrt':
      return `(1 / Math.sqrt(${a}))`;
    default:
      return unreachable(op);
  }
}

function binaryText(op: BinaryOp, type: 'int' | 'float' | 'bool', a: string, b: string): string {
  const wrap = type === 'int' ? ' | 0' : '';
  switch (op) {
    case 'add':
      return `(${a} + ${b}${wrap})`;
    case 'sub':
      return `(${a} - ${b}${wrap})`;
    case 'mul':
      return type === 'int' ? `Math.imul(${a}, ${b})` : `(${a} * ${b})`;
    case 'min':
      return `Math.min(${a}, ${b})`;
    case 'max':
      return `Math.max(${a}, ${b})`;
    case 'div':
      return `floorDiv(${a}, ${b})`;
    case 'mod':
      return `floorMod(${a}, ${b})`;
    case 'divide':
      return `(${a} / ${b})`;
    case 'bit_and':
      return `(${a} & ${b})`;
    case 'bit_or':
      return `(${a} | ${b})`;
    case 'bit_xor':
      return `(${a} ^ ${b})`;
    case 'shl':
      return `(${a} << ${b})`;
    case 'shr':
      return `(${a} >> ${b})`;
    case 'and':
      return `(${a} && ${b})`;
    case 'or':
      return `(${a} || ${b})`;
    case 'eq':
      return `(${a} === ${b})`;
    case 'ne':
      return `(${a} !== ${b})`;
    case 'lt':
      return `(${a} < ${b})`;
    case 'le':
      return `(${a} <= ${b})`;
    case 'gt':
      return `(${a} > ${b})`;
    case 'ge':
      return `(${a} >= ${b})`;
    default:
      return unreachable(op);
  }
}

function foldText(op: FoldOp, isInt: boolean, local: string, from: string, to: string, body: string): string {
  const run = (start: string, step: string): string => `foldRange<${op === 'any' || op === 'all' ? 'boolean' : 'number'}>(${from}, ${to}, ${start}, (folded, ${local}) => ${step})`;
  switch (op) {
    case 'any':
      return run('false', `folded || ${body}`);
    case 'all':
      return run('true', `folded && ${body}`);
    case 'sum':
      return run('0', isInt ? `(folded + ${body}) | 0` : `folded + ${body}`);
    case 'min':
      return run('2147483647', `Math.min(folded, ${body})`);
    case 'max':
      return run('-2147483648', `Math.max(folded, ${body})`);
    case 'bit_or':
      return run('0', `folded | ${body}`);
    default:
      return unreachable(op);
  }
}
