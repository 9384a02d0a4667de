/**
 * Runs the warps of one workgroup. Lanes of a warp that part ways form groups; the group with the lowest place runs, groups that meet
 * merge, and a group at an instruction that needs other lanes waits for them (section 5 of the PTX subset). Warps run until they block.
 */
import { joinAt } from './races.ts';
import type { Code } from './module.ts';
import { setPredicate } from './lanewise.ts';
import type { Decoded } from './lanewise.ts';
import { popcount } from './arithmetic.ts';
import { undefinedResult } from './definedness.ts';
import type { Barrier, Cta, Group, Warp } from './state.ts';

export interface Progress {
  /** Instructions executed, by their index. */
  readonly executed: Float64Array;
  steps: number;
  readonly limit: number;
  /** For messages of problems: what executes now. */
  current: Code | undefined;
  stopped: boolean;
}

const quota = 50_000;

/** Runs every warp to its end, or reports why that cannot be. */
export function runWarps(cta: Cta, code: readonly Code[], order: readonly number[], progress: Progress): void {
  for (;;) {
    let moved = false;
    for (const index of order) {
      const warp = cta.warps[index];
      if (warp === undefined || warp.live === 0 || warp.waiting !== undefined) continue;
      moved = runWarp(warp, code, progress) || moved;
      if (progress.stopped) return;
    }
    if (cta.warps.every((w) => w.live === 0)) break;
    if (!moved) {
      reportStuck(cta, code, progress);
      return;
    }
  }
}

function reportStuck(cta: Cta, code: readonly Code[], progress: Progress): void {
  for (const warp of cta.warps) {
    const [group] = warp.groups;
    if (warp.live === 0 || group === undefined) continue;
    progress.current = code[group.pc];
    const barrier = warp.waiting === undefined ? undefined : cta.barriers.get(warp.waiting);
    if (barrier !== undefined) {
      cta.grid.report('deadlock', `waits at barrier ${warp.waiting ?? 0}, which ${barrier.count} of ${barrier.expected} threads have reached, and nothing else can run`, warp, undefined);
    } else {
      for (const g of warp.groups) {
        progress.current = code[g.pc];
        cta.grid.report('divergence', `lanes ${laneList(g.mask)} wait here for lanes that never come`, warp, undefined);
      }
    }
  }
}

function laneList(mask: number): string {
  return `0x${(mask >>> 0).toString(16)}`;
}

/** The group to run next: lowest place that is not parked; with a turn of rotation the highest, so that spinning lanes starve nobody. */
function pick(groups: readonly Group[], highest: boolean): Group | undefined {
  let found: Group | undefined;
  for (const g of groups) if (!g.parked && (found === undefined || (highest ? g.pc > found.pc : g.pc < found.pc))) found = g;
  return found;
}

function mergeAt(warp: Warp, group: Group): void {
  for (let i = warp.groups.length - 1; i >= 0; i -= 1) {
    const other = warp.groups[i];
    if (other === undefined || other === group || other.pc !== group.pc) continue;
    group.mask |= other.mask;
    group.parked = false;
    warp.groups.splice(i, 1);
  }
}

