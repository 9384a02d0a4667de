/**
 * A small document algebra for laying out text within a width. In: a document of texts, possible line breaks, groups and comments.
 * Out: the text. A group stands on one line where it fits; comments always end their line, and never move past a token.
 */
import { unreachable } from './diagnostic.ts';

export type Doc =
  /** A token, with the comment that stands behind it on its line. */
  | { readonly kind: 'text'; readonly text: string; readonly trailing?: string }
  /** A comment on a line of its own. */
  | { readonly kind: 'comment'; readonly text: string; readonly blankBefore: boolean }
  /** A space or nothing, or a new line in a broken group. */
  | { readonly kind: 'line'; readonly flat: ' ' | '' }
  | { readonly kind: 'hard'; readonly blank: boolean }
  | { readonly kind: 'indent'; readonly doc: Doc }
  | { readonly kind: 'group'; readonly doc: Doc }
  /** Items with breaks only where the next one does not fit. */
  | { readonly kind: 'fill'; readonly items: readonly Doc[] }
  /** On one line; or `head` on one line with `last` broken behind it; or `broken`. */
  | { readonly kind: 'hug'; readonly head: Doc; readonly last: Doc; readonly broken: Doc }
  | { readonly kind: 'concat'; readonly parts: readonly Doc[] };

export const text = (value: string): Doc => ({ kind: 'text', text: value });
export const line: Doc = { kind: 'line', flat: ' ' };
export const softline: Doc = { kind: 'line', flat: '' };
export const hard: Doc = { kind: 'hard', blank: false };
export const blankLine: Doc = { kind: 'hard', blank: true };
export const nothing: Doc = { kind: 'concat', parts: [] };
export const indent = (...parts: readonly Doc[]): Doc => ({ kind: 'indent', doc: concat(...parts) });
export const group = (...parts: readonly Doc[]): Doc => ({ kind: 'group', doc: concat(...parts) });
export const concat = (...parts: readonly Doc[]): Doc => ({ kind: 'concat', parts });
export const fill = (items: readonly Doc[]): Doc => ({ kind: 'fill', items });

export function join(parts: readonly Doc[], between: Doc): Doc {
  return concat(...parts.flatMap((p, i) => (i === 0 ? [p] : [between, p])));
}

interface Command {
  readonly indent: number;
  readonly flat: boolean;
  readonly doc: Doc;
}

/** The parts of a document directly inside it, in order, as they stand on one line. */
function inner(doc: Doc): readonly Doc[] {
  switch (doc.kind) {
    case 'text':
    case 'comment':
    case 'line':
    case 'hard':
      return [];
    case 'indent':
    case 'group':
      return [doc.doc];
    case 'fill':
      return doc.items.flatMap((item, i) => (i === 0 ? [item] : [line, item]));
    case 'hug':
      return [doc.head, doc.last];
    case 'concat':
      return doc.parts;
    default:
      return unreachable(doc);
  }
}

/** Whether a group must be broken: something in it ends a line where the group could break. */
function mustBreak(root: Doc): boolean {
  let sawLine = false;
  let ended = false;
  let must = false;
  const stack: Doc[] = [root];
  for (let doc = stack.pop(); doc !== undefined && !must; doc = stack.pop()) {
    if (doc.kind === 'hard') must = true;
    else if (doc.kind === 'line') {
      sawLine = true;
      must = ended;
    } else if (doc.kind === 'comment') {
      must = sawLine;
      ended = true;
    } else if (doc.kind === 'text') ended ||= doc.trailing !== undefined;
    else stack.push(...[...inner(doc)].reverse());
  }
  return must;
}

/** Whether the commands fit into `width` columns up to the first line break. */
function fits(first: readonly Command[], rest: readonly Command[], width: number): boolean {
  let left = width;
  let next = rest.length - 1;
  const stack = [...first];
  while (left >= 0) {
    let command = stack.pop();
    if (command === undefined) {
      command = rest[next];
      next -= 1;
      if (command === undefined) return true;
    }
    const { doc, flat } = command;
    switch (doc.kind) {
      case 'text':
        left -= doc.text.length;
        // A trailing comment may stand out over the width.
        if (doc.trailing !== undefined) return left >= 0;
        break;
      case 'comment':
      case 'hard':
        return true;
      case 'line':
        if (!flat) return true;
        left -= doc.flat.length;
        break;
      case 'group':
        stack.push({ ...command, flat: flat || !mustBreak(doc.doc), doc: doc.doc });
        break;
      case 'indent':
      case 'concat':
      case 'fill':
      case 'hug':
        for (const part of [...inner(doc)].reverse()) stack.push({ ...command, doc: part });
        break;
      default:
        return unreachable(doc);
    }
  }
  return false;
}

