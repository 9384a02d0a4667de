/**
 * Walking and rewriting expressions. `children` and `mapChildren` cover every field of every variant; the rest is
 * built on them. Rebuilding goes through the constructors of build.ts, so results are in normal form.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { binary, fold, read, ref, select, unary } from './build.ts';
import type { Expr } from './ir.ts';

export { sameExpr } from './same.ts';

/** The direct operands, in the order in which they are written. */
export function children(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'literal':
    case 'ref':
    case 'element':
      return [];
    case 'read':
      return e.indices;
    case 'unary':
      return [e.arg];
    case 'binary':
      return [e.left, e.right];
    case 'select':
      return [e.cond, e.then, e.otherwise];
    case 'fold':
      return [e.from, e.to, e.body];
    default:
      return unreachable(e);
  }
}

/** The same node over operands `f(child)`, normalised again; the node itself where no operand changed. */
export function mapChildren(e: Expr, f: (child: Expr) => Expr): Expr {
  switch (e.kind) {
    case 'literal':
    case 'ref':
    case 'element':
      return e;
    case 'read': {
      const indices = e.indices.map(f);
      return indices.every((x, i) => x === e.indices[i]) ? e : read(e.tensor, e.type, indices);
    }
    case 'unary': {
      const arg = f(e.arg);
      return arg === e.arg ? e : unary(e.op, arg);
    }
    case 'binary': {
      const left = f(e.left);
      const right = f(e.right);
      return left === e.left && right === e.right ? e : binary(e.op, left, right);
    }
    case 'select': {
      const cond = f(e.cond);
      const then = f(e.then);
      const otherwise = f(e.otherwise);
      return cond === e.cond && then === e.then && otherwise === e.otherwise ? e : select(cond, then, otherwise);
    }
    case 'fold': {
      const from = f(e.from);
      const to = f(e.to);
      const body = f(e.body);
      return from === e.from && to === e.to && body === e.body ? e : fold(e.op, e.local, from, to, body);
    }
    default:
      return unreachable(e);
  }
}

function collectRefs(e: Expr, bound: readonly string[], into: Set<string>): void {
  if (e.kind === 'ref') {
    if (!bound.includes(e.name)) into.add(e.name);
  } else if (e.kind === 'fold') {
    collectRefs(e.from, bound, into);
    collectRefs(e.to, bound, into);
    collectRefs(e.body, [...bound, e.local], into);
  } else {
    for (const child of children(e)) collectRefs(child, bound, into);
  }
}

/** Names of the refs that no fold inside the expression binds. */
export function freeRefs(e: Expr): ReadonlySet<string> {
  const found = new Set<string>();
  collectRefs(e, [], found);
  return found;
}

/** Names of the tensors that are read. */
export function readTensors(e: Expr): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (x: Expr): void => {
    if (x.kind === 'read') found.add(x.tensor);
    children(x).forEach(walk);
  };
  walk(e);
  return found;
}

/** All reads of a tensor, a read before those in its indices. */
export function readsOf(e: Expr, tensor: string): readonly (Expr & { readonly kind: 'read' })[] {
  const inner = children(e).flatMap((c) => readsOf(c, tensor));
  return e.kind === 'read' && e.tensor === tensor ? [e, ...inner] : inner;
}

/** Whether the expression folds anywhere. */
export function hasFold(e: Expr): boolean {
  return e.kind === 'fold' || children(e).some(hasFold);
}

/** The conjuncts of a condition. */
export function conjuncts(cond: Expr): readonly Expr[] {
  return cond.kind === 'binary' && cond.op === 'and' ? [...conjuncts(cond.left), ...conjuncts(cond.right)] : [cond];
}

/** Number of nodes of the tree. */
export function countNodes(e: Expr): number {
  return children(e).reduce((sum, child) => sum + countNodes(child), 1);
}

function freshName(base: string, taken: (name: string) => boolean): string {
  for (let i = 1; ; i += 1) {
    const name = `${base}_${i}`;
    if (!taken(name)) return name;
  }
}

/**
 * Replaces free refs by expressions, all at once. The local of a fold hides a replacement of its name, and is renamed
 * where a replacement would otherwise be captured by it.
 */
export function substitute(e: Expr, replacements: ReadonlyMap<string, Expr>): Expr {
  if (replacements.size === 0) return e;
  if (e.kind === 'ref') return replacements.get(e.name) ?? e;
  if (e.kind !== 'fold') return mapChildren(e, (child) => substitute(child, replacements));

  const from = substitute(e.from, replacements);
  const to = substitute(e.to, replacements);
  const inBody = freeRefs(e.body);
  const inner = new Map([...replacements].filter(([name]) => name !== e.local && inBody.has(name)));
  if (inner.size === 0) return from === e.from && to === e.to ? e : fold(e.op, e.local, from, to, e.body);
  const incoming = new Set([...inner.values()].flatMap((x) => [...freeRefs(x)]));
  if (!incoming.has(e.local)) return fold(e.op, e.local, from, to, substitute(e.body, inner));
  const local = freshName(e.local, (name) => incoming.has(name) || inBody.has(name) || inner.has(name));
  inner.set(e.local, ref(local, 'int'));
  return fold(e.op, local, from, to, substitute(e.body, inner));
}

/** A string that two expressions share exactly when they are the same tree. */
export function exprKey(e: Expr): string {
  switch (e.kind) {
    case 'literal':
      return `${e.type[0]}${Object.is(e.value, -0) ? '-0' : e.value}`;
    case 'ref':
      return `$${e.name}:${e.type[0]}`;
    case 'element':
      return `#${e.tile}:${e.type[0]}`;
    case 'read':
      return `${e.tensor}:${e.type[0]}[${e.indices.map(exprKey).join(',')}]`;
    case 'unary':
      return `${e.op}(${exprKey(e.arg)})`;
    case 'binary':
      return `${e.op}(${exprKey(e.left)},${exprKey(e.right)})`;
    case 'select':
      return `select(${exprKey(e.cond)},${exprKey(e.then)},${exprKey(e.otherwise)})`;
    case 'fold':
      return `${e.op}{${e.local}:${exprKey(e.from)},${exprKey(e.to)}}(${exprKey(e.body)})`;
    default:
      return unreachable(e);
  }
}
