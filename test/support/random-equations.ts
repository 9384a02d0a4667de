/**
 * The text of random stages. In: a seed for each equation, a block size, whether an attention reads the stage. Out: a program that the
 * checker accepts. Floats stay small: products have one bounded factor, recurrences halve or count.
 */
import { randomSequence } from './random-parameters.ts';
import { productIndices, productParams, randomProduct } from './random-products.ts';

type AxisName = 'heads' | 'kv_heads' | 'queries' | 'keys' | 'query_blocks' | 'key_blocks' | 'dim' | 'counted' | 'long' | 'odd' | 'wide' | 'at';
type Element = 'int' | 'float' | 'bool';

interface Index {
  readonly name: string;
  readonly axis: AxisName;
}

interface Tensor {
  readonly name: string;
  readonly element: Element;
  readonly axes: readonly AxisName[];
}

interface Scope {
  /** Indices of the equation and of the reductions around. */
  readonly indices: readonly Index[];
  readonly equation: readonly Index[];
  readonly tensors: readonly Tensor[];
  /** No operator that sees a whole axis stands in a reduction. */
  readonly isReduced: boolean;
  readonly depth: number;
}

export interface StageText {
  readonly text: string;
  readonly name: string;
}

const indices: readonly Index[] = [
  { name: 'h', axis: 'heads' },
  { name: 'I', axis: 'queries' },
  { name: 'J', axis: 'keys' },
  { name: 'A', axis: 'query_blocks' },
  { name: 'B', axis: 'key_blocks' },
  { name: 'c', axis: 'dim' },
  { name: 'g', axis: 'kv_heads' },
  { name: 'n', axis: 'counted' },
  { name: 'm', axis: 'counted' },
];

const given: readonly Tensor[] = [
  { name: 'q', element: 'float', axes: ['heads', 'queries', 'dim'] },
  { name: 'k', element: 'float', axes: ['kv_heads', 'keys', 'dim'] },
  { name: 'v', element: 'float', axes: ['kv_heads', 'keys', 'dim'] },
  { name: 'x', element: 'float', axes: ['heads', 'keys'] },
  { name: 'w', element: 'int', axes: ['kv_heads', 'queries'] },
  { name: 'y', element: 'bool', axes: ['keys'] },
];

interface Dice {
  readonly below: (n: number) => number;
  readonly coin: (chance: number) => boolean;
  readonly pick: <T>(list: readonly [T, ...T[]]) => T;
  readonly some: <T>(list: readonly T[]) => T | undefined;
}

function diceOf(seed: number): Dice {
  const random = randomSequence(seed);
  const below = (n: number): number => Math.floor(random() * n);
  return { below, coin: (chance) => random() < chance, pick: (list) => list[below(list.length)] ?? list[0], some: (list) => list[below(list.length)] };
}

/** An int without a unit. */
function int(d: Dice, s: Scope): string {
  const index = d.some(s.indices);
  const leaf = (): string => (index !== undefined && d.coin(0.6) ? `(${index.name} * 1)` : d.pick(['0', '1', '2', '3', '5', 'r', '(n_k - n_q) * 1', 'n_q * 1', 'dim']));
  if (s.depth <= 0) return leaf();
  const inner = { ...s, depth: s.depth - 1 };
  switch (d.below(12)) {
    case 0:
      return `(${int(d, inner)} ${d.pick(['+', '-'])} ${int(d, inner)})`;
    case 1:
      return `(${int(d, inner)} ${d.pick(['div', 'mod'])} ${1 + d.below(5)})`;
    case 2:
      return `${d.pick(['min', 'max', 'bit_xor'])}(${int(d, inner)}, ${int(d, inner)})`;
    case 3:
      return `(if ${bool(d, inner)} then ${int(d, inner)} else ${int(d, inner)})`;
    case 4:
      return `((${read(d, inner, 'int') ?? leaf()}) * 1)`;
    case 5:
      return fold(d, inner, ['sum', 'min', 'max'], (e) => `(${int(d, e)} mod 16)`, leaf);
    case 6: {
      if (s.isReduced) return leaf();
      return `((${d.pick(['argmax', 'argmax', `nth(${d.pick(['1', '2', 'r'])})`])} ${over(d, inner, (own) => `${condition(d, own)}: ${float(d, own)}`, false)}) * 1)`;
    }
    case 7:
      return whole(d, s, (o, own) => `(rank ${o}${condition(d, own)}: ${float(d, own)})`) ?? leaf();
    case 8:
      return whole(d, s, (_, own, one) => `(cumsum ${one}${condition(d, own)}: ${int(d, own)} mod 16)`) ?? leaf();
    default:
      return leaf();
  }
}