/** The text of a document, with one newline at the end. */
export function layout(doc: Doc, width: number): string {
  const out: string[] = [];
  let column = 0;
  // A comment was written: whatever comes next starts a new line.
  let mustEnd = false;
  const newline = (by: number, blank: boolean): void => {
    if (out.length > 0) out.push(blank ? '\n\n' : '\n');
    out.push(' '.repeat(by));
    column = by;
    mustEnd = false;
  };
  const write = (value: string, by: number): void => {
    if (mustEnd) {
      newline(by, false);
      // A space between two tokens is none at the start of a line.
      if (value === ' ') return;
    }
    out.push(value);
    column += value.length;
  };
  let atLineStart = true;
  const stack: Command[] = [{ indent: 0, flat: false, doc }];
  for (let c = stack.pop(); c !== undefined; c = stack.pop()) {
    const { doc: d, indent: by, flat } = c;
    switch (d.kind) {
      case 'text':
        if (d.text === '' && d.trailing === undefined) break;
        write(d.text, by);
        atLineStart = atLineStart && d.text === ' ';
        if (d.trailing !== undefined) {
          out.push(d.text === '' ? d.trailing : ` ${d.trailing}`);
          mustEnd = true;
        }
        break;
      case 'comment':
        if (!atLineStart || mustEnd) newline(by, d.blankBefore);
        else if (d.blankBefore && out.length > 1) newline(by, false);
        out.push(d.text);
        mustEnd = true;
        atLineStart = false;
        break;
      case 'hard':
        newline(by, d.blank);
        atLineStart = true;
        break;
      case 'line':
        if (!flat) {
          newline(by, false);
          atLineStart = true;
        } else if (!mustEnd) {
          out.push(d.flat);
          column += d.flat.length;
        }
        break;
      case 'indent':
        stack.push({ indent: by + 2, flat, doc: d.doc });
        break;
      case 'group': {
        const onOneLine = { indent: by, flat: true, doc: d.doc };
        const isFlat = flat || (!mustBreak(d.doc) && fits([onOneLine], stack, width - column));
        stack.push({ ...onOneLine, flat: isFlat });
        break;
      }
      case 'concat':
        for (const part of [...d.parts].reverse()) stack.push({ ...c, doc: part });
        break;
      case 'fill':
        stack.push(...fillCommands(d.items, c, column, width, stack));
        break;
      case 'hug':
        stack.push(...hugCommands(d, c, column, width, stack));
        break;
      default:
        unreachable(d);
    }
  }
  return `${out.join('').split('\n').map((l) => l.trimEnd()).join('\n').trimEnd()}\n`;
}

/** The first item, and the rest behind a break that is taken only if the next item needs it. Commands in reverse order. */
function fillCommands(items: readonly Doc[], c: Command, column: number, width: number, rest: readonly Command[]): readonly Command[] {
  const [first, second, ...others] = items;
  if (first === undefined) return [];
  const one = { ...c, flat: c.flat || !mustBreak(first), doc: first };
  if (second === undefined) return [one];
  const tail: Doc = fill([second, ...others]);
  if (c.flat) return [{ ...c, doc: tail }, { ...c, doc: line }, one];
  const together = concat(first, line, second);
  // What stands behind the list belongs to its last line only.
  const after = others.length === 0 ? rest : [{ ...c, flat: false, doc: line }];
  const isTogether = !mustBreak(together) && fits([{ ...c, flat: true, doc: together }], after, width - column);
  return [{ ...c, doc: tail }, { ...c, flat: isTogether, doc: line }, one];
}

function hugCommands(d: Extract<Doc, { readonly kind: 'hug' }>, c: Command, column: number, width: number, rest: readonly Command[]): readonly Command[] {
  const whole = concat(d.head, d.last);
  if (c.flat || (!mustBreak(whole) && fits([{ ...c, flat: true, doc: whole }], rest, width - column))) return [{ ...c, flat: true, doc: whole }];
  const last = { ...c, flat: false, doc: d.last.kind === 'group' ? d.last.doc : d.last };
  const head = { ...c, flat: true, doc: d.head };
  if (!mustBreak(concat(d.head, text(''))) && !endsLine(d.head) && fits([last, head], [], width - column)) return [last, head];
  return [{ ...c, flat: false, doc: d.broken }];
}

/** Whether a comment inside ends a line, which would put what follows at an odd place. */
function endsLine(root: Doc): boolean {
  const stack: Doc[] = [root];
  for (let doc = stack.pop(); doc !== undefined; doc = stack.pop()) {
    if (doc.kind === 'comment' || doc.kind === 'hard' || (doc.kind === 'text' && doc.trailing !== undefined)) return true;
    stack.push(...inner(doc));
  }
  return false;
}
