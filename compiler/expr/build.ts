/**
 * Constructors of expressions. In: operands. Out: a typed expression in normal form: constants folded exactly as
 * ir.ts states, neutral elements dropped, int literals of `+ *` gathered on the right, `not` pushed into comparisons.
 * Where one operand is float and the other int, the int one is converted. Operands of a wrong type are a bug of the
 * caller (the checker of the language has refused the user's). Float folding never makes a value that is not finite,
 * and drops only what is exact for every float (so `x + 0.0` stays: it turns -0 into 0).
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import { applyBinary, applyUnary, foldIdentity, intMax, intMin } from './arithmetic.ts';
import type { BinaryOp, Expr, FoldOp, ScalarType, UnaryOp } from './ir.ts';
import { sameExpr } from './same.ts';

export const trueExpr: Expr = { kind: 'literal', type: 'bool', value: 1 };
export const falseExpr: Expr = { kind: 'literal', type: 'bool', value: 0 };

function wrong(what: string, ...args: readonly Expr[]): never {
  throw new CompilerBug('expr', `${what} of ${args.map((a) => a.type).join(', ')}`);
}

/** An int literal; the value wraps to 32 bits. */
export function int(value: number): Expr {
  if (!Number.isSafeInteger(value)) throw new CompilerBug('expr', `${value} is no int`);
  return { kind: 'literal', type: 'int', value: value | 0 };
}

/** A float literal; infinities are allowed, NaN is not. */
export function float(value: number): Expr {
  if (Number.isNaN(value)) throw new CompilerBug('expr', 'NaN is no literal');
  return { kind: 'literal', type: 'float', value };
}

export function bool(value: boolean): Expr {
  return value ? trueExpr : falseExpr;
}

function literalOf(type: ScalarType, value: number): Expr {
  switch (type) {
    case 'int':
      return int(value);
    case 'float':
      return float(value);
    case 'bool':
      return bool(value !== 0);
    default:
      return unreachable(type);
  }
}

export function ref(name: string, type: ScalarType): Expr {
  return { kind: 'ref', type, name };
}

/** The element of a tensor; indices are int, and outside the tensor it is 0. */
export function read(tensor: string, type: ScalarType, indices: readonly Expr[]): Expr {
  for (const i of indices) if (i.type !== 'int') wrong(`index of '${tensor}'`, i);
  return { kind: 'read', type, tensor, indices };
}

/** The element of a tile at the current row and column; tile programs only. */
export function element(tile: string, type: ScalarType): Expr {
  return { kind: 'element', type, tile };
}

function isInt(e: Expr, value: number): boolean {
  return e.kind === 'literal' && e.type === 'int' && e.value === value;
}

function isFloat(e: Expr, value: number): boolean {
  return e.kind === 'literal' && e.type === 'float' && Object.is(e.value, value);
}

/** The expression as a float: ints are converted. */
export function toFloat(e: Expr): Expr {
  return e.type === 'float' ? e : unary('to_float', e);
}

function argumentOf(op: UnaryOp, arg: Expr): Expr {
  switch (op) {
    case 'not':
      return arg.type === 'bool' ? arg : wrong(op, arg);
    case 'neg':
    case 'abs':
      return arg.type !== 'bool' ? arg : wrong(op, arg);
    case 'bit_not':
    case 'bit_length':
    case 'popcount':
    case 'trailing_zeros':
      return arg.type === 'int' ? arg : wrong(op, arg);
    case 'to_float':
    case 'floor_to_int':
      return arg.type !== 'bool' ? arg : wrong(op, arg);
    case 'exp':
    case 'log':
    case 'tanh':
    case 'sqrt':
    case 'rsqrt':
      return arg.type !== 'bool' ? toFloat(arg) : wrong(op, arg);
    default:
      return unreachable(op);
  }
}

function unaryType(op: UnaryOp, arg: Expr): ScalarType {
  switch (op) {
    case 'to_float':
      return 'float';
    case 'floor_to_int':
      return 'int';
    default:
      return arg.type;
  }
}

const inverse: Partial<Record<BinaryOp, BinaryOp>> = { eq: 'ne', ne: 'eq', lt: 'ge', le: 'gt', gt: 'le', ge: 'lt' };

