/**
 * From source to spec: what each construct becomes, what a launch must satisfy, what is refused with which reason.
 */
import { describe, expect, test } from 'vitest';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { MaskExpr, Spec } from '../../../compiler/spec/ir.ts';
import { lowerProgram } from '../../../compiler/spec/lower-ast.ts';
import { depthLimit, nodeLimit } from '../../../compiler/spec/lower-state.ts';
import { printMask, printSpec } from '../../../compiler/spec/print.ts';
import { maskChildren } from '../../../compiler/spec/traverse.ts';
import { verifySpec } from '../../../compiler/spec/verify.ts';
import { printExpr } from '../../../compiler/expr/print.ts';
import { readProgram } from '../../../dsl/program.ts';

function compile(text: string, name = 'm', constants: Readonly<Record<string, number>> = {}): ReturnType<typeof compileSource> {
  return compileSource({ file: 'main.fil', text }, () => undefined, name, new Map(Object.entries(constants)));
}

function specOf(text: string, name = 'm', constants: Readonly<Record<string, number>> = {}): Spec {
  const result = compile(text, name, constants);
  if (!result.ok) throw new Error(result.diagnostics.map((d) => `${d.code} ${d.message}`).join('\n'));
  expect(verifySpec(result.value)).toEqual([]);
  return result.value;
}

function refusal(text: string, name = 'm', constants: Readonly<Record<string, number>> = {}): readonly string[] {
  const result = compile(text, name, constants);
  expect(result.ok).toBe(false);
  return result.diagnostics.filter((d) => d.severity === 'error').map((d) => `${d.code} ${d.message}`);
}

const maskText = (body: string, params = '', constants: Readonly<Record<string, number>> = {}): string =>
  printMask(specOf(`mask m${params === '' ? '' : `(${params})`} = ${body}`, 'm', constants).mask).replaceAll(/\n */g, ' ');

const predicate = (body: string, params = ''): string => maskText(`{ (q, k) => ${body} }`, params).replace(/^\{ \(q, k\) => (.*) \}$/, '$1');

describe('masks', () => {
  test.each([
    ['all', 'all'],
    ['causal & none & band(0 .. 4)', 'and causal none band(0 .. 4)'],
    ['causal & (none & all)', 'and causal and none all'],
    ['causal | none - all', 'or causal minus none all'],
    ['causal - none - all', 'minus minus causal none all'],
    ['~keys(0 .. n_k) | queries(1 .. n_q)', 'or not keys(0 .. n_k) queries(1 .. n_q)'],
    ['levels(1 .. 4)', 'levels(1 .. 4)'],
    ['if n_k < 9 then causal else all', 'choose if n_k < 9 then 1 else 0 1 => causal else => all'],
    ['if 3 < 9 then causal else all', 'causal'],
    ['per head choose h mod 2 { 0 => causal, 1 => all }', 'choose h mod 2 0 => causal 1 => all else => none'],
    ['let w = n_k div 2; band(0 .. w + w)', 'band(0 .. n_k div 2 + n_k div 2)'],
    ['let c = causal; c & c', 'and causal causal'],
    ['{ (i, j) => i - j == 3 }', '{ (q, k) => q - k == 3 }'],
  ])('%s', (source, expected) => {
    expect(maskText(source)).toBe(expected);
  });

  test.each([
    ['keys(list)', 'list: int[n]', 'keys(list[:])'],
    ['queries(list)', 'list: int[batch, n]', 'queries(list[b, :])'],
    ['slashes(list)', 'list: int[batch, heads, 7]', 'slashes(list[b, h, :])'],
    ['keys(list)', 'list: int[kv_heads, n]', 'keys(list[h div (heads div kv_heads), :])'],
    ['segments(ids)', 'ids: int[batch, keys]', 'segments(ids[b, :])'],
    ['tiles(t)', 't: bool[heads, queries / 64, keys / 32]', 'tiles(t[h, :, :]) of 64 x 32'],
    ['tiles(t)', 'w: int, t: bool[queries / w, keys / w]', 'tiles(t[:, :]) of w x w'],
    ['band(0 .. w)', 'w: int[heads]', 'band(0 .. w[h])'],
    ['band(0 .. w)', 'w: int[batch, kv_heads]', 'band(0 .. w[b, h div (heads div kv_heads)])'],
    ['per head choose which { 0 => all }', 'which: int[heads]', 'choose which[h] 0 => all else => none'],
  ])('%s with %s', (source, params, expected) => {
    expect(maskText(source, params)).toBe(expected);
  });
});

