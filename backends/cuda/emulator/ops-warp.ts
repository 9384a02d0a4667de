/**
 * What the lanes of a warp do together: shuffles, votes, matches, folds, barriers (section 5 of the PTX subset). The scheduler brings all
 * lanes of the member mask to the instruction before `run` is called; the mask it gets are the lanes that take part.
 */
import { popcount } from './arithmetic.ts';
import { setPredicate } from './lanewise.ts';
import type { Decode, Decoded } from './lanewise.ts';
import type { Operand } from './syntax.ts';
import type { Exec } from './state.ts';

const collective = (members: number | undefined, run: Exec): Decoded => ({ kind: 'collective', members, run });
const before = new Uint32Array(32);

const shfl: Decode = (mods, ops) => {
  if (!mods.has('sync')) return undefined;
  const mode = mods.take('up', 'down', 'bfly', 'idx');
  if (mode === undefined || mods.type() !== 'b32') return undefined;
  const to = ops.at(0);
  const d = ops.target(to.kind === 'pair' ? to.first : to, 'b32');
  const p = to.kind === 'pair' ? ops.target(to.second, 'pred') : undefined;
  const [a, b, c, mask] = [ops.source(ops.at(1), 'b32'), ops.source(ops.at(2), 'b32'), ops.source(ops.at(3), 'b32'), ops.source(ops.at(4), 'b32')];
  return collective(mask, (w, m) => {
    const r = w.U;
    for (let l = 0; l < 32; l += 1) before[l] = r[a + l] ?? 0;
    let inRange = 0;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const by = (r[b + l] ?? 0) & 31;
      const clamp = (r[c + l] ?? 0) & 31;
      const segment = ((r[c + l] ?? 0) >>> 8) & 31;
      const most = (l & segment) | (clamp & ~segment);
      const least = l & segment;
      let from = mode === 'up' ? l - by : mode === 'down' ? l + by : mode === 'bfly' ? l ^ by : least | (by & ~segment);
      const ok = mode === 'up' ? from >= most : from <= most;
      if (ok) inRange |= 1 << l;
      else from = l;
      if (((m >>> from) & 1) === 0) w.cta.grid.report('inactive-lane', `lane ${l} reads lane ${from}, which takes no part`, w, l);
      r[d + l] = before[from] ?? 0;
    }
    if (p !== undefined) setPredicate(w, p, m, inRange);
  });
};

const isNegated = (o: Operand): boolean => o.kind === 'register' && o.negated;

const vote: Decode = (mods, ops) => {
  if (!mods.has('sync')) return undefined;
  const mode = mods.take('all', 'any', 'uni', 'ballot');
  mods.take('pred', 'b32');
  if (mode === undefined) return undefined;
  const d = ops.target(ops.at(0), mode === 'ballot' ? 'b32' : 'pred');
  const p = ops.source(ops.at(1), 'pred');
  const negated = isNegated(ops.at(1));
  return collective(ops.source(ops.at(2), 'b32'), (w, m) => {
    const bits = (negated ? ~(w.I[p] ?? 0) : (w.I[p] ?? 0)) & m;
    if (mode === 'ballot') for (let l = 0; l < 32; l += 1) { if ((m >>> l) & 1) w.I[d + l] = bits; }
    else setPredicate(w, d, m, (mode === 'any' ? bits !== 0 : mode === 'all' ? bits === m : bits === 0 || bits === m) ? -1 : 0);
  });
};

const match: Decode = (mods, ops) => {
  const mode = mods.take('any', 'all');
  if (!mods.has('sync') || mode === undefined || mods.type() !== 'b32') return undefined;
  const to = ops.at(0);
  const d = ops.target(to.kind === 'pair' ? to.first : to, 'b32');
  const p = to.kind === 'pair' ? ops.target(to.second, 'pred') : undefined;
  const a = ops.source(ops.at(1), 'b32');
  return collective(ops.source(ops.at(2), 'b32'), (w, m) => {
    for (let l = 0; l < 32; l += 1) before[l] = w.U[a + l] ?? 0;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      let same = 0;
      for (let k = 0; k < 32; k += 1) if ((m >>> k) & 1 && before[k] === before[l]) same |= 1 << k;
      const value = mode === 'any' || same === m ? same : 0;
      w.I[d + l] = value;
      if (p !== undefined) setPredicate(w, p, 1 << l, value !== 0 ? -1 : 0);
    }
  });
};

