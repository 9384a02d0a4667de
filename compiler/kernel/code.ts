/**
 * Scalar expressions to kernel arithmetic. In: an expression and what its names, tile elements and reads stand for. Out: a kernel
 * value, with every rule of expr/ir.ts made explicit: floor division whose divisors below 1 give 0, masked shift counts,
 * saturating floor_to_int, folds as loops. `and`/`or` evaluate both sides; nothing here branches.
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import { foldIdentity } from '../expr/arithmetic.ts';
import type { BinaryOp, Expr, FoldOp, ScalarType, UnaryOp } from '../expr/ir.ts';
import { children, exprKey } from '../expr/traverse.ts';
import { bin, boolean, f32, i32, intValue, pick, un } from './build.ts';
import type { Emitter } from './emitter.ts';
import { nothing, rangeOf, type Facts } from './facts.ts';
import type { KernelBinary, KernelExpr, KernelType } from './ir.ts';

export interface Binding {
  readonly value: KernelExpr;
  readonly facts: Facts;
  /** The same in all lanes. */
  readonly uniform: boolean;
}

/** What an expression may speak of. */
export interface Scope {
  readonly lookup: (name: string) => Binding | undefined;
  readonly element: (tile: string) => KernelExpr;
  /** Whether the tile's present element is the same in all lanes. */
  readonly uniformElement: (tile: string) => boolean;
  readonly read: (e: Expr & { readonly kind: 'read' }, scope: Scope) => KernelExpr;
}

export function kernelType(type: ScalarType): KernelType {
  switch (type) {
    case 'int':
      return 'i32';
    case 'float':
      return 'f32';
    case 'bool':
      return 'bool';
    default:
      return unreachable(type);
  }
}

export function literalOf(type: ScalarType, value: number): KernelExpr {
  switch (type) {
    case 'int':
      return i32(value);
    case 'float':
      return f32(value);
    case 'bool':
      return boolean(value !== 0);
    default:
      return unreachable(type);
  }
}

export function bindingOf(scope: Scope, name: string): Binding {
  const found = scope.lookup(name);
  if (found === undefined) throw new CompilerBug('lower-tile', `name '${name}' is not in scope`);
  return found;
}

export const factsIn = (scope: Scope) => (name: string): Facts => scope.lookup(name)?.facts ?? nothing;

/** The scope with one more name. */
export function withName(scope: Scope, name: string, binding: Binding): Scope {
  return { ...scope, lookup: (n) => (n === name ? binding : scope.lookup(n)) };
}

/** Whether the expression has the same value in all lanes. */
export function isUniform(e: Expr, scope: Scope): boolean {
  switch (e.kind) {
    case 'ref':
      return bindingOf(scope, e.name).uniform;
    case 'element':
      return scope.uniformElement(e.tile);
    case 'fold': {
      if (!isUniform(e.from, scope) || !isUniform(e.to, scope)) return false;
      return isUniform(e.body, withName(scope, e.local, { value: i32(0), facts: nothing, uniform: true }));
    }
    default:
      return children(e).every((c) => isUniform(c, scope));
  }
}

/** Work that is worth keeping over the turns of a loop: wherever its operands are known outside, so is it. */
function isCostly(e: Expr): boolean {
  switch (e.kind) {
    case 'read':
    case 'fold':
      return true;
    case 'binary':
      return (e.op === 'div' || e.op === 'mod') && !(e.right.kind === 'literal' && (e.right.value & (e.right.value - 1)) === 0);
    case 'unary':
      return e.op === 'exp' || e.op === 'log' || e.op === 'tanh';
    default:
      return false;
  }
}

/** Depth of the outermost block in which every operand is known. */
function depthOf(emit: Emitter, e: Expr, scope: Scope, bound: readonly string[]): number {
  switch (e.kind) {
    case 'ref':
      return bound.includes(e.name) ? 1 : emit.depthOf(bindingOf(scope, e.name).value);
    case 'element':
      return emit.depthOf(scope.element(e.tile));
    case 'fold':
      return Math.max(depthOf(emit, e.from, scope, bound), depthOf(emit, e.to, scope, bound), depthOf(emit, e.body, scope, [...bound, e.local]));
    default:
      return children(e).reduce((deepest, c) => Math.max(deepest, depthOf(emit, c, scope, bound)), 1);
  }
}