describe('scalars', () => {
  test.each([
    ['q == k', 'q == k'],
    ['(q + 1) * 2 div 3 mod 4 == 0', '(q + 1) * 2 div 3 mod 4 == 0'],
    ['q / 2 < 1.5', 'to_float(q) / 2.0 < 1.5'],
    ['abs(-q) == min(q, k, 3)', 'abs(q) == min(min(q, k), 3)'],
    ['clamp(q, 0, k) == max(1, 2)', 'min(max(q, 0), k) == 2'],
    ['bit_and(q, 3) == shl(1, k)', 'bit_and(q, 3) == shl(1, k)'],
    ['level(q, k) < 4', 'bit_length(bit_xor(q, k)) < 4'],
    ['~(q < k) & true', 'q >= k'],
    ['if q < 3 then k < 3 else q > k', 'if q < 3 then k < 3 else q > k'],
    ['any t in 0 .. q: t * t == k', 'any t in 0 .. min(q, 65536): t * t == k'],
    ['exp(1) < sqrt(q)', 'sqrt(to_float(q)) > 2.718281828459045'],
    ['0xff == q', 'q == 255'],
    ['2147483647 + 1 == q', 'q == -2147483648'],
    ['-7 div 2 == q & -7 mod 2 == k', 'q == -4 & k == 1'],
  ])('%s', (source, expected) => {
    expect(predicate(source)).toBe(expected);
  });

  test.each([
    ['t[q] == 0', 't: int[queries]', 't[q - n_k + n_q] == 0'],
    ['t[k] == t[q]', 't: int[keys]', 't[k] == t[q]'],
    ['t[q, k] > 0.5', 't: float[batch, heads, queries, keys]', 't[b, h, q - n_k + n_q, k] > 0.5'],
    ['t[h, k]', 't: bool[heads, keys]', 't[h, k]'],
    ['t[q div 64, k div 64]', 't: bool[queries / 64, keys / 64]', 't[q div 64, k div 64]'],
    ['t[0] == n', 't: int[n]', 't[0] == t.n'],
    ['any i in 0 .. n: t[i] == k', 't: int[heads, n]', 'any i in 0 .. t.n: t[h, i] == k'],
    ['w > 1', 'w: float', 'w > 1.0'],
    ['on == (q < k)', 'on: bool', 'on == (q < k)'],
  ])('%s with %s', (source, params, expected) => {
    expect(predicate(source, params)).toBe(expected);
  });

  test('a quantifier never captures a launch scalar that an argument brings in', () => {
    const text = 'mask has(x: int) = { (q, k) => any t in 0 .. 4: t + x == k }\nmask m(t: int) = has(t)';
    expect(printMask(specOf(text).mask)).toBe('{ (q, k) => any t_1 in 0 .. 4: t_1 + t == k }');
  });

  test('quantifiers inside each other keep their own variables', () => {
    expect(predicate('any t in 0 .. 4: any u in 0 .. t: t + u == k')).toBe('any t in 0 .. 4: any u in 0 .. min(t, 65536): t + u == k');
  });
});

