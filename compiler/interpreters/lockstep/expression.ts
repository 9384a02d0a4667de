/**
 * Kernel expressions for all lanes at once. In: an expression and the names in scope. Out: the array in which its values will
 * lie, and a closure that computes them. Loads and subgroup operations look at the execution mask; arithmetic does not.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import type { KernelExpr, KernelType } from '../../kernel/ir.ts';
import { kernelChildren } from '../../kernel/traverse.ts';
import { halfToNumber } from './half.ts';
import { componentsOf, floats, ints, laneName, lanesOf, report, room } from './machine.ts';
import type { Lanes, Machine } from './machine.ts';
import { inShared, inStorage, noteLoad, noteSharedLoad } from './memory.ts';
import type { SharedState, StorageView } from './memory.ts';
import { binaryLoop, fmaLoop, unaryLoop } from './operators.ts';
import type { Run } from './operators.ts';

export interface Value {
  readonly type: KernelType;
  readonly out: Lanes;
  readonly run: Run;
}

export interface PrivateArray {
  readonly name: string;
  readonly type: KernelType;
  readonly length: number;
  readonly data: Lanes;
}

export interface Scope {
  readonly m: Machine;
  readonly values: ReadonlyMap<string, { readonly type: KernelType; readonly out: Lanes }>;
  readonly arrays: ReadonlyMap<string, PrivateArray>;
  readonly storage: ReadonlyMap<string, { view: StorageView | undefined }>;
  readonly shared: ReadonlyMap<string, SharedState>;
  /** Builtins by name. */
  readonly builtins: ReadonlyMap<string, Int32Array>;
  /** The statement stands under control flow that is not declared uniform. */
  readonly divergent: boolean;
}

const nothing: Run = () => {};

function found<T>(map: ReadonlyMap<string, T>, name: string, what: string): T {
  const value = map.get(name);
  if (value === undefined) throw new CompilerBug('lockstep', `no ${what} '${name}' in scope`);
  return value;
}

export const lookup = found;

/** One after another, without the ones that do nothing. */
function inOrder(...runs: readonly Run[]): Run {
  const busy = runs.filter((r) => r !== nothing);
  const [a, b, c] = busy;
  if (a === undefined) return nothing;
  if (b === undefined) return a;
  if (c === undefined) {
    return () => {
      a();
      b();
    };
  }
  if (busy.length === 3) {
    return () => {
      a();
      b();
      c();
    };
  }
  return () => {
    for (const run of busy) run();
  };
}

function hasLoads(e: KernelExpr): boolean {
  return e.kind === 'load' || e.kind === 'load_shared' || kernelChildren(e).some(hasLoads);
}

/** Runs `arm` with only those lanes relevant whose `cond` is `wanted`; arms without loads need no such care. */
function narrowed(m: Machine, arm: Run, cond: Lanes, wanted: 0 | 1, loads: boolean): Run {
  if (!loads || arm === nothing) return arm;
  const mine = new Uint8Array(m.lanes);
  return () => {
    const outer = m.relevant;
    for (let i = 0; i < mine.length; i += 1) mine[i] = (outer[i] ?? 0) & ((cond[i] ?? 0) === wanted ? 1 : 0);
    m.relevant = mine;
    arm();
    m.relevant = outer;
  };
}

function compileLoad(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'load' }>): Value {
  const { m } = scope;
  const holder = found(scope.storage, e.storage, 'storage');
  const index = compileValue(scope, e.index);
  const at = ints(index.out);
  const out = room(e.type, m.lanes);
  const loop = (): void => {
    const { view } = holder;
    if (view === undefined) return;
    const { element } = view.decl;
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      m.counters.loads += 1;
      const i = at[lane] ?? 0;
      if (!inStorage(m, view, lane, i, 'loads')) {
        out.fill(0, lane * componentsOf(e.type), (lane + 1) * componentsOf(e.type));
        continue;
      }
      if (m.relevant[lane] === 1) noteLoad(m, view, lane, i);
      switch (element) {
        case 'f32':
          out[lane] = view.f32[i] ?? 0;
          break;
        case 'i32':
          out[lane] = view.i32[i] ?? 0;
          break;
        case 'u32':
          out[lane] = view.u32[i] ?? 0;
          break;
        case 'f16':
          out[lane] = halfToNumber(view.u16[i] ?? 0);
          break;
        case 'vec2u':
          out[2 * lane] = view.u32[2 * i] ?? 0;
          out[2 * lane + 1] = view.u32[2 * i + 1] ?? 0;
          break;
        case 'vec4f':
          for (let c = 0; c < 4; c += 1) out[4 * lane + c] = view.f32[4 * i + c] ?? 0;
          break;
        case 'vec4h':
          for (let c = 0; c < 4; c += 1) out[4 * lane + c] = halfToNumber(view.u16[4 * i + c] ?? 0);
          break;
      }
    }
  };
  return { type: e.type, out, run: inOrder(index.run, loop) };
}

