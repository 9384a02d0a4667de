/**
 * Printing and parsing are inverse to each other, and formatting changes neither the tree nor, the second time, anything at all.
 */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Item } from '../../dsl/ast.ts';
import { formatSource } from '../../dsl/format-source.ts';
import { parseSource } from '../../dsl/parse.ts';
import { printExpression, printItems } from '../../dsl/print-ast.ts';
import { tokenize } from '../../dsl/tokens.ts';
import { exampleFiles } from './fuzz-support.ts';
import { isParserTree, randomExpr, randomItem, withoutSpans } from './random-ast.ts';

function parsed(text: string): readonly Item[] {
  const { ast, diagnostics } = parseSource('a.fil', text);
  expect(diagnostics.map((d) => `${d.code} ${d.message}`), text).toEqual([]);
  return ast.items;
}

function formatted(text: string): string {
  const result = formatSource(text);
  if (!result.ok) throw new Error(`${text}\n${result.diagnostics.map((d) => d.message).join('\n')}`);
  return result.value;
}

const itemLists = fc.array(randomItem, { minLength: 1, maxLength: 3 }).filter((items) => items.every((i) => isParserTree(i)));

describe('random trees', () => {
  test('an expression printed and parsed is the same tree', () => {
    fc.assert(
      fc.property(randomExpr.filter(isParserTree), (e) => {
        const [item] = parsed(`mask m = ${printExpression(e)}`);
        expect(withoutSpans(item?.kind === 'mask' ? item.body : undefined)).toEqual(withoutSpans(e));
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  test('a file printed and parsed is the same tree, and formatting keeps it', () => {
    fc.assert(
      fc.property(itemLists, (items) => {
        const text = printItems(items);
        expect(withoutSpans(parsed(text))).toEqual(withoutSpans(items));
        const pretty = formatted(text);
        expect(withoutSpans(parsed(pretty)), pretty).toEqual(withoutSpans(items));
        expect(formatted(pretty)).toBe(pretty);
      }),
      { numRuns: 150, seed: 12 },
    );
  });

  test('comments and line breaks at any place survive formatting, in order, and settle at once', () => {
    const trivia = fc.constantFrom(' // note\n', '\n// own line\n', '\n\n// apart\n\n', '\n', ' /// doc\n', '\n/// doc\n', '  ', '\n\n\n', ' // a\n// b\n');
    fc.assert(
      fc.property(itemLists, fc.array(fc.tuple(fc.nat(), trivia), { minLength: 1, maxLength: 6 }), (items, places) => {
        let text = printItems(items);
        for (const [place, extra] of places) {
          const tokens = tokenize(text).tokens;
          const at = tokens[place % tokens.length]?.startOffset ?? 0;
          text = text.slice(0, at) + extra + text.slice(at);
        }
        const before = tokenize(text);
        const pretty = formatted(text);
        expect(tokenize(pretty).comments.map((c) => c.text), text).toEqual(before.comments.map((c) => c.text));
        expect(formatted(pretty), text).toBe(pretty);
      }),
      { numRuns: 250, seed: 13 },
    );
  });
});

describe('the examples', () => {
  test.each(exampleFiles())('%s keep their tree and settle at once', (path) => {
    const text = readFileSync(path, 'utf8');
    const pretty = formatted(text);
    expect(withoutSpans(parsed(pretty))).toEqual(withoutSpans(parsed(text)));
    expect(withoutSpans(parsed(printItems(parsed(text))))).toEqual(withoutSpans(parsed(text)));
    expect(formatted(pretty)).toBe(pretty);
  });
});