export function lowerExpr(emit: Emitter, e: Expr, scope: Scope): KernelExpr {
  if (!isCostly(e)) return lowerHere(emit, e, scope);
  const depth = emit.outsideLoops(depthOf(emit, e, scope, []));
  return depth < emit.depth() ? emit.hoisted(depth, () => lowerHere(emit, e, scope)) : lowerHere(emit, e, scope);
}

function lowerHere(emit: Emitter, e: Expr, scope: Scope): KernelExpr {
  switch (e.kind) {
    case 'literal':
      return literalOf(e.type, e.value);
    case 'ref':
      return bindingOf(scope, e.name).value;
    case 'element':
      return scope.element(e.tile);
    case 'read':
      return scope.read(e, scope);
    case 'unary':
      return emit.value(lowerUnary(emit, e.op, e.arg.type, lowerExpr(emit, e.arg, scope)));
    case 'binary':
      return lowerBinary(emit, e, scope);
    case 'select': {
      const cond = lowerExpr(emit, e.cond, scope);
      const then = lowerExpr(emit, e.then, scope);
      const otherwise = lowerExpr(emit, e.otherwise, scope);
      if (e.type === 'bool') return emit.value(bin('or', emit.value(bin('and', cond, then)), emit.value(bin('and', emit.value(un('not', cond)), otherwise))));
      return emit.value(pick(cond, then, otherwise));
    }
    case 'fold':
      return lowerFold(emit, e, scope);
    default:
      return unreachable(e);
  }
}

function lowerUnary(emit: Emitter, op: UnaryOp, from: ScalarType, arg: KernelExpr): KernelExpr {
  switch (op) {
    case 'neg':
    case 'abs':
    case 'not':
    case 'bit_not':
    case 'bit_length':
    case 'popcount':
    case 'trailing_zeros':
    case 'exp':
    case 'log':
    case 'tanh':
    case 'sqrt':
    case 'rsqrt':
      return un(op, arg);
    case 'to_float':
      return from === 'float' ? arg : un('to_f32', arg);
    case 'floor_to_int':
      return from === 'int' ? arg : floorToInt(emit, arg);
    default:
      return unreachable(op);
  }
}

/** Saturating; NaN gives 0. The clamp keeps the conversion inside what every target defines. */
function floorToInt(emit: Emitter, arg: KernelExpr): KernelExpr {
  const floor = emit.value(un('floor', arg));
  const held = emit.value(bin('min', bin('max', floor, f32(-2147483648)), f32(2147483520)));
  const whole = emit.value(un('to_i32', held));
  const high = emit.value(pick(bin('ge', floor, f32(2147483648)), i32(2147483647), whole));
  return pick(bin('eq', arg, arg), high, i32(0));
}

const sameOperator: Partial<Record<BinaryOp, KernelBinary>> = {
  add: 'add', sub: 'sub', mul: 'mul', min: 'min', max: 'max', divide: 'div', and: 'and', or: 'or',
  bit_and: 'bit_and', bit_or: 'bit_or', bit_xor: 'bit_xor', eq: 'eq', ne: 'ne', lt: 'lt', le: 'le', gt: 'gt', ge: 'ge',
};

function lowerBinary(emit: Emitter, e: Expr & { readonly kind: 'binary' }, scope: Scope): KernelExpr {
  const left = lowerExpr(emit, e.left, scope);
  const right = lowerExpr(emit, e.right, scope);
  const direct = sameOperator[e.op];
  if (direct !== undefined) return emit.value(bin(direct, left, right));
  switch (e.op) {
    case 'shl':
    case 'shr':
      return emit.value(bin(e.op, left, emit.value(bin('bit_and', right, i32(31)))));
    case 'div':
    case 'mod':
      return floorDivision(emit, e, left, right, scope);
    default:
      throw new CompilerBug('lower-tile', `operator ${e.op}`);
  }
}

