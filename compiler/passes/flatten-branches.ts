/**
 * Branches for machines that run both sides of an `if` under masks (a target's `masksBranches`). In: a kernel. Out: the same kernel, where an
 * `if` that only computes and assigns is straight text: values are computed always, and each assignment keeps the old value where the
 * condition does not hold. Such machines lose nothing by it, and gain what the masks cost at every assignment; assignments of a
 * floor value (`x = cond ? x : floor`) that follow each other become one with all their conditions. Holds: arithmetic is total and
 * loads are guarded (kernel/ir.ts), so what is computed needlessly does no harm.
 */
import { bin, pick, refer, un } from '../kernel/build.ts';
import type { KernelExpr, KernelProgram, KernelStmt } from '../kernel/ir.ts';
import { expressionsOf, mapBlocks, subexpressions } from '../kernel/walk.ts';

type Assign = Extract<KernelStmt, { readonly kind: 'assign' }>;
type If = Extract<KernelStmt, { readonly kind: 'if' }>;

function typeOf(name: string, e: KernelExpr): KernelExpr {
  return refer(name, e.type);
}

/** `cond ? value : name`, where a value that keeps the old one under conditions of its own gets one more. */
function kept(name: string, value: KernelExpr, cond: KernelExpr): KernelExpr {
  if (value.kind === 'select' && value.then.kind === 'ref' && value.then.name === name) return pick(bin('or', value.cond, un('not', cond)), value.then, value.otherwise);
  return pick(cond, value, typeOf(name, value));
}

const straight = (s: KernelStmt): boolean => s.kind === 'let' || s.kind === 'assign' || s.kind === 'comment';

function speaksOf(e: KernelExpr, name: string): boolean {
  return (e.kind === 'ref' && e.name === name) || subexpressions(e).some((x) => speaksOf(x, name));
}

/** The sides of an `if` as straight text; undefined where it does more than compute and assign, or its names are taken. */
function flattened(s: If, taken: ReadonlySet<string>, side: string): readonly KernelStmt[] | undefined {
  const inside = [...s.then, ...s.otherwise];
  const names = inside.flatMap((x) => (x.kind === 'let' ? [x.name] : []));
  if (!inside.every(straight) || names.some((n) => taken.has(n)) || new Set(names).size < names.length) return undefined;
  const cond = refer(side, 'bool');
  const under = (body: readonly KernelStmt[], c: KernelExpr): readonly KernelStmt[] =>
    body.map((x) => (x.kind === 'assign' ? { ...x, value: kept(x.name, x.value, c) } : x));
  return [
    { kind: 'let', name: side, type: 'bool', value: s.cond, origin: s.origin },
    ...under(s.then, cond),
    ...under(s.otherwise, un('not', cond)),
  ];
}

/** The floor and the condition of `x = cond ? x : floor`. */
function floored(s: KernelStmt): { readonly assign: Assign; readonly cond: KernelExpr; readonly floor: KernelExpr } | undefined {
  if (s.kind !== 'assign' || s.value.kind !== 'select') return undefined;
  const { cond, then, otherwise } = s.value;
  const keeps = then.kind === 'ref' && then.name === s.name && otherwise.kind === 'literal';
  return keeps && !speaksOf(cond, s.name) ? { assign: s, cond, floor: otherwise } : undefined;
}

/** Joins floors of one variable, as long as nothing between them speaks of it or assigns what their conditions read. */
function joinFloors(block: readonly KernelStmt[]): readonly KernelStmt[] {
  const out: (KernelStmt | undefined)[] = [];
  const open = new Map<string, number>();
  for (const s of block) {
    const next = floored(s);
    const at = next === undefined ? undefined : open.get(next.assign.name);
    const before = at === undefined ? undefined : out[at];
    const first = before === undefined ? undefined : floored(before);
    // An assignment moves down past statements: none of them may read or write the variable, or write what its condition reads.
    for (const [name, index] of open) {
      if (name === next?.assign.name) continue;
      const waiting = out[index];
      const found = waiting === undefined ? undefined : floored(waiting);
      const written = s.kind === 'assign' ? s.name : undefined;
      const apart = straight(s) && written !== name && !expressionsOf(s).some((e) => speaksOf(e, name))
        && (written === undefined || found === undefined || !speaksOf(found.cond, written));
      if (!apart) open.delete(name);
    }
    if (next !== undefined && at !== undefined && first !== undefined && first.floor.kind === 'literal' && next.floor.kind === 'literal' && first.floor.value === next.floor.value) {
      out[at] = undefined;
      open.set(next.assign.name, out.length);
      out.push({ ...next.assign, value: pick(bin('and', first.cond, next.cond), refer(next.assign.name, next.assign.value.type), next.floor) });
      continue;
    }
    if (next !== undefined) open.set(next.assign.name, out.length);
    out.push(s);
  }
  return out.flatMap((s) => (s === undefined ? [] : [s]));
}

export function flattenBranches(kernel: KernelProgram): KernelProgram {
  let count = 0;
  const rewrite = (block: readonly KernelStmt[]): readonly KernelStmt[] => {
    const taken = new Set(block.flatMap((s) => (s.kind === 'let' || s.kind === 'var' || s.kind === 'array' ? [s.name] : [])));
    const out: KernelStmt[] = [];
    for (const s of block) {
      const inner = mapBlocks(s, rewrite);
      const flat = inner.kind === 'if' ? flattened(inner, taken, `side_${count + 1}`) : undefined;
      if (flat === undefined) out.push(inner);
      else {
        count += 1;
        flat.forEach((x) => { if (x.kind === 'let') taken.add(x.name); });
        out.push(...flat);
      }
    }
    return joinFloors(out);
  };
  return { ...kernel, body: rewrite(kernel.body) };
}
