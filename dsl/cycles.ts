/**
 * Cycles of a graph of names (imports of files, uses of masks), found by a depth-first walk without recursion, so that a chain
 * of any length is no danger. Each edge that closes a circle is reported once, with the circle it closes.
 */
import type { Span } from './span.ts';

export interface Edge {
  readonly to: string;
  readonly at: Span;
}

export interface Cycle {
  /** The names on the circle, the first repeated at the end. */
  readonly nodes: readonly string[];
  /** The place of the edge that leads back to the first. */
  readonly closing: Span;
}

export function findCycles(edges: ReadonlyMap<string, readonly Edge[]>): readonly Cycle[] {
  const done = new Set<string>();
  const cycles: Cycle[] = [];
  for (const start of edges.keys()) {
    if (done.has(start)) continue;
    const trail: { readonly name: string; next: number }[] = [{ name: start, next: 0 }];
    const onTrail = new Map<string, number>([[start, 0]]);
    for (let top = trail[trail.length - 1]; top !== undefined; top = trail[trail.length - 1]) {
      const edge = edges.get(top.name)?.[top.next];
      top.next += 1;
      if (edge === undefined) {
        done.add(top.name);
        onTrail.delete(top.name);
        trail.pop();
        continue;
      }
      const back = onTrail.get(edge.to);
      if (back !== undefined) {
        cycles.push({ nodes: [...trail.slice(back).map((t) => t.name), edge.to], closing: edge.at });
      } else if (!done.has(edge.to) && edges.has(edge.to)) {
        onTrail.set(edge.to, trail.length);
        trail.push({ name: edge.to, next: 0 });
      }
    }
  }
  return cycles;
}
