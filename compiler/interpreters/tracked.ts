/**
 * Scalar expressions with their rounding error: beside each float64 value a bound on how far any correct f32 evaluation
 * of the same expression can be from it. In: an expression and a launch; `s` comes with the error of the scaled product.
 * Out: a closure giving (value, error). Errors are those WGSL allows: + - * round to nearest, divide 2.5 ulp, exp
 * 3 + 2|x| ulp, log 2^-21 or 3 ulp, inverseSqrt 2 ulp, sqrt by way of it, tanh 1e-5 absolute; CUDA's are smaller.
 * Whole-number arithmetic is exact. Where an error could decide an order or a floor, both ways are allowed for.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { BinaryOp, Expr, FoldOp, UnaryOp } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import { scalar } from './dense/scalar.ts';
import type { Locals, Point, World } from './dense/scalar.ts';

/** A value and how far an f32 evaluation may be from it. For bools an error of 1 means undecided. */
export interface Tracked {
  value: number;
  error: number;
}

/** Each closure owns the cell that it returns. */
export type Tracker = (at: Point) => Tracked;

/** Unit roundoff of f32; one ulp is at most twice that, relative to the value. */
export const roundoff = 2 ** -24;
const ulp = 2 * roundoff;
/** Below this f32 results may be flushed to zero. */
const leastNormal = 2 ** -126;
const largest = (2 - 2 ** -23) * 2 ** 127;

/** Compiles an expression; `errorOfS` gives the error of `s` at the current point. */
export function tracked(e: Expr, world: World, errorOfS: () => number, locals: Locals = new Map()): Tracker {
  const cell: Tracked = { value: 0, error: 0 };
  const put = (value: number, error: number): Tracked => {
    cell.value = value;
    // A value that is no f32, or NaN from inf - inf, has no bound.
    cell.error = Number.isFinite(value) && Math.abs(value) + error <= largest ? error : Infinity;
    return cell;
  };
  if (isWhole(e)) {
    const exact = scalar(e, world, locals);
    return (at) => put(exact(at), 0);
  }
  const part = (child: Expr): Tracker => tracked(child, world, errorOfS, locals);
  switch (e.kind) {
    case 'literal':
    case 'ref':
    case 'element': {
      const exact = scalar(e, world, locals);
      if (e.kind === 'ref' && e.name === 's') return (at) => put(at.s, errorOfS());
      return (at) => {
        const value = exact(at);
        return put(value, Math.abs(value - Math.fround(value)));
      };
    }
    case 'read': {
      const exact = scalar(e, world, locals);
      const indices = e.indices.map(part);
      return (at) => put(exact(at), indices.some((i) => i(at).error > 0) ? Infinity : 0);
    }
    case 'unary': {
      const arg = part(e.arg);
      const rule = unaryRule(e.op);
      return (at) => {
        const a = arg(at);
        return rule(a.value, a.error, put);
      };
    }
    case 'binary': {
      const left = part(e.left);
      const right = part(e.right);
      const rule = binaryRule(e.op, e.left.type === 'float');
      return (at) => {
        const a = left(at);
        const b = right(at);
        return rule(a, b, put);
      };
    }
    case 'select': {
      const cond = part(e.cond);
      const then = part(e.then);
      const otherwise = part(e.otherwise);
      return (at) => {
        const c = cond(at);
        const a = then(at);
        const b = otherwise(at);
        const [taken, other] = c.value !== 0 ? [a, b] : [b, a];
        const error = c.error === 0 ? taken.error : Math.max(taken.error, Math.abs(other.value - taken.value) + other.error);
        return put(taken.value, error);
      };
    }
    case 'fold': {
      const local = { value: 0 };
      const from = part(e.from);
      const to = part(e.to);
      const body = tracked(e.body, world, errorOfS, new Map([...locals, [e.local, local]]));
      const exact = scalar(e, world, locals);
      return (at) => {
        const start = from(at);
        const end = to(at);
        if (start.error > 0 || end.error > 0) return put(exact(at), Infinity);
        const errors: Tracked[] = [];
        for (let i = start.value; i < end.value; i += 1) {
          local.value = i;
          errors.push({ ...body(at) });
        }
        const value = exact(at);
        return put(value, foldError(e.op, e.type === 'float', value, errors));
      };
    }
    default:
      return unreachable(e);
  }
}

/** No float anywhere inside: exact on every device. */
function isWhole(e: Expr): boolean {
  return e.type !== 'float' && children(e).every(isWhole);
}

type Put = (value: number, error: number) => Tracked;

/** The error of a float result that is computed within `relative` of the value it was given inputs for. */
function rounded(value: number, carried: number, relative: number): number {
  return carried + relative * (Math.abs(value) + carried) + leastNormal;
}