/** True when at least one instruction was executed. */
function runWarp(warp: Warp, code: readonly Code[], progress: Progress): boolean {
  const { grid } = warp.cta;
  const { executed } = progress;
  let done = 0;
  for (; done < quota; done += 1) {
    if (warp.live === 0) return true;
    let group = warp.groups[0];
    if (warp.groups.length > 1) {
      group = pick(warp.groups, (done & 4095) > 4000);
      if (group === undefined) return done > 0;
      mergeAt(warp, group);
    } else if (group?.parked === true) return done > 0;
    if (group === undefined) return done > 0;
    const at = group.pc;
    const step = code[at];
    if (step === undefined) {
      leave(warp, group, group.mask);
      continue;
    }
    if ((progress.steps += 1) > progress.limit) {
      progress.current = step;
      grid.report('step-limit', `no end after ${progress.limit} instructions`, warp, undefined);
      progress.stopped = true;
      return true;
    }
    progress.current = step;
    let mask = group.mask;
    if (step.guard >= 0) {
      checkDefined(warp, step.guard >>> 5, mask);
      const bits = warp.I[step.guard] ?? 0;
      mask &= step.negated ? ~bits : bits;
    }
    if (mask === 0) {
      group.pc = at + 1;
      continue;
    }
    const { decoded, reads, writes } = step;
    grid.serial += 1;
    switch (decoded.kind) {
      case 'plain': break;
      case 'branch':
        executed[at] = (executed[at] ?? 0) + 1;
        if (mask === group.mask) group.pc = step.target;
        else {
          group.mask &= ~mask;
          group.pc = at + 1;
          warp.groups.push({ pc: step.target, mask, parked: false });
        }
        continue;
      case 'exit':
        executed[at] = (executed[at] ?? 0) + 1;
        leave(warp, group, mask);
        if (group.mask !== 0) group.pc = at + 1;
        continue;
      case 'collective': {
        const needed = decoded.members === undefined ? warp.live : membersOf(warp, decoded.members, mask);
        if (!gather(warp, group, mask, needed)) continue;
        break;
      }
      case 'barrier':
        if (!gather(warp, group, mask, warp.live)) continue;
        for (const slot of reads) checkDefined(warp, slot, mask);
        executed[at] = (executed[at] ?? 0) + 1;
        group.pc = at + 1;
        if (arrive(warp, decoded, mask)) return true;
        for (const slot of writes) warp.defined[slot] = (warp.defined[slot] ?? 0) | mask;
        continue;
    }
    let without = 0;
    for (let i = 0; i < reads.length; i += 1) {
      const slot = reads[i] ?? 0;
      if (((warp.defined[slot] ?? 0) & mask) === mask) continue;
      if (step.carry.kind === 'none') checkDefined(warp, slot, mask);
      else {
        without = undefinedResult(step.carry, warp, reads, mask);
        break;
      }
    }
    executed[at] = (executed[at] ?? 0) + 1;
    decodedRun(decoded, warp, mask);
    for (let i = 0; i < writes.length; i += 1) {
      const slot = writes[i] ?? 0;
      warp.defined[slot] = ((warp.defined[slot] ?? 0) | mask) & ~without;
    }
    group.pc = at + 1;
  }
  return true;
}

function decodedRun(decoded: Decoded, warp: Warp, mask: number): void {
  if (decoded.kind === 'plain' || decoded.kind === 'collective') decoded.run(warp, mask);
}

function checkDefined(warp: Warp, slot: number, mask: number): void {
  const missing = mask & ~(warp.defined[slot] ?? 0);
  if (missing === 0) return;
  warp.cta.grid.report('undefined-register', 'a register is read that was never written', warp, 31 - Math.clz32(missing & -missing));
  warp.defined[slot] = (warp.defined[slot] ?? 0) | missing;
}

/** The member mask as the executing lanes give it; differing masks are undefined. */
function membersOf(warp: Warp, base: number, mask: number): number {
  let members: number | undefined;
  for (let l = 0; l < 32; l += 1) {
    if (((mask >>> l) & 1) === 0) continue;
    const own = warp.I[base + l] ?? 0;
    if (members !== undefined && own !== members) warp.cta.grid.report('divergence', 'lanes name different member masks', warp, l);
    members ??= own;
  }
  return members ?? mask;
}

/** Whether all needed lanes are here; otherwise the group is parked, or the problem reported and the instruction goes on. */
function gather(warp: Warp, group: Group, mask: number, needed: number): boolean {
  const absent = needed & ~mask;
  if (absent === 0) {
    if (mask & ~needed) warp.cta.grid.report('inactive-lane', `lanes ${laneList(mask & ~needed)} execute this outside its member mask`, warp, undefined);
    return true;
  }
  if (absent & ~warp.live) {
    warp.cta.grid.report('inactive-lane', `the member mask names lanes ${laneList(absent & ~warp.live)}, which have left`, warp, undefined);
    if ((absent & warp.live) === 0) return true;
  }
  if (absent & group.mask) {
    warp.cta.grid.report('divergence', `lanes ${laneList(absent & group.mask)} are guarded off an instruction that needs them`, warp, undefined);
    return true;
  }
  group.parked = true;
  return false;
}

