/**
 * Running expressions on the host, for everything on the lowering side (tile interpreter, host plans, algebra).
 * In: an expression and the order of its names. Out: a closure from an array of values to the value; slots and tensors
 * are looked up once, when the closure is made. The meaning is that of ir.ts; bools are 0 and 1. Subexpressions are
 * pure and total, so `and`, `or`, `select`, `any` and `all` may leave out what cannot matter.
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import { floorToInt, foldIdentity, popcount } from './arithmetic.ts';
import type { Expr } from './ir.ts';

/** The element of a tensor, 0 outside it. The index array is reused between calls: read it, do not keep it. */
export type TensorReader = (tensor: string, indices: readonly number[]) => number;

export type Values = ArrayLike<number>;
export type Compiled = (values: Values) => number;

/** A tensor that is already there when an expression is compiled; row-major. */
export interface HostTensor {
  readonly extents: readonly number[];
  readonly data: ArrayLike<number>;
}

/** The name under which the element of a tile stands in `names`. */
export function elementName(tile: string): string {
  return `tile:${tile}`;
}

/** For expressions that read no tensor. */
export const noTensors: TensorReader = (tensor) => {
  throw new CompilerBug('evaluate', `no tensor '${tensor}' here`);
};

/** A reader of given tensors. */
export function readerOf(tensors: ReadonlyMap<string, HostTensor>): TensorReader {
  return (tensor, indices) => {
    const t = tensors.get(tensor);
    if (t === undefined || t.extents.length !== indices.length) {
      throw new CompilerBug('evaluate', `no tensor '${tensor}' with ${indices.length} axes`);
    }
    let at = 0;
    for (let i = 0; i < indices.length; i += 1) {
      const extent = t.extents[i] ?? 0;
      const index = indices[i] ?? -1;
      if (index < 0 || index >= extent) return 0;
      at = at * extent + index;
    }
    return t.data[at] ?? 0;
  };
}

interface Cell {
  value: number;
}