function unaryRule(op: UnaryOp): (a: number, error: number, put: Put) => Tracked {
  switch (op) {
    case 'neg':
      return (a, e, put) => put(-a, e);
    case 'abs':
      return (a, e, put) => put(Math.abs(a), e);
    case 'not':
      return (a, e, put) => put(1 - a, e);
    case 'to_float':
      // Ints up to 2^24 are f32 numbers.
      return (a, e, put) => put(a, e + Math.abs(a - Math.fround(a)));
    case 'floor_to_int':
      return (a, e, put) => put(Math.floor(a), e === 0 ? 0 : Math.floor(a + e) - Math.floor(a - e));
    case 'exp':
      return (a, e, put) => {
        const value = Math.exp(a);
        return put(value, rounded(value, value * Math.expm1(e), (3 + 2 * (Math.abs(a) + e)) * ulp));
      };
    case 'log':
      return (a, e, put) => {
        const value = Math.log(a);
        return put(value, a <= e ? Infinity : e / (a - e) + Math.max(2 ** -21, 3 * ulp * Math.abs(value)));
      };
    case 'tanh':
      return (a, e, put) => put(Math.tanh(a), e + 1e-5);
    case 'sqrt':
      return (a, e, put) => {
        const value = Math.sqrt(a);
        const carried = e === 0 ? 0 : value - Math.sqrt(Math.max(0, a - e)) || e;
        return put(value, a < 0 || a < e ? Infinity : rounded(value, carried, 6 * ulp));
      };
    case 'rsqrt':
      return (a, e, put) => {
        const value = 1 / Math.sqrt(a);
        return put(value, a <= e ? Infinity : rounded(value, 1 / Math.sqrt(a - e) - value, 2 * ulp));
      };
    case 'bit_not':
    case 'bit_length':
    case 'popcount':
    case 'trailing_zeros':
      // Of an int that came out of a float: exact or unknown.
      return (a, e, put) => put(wholeUnary(op, a), e === 0 ? 0 : Infinity);
    default:
      return unreachable(op);
  }
}

function wholeUnary(op: 'bit_not' | 'bit_length' | 'popcount' | 'trailing_zeros', value: number): number {
  const literal: Expr = { kind: 'literal', type: 'int', value };
  return exactly({ kind: 'unary', type: 'int', op, arg: literal });
}

function exactly(e: Expr): number {
  return scalar(e, { constants: new Map(), tensors: new Map() })({ b: 0, h: 0, q: 0, k: 0, s: 0 });
}

function binaryRule(op: BinaryOp, isFloat: boolean): (a: Tracked, b: Tracked, put: Put) => Tracked {
  const finish = (value: number, carried: number, put: Put): Tracked => put(value, isFloat ? rounded(value, carried, roundoff) : wrapped(value, carried));
  switch (op) {
    case 'add':
      return (a, b, put) => finish(a.value + b.value, a.error + b.error, put);
    case 'sub':
      return (a, b, put) => finish(a.value - b.value, a.error + b.error, put);
    case 'mul':
      return (a, b, put) => finish(a.value * b.value, Math.abs(a.value) * b.error + Math.abs(b.value) * a.error + a.error * b.error, put);
    case 'min':
      return (a, b, put) => put(Math.min(a.value, b.value), Math.max(a.error, b.error));
    case 'max':
      return (a, b, put) => put(Math.max(a.value, b.value), Math.max(a.error, b.error));
    case 'divide':
      return (a, b, put) => {
        const value = a.value / b.value;
        const least = Math.abs(b.value) - b.error;
        return put(value, least <= 0 ? Infinity : rounded(value, (a.error + Math.abs(value) * b.error) / least, 2.5 * ulp));
      };
    case 'and':
      return (a, b, put) => put(a.value !== 0 && b.value !== 0 ? 1 : 0, decided(a, 0) || decided(b, 0) ? 0 : Math.max(a.error, b.error));
    case 'or':
      return (a, b, put) => put(a.value !== 0 || b.value !== 0 ? 1 : 0, decided(a, 1) || decided(b, 1) ? 0 : Math.max(a.error, b.error));
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return (a, b, put) => {
        const slack = a.error + b.error;
        return put(compare(op, a.value, b.value), slack === 0 || Math.abs(a.value - b.value) > slack ? 0 : 1);
      };
    case 'div':
    case 'mod':
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
    case 'shl':
    case 'shr':
      return (a, b, put) => {
        const [left, right] = [a, b].map(({ value }): Expr => ({ kind: 'literal', type: 'int', value }));
        const value = left === undefined || right === undefined ? NaN : exactly({ kind: 'binary', type: 'int', op, left, right });
        return put(value, a.error + b.error === 0 ? 0 : Infinity);
      };
    default:
      return unreachable(op);
  }
}

/** Int results that could wrap have no bound. */
function wrapped(value: number, error: number): number {
  return Math.abs(value) + error < 2 ** 31 ? error : Infinity;
}

function decided(a: Tracked, as: number): boolean {
  return a.error === 0 && a.value === as;
}

function compare(op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: number, b: number): number {
  switch (op) {
    case 'eq':
      return a === b ? 1 : 0;
    case 'ne':
      return a !== b ? 1 : 0;
    case 'lt':
      return a < b ? 1 : 0;
    case 'le':
      return a <= b ? 1 : 0;
    case 'gt':
      return a > b ? 1 : 0;
    case 'ge':
      return a >= b ? 1 : 0;
    default:
      return unreachable(op);
  }
}

function foldError(op: FoldOp, isFloat: boolean, value: number, parts: readonly Tracked[]): number {
  const worst = parts.reduce((e, p) => Math.max(e, p.error), 0);
  if (worst === 0 && !isFloat) return 0;
  switch (op) {
    case 'any':
      return parts.some((p) => decided(p, 1)) ? 0 : worst;
    case 'all':
      return parts.some((p) => decided(p, 0)) ? 0 : worst;
    case 'min':
    case 'max':
      return worst;
    case 'sum': {
      const carried = parts.reduce((sum, p) => sum + p.error, 0);
      const magnitude = parts.reduce((sum, p) => sum + Math.abs(p.value) + p.error, 0);
      return isFloat ? carried + roundoff * parts.length * magnitude : wrapped(value, carried);
    }
    case 'bit_or':
      return Infinity;
    default:
      return unreachable(op);
  }
}