function bool(d: Dice, s: Scope): string {
  const compare = (): string => {
    const inner = { ...s, depth: s.depth - 1 };
    return d.coin(0.6) ? `${int(d, inner)} ${d.pick(['<', '<=', '==', '!=', '>', '>='])} ${int(d, inner)}` : `${float(d, inner)} ${d.pick(['<', '<=', '>', '>='])} ${float(d, inner)}`;
  };
  if (s.depth <= 0) return `(${int(d, s)} ${d.pick(['<', '<=', '=='])} ${int(d, s)})`;
  const inner = { ...s, depth: s.depth - 1 };
  switch (d.below(8)) {
    case 0:
      return `(${bool(d, inner)} ${d.pick(['&', '|'])} ${bool(d, inner)})`;
    case 1:
      return `~${bool(d, inner)}`;
    case 2:
      return read(d, inner, 'bool') ?? `(${compare()})`;
    case 3:
      return fold(d, inner, ['any', 'all'], (e) => bool(d, e), () => `(${compare()})`);
    case 4:
      return whole(d, s, (o, own) => `(top(${int(d, { ...inner, depth: 0 })}) ${o}${condition(d, own)}: ${float(d, own)})`) ?? `(${compare()})`;
    case 5:
      return whole(d, s, (o, own) => `(top_mass(${float(d, { ...inner, depth: 0 })}) ${o}${condition(d, own)}: abs(${float(d, own)}))`) ?? `(${compare()})`;
    default:
      return `(${compare()})`;
  }
}

function float(d: Dice, s: Scope): string {
  const leaf = (): string => (d.coin(0.75) ? read(d, { ...s, depth: 0 }, 'float') : undefined) ?? d.pick(['0.5', '1.0', '-2.0', 'gain']);
  if (s.depth <= 0) return leaf();
  const inner = { ...s, depth: s.depth - 1 };
  switch (d.below(15)) {
    case 0:
      return `(${float(d, inner)} ${d.pick(['+', '-'])} ${float(d, inner)})`;
    case 1:
      return `(${float(d, inner)} * ${d.pick(['0.5', 'rsqrt(dim)', 'gain', '-0.25'])})`;
    case 2:
      return `${d.pick(['min', 'max'])}(${float(d, inner)}, ${float(d, inner)})`;
    case 3:
      return `(if ${bool(d, inner)} then ${float(d, inner)} else ${float(d, inner)})`;
    case 4:
      return `float(${int(d, inner)})`;
    case 5:
    case 6:
      return fold(d, inner, ['sum', 'min', 'max', 'mean'], (e) => float(d, e), leaf);
    case 7:
    case 8:
      return dot(d, inner) ?? leaf();
    case 9:
      return `${d.pick(['tanh', 'exp'])}(min(${float(d, inner)}, 1.5))`;
    case 10:
      return whole(d, s, (o, own) => `(softmax ${o}${condition(d, own)}: ${float(d, own)})`) ?? leaf();
    case 11:
      return whole(d, s, (o, own) => `(mass ${o}${condition(d, own)}: ${float(d, own)})`) ?? leaf();
    case 12:
      return whole(d, s, (_, own, one) => `(cumsum ${one}${condition(d, own)}: ${float(d, own)})`) ?? leaf();
    default:
      return leaf();
  }
}

