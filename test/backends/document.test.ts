import { describe, expect, it } from 'vitest';
import { block, concat, group, indent, join, lines, list, newline, nothing, originOfLine, render, soft, text, withOrigin, type Doc } from '../../backends/document.ts';
import { originAt } from './kernels.ts';

const words = (count: number): readonly Doc[] => Array.from({ length: count }, (_, i) => text('word' + String(i)));

describe('a document', () => {
  it('prints text, lines and indentation, without trailing blanks', () => {
    const doc = block(text('while (x) {'), [text('a;'), nothing, block(text('if (y) {'), [text('b;')], text('}'))], text('}'));
    expect(render(doc).text).toBe('while (x) {\n  a;\n\n  if (y) {\n    b;\n  }\n}\n');
  });
  it('keeps a list on one line where it fits, and gives each item a line where it does not', () => {
    expect(render(list('f(', words(3), ')')).text).toBe('f(word0, word1, word2)\n');
    expect(render(list('f(', words(3), ')'), { width: 16, step: '  ' }).text).toBe('f(\n  word0,\n  word1,\n  word2\n)\n');
    expect(render(list('f(', [], ')')).text).toBe('f()\n');
  });
  it('breaks outer groups before inner ones', () => {
    const inner = list('g(', words(2), ')');
    const doc = group(concat('f(', indent(concat(soft(''), inner, ',', soft(' '), inner)), soft(''), ')'));
    expect(render(doc, { width: 20, step: '  ' }).text).toBe('f(\n  g(word0, word1),\n  g(word0, word1)\n)\n');
  });
  it('counts what stands before a group on its line', () => {
    expect(render(concat('0123456789', list('(', words(2), ')')), { width: 20, step: '  ' }).text).toBe('0123456789(\n  word0,\n  word1\n)\n');
  });
  it('knows for each line the innermost origin that began it', () => {
    const doc = withOrigin(originAt(1), lines([text('a'), withOrigin(originAt(2), block(text('{'), [withOrigin(originAt(3), text('b'))], text('}'))), text('c')]));
    const { text: printed, regions } = render(doc);
    expect(printed.trimEnd().split('\n').map((line, i) => [line.trim(), regions[i]?.span.start])).toEqual([['a', 1], ['{', 2], ['b', 3], ['}', 2], ['c', 1]]);
  });
  it('finds the origin of a line without one from the lines above', () => {
    const { regions } = render(join(newline, [withOrigin(originAt(5), text('a')), nothing, nothing]));
    expect([0, 1, 2, 3, 99].map((line) => originOfLine(regions, line)?.span.start)).toEqual([undefined, 5, 5, 5, 5]);
    expect(originOfLine([], 1)).toBeUndefined();
  });
});
