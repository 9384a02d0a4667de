/**
 * Tidies a kernel. In: a kernel program. Out: the same meaning without values that nothing reads and without names for values that
 * are used once, nearby. A use moves past a write only where it does not read what is written; it never moves into a loop.
 */
import type { KernelExpr, KernelProgram, KernelStmt } from '../kernel/ir.ts';
import { expressionsOf, mapBlocks, mapExpr, mapStatement, movesMemory, nestedBlocks, subexpressions, writtenBy } from '../kernel/walk.ts';

/** Deeper expressions keep their names: readers and the nesting limits of device compilers are thankful. */
const deepest = 12;

export function simplifyKernel(kernel: KernelProgram): KernelProgram {
  const alive = removeDead(kernel.body);
  const inlined = inlineBlock(alive, countUses(alive));
  return { ...kernel, body: inlined };
}

function eachRef(e: KernelExpr, visit: (name: string) => void): void {
  if (e.kind === 'ref') visit(e.name);
  else if (e.kind === 'load_array') visit(e.array);
  subexpressions(e).forEach((x) => eachRef(x, visit));
}

function addUses(body: readonly KernelStmt[], uses: Map<string, number>): void {
  for (const s of body) {
    const use = (n: string): void => {
      uses.set(n, (uses.get(n) ?? 0) + 1);
    };
    expressionsOf(s).forEach((e) => eachRef(e, use));
    // A product adds to its sums: they are read as well as written.
    if (s.kind === 'mma') s.sums.forEach(use);
    nestedBlocks(s).forEach((b) => addUses(b, uses));
  }
}

function countUses(body: readonly KernelStmt[]): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  addUses(body, uses);
  return uses;
}

/** Removes lets and variables that nothing reads, and control flow that does nothing, until none is left. */
export function removeDead(body: readonly KernelStmt[]): readonly KernelStmt[] {
  let current = body;
  for (;;) {
    const uses = countUses(current);
    let removed = false;
    const clean = (block: readonly KernelStmt[]): readonly KernelStmt[] => {
      const kept: KernelStmt[] = [];
      for (const s of block) {
        const next = mapBlocks(s, clean);
        if (isDead(next, uses)) removed = true;
        else if (next.kind === 'if' && next.cond.kind === 'literal') {
          kept.push(...(next.cond.value !== 0 ? next.then : next.otherwise));
          removed = true;
        } else kept.push(next);
      }
      return kept;
    };
    current = clean(current);
    if (!removed) return current;
  }
}

function isDead(s: KernelStmt, uses: ReadonlyMap<string, number>): boolean {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
    case 'array':
      return !uses.has(s.name) || (s.kind === 'assign' && s.value.kind === 'ref' && s.value.name === s.name);
    case 'assign_array':
      return !uses.has(s.array);
    case 'if':
      return s.then.length === 0 && s.otherwise.length === 0;
    case 'for':
      return s.body.length === 0;
    default:
      return false;
  }
}

interface Effects {
  readonly names: ReadonlySet<string>;
  readonly memory: boolean;
}

/** What the statement, nested blocks included, writes. */
function effectsOf(s: KernelStmt): Effects {
  const names = new Set<string>();
  let memory = false;
  const walk = (x: KernelStmt): void => {
    writtenBy(x).forEach((n) => names.add(n));
    if (movesMemory(x)) memory = true;
    nestedBlocks(x).forEach((b) => b.forEach(walk));
  };
  walk(s);
  return { names, memory };
}

function readsMemory(e: KernelExpr): boolean {
  return e.kind === 'load_shared' || subexpressions(e).some(readsMemory);
}

function depthOf(e: KernelExpr): number {
  return subexpressions(e).reduce((d, x) => Math.max(d, depthOf(x)), 0) + 1;
}

interface Pending {
  readonly stmt: KernelStmt & { readonly kind: 'let' };
  readonly reads: ReadonlySet<string>;
  readonly memory: boolean;
  readonly depth: number;
}

/** Whether the statement's own expressions may take a value that was made before it: loops evaluate theirs again and again. */
function takesValues(s: KernelStmt): boolean {
  return s.kind !== 'for' && s.kind !== 'while';
}

function inlineBlock(block: readonly KernelStmt[], uses: ReadonlyMap<string, number>): readonly KernelStmt[] {
  const usedHere = new Set<string>();
  for (const s of block) if (takesValues(s)) expressionsOf(s).forEach((e) => eachRef(e, (n) => usedHere.add(n)));

  const result: KernelStmt[] = [];
  const pending = new Map<string, Pending>();
  const substitute = (e: KernelExpr): KernelExpr => {
    if (e.kind !== 'ref') return mapExpr(e, substitute);
    const known = pending.get(e.name);
    if (known === undefined) return e;
    pending.delete(e.name);
    return known.stmt.value;
  };
  const flush = (conflicts: (p: Pending) => boolean): void => {
    for (const [name, p] of pending) {
      if (!conflicts(p)) continue;
      pending.delete(name);
      result.push(p.stmt);
    }
  };

  for (const s of block) {
    const deep = takesValues(s) && expressionsOf(s).some((e) => nestedDepth(e, pending) > deepest);
    if (deep) flush((p) => p.depth > 3 && expressionsOf(s).some((e) => mentions(e, p.stmt.name)));
    const own = takesValues(s) && pending.size > 0 ? mapStatement(s, substitute) : s;
    const next = mapBlocks(own, (b) => inlineBlock(b, uses));
    if (next.kind === 'let' && uses.get(next.name) === 1 && usedHere.has(next.name)) {
      const reads = new Set<string>();
      eachRef(next.value, (n) => reads.add(n));
      pending.set(next.name, { stmt: next, reads, memory: readsMemory(next.value), depth: depthOf(next.value) });
      continue;
    }
    if (pending.size > 0 && next.kind !== 'let' && next.kind !== 'var') {
      const effects = effectsOf(next);
      if (effects.names.size > 0 || effects.memory) flush((p) => (effects.memory && p.memory) || [...effects.names].some((n) => p.reads.has(n)));
    }
    result.push(next);
  }
  flush(() => true);
  return result;
}

function mentions(e: KernelExpr, name: string): boolean {
  return (e.kind === 'ref' && e.name === name) || subexpressions(e).some((x) => mentions(x, name));
}

/** Depth of the expression with pending values in place. */
function nestedDepth(e: KernelExpr, pending: ReadonlyMap<string, Pending>): number {
  if (e.kind === 'ref') return pending.get(e.name)?.depth ?? 1;
  return subexpressions(e).reduce((d, x) => Math.max(d, nestedDepth(x, pending)), 0) + 1;
}

