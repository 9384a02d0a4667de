/**
 * Stage tensors by one lane an element: every rule on the interpreters of the tile and the kernel level, against plain loops over whole numbers
 * with many ties, whose sums are exact.
 */
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import type { LaunchOutput } from '../../../compiler/interpreters/launch.ts';
import type { Launch, Spec } from '../../../compiler/spec/ir.ts';
import { compiled, counted, heads, i, inputsOf, launchOf, levels, param, run, stageSpec, tensor } from './specs.ts';

const sizes = { batch: 2, heads: 2, kvHeads: 1, nQ: 5, nK: 11, dim: 4 };
const inputs = inputsOf(sizes, 1);
const keys = { kind: 'keys' } as const;
const queries = { kind: 'queries' } as const;
const kvHead = x.div(i('h'), x.div(i('heads'), i('kv_heads')));
const score = x.fold('sum', 'd', x.int(0), i('dim'), x.mul(x.read('q', 'float', [i('b'), i('h'), i('I'), i('d')]), x.read('k', 'float', [i('b'), kvHead, i('J'), i('d')])));

function q(b: number, h: number, r: number, d: number): number {
  return Number(inputs.q[((b * 2 + h) * 5 + r) * 4 + d]);
}
function k(b: number, r: number, d: number): number {
  return Number(inputs.k[(b * 11 + r) * 4 + d]);
}
function dot(b: number, h: number, r: number, c: number): number {
  return [0, 1, 2, 3].reduce((s, d) => s + q(b, h, r, d) * k(b, c, d), 0);
}

/** Every (b, h, I) line of scores. */
const lines: readonly { readonly b: number; readonly h: number; readonly r: number; readonly scores: readonly number[] }[] =
  [0, 1].flatMap((b) => [0, 1].flatMap((h) => [0, 1, 2, 3, 4].map((r) => ({ b, h, r, scores: Array.from({ length: 11 }, (_, c) => dot(b, h, r, c)) }))));

function outputs(level: (typeof levels)[number], spec: Spec, launch: Launch = launchOf(sizes)): (name: string) => readonly number[] {
  const result: LaunchOutput = run(level, compiled(spec, sizes.dim), launch, inputs);
  return (name) => [...(result.outputs.get(name)?.values ?? [])];
}

const s = tensor('s', 'float', { h: heads, I: queries, J: keys }, { kind: 'map', value: score });
const readS = (index: Expr = i('J')): Expr => x.read('s', 'float', [i('b'), i('h'), i('I'), index]);
const seen = x.le(i('J'), x.add(i('I'), x.int(4)));
const taking = (scores: readonly number[], r: number): readonly number[] => scores.map((_, c) => c).filter((c) => c <= r + 4);
/** Numbers of those taking part, first in the order first. */
const ordered = (scores: readonly number[], r: number): readonly number[] => [...taking(scores, r)].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);

