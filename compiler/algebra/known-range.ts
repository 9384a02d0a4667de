/**
 * What is known of an int expression before any launch: the smallest interval this reasoning finds that holds its value
 * for every position, launch and tensor. In: an expression. Out: an interval of int32. Positions lie within +-2^24,
 * sizes within [0, 2^24], launch scalars within +-2^30, tensor elements anywhere. An operation that could wrap is
 * unknown; `cannotWrap` says that it never does, so that it may be read as arithmetic on integers. Arithmetic on sizes and launch
 * scalars alone is taken to stay within +-2^30: launch-requirements.ts asks that of the launch.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { bitLength, intMax, intMin } from '../expr/arithmetic.ts';
import type { BinaryOp, Expr, UnaryOp } from '../expr/ir.ts';

export interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** Positions and sequence lengths reach this far (compiler/spec/ir.ts). */
export const positionLimit = 2 ** 24;
/** Launch scalars reach this far (compiler/spec/ir.ts). */
const scalarLimit = 2 ** 30;

const unknown: Range = { lo: intMin, hi: intMax };

const named: ReadonlyMap<string, Range> = new Map([
  ...['q', 'q_first', 'q_last'].map((name) => [name, { lo: -positionLimit, hi: positionLimit }] as const),
  ...['k', 'k_first', 'k_last', 'n_q', 'n_k'].map((name) => [name, { lo: 0, hi: positionLimit }] as const),
  ...['h', 'b', 'heads', 'kv_heads', 'batch', 'dim'].map((name) => [name, { lo: 0, hi: scalarLimit }] as const),
]);

export type Locals = ReadonlyMap<string, Range>;
const noLocals: Locals = new Map();

function nameRange(name: string, locals: Locals): Range {
  const found = locals.get(name) ?? named.get(name);
  if (found !== undefined) return found;
  // `tensor.axis` is an extent, everything else a launch scalar.
  return name.includes('.') ? { lo: 0, hi: scalarLimit } : { lo: -scalarLimit, hi: scalarLimit };
}

const byRequirement: Range = { lo: -scalarLimit, hi: scalarLimit };
const ofRows: ReadonlySet<string> = new Set(['q', 'k', 'h', 'b', 'q_first', 'q_last', 'k_first', 'k_last']);

/** Whether an int expression has one value for the whole launch, computed from sizes, extents and scalars. */
export function isLaunchLevel(e: Expr, locals: Locals = noLocals): boolean {
  switch (e.kind) {
    case 'literal':
      return true;
    case 'ref':
      return !ofRows.has(e.name) && !locals.has(e.name);
    case 'read':
    case 'element':
    case 'fold':
      return false;
    case 'unary':
      return isLaunchLevel(e.arg, locals);
    case 'binary':
      return isLaunchLevel(e.left, locals) && isLaunchLevel(e.right, locals);
    case 'select':
      return [e.cond, e.then, e.otherwise].every((x) => isLaunchLevel(x, locals));
    default:
      return unreachable(e);
  }
}

/** The range of a sum, difference or product as integers; undefined for any other expression. */
export function unwrappedRange(e: Expr, locals: Locals = noLocals): Range | undefined {
  if (e.type !== 'int') return undefined;
  if (e.kind === 'unary' && e.arg.type === 'int') {
    const a = knownRange(e.arg, locals);
    return integerRange(e.op, a, a);
  }
  return e.kind === 'binary' ? integerRange(e.op, knownRange(e.left, locals), knownRange(e.right, locals)) : undefined;
}

export function fits(r: Range): boolean {
  return r.lo >= intMin && r.hi <= intMax;
}

const hull = (a: Range, b: Range): Range => ({ lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) });

/** The range of an operation on integers without wrapping; undefined where the operation is none that could wrap. */
function integerRange(op: BinaryOp | UnaryOp, a: Range, b: Range): Range | undefined {
  switch (op) {
    case 'add':
      return { lo: a.lo + b.lo, hi: a.hi + b.hi };
    case 'sub':
      return { lo: a.lo - b.hi, hi: a.hi - b.lo };
    case 'mul': {
      const corners = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
      return { lo: Math.min(...corners), hi: Math.max(...corners) };
    }
    case 'neg':
      return { lo: -a.hi, hi: -a.lo };
    case 'abs':
      return { lo: a.lo > 0 ? a.lo : a.hi < 0 ? -a.hi : 0, hi: Math.max(-a.lo, a.hi) };
    default:
      return undefined;
  }
}

function unaryRange(op: UnaryOp, a: Range): Range {
  switch (op) {
    case 'bit_not':
      return { lo: -a.hi - 1, hi: -a.lo - 1 };
    case 'bit_length':
      return a.lo >= 0 ? { lo: bitLength(a.lo), hi: bitLength(a.hi) } : { lo: 0, hi: 32 };
    case 'popcount':
    case 'trailing_zeros':
      return { lo: 0, hi: 32 };
    default:
      return unknown;
  }
}