function leave(warp: Warp, group: Group, mask: number): void {
  warp.live &= ~mask;
  group.mask &= ~mask;
  if (group.mask === 0) warp.groups.splice(warp.groups.indexOf(group), 1);
  // Whoever waited for these lanes looks again.
  for (const g of warp.groups) g.parked = false;
}

/** True when the warp has to wait. */
function arrive(warp: Warp, step: Extract<Decoded, { readonly kind: 'barrier' }>, mask: number): boolean {
  const { cta } = warp;
  const lane = 31 - Math.clz32(mask & -mask);
  const id = warp.U[step.id + lane] ?? 0;
  const threads = step.threads === undefined ? cta.warps.length * 32 : (warp.U[step.threads + lane] ?? 0);
  const kind = step.reduce === undefined ? 'sync' : `red.${step.reduce.how}`;
  if (id > 15) cta.grid.report('barrier', `there is no barrier ${id}`, warp, undefined);
  if (threads % 32 !== 0) cta.grid.report('barrier', `${threads} threads are no whole warps`, warp, undefined);
  const barrier: Barrier = cta.barriers.get(id) ?? { arrived: new Set(), sleepers: new Set(), expected: threads, count: 0, kind, votes: 0, all: true, any: false, results: [], given: [] };
  cta.barriers.set(id, barrier);
  if (barrier.expected !== threads) cta.grid.report('barrier', `barrier ${id} expects ${threads} threads here and ${barrier.expected} elsewhere`, warp, undefined);
  if (barrier.kind !== kind) cta.grid.report('barrier', `barrier ${id} mixes ${kind} with ${barrier.kind}`, warp, undefined);
  if (barrier.arrived.has(warp.index)) cta.grid.report('barrier', `the warp arrives twice at barrier ${id}`, warp, undefined);
  barrier.arrived.add(warp.index);
  barrier.count += 32;
  const { reduce } = step;
  if (reduce !== undefined) {
    const bits = (reduce.negated ? ~(warp.I[reduce.source] ?? 0) : (warp.I[reduce.source] ?? 0)) & mask;
    barrier.votes += popcount(bits);
    barrier.all = barrier.all && bits === mask;
    barrier.any = barrier.any || bits !== 0;
    barrier.results.push({
      warp: warp.index,
      finish: (popc, all, any) => {
        if (reduce.how === 'popc') for (let l = 0; l < 32; l += 1) { if ((mask >>> l) & 1) warp.U[reduce.target + l] = popc; }
        else setPredicate(warp, reduce.target, mask, (reduce.how === 'and' ? all : any) ? -1 : 0);
        warp.defined[reduce.target >>> 5] = (warp.defined[reduce.target >>> 5] ?? 0) | mask;
      },
    });
  }
  if (barrier.count >= barrier.expected) {
    const row = cta.races.clocks[warp.index];
    if (!step.waits && row !== undefined) {
      barrier.given.push(row.slice());
      row[warp.index] = (row[warp.index] ?? 0) + 1;
    }
    complete(cta, id, barrier, step.waits ? warp.index : undefined);
    return false;
  }
  if (!step.waits) {
    // What the warp knows now is what waiters will learn; its later accesses are a new epoch.
    const row = cta.races.clocks[warp.index];
    if (row !== undefined) {
      barrier.given.push(row.slice());
      row[warp.index] = (row[warp.index] ?? 0) + 1;
    }
    return false;
  }
  barrier.sleepers.add(warp.index);
  warp.waiting = id;
  return true;
}

function complete(cta: Cta, id: number, barrier: Barrier, last: number | undefined): void {
  const waiters = [...barrier.sleepers, ...(last === undefined ? [] : [last])];
  joinAt(cta.races, waiters, barrier.given);
  for (const { finish } of barrier.results) finish(barrier.votes, barrier.all, barrier.any);
  for (const index of barrier.sleepers) {
    const warp = cta.warps[index];
    if (warp !== undefined) warp.waiting = undefined;
  }
  cta.barriers.delete(id);
}
