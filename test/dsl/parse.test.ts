/**
 * The parser: what groups with what, what is recovered from, and that no input is too much for it.
 */
import { describe, expect, test } from 'vitest';
import type { Expr } from '../../dsl/ast.ts';
import { expressionDepthLimit, nestingLimit } from '../../dsl/nesting.ts';
import { parseSource } from '../../dsl/parse.ts';
import { printExpression } from '../../dsl/print-ast.ts';

function bodyOf(source: string): Expr {
  const { ast, diagnostics } = parseSource('a.fil', `mask m = ${source}`);
  expect(diagnostics).toEqual([]);
  const [item] = ast.items;
  if (item?.kind !== 'mask') throw new Error('no mask');
  return item.body;
}

/** All parentheses written out. */
function grouped(e: Expr): string {
  if (e.kind === 'binary') return `(${grouped(e.left)} ${e.op} ${grouped(e.right)})`;
  if (e.kind === 'unary') return `(${e.op}${grouped(e.arg)})`;
  if (e.kind === 'let') return `(let ${e.name.name} = ${grouped(e.value)}; ${grouped(e.body)})`;
  if (e.kind === 'if') return `(if ${grouped(e.cond)} then ${grouped(e.then)} else ${grouped(e.otherwise)})`;
  if (e.kind === 'any') return `(any ${e.variable.name} in ${grouped(e.from)} .. ${grouped(e.to)}: ${grouped(e.body)})`;
  return printExpression(e);
}

function codes(source: string): readonly string[] {
  return parseSource('a.fil', source).diagnostics.map((d) => d.code);
}

describe('operators', () => {
  test.each([
    ['a | b & c', '(a | (b & c))'],
    ['a & b == c + d * e', '(a & (b == (c + (d * e))))'],
    ['a - b - c', '((a - b) - c)'],
    ['a div b mod c * d / e', '((((a div b) mod c) * d) / e)'],
    ['a & b - c', '(a & (b - c))'],
    ['~a & b', '((~a) & b)'],
    ['~a - b', '((~a) - b)'],
    ['-a mod b', '((-a) mod b)'],
    ['-8 mod 3', '(-8 mod 3)'],
    ['q -8', '(q - 8)'],
    ['q - -8', '(q - -8)'],
    ['--8', '(--8)'],
    ['a | let x = 1; b | c', '(a | (let x = 1; (b | c)))'],
    ['if a then b else c | d', '(if a then b else (c | d))'],
    ['any t in 0 .. n - 1: a & b', '(any t in 0 .. (n - 1): (a & b))'],
    ['(a | b) & c', '((a | b) & c)'],
  ])('%s groups as %s', (source, expected) => {
    expect(grouped(bodyOf(source))).toBe(expected);
  });
});

describe('numbers', () => {
  test.each([
    ['1_000', 1000], ['0xff', 255], ['0xFFFF_FFFF', -1], ['0x8000_0000', -2147483648], ['-2147483648', -2147483648], ['2147483647', 2147483647], ['007', 7],
  ])('%s is the int %d', (source, value) => {
    expect(bodyOf(source)).toMatchObject({ kind: 'int', value });
  });

  test.each([['0.5', 0.5], ['1e-3', 0.001], ['-2.5', -2.5], ['1_0.5', 10.5]])('%s is the float %d', (source, value) => {
    expect(bodyOf(source)).toMatchObject({ kind: 'float', value });
  });

  test.each(['12abc', '1.5.2', '0x', '1__0', '1_', '0x_1', '1e', '3f'])('%s is not a number', (source) => {
    expect(codes(`mask m = ${source}`)).toContain('FIL0102');
  });

  test.each(['2147483648', '-2147483649', '0x1_0000_0000', '1e39', '99999999999999999999999'])('%s is too large', (source) => {
    expect(codes(`mask m = ${source}`)).toEqual(['FIL0103']);
  });
});