function compileSharedLoad(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'load_shared' }>): Value {
  const { m } = scope;
  const memory = found(scope.shared, e.shared, 'workgroup memory');
  const index = compileValue(scope, e.index);
  const at = ints(index.out);
  const out = room(e.type, m.lanes);
  const n = componentsOf(e.type);
  return {
    type: e.type,
    out,
    run: inOrder(index.run, () => {
      for (let lane = 0; lane < m.lanes; lane += 1) {
        if (m.mask[lane] === 0) continue;
        m.counters.sharedLoads += 1;
        const i = at[lane] ?? 0;
        const inside = inShared(m, memory, lane, i, 'loads');
        if (inside && m.relevant[lane] === 1) noteSharedLoad(m, memory, lane, i);
        for (let c = 0; c < n; c += 1) out[lane * n + c] = inside ? memory.data[i * n + c] ?? 0 : 0;
      }
    }),
  };
}

/** Whether an access to a private array is inside; a problem where it is not. */
export function inArray(m: Machine, array: PrivateArray, lane: number, index: number, doing: 'loads' | 'stores'): boolean {
  if (index >= 0 && index < array.length) return true;
  report(m, 'outside', array.name, () => `${laneName(m, lane)} ${doing} ${array.name}[${index}]; it holds ${array.length} elements`);
  return false;
}

function compileArrayLoad(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'load_array' }>): Value {
  const { m } = scope;
  const array = found(scope.arrays, e.array, 'array');
  const index = compileValue(scope, e.index);
  const at = ints(index.out);
  const out = room(e.type, m.lanes);
  const n = componentsOf(e.type);
  return {
    type: e.type,
    out,
    run: inOrder(index.run, () => {
      for (let lane = 0; lane < m.lanes; lane += 1) {
        const i = at[lane] ?? 0;
        const first = (lane * array.length + i) * n;
        if (m.mask[lane] === 0) continue;
        const inside = inArray(m, array, lane, i, 'loads');
        for (let c = 0; c < n; c += 1) out[lane * n + c] = inside ? array.data[first + c] ?? 0 : 0;
      }
    }),
  };
}

/** What every subgroup operation asks: all lanes of the workgroup are here, and the compiler could know it. */
function checkTogether(scope: Scope): void {
  const { m } = scope;
  m.counters.subgroupOps += 1;
  if (!m.full) {
    report(m, 'divergent-subgroup', 'lanes', () => `a subgroup operation that ${lanesOf(m.mask, 0)} of workgroup (${m.group.join(', ')}) did not reach`);
  } else if (scope.divergent) {
    report(m, 'divergent-subgroup', 'flow', () => 'a subgroup operation under control flow that is not declared uniform');
  }
}

/** Lanes hand values to each other, so all that a lane computes for it matters. */
function allRelevant(m: Machine, run: Run): Run {
  if (run === nothing) return run;
  return () => {
    const outer = m.relevant;
    m.relevant = m.mask;
    run();
    m.relevant = outer;
  };
}

function compileShuffle(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'shuffle' }>): Value {
  const { m } = scope;
  const value = compileValue(scope, e.value);
  const from = compileValue(scope, e.from);
  const source = from.out;
  const out = room(e.type, m.lanes);
  const n = componentsOf(e.type);
  const limit = m.program.subgroup;
  const loop = (): void => {
    checkTogether(scope);
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      const first = lane - (lane % m.width);
      const asked = source[lane] ?? 0;
      const other = first + asked;
      if (asked !== source[first] && m.mask[first] === 1) {
        report(m, 'shuffle', 'differs', () => `${laneName(m, lane)} shuffles from subgroup lane ${asked}, lane ${first} from ${source[first] ?? 0}`);
      }
      if (asked < 0 || asked >= m.width || other >= m.lanes || m.mask[other] === 0) {
        report(m, 'shuffle', 'source', () => `${laneName(m, lane)} shuffles from subgroup lane ${asked}, which is ${other < m.lanes && asked >= 0 && asked < m.width ? 'not active' : `not in its subgroup of ${Math.min(m.width, m.lanes - first)}`}`);
        out.fill(0, lane * n, (lane + 1) * n);
        continue;
      }
      if (limit !== undefined && asked >= limit) {
        report(m, 'shuffle', 'limit', () => `${laneName(m, lane)} shuffles from subgroup lane ${asked}; the kernel counts on ${limit} lanes only`);
      }
      for (let c = 0; c < n; c += 1) out[lane * n + c] = value.out[other * n + c] ?? 0;
    }
  };
  return { type: e.type, out, run: inOrder(allRelevant(m, inOrder(value.run, from.run)), loop) };
}