function floorDivision(emit: Emitter, e: Expr & { readonly kind: 'binary' }, a: KernelExpr, b: KernelExpr, scope: Scope): KernelExpr {
  const divisor = intValue(b);
  if (divisor !== undefined && divisor < 1) return i32(0);
  if (divisor !== undefined && (divisor & (divisor - 1)) === 0) {
    // Arithmetic shift and mask are floor division by a power of two, for every sign.
    return emit.value(e.op === 'div' ? bin('shr', a, i32(31 - Math.clz32(divisor))) : bin('bit_and', a, i32(divisor - 1)));
  }
  const divisors = rangeOf(e.right, factsIn(scope));
  const positive = divisors.low >= 1;
  const safe = positive ? b : emit.value(bin('max', b, i32(1)));
  const negative = rangeOf(e.left, factsIn(scope)).low < 0;
  let result: KernelExpr;
  if (e.op === 'div') {
    const quotient = emit.value(bin('div', a, safe));
    if (negative) {
      const rest = emit.value(bin('sub', a, emit.value(bin('mul', quotient, safe))));
      result = emit.value(bin('sub', quotient, pick(bin('lt', rest, i32(0)), i32(1), i32(0))));
    } else result = quotient;
  } else {
    const quotient = emit.value(bin('div', a, safe));
    const rest = emit.value(bin('sub', a, emit.value(bin('mul', quotient, safe))));
    result = negative ? emit.value(pick(bin('lt', rest, i32(0)), bin('add', rest, safe), rest)) : rest;
  }
  // A divisor below 1 gives 0. The remainder by the substitute 1 is 0 already.
  return positive || e.op === 'mod' ? result : emit.value(pick(bin('lt', b, i32(1)), i32(0), result));
}

function step(op: FoldOp, before: KernelExpr, next: KernelExpr): KernelExpr {
  switch (op) {
    case 'any':
      return bin('or', before, next);
    case 'all':
      return bin('and', before, next);
    case 'sum':
      return bin('add', before, next);
    case 'min':
      return bin('min', before, next);
    case 'max':
      return bin('max', before, next);
    case 'bit_or':
      return bin('bit_or', before, next);
    default:
      return unreachable(op);
  }
}

function lowerFold(emit: Emitter, e: Expr & { readonly kind: 'fold' }, scope: Scope): KernelExpr {
  const from = lowerExpr(emit, e.from, scope);
  const to = lowerExpr(emit, e.to, scope);
  return emit.remember(`${exprKey(e)} of ${inputs(emit, e, scope, []).join(',')}`, () => {
    const result = emit.variable(e.op, literalOf(e.type, foldIdentity(e.op, e.type)));
    const uniform = isUniform(e.from, scope) && isUniform(e.to, scope);
    const low = rangeOf(e.from, factsIn(scope)).low;
    const high = rangeOf(e.to, factsIn(scope)).high;
    emit.loop(e.local, from, to, uniform, [result], (index) => {
      const facts: Facts = { range: { low, high: Math.max(low, high - 1) }, below: [e.to] };
      const inner = withName(scope, e.local, { value: index, facts, uniform });
      emit.assign(result, step(e.op, result, lowerExpr(emit, e.body, inner)));
    });
    return emit.copy(e.op, result);
  });
}

/** Keys of everything the expression depends on. */
function inputs(emit: Emitter, e: Expr, scope: Scope, bound: readonly string[]): readonly string[] {
  switch (e.kind) {
    case 'ref':
      return bound.includes(e.name) ? [] : [`${e.name}=${emit.keyOf(bindingOf(scope, e.name).value)}`];
    case 'element':
      return [`${e.tile}=${emit.keyOf(scope.element(e.tile))}`];
    case 'fold':
      return [...inputs(emit, e.from, scope, bound), ...inputs(emit, e.to, scope, bound), ...inputs(emit, e.body, scope, [...bound, e.local])];
    default:
      return children(e).flatMap((c) => inputs(emit, c, scope, bound));
  }
}
