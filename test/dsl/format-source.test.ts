/**
 * Canonical layout, shown on source that is laid out badly.
 */
import { describe, expect, test } from 'vitest';
import { formatSource, lineWidth } from '../../dsl/format-source.ts';

function formatted(text: string): string {
  const result = formatSource(text);
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('\n'));
  return result.value;
}

describe('layout', () => {
  test('declarations are one line apart, imports close together, bodies on their own line', () => {
    expect(formatted('import a,b   as c from "./x.fil"\nimport d from "./y.fil"\n\n\n\nmask m=a&  b\nmask n ( w:int tokens=4 ,)= band( 0..w )\nattention t{mask n(w=3)scale 0.5}')).toBe(
      [
        'import a, b as c from "./x.fil"', 'import d from "./y.fil"', '', 'mask m =', '  a & b', '', 'mask n(w: int tokens = 4) =', '  band(0 .. w)', '',
        'attention t {', '  mask n(w = 3)', '  scale 0.5', '}', '',
      ].join('\n'),
    );
  });

  test('long chains break before their loosest operators, and the last bracket may open on the line', () => {
    const text = formatted('mask m(w: int, s: int) = causal & (band(0 .. w) | keys(0 .. s) & queries(0 .. 128) | { (q, k) => (q - k) mod 64 == 3 & q div 64 != k div 64 })');
    expect(text).toBe(
      [
        'mask m(w: int, s: int) =', '  causal & (', '    band(0 .. w)', '    | keys(0 .. s) & queries(0 .. 128)', '    | { (q, k) => (q - k) mod 64 == 3 & q div 64 != k div 64 }', '  )', '',
      ].join('\n'),
    );
  });

  test('let starts a new line for its body, and clauses hang under their word', () => {
    const text = formatted('attention a(w:int){mask let x = w*2; band(0 .. x) score s => let d=float(q-k); s-d schedule{query_tile=64,splits=2}}');
    expect(text).toBe(
      ['attention a(w: int) {', '  mask', '    let x = w * 2;', '    band(0 .. x)', '  score s =>', '    let d = float(q - k);', '    s - d', '  schedule { query_tile = 64, splits = 2 }', '}', ''].join('\n'),
    );
  });

  test('else if stays at one level', () => {
    const text = formatted('mask m = { (q, k) => if q div 1000 == k div 1000 then q - k < 1000 else if q mod 7 == k mod 7 then q - k < 70000 else false }');
    expect(text).toBe(
      ['mask m =', '  { (q, k) =>', '    if q div 1000 == k div 1000', '      then q - k < 1000', '    else if q mod 7 == k mod 7', '      then q - k < 70000', '    else false }', ''].join('\n'),
    );
  });

  test('cases of a long choice stand one below the other', () => {
    const text = formatted('mask m(which: int[heads]) = per head choose which[h] { 0 => causal & band(0 .. 1024), 1 => causal & keys(0 .. 64), else => causal }');
    expect(text).toBe(
      ['mask m(which: int[heads]) =', '  per head choose which[h] {', '    0 => causal & band(0 .. 1024),', '    1 => causal & keys(0 .. 64),', '    else => causal', '  }', ''].join('\n'),
    );
  });

  test('lines stay within the width where tokens allow', () => {
    const wide = `mask m(${Array.from({ length: 30 }, (_, i) => `parameter_${i}: int`).join(', ')}) = ${Array.from({ length: 30 }, (_, i) => `band(0 .. parameter_${i})`).join(' | ')}`;
    for (const line of formatted(wide).split('\n')) expect(line.length).toBeLessThanOrEqual(lineWidth);
  });

  test('parentheses stay as they are written', () => {
    expect(formatted('mask m = ((a)) & (b & c)')).toBe('mask m =\n  ((a)) & (b & c)\n');
  });
});

describe('comments', () => {
  test('stay with what they stand before or behind', () => {
    const text = [
      '// head of the file', '', '// about m', '/// Doc of m.', 'mask m( // params', '  /// How far.', '  w: int) = // body', '  causal // first', '  // then', '  & band(0 .. w)', '', '',
      'attention a {', '  // the mask', '  mask m(3) // trailing', '', '  // last', '}', '// end',
    ].join('\n');
    expect(formatted(text)).toBe(
      [
        '// head of the file', '', '// about m', '/// Doc of m.', 'mask m( // params', '  /// How far.', '  w: int', ') = // body', '  causal // first', '  // then', '  & band(0 .. w)', '',
        'attention a {', '  // the mask', '  mask m(3) // trailing', '  // last', '}', '', '// end', '',
      ].join('\n').replace('}\n\n// end', '}\n// end'),
    );
  });

  test('a file of comments only, and an empty file, stay what they are', () => {
    expect(formatted('\n\n// only this\n\n\n// and this')).toBe('// only this\n\n// and this\n');
    expect(formatted('  \n\n')).toBe('');
  });

  test('a comment behind a dropped comma is kept', () => {
    expect(formatted('mask m(w: int, // note\n) = band(0 .. w)')).toBe('mask m(\n  w: int // note\n) =\n  band(0 .. w)\n');
  });
});

test('text with syntax errors is refused with its diagnostics', () => {
  const result = formatSource('mask m = ');
  expect(result.ok).toBe(false);
  expect(result.diagnostics.map((d) => d.code)).toEqual(['FIL0111']);
});

test('names and types are not the formatter\'s concern', () => {
  expect(formatted('mask m=nowhere+1')).toBe('mask m =\n  nowhere + 1\n');
});