describe('attentions', () => {
  test('every clause, with all defaults explicit', () => {
    const text = `
/// What it is.
attention m(const c: int = 2, cap: float = 20, w: int tokens = 64, on: bool = true,
  /// Logits.
  logits: float[heads], bias: float[batch, heads, queries, keys]) {
  mask band(0 .. w * c) & { (q, k) => on }
  scale 1 / c
  score x => cap * tanh(x / cap) + bias[q, k] - q
  sink logits
  schedule { query_tile = 16 * c, key_tile = 64, splits = 4 }
}`;
    expect(printSpec(specOf(text))).toBe(`spec m
  scalar cap: float = 20
  scalar w: int tokens = 64
  scalar on: bool = true
  tensor logits: float[heads]
  tensor bias: float[batch, heads, queries, keys]
  mask
    and
      band(0 .. w * 2)
      { (q, k) => on }
  scale 0.5
  score cap * tanh(s / cap) + bias[b, h, q - n_k + n_q, k] - to_float(q)
  sink logits[h]
  schedule queryTile = 32, keyTile = 64, splits = 4
`);
    expect(specOf(text)).toMatchObject({ doc: ['What it is.'], tensors: [{ doc: ['Logits.'] }, { doc: [] }] });
  });

  test('a mask becomes a plain attention with its parameters', () => {
    const spec = specOf('/// Near.\nmask m(w: int = 3, l: int[n]) = band(0 .. w) | keys(l)');
    expect(spec).toMatchObject({ name: 'm', doc: ['Near.'], scalars: [{ name: 'w', defaultValue: 3 }], tensors: [{ name: 'l' }], pins: {} });
    expect(printExpr(spec.scale)).toBe('rsqrt(to_float(dim))');
    expect(spec.score).toBeUndefined();
    expect(spec.sink).toBeUndefined();
  });

  test('every mask points at the text that made it, through all inlining', () => {
    const text = 'mask near(w: int) = causal & band(0 .. w)\nattention m(l: int[n]) { mask near(4) | ~keys(l) - { (q, k) => q == k } }';
    const expected = new Map([['band', 'band(0 .. w)'], ['causal', 'causal'], ['listed', 'keys(l)'], ['predicate', '{ (q, k) => q == k }'], ['minus', '~keys(l) - { (q, k) => q == k }']]);
    const walk = (m: MaskExpr): void => {
      const wanted = expected.get(m.kind);
      if (wanted !== undefined) expect(text.slice(m.span.start, m.span.end)).toBe(wanted);
      expected.delete(m.kind);
      maskChildren(m).forEach(walk);
    };
    walk(specOf(text).mask);
    expect([...expected.keys()]).toEqual([]);
  });
});

describe('named masks', () => {
  test('arguments are substituted, by position, by name and by default', () => {
    const text = 'mask w(n: int, p: float = 1, o: int = 7) = { (q, k) => float(n) * p == float(o) }\nmask m(x: int) = w(x + 1) & w(o = x, n = 2) & w(3, p = x)';
    expect(printMask(specOf(text).mask)).toBe(
      'and\n  { (q, k) => to_float(x + 1) == 7.0 }\n  { (q, k) => 2.0 == to_float(x) }\n  { (q, k) => to_float(x) * 3.0 == 7.0 }'
        .replace('2.0 == to_float(x)', printMask(specOf('mask m(x: int) = { (q, k) => float(2) * 1.0 == float(x) }').mask).slice(12, -2))
        .replace('to_float(x) * 3.0 == 7.0', printMask(specOf('mask m(x: int) = { (q, k) => float(3) * float(x) == 7.0 }').mask).slice(12, -2)),
    );
  });

  test('a tensor argument brings its own leading axes and its extent', () => {
    const text = 'mask in(list: int[n]) = keys(list) & { (q, k) => any t in 0 .. n: list[t] == q }\nmask m(cols: int[batch, heads, c]) = in(cols)'.replaceAll('in(', 'has(');
    expect(printMask(specOf(text).mask)).toBe('and\n  keys(cols[b, h, :])\n  { (q, k) => any t in 0 .. cols.c: cols[b, h, t] == q }');
  });

  test('a fixed axis gives its extent as a number', () => {
    const text = 'mask has(list: int[n]) = { (q, k) => n == k }\nmask m(cols: int[heads, 12]) = has(cols) & keys(cols)';
    expect(printMask(specOf(text).mask)).toContain('{ (q, k) => k == 12 }');
  });
});

