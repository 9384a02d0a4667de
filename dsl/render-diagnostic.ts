/**
 * Diagnostics as text for people and as JSON for programs. In: a diagnostic and the texts of the files it may point into.
 * Out: `error[CODE]: message`, the place, the source line with carets and labels, related places, help. Places in files whose text is
 * not given, and diagnostics without a place, are told without carets.
 */
import type { Diagnostic, Label } from './diagnostic.ts';
import { lineColumn } from './span.ts';
import type { Span } from './span.ts';

export type Sources = ReadonlyMap<string, string>;

export interface RenderOptions {
  /** ANSI colours for a terminal. */
  readonly color?: boolean;
  /** Longest source line shown; longer ones are cut around the carets. */
  readonly width?: number;
}

type Style = 'error' | 'warning' | 'place' | 'note' | 'bold';

const ansi: Readonly<Record<Style, string>> = { error: '\u001b[1;31m', warning: '\u001b[1;33m', place: '\u001b[34m', note: '\u001b[36m', bold: '\u001b[1m' };

type Paint = (style: Style, text: string) => string;

function painter(color: boolean): Paint {
  return (style, text) => (color && text !== '' ? `${ansi[style]}${text}\u001b[0m` : text);
}

/** Lines without a final newline. */
export function renderDiagnostic(d: Diagnostic, sources: Sources, options: RenderOptions = {}): string {
  const paint = painter(options.color === true);
  const width = options.width ?? 100;
  const kind = d.kind === 'bug' ? 'bug' : d.severity;
  const lines = [`${paint(d.severity, `${kind}[${d.code}]`)}${paint('bold', `: ${d.message}`)}`];
  const places: readonly { readonly label: Label; readonly mark: string; readonly style: Style }[] = [
    { label: d.primary, mark: '^', style: d.severity },
    ...d.related.map((label) => ({ label, mark: '-', style: 'note' as const })),
  ];
  const shown = places.filter((p) => p.label.span.file !== '');
  const numbers = shown.map((p) => lineColumn(sources.get(p.label.span.file) ?? '', p.label.span.start).line);
  const gutter = String(Math.max(0, ...numbers)).length;
  shown.forEach(({ label, mark, style }, i) => {
    const arrow = i === 0 ? '-->' : ':::';
    lines.push(...renderPlace(label, sources.get(label.span.file), { arrow, mark, style, gutter, width, paint }));
  });
  if (d.help !== undefined) lines.push(`${' '.repeat(gutter)} ${paint('place', '=')} ${paint('bold', 'help')}: ${d.help}`);
  return lines.join('\n');
}

interface PlaceStyle {
  readonly arrow: string;
  readonly mark: string;
  readonly style: Style;
  readonly gutter: number;
  readonly width: number;
  readonly paint: Paint;
}

function renderPlace(label: Label, text: string | undefined, { arrow, mark, style, gutter, width, paint }: PlaceStyle): readonly string[] {
  const { span } = label;
  const pad = ' '.repeat(gutter);
  if (text === undefined) return [`${pad}${paint('place', arrow)} ${span.file}${label.text === '' ? '' : `: ${label.text}`}`];
  const { line, column } = lineColumn(text, span.start);
  const { shown, from, length } = excerpt(text, span, width);
  const bar = paint('place', '|');
  const under = `${' '.repeat(visibleWidth(shown.slice(0, from)))}${paint(style, mark.repeat(length))}`;
  return [
    `${pad}${paint('place', arrow)} ${span.file}:${line}:${column}`,
    `${pad} ${bar}`,
    `${paint('place', String(line).padStart(gutter))} ${bar} ${shown}`,
    `${pad} ${bar} ${under}${label.text === '' ? '' : ` ${paint(style, label.text)}`}`,
  ];
}

/** The line of the span's start without tabs, where in it the carets begin, and how many there are. */
function excerpt(text: string, span: Span, width: number): { readonly shown: string; readonly from: number; readonly length: number } {
  const start = Math.min(span.start, text.length);
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const newline = text.indexOf('\n', start);
  const lineEnd = newline < 0 ? text.length : newline;
  const line = clean(text.slice(lineStart, lineEnd));
  const column = start - lineStart;
  const length = Math.max(1, Math.min(span.end, lineEnd) - start);
  if (line.length <= width) return { shown: line.trimEnd(), from: column, length };
  // A long line is cut so that the carets stay in view.
  const cut = Math.max(0, Math.min(column - Math.floor(width / 3), line.length - width));
  const window = line.slice(cut, cut + width);
  const before = cut > 0 ? '...' : '';
  const after = cut + width < line.length ? '...' : '';
  const from = before.length + column - cut;
  return { shown: before + window + after, from, length: Math.max(1, Math.min(length, before.length + window.length - from)) };
}

/** Tabs and control characters take one column, so that carets line up. */
function clean(line: string): string {
  return line.replace(/\r$/, '').replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
}

/** Columns on a terminal: wide characters take two, marks that combine none. */
function visibleWidth(text: string): number {
  let width = 0;
  for (const c of text) {
    const code = c.codePointAt(0) ?? 0;
    const isCombining = /\p{Mark}|\u200d|\ufe0f/u.test(c);
    const isWide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) || (code >= 0x1f300 && code <= 0x1faff);
    width += isCombining ? 0 : isWide ? 2 : 1;
  }
  return width;
}

/** Several diagnostics, with an empty line between two, and a count at the end. */
export function renderDiagnostics(list: readonly Diagnostic[], sources: Sources, options: RenderOptions = {}): string {
  if (list.length === 0) return '';
  const errors = list.filter((d) => d.severity === 'error').length;
  const warnings = list.length - errors;
  const parts = [count(errors, 'error'), count(warnings, 'warning')].filter((p) => p !== '');
  return [...list.map((d) => renderDiagnostic(d, sources, options)), parts.join(', ')].join('\n\n');
}

function count(n: number, noun: string): string {
  return n === 0 ? '' : `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** A place in JSON: offsets and, where the text is known, line and column (1-based). */
export interface JsonPlace {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly line?: number;
  readonly column?: number;
  readonly label: string;
}

export interface JsonDiagnostic {
  readonly code: string;
  readonly kind: string;
  readonly severity: string;
  readonly message: string;
  readonly place: JsonPlace;
  readonly related: readonly JsonPlace[];
  readonly help?: string;
}

/** The machine-readable form. */
export function diagnosticToJson(d: Diagnostic, sources: Sources): JsonDiagnostic {
  const place = ({ span, text: label }: Label): JsonPlace => {
    const text = sources.get(span.file);
    const base = { file: span.file, start: span.start, end: span.end, label };
    return text === undefined ? base : { ...base, ...lineColumn(text, span.start) };
  };
  const base = { code: d.code, kind: d.kind, severity: d.severity, message: d.message, place: place(d.primary), related: d.related.map(place) };
  return d.help === undefined ? base : { ...base, help: d.help };
}