/** Operators of one argument; `to_float` of a float and `floor_to_int` of an int are the argument itself. */
export function unary(op: UnaryOp, given: Expr): Expr {
  const arg = argumentOf(op, given);
  const type = unaryType(op, arg);
  if ((op === 'to_float' && arg.type === 'float') || (op === 'floor_to_int' && arg.type === 'int')) return arg;
  if (arg.kind === 'literal') {
    const value = applyUnary(op, arg.type, arg.value);
    if (type !== 'float' || Number.isFinite(value)) return literalOf(type, value);
  }
  if (arg.kind === 'unary') {
    if (op === arg.op && (op === 'neg' || op === 'not' || op === 'bit_not')) return arg.arg;
    if (op === 'abs' && (arg.op === 'abs' || arg.op === 'neg')) return unary('abs', arg.arg);
    if (op === 'floor_to_int' && arg.op === 'to_float') return arg.arg;
  }
  if (op === 'not' && arg.kind === 'binary') {
    const other = inverse[arg.op];
    // The order of floats has NaN, for which both `a < b` and `a >= b` are false.
    if (other !== undefined && (arg.left.type !== 'float' || arg.op === 'eq' || arg.op === 'ne')) {
      return binary(other, arg.left, arg.right);
    }
  }
  if (op === 'neg' && arg.kind === 'binary' && arg.op === 'sub' && type === 'int') return sub(arg.right, arg.left);
  return { kind: 'unary', type, op, arg };
}

/** Operators of two arguments. */
export function binary(op: BinaryOp, a: Expr, b: Expr): Expr {
  const [left, right] = operandsOf(op, a, b);
  if (left.kind === 'literal' && right.kind === 'literal') {
    const value = applyBinary(op, left.type, left.value, right.value);
    const type = binaryType(op, left);
    if (type !== 'float' || Number.isFinite(value)) return literalOf(type, value);
  }
  // Literals of commutative operators stand on the right, so that the rules below see them.
  if (left.kind === 'literal' && right.kind !== 'literal') {
    const turned = mirrored[op];
    if (turned !== undefined) return binary(turned, right, left);
  }
  const simple = left.type === 'int' ? simplifyInt(op, left, right) : left.type === 'bool' ? simplifyBool(op, left, right) : simplifyFloat(op, left, right);
  return simple ?? { kind: 'binary', type: binaryType(op, left), op, left, right };
}

const mirrored: Partial<Record<BinaryOp, BinaryOp>> = {
  add: 'add', mul: 'mul', min: 'min', max: 'max', bit_and: 'bit_and', bit_or: 'bit_or', bit_xor: 'bit_xor',
  and: 'and', or: 'or', eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le',
};

function binaryType(op: BinaryOp, left: Expr): ScalarType {
  switch (op) {
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
    case 'and':
    case 'or':
      return 'bool';
    default:
      return left.type;
  }
}

function operandsOf(op: BinaryOp, a: Expr, b: Expr): readonly [Expr, Expr] {
  switch (op) {
    case 'and':
    case 'or':
      return a.type === 'bool' && b.type === 'bool' ? [a, b] : wrong(op, a, b);
    case 'div':
    case 'mod':
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
    case 'shl':
    case 'shr':
      return a.type === 'int' && b.type === 'int' ? [a, b] : wrong(op, a, b);
    case 'divide':
      return a.type !== 'bool' && b.type !== 'bool' ? [toFloat(a), toFloat(b)] : wrong(op, a, b);
    case 'eq':
    case 'ne':
      if (a.type === 'bool' && b.type === 'bool') return [a, b];
      return sameNumeric(op, a, b);
    case 'add':
    case 'sub':
    case 'mul':
    case 'min':
    case 'max':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return sameNumeric(op, a, b);
    default:
      return unreachable(op);
  }
}

function sameNumeric(op: string, a: Expr, b: Expr): readonly [Expr, Expr] {
  if (a.type === 'bool' || b.type === 'bool') return wrong(op, a, b);
  return a.type === b.type ? [a, b] : [toFloat(a), toFloat(b)];
}