describe('requirements', () => {
  const requires = (text: string, constants: Readonly<Record<string, number>> = {}): readonly string[] =>
    specOf(text, 'm', constants).requires.map((r) => printExpr(r.condition));

  test.each([
    ['divisors of launch scalars', 'mask m(p: int) = { (q, k) => (q - k) mod p == 0 & q div (p + 1) == 0 }', ['p >= 1', 'p + 1 >= 1']],
    ['each only once', 'mask m(p: int) = { (q, k) => q mod p == k mod p }', ['p >= 1']],
    ['none for divisors that vary or are read', 'mask m(p: int[heads]) = { (q, k) => q mod k == q div (h + 1) & q mod p == 0 }', []],
    ['none for what is known to hold', 'mask m = { (q, k) => q mod 7 == k div 3 }', []],
    ['block sizes', 'mask m(w: int, t: bool[queries / w, keys / 64]) = tiles(t)', ['w >= 1']],
    ['axes of one name', 'mask m(a: int[heads, n], c: int[n]) = keys(a) & keys(c)', ['a.n == c.n']],
    ['axes of one name across an inlined mask', 'mask two(a: int[n], c: int[n]) = keys(a) & keys(c)\nmask m(x: int[i], y: int[j]) = two(x, y)', ['x.i == y.j']],
    ['block sizes that an inlined mask expects', 'mask has(w: int, t: bool[queries / w, keys / w]) = tiles(t)\nmask m(v: int, t: bool[queries / v, keys / v]) = has(64, t)', ['v >= 1', 'v == 64']],
    ['nothing for the same size', 'mask has(w: int, t: bool[queries / w, keys / w]) = tiles(t)\nmask m(t: bool[queries / 8, keys / 8]) = has(8, t)', []],
  ])('%s', (_name, text, expected) => {
    expect(requires(text)).toEqual(expected);
  });

  test('what cannot hold is refused at once', () => {
    expect(refusal('mask m(const p: int) = { (q, k) => q mod p == 0 }', 'm', { p: 0 })).toEqual(['FIL0313 the divisor of `mod` is 0, but must be at least 1']);
    expect(refusal('mask two(a: int[n], c: int[n]) = keys(a) & keys(c)\nmask m(x: int[3], y: int[4]) = two(x, y)')).toEqual(['FIL0511 the axes `n` must have one extent, also in `c`']);
    expect(refusal('mask has(t: bool[queries / 8, keys / 8]) = tiles(t)\nmask m(t: bool[queries / 8, keys / 4]) = has(t)')).toHaveLength(1);
    expect(refusal('mask has(a: int[3]) = keys(a)\nmask m(a: int[4]) = has(a)')).toEqual(['FIL0511 `a` needs an axis of 3, but this one has 4']);
    expect(refusal('mask m(const c: int, a: int[c]) = keys(a)', 'm', { c: 0 })).toEqual(['FIL0511 the extent `c` must be at least 1']);
    expect(refusal('mask m(const c: int, t: bool[queries / c, keys / c]) = tiles(t)', 'm', { c: -1 })).toEqual(['FIL0511 the block size `c` must be at least 1']);
  });
});

