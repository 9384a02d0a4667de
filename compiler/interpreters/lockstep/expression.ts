/**
 * Kernel expressions for all lanes at once. In: an expression and the names in scope. Out: the array in which its values will
 * lie, and a closure that computes them. Loads and subgroup operations look at the execution mask; arithmetic does not. Beside
 * each value runs its taint: whether it depends on something that had no value when it was loaded.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import type { KernelExpr, KernelType } from '../../kernel/ir.ts';
import type { NameScope } from '../../scope.ts';
import { bf16FromBits, f16FromBits } from '../number.ts';
import { checkUse, componentsOf, floats, ints, laneName, report, room, taintRoom } from './machine.ts';
import type { Held, Lanes, Machine, Run, Value } from './machine.ts';
import { inShared, inStorage, noteLoad, noteSharedLoad } from './memory.ts';
import type { Copies, SharedState, StorageView } from './memory.ts';
import { binaryLoop, fmaLoop, unaryLoop } from './operators.ts';
import { compileShuffle, compileShuffleXor, compileSubgroup } from './subgroup.ts';

export interface PrivateArray {
  readonly name: string;
  readonly type: KernelType;
  readonly length: number;
  readonly data: Lanes;
  readonly taint: Uint8Array;
}

export interface Scope {
  readonly m: Machine;
  readonly values: NameScope<Held>;
  readonly arrays: NameScope<PrivateArray>;
  readonly storage: ReadonlyMap<string, { view: StorageView | undefined }>;
  readonly shared: ReadonlyMap<string, SharedState>;
  /** Copies in the background. */
  readonly copies: Copies;
  /** Builtins by name. */
  readonly builtins: ReadonlyMap<string, Int32Array>;
  /** The statement stands under control flow that is not declared uniform. */
  readonly divergent: boolean;
}

const nothing: Run = () => {};

/** What a name stands for; a program that says an unknown name has not been verified. */
export function lookup<T>(map: { readonly get: (name: string) => T | undefined }, name: string, what: string): T {
  const value = map.get(name);
  if (value === undefined) throw new CompilerBug('lockstep', `no ${what} '${name}' in scope`);
  return value;
}

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

/** The value, computed after its operands. */
function after(operands: readonly Value[], value: Value): Value {
  return { ...value, run: inOrder(...operands.map((x) => x.run), value.run) };
}

/** A value computed lane by lane from operands: it is tainted where one of them is. */
function computed(m: Machine, type: KernelType, out: Lanes, operands: readonly Value[], loop: Run): Value {
  const before = inOrder(...operands.map((x) => x.run));
  const tainting = operands.map((x) => x.taint).filter((t) => t !== m.clean);
  if (tainting.length === 0) return { type, out, taint: m.clean, run: inOrder(before, loop) };
  const taint = taintRoom(m, m.lanes);
  const spread = (): void => {
    if (!m.tainted) return;
    taint.fill(0);
    for (const t of tainting) for (let lane = 0; lane < m.lanes; lane += 1) if (t[lane] !== 0) taint[lane] = t[lane] ?? 0;
  };
  return { type, out, taint, run: inOrder(before, loop, spread) };
}

function compileLoad(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'load' }>): Value {
  const { m } = scope;
  const holder = lookup(scope.storage, e.storage, 'storage');
  const index = compileValue(scope, e.index);
  const at = ints(index.out);
  const out = room(e.type, m.lanes);
  const taint = taintRoom(m, m.lanes);
  const n = componentsOf(e.type);
  const loop = (): void => {
    const { view } = holder;
    if (view === undefined) return;
    checkUse(m, index.taint, `addresses ${e.storage} with a value`);
    const { element } = view.decl;
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      m.counters.loads += 1;
      const i = at[lane] ?? 0;
      if (!inStorage(m, view, lane, i, 'loads')) {
        out.fill(0, lane * n, (lane + 1) * n);
        taint[lane] = 0;
        continue;
      }
      taint[lane] = noteLoad(m, view, lane, i);
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
          out[lane] = f16FromBits(view.u16[i] ?? 0);
          break;
        case 'bf16':
          out[lane] = bf16FromBits(view.u16[i] ?? 0);
          break;
        case 'vec2u':
          out[2 * lane] = view.u32[2 * i] ?? 0;
          out[2 * lane + 1] = view.u32[2 * i + 1] ?? 0;
          break;
        case 'vec4f':
          for (let c = 0; c < 4; c += 1) out[4 * lane + c] = view.f32[4 * i + c] ?? 0;
          break;
        case 'vec4h':
          for (let c = 0; c < 4; c += 1) out[4 * lane + c] = f16FromBits(view.u16[4 * i + c] ?? 0);
          break;
      }
    }
  };
  return { type: e.type, out, taint, run: inOrder(index.run, loop) };
}

