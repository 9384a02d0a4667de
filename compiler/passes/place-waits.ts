/**
 * Puts waits where copies in the background must have arrived. In: a kernel whose copies are started and committed, and whose reads stand
 * where the data is wanted. Out: the kernel with a wait before each read of memory to which a copy may be under way, and before a
 * second copy to it. A wait leaves the groups under way that were closed after the last one that is needed: as late, and as few
 * copies, as every way to the read allows. Barriers are placed afterwards (place-barriers.ts).
 */
import type { KernelProgram, KernelStmt } from '../kernel/ir.ts';
import { expressionsOf, mapBlocks, nestedBlocks, subexpressions } from '../kernel/walk.ts';
import type { KernelExpr } from '../kernel/ir.ts';

/** Memory to which copies are under way: how many groups have been closed after the last of them, at least; -1: not closed itself. */
type Flying = ReadonlyMap<string, number>;

interface Placed {
  readonly body: readonly KernelStmt[];
  readonly after: Flying;
}

export function placeWaits(kernel: KernelProgram): KernelProgram {
  return { ...kernel, body: placeBlock(kernel.body, new Map()).body };
}

function join(a: Flying, b: Flying): Flying {
  const result = new Map(a);
  for (const [name, age] of b) result.set(name, Math.min(age, result.get(name) ?? age));
  return result;
}

function same(a: Flying, b: Flying): boolean {
  return a.size === b.size && [...a].every(([name, age]) => b.get(name) === age);
}

function sharedReads(e: KernelExpr): readonly string[] {
  return [...(e.kind === 'load_shared' ? [e.shared] : []), ...subexpressions(e).flatMap(sharedReads)];
}

/** Workgroup memory that the statement itself touches. */
function touchedBy(s: KernelStmt): readonly string[] {
  const read = expressionsOf(s).flatMap(sharedReads);
  return s.kind === 'load_matrix' || s.kind === 'load_words' || s.kind === 'store_shared' || s.kind === 'copy_async' ? [...read, s.shared] : read;
}

/** Where lanes part, the whole of them waits before. */
function touchedDeep(s: KernelStmt): readonly string[] {
  return [...touchedBy(s), ...nestedBlocks(s).flat().flatMap(touchedDeep)];
}

function copiedDeep(s: KernelStmt): readonly string[] {
  return [...(s.kind === 'copy_async' ? [s.shared] : []), ...nestedBlocks(s).flat().flatMap(copiedDeep)];
}

function placeBlock(block: readonly KernelStmt[], before: Flying): Placed {
  const body: KernelStmt[] = [];
  let now = before;
  const need = (s: KernelStmt, names: readonly string[]): void => {
    // What this statement's own group copies is not closed yet: the same group may copy more of it.
    const ages = names.flatMap((n) => now.get(n) ?? []).filter((age) => age >= 0);
    if (ages.length === 0) return;
    const pending = Math.min(...ages);
    body.push({ kind: 'copy_wait', pending, origin: s.origin });
    now = new Map([...now].filter(([, age]) => age < pending));
  };
  const start = (names: readonly string[]): void => {
    if (names.length > 0) now = new Map([...now, ...names.map((n): [string, number] => [n, -1])]);
  };
  for (const s of block) {
    if (s.kind === 'copy_commit') {
      now = new Map([...now].map(([name, age]) => [name, age + 1]));
      body.push(s);
      continue;
    }
    const uniform = (s.kind === 'if' || s.kind === 'for' || s.kind === 'while') && s.uniform;
    if (!uniform) {
      need(s, touchedDeep(s));
      start(copiedDeep(s));
      body.push(s);
      continue;
    }
    need(s, touchedBy(s));
    if (s.kind === 'if') {
      const then = placeBlock(s.then, now);
      const otherwise = placeBlock(s.otherwise, now);
      body.push({ ...s, then: then.body, otherwise: otherwise.body });
      now = join(then.after, otherwise.after);
      continue;
    }
    let entry = now;
    let placed = placeBlock(nestedBlocks(s)[0] ?? [], entry);
    for (let joined = join(entry, placed.after); !same(joined, entry); joined = join(entry, placed.after)) {
      entry = joined;
      placed = placeBlock(nestedBlocks(s)[0] ?? [], entry);
    }
    const turn = placed.body;
    body.push(mapBlocks(s, () => turn));
    now = join(now, placed.after);
  }
  return { body, after: now };
}