function compileSubgroup(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'subgroup' }>): Value {
  const { m } = scope;
  const value = compileValue(scope, e.value);
  const out = room(e.type, m.lanes);
  const n = componentsOf(e.type);
  const isFloat = e.type === 'f32' || e.type === 'vec4f';
  const loop = (): void => {
    checkTogether(scope);
    for (let first = 0; first < m.lanes; first += m.width) {
      const end = Math.min(first + m.width, m.lanes);
      for (let c = 0; c < n; c += 1) {
        let result: number | undefined;
        for (let lane = first; lane < end; lane += 1) {
          if (m.mask[lane] === 0) continue;
          const x = value.out[lane * n + c] ?? 0;
          if (result === undefined) result = x;
          else if (e.op === 'max') result = Math.max(result, x);
          else result = isFloat ? Math.fround(result + x) : (result + x) | 0;
        }
        for (let lane = first; lane < end; lane += 1) out[lane * n + c] = result ?? 0;
      }
    }
  };
  return { type: e.type, out, run: inOrder(allRelevant(m, value.run), loop) };
}

function compileSelect(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'select' }>): Value {
  const { m } = scope;
  const cond = compileValue(scope, e.cond);
  const then = compileValue(scope, e.then);
  const otherwise = compileValue(scope, e.otherwise);
  const out = room(e.type, m.lanes);
  const n = componentsOf(e.type);
  const loop = (): void => {
    for (let lane = 0; lane < m.lanes; lane += 1) {
      const from = (cond.out[lane] ?? 0) !== 0 ? then.out : otherwise.out;
      for (let k = lane * n; k < (lane + 1) * n; k += 1) out[k] = from[k] ?? 0;
    }
  };
  const run = inOrder(
    cond.run,
    narrowed(m, then.run, cond.out, 1, hasLoads(e.then)),
    narrowed(m, otherwise.run, cond.out, 0, hasLoads(e.otherwise)),
    loop,
  );
  return { type: e.type, out, run };
}

function compileBinary(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'binary' }>): Value {
  const { m } = scope;
  const left = compileValue(scope, e.left);
  const right = compileValue(scope, e.right);
  const out = room(e.type, m.lanes);
  const loop = binaryLoop(m, e.op, left.type, right.type, out, left.out, right.out);
  if (e.op === 'and' || e.op === 'or') {
    // What one side loads does not matter where the other side has decided.
    const open = e.op === 'and' ? 1 : 0;
    const leftFirst = hasLoads(e.right);
    const run = leftFirst
      ? inOrder(left.run, narrowed(m, right.run, left.out, open, true), loop)
      : inOrder(right.run, narrowed(m, left.run, right.out, open, hasLoads(e.left)), loop);
    return { type: e.type, out, run };
  }
  return { type: e.type, out, run: inOrder(left.run, right.run, loop) };
}

/** Compiles an expression; its values are in `out` after `run`. */
export function compileValue(scope: Scope, e: KernelExpr): Value {
  const { m } = scope;
  switch (e.kind) {
    case 'literal':
      return { type: e.type, out: room(e.type, m.lanes).fill(e.value), run: nothing };
    case 'ref': {
      const { out } = found(scope.values, e.name, 'value');
      return { type: e.type, out, run: nothing };
    }
    case 'builtin':
      return { type: 'i32', out: found(scope.builtins, e.name, 'builtin'), run: nothing };
    case 'unary': {
      const arg = compileValue(scope, e.arg);
      const out = room(e.type, m.lanes);
      return { type: e.type, out, run: inOrder(arg.run, unaryLoop(e.op, arg.type, out, arg.out)) };
    }
    case 'binary':
      return compileBinary(scope, e);
    case 'fma': {
      const [a, b, c] = [compileValue(scope, e.a), compileValue(scope, e.b), compileValue(scope, e.c)];
      const out = room(e.type, m.lanes);
      return { type: e.type, out, run: inOrder(a.run, b.run, c.run, fmaLoop(floats(out), floats(a.out), floats(b.out), floats(c.out))) };
    }
    case 'select':
      return compileSelect(scope, e);
    case 'vec4': {
      const parts = e.parts.map((p) => compileValue(scope, p));
      const out = room('vec4f', m.lanes);
      const loop = (): void => {
        parts.forEach((p, c) => {
          for (let lane = 0; lane < m.lanes; lane += 1) out[4 * lane + c] = p.out[lane] ?? 0;
        });
      };
      return { type: 'vec4f', out, run: inOrder(...parts.map((p) => p.run), loop) };
    }
    case 'extract': {
      const vector = compileValue(scope, e.vector);
      const out = room(e.type, m.lanes);
      const n = componentsOf(vector.type);
      const loop = (): void => {
        for (let lane = 0; lane < m.lanes; lane += 1) out[lane] = vector.out[lane * n + e.part] ?? 0;
      };
      return { type: e.type, out, run: inOrder(vector.run, loop) };
    }
    case 'load':
      return compileLoad(scope, e);
    case 'load_shared':
      return compileSharedLoad(scope, e);
    case 'load_array':
      return compileArrayLoad(scope, e);
    case 'shuffle':
      return compileShuffle(scope, e);
    case 'subgroup':
      return compileSubgroup(scope, e);
    default:
      return unreachable(e);
  }
}