describe('constants', () => {
  const text = 'mask m(const w: int = 4, const f: float = 0.5, const on: bool = true) = { (q, k) => q - k < w & float(q) > f & on }';

  test('come from the caller or from the default', () => {
    expect(printMask(specOf(text).mask)).toBe('{ (q, k) => q - k < 4 & to_float(q) > 0.5 }');
    expect(printMask(specOf(text, 'm', { w: 9, f: 2, on: 1 }).mask)).toBe('{ (q, k) => q - k < 9 & to_float(q) > 2.0 }');
    expect(printMask(specOf(text, 'm', { on: 0 }).mask)).toBe('{ (q, k) => false }');
    expect(specOf(text).scalars).toEqual([]);
  });

  test.each([
    [{ w: 1.5 }, 'FIL0504'], [{ w: 2 ** 30 + 1 }, 'FIL0504'], [{ w: Number.NaN }, 'FIL0504'], [{ f: 1e39 }, 'FIL0504'], [{ on: 2 }, 'FIL0504'], [{ v: 1 }, 'FIL0505'],
  ])('%j is refused', (constants, code) => {
    expect(refusal(text, 'm', { ...constants })[0]).toMatch(new RegExp(`^${code}`));
  });

  test('without value and default they are asked for', () => {
    expect(refusal('mask m(const w: int) = band(0 .. w)')).toEqual(['FIL0503 parameter `w` has no value']);
  });

  test('a default that has no finite value is refused', () => {
    expect(refusal('mask m(f: float = 1.0 / 0.0) = { (q, k) => f > 1.0 }')).toEqual(['FIL0420 the default of `f` has no finite value']);
  });

  test('pins are checked with their values', () => {
    expect(refusal('attention m(const t: int) { mask all schedule { query_tile = t * 2 } }', 'm', { t: 4000 })).toEqual(['FIL0416 `query_tile` must lie between 1 and 1024']);
  });
});

describe('refusals', () => {
  test('an unknown declaration is answered with the nearest', () => {
    const { program } = readProgram('main.fil', () => 'mask window = all\nattention other { mask all }');
    const result = lowerProgram(program.files, 'main.fil', 'windw');
    expect(result).toMatchObject({ ok: false, diagnostics: [{ code: 'FIL0512', help: 'did you mean `window`?' }] });
  });

  test('errors of the checker are handed on, warnings go with the value', () => {
    expect(refusal('mask m = nowhere')).toEqual(['FIL0201 unknown name `nowhere`']);
    const warned = compile('mask m(w: int) = all');
    expect(warned).toMatchObject({ ok: true, diagnostics: [{ code: 'FIL0206' }] });
  });

  const doubling = (n: number): string => `mask m0 = causal & { (q, k) => q < 9 }\n${Array.from({ length: n }, (_, i) => `mask m${i + 1} = m${i} | m${i} - m${i}`).join('\n')}\nmask m = m${n}`;
  const doublingLet = (n: number): string => `mask m = { (q, k) => let x0 = q * k; ${Array.from({ length: n }, (_, i) => `let x${i + 1} = x${i} * x${i} + 1;`).join(' ')} x${n} == 0 }`;

  test.each([
    ['masks that double at each step', doubling(60)],
    ['local names that double at each step', doublingLet(60)],
    ['masks behind a let that doubles', `mask m = ${Array.from({ length: 60 }, (_, i) => `let x${i + 1} = ${i === 0 ? 'causal | all' : `x${i} | x${i}`};`).join(' ')} x60`],
    ['a large value used often', `mask m(p: int) = let x = ${Array.from({ length: 250 }, () => 'p').join(' * ')}; ${Array.from({ length: 250 }, () => '{ (q, k) => x == q }').join(' | ')}`],
  ])('%s are stopped with a reason', (_name, text) => {
    expect(refusal(text)).toEqual([`FIL0601 \`m\` becomes too large: more than ${nodeLimit} parts`]);
  });

  test('a chain of masks that is too long is stopped with a reason', () => {
    const chain = `mask m0 = all\n${Array.from({ length: 3000 }, (_, i) => `mask m${i + 1} = m${i}`).join('\n')}\nmask m = m3000`;
    expect(refusal(chain)).toEqual([`FIL0601 \`m\` becomes too large: more than ${depthLimit} levels`]);
  });

  test('a moderate program stays allowed', () => {
    expect(specOf(doubling(6)).mask.kind).toBe('or');
    expect(printMask(specOf(doublingLet(9)).mask).length).toBeGreaterThan(500);
  });
});