function condition(d: Dice, s: Scope): string {
  return d.coin(0.5) ? ` where ${bool(d, { ...s, depth: Math.min(s.depth, 1) })}` : '';
}

/** One or two own indices of a reduction and what follows them. */
function over(d: Dice, s: Scope, rest: (own: Scope) => string, isFold: boolean): string {
  const free = indices.filter((i) => !s.indices.some((o) => o.name === i.name));
  const first = d.some(free);
  if (first === undefined || d.coin(0.3)) {
    const name = `t${s.indices.length}`;
    const range = isFold && d.coin(0.4) ? `${int(d, { ...s, depth: 0 })} .. min(${int(d, { ...s, depth: 0 })}, 9)` : `0 .. ${1 + d.below(4)}`;
    return `${name} in ${range}${rest({ ...s, indices: [...s.indices, { name, axis: 'counted' }], isReduced: true })}`;
  }
  const second = d.coin(0.2) ? d.some(free.filter((i) => i.name !== first.name)) : undefined;
  const own = second === undefined ? [first] : [first, second];
  return `${own.map((i) => i.name).join(', ')}${rest({ ...s, indices: [...s.indices, ...own], isReduced: true })}`;
}

function fold(d: Dice, s: Scope, ops: readonly [string, ...string[]], body: (own: Scope) => string, otherwise: () => string): string {
  if (s.indices.length >= 5) return otherwise();
  return `(${d.pick(ops)} ${over(d, s, (own) => `${condition(d, own)}: ${body(own)}`, true)})`;
}

/** An operator over indices of the equation; they are no constants inside. */
function whole(d: Dice, s: Scope, write: (over: string, own: Scope, one: string) => string): string | undefined {
  const first = d.some(s.equation);
  if (first === undefined || s.isReduced) return undefined;
  const second = d.coin(0.2) ? d.some(s.equation.filter((i) => i.name !== first.name)) : undefined;
  return write(second === undefined ? first.name : `${first.name}, ${second.name}`, { ...s, isReduced: true, depth: s.depth - 1 }, first.name);
}

function place(d: Dice, s: Scope, axis: AxisName): string {
  const fit = d.some(s.indices.filter((i) => i.axis === axis || (axis === 'kv_heads' && i.axis === 'heads')));
  if (fit !== undefined && d.coin(0.9)) return d.coin(0.8) ? fit.name : `${fit.name} ${d.pick(['+', '-'])} ${1 + d.below(2)}`;
  const of = (name: string, axisOfName: AxisName): string | undefined => (s.indices.some((i) => i.axis === axisOfName) ? name : undefined);
  if (axis === 'keys' && d.coin(0.6)) return of('B * block', 'key_blocks') ?? of('I', 'queries') ?? 'n_k - 1';
  if (axis === 'queries' && d.coin(0.6)) return of('first_q + A * block', 'query_blocks') ?? of('J', 'keys') ?? 'n_k - 1';
  return int(d, { ...s, depth: 0 });
}

/** B and A as above stand for any block index in scope; a name out of scope is put right here. */
function inScope(text: string, s: Scope): string {
  const names = new Set(s.indices.map((i) => i.name));
  return text.replaceAll(/\b[AIJB]\b/g, (name) => (names.has(name) ? name : '0'));
}

function read(d: Dice, s: Scope, element: Element): string | undefined {
  const tensor = d.some(s.tensors.filter((t) => t.element === element));
  if (tensor === undefined) return undefined;
  return reading(d, s, tensor, tensor.axes);
}

