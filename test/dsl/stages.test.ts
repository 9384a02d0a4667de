/**
 * Stages as text: their form survives formatting, and what the checker refuses is refused once, at the place that is wrong.
 */
import { describe, expect, test } from 'vitest';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { formatSource } from '../../dsl/format-source.ts';
import { readProgram } from '../../dsl/program.ts';
import { tokenize } from '../../dsl/tokens.ts';

function formatted(source: string): string {
  const result = formatSource(source);
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('\n'));
  return result.value;
}

/** Tokens as text; commas at ends of lists come and go with line breaks. */
const tokensOf = (source: string): readonly string[] => tokenize(source).tokens.map((t) => t.image).filter((t) => t !== ',');

const everything = `/// Doc.
stage  w( const block:int tokens=64,tau:float [ heads ],x:float[ heads , n ] ) {
let cells=block div 8   // a note
  index I in 0 ..ceil_div( n_q,8 )
 index B in keys/block
    index m in n
  /// What it is.
  s[h,I,B]:bf16=sum t in 0..8,u in 0 .. t where t!=u : dot( q[ h,first_q+I ],k[h,B*block+t] )*rsqrt(dim)

  p[h,I,B]=softmax B where B<=I:s[h,I,B]
  keep[h,I,B]=B==0|(top_mass(tau[h]*0.5) B where B>0:p[h,I,B])
  z[ ] = 1
  best[h] = nth( 2 ) m where x[h,m]>0:x[h,m]
  all_of[h] = all m:x[h,m]>0
  repeat 3{ z2[h] = 1.0 }
  stage other_one=other( x , n=2 )
}
stage other(x:float[heads,n],  n2:int=2){ y[h]=x[h,0] }
attention a(const block:int tokens=64,tau:float[heads],x:float[heads,n]){ stage sel=w(block,tau,x)
 output sel.keep,sel.p
 mask causal&keys( sel.best ) }
`;

describe('formatting', () => {
  test('keeps every token and the comments, and is done after one pass', () => {
    const once = formatted(everything);
    expect(formatted(once)).toBe(once);
    expect(tokensOf(once)).toEqual(tokensOf(everything));
    for (const comment of ['/// Doc.', '// a note', '/// What it is.']) expect(once).toContain(comment);
    expect(once).toContain('  p[h, I, B] = softmax B where B <= I: s[h, I, B]\n');
  });

  test('breaks a long equation and reads it back as the same', () => {
    const sum = Array.from({ length: 14 }, (_, n) => `some_long_name_${n}[h]`).join(' + ');
    const source = `stage w(${Array.from({ length: 14 }, (_, n) => `some_long_name_${n}: float[heads]`).join(', ')}) {\n  y[h] = ${sum}\n  z[h] = y[h]\n}\n`;
    const once = formatted(source);
    expect(Math.max(...once.split('\n').map((l) => l.length))).toBeLessThanOrEqual(140);
    expect(formatted(once)).toBe(once);
    expect(tokensOf(once)).toEqual(tokensOf(source));
  });
});

function problems(source: string, name = 'w'): readonly Diagnostic[] {
  const read = (): string => source;
  const { diagnostics } = readProgram('main.fil', read);
  if (diagnostics.length > 0) return diagnostics;
  const lowered = compileSource({ file: 'main.fil', text: source }, () => undefined, name);
  return lowered.diagnostics;
}

const stage = (body: string, params = ''): string =>
  `stage w${params === '' ? '' : `(${params})`} {\n  index i in queries\n  index j in keys\n  index A in queries / 4\n  index g in kv_heads\n  ${body}\n}\n`;