/** `x op literal` where `x` is itself `y op literal` of an operator that gathers its literals. */
function gather(op: BinaryOp, left: Expr, right: Expr): Expr | undefined {
  if (left.kind !== 'binary' || left.op !== op || left.right.kind !== 'literal' || right.kind !== 'literal') return undefined;
  return binary(op, left.left, binary(op, left.right, right));
}

function simplifyInt(op: BinaryOp, left: Expr, right: Expr): Expr | undefined {
  const same = sameExpr(left, right);
  switch (op) {
    case 'add':
      if (isInt(right, 0)) return left;
      if (right.kind === 'unary' && right.op === 'neg') return sub(left, right.arg);
      if (left.kind === 'unary' && left.op === 'neg' && right.kind !== 'literal') return sub(right, left.arg);
      return gather(op, left, right);
    case 'sub':
      if (same) return int(0);
      if (right.kind === 'literal') return add(left, int(-right.value));
      if (isInt(left, 0)) return neg(right);
      if (right.kind === 'unary' && right.op === 'neg') return add(left, right.arg);
      return undefined;
    case 'mul':
      if (isInt(right, 1)) return left;
      if (isInt(right, 0)) return right;
      if (isInt(right, -1)) return neg(left);
      return gather(op, left, right);
    case 'div':
      if (isInt(right, 1)) return left;
      if ((right.kind === 'literal' && right.value < 1) || isInt(left, 0)) return int(0);
      return undefined;
    case 'mod':
      if ((right.kind === 'literal' && right.value <= 1) || isInt(left, 0) || same) return int(0);
      return undefined;
    case 'min':
      if (same || isInt(right, intMax)) return left;
      return isInt(right, intMin) ? right : gather(op, left, right);
    case 'max':
      if (same || isInt(right, intMin)) return left;
      return isInt(right, intMax) ? right : gather(op, left, right);
    case 'bit_and':
      if (same || isInt(right, -1)) return left;
      return isInt(right, 0) ? right : gather(op, left, right);
    case 'bit_or':
      if (same || isInt(right, 0)) return left;
      return isInt(right, -1) ? right : gather(op, left, right);
    case 'bit_xor':
      if (same) return int(0);
      return isInt(right, 0) ? left : gather(op, left, right);
    case 'shl':
    case 'shr':
      return (right.kind === 'literal' && (right.value & 31) === 0) || isInt(left, 0) ? left : undefined;
    case 'eq':
    case 'le':
    case 'ge':
      return same ? trueExpr : undefined;
    case 'ne':
    case 'lt':
    case 'gt':
      return same ? falseExpr : undefined;
    case 'and':
    case 'or':
    case 'divide':
      return undefined;
    default:
      return unreachable(op);
  }
}

function simplifyBool(op: BinaryOp, left: Expr, right: Expr): Expr | undefined {
  const truth = right.kind === 'literal' ? right.value !== 0 : undefined;
  const same = sameExpr(left, right);
  switch (op) {
    case 'and':
      if (same || truth === true) return left;
      return truth === false ? falseExpr : undefined;
    case 'or':
      if (same || truth === false) return left;
      return truth === true ? trueExpr : undefined;
    case 'eq':
      if (same) return trueExpr;
      return truth === undefined ? undefined : truth ? left : not(left);
    case 'ne':
      if (same) return falseExpr;
      return truth === undefined ? undefined : truth ? not(left) : left;
    default:
      return undefined;
  }
}

function simplifyFloat(op: BinaryOp, left: Expr, right: Expr): Expr | undefined {
  switch (op) {
    case 'add':
      return right.kind === 'unary' && right.op === 'neg' ? sub(left, right.arg) : undefined;
    case 'sub':
      if (isFloat(right, 0)) return left;
      return right.kind === 'unary' && right.op === 'neg' ? add(left, right.arg) : undefined;
    case 'mul':
    case 'divide':
      if (isFloat(right, 1)) return left;
      return isFloat(right, -1) ? neg(left) : undefined;
    default:
      return undefined;
  }
}

