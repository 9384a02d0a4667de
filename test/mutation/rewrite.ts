/**
 * Breaking plain data on purpose. An IR is plain data, so one function can visit every node of any level: `match` is asked
 * about each object, in the order of the tree, and says what it becomes. Sites are numbered, so that a mutant can be tried at each
 * place where it applies.
 */

/** Removes the node from the list it stands in. */
export const removed: unique symbol = Symbol('removed');

/** Any object of an IR, looked at without knowing its union. */
export type Node = { readonly [field: string]: unknown };

/** What the node becomes, or undefined where the mutation does not apply. `trail`: the nodes around it, outermost first. */
export type Match = (node: Node, trail: readonly Node[]) => unknown;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The tree with the n-th matching node replaced, or undefined when there are fewer. The rest of the tree is shared. */
export function rewriteSite<T>(tree: T, match: Match, site: number): T | undefined {
  let left = site;
  let hit = false;
  const visit = (value: unknown, trail: readonly Node[]): unknown => {
    if (hit) return value;
    if (Array.isArray(value)) {
      const items = value.map((item: unknown) => visit(item, trail));
      return items.some((item, i) => item !== value[i]) ? items.filter((item) => item !== removed) : value;
    }
    // Origins and spans say where a node came from, not what it does.
    if (!isNode(value) || 'via' in value || 'start' in value) return value;
    const replacement = match(value, trail);
    if (replacement !== undefined) {
      if (left === 0) {
        hit = true;
        return replacement;
      }
      left -= 1;
    }
    const inner = [...trail, value];
    let changed: Node | undefined;
    for (const [field, old] of Object.entries(value)) {
      const now = visit(old, inner);
      if (now !== old) changed = { ...value, [field]: now };
    }
    return changed ?? value;
  };
  const result = visit(tree, []);
  // The shape is the input's: `match` replaces nodes by nodes of the same union.
  return hit ? (result as T) : undefined;
}

/** Number of places where the mutation applies. */
export function countSites(tree: unknown, match: Match): number {
  let sites = 0;
  rewriteSite(tree, (node, trail) => {
    if (match(node, trail) !== undefined) sites += 1;
    return undefined;
  }, 0);
  return sites;
}

/** Whether a node is of a kind and has these fields. */
export function is(node: Node | undefined, kind: string, fields: Node = {}): boolean {
  return node !== undefined && node['kind'] === kind && Object.entries(fields).every(([name, value]) => node[name] === value);
}

/** The field as a node; an empty one when it is none. */
export function nodeAt(node: Node, field: string): Node {
  const value = node[field];
  return isNode(value) ? value : {};
}

export function nodesAt(node: Node, field: string): readonly Node[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** A mutation by name: what a broken compiler would have done. */
export interface Mutant {
  readonly name: string;
  readonly match: Match;
}