describe('accepted', () => {
  test.each([
    ['indices of every kind', stage('index n in items\n  index m in 0 .. items\n  index c in dim\n  y[i, A, g, n, m, c] = x[n]', 'x: float[items]')],
    ['equations without indices', stage('y = 1\n  z[] = y + 1')],
    ['the name `s`', stage('s[j] = 1.0')],
    ['key-value heads in a reduction', stage('y[h] = sum g: k[g, 0, 0]')],
    ['an operator in an argument of `if`', stage('y[j] = if top(2) j: k[0, j, 0] then 1 else 0')],
  ])('%s', (_, source) => {
    expect(problems(source).map((d) => d.message)).toEqual([]);
  });
});

describe('refused once, at its place', () => {
  test.each([
    ['FIL0430', 'mask w = { (q, k) => (sum t in 0 .. 4: t) < q }\n', 'sum t in 0 .. 4: t'],
    ['FIL0430', 'attention w {\n  mask all\n  score s => s + dot(1.0, 2.0)\n}\n', 'dot(1.0, 2.0)'],
    ['FIL0431', stage('y[j] = sum t in 0 .. 4: softmax j: 1.0'), 'softmax j: 1.0'],
    ['FIL0431', stage('y[j] = rank j: rank j: 1.0'), 'rank j: 1.0'],
    ['FIL0431', stage('y[j] = if top(3) i: 1.0 then 1 else 0'), 'i', 'i: 1.0'],
    ['FIL0431', stage('y[h, j] = cumsum h, j: 1.0'), 'j', 'j: 1.0'],
    ['FIL0431', stage('y[A] = argmax t in A * 4 .. A * 6: 1.0'), 'argmax t in A * 4 .. A * 6: 1.0'],
    ['FIL0432', stage('y[z] = 1'), 'z'],
    ['FIL0432', stage('y[j] = sum t: 1.0'), 't', 't: 1.0'],
    ['FIL0433', stage('y[j] = sum j: 1.0'), 'j', 'j: 1.0'],
    ['FIL0433', stage('y[j, j] = 1.0'), 'j', 'j] ='],
    ['FIL0433', stage('y[h] = sum j: sum j: 1.0'), 'j', 'j: 1.0'],
    ['FIL0434', stage('stage u = nope\n  y[j] = 1.0'), 'nope'],
    ['FIL0434', `mask near = causal\n${stage('stage u = near\n  y[j] = 1.0')}`, 'near', 'near\n  y'],
    ['FIL0435', stage('y[j] = y[j + 1] + 1'), 'y[j + 1]'],
    ['FIL0435', stage('y[i, j] = y[i - 1, j - 1] + 1'), 'y[i - 1, j - 1]'],
    ['FIL0435', stage('y[j] = mass j: y[j - 1]'), 'mass j: y[j - 1]'],
    ['FIL0436', stage('y[j]: half = 1.0'), 'half'],
    ['FIL0436', stage('y[j]: f16 = 1'), 'f16'],
    ['FIL0437', stage('y[j] = dot(x[j], k[0, j])', 'x: float[keys]'), 'x[j]'],
    ['FIL0437', stage('y[j] = dot(k[0, j, 0], k[0, j])'), 'k[0, j, 0]'],
    ['FIL0437', stage('y[j] = dot(2.0, k[0, j])'), '2.0'],
    ['FIL0438', stage('y[g] = x[g]', 'x: float[heads]'), 'g', 'g]\n'],
    ['FIL0438', stage('y[g] = q[g, 0, 0]'), 'g', 'g, 0'],
    ['FIL0306', stage('y[A] = k[0, A, 0]'), 'A', 'A, 0'],
    ['FIL0432', stage('y[j] = q[0, i, 0]'), 'i', 'i, 0'],
    ['FIL0439', stage('y[h, i] = q[h, i]'), 'h', 'h, i]\n'],
    ['FIL0439', stage('y[g, j] = sum i: k[g, j]'), 'g', 'g, j]\n'],
    ['FIL0439', stage('y[h] = dot(q[h], k[h, 0])'), 'h', 'h], k'],
    ['FIL0439', stage('y[h] = x[h]', 'x: float[heads, n]'), 'h', 'h]\n'],
    ['FIL0439', 'mask w(x: int[batch, heads, n]) = { (q, k) => x[b, q] == k }\n', 'b', 'b, q'],
    ['FIL0205', stage('y = 1\n  y = 2'), 'y', 'y = 2'],
    ['FIL0314', stage('repeat n_k { y[h] = 1.0 }'), 'n_k'],
    ['FIL0511', stage('y[h] = 1.0\n  repeat 0 { y[h] = y[h] * 2 }'), '0', '0 {'],
  ])('%s in %j', (code, source, text, around = text) => {
    const found = problems(source);
    expect(found.filter((d) => d.severity === 'error').map((d) => d.code), found.map((d) => d.message).join('\n')).toEqual([code]);
    const at = source.indexOf(around);
    expect(found.find((d) => d.code === code)?.primary).toMatchObject({ span: { start: at, end: at + text.length } });
  });
});