interface Scope {
  readonly slots: ReadonlyMap<string, number>;
  readonly locals: ReadonlyMap<string, Cell>;
  readonly reader: TensorReader;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/**
 * Compiles an expression. `names[i]` is the ref whose value is `values[i]` when the closure runs. Tensors in `tensors`
 * are read directly, all others through `reader`.
 */
export function compileExpr(
  expr: Expr,
  names: readonly string[],
  reader: TensorReader = noTensors,
  tensors: ReadonlyMap<string, HostTensor> = new Map(),
): Compiled {
  const slots = new Map(names.map((name, i) => [name, i]));
  return compile(expr, { slots, locals: new Map(), reader, tensors });
}

/** The value of an expression in an environment; for one-offs. */
export function evaluate(expr: Expr, env: ReadonlyMap<string, number>, reader: TensorReader = noTensors): number {
  return compileExpr(expr, [...env.keys()], reader)([...env.values()]);
}

function compile(e: Expr, scope: Scope): Compiled {
  switch (e.kind) {
    case 'literal': {
      const { value } = e;
      return () => value;
    }
    case 'ref': {
      const cell = scope.locals.get(e.name);
      return cell !== undefined ? () => cell.value : slot(e.name, scope);
    }
    case 'element':
      return slot(elementName(e.tile), scope);
    case 'read':
      return compileRead(e, scope);
    case 'unary':
      return compileUnary(e, compile(e.arg, scope));
    case 'binary':
      return compileBinary(e, compile(e.left, scope), compile(e.right, scope));
    case 'select': {
      const cond = compile(e.cond, scope);
      const then = compile(e.then, scope);
      const otherwise = compile(e.otherwise, scope);
      return (v) => (cond(v) !== 0 ? then(v) : otherwise(v));
    }
    case 'fold':
      return compileFold(e, scope);
    default:
      return unreachable(e);
  }
}

function slot(name: string, scope: Scope): Compiled {
  const at = scope.slots.get(name);
  if (at === undefined) throw new CompilerBug('evaluate', `'${name}' has no value here`);
  return (v) => v[at] ?? 0;
}

function compileRead(e: Extract<Expr, { readonly kind: 'read' }>, scope: Scope): Compiled {
  const indices = e.indices.map((i) => compile(i, scope));
  const known = scope.tensors.get(e.tensor);
  if (known !== undefined) return directRead(e.tensor, known, indices);
  const { reader } = scope;
  const { tensor } = e;
  // One array per place of the expression: a place cannot be entered again while its own indices are evaluated.
  const at = new Array<number>(indices.length).fill(0);
  const [i0, i1] = indices;
  if (i0 !== undefined && indices.length === 1) {
    return (v) => {
      at[0] = i0(v);
      return reader(tensor, at);
    };
  }
  if (i0 !== undefined && i1 !== undefined && indices.length === 2) {
    return (v) => {
      at[0] = i0(v);
      at[1] = i1(v);
      return reader(tensor, at);
    };
  }
  return (v) => {
    for (let i = 0; i < indices.length; i += 1) at[i] = indices[i]?.(v) ?? 0;
    return reader(tensor, at);
  };
}

function directRead(name: string, { extents, data }: HostTensor, indices: readonly Compiled[]): Compiled {
  if (extents.length !== indices.length) {
    throw new CompilerBug('evaluate', `'${name}' has ${extents.length} axes, read with ${indices.length} indices`);
  }
  const [i0, i1, i2] = indices;
  const [n0 = 0, n1 = 0, n2 = 0] = extents;
  if (i0 !== undefined && indices.length === 1) {
    return (v) => {
      const a = i0(v);
      return a >= 0 && a < n0 ? data[a] ?? 0 : 0;
    };
  }
  if (i0 !== undefined && i1 !== undefined && indices.length === 2) {
    return (v) => {
      const a = i0(v);
      const b = i1(v);
      return a >= 0 && a < n0 && b >= 0 && b < n1 ? data[a * n1 + b] ?? 0 : 0;
    };
  }
  if (i0 !== undefined && i1 !== undefined && i2 !== undefined && indices.length === 3) {
    return (v) => {
      const a = i0(v);
      const b = i1(v);
      const c = i2(v);
      return a >= 0 && a < n0 && b >= 0 && b < n1 && c >= 0 && c < n2 ? data[(a * n1 + b) * n2 + c] ?? 0 : 0;
    };
  }
  return (v) => {
    let at = 0;
    for (let i = 0; i < indices.length; i += 1) {
      const index = indices[i]?.(v) ?? -1;
      const extent = extents[i] ?? 0;
      if (index < 0 || index >= extent) return 0;
      at = at * extent + index;
    }
    return data[at] ?? 0;
  };
}

function compileUnary(e: Extract<Expr, { readonly kind: 'unary' }>, a: Compiled): Compiled {
  const { op } = e;
  const isInt = e.arg.type === 'int';
  switch (op) {
    case 'neg':
      return isInt ? (v) => -a(v) | 0 : (v) => -a(v);
    case 'abs':
      return isInt ? (v) => Math.abs(a(v)) | 0 : (v) => Math.abs(a(v));
    case 'not':
      return (v) => (a(v) === 0 ? 1 : 0);
    case 'bit_not':
      return (v) => ~a(v);
    case 'bit_length':
      return (v) => 32 - Math.clz32(a(v));
    case 'popcount':
      return (v) => popcount(a(v));
    case 'trailing_zeros':
      return (v) => {
        const x = a(v);
        return x === 0 ? 32 : 31 - Math.clz32(x & -x);
      };
    case 'to_float':
      return a;
    case 'floor_to_int':
      return (v) => floorToInt(a(v));
    case 'exp':
      return (v) => Math.exp(a(v));
    case 'log':
      return (v) => Math.log(a(v));
    case 'tanh':
      return (v) => Math.tanh(a(v));
    case 'sqrt':
      return (v) => Math.sqrt(a(v));
    case 'rsqrt':
      return (v) => 1 / Math.sqrt(a(v));
    default:
      return unreachable(op);
  }
}

function compileBinary(e: Extract<Expr, { readonly kind: 'binary' }>, a: Compiled, b: Compiled): Compiled {
  const { op } = e;
  const isInt = e.left.type === 'int';
  switch (op) {
    case 'add':
      return isInt ? (v) => (a(v) + b(v)) | 0 : (v) => a(v) + b(v);
    case 'sub':
      return isInt ? (v) => (a(v) - b(v)) | 0 : (v) => a(v) - b(v);
    case 'mul':
      return isInt ? (v) => Math.imul(a(v), b(v)) : (v) => a(v) * b(v);
    case 'min':
      return (v) => Math.min(a(v), b(v));
    case 'max':
      return (v) => Math.max(a(v), b(v));
    case 'div':
      return (v) => {
        const y = b(v);
        return y < 1 ? 0 : Math.floor(a(v) / y);
      };
    case 'mod':
      return (v) => {
        const y = b(v);
        if (y < 1) return 0;
        const x = a(v);
        return x - Math.floor(x / y) * y;
      };
    case 'divide':
      return (v) => a(v) / b(v);
    case 'bit_and':
      return (v) => a(v) & b(v);
    case 'bit_or':
      return (v) => a(v) | b(v);
    case 'bit_xor':
      return (v) => a(v) ^ b(v);
    case 'shl':
      return (v) => a(v) << b(v);
    case 'shr':
      return (v) => a(v) >> b(v);
    case 'and':
      return (v) => (a(v) !== 0 && b(v) !== 0 ? 1 : 0);
    case 'or':
      return (v) => (a(v) !== 0 || b(v) !== 0 ? 1 : 0);
    case 'eq':
      return (v) => (a(v) === b(v) ? 1 : 0);
    case 'ne':
      return (v) => (a(v) !== b(v) ? 1 : 0);
    case 'lt':
      return (v) => (a(v) < b(v) ? 1 : 0);
    case 'le':
      return (v) => (a(v) <= b(v) ? 1 : 0);
    case 'gt':
      return (v) => (a(v) > b(v) ? 1 : 0);
    case 'ge':
      return (v) => (a(v) >= b(v) ? 1 : 0);
    default:
      return unreachable(op);
  }
}

function compileFold(e: Extract<Expr, { readonly kind: 'fold' }>, scope: Scope): Compiled {
  const { op } = e;
  const from = compile(e.from, scope);
  const to = compile(e.to, scope);
  const local: Cell = { value: 0 };
  const body = compile(e.body, { ...scope, locals: new Map([...scope.locals, [e.local, local]]) });
  const empty = foldIdentity(op, e.type);
  const isInt = e.type === 'int';
  const step = (sum: number, x: number): number => {
    switch (op) {
      case 'sum':
        return isInt ? (sum + x) | 0 : sum + x;
      case 'min':
        return x < sum ? x : sum;
      case 'max':
        return x > sum ? x : sum;
      case 'bit_or':
        return sum | x;
      case 'any':
      case 'all':
        return x;
      default:
        return unreachable(op);
    }
  };
  // A decided `any` or `all` stays decided.
  const stopsAt = op === 'any' ? 1 : op === 'all' ? 0 : undefined;
  return (v) => {
    const end = to(v);
    let result = empty;
    for (let i = from(v); i < end; i += 1) {
      local.value = i;
      result = step(result, body(v));
      if (result === stopsAt) return result;
    }
    return result;
  };
}