function reading(d: Dice, s: Scope, tensor: Tensor, axes: readonly AxisName[]): string {
  const [first] = axes;
  const isAutomatic = (first === 'heads' || first === 'kv_heads') && s.equation.some((i) => i.name === 'h') && axes.length > 1;
  const written = isAutomatic && d.coin(0.4) ? axes.slice(1) : axes;
  return written.length === 0 ? tensor.name : inScope(`${tensor.name}[${written.map((a) => place(d, s, a)).join(', ')}]`, s);
}

function dot(d: Dice, s: Scope): string | undefined {
  const rows = s.tensors.filter((t) => t.element === 'float' && t.axes.length > 1 && t.axes.at(-1) === 'dim');
  const [a, b] = [d.some(rows), d.some(rows)];
  if (a === undefined || b === undefined) return undefined;
  return `dot(${reading(d, s, a, a.axes.slice(0, -1))}, ${reading(d, s, b, b.axes.slice(0, -1))})`;
}

function drawIndices(d: Dice): readonly Index[] {
  const order = [...indices];
  const count = d.pick([2, 1, 2, 3, 0]);
  const chosen: Index[] = [];
  if (count > 0 && d.coin(0.6)) chosen.push(...order.splice(0, 1));
  while (chosen.length < count) chosen.push(...order.splice(d.below(order.length), 1));
  // Query heads and key-value heads in one equation would need care at every read.
  return chosen.some((i) => i.name === 'h') ? chosen.filter((i) => i.name !== 'g') : chosen;
}

/** A sum of products over two indices, perhaps by heads. */
function productEquation(d: Dice, name: string): { readonly text: string; readonly tensor: Tensor } | undefined {
  const overHeads = d.coin(0.4);
  const made = randomProduct(d, overHeads);
  if (made === undefined) return undefined;
  const own: readonly Index[] = [...(overHeads ? [{ name: 'h', axis: 'heads' as const }] : []), ...made.own];
  return { tensor: { name, element: 'float', axes: own.map((i) => i.axis) }, text: `${name}[${own.map((i) => i.name).join(', ')}] = ${made.text}` };
}

/** Shares of rows, of which only sums over blocks of keys are read. */
function segmentEquation(d: Dice, name: string): { readonly text: string; readonly tensor: Tensor } {
  const [row, axis, at] = d.pick<readonly [string, AxisName, string]>([['I', 'queries', 'I'], ['A', 'query_blocks', 'A * block + 1']]);
  const value = d.pick([`0.25 * dot(q[h, ${at}], k[h, J])`, `dot(q[h, ${at}], k[h, J]) + x[h, J]`, `0.5 * (sum t in 0 .. 3: dot(q[h, ${at}], v[h, J + t]))`, `(max c: q[h, ${at}, c] * k[h, J, c])`]);
  const where = d.pick(['', ` where (J * 1) <= (${at} + n_k - n_q) * 1`, ' where y[J]', ` where (J * 1) mod 3 != 1 | ${row} * 1 == 0`]);
  const [from, to] = d.coin(0.8) ? ['B * block', '(B + 1) * block'] : ['B * 3', 'B * 3 + 3'];
  const share = `${name}_p[h, ${row}, J] = softmax J${where}: ${value}`;
  return {
    tensor: { name, element: 'float', axes: ['heads', axis, 'key_blocks'] },
    text: `${share}\n  ${name}[h, ${row}, B] = sum t in ${from} .. ${to}: ${name}_p[h, ${row}, t]`,
  };
}