function compileSharedLoad(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'load_shared' }>): Value {
  const { m } = scope;
  const memory = lookup(scope.shared, e.shared, 'workgroup memory');
  const index = compileValue(scope, e.index);
  const at = ints(index.out);
  const out = room(e.type, m.lanes);
  const taint = taintRoom(m, m.lanes);
  const n = componentsOf(e.type);
  const loop = (): void => {
    checkUse(m, index.taint, `addresses ${e.shared} with a value`);
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      m.counters.sharedLoads += 1;
      const i = at[lane] ?? 0;
      const inside = inShared(m, memory, lane, i, 'loads');
      if (inside) taint[lane] = noteSharedLoad(m, memory, lane, i);
      for (let c = 0; c < n; c += 1) out[lane * n + c] = inside ? memory.data[i * n + c] ?? 0 : 0;
    }
  };
  return { type: e.type, out, taint, run: inOrder(index.run, loop) };
}

/** Whether an access to a private array is inside; a problem where it is not. */
export function inArray(m: Machine, array: PrivateArray, lane: number, index: number, doing: 'loads' | 'stores'): boolean {
  if (index >= 0 && index < array.length) return true;
  report(m, 'outside', array.name, () => `${laneName(m, lane)} ${doing} ${array.name}[${index}]; it holds ${array.length} elements`);
  return false;
}

function compileArrayLoad(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'load_array' }>): Value {
  const { m } = scope;
  const array = lookup(scope.arrays, e.array, 'array');
  const index = compileValue(scope, e.index);
  const at = ints(index.out);
  const out = room(e.type, m.lanes);
  const taint = taintRoom(m, m.lanes);
  const n = componentsOf(e.type);
  const loop = (): void => {
    checkUse(m, index.taint, `addresses ${e.array} with a value`);
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      const i = at[lane] ?? 0;
      const inside = inArray(m, array, lane, i, 'loads');
      const element = lane * array.length + i;
      if (m.tainted && inside) taint[lane] = array.taint[element] ?? 0;
      for (let c = 0; c < n; c += 1) out[lane * n + c] = inside ? array.data[element * n + c] ?? 0 : 0;
    }
  };
  return { type: e.type, out, taint, run: inOrder(index.run, loop) };
}

function compileSelect(scope: Scope, e: Extract<KernelExpr, { readonly kind: 'select' }>): Value {
  const { m } = scope;
  const cond = compileValue(scope, e.cond);
  const then = compileValue(scope, e.then);
  const otherwise = compileValue(scope, e.otherwise);
  const out = room(e.type, m.lanes);
  const taint = taintRoom(m, m.lanes);
  const n = componentsOf(e.type);
  const loop = (): void => {
    for (let lane = 0; lane < m.lanes; lane += 1) {
      const from = (cond.out[lane] ?? 0) !== 0 ? then.out : otherwise.out;
      for (let k = lane * n; k < (lane + 1) * n; k += 1) out[k] = from[k] ?? 0;
    }
    if (!m.tainted) return;
    for (let lane = 0; lane < m.lanes; lane += 1) {
      const chosen = (cond.out[lane] ?? 0) !== 0 ? then : otherwise;
      taint[lane] = cond.taint[lane] !== 0 ? cond.taint[lane] ?? 0 : chosen.taint[lane] ?? 0;
    }
  };
  return { type: e.type, out, taint, run: inOrder(cond.run, then.run, otherwise.run, loop) };
}

