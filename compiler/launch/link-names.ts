/**
 * Names of a linked plan: kernels, variables and requirements of its units, each once. In: what the units have. Out: what the plan has.
 */
import { ref } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { exprKey, freeRefs } from '../expr/traverse.ts';
import type { Requirement } from '../spec/ir.ts';
import type { HostPlan, HostVariable } from './plan.ts';

/** Gives out names, each once: the wanted one where it is free. */
export function namer(taken: Iterable<string> = []): (wanted: string) => string {
  const used = new Set(taken);
  return (wanted) => {
    const clean = wanted.replace(/[^A-Za-z0-9_]/g, '_');
    let name = clean;
    for (let n = 2; used.has(name); n += 1) name = `${clean}_${n}`;
    used.add(name);
    return name;
  };
}

/** The kernels of all units that are called, under names of their own in the plan. */
export function linkKernels(units: readonly { readonly hostPlan: HostPlan }[], called: ReadonlySet<number>): readonly ReadonlyMap<string, string>[] {
  const counts = new Map<string, number>();
  units.forEach((u, i) => {
    if (called.has(i)) for (const k of u.hostPlan.kernels) counts.set(k.name, (counts.get(k.name) ?? 0) + 1);
  });
  const alone = [...counts].filter(([, n]) => n === 1).map(([name]) => name);
  const fresh = namer(alone);
  return units.map((u, i) => new Map(!called.has(i) ? [] : u.hostPlan.kernels.map(({ name }) => [name, counts.get(name) === 1 ? name : fresh(`${u.hostPlan.name}_${name}`)])));
}

/** Variables of calls: computed once where two say the same, a name where one is needed. */
export function variablePool(taken: Iterable<string>): { readonly add: (wanted: string, value: Expr) => Expr; readonly all: readonly HostVariable[] } {
  const fresh = namer(taken);
  const known = new Map<string, Expr>();
  const all: HostVariable[] = [];
  const add = (wanted: string, value: Expr): Expr => {
    if (value.kind === 'literal' || value.kind === 'ref') return value;
    const key = exprKey(value);
    const found = known.get(key);
    if (found !== undefined) return found;
    const name = fresh(wanted);
    all.push({ name, type: value.type, value });
    const made = ref(name, value.type);
    known.set(key, made);
    return made;
  };
  return { add, all };
}

/** The variables that something still speaks of, directly or through others. */
export function stillUsed(variables: readonly HostVariable[], users: readonly Expr[]): readonly HostVariable[] {
  const wanted = new Set(users.flatMap((e) => [...freeRefs(e)]));
  // A variable speaks of earlier ones alone.
  for (const v of [...variables].reverse()) if (wanted.has(v.name)) for (const name of freeRefs(v.value)) wanted.add(name);
  return variables.filter((v) => wanted.has(v.name));
}

export function distinct(requires: readonly Requirement[]): readonly Requirement[] {
  const seen = new Set<string>();
  return requires.filter(({ condition, message }) => {
    const key = `${exprKey(condition)} ${message}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