function equation(d: Dice, name: string, tensors: readonly Tensor[]): { readonly text: string; readonly tensor: Tensor } {
  const product = d.coin(0.25) ? productEquation(d, name) : d.coin(0.12) ? segmentEquation(d, name) : undefined;
  if (product !== undefined) return product;
  const own = drawIndices(d);
  const element = d.pick<Element>(['float', 'float', 'int', 'bool']);
  const scope: Scope = { indices: own, equation: own, tensors, isReduced: false, depth: 1 + d.below(3) };
  const along = d.coin(0.15) ? d.some(own) : undefined;
  const head = `${name}[${own.map((i) => i.name).join(', ')}]`;
  const tensor = { name, element, axes: own.map((i) => i.axis) };
  if (along !== undefined) {
    const before = `${name}[${own.map((i) => (i === along ? `${i.name} - ${1 + d.below(2)}` : i.name)).join(', ')}]`;
    const plain = { ...scope, isReduced: true };
    if (element === 'float') return { tensor, text: `${head} = ${before} * 0.5 + ${float(d, plain)}` };
    if (element === 'int') return { tensor, text: `${head} = (${before} + ${int(d, plain)}) mod 64` };
    return { tensor, text: `${head} = ${before} ${d.pick(['|', '&'])} ${bool(d, plain)} | ${bool(d, plain)}` };
  }
  switch (element) {
    case 'float':
      return { tensor, text: `${head}${d.coin(0.15) ? `: ${d.pick(['f16', 'bf16'])}` : ''} = ${float(d, scope)}` };
    case 'int':
      return { tensor, text: `${head} = ${int(d, scope)}` };
    case 'bool':
      return { tensor, text: `${head} = ${bool(d, scope)}` };
  }
}

/** Masks that a tensor can make, as text. */
function maskOf(t: Tensor): string | undefined {
  const axes = t.axes.filter((a, n) => n !== 0 || a !== 'heads');
  const [first, second] = axes;
  if (t.element === 'bool' && axes.length === 2 && first === 'query_blocks' && (second === 'key_blocks' || second === 'keys')) return `tiles(st.${t.name})`;
  if (t.element === 'bool' && axes.length === 1 && (first === 'keys' || first === 'queries')) return `${first}(st.${t.name})`;
  if (t.element === 'int' && axes.length === 1 && first === 'counted') return `(keys(st.${t.name}) | slashes(st.${t.name}))`;
  if (t.element === 'int' && axes.length === 0) return `band(-3 .. st.${t.name}${t.axes.length > 0 ? '[h]' : ''})`;
  return undefined;
}

/** A program of one equation for each seed. */
export function stageEquations({ equations, block, isAttention }: { readonly equations: readonly number[]; readonly block: number; readonly isAttention: boolean }): StageText {
  const params = `const block: int tokens = ${block}, r: int, gain: float, x: float[heads, keys], w: int[batch, kv_heads, queries], y: bool[keys], ${productParams}`;
  const d = diceOf((equations[0] ?? 0) + 77);
  const ranges = ['queries', 'keys', 'queries / block', 'keys / block', 'dim', 'kv_heads', d.pick(['0 .. 5', '0 .. 1', '0 .. n_k - n_q', '0 .. min(n_k, 6)']), d.pick(['0 .. 3', '0 .. r', '0 .. heads'])];
  const lines = indices.slice(1).map((i, n) => `  index ${i.name} in ${ranges[n] ?? '0 .. 1'}`);
  lines.push(...productIndices.map((i) => `  index ${i}`));
  const tensors: Tensor[] = [];
  for (const [n, seed] of equations.entries()) {
    const made = equation(diceOf(seed), `e${n}`, [...given, ...tensors, ...tensors]);
    tensors.push(made.tensor);
    lines.push(`  ${made.text}`);
  }
  const stage = `stage work(${params}) {\n${lines.join('\n')}\n}\n`;
  if (!isAttention) return { text: stage, name: 'work' };
  const masks = tensors.flatMap((t) => maskOf(t) ?? []);
  const body = [`stage st = work(block, r, gain, x, w, y, rows, deep, few, table)`, `mask ${masks.length === 0 ? 'causal' : `${masks.join(' | ')} | band(0 .. 2)`}`];
  // The first declaration of a file is the one that a stored failure is about.
  return { text: `attention behind(${params}) {\n${body.map((b) => `  ${b}`).join('\n')}\n}\n\n${stage}`, name: 'behind' };
}
