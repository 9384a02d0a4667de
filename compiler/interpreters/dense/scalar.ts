/**
 * The meaning of scalar expressions. In: an expression and one launch. Out: a closure over the point (b, h, q, k, s)
 * that gives its value: int32, 0 or 1, or float64. Written from the text of expr/ir.ts alone; shares no code with the
 * constructors' folding or the evaluator of the lowering side, so that each can be tested against the other.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import type { BinaryOp, Expr, FoldOp, UnaryOp } from '../../expr/ir.ts';
import type { Declared, Launch, TensorValue } from '../../spec/ir.ts';

/** Where an expression is asked: changed in place by the loops of the interpreter. */
export interface Point {
  b: number;
  h: number;
  q: number;
  k: number;
  s: number;
}

export type Scalar = (at: Point) => number;

/** A tensor of the launch, or one that a stage made: those hold their floats in float64. */
export interface StoredTensor {
  readonly extents: readonly number[];
  readonly data: TensorValue['data'] | Float64Array;
}

/** A launch whose tensors may be float64: in a chain they come from stages and attentions before. */
export interface DenseLaunch extends Pick<Launch, 'sizes' | 'scalars'> {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** What is fixed during one launch: values of names and the tensors. */
export interface World {
  readonly constants: ReadonlyMap<string, number>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** `made`: the stage tensors (stages.ts), where the spec has some. */
export function worldOf(spec: Pick<Declared, 'scalars' | 'tensors'>, launch: DenseLaunch, made: ReadonlyMap<string, StoredTensor> = new Map()): World {
  const { sizes } = launch;
  const constants = new Map<string, number>([
    ['n_q', sizes.nQ],
    ['n_k', sizes.nK],
    ['heads', sizes.heads],
    ['kv_heads', sizes.kvHeads],
    ['batch', sizes.batch],
    ['dim', sizes.dim],
  ]);
  for (const p of spec.scalars) {
    const value = launch.scalars.get(p.name) ?? p.defaultValue;
    if (value !== undefined) constants.set(p.name, value);
  }
  for (const t of spec.tensors) {
    const extents = launch.tensors.get(t.name)?.extents;
    t.axes.forEach((axis, i) => {
      const extent = extents?.[i];
      if (axis.kind === 'free' && extent !== undefined) constants.set(`${t.name}.${axis.name}`, extent);
    });
  }
  return { constants, tensors: made.size === 0 ? launch.tensors : new Map<string, StoredTensor>([...launch.tensors, ...made]) };
}

export function newPoint(): Point {
  return { b: 0, h: 0, q: 0, k: 0, s: 0 };
}

/** Values of fold locals, set by the loop around their body. */
export type Locals = ReadonlyMap<string, { value: number }>;

/** Compiles `expr` for one launch. */
export function scalar(expr: Expr, world: World, locals: Locals = new Map()): Scalar {
  return make(expr, world, locals);
}

function make(e: Expr, world: World, locals: Locals): Scalar {
  switch (e.kind) {
    case 'literal': {
      const { value } = e;
      return () => value;
    }
    case 'ref':
      return named(e.name, world, locals);
    case 'read':
      return element(e.tensor, e.indices.map((i) => make(i, world, locals)), world);
    case 'unary':
      return oneArgument(e.op, e.arg.type === 'int', make(e.arg, world, locals));
    case 'binary':
      return twoArguments(e.op, e.left.type === 'int', make(e.left, world, locals), make(e.right, world, locals));
    case 'select': {
      const cond = make(e.cond, world, locals);
      const then = make(e.then, world, locals);
      const otherwise = make(e.otherwise, world, locals);
      return (at) => (cond(at) !== 0 ? then(at) : otherwise(at));
    }
    case 'fold':
      return folded(e, world, locals);
    case 'element':
      throw new CompilerBug('dense interpreter', `a tile element '${e.tile}' has no meaning in a spec`);
    default:
      return unreachable(e);
  }
}

function named(name: string, world: World, locals: Locals): Scalar {
  const local = locals.get(name);
  if (local !== undefined) return () => local.value;
  switch (name) {
    case 'b':
      return (at) => at.b;
    case 'h':
      return (at) => at.h;
    case 'q':
      return (at) => at.q;
    case 'k':
      return (at) => at.k;
    case 's':
      return (at) => at.s;
    default: {
      const value = world.constants.get(name);
      if (value === undefined) throw new CompilerBug('dense interpreter', `'${name}' has no value`);
      return () => value;
    }
  }
}

/** A tensor element by its storage indices; 0 outside. */
export function element(tensor: string, indices: readonly Scalar[], world: World): Scalar {
  const value = world.tensors.get(tensor);
  if (value === undefined) throw new CompilerBug('dense interpreter', `tensor '${tensor}' has no value`);
  const { extents, data } = value;
  if (extents.length !== indices.length) {
    throw new CompilerBug('dense interpreter', `'${tensor}' has ${extents.length} axes but is read with ${indices.length}`);
  }
  const [only] = indices;
  if (only !== undefined && indices.length === 1) {
    const length = data.length;
    return (at) => {
      const i = only(at);
      return i >= 0 && i < length ? data[i] ?? 0 : 0;
    };
  }
  return (at) => {
    let offset = 0;
    for (let axis = 0; axis < indices.length; axis += 1) {
      const i = indices[axis]?.(at) ?? -1;
      const extent = extents[axis] ?? 0;
      if (i < 0 || i >= extent) return 0;
      offset = offset * extent + i;
    }
    return data[offset] ?? 0;
  };
}

function oneArgument(op: UnaryOp, isInt: boolean, a: Scalar): Scalar {
  switch (op) {
    case 'neg':
      return isInt ? (at) => (0 - a(at)) | 0 : (at) => -a(at);
    case 'abs':
      return isInt ? (at) => Math.abs(a(at)) | 0 : (at) => Math.abs(a(at));
    case 'not':
      return (at) => 1 - a(at);
    case 'bit_not':
      return (at) => ~a(at);
    case 'bit_length':
      return (at) => countBits(a(at), (bits) => bits >>> 1);
    case 'popcount':
      // x & (x - 1) clears the lowest set bit.
      return (at) => countBits(a(at), (bits) => (bits & (bits - 1)) >>> 0);
    case 'trailing_zeros':
      return (at) => {
        const bits = a(at) >>> 0;
        let zeros = 0;
        while (zeros < 32 && ((bits >>> zeros) & 1) === 0) zeros += 1;
        return zeros;
      };
    case 'to_float':
      return a;
    case 'floor_to_int':
      return (at) => saturated(Math.floor(a(at)));
    case 'exp':
      return (at) => Math.exp(a(at));
    case 'log':
      return (at) => Math.log(a(at));
    case 'tanh':
      return (at) => Math.tanh(a(at));
    case 'sqrt':
      return (at) => Math.sqrt(a(at));
    case 'rsqrt':
      return (at) => 1 / Math.sqrt(a(at));
    default:
      return unreachable(op);
  }
}

/** How often `shrink` can be applied to the 32-bit pattern until nothing is left. */
function countBits(value: number, shrink: (bits: number) => number): number {
  let count = 0;
  for (let bits = value >>> 0; bits !== 0; bits = shrink(bits)) count += 1;
  return count;
}

function saturated(value: number): number {
  if (value >= 2147483647) return 2147483647;
  if (value <= -2147483648) return -2147483648;
  return value | 0; // NaN gives 0
}

function twoArguments(op: BinaryOp, isInt: boolean, a: Scalar, b: Scalar): Scalar {
  switch (op) {
    case 'add':
      return isInt ? (at) => (a(at) + b(at)) | 0 : (at) => a(at) + b(at);
    case 'sub':
      return isInt ? (at) => (a(at) - b(at)) | 0 : (at) => a(at) - b(at);
    case 'mul':
      return isInt ? (at) => Math.imul(a(at), b(at)) : (at) => a(at) * b(at);
    case 'min':
      return (at) => Math.min(a(at), b(at));
    case 'max':
      return (at) => Math.max(a(at), b(at));
    case 'div':
      return (at) => {
        const divisor = b(at);
        return divisor < 1 ? 0 : Math.floor(a(at) / divisor);
      };
    case 'mod':
      return (at) => {
        const divisor = b(at);
        if (divisor < 1) return 0;
        const rest = a(at) % divisor;
        return (rest < 0 ? rest + divisor : rest) | 0;
      };
    case 'divide':
      return (at) => a(at) / b(at);
    case 'bit_and':
      return (at) => a(at) & b(at);
    case 'bit_or':
      return (at) => a(at) | b(at);
    case 'bit_xor':
      return (at) => a(at) ^ b(at);
    case 'shl':
      return (at) => a(at) << (b(at) & 31);
    case 'shr':
      return (at) => a(at) >> (b(at) & 31);
    case 'and':
      return (at) => (a(at) !== 0 ? b(at) : 0);
    case 'or':
      return (at) => (a(at) !== 0 ? 1 : b(at));
    case 'eq':
      return (at) => (a(at) === b(at) ? 1 : 0);
    case 'ne':
      return (at) => (a(at) !== b(at) ? 1 : 0);
    case 'lt':
      return (at) => (a(at) < b(at) ? 1 : 0);
    case 'le':
      return (at) => (a(at) <= b(at) ? 1 : 0);
    case 'gt':
      return (at) => (a(at) > b(at) ? 1 : 0);
    case 'ge':
      return (at) => (a(at) >= b(at) ? 1 : 0);
    default:
      return unreachable(op);
  }
}

function folded(e: Extract<Expr, { readonly kind: 'fold' }>, world: World, locals: Locals): Scalar {
  const from = make(e.from, world, locals);
  const to = make(e.to, world, locals);
  const cell = { value: 0 };
  const body = make(e.body, world, new Map([...locals, [e.local, cell]]));
  const [start, step, final] = folding(e.op, e.type === 'int');
  return (at) => {
    const end = to(at);
    let result = start;
    for (let i = from(at); i < end && result !== final; i += 1) {
      cell.value = i;
      result = step(result, body(at));
    }
    return result;
  };
}

/** The largest finite f32: what a minimum of no floats gives (expr/ir.ts). */
const largestFloat = (2 - 2 ** -23) * 2 ** 127;

/** The value of an empty range, the step, and a value that no further step changes. */
function folding(op: FoldOp, isInt: boolean): readonly [number, (x: number, y: number) => number, number | undefined] {
  switch (op) {
    case 'any':
      return [0, (x, y) => (x !== 0 || y !== 0 ? 1 : 0), 1];
    case 'all':
      return [1, (x, y) => (x !== 0 && y !== 0 ? 1 : 0), 0];
    case 'sum':
      return [0, isInt ? (x, y) => (x + y) | 0 : (x, y) => x + y, undefined];
    case 'min':
      return isInt ? [2147483647, Math.min, -2147483648] : [largestFloat, Math.min, undefined];
    case 'max':
      return isInt ? [-2147483648, Math.max, 2147483647] : [-largestFloat, Math.max, undefined];
    case 'bit_or':
      return [0, (x, y) => x | y, -1];
    default:
      return unreachable(op);
  }
}
