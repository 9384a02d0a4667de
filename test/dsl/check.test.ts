/**
 * What the checker accepts, what it refuses and how it keeps from repeating itself. The wording of each message is in
 * test/errors; here it is about which programs mean something.
 */
import { describe, expect, test } from 'vitest';
import { readProgram } from '../../dsl/program.ts';

function codes(source: string): readonly string[] {
  return readProgram('main.fil', (path) => (path === 'main.fil' ? source : undefined)).diagnostics.map((d) => d.code);
}

const mask = (body: string, params = ''): string => `mask m${params === '' ? '' : `(${params})`} = ${body}`;
const pred = (body: string, params = ''): string => mask(`{ (q, k) => ${body} }`, params);

describe('accepted', () => {
  test.each([
    ['every constructor', mask('all & none | causal - band(-2 .. 3) & keys(0 .. n_k) & queries(0 .. n_q) & levels(1 .. 4)')],
    ['lists with any leading batch and heads axes', mask('keys(a) | queries(b2) | slashes(c)', 'a: int[n], b2: int[batch, n], c: int[batch, heads, 12]')],
    ['lists per key-value head', mask('keys(a)', 'a: int[kv_heads, n]')],
    ['segments and tables', mask('segments(d) & tiles(t)', 'd: int[batch, keys], t: bool[heads, queries / 64, keys / 32]')],
    ['block sizes from parameters', mask('tiles(t)', 'const c: int, v: int tokens, t: bool[queries / c, keys / v]')],
    ['a tensor per head where a number is needed', mask('band(0 .. w)', 'w: int[heads]')],
    ['indices with batch and heads left out', pred('doc[q] == doc[k] & kind[b, h, k] == 1 & kind[k] == 1', 'doc: int[batch, keys], kind: int[batch, heads, keys]')],
    ['all functions', pred('abs(q - k) + min(q, k, 3) + max(q, k) + clamp(q, 0, 9) + bit_and(q, bit_or(k, bit_xor(q, 1))) + shl(q, 1) + shr(k, 2) + bit_length(q) + popcount(k) + level(q, k) > 0')],
    ['float functions of ints and floats', 'attention a { mask all score s => exp(s) + log(2) + tanh(1.0) + sqrt(n_k) + rsqrt(dim) + float(q) }'],
    ['int beside float', 'attention a(x: float = 1) { mask all scale 1 / dim score s => if q == k then s * 2 else x + 1 }'],
    ['if, let and any over masks and numbers', mask('let w = n_k div 2; if on then causal & band(0 .. w) else { (q, k) => any t in 0 .. w: t == k & q > t }', 'on: bool')],
    ['extents of free axes', pred('any t in 0 .. n: cols[h, t] == k', 'cols: int[heads, n]')],
    ['comparison of bools', pred('(q < 3) == (k < 3) & true != false')],
    ['renamed positions', mask('{ (i, j) => i - j == 0 } & { (q, j) => q == j }')],
    ['per-head choice by a bare tensor', mask('per head choose which { 0 => causal, -1 => all }', 'which: int[heads]')],
    ['masks with defaults, named arguments and no parentheses', `mask w(n: int = 4, p: float = 1) = { (q, k) => float(q - k) * p < n }\n${mask('w & w() & w(3) & w(p = 2) & w(3, p = 2.5)')}`],
    ['tensors passed on, with leading axes of their own', `mask v(list: int[n], doc: int[keys]) = keys(list) & segments(doc) & { (q, k) => any t in 0 .. n: list[t] == k }\n${mask('v(a, d)', 'a: int[heads, cols], d: int[batch, keys]')}`],
    ['a let for a tensor', mask('let c = a; keys(c)', 'a: int[heads, n]')],
    ['units that agree', mask('band(0 .. w + 1) & keys(0 .. n_k - w) & band(0 .. r * 64)', 'w: int tokens, r: int tiles')],
    ['a parameter named like a function or a mask', `mask window(window: int) = band(0 .. window)\n${mask('segments(segments) & band(0 .. level)', 'segments: int[keys], level: int')}`],
    ['pins from constants', 'attention a(const t: int = 32) { mask all schedule { query_tile = t * 2, key_tile = 64, splits = 1 } }'],
    ['extents from constants', pred('list[k mod c] == 0', 'const c: int, list: int[c]')],
    ['defaults that are computed', mask('band(0 .. w)', 'w: int = 4 * 1024 + (if true then 1 else 0)')],
    ['two tensors that share an axis', pred('any t in 0 .. n: cols[t] == k & vals[t] > 0.5', 'cols: int[heads, n], vals: float[heads, n]')],
    ['nothing but comments', '// nothing\n'],
  ])('%s', (_name, source) => {
    expect(codes(source)).toEqual([]);
  });
});

