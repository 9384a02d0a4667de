/**
 * Memory of a linked plan. In: the buffers that the calls of a chain speak of, each with what it holds, and the steps that use them, in
 * order. Out: the buffers of the plan, which of them each of the former is, and at which step workspace passes from one to the next. Holds:
 * two buffers share memory only if no step lies between the first and the last use of both; inputs and outputs share with nothing.
 */
import type { Expr } from '../expr/ir.ts';
import { exprKey } from '../expr/traverse.ts';
import type { BufferElement } from '../tile/ir.ts';
import type { HostBuffer } from './plan.ts';

type Chunked = HostBuffer['chunked'];

/** A buffer before it is placed; `id` is unique in the chain. */
export interface LinkBuffer {
  readonly id: string;
  /** What the plan calls it if it is the first in its place: unique in the plan, an identifier. */
  readonly name: string;
  readonly role: HostBuffer['role'];
  readonly element: BufferElement;
  readonly extents: readonly Expr[];
}

/** How a step uses a buffer: bound in a role that its kernel was made for, or only read by its tile program. */
export interface LinkUse {
  readonly id: string;
  readonly bound?: Chunked;
}

export interface LinkStepUses {
  readonly uses: readonly LinkUse[];
  readonly chunkable: boolean;
}

export interface PlacedMemory {
  readonly buffers: readonly HostBuffer[];
  /** Name in the plan, by `id`; buffers that no step uses have none, unless they are inputs. */
  readonly nameOf: ReadonlyMap<string, string>;
  /** For each step, the workspace that it begins anew. */
  readonly begins: readonly (readonly string[])[];
  /** For each step, whether it may still run in pieces over heads. */
  readonly chunkable: readonly boolean[];
}

interface Life {
  readonly first: number;
  readonly last: number;
}

function livesOf(steps: readonly LinkStepUses[]): ReadonlyMap<string, Life> {
  const lives = new Map<string, Life>();
  steps.forEach(({ uses }, at) => {
    for (const { id } of uses) lives.set(id, { first: lives.get(id)?.first ?? at, last: at });
  });
  return lives;
}

/** The one way in which all steps that may run in pieces see a buffer; where they differ it is bound whole. */
function chunksOf(steps: readonly LinkStepUses[]): ReadonlyMap<string, Chunked> {
  const chunks = new Map<string, Chunked>();
  for (const { uses, chunkable } of steps) {
    if (!chunkable) continue;
    for (const { id, bound } of uses) {
      if (bound !== undefined) chunks.set(id, (chunks.get(id) ?? bound) === bound ? bound : 'whole');
    }
  }
  return chunks;
}

/** Places all buffers; those of the same shape whose lives do not meet share one. */
export function placeMemory(given: readonly LinkBuffer[], steps: readonly LinkStepUses[]): PlacedMemory {
  const lives = livesOf(steps);
  const chunks = chunksOf(steps);
  const buffers: HostBuffer[] = [];
  const nameOf = new Map<string, string>();
  const begins = steps.map((): string[] => []);
  const free = new Map<string, { readonly name: string; busyTo: number }[]>();
  const firstUse = (b: LinkBuffer): number => lives.get(b.id)?.first ?? -1;
  const inOrder = [...given.filter((b) => b.role !== 'workspace'), ...given.filter((b) => b.role === 'workspace').sort((a, b) => firstUse(a) - firstUse(b))];
  for (const { id, name, role, element, extents } of inOrder) {
    const life = lives.get(id);
    if (life === undefined && role !== 'input') continue;
    const chunked = chunks.get(id) ?? 'whole';
    const place = (): void => {
      buffers.push({ name, role, element, extents, chunked });
      nameOf.set(id, name);
    };
    if (life === undefined || role !== 'workspace') {
      place();
      continue;
    }
    const key = `${element} ${chunked} ${extents.map(exprKey).join(' ')}`;
    const alike = free.get(key) ?? [];
    const found = alike.find((f) => f.busyTo < life.first);
    if (found === undefined) {
      place();
      free.set(key, [...alike, { name, busyTo: life.last }]);
    } else {
      found.busyTo = life.last;
      nameOf.set(id, found.name);
      begins[life.first]?.push(found.name);
    }
  }
  const suits = ({ id, bound }: LinkUse): boolean => bound === undefined || bound === (chunks.get(id) ?? 'whole');
  return { buffers, nameOf, begins, chunkable: steps.map((s) => s.chunkable && s.uses.every(suits)) };
}
