/**
 * The meaning of stage equations, from text: what the dense interpreter makes of the lowered tensors, against values worked out by hand.
 */
import { describe, expect, test } from 'vitest';
import { denseStages, type Inputs } from '../../../compiler/interpreters/dense/index.ts';
import { checkLaunch, withDefaults } from '../../../compiler/spec/check-launch.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Sizes, Spec, TensorValue } from '../../../compiler/spec/ir.ts';

interface Given {
  readonly sizes?: Partial<Sizes>;
  readonly scalars?: Readonly<Record<string, number>>;
  readonly tensors?: Readonly<Record<string, readonly number[] | TensorValue>>;
  readonly imports?: Readonly<Record<string, string>>;
  readonly name?: string;
}

const floats = (extents: readonly number[], data: readonly number[]): TensorValue => ({ extents, data: Float32Array.from(data) });

function specOf(text: string, { name = 'w', imports = {} }: Given = {}): Spec {
  const made = compileSource({ file: 'main.fil', text }, (path) => imports[path], name);
  if (!made.ok) throw new Error(made.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return made.value;
}

/** q, k and v whose elements are 100 head + 10 row + channel, with 1000 a batch. */
function numbered({ batch, heads, kvHeads, nQ, nK, dim }: Sizes): Inputs {
  const make = (h: number, n: number): Float32Array =>
    Float32Array.from({ length: batch * h * n * dim }, (_, i) => 1000 * Math.floor(i / (h * n * dim)) + 100 * (Math.floor(i / (n * dim)) % h) + 10 * (Math.floor(i / dim) % n) + (i % dim));
  return { q: make(heads, nQ), k: make(kvHeads, nK), v: make(kvHeads, nK) };
}

/** The tensors of the stage `w`, by name. */
function made(text: string, given: Given = {}): (name: string) => readonly number[] {
  const spec = specOf(text, given);
  const sizes: Sizes = { batch: 1, heads: 1, kvHeads: 1, nQ: 3, nK: 4, dim: 2, ...given.sizes };
  const tensors = new Map(Object.entries(given.tensors ?? {}).map(([n, t]) => [n, 'extents' in t ? t : floats([t.length], t)] as const));
  const launch = withDefaults(spec, { sizes, scalars: new Map(Object.entries(given.scalars ?? {})), tensors });
  expect(checkLaunch(spec, launch).map((d) => d.message)).toEqual([]);
  const all = denseStages(spec, launch, numbered(sizes));
  return (name) => {
    const found = all.get(spec.outputs.find((o) => o.name === name)?.tensor ?? name);
    if (found === undefined) throw new Error(`no ${name} among ${[...all.keys()].join(', ')}`);
    return [...found.data];
  };
}

const stage = (body: string, params = ''): string => `stage w${params === '' ? '' : `(${params})`} {\n${body}\n}\n`;
const x5 = { sizes: { nK: 5 }, tensors: { x: [2, 5, 5, -1, 3] } } as const;
const overKeys = (equation: string): string => stage(`index j in keys\n${equation}`, 'x: float[keys]');

describe('indices', () => {
  test('over queries are positions, from first_q on, and tensors on queries are read by position', () => {
    const w = made(stage('index i in queries\np[i] = i\nchannel[i] = q[0, i, 1]\nnext[i] = p[i + 1]'), { sizes: { nQ: 3, nK: 5 } });
    expect(w('p')).toEqual([2, 3, 4]);
    expect(w('channel')).toEqual([1, 11, 21]);
    expect(w('next')).toEqual([3, 4, 0]);
  });

  test('over blocks of queries count rows from 0, and the last block is as long as what is left', () => {
    const w = made(stage('index A in queries / 2\nfirst[A] = first_q + A * 2\nrows[A] = sum t in 0 .. 2 where A * 2 + t < n_q: 1'), { sizes: { nQ: 5, nK: 9 } });
    expect(w('first')).toEqual([4, 6, 8]);
    expect(w('rows')).toEqual([2, 2, 1]);
  });

  test('over heads read the key-value head that they use, and leading heads may be left out', () => {
    const w = made(stage('index g in kv_heads\na[h] = k[h, 1, 1]\nshort[h] = k[1, 1]\nown[h] = q[1, 0]\neach[g] = k[g, 0, 0]\nback[h] = each[h]'), { sizes: { heads: 4, kvHeads: 2, nQ: 4 } });
    expect(w('a')).toEqual([11, 11, 111, 111]);
    expect(w('short')).toEqual(w('a'));
    expect(w('own')).toEqual([10, 110, 210, 310]);
    expect(w('each')).toEqual([0, 100]);
    expect(w('back')).toEqual([0, 0, 100, 100]);
  });

  test('of a batch are its own', () => {
    const w = made(stage('index j in keys\na[j] = k[0, j, 0]\nb2 = sum j: k[0, j, 0]'), { sizes: { batch: 2, nK: 2 } });
    expect(w('a')).toEqual([0, 10, 1000, 1010]);
    expect(w('b2')).toEqual([10, 2010]);
  });

  test('over free axes, ranges with scalars, and ranges of nothing', () => {
    const w = made(stage('index n in items\nindex m in 0 .. r\nindex e in 0 .. n_q - n_k\na[n] = y[n] * 2\nb2[m] = m\nc[e] = e', 'y: float[items], r: int'), { scalars: { r: 2 }, tensors: { y: [1, 2, 3] } });
    expect(w('a')).toEqual([2, 4, 6]);
    expect(w('b2')).toEqual([0, 1]);
    expect(w('c')).toEqual([]);
  });
});

describe('reductions', () => {
  test.each([
    ['a = sum j: x[j]', [14]],
    ['a = max j: x[j]', [5]],
    ['a = min j: x[j]', [-1]],
    ['a = mean j: x[j]', [14 / 5]],
    ['a = mean j where x[j] > 2: x[j]', [13 / 3]],
    ['a = (sum j where x[j] > 9: x[j]) + (mean j where x[j] > 9: x[j])', [0]],
    ['a = if any j: x[j] == 3 then 1 else 0', [1]],
    ['a = if all j: x[j] > 0 then 1 else 0', [0]],
    ['a[j] = sum t in j - 1 .. j + 2: x[t]', [7, 12, 9, 7, 2]],
    ['a = sum s1 in 0 .. 3, t in 0 .. s1: 10 * s1 + t', [51]],
    ['a = max t in 3 .. 3: t', [-2147483648]],
    ['a = sum t in 0 .. 4 where t mod 2 == 1: t', [4]],
    ['a = argmax j: x[j]', [1]],
    ['a = argmax j where j > 1: x[j]', [2]],
    ['a = argmax t in 2 .. 5: -x[t]', [3]],
    ['a = argmax j where x[j] > 9: x[j]', [-1]],
    ['a[j] = nth(j) j2 in keys: x[j2]', [1, 2, 4, 0, 3]],
    ['a = nth(2) j where x[j] < 5: x[j]', [3]],
    ['a = nth(3) j where x[j] < 5: x[j]', [-1]],
  ])('%s', (equation, expected) => {
    expect(made(overKeys(equation), x5)('a')).toEqual(expected);
  });

  test('argmax over queries gives a position', () => {
    expect(made(stage('index i in queries\na = argmax i: q[0, i, 0]'), { sizes: { nQ: 3, nK: 8 } })('a')).toEqual([7]);
  });

  test('dot sums the products of the last axes', () => {
    const w = made(stage('index i in queries\nindex j in keys\na[h, i, j] = dot(q[h, i], k[h, j])\nb2 = dot(y, z)', 'y: float[3], z: float[3]'), {
      sizes: { heads: 2, nQ: 1, nK: 2 }, tensors: { y: [1, 2, 3], z: [4, 5, 6] },
    });
    // q[1] = 100, 101.
    expect(w('a')).toEqual([1, 11, 101, 100 * 10 + 101 * 11]);
    expect(w('b2')).toEqual([32]);
  });
});

describe('operators that see a whole axis', () => {
  test.each([
    ['a[j] = rank j: x[j]', [3, 0, 1, 4, 2]],
    ['a[j] = rank j where x[j] < 5: x[j]', [1, 3, 3, 2, 0]],
    ['a[j] = mass j: x[j]', [13, 0, 5, 15, 10]],
    ['a[j] = cumsum j: x[j]', [2, 7, 12, 11, 14]],
    ['a[j] = cumsum j where j != 1: x[j]', [2, 2, 7, 6, 9]],
    ['a[j] = if top(1) j: x[j] then 1 else 0', [0, 1, 0, 0, 0]],
    ['a[j] = if top(0) j: x[j] then 1 else 0', [0, 0, 0, 0, 0]],
    ['a[j] = if top(9) j where j > 2: x[j] then 1 else 0', [0, 0, 0, 1, 1]],
    // The fewest that reach 8: 5 do not, 5 + 5 do; the one that crosses is in.
    ['a[j] = if top_mass(8) j where x[j] > 0: x[j] then 1 else 0', [0, 1, 1, 0, 0]],
    ['a[j] = if top_mass(10) j where x[j] > 0: x[j] then 1 else 0', [0, 1, 1, 0, 0]],
    ['a[j] = if top_mass(10.5) j where x[j] > 0: x[j] then 1 else 0', [0, 1, 1, 0, 1]],
    ['a[j] = if top_mass(0) j where x[j] > 0: x[j] then 1 else 0', [0, 0, 0, 0, 0]],
    ['a[j] = softmax j where x[j] == 5: x[j]', [0, 0.5, 0.5, 0, 0]],
    ['a[j] = softmax j where x[j] > 9: x[j]', [0, 0, 0, 0, 0]],
    ['a[j] = (rank j: x[j]) + 10 * (rank j: -x[j])', [13, 30, 41, 4, 22]],
  ])('%s', (equation, expected) => {
    expect(made(overKeys(equation), x5)('a').map(Number)).toEqual(expected);
  });

  test('order several indices together, the first slowest', () => {
    const w = made(stage('index n in 0 .. 3\na[h, n] = rank h, n: x[h, n]\nkept[h, n] = top(2) h, n: x[h, n]', 'x: float[heads, 3]'), {
      sizes: { heads: 2, kvHeads: 2 }, tensors: { x: floats([2, 3], [1, 7, 7, 7, 0, 9]) },
    });
    expect(w('a')).toEqual([4, 1, 2, 3, 5, 0]);
    expect(w('kept').map(Number)).toEqual([0, 1, 0, 0, 0, 1]);
  });

  test('have helper tensors of their own, which are no outputs', () => {
    const spec = specOf(overKeys('a[j] = top(1) j: x[j]'));
    expect(spec.stages.map((t) => t.name)).toEqual(["a'top", 'a']);
    expect(spec.outputs).toEqual([{ name: 'a', tensor: 'a' }]);
  });
});

describe('recurrences and repetition', () => {
  test('an equation reads itself at earlier places, 0 before the first, in the type that it has', () => {
    const w = made(overKeys('a[j] = a[j - 1] + 1\nb2[j] = b2[j - 2] * 0.5 + x[j]\nc[j] = c[j - 1] | x[j] > 3'), x5);
    expect(w('a')).toEqual([1, 2, 3, 4, 5]);
    expect(w('b2')).toEqual([2, 5, 6, 1.5, 6]);
    expect(w('c').map(Number)).toEqual([0, 1, 1, 1, 1]);
  });

  test('over queries the place before the first position is 0', () => {
    expect(made(stage('index i in queries\na[i] = a[i - 1] + i'), { sizes: { nQ: 3, nK: 5 } })('a')).toEqual([2, 5, 9]);
  });

  test('repeat gives tensors new values, in order, and later equations read the newest', () => {
    const w = made(overKeys('a[j] = x[j]\nb2[j] = 0.0\nrepeat 3 {\n a[j] = a[j] * 2\n b2[j] = b2[j] + a[j]\n}\nc[j] = a[j] + b2[j]'), x5);
    expect(w('c')).toEqual([2, 5, 5, -1, 3].map((v) => 8 * v + 14 * v));
  });
});

describe('stages in stages', () => {
  const inner = 'stage halves(x: float[keys], n: int = 2) {\n  index j in keys\n  y[j] = x[j] / n\n  z[h, j] = y[j] + h\n}\n';

  test('are computed for each use with its arguments, and read as name.tensor', () => {
    const w = made(`${inner}${stage('stage a1 = halves(x)\nstage a2 = halves(x, n = 4)\nindex j in keys\ns[j] = a1.y[j] - a2.y[j]\nlast[h] = a2.z[n_k - 1]', 'x: float[keys]')}`, { ...x5, sizes: { nK: 5, heads: 2 } });
    expect(w('s')).toEqual([0.5, 1.25, 1.25, -0.25, 0.75]);
    expect(w('last')).toEqual([0.75, 1.75]);
  });

  test('take tensors of other stages as arguments', () => {
    const w = made(`${inner}${stage('stage a1 = halves(x)\nstage a2 = halves(a1.y)\nindex j in keys\ns[j] = a2.y[j]', 'x: float[keys]')}`, x5);
    expect(w('s')).toEqual([0.5, 1.25, 1.25, -0.25, 0.75]);
  });

  test('come from other files, which see their own names', () => {
    const imports = { 'other.fil': `${inner}stage both(x: float[keys]) {\n  stage part = halves(x)\n  index j in keys\n  y[j] = part.y[j] + 1\n}\n` };
    const w = made(`import both as twice from "./other.fil"\n${stage('stage t = twice(x)\nindex j in keys\ns[j] = t.y[j]', 'x: float[keys]')}`, { ...x5, imports });
    expect(w('s')).toEqual([2, 3.5, 3.5, 0.5, 2.5]);
  });

  test('of an attention are its tensors under their full names, those of output alone are given back', () => {
    const spec = specOf(`${inner}attention w(x: float[keys]) {\n  stage a1 = halves(x)\n  mask causal & keys(0 .. n_k) & { (q, k) => a1.z[k] > 1 }\n  output a1.y\n}\n`);
    expect(spec.computes).toBe('attention');
    expect(spec.stages.map((t) => t.name)).toEqual(['a1.y', 'a1.z']);
    expect(spec.outputs.map((o) => o.tensor)).toEqual(['a1.y']);
  });
});

test('narrow precisions round what is stored', () => {
  const w = made(overKeys('a[j]: f16 = x[j] + 0.0001\nb2[j]: bf16 = x[j] * 1.001'), x5);
  expect(w('a')).toEqual([2, 5, 5, -1, 3]);
  expect(w('b2')).toEqual([2, 5, 5, -1, 3]);
});
