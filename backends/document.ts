/**
 * Printed text as a tree. In: documents built of text, lines, indentation, groups and origins. Out: the text and a region
 * map that says for each line which origin made it, so that a message of a lower compiler finds the user's line.
 * Holds: indentation is never counted by hand, the text ends in one newline, lines carry no trailing blanks.
 */
import { unreachable } from '../dsl/diagnostic.ts';
import type { Origin } from '../dsl/span.ts';

export type Doc =
  | { readonly kind: 'text'; readonly text: string }
  /** A new line. */
  | { readonly kind: 'line' }
  /** `flat` where the enclosing group fits on its line, a new line where it does not. */
  | { readonly kind: 'soft'; readonly flat: string }
  | { readonly kind: 'concat'; readonly parts: readonly Doc[] }
  | { readonly kind: 'indent'; readonly body: Doc }
  | { readonly kind: 'group'; readonly body: Doc }
  | { readonly kind: 'origin'; readonly origin: Origin; readonly body: Doc };

/** For each line of the text (0-based) the origin of the first thing printed on it. */
export type RegionMap = readonly (Origin | undefined)[];

export interface Printed {
  readonly text: string;
  readonly regions: RegionMap;
}

export const newline: Doc = { kind: 'line' };
export const nothing: Doc = { kind: 'concat', parts: [] };

export function text(value: string): Doc {
  return { kind: 'text', text: value };
}

/** Pieces one after the other; strings are text. */
export function concat(...parts: readonly (Doc | string)[]): Doc {
  return { kind: 'concat', parts: parts.map((p) => (typeof p === 'string' ? text(p) : p)) };
}

/** A possible line break, printed as `flat` where no break is needed. */
export function soft(flat: string): Doc {
  return { kind: 'soft', flat };
}

/** New lines inside `body` start one step further right. */
export function indent(body: Doc): Doc {
  return { kind: 'indent', body };
}

/** Breaks either none or all of its own soft lines. */
export function group(body: Doc): Doc {
  return { kind: 'group', body };
}

export function withOrigin(origin: Origin, body: Doc): Doc {
  return { kind: 'origin', origin, body };
}

/** Pieces with `separator` between them. */
export function join(separator: Doc, parts: readonly Doc[]): Doc {
  return { kind: 'concat', parts: parts.flatMap((p, i) => (i === 0 ? [p] : [separator, p])) };
}

/** Each piece on a line of its own. */
export function lines(parts: readonly Doc[]): Doc {
  return join(newline, parts);
}

/** `open`, the indented body on lines of its own, `close`. */
export function block(open: Doc, body: readonly Doc[], close: Doc): Doc {
  const inner = body.length === 0 ? nothing : indent(concat(newline, lines(body)));
  return concat(open, inner, newline, close);
}

/** `open a, b, c close`, on one line where it fits. */
export function list(open: string, parts: readonly Doc[], close: string): Doc {
  if (parts.length === 0) return text(open + close);
  const body = indent(concat(soft(''), join(concat(',', soft(' ')), parts)));
  return group(concat(open, body, soft(''), close));
}

/** Width of the document without any break; infinite where it holds a new line. */
function flatWidth(doc: Doc, limit: number): number {
  switch (doc.kind) {
    case 'text':
      return doc.text.length;
    case 'line':
      return Infinity;
    case 'soft':
      return doc.flat.length;
    case 'concat': {
      let sum = 0;
      for (const part of doc.parts) {
        sum += flatWidth(part, limit - sum);
        if (sum > limit) return Infinity;
      }
      return sum;
    }
    case 'indent':
    case 'group':
    case 'origin':
      return flatWidth(doc.body, limit);
    default:
      return unreachable(doc);
  }
}

export interface Layout {
  readonly width: number;
  readonly step: string;
}

const standardLayout: Layout = { width: 120, step: '  ' };

/** The text of a document, and where each line comes from. */
export function render(doc: Doc, layout: Layout = standardLayout): Printed {
  const done: string[] = [];
  const regions: (Origin | undefined)[] = [];
  let current = '';
  let currentOrigin: Origin | undefined;
  let started = false;

  const put = (piece: string, depth: number, origin: Origin | undefined): void => {
    if (piece === '') return;
    if (!started) {
      current = layout.step.repeat(depth);
      currentOrigin = origin;
      started = true;
    }
    current += piece;
  };
  const breakLine = (): void => {
    done.push(current.trimEnd());
    regions.push(currentOrigin);
    current = '';
    currentOrigin = undefined;
    started = false;
  };
  const walk = (node: Doc, depth: number, flat: boolean, origin: Origin | undefined): void => {
    switch (node.kind) {
      case 'text':
        return put(node.text, depth, origin);
      case 'line':
        return breakLine();
      case 'soft':
        return flat ? put(node.flat, depth, origin) : breakLine();
      case 'concat':
        for (const part of node.parts) walk(part, depth, flat, origin);
        return;
      case 'indent':
        return walk(node.body, depth + 1, flat, origin);
      case 'group': {
        const used = started ? current.length : layout.step.length * depth;
        const room = layout.width - used;
        return walk(node.body, depth, flat || flatWidth(node.body, room) <= room, origin);
      }
      case 'origin':
        return walk(node.body, depth, flat, node.origin);
      default:
        return unreachable(node);
    }
  };
  walk(doc, 0, false, undefined);
  if (started || done.length === 0) breakLine();
  return { text: done.join('\n') + '\n', regions };
}

/** The origin of a 1-based line; a line without one takes that of the nearest line above. */
export function originOfLine(regions: RegionMap, line: number): Origin | undefined {
  for (let i = Math.min(line, regions.length) - 1; i >= 0; i -= 1) {
    const origin = regions[i];
    if (origin !== undefined) return origin;
  }
  return undefined;
}
