/**
 * Kernel statements for a whole workgroup. In: statements and the names in scope. Out: closures that run them one after another,
 * each for all active lanes before the next: branches and loops narrow the mask, barriers open a new interval.
 */
import { unreachable } from '../../../dsl/diagnostic.ts';
import type { KernelStmt } from '../../kernel/ir.ts';
import { bf16Bits, f16Bits } from '../number.ts';
import { compileCommit, compileCopy, compileWait } from './copies.ts';
import { compileValue, inArray, lookup } from './expression.ts';
import type { Scope } from './expression.ts';
import { checkUse, componentsOf, ints, lanesOf, report, room, taintRoom } from './machine.ts';
import type { Lanes, Machine, Run } from './machine.ts';
import { compileMatrixLoad, compileProduct, compileWordLoad } from './matrix.ts';
import { inShared, inStorage, noteSharedStore, noteStore } from './memory.ts';

function innerScope(scope: Scope, uniform: boolean): Scope {
  return { ...scope, values: scope.values.inner(), arrays: scope.arrays.inner(), divergent: scope.divergent || !uniform };
}

/** Copies the values of executing lanes. */
function copyActive(m: Machine, to: Lanes | Uint8Array, from: Lanes | Uint8Array): void {
  if (m.full) {
    to.set(from);
    return;
  }
  const n = to.length / m.lanes;
  for (let lane = 0; lane < m.lanes; lane += 1) {
    if (m.mask[lane] === 0) continue;
    for (let k = lane * n; k < (lane + 1) * n; k += 1) to[k] = from[k] ?? 0;
  }
}

/** Runs `body` under a narrower mask. */
function under(m: Machine, mask: Uint8Array, body: Run): void {
  const { mask: outer, full } = m;
  m.mask = mask;
  m.full = false;
  body();
  m.mask = outer;
  m.full = full;
}

function step(m: Machine, s: KernelStmt): boolean {
  m.current = s;
  m.counters.steps += 1;
  m.stepsLeft -= 1;
  if (m.stepsLeft >= 0) return true;
  if (!m.stopped) report(m, 'budget', '', () => `the step budget is used up in workgroup (${m.group.join(', ')})`);
  m.stopped = true;
  return false;
}

function compileStore(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'store' }>): Run {
  const { m } = scope;
  const holder = lookup(scope.storage, s.storage, 'storage');
  const index = compileValue(scope, s.index);
  const value = compileValue(scope, s.value);
  const at = ints(index.out);
  const { out } = value;
  return () => {
    index.run();
    value.run();
    const { view } = holder;
    if (view === undefined) return;
    checkUse(m, index.taint, `addresses ${s.storage} with a value`);
    checkUse(m, value.taint, `stores into ${s.storage} a value`);
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      m.counters.stores += 1;
      const i = at[lane] ?? 0;
      if (!inStorage(m, view, lane, i, 'stores')) continue;
      noteStore(m, view, lane, i);
      switch (view.decl.element) {
        case 'f32':
          view.f32[i] = out[lane] ?? 0;
          break;
        case 'i32':
          view.i32[i] = out[lane] ?? 0;
          break;
        case 'u32':
          view.u32[i] = out[lane] ?? 0;
          break;
        case 'f16':
          view.u16[i] = f16Bits(out[lane] ?? 0);
          break;
        case 'bf16':
          view.u16[i] = bf16Bits(out[lane] ?? 0);
          break;
        case 'vec2u':
          view.u32[2 * i] = out[2 * lane] ?? 0;
          view.u32[2 * i + 1] = out[2 * lane + 1] ?? 0;
          break;
        case 'vec4f':
          for (let c = 0; c < 4; c += 1) view.f32[4 * i + c] = out[4 * lane + c] ?? 0;
          break;
        case 'vec4h':
          for (let c = 0; c < 4; c += 1) view.u16[4 * i + c] = f16Bits(out[4 * lane + c] ?? 0);
          break;
      }
    }
  };
}

function compileSharedStore(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'store_shared' }>): Run {
  const { m } = scope;
  const memory = lookup(scope.shared, s.shared, 'workgroup memory');
  const index = compileValue(scope, s.index);
  const value = compileValue(scope, s.value);
  const at = ints(index.out);
  const n = componentsOf(memory.decl.element);
  return () => {
    index.run();
    value.run();
    checkUse(m, index.taint, `addresses ${s.shared} with a value`);
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      m.counters.sharedStores += 1;
      const i = at[lane] ?? 0;
      if (!inShared(m, memory, lane, i, 'stores')) continue;
      noteSharedStore(m, memory, lane, i, value.taint[lane] ?? 0);
      for (let c = 0; c < n; c += 1) memory.data[i * n + c] = value.out[lane * n + c] ?? 0;
    }
  };
}