describe('declarations', () => {
  test('doc comments belong to the next declaration or parameter, ordinary and trailing comments to nothing', () => {
    const { ast } = parseSource('a.fil', '/// First.\n// not this\n///  Second.\nmask m(\n  /// How far.\n  w: int, // near\n  /// List.\n  l: int[n]) = causal /// trailing\nmask n = all\n');
    const [m, n] = ast.items;
    expect(m).toMatchObject({ kind: 'mask', doc: ['First.', ' Second.'], params: [{ doc: ['How far.'] }, { doc: ['List.'] }] });
    expect(n).toMatchObject({ doc: [] });
  });

  test('words with a meaning in one place only are names elsewhere', () => {
    const source = 'attention a(scale: float, score: int, head: int[heads]) { mask band(0 .. score + head) scale scale * 2.0 score sink => sink }';
    expect(parseSource('a.fil', source).diagnostics).toEqual([]);
  });

  test('spans cover what they name', () => {
    const text = 'mask m(w: int = 4) = (causal | all) & band(0 .. w)';
    const [item] = parseSource('a.fil', text).ast.items;
    if (item?.kind !== 'mask' || item.body.kind !== 'binary') throw new Error('no chain');
    const at = (s: { readonly start: number; readonly end: number }): string => text.slice(s.start, s.end);
    expect(at(item.span)).toBe(text);
    expect(at(item.body.span)).toBe('(causal | all) & band(0 .. w)');
    expect(at(item.body.left.span)).toBe('causal | all');
    expect(at(item.params[0]?.span ?? item.span)).toBe('w: int = 4');
  });
});

describe('errors', () => {
  test('several independent errors are told in one run, and what is between them is read', () => {
    const { ast, diagnostics } = parseSource('a.fil', 'mask a = causal &\nmask b = (1 + 2\nmask good = none\nattention c(w: int { mask all }\nmask d = f(1 2)\nmask last = all\n');
    expect(diagnostics.map((d) => d.code)).toEqual(['FIL0111', 'FIL0110', 'FIL0110', 'FIL0110']);
    expect(ast.items.map((i) => (i.kind === 'import' ? '' : i.name.name))).toEqual(['a', 'b', 'good', 'c', 'd', 'last']);
  });

  test('an unknown clause does not hide those behind it', () => {
    const { ast, diagnostics } = parseSource('a.fil', 'attention a { mask causal\n sinks 3\n scale 0.5 }');
    expect(diagnostics.map((d) => d.code)).toEqual(['FIL0113']);
    expect(ast.items[0]).toMatchObject({ clauses: [{ kind: 'mask' }, { kind: 'scale' }] });
  });

  test.each([
    ['mask m = (0 .. 4)', 'a range'],
    ['mask m = a = b', 'a comparison is written `==`'],
    ['mask m = f(a = b = c)', 'a comparison is written `==`'],
    ['mask m = causal }', 'no bracket is open here'],
    ['mask if = causal', '`if` is a reserved word'],
    ['attention a { mask causal; }', 'follow each other without it'],
    ['attention a { mask causal  score s + 1 }', '`score s => s * 2`'],
  ])('%s helps with: %s', (source, help) => {
    expect(parseSource('a.fil', source).diagnostics[0]?.help).toContain(help);
  });

  test('a reserved word as a name is told once, where it is declared, whatever its uses', () => {
    const source = 'mask m(per: int, const top: int, mod: int = 4, any: bool) =\n  band(0 .. per) & { (q, k) => q mod mod == top - per }\n';
    const { ast, diagnostics } = parseSource('a.fil', source);
    expect(diagnostics.map((d) => [d.code, source.slice(d.primary.span.start, d.primary.span.end)])).toEqual(
      [['FIL0204', 'per'], ['FIL0204', 'top'], ['FIL0204', 'mod'], ['FIL0204', 'any']],
    );
    expect(ast.items[0]).toMatchObject({ params: [{ name: { name: 'per' } }, { name: { name: 'top' } }, { name: { name: 'mod' } }, { name: { name: 'any' } }] });
    expect(codes('stage s {\n  index per in keys\n  let top = 3\n  y[per] = top * 2\n}\n')).toEqual(['FIL0204', 'FIL0204']);
    // The words themselves keep their meaning.
    expect(codes('mask m(per: int) = per head choose per { 0 => causal }\n')).toEqual(['FIL0204']);
  });

  test('comments of other languages are one error each', () => {
    expect(codes('# a b c\nmask m = all /* x\n y */ # z\n')).toEqual(['FIL0101', 'FIL0101', 'FIL0101']);
  });

  test('an error at the end of the file stands behind the last token', () => {
    const [d] = parseSource('a.fil', 'mask m = causal |   \n\n').diagnostics;
    expect(d?.primary.span).toMatchObject({ start: 17, end: 17 });
  });
});

