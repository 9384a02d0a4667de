/**
 * Copies in the background: from storage to workgroup memory, sixteen bytes each. In: the statements that start, group and await them. Out:
 * closures. The latest moment that is legal is the one that counts: data arrives at the wait, so that a missing wait reads what was
 * there before, and whoever touches the place in between is reported.
 */
import type { KernelStmt } from '../../kernel/ir.ts';
import { compileValue, lookup } from './expression.ts';
import type { Scope } from './expression.ts';
import { checkUse, ints, laneName, lanesOf, report, words } from './machine.ts';
import type { Machine, Run } from './machine.ts';
import { bytesOfElement, inShared, noteCopyEnd, noteCopyStart, noteLoad } from './memory.ts';
import type { StorageView } from './memory.ts';

const byte = [0, 0xff, 0xffff, 0xffffff] as const;

/** The first `count` of sixteen bytes, then zeros. */
function firstBytes(view: StorageView, index: number, count: number): readonly [number, number, number, number] {
  const word = (n: number): number => {
    const left = count - 4 * n;
    if (left <= 0) return 0;
    const value = view.u32[4 * index + n] ?? 0;
    return left >= 4 ? value : value & (byte[left] ?? 0);
  };
  return [word(0), word(1), word(2), word(3)];
}

/** Whether the bytes that are read lie in the buffer. */
function inSource(m: Machine, view: StorageView, lane: number, index: number, count: number): boolean {
  const { element, length } = view.track.value;
  if (index >= 0 && index * 16 + count <= length * bytesOfElement(element)) return true;
  report(m, 'outside', view.decl.name, () => `${laneName(m, lane)} copies ${count} bytes of ${view.decl.name}[${index}]; ${view.decl.buffer} holds ${length} elements`);
  return false;
}

export function compileCopy(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'copy_async' }>): Run {
  const { m, copies } = scope;
  const memory = lookup(scope.shared, s.shared, 'workgroup memory');
  const holder = lookup(scope.storage, s.storage, 'storage');
  const [at, index, bytes] = [compileValue(scope, s.at), compileValue(scope, s.index), compileValue(scope, s.bytes)];
  const [places, sources, counts] = [ints(at.out), ints(index.out), ints(bytes.out)];
  return () => {
    at.run();
    index.run();
    bytes.run();
    const { view } = holder;
    if (view === undefined) return;
    checkUse(m, at.taint, `addresses ${s.shared} with a value`);
    checkUse(m, bytes.taint, 'copies a number of bytes');
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      m.counters.loads += 1;
      m.counters.sharedStores += 1;
      const place = places[lane] ?? 0;
      const source = sources[lane] ?? 0;
      const asked = counts[lane] ?? 0;
      if (!inShared(m, memory, lane, place, 'stores')) continue;
      if (asked < 0 || asked > 16) report(m, 'outside', 'bytes', () => `${laneName(m, lane)} copies ${asked} of 16 bytes`);
      const count = asked > 0 && inSource(m, view, lane, source, asked) ? Math.min(16, asked) : 0;
      noteCopyStart(m, memory, lane, place);
      const taint = count > 0 ? noteLoad(m, view, lane, source) : 0;
      copies.flying.push({ memory, lane, at: place, group: copies.closed[lane] ?? 0, data: firstBytes(view, source, count), taint });
    }
  };
}

function checkAll(scope: Scope, what: string): void {
  const { m } = scope;
  if (!m.full) report(m, 'divergent-subgroup', 'lanes', () => `${what} that ${lanesOf(m.mask, 0)} of workgroup (${m.group.join(', ')}) did not reach`);
}

export function compileCommit(scope: Scope): Run {
  const { m, copies } = scope;
  return () => {
    checkAll(scope, 'a commit');
    for (let lane = 0; lane < m.lanes; lane += 1) if (m.mask[lane] === 1) copies.closed[lane] = (copies.closed[lane] ?? 0) + 1;
  };
}

export function compileWait(scope: Scope, pending: number): Run {
  const { m, copies } = scope;
  return () => {
    checkAll(scope, 'a wait');
    copies.flying = copies.flying.filter((copy) => {
      const { memory, lane, at, group, data, taint } = copy;
      if (m.mask[lane] === 0 || group >= (copies.closed[lane] ?? 0) - pending) return true;
      words(memory.data).set(data, 4 * at);
      noteCopyEnd(m, memory, lane, at, taint);
      return false;
    });
  };
}