function compileArrayStore(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'assign_array' }>): Run {
  const { m } = scope;
  const array = lookup(scope.arrays, s.array, 'array');
  const index = compileValue(scope, s.index);
  const value = compileValue(scope, s.value);
  const at = ints(index.out);
  const n = componentsOf(array.type);
  return () => {
    index.run();
    value.run();
    checkUse(m, index.taint, `addresses ${s.array} with a value`);
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      const i = at[lane] ?? 0;
      if (!inArray(m, array, lane, i, 'stores')) continue;
      array.taint[lane * array.length + i] = value.taint[lane] ?? 0;
      const first = (lane * array.length + i) * n;
      for (let c = 0; c < n; c += 1) array.data[first + c] = value.out[lane * n + c] ?? 0;
    }
  };
}

function compileBarrier(scope: Scope): Run {
  const { m } = scope;
  return () => {
    m.counters.barriers += 1;
    if (!m.full) {
      report(m, 'divergent-barrier', 'lanes', () => `a barrier that ${lanesOf(m.mask, 0)} of workgroup (${m.group.join(', ')}) did not reach`);
    } else if (scope.divergent) {
      report(m, 'divergent-barrier', 'flow', () => 'a barrier under control flow that is not declared uniform');
    }
    m.epoch += 1;
  };
}

/** Splits the executing lanes by a condition: how many of them take it, and which. */
interface Split {
  readonly taken: Uint8Array;
  readonly left: Uint8Array;
}

function split(m: Machine, cond: Lanes, into: Split): { readonly takers: number; readonly leavers: number } {
  let takers = 0;
  let leavers = 0;
  for (let lane = 0; lane < m.lanes; lane += 1) {
    const active = m.mask[lane] ?? 0;
    const takes = active & ((cond[lane] ?? 0) !== 0 ? 1 : 0);
    into.taken[lane] = takes;
    into.left[lane] = active - takes;
    takers += takes;
    leavers += active - takes;
  }
  return { takers, leavers };
}

function notUniform(m: Machine, masks: Split): void {
  report(m, 'not-uniform', '', () => `declared uniform, but true for ${lanesOf(masks.taken, 1)} and false for ${lanesOf(masks.left, 1)} of workgroup (${m.group.join(', ')})`);
}

function newSplit(m: Machine): Split {
  return { taken: new Uint8Array(m.lanes), left: new Uint8Array(m.lanes) };
}

function compileIf(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'if' }>): Run {
  const { m } = scope;
  const cond = compileValue(scope, s.cond);
  const then = compileBlock(innerScope(scope, s.uniform), s.then);
  const otherwise = compileBlock(innerScope(scope, s.uniform), s.otherwise);
  const masks = newSplit(m);
  return () => {
    cond.run();
    checkUse(m, cond.taint, 'branches on a value');
    const { takers, leavers } = split(m, cond.out, masks);
    if (leavers === 0) return then();
    if (takers === 0) return otherwise();
    if (s.uniform) notUniform(m, masks);
    under(m, masks.taken, then);
    under(m, masks.left, otherwise);
  };
}

/** One turn of a loop: false when no lane goes on. */
function turn(m: Machine, s: Extract<KernelStmt, { readonly kind: 'for' | 'while' }>, going: Lanes, masks: Split, body: Run, evaluate: Run): boolean {
  if (!step(m, s)) return false;
  evaluate();
  const { takers, leavers } = split(m, going, masks);
  if (takers === 0) return false;
  if (leavers === 0) {
    body();
  } else {
    if (s.uniform) notUniform(m, masks);
    under(m, masks.taken, body);
  }
  return !m.stopped;
}

/** Runs a loop whose lanes leave one by one: from the first leaver on, under its own mask. */
function loop(m: Machine, s: Extract<KernelStmt, { readonly kind: 'for' | 'while' }>, going: Lanes, masks: Split, mine: Uint8Array, body: Run, evaluate: Run): void {
  while (turn(m, s, going, masks, body, evaluate)) {
    if (!masks.left.includes(1)) continue;
    mine.set(masks.taken);
    under(m, mine, () => {
      while (turn(m, s, going, masks, body, evaluate)) mine.set(masks.taken);
    });
    return;
  }
}