describe('limits', () => {
  const nest = (open: string, inner: string, close: string, n: number): string => `mask m = ${open.repeat(n)}${inner}${close.repeat(n)}`;

  test.each([
    ['(', 'a', ')'], ['f(', 'a', ')'], ['if a then b else ', 'c', ''], ['let x = 1; ', 'x', ''], ['any t in 0 .. 1: ', 'a', ''], ['{ (q, k) => ', 'a', ' }'],
    ['t[', 'a', ']'], ['if ', 'a', ' then b else c'], ['per head choose a { 0 => ', 'b', ' }'],
  ])('nesting of %s up to the limit is read, beyond it is refused', (open, inner, close) => {
    // The header of a predicate is one level by itself; a choice has its word and its braces.
    const levels = open.startsWith('per') ? nestingLimit / 2 : open.startsWith('{') ? nestingLimit - 1 : nestingLimit;
    expect(codes(nest(open, inner, close, levels))).toEqual([]);
    expect(codes(nest(open, inner, close, levels + 1))).toEqual(['FIL0105']);
    expect(codes(nest(open, inner, close, 2000))).toEqual(['FIL0105']);
    expect(codes(nest(open, '', '', 2000))).toEqual(['FIL0105']);
  });

  test('nesting counts per declaration, even where a bracket stays open', () => {
    const item = 'mask m = f(if a then b else (c\n';
    expect(codes(item.repeat(200))).not.toContain('FIL0105');
  });

  test.each(['a | ', 'a - ', '- ', '~ '])('a chain of %s up to the limit is read, beyond it is refused', (step) => {
    expect(codes(`mask m = ${step.repeat(expressionDepthLimit)}a`)).toEqual([]);
    expect(codes(`mask m = ${step.repeat(expressionDepthLimit + 1)}a`)).toEqual(['FIL0106']);
    expect(codes(`mask m = ${step.repeat(5000)}a`)).toEqual(['FIL0106']);
  });

  test.each([
    ['closers that do not fit', ' | { (q, k) => any t in 0 .. )'],
    ['words that recovery skips', 'per head choose a mask { '],
    ['brackets that recovery skips', 'f( ] '],
    ['declarations inside brackets', '(attention b { mask ( '],
  ])('%s do not let nesting grow without a limit', (_name, piece) => {
    const { diagnostics } = parseSource('a.fil', `mask m = a${piece.repeat(1500)}`);
    expect(diagnostics.some((d) => d.severity === 'error')).toBe(true);
    // The parser is as good as new afterwards.
    expect(codes('mask m = all')).toEqual([]);
  });

  test('garbage of any kind ends in a bounded list of diagnostics', () => {
    for (const piece of ['mask = )', 'é', '"', '\0', '{ (', 'attention a { ', '=> ', '\ud800', '/*', '1e', 'mask a = 1 +']) {
      const { diagnostics } = parseSource('a.fil', piece.repeat(800));
      expect(diagnostics.length, piece).toBeGreaterThan(0);
      expect(diagnostics.length, piece).toBeLessThanOrEqual(100);
    }
  });
});