const folds: Readonly<Record<string, (signed: boolean) => (a: number, b: number) => number>> = {
  add: () => (a, b) => a + b,
  min: (signed) => (a, b) => (signed ? Math.min(a | 0, b | 0) : Math.min(a >>> 0, b >>> 0)),
  max: (signed) => (a, b) => (signed ? Math.max(a | 0, b | 0) : Math.max(a >>> 0, b >>> 0)),
  and: () => (a, b) => a & b, or: () => (a, b) => a | b, xor: () => (a, b) => a ^ b,
};

const redux: Decode = (mods, ops) => {
  const name = mods.take(...Object.keys(folds));
  const make = name === undefined ? undefined : folds[name];
  if (!mods.has('sync') || make === undefined) return undefined;
  const type = mods.type();
  if (!/^[sub]32$/.test(type)) return undefined;
  const fold = make(type === 's32');
  const [d, a] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type)];
  return collective(ops.source(ops.at(2), 'b32'), (w, m) => {
    let result: number | undefined;
    for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) result = result === undefined ? (w.U[a + l] ?? 0) : fold(result, w.U[a + l] ?? 0);
    for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) w.I[d + l] = result ?? 0;
  });
};

const elect: Decode = (mods, ops) => {
  if (!mods.has('sync')) return undefined;
  const to = ops.at(0);
  if (to.kind !== 'pair') return undefined;
  const [d, p] = [ops.target(to.first, 'b32'), ops.target(to.second, 'pred')];
  return collective(ops.source(ops.at(1), 'b32'), (w, m) => {
    const leader = popcount((m & -m) - 1);
    for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) w.U[d + l] = leader;
    setPredicate(w, p, m, 1 << leader);
  });
};

const activemask: Decode = (mods, ops) => {
  if (mods.type() !== 'b32') return undefined;
  const d = ops.target(ops.at(0), 'b32');
  return { kind: 'plain', run: (w, m) => { for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) w.I[d + l] = m; } };
};

const barrier: Decode = (mods, ops) => {
  mods.take('cta');
  if (mods.has('warp')) return mods.has('sync') ? collective(ops.source(ops.at(0), 'b32'), () => undefined) : undefined;
  mods.has('aligned');
  const mode = mods.take('sync', 'arrive', 'red');
  if (mode === 'sync' || mode === 'arrive') {
    const threads = ops.count > 1 ? ops.source(ops.at(1), 'u32') : undefined;
    return { kind: 'barrier', id: ops.source(ops.at(0), 'u32'), threads, waits: mode === 'sync', reduce: undefined };
  }
  const how = mods.take('popc', 'and', 'or');
  if (mode !== 'red' || how === undefined) return undefined;
  const type = mods.type();
  const last = ops.at(ops.count - 1);
  return {
    kind: 'barrier', id: ops.source(ops.at(1), 'u32'), threads: ops.count > 3 ? ops.source(ops.at(2), 'u32') : undefined, waits: true,
    reduce: { how, target: ops.target(ops.at(0), type), source: ops.source(last, 'pred'), negated: isNegated(last) },
  };
};

const branch: Decode = (mods, ops) => {
  mods.has('uni');
  const to = ops.at(0);
  return to.kind === 'symbol' ? { kind: 'branch', label: to.name } : undefined;
};

const trap: Decode = () => ({ kind: 'plain', run: (w) => w.cta.grid.report('trap', 'the kernel stopped itself', w, undefined) });

export const warpOps: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['shfl', shfl], ['vote', vote], ['match', match], ['redux', redux], ['elect', elect], ['activemask', activemask], ['bar', barrier],
  ['barrier', barrier], ['bra', branch], ['ret', () => ({ kind: 'exit' })], ['exit', () => ({ kind: 'exit' })], ['trap', trap],
]);