function binaryRange(op: BinaryOp, a: Range, b: Range): Range {
  switch (op) {
    case 'min':
      return { lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
    case 'max':
      return { lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
    case 'div':
      if (b.lo === b.hi && b.lo >= 1) return { lo: Math.floor(a.lo / b.lo), hi: Math.floor(a.hi / b.lo) };
      return { lo: Math.min(a.lo, 0), hi: Math.max(a.hi, 0) };
    case 'mod': {
      const below = Math.max(0, b.hi - 1);
      return { lo: 0, hi: a.lo >= 0 ? Math.min(a.hi, below) : below };
    }
    case 'bit_and':
      if (a.lo >= 0 && b.lo >= 0) return { lo: 0, hi: Math.min(a.hi, b.hi) };
      if (a.lo >= 0) return { lo: 0, hi: a.hi };
      return b.lo >= 0 ? { lo: 0, hi: b.hi } : unknown;
    case 'bit_or':
    case 'bit_xor':
      return a.lo >= 0 && b.lo >= 0 ? { lo: 0, hi: 2 ** bitLength(Math.max(a.hi, b.hi)) - 1 } : unknown;
    case 'shl': {
      if (b.lo !== b.hi) {
        // 1 shl s with a known bound on s is a power of two.
        return a.lo === a.hi && a.lo === 1 && b.lo >= 0 && b.hi <= 30 ? { lo: 1, hi: 2 ** b.hi } : unknown;
      }
      const factor = 2 ** (b.lo & 31);
      const r = { lo: a.lo * factor, hi: a.hi * factor };
      return fits(r) ? r : unknown;
    }
    case 'shr':
      if (b.lo === b.hi) return { lo: a.lo >> (b.lo & 31), hi: a.hi >> (b.lo & 31) };
      return { lo: Math.min(a.lo, 0), hi: Math.max(a.hi, 0) };
    default:
      return unknown;
  }
}

/** The known ranges inside a fold: those outside, and that of its local. */
export function innerLocals(e: Extract<Expr, { readonly kind: 'fold' }>, locals: Locals = noLocals): Locals {
  const inner = new Map(locals);
  const { lo } = knownRange(e.from, locals);
  inner.set(e.local, { lo, hi: Math.max(lo, knownRange(e.to, locals).hi - 1) });
  return inner;
}

/** An interval that holds the value of an int expression (or 0 and 1 of a bool) at every launch. */
export function knownRange(e: Expr, locals: Locals = noLocals): Range {
  if (locals.size > 0) return rangeOf(e, locals);
  const known = remembered.get(e);
  if (known !== undefined) return known;
  const found = rangeOf(e, locals);
  remembered.set(e, found);
  return found;
}

// Expressions are immutable, and the same ones are asked again and again.
const remembered = new WeakMap<Expr, Range>();

function rangeOf(e: Expr, locals: Locals): Range {
  if (e.type === 'bool') return { lo: 0, hi: 1 };
  if (e.type === 'float') return unknown;
  switch (e.kind) {
    case 'literal':
      return { lo: e.value, hi: e.value };
    case 'ref':
      return nameRange(e.name, locals);
    case 'read':
    case 'element':
      return unknown;
    case 'unary': {
      if (e.arg.type !== 'int') return unknown;
      const a = knownRange(e.arg, locals);
      const whole = integerRange(e.op, a, a);
      return whole === undefined ? unaryRange(e.op, a) : unlessWrapping(e, whole, locals);
    }
    case 'binary': {
      const a = knownRange(e.left, locals);
      const b = knownRange(e.right, locals);
      const whole = integerRange(e.op, a, b);
      return whole === undefined ? binaryRange(e.op, a, b) : unlessWrapping(e, whole, locals);
    }
    case 'select':
      return hull(knownRange(e.then, locals), knownRange(e.otherwise, locals));
    case 'fold': {
      if (e.op === 'sum' || e.op === 'bit_or') return unknown;
      const body = knownRange(e.body, innerLocals(e, locals));
      // An empty range gives the neutral element.
      return e.op === 'min' ? { lo: body.lo, hi: intMax } : { lo: intMin, hi: body.hi };
    }
    default:
      return unreachable(e);
  }
}

function unlessWrapping(e: Expr, whole: Range, locals: Locals): Range {
  if (fits(whole)) return whole;
  return isLaunchLevel(e, locals) ? byRequirement : unknown;
}

/** Whether the outermost operation of an int expression equals the same operation on integers, always. */
export function cannotWrap(e: Expr, locals: Locals = noLocals): boolean {
  if (e.type !== 'int') return false;
  const whole = unwrappedRange(e, locals);
  return whole === undefined || fits(whole) || isLaunchLevel(e, locals);
}