describe.each(levels)('stage tensors at the %s level', (level) => {
  test('a map with a contraction gives every element, heads sharing keys', () => {
    const out = outputs(level, stageSpec([s]));
    expect(out('s')).toEqual(lines.flatMap((l) => l.scores));
  });

  test('ranks, masses and orders put larger keys first and equal keys by index, and leave out what takes no part', () => {
    const ranks = tensor("p'rank", 'int', { h: heads, I: queries, J: keys }, { kind: 'rank', over: ['J'], where: seen, key: readS() });
    const masses = tensor('mass', 'float', { h: heads, I: queries, J: keys }, { kind: 'mass', over: ['J'], where: seen, key: readS() });
    const order = tensor('order', 'int', { h: heads, I: queries, r: counted(13) }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: keys }], where: seen, key: readS() });
    const few = tensor('few', 'int', { h: heads, I: queries, r: counted(3) }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: keys }], where: seen, key: readS() });
    const out = outputs(level, stageSpec([s, ranks, masses, order, few]));
    const place = (l: (typeof lines)[number], c: number): number => ordered(l.scores, l.r).indexOf(c);
    expect(out("p'rank")).toEqual(lines.flatMap((l) => l.scores.map((_, c) => (place(l, c) < 0 ? taking(l.scores, l.r).length : place(l, c)))));
    expect(out('mass')).toEqual(lines.flatMap((l) => l.scores.map((_, c) => {
      const before = place(l, c) < 0 ? ordered(l.scores, l.r) : ordered(l.scores, l.r).slice(0, place(l, c));
      return before.reduce((sum, o) => sum + (l.scores[o] ?? 0), 0);
    })));
    const listed = (count: number): readonly number[] => lines.flatMap((l) => Array.from({ length: count }, (_, r) => ordered(l.scores, l.r)[r] ?? -1));
    expect(out('order')).toEqual(listed(13));
    expect(out('few')).toEqual(listed(3));
  });

  test('an order over two bound indices counts row-major', () => {
    const both = tensor('both', 'int', { h: heads, r: counted(6) }, {
      kind: 'order', along: 'r', over: [{ name: 'I', axis: queries }, { name: 'J', axis: keys }], where: x.trueExpr, key: readS(),
    });
    const out = outputs(level, stageSpec([s, both]));
    const expected = [0, 1, 2, 3].flatMap((n) => {
      const all = lines.slice(n * 5, n * 5 + 5).flatMap((l) => l.scores);
      return all.map((_, c) => c).sort((a, b) => (all[b] ?? 0) - (all[a] ?? 0) || a - b).slice(0, 6);
    });
    expect(out('both')).toEqual(expected);
  });

  test('softmax sums to one over those taking part, and a line of none is zero', () => {
    const where = x.and(seen, x.gt(i('I'), x.int(0)));
    const p = tensor('p', 'float', { h: heads, I: queries, J: keys }, { kind: 'softmax', over: ['J'], where, value: x.mul(readS(), x.float(0.125)) });
    const out = outputs(level, stageSpec([s, p]));
    const expected = lines.flatMap((l) => {
      const kept = l.r === 0 ? [] : taking(l.scores, l.r);
      const total = kept.reduce((sum, c) => sum + Math.exp((l.scores[c] ?? 0) / 8), 0);
      return l.scores.map((v, c) => (kept.includes(c) ? Math.exp(v / 8) / total : 0));
    });
    out('p').forEach((v, n) => expect(Math.abs(v - (expected[n] ?? NaN))).toBeLessThanOrEqual(2 ** -19 * (expected[n] ?? 0)));
  });

  test('softmax and rank over an outer index and over two indices', () => {
    const outer = tensor('outer', 'int', { h: heads, I: queries, J: keys }, { kind: 'rank', over: ['I'], where: x.trueExpr, key: readS() });
    const pair = tensor('pair', 'int', { h: heads, I: queries, J: keys }, { kind: 'rank', over: ['h', 'J'], where: x.trueExpr, key: readS() });
    const out = outputs(level, stageSpec([s, outer, pair]));
    const at = (b: number, h: number, r: number, c: number): number => lines[(b * 2 + h) * 5 + r]?.scores[c] ?? NaN;
    const rank = (own: readonly [number, number], all: readonly (readonly [number, number])[]): number =>
      all.filter(([key, n]) => key > own[0] || (key === own[0] && n < own[1])).length;
    expect(out('outer')).toEqual(lines.flatMap((l) => l.scores.map((v, c) => rank([v, l.r], [0, 1, 2, 3, 4].map((r) => [at(l.b, l.h, r, c), r])))));
    expect(out('pair')).toEqual(lines.flatMap((l) => l.scores.map((v, c) =>
      rank([v, l.h * 11 + c], [0, 1].flatMap((h) => Array.from({ length: 11 }, (_, o): readonly [number, number] => [at(l.b, h, l.r, o), h * 11 + o]))))));
  });

  test('a recurrence adds up from the start of its line and reads 0 before it', () => {
    const sum = tensor('sum', 'float', { h: heads, I: queries, J: keys }, {
      kind: 'recurrence', along: 'J', value: x.add(x.read('sum', 'float', [i('b'), i('h'), i('I'), x.sub(i('J'), x.int(1))]), readS()),
    });
    const far = tensor('far', 'float', { h: heads, J: keys, I: queries }, {
      kind: 'recurrence', along: 'J',
      value: x.sub(readS(), x.read('far', 'float', [i('b'), i('h'), x.sub(i('J'), x.int(3)), i('I')])),
    });
    const out = outputs(level, stageSpec([s, sum, far]));
    expect(out('sum')).toEqual(lines.flatMap((l) => l.scores.map((_, c) => l.scores.slice(0, c + 1).reduce((a, v) => a + v, 0))));
    const line = (l: (typeof lines)[number]): readonly number[] => l.scores.reduce((done: readonly number[], v, c) => [...done, v - (done[c - 3] ?? 0)], []);
    const made = lines.map(line);
    const expected = [0, 1, 2, 3].flatMap((n) => Array.from({ length: 11 }, (_, c) => [0, 1, 2, 3, 4].map((r) => made[n * 5 + r]?.[c] ?? NaN)).flat());
    expect(out('far')).toEqual(expected);
  });

  test('narrow precisions round to nearest, ties to even, where a value is stored', () => {
    const values = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -0.1, 3.14159, 1e-6, 0];
    const x0 = param('x', 'float', [{ kind: 'fixed', extent: 8 }]);
    const half = tensor('half', 'float', { J: counted(8) }, { kind: 'map', value: x.read('x', 'float', [i('J')]) }, 'f16');
    const brain = tensor('brain', 'float', { J: counted(8) }, { kind: 'map', value: x.read('x', 'float', [i('J')]) }, 'bf16');
    const launch = launchOf({ ...sizes, batch: 1 }, { tensors: new Map([['x', { extents: [8], data: Float32Array.from(values) }]]) });
    const spec = stageSpec([half, brain], [x0]);
    const result = run(level, compiled(spec, 4), launch, { q: inputs.q.slice(0, 40), k: inputs.k.slice(0, 44), v: inputs.v.slice(0, 44) });
    const rounded = (bits: number) => values.map((v) => {
      const f = Math.fround(v);
      if (f === 0) return 0;
      const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(f))), bits === 11 ? -14 : -126) - bits + 1);
      const n = f / unit;
      const low = Math.floor(n);
      const up = n - low > 0.5 || (n - low === 0.5 && low % 2 !== 0);
      return (up ? low + 1 : low) * unit;
    });
    expect([...(result.outputs.get('half')?.values ?? [])]).toEqual(rounded(11));
    expect([...(result.outputs.get('brain')?.values ?? [])]).toEqual(rounded(8));
  });

  test('an axis counted to nothing makes an empty tensor, and one beyond a whole tile is complete', () => {
    const none = tensor('none', 'int', { J: counted(x.sub(i('n_q'), i('n_k'))) }, { kind: 'map', value: i('J') });
    const many = tensor('many', 'int', { J: counted(x.mul(i('n_k'), x.int(7))) }, { kind: 'map', value: x.add(x.mul(i('J'), x.int(10)), i('b')) });
    const out = outputs(level, stageSpec([none, many]));
    expect(out('none')).toEqual([]);
    expect(out('many')).toEqual([0, 1].flatMap((b) => Array.from({ length: 77 }, (_, n) => n * 10 + b)));
  });
});