test.each([
  ['y[j] = q[0, i, 0]', 'write it on the left of `=`'],
  ['y[j] = softmax(k[0, j, 0])', 'it names its index: `softmax j: x[j]`'],
  ['y[j] = topk(k[0, j, 0])', 'did you mean `top`?'],
  ['y[j] = max(k[0, j, 0])', 'over an index it is written `max j: x[j]`'],
  ['y[j] = sum q[0, j, 0]', 'a reduction names its index first, as in `sum j: x[j]`'],
  ['y[j] = top(2) j k[0, j, 0]', 'a reduction names its index first, as in `sum j: x[j]`'],
  ['index B in key\n  y[B] = 1', 'did you mean `keys`?'],
  ['y[j] = if top(2) i: k[0, j, 0] then 1 else 0', 'run it over `j`, and write no range'],
  ['y[j] = sum i: softmax j: 1.0', 'give its result a tensor of its own'],
  ['y[h] = any j: k[h, j, 0] > 0 where j > 2', 'before its colon'],
  ['y[h] = k[h, 0.5 * h, 0]', '`floor(...)` makes an int of it'],
  ['stage inner(4)', 'a use has a name of its own'],
])('%s is helped with: %s', (body, help) => {
  expect(problems(stage(body)).map((d) => d.help ?? '').join('\n')).toContain(help);
});

test('a tensor over keys, blocks or channels is given to a free axis of a stage, not of a mask, and one over query positions to neither', () => {
  const best = 'stage best(x: float[heads, n]) {\n  index t in n\n  y[h, t] = top(1) t: x[h, t]\n  z[h] = x[h, n - 1]\n}\n';
  const use = (axis: string): string => `${best}stage w {\n  index t in ${axis}\n  x[h, t] = 1.0\n  stage u = best(x)\n  y[h, t] = u.y[h, t]\n}\n`;
  for (const axis of ['keys', 'keys / 8', 'queries / 8', 'dim', '0 .. 5']) expect(problems(use(axis)).map((d) => d.message), axis).toEqual([]);
  expect(problems(use('queries')).map((d) => d.code)).toEqual(['FIL0409']);
  expect(problems('mask near(x: int[n]) =\n  keys(x)\n\nmask w(x: int[keys / 8]) =\n  near(x)\n').map((d) => d.code)).toEqual(['FIL0409']);
});

test('what is read from a use that went wrong is no further error, and a tensor without its use is found by its last word', () => {
  expect(problems('attention w {\n  stage sel = nowhere(4)\n  mask tiles(sel.keep) & keys(sel.list) & { (q, k) => sel.one[q] > 2 }\n}\n').map((d) => d.code)).toEqual(['FIL0434']);
  const [d] = problems('stage one {\n  index j in keys\n  keep[j] = k[0, j, 0] > 0\n}\nattention w {\n  stage sel = one\n  mask keys(keep)\n}\n');
  expect(d?.help).toBe('did you mean `sel.keep`?');
});
