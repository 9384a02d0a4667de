/**
 * Joins `x = e; ...; x = f(x)` into `x = f(e)` where nothing between them sees or disturbs x. In: a kernel body. Out: the same meaning
 * with fewer writes of variables: software drivers keep variables in memory, so a chain of additions costs one store instead
 * of one each. Chains stay short: what they use must be kept until their end.
 */
import type { KernelExpr, KernelProgram, KernelStmt } from '../kernel/ir.ts';
import { expressionsOf, mapBlocks, mapExpr, movesMemory, nestedBlocks, subexpressions, writtenBy } from '../kernel/walk.ts';

type Assign = KernelStmt & { readonly kind: 'assign' };

interface Waiting {
  readonly stmt: Assign;
  readonly reads: ReadonlySet<string>;
  readonly memory: boolean;
  readonly length: number;
}

interface Touch {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  /** Writes workgroup memory or waits for other lanes. */
  readonly memory: boolean;
}

/** Assignments joined into one, at most. */
const longest = 5;

export function chainAssignments(kernel: KernelProgram): KernelProgram {
  return { ...kernel, body: chainBlock(kernel.body) };
}

function collectReads(e: KernelExpr, into: Set<string>): void {
  if (e.kind === 'ref') into.add(e.name);
  if (e.kind === 'load_array') into.add(e.array);
  subexpressions(e).forEach((x) => collectReads(x, into));
}

function readsOf(e: KernelExpr): ReadonlySet<string> {
  const names = new Set<string>();
  collectReads(e, names);
  return names;
}

function readsMemory(e: KernelExpr): boolean {
  return e.kind === 'load_shared' || subexpressions(e).some(readsMemory);
}

function touchOf(s: KernelStmt): Touch {
  const reads = new Set<string>();
  const writes = new Set<string>();
  let memory = false;
  const walk = (x: KernelStmt): void => {
    expressionsOf(x).forEach((e) => collectReads(e, reads));
    writtenBy(x).forEach((n) => writes.add(n));
    if (movesMemory(x)) memory = true;
    nestedBlocks(x).forEach((b) => b.forEach(walk));
  };
  walk(s);
  return { reads, writes, memory };
}

function uses(e: KernelExpr, name: string): number {
  const own = e.kind === 'ref' && e.name === name ? 1 : 0;
  return subexpressions(e).reduce((n, x) => n + uses(x, name), own);
}

function replace(e: KernelExpr, name: string, by: KernelExpr): KernelExpr {
  return e.kind === 'ref' && e.name === name ? by : mapExpr(e, (x) => replace(x, name, by));
}

function chainBlock(block: readonly KernelStmt[]): readonly KernelStmt[] {
  const result: KernelStmt[] = [];
  const waiting = new Map<string, Waiting>();
  // Which waiting variables read a name: looked up instead of searched, since hundreds may wait.
  const readers = new Map<string, Set<string>>();
  const leave = (w: Waiting): void => {
    waiting.delete(w.stmt.name);
    for (const n of w.reads) readers.get(n)?.delete(w.stmt.name);
  };
  const enter = (w: Waiting): void => {
    waiting.set(w.stmt.name, w);
    for (const n of w.reads) {
      const known = readers.get(n);
      if (known === undefined) readers.set(n, new Set([w.stmt.name]));
      else known.add(w.stmt.name);
    }
  };
  const release = (w: Waiting | undefined): void => {
    if (w === undefined) return;
    leave(w);
    result.push(w.stmt);
  };
  /** Everything that must happen before a statement that touches this. */
  const makeWay = (touch: Touch, keep: Waiting | undefined): void => {
    const names = new Set<string>();
    for (const n of touch.reads) if (waiting.has(n)) names.add(n);
    for (const n of touch.writes) {
      if (waiting.has(n)) names.add(n);
      readers.get(n)?.forEach((reader) => names.add(reader));
    }
    if (touch.memory) for (const w of waiting.values()) if (w.memory) names.add(w.stmt.name);
    for (const n of names) {
      const w = waiting.get(n);
      if (w !== keep) release(w);
    }
  };
  for (const given of block) {
    const s = mapBlocks(given, chainBlock);
    const touch = touchOf(s);
    const earlier = s.kind === 'assign' ? waiting.get(s.name) : undefined;
    const joins = s.kind === 'assign' && earlier !== undefined && earlier.length < longest && uses(s.value, s.name) === 1;
    if (waiting.size > 0) makeWay(touch, joins ? earlier : undefined);
    if (s.kind !== 'assign') {
      result.push(s);
      continue;
    }
    const value = joins && earlier !== undefined ? replace(s.value, s.name, earlier.stmt.value) : s.value;
    if (earlier !== undefined) leave(earlier);
    enter({ stmt: { ...s, value }, reads: readsOf(value), memory: readsMemory(value), length: joins && earlier !== undefined ? earlier.length + 1 : 1 });
  }
  for (const w of [...waiting.values()]) release(w);
  return result;
}