describe('refused, each with one error', () => {
  test.each([
    ['FIL0303', pred('q + true == 1')],
    ['FIL0303', pred('-(q == k)')],
    ['FIL0303', mask('-causal')],
    ['FIL0303', pred('q div 2.0 == 1')],
    ['FIL0303', pred('~q == 0')],
    ['FIL0303', pred('(q < 1) < (k < 1)')],
    ['FIL0304', mask('band(0 .. 1.5)')],
    ['FIL0304', pred('if q then true else false')],
    ['FIL0304', mask('{ (q, k) => any t in 0 .. 2: t }')],
    ['FIL0304', 'attention a { mask all scale true }'],
    ['FIL0304', `mask w(n: int) = band(0 .. n)\n${mask('w(1.0)')}`],
    ['FIL0306', mask('band(0 .. r)', 'r: int tiles')],
    ['FIL0306', pred('q - k < r', 'r: int tiles')],
    ['FIL0306', pred('min(q, r) == 0', 'r: int tiles')],
    ['FIL0306', pred('t[q, k]', 't: bool[queries / 64, keys / 64]')],
    ['FIL0306', pred('x[k + r * 1] == x[r]', 'x: int[keys], r: int tiles')],
    ['FIL0306', mask('keys(list)', 'list: int tiles [n]')],
    ['FIL0308', mask('band(0 .. causal)')],
    ['FIL0308', pred('{ (q, k) => true }')],
    ['FIL0309', mask('if true then causal else 1')],
    ['FIL0309', mask('3')],
    ['FIL0309', mask('causal - 1')],
    ['FIL0311', pred('t[k] == 0', 't: int[queries, keys]')],
    ['FIL0311', pred('t[b, h, k, 1] == 0', 't: int[batch, heads, keys]')],
    ['FIL0314', 'attention a(t: int) { mask band(0 .. t) schedule { splits = t } }'],
    ['FIL0401', mask('causal(1)')],
    ['FIL0401', `mask w(n: int) = band(0 .. n)\n${mask('w(1, 2)')}`],
    ['FIL0402', mask('band(width = 0 .. 3)')],
    ['FIL0403', `mask w(n: int, o: int) = band(n .. o)\n${mask('w(n = 1, 2)')}`],
    ['FIL0404', `mask w(n: int) = band(0 .. n)\n${mask('w')}`],
    ['FIL0406', mask('slashes(0 .. 3)')],
    ['FIL0406', pred('abs(0 .. 3) == 0')],
    ['FIL0408', `mask w(l: int[n]) = keys(l)\n${mask('w(3)')}`],
    ['FIL0409', mask('tiles(t)', 't: int[queries / 64, keys / 64]')],
    ['FIL0409', mask('tiles(t)', 't: bool[keys / 64, queries / 64]')],
    ['FIL0409', mask('keys(l)', 'l: int[n, heads]')],
    ['FIL0409', mask('keys(l)', 'l: float[n]')],
    ['FIL0409', `mask w(l: int[keys]) = segments(l)\n${mask('w(x)', 'x: int[queries]')}`],
    ['FIL0410', mask('keys(0 .. k)')],
    ['FIL0411', 'attention a { mask all scale float(h) }'],
    ['FIL0411', pred('s > 0.0')],
    ['FIL0411', mask('{ (i, j) => q == j & i == 0 }')],
    ['FIL0411', mask('band(0 .. w)', 'w: int = n_k')],
    ['FIL0413', 'attention a { mask all schedule { splits = 1, splits = 2 } }'],
    ['FIL0417', mask('keys(l)', 'w: int, l: int[w]')],
    ['FIL0417', mask('keys(l)', 'l: int[0]')],
    ['FIL0419', mask('tiles(t)', 't: bool[queries / (2 * 3), keys / 64]')],
    ['FIL0420', mask('band(0 .. w)', 'w: int = 1.5')],
    ['FIL0420', mask('band(0 .. w)', 'w: int = true')],
    ['FIL0204', mask('keys(l)', 'l: int[n_heads, s]')],
    ['FIL0204', mask('let q = 3; band(0 .. q)')],
    ['FIL0205', mask('{ (q, k) => any w in 0 .. 3: w == k }', 'w: int')],
    ['FIL0205', mask('keys(l) & band(0 .. n)', 'n: int, l: int[n2], n: float')],
  ])('%s: %s', (code, source) => {
    const found = codes(source);
    expect(found).toContain(code);
    expect(found.filter((c) => c !== code)).toEqual([]);
  });
});

describe('quiet about what follows from an error', () => {
  test('an unknown name does not make its uses wrong', () => {
    expect(codes(mask('let x = nowhere * 2; band(0 .. x) & { (q, k) => q mod x == 0 & x[3] > 1.5 }'))).toEqual(['FIL0201']);
  });

  test('a parameter of an unknown type may be used in any way', () => {
    expect(codes(pred('p[q] == p & p(3)', 'p: integer'))).toEqual(['FIL0301']);
  });

  test('nothing counts as unused in a file with errors', () => {
    expect(codes(`${mask('causal & nowhere', 'w: int')}\nmask n(v: int) = (`)).not.toContain('FIL0206');
  });

  test('a chained comparison is told once', () => {
    expect(codes(pred('0 <= k < 4 < 5'))).toEqual(['FIL0114']);
  });
});

test('uses in axes, pins and choices count as uses', () => {
  expect(codes('attention a(const p: int = 2, which: int[heads], const size: int = 64, t: bool[queries / size, keys / size]) { mask per head choose which { 0 => tiles(t), else => all } schedule { splits = p } }')).toEqual([]);
});

test('masks may not use themselves through others, however they are written', () => {
  expect(codes('mask aa = if true then bb else all\nmask bb = let x = 1; cc(x)\nmask cc(x: int) = { (q, k) => q == x } | aa')).toEqual(['FIL0412']);
});

test('a parameter with a reserved name is told once, whatever its uses', () => {
  expect(codes(pred('q mod s == heads', 's: int, heads: int'))).toEqual(['FIL0204', 'FIL0204']);
});