/** `cond ? then : otherwise`; both arms are evaluated. */
export function select(cond: Expr, a: Expr, b: Expr): Expr {
  if (cond.type !== 'bool' || (a.type === 'bool') !== (b.type === 'bool')) return wrong('select', cond, a, b);
  const [then, otherwise] = a.type === b.type ? [a, b] : [toFloat(a), toFloat(b)];
  if (cond.kind === 'literal') return cond.value !== 0 ? then : otherwise;
  if (sameExpr(then, otherwise)) return then;
  if (cond.kind === 'unary' && cond.op === 'not') return select(cond.arg, otherwise, then);
  if (then.type === 'bool') {
    if (then.kind === 'literal') return then.value !== 0 ? or(cond, otherwise) : and(not(cond), otherwise);
    if (otherwise.kind === 'literal') return otherwise.value !== 0 ? or(not(cond), then) : and(cond, then);
  }
  return { kind: 'select', type: then.type, cond, then, otherwise };
}

/** The value of a fold over an empty range, and the neutral element of its step. */
export function emptyFold(op: FoldOp, type: ScalarType): Expr {
  return literalOf(type, foldIdentity(op, type));
}

/** Runs the int `local` over [from, to); `any` and `all` take a bool body, `bit_or` an int, the others int or float. */
export function fold(op: FoldOp, local: string, from: Expr, to: Expr, body: Expr): Expr {
  if (from.type !== 'int' || to.type !== 'int') return wrong(`range of ${op}`, from, to);
  const wanted = op === 'any' || op === 'all' ? body.type === 'bool' : op === 'bit_or' ? body.type === 'int' : body.type !== 'bool';
  if (!wanted) return wrong(op, body);
  const empty = emptyFold(op, body.type);
  if (sameExpr(body, empty) || sameExpr(from, to)) return empty;
  if (from.kind === 'literal' && to.kind === 'literal' && to.value <= from.value) return empty;
  // All but the sum are idempotent: a constant body is seen once or not at all.
  if (body.kind === 'literal' && op !== 'sum') return select(lt(from, to), body, empty);
  // Counting.
  if (body.kind === 'literal' && body.type === 'int' && op === 'sum' && from.kind === 'literal' && from.value === 0) return mul(max(to, int(0)), body);
  return { kind: 'fold', type: body.type, op, local, from, to, body };
}

export const add = (a: Expr, b: Expr): Expr => binary('add', a, b);
export const sub = (a: Expr, b: Expr): Expr => binary('sub', a, b);
export const mul = (a: Expr, b: Expr): Expr => binary('mul', a, b);
export const div = (a: Expr, b: Expr): Expr => binary('div', a, b);
export const mod = (a: Expr, b: Expr): Expr => binary('mod', a, b);
export const divide = (a: Expr, b: Expr): Expr => binary('divide', a, b);
export const min = (a: Expr, b: Expr): Expr => binary('min', a, b);
export const max = (a: Expr, b: Expr): Expr => binary('max', a, b);
export const and = (a: Expr, b: Expr): Expr => binary('and', a, b);
export const or = (a: Expr, b: Expr): Expr => binary('or', a, b);
export const eq = (a: Expr, b: Expr): Expr => binary('eq', a, b);
export const ne = (a: Expr, b: Expr): Expr => binary('ne', a, b);
export const lt = (a: Expr, b: Expr): Expr => binary('lt', a, b);
export const le = (a: Expr, b: Expr): Expr => binary('le', a, b);
export const gt = (a: Expr, b: Expr): Expr => binary('gt', a, b);
export const ge = (a: Expr, b: Expr): Expr => binary('ge', a, b);
export const not = (a: Expr): Expr => unary('not', a);
export const neg = (a: Expr): Expr => unary('neg', a);
export const abs = (a: Expr): Expr => unary('abs', a);

/** `value` held between `low` and `high`: min(max(value, low), high). */
export function clamp(value: Expr, low: Expr, high: Expr): Expr {
  return min(max(value, low), high);
}

/** The conjunction of a list; empty: true. */
export function all(list: readonly Expr[]): Expr {
  return list.reduce(and, trueExpr);
}

/** The disjunction of a list; empty: false. */
export function any(list: readonly Expr[]): Expr {
  return list.reduce(or, falseExpr);
}