function compileFor(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'for' }>): Run {
  const { m } = scope;
  const from = compileValue(scope, s.from);
  const index = new Int32Array(m.lanes);
  const inside = innerScope(scope, s.uniform);
  inside.values.declare(s.index, { type: 'i32', out: index, taint: m.clean });
  const to = compileValue(inside, s.to);
  const body = compileBlock(inside, s.body);
  const masks = newSplit(m);
  const mine = new Uint8Array(m.lanes);
  const going = new Int32Array(m.lanes);
  let started = false;
  const evaluate = (): void => {
    if (started) for (let lane = 0; lane < m.lanes; lane += 1) index[lane] = (index[lane] ?? 0) + s.step;
    started = true;
    to.run();
    checkUse(m, to.taint, 'runs a loop to a value');
    for (let lane = 0; lane < m.lanes; lane += 1) going[lane] = (index[lane] ?? 0) < (to.out[lane] ?? 0) ? 1 : 0;
  };
  return () => {
    from.run();
    checkUse(m, from.taint, 'runs a loop from a value');
    index.set(from.out);
    started = false;
    loop(m, s, going, masks, mine, body, evaluate);
  };
}

function compileWhile(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'while' }>): Run {
  const { m } = scope;
  const cond = compileValue(scope, s.cond);
  const body = compileBlock(innerScope(scope, s.uniform), s.body);
  const masks = newSplit(m);
  const mine = new Uint8Array(m.lanes);
  const evaluate = (): void => {
    cond.run();
    checkUse(m, cond.taint, 'runs a loop on a value');
  };
  return () => loop(m, s, cond.out, masks, mine, body, evaluate);
}

/** A statement; what it declares is in scope from now on. */
function compileStatement(scope: Scope, s: KernelStmt): Run {
  const { m } = scope;
  switch (s.kind) {
    case 'let':
    case 'var': {
      const value = compileValue(scope, s.value);
      const own = s.kind === 'let' && s.value.kind !== 'ref';
      const out = own ? value.out : room(s.type, m.lanes);
      const taint = own ? value.taint : taintRoom(m, m.lanes);
      const run = own
        ? value.run
        : () => {
            value.run();
            copyActive(m, out, value.out);
            if (m.tainted) copyActive(m, taint, value.taint);
          };
      scope.values.declare(s.name, { type: s.type, out, taint });
      return run;
    }
    case 'assign': {
      const value = compileValue(scope, s.value);
      const { out, taint } = lookup(scope.values, s.name, 'variable');
      return () => {
        value.run();
        copyActive(m, out, value.out);
        if (m.tainted) copyActive(m, taint, value.taint);
      };
    }
    case 'array': {
      const value = compileValue(scope, s.value);
      const n = componentsOf(s.type);
      const data = room(s.type, m.lanes * s.length);
      const taint = taintRoom(m, m.lanes * s.length);
      const run = (): void => {
        value.run();
        if (m.tainted) for (let k = 0; k < taint.length; k += 1) taint[k] = value.taint[Math.floor(k / s.length)] ?? 0;
        for (let lane = 0; lane < m.lanes; lane += 1) {
          for (let k = 0; k < s.length * n; k += 1) data[lane * s.length * n + k] = value.out[lane * n + (k % n)] ?? 0;
        }
      };
      scope.arrays.declare(s.name, { name: s.name, type: s.type, length: s.length, data, taint });
      return run;
    }
    case 'assign_array':
      return compileArrayStore(scope, s);
    case 'store':
      return compileStore(scope, s);
    case 'store_shared':
      return compileSharedStore(scope, s);
    case 'copy_async':
      return compileCopy(scope, s);
    case 'copy_commit':
      return compileCommit(scope);
    case 'copy_wait':
      return compileWait(scope, s.pending);
    case 'load_matrix':
      return compileMatrixLoad(scope, s);
    case 'load_words':
      return compileWordLoad(scope, s);
    case 'mma':
      return compileProduct(scope, s);
    case 'barrier':
      return compileBarrier(scope);
    case 'if':
      return compileIf(scope, s);
    case 'for':
      return compileFor(scope, s);
    case 'while':
      return compileWhile(scope, s);
    case 'comment':
      return () => {};
    default:
      return unreachable(s);
  }
}

/** A list of statements, in a scope of its own. */
export function compileBlock(scope: Scope, body: readonly KernelStmt[]): Run {
  const { m } = scope;
  const steps = body.filter((s) => s.kind !== 'comment').map((s) => ({ s, run: compileStatement(scope, s) }));
  return () => {
    for (const { s, run } of steps) {
      if (m.stopped || !step(m, s)) return;
      run();
    }
  };
}
