/**
 * Diagnostics as text and as JSON, and the nearest names they suggest.
 */
import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { diagnosticToJson, renderDiagnostic, renderDiagnostics } from '../../dsl/render-diagnostic.ts';
import { editDistance, nearestNames } from '../../dsl/suggest.ts';
import * as report from '../../dsl/catalogue/index.ts';

function diagnostic(start: number, end: number, more: Partial<Diagnostic> = {}): Diagnostic {
  return { code: 'FIL0999', kind: 'user', severity: 'error', message: 'something', primary: { span: { file: 'a.fil', start, end }, text: 'here' }, related: [], ...more };
}

const show = (text: string, d: Diagnostic): string => renderDiagnostic(d, new Map([['a.fil', text]]));

describe('text', () => {
  test('shows the line, the carets and the label', () => {
    expect(show('one\ntwo three\n', diagnostic(8, 13))).toBe('error[FIL0999]: something\n --> a.fil:2:5\n  |\n2 | two three\n  |     ^^^^^ here');
  });

  test('a span over several lines is marked to the end of its first', () => {
    expect(show('ab\ncd\n', diagnostic(1, 5))).toContain('1 | ab\n  |  ^ here');
  });

  test('an empty span and one behind the end get one caret', () => {
    expect(show('ab', diagnostic(2, 2))).toContain('1 | ab\n  |   ^ here');
    expect(show('ab', diagnostic(99, 200))).toContain('1 | ab\n  |   ^ here');
  });

  test('tabs take one column, wide characters two, combining marks none', () => {
    expect(show('\tx', diagnostic(1, 2))).toContain('1 |  x\n  |  ^ here');
    expect(show('\u4e2dx', diagnostic(1, 2))).toContain('1 | \u4e2dx\n  |   ^ here');
    expect(show('e\u0301x', diagnostic(2, 3))).toContain('  |  ^ here');
  });

  test('a long line is cut around the carets', () => {
    const text = `${'x'.repeat(300)}HERE${'y'.repeat(300)}`;
    const [, , , source, carets] = show(text, diagnostic(300, 304)).split('\n');
    expect(source?.length).toBeLessThan(115);
    expect(source?.slice(carets?.indexOf('^'), (carets?.lastIndexOf('^') ?? 0) + 1)).toBe('HERE');
  });

  test('line numbers of all places are aligned', () => {
    const text = 'a\n'.repeat(11);
    const related = [{ span: { file: 'a.fil', start: 20, end: 21 }, text: 'there' }];
    expect(show(text, diagnostic(0, 1, { related, help: 'mend it' }))).toBe(
      'error[FIL0999]: something\n  --> a.fil:1:1\n   |\n 1 | a\n   | ^ here\n  ::: a.fil:11:1\n   |\n11 | a\n   | - there\n   = help: mend it',
    );
  });

  test('without a text, or without a place, the message stands alone', () => {
    expect(renderDiagnostic(diagnostic(0, 1), new Map())).toBe('error[FIL0999]: something\n --> a.fil: here');
    expect(renderDiagnostic(report.fileNotReadable({ file: '', start: 0, end: 0 }, { path: 'x', reason: 'gone' }), new Map())).toBe('error[FIL0513]: cannot read x: gone');
  });

  test('a bug of ours is called one', () => {
    expect(show('a', report.internalError({ file: 'a.fil', start: 0, end: 1 }, { stage: 'plan', message: 'lost a tile' }))).toMatch(/^bug\[FIL0901\]: plan: lost a tile/);
  });

  test('colours are added only on request and change nothing else', () => {
    const plain = show('abc', diagnostic(1, 2));
    const colored = renderDiagnostic(diagnostic(1, 2), new Map([['a.fil', 'abc']]), { color: true });
    expect(colored).toContain('\u001b[1;31m');
    expect(colored.replaceAll(/\u001b\[[\d;]*m/g, '')).toBe(plain);
  });

  test('a list ends with a count', () => {
    expect(renderDiagnostics([diagnostic(0, 1), diagnostic(0, 1, { severity: 'warning' }), diagnostic(0, 1)], new Map())).toMatch(/\n\n2 errors, 1 warning$/);
    expect(renderDiagnostics([], new Map())).toBe('');
  });
});

test('JSON has offsets, and line and column where the text is known', () => {
  const d = diagnostic(4, 5, { help: 'h', related: [{ span: { file: 'b.fil', start: 0, end: 1 }, text: 'r' }] });
  expect(diagnosticToJson(d, new Map([['a.fil', 'abc\nd']]))).toEqual({
    code: 'FIL0999', kind: 'user', severity: 'error', message: 'something', help: 'h',
    place: { file: 'a.fil', start: 4, end: 5, line: 2, column: 1, label: 'here' },
    related: [{ file: 'b.fil', start: 0, end: 1, label: 'r' }],
  });
});

describe('nearest names', () => {
  test.each([['', '', 0], ['abc', 'abc', 0], ['abc', 'abd', 1], ['abc', 'acb', 1], ['abc', '', 3], ['kitten', 'sitting', 3]])('from %s to %s are %d edits', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });

  test('are those within a third of the length, best first', () => {
    expect(nearestNames('windw', ['window', 'widow', 'sinks', 'winds'])).toEqual(['window', 'winds']);
    expect(nearestNames('windw', ['window', 'sinks'])).toEqual(['window']);
    expect(nearestNames('stride', ['phase', 'width'])).toEqual([]);
    expect(nearestNames('x', ['y', 'z'])).toEqual([]);
    expect(nearestNames('Window', ['window'])).toEqual(['window']);
    expect(nearestNames('sink', ['sink_logits', 'link'])).toEqual(['link', 'sink_logits']);
  });

  test('cost little for garbage', () => {
    expect(nearestNames('x'.repeat(100_000), ['x'.repeat(90_000), 'window'])).toEqual(['x'.repeat(90_000)]);
  });
});
