/**
 * Puts barriers where lanes exchange data through workgroup memory. In: a kernel without barriers, and the names of workgroup memory of which
 * each element is touched by one lane only. Out: the kernel with a barrier before each read of what was written, and before each write
 * of what was read, since the last barrier; around loops included, so the end of a turn is followed by the start of the next.
 * Writes of one array between two barriers are to different elements (the lowering stages each element once), so they need none.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { KernelExpr, KernelProgram, KernelStmt } from '../kernel/ir.ts';
import { expressionsOf, mapBlocks, nestedBlocks, subexpressions, walkStatements } from '../kernel/walk.ts';

/** Workgroup memory touched since the last barrier. */
interface Touched {
  readonly read: ReadonlySet<string>;
  readonly written: ReadonlySet<string>;
}

const none: Touched = { read: new Set(), written: new Set() };

interface Memories {
  readonly lanePrivate: ReadonlySet<string>;
  /** Written by copies in the background: other lanes see that after a wait of the copying lane, and a barrier. */
  readonly copied: ReadonlySet<string>;
}

interface Placed {
  readonly body: readonly KernelStmt[];
  readonly after: Touched;
}

export function placeBarriers(kernel: KernelProgram, lanePrivate: ReadonlySet<string>): KernelProgram {
  if (kernel.shared.every((d) => lanePrivate.has(d.name))) return kernel;
  const copied = new Set<string>();
  walkStatements(kernel.body, (s) => {
    if (s.kind === 'copy_async') copied.add(s.shared);
  });
  return { ...kernel, body: placeBlock(kernel.body, none, { lanePrivate, copied }).body };
}

function union(a: Touched, b: Touched): Touched {
  return { read: new Set([...a.read, ...b.read]), written: new Set([...a.written, ...b.written]) };
}

function same(a: Touched, b: Touched): boolean {
  return a.read.size === b.read.size && a.written.size === b.written.size;
}

function conflicts(before: Touched, next: Touched): boolean {
  return [...next.read].some((n) => before.written.has(n)) || [...next.written].some((n) => before.read.has(n));
}

function readsOf(e: KernelExpr, lanePrivate: ReadonlySet<string>, into: Set<string>): void {
  if (e.kind === 'load_shared' && !lanePrivate.has(e.shared)) into.add(e.shared);
  subexpressions(e).forEach((x) => readsOf(x, lanePrivate, into));
}

/** What the statement touches, without nested blocks or with them. */
function touchedBy(s: KernelStmt, lanePrivate: ReadonlySet<string>, deep: boolean): Touched {
  const read = new Set<string>();
  expressionsOf(s).forEach((e) => readsOf(e, lanePrivate, read));
  if (s.kind === 'load_matrix' || s.kind === 'load_words') read.add(s.shared);
  const written = new Set<string>((s.kind === 'store_shared' || s.kind === 'copy_async') && !lanePrivate.has(s.shared) ? [s.shared] : []);
  const own: Touched = { read, written };
  if (!deep) return own;
  return nestedBlocks(s).flat().reduce((t, x) => union(t, touchedBy(x, lanePrivate, true)), own);
}

function placeBlock(block: readonly KernelStmt[], before: Touched, memories: Memories): Placed {
  const { lanePrivate, copied } = memories;
  const body: KernelStmt[] = [];
  let now = before;
  const meet = (s: KernelStmt, next: Touched): void => {
    if (conflicts(now, next)) {
      body.push({ kind: 'barrier', origin: s.origin });
      now = none;
    }
    now = union(now, next);
  };
  for (const s of block) {
    if (s.kind === 'barrier') {
      body.push(s);
      now = none;
      continue;
    }
    if (s.kind === 'copy_wait') {
      // Copies have been written now, whenever they were started.
      now = union(now, { read: none.read, written: copied });
      body.push(s);
      continue;
    }
    if (s.kind === 'copy_async') {
      // Nobody may read what is overwritten; the data is there after the wait.
      if (now.read.has(s.shared)) {
        body.push({ kind: 'barrier', origin: s.origin });
        now = none;
      }
      body.push(s);
      continue;
    }
    const uniform = (s.kind === 'if' || s.kind === 'for' || s.kind === 'while') && s.uniform;
    if (!uniform) {
      const all = touchedBy(s, lanePrivate, true);
      if (nestedBlocks(s).length > 0 && [...all.read].some((n) => all.written.has(n))) {
        throw new CompilerBug('place-barriers', 'lanes exchange data where not all of them come by');
      }
      meet(s, all);
      body.push(s);
      continue;
    }
    meet(s, touchedBy(s, lanePrivate, false));
    if (s.kind === 'if') {
      const then = placeBlock(s.then, now, memories);
      const otherwise = placeBlock(s.otherwise, now, memories);
      body.push({ ...s, then: then.body, otherwise: otherwise.body });
      now = union(then.after, otherwise.after);
      continue;
    }
    // A turn may follow the statement before the loop or another turn.
    let entry = now;
    let placed = placeBlock(nestedBlocks(s)[0] ?? [], entry, memories);
    for (let joined = union(entry, placed.after); !same(joined, entry); joined = union(entry, placed.after)) {
      entry = joined;
      placed = placeBlock(nestedBlocks(s)[0] ?? [], entry, memories);
    }
    const turn = placed.body;
    body.push(mapBlocks(s, () => turn));
    now = union(now, placed.after);
  }
  return { body, after: now };
}