/** `and` and `or`: a side that decides alone makes the other one's taint meaningless. */
function compileLogic(scope: Scope, op: 'and' | 'or', left: Value, right: Value, out: Lanes, loop: Run): Value {
  const { m } = scope;
  const taint = taintRoom(m, m.lanes);
  const decides = op === 'and' ? 0 : 1;
  const spread = (): void => {
    if (!m.tainted) return;
    for (let lane = 0; lane < m.lanes; lane += 1) {
      const a = left.taint[lane] ?? 0;
      const b = right.taint[lane] ?? 0;
      const decided = (a === 0 && left.out[lane] === decides) || (b === 0 && right.out[lane] === decides);
      taint[lane] = decided ? 0 : a !== 0 ? a : b;
    }
  };
  return { type: 'bool', out, taint, run: inOrder(left.run, right.run, loop, spread) };
}

/** Compiles an expression; its values are in `out` after `run`. */
export function compileValue(scope: Scope, e: KernelExpr): Value {
  const { m } = scope;
  switch (e.kind) {
    case 'literal':
      return { type: e.type, out: room(e.type, m.lanes).fill(e.value), taint: m.clean, run: nothing };
    case 'ref': {
      const { out, taint } = lookup(scope.values, e.name, 'value');
      return { type: e.type, out, taint, run: nothing };
    }
    case 'builtin':
      return { type: 'i32', out: lookup(scope.builtins, e.name, 'builtin'), taint: m.clean, run: nothing };
    case 'unary': {
      const arg = compileValue(scope, e.arg);
      const out = room(e.type, m.lanes);
      return computed(m, e.type, out, [arg], unaryLoop(e.op, arg.type, out, arg.out));
    }
    case 'binary': {
      const left = compileValue(scope, e.left);
      const right = compileValue(scope, e.right);
      const out = room(e.type, m.lanes);
      const loop = binaryLoop(m, e.op, left.type, right.type, out, left.out, right.out);
      return e.op === 'and' || e.op === 'or' ? compileLogic(scope, e.op, left, right, out, loop) : computed(m, e.type, out, [left, right], loop);
    }
    case 'fma': {
      const [a, b, c] = [compileValue(scope, e.a), compileValue(scope, e.b), compileValue(scope, e.c)];
      const out = room(e.type, m.lanes);
      return computed(m, e.type, out, [a, b, c], fmaLoop(floats(out), floats(a.out), floats(b.out), floats(c.out)));
    }
    case 'select':
      return compileSelect(scope, e);
    case 'vec4': {
      const parts = e.parts.map((p) => compileValue(scope, p));
      const out = room('vec4f', m.lanes);
      return computed(m, 'vec4f', out, parts, () => {
        parts.forEach((p, c) => {
          for (let lane = 0; lane < m.lanes; lane += 1) out[4 * lane + c] = p.out[lane] ?? 0;
        });
      });
    }
    case 'extract': {
      const vector = compileValue(scope, e.vector);
      const out = room(e.type, m.lanes);
      const n = componentsOf(vector.type);
      return computed(m, e.type, out, [vector], () => {
        for (let lane = 0; lane < m.lanes; lane += 1) out[lane] = vector.out[lane * n + e.part] ?? 0;
      });
    }
    case 'load':
      return compileLoad(scope, e);
    case 'load_shared':
      return compileSharedLoad(scope, e);
    case 'load_array':
      return compileArrayLoad(scope, e);
    case 'shuffle': {
      const value = compileValue(scope, e.value);
      const from = compileValue(scope, e.from);
      return after([value, from], compileShuffle(scope, e, value, from));
    }
    case 'shuffle_xor': {
      const value = compileValue(scope, e.value);
      return after([value], compileShuffleXor(scope, e, value));
    }
    case 'subgroup': {
      const value = compileValue(scope, e.value);
      return after([value], compileSubgroup(scope, e, value));
    }
    default:
      return unreachable(e);
  }
}
