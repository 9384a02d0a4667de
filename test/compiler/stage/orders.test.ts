/**
 * Orders of long lines: sorted runs and filters on the interpreters of the tile and the kernel level, with runs so short that small lines take
 * every merge, against plain sorting of whole numbers full of ties.
 */
import { describe, expect, test } from 'vitest';
import { swiftshader } from '../../../backends/targets.ts';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { compileSpec, type Compiled } from '../../../compiler/pipeline.ts';
import type { Axis, Launch, Spec, TensorParam } from '../../../compiler/spec/ir.ts';
import { directionOf, usualOrders, type OrderShape } from '../../../compiler/stage/orders.ts';
import { counted, i, inputsOf, launchOf, levels, param, run, stageSpec, tensor, valueOf, wholes } from './specs.ts';

const keys = { kind: 'keys' } as const;
const lineCount = 3;
const extent = { rows: counted(lineCount) };
const w: TensorParam = param('w', 'float', [counted(lineCount), keys]);
const here = x.read('w', 'float', [i('rows'), i('J')]);
const takes = x.not(x.eq(x.mod(x.add(i('J'), i('rows')), x.int(5)), x.int(0)));

/** Lines of nK values. */
function launch(nK: number, values: Float32Array = wholes(lineCount * nK, 7)): Launch {
  return launchOf({ batch: 1, heads: 1, kvHeads: 1, nQ: 1, nK, dim: 1 }, { tensors: new Map([['w', { extents: [lineCount, nK], data: values }]]) });
}

const known = new Map<string, Compiled>();

/** One compilation for all lengths. */
function compiledWith(spec: Spec, orders: OrderShape): Compiled {
  const key = JSON.stringify([spec.stages.map((t) => [t.name, t.rule]), orders]);
  const artefact = known.get(key) ?? valueOf(compileSpec(spec, { target: swiftshader, dim: 1, dtype: 'f32', schedules: { orders } }));
  known.set(key, artefact);
  return artefact;
}

function outputs(level: (typeof levels)[number], spec: Spec, given: Launch, orders: OrderShape): (name: string) => readonly number[] {
  const artefact = compiledWith(spec, orders);
  const result = run(level, artefact, given, inputsOf(given.sizes, 1));
  return (name) => [...(result.outputs.get(name)?.values ?? [])];
}

/** Numbers of a line in order: those taking part, larger keys first, equal keys by number, keys that are no number last. */
function ordered(given: Launch, row: number, part: (j: number) => boolean = (j) => (j + row) % 5 !== 0): readonly number[] {
  const { nK } = given.sizes;
  const data = given.tensors.get('w')?.data ?? [];
  const key = (j: number): number => Number(data[row * nK + j]);
  const last = (j: number): number => (Number.isNaN(key(j)) ? 1 : 0);
  return Array.from({ length: nK }, (_, j) => j).filter(part).sort((a, b) => last(a) - last(b) || (key(a) === key(b) || last(a) === 1 ? a - b : key(a) > key(b) ? -1 : 1));
}

const spec = stageSpec([
  tensor('place', 'int', { ...extent, J: keys }, { kind: 'rank', over: ['J'], where: takes, key: here }),
  tensor('mass', 'float', { ...extent, J: keys }, { kind: 'mass', over: ['J'], where: takes, key: here }),
  tensor('list', 'int', { ...extent, r: counted(x.add(i('n_k'), x.int(2))) }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: keys }], where: takes, key: here }),
  tensor('few', 'int', { ...extent, r: counted(3) }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: keys }], where: takes, key: x.unary('floor_to_int', here) }),
  tensor('up', 'int', { ...extent, r: counted(x.add(i('n_k'), x.int(2))) }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: keys }], where: takes, key: x.neg(i('J')) }),
  tensor('down', 'int', { ...extent, r: counted(4) }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: keys }], where: takes, key: x.add(i('J'), x.int(3)) }),
], [w]);

describe('the direction of an order', () => {
  const of = (key: Expr, axis: Axis = keys): string | undefined => directionOf({ kind: 'order', along: 'r', over: [{ name: 'J', axis }], where: x.trueExpr, key });

  test('is known where the key is an index that rises or falls, or a constant', () => {
    expect([of(x.neg(i('J'))), of(x.toFloat(x.neg(i('J')))), of(x.neg(x.toFloat(i('J')))), of(x.sub(x.int(9), i('J'))), of(x.float(1))]).toEqual(Array.from({ length: 5 }, () => 'ascending'));
    expect([of(i('J')), of(x.toFloat(i('J'))), of(x.add(i('J'), x.int(3)))]).toEqual(Array.from({ length: 3 }, () => 'descending'));
  });

  test('is not known where rounding or wrapping could change it, or the key reads', () => {
    const unknown = [of(here), of(x.toFloat(x.add(i('J'), x.int(2 ** 28)))), of(x.add(i('J'), x.int(2 ** 30))), of(x.toFloat(i('J')), counted(i('n_k'))), of(x.mul(i('J'), i('s'))), of(x.sub(x.neg(i('n_k')), i('J')))];
    expect(unknown).toEqual(unknown.map(() => undefined));
  });
});

// Lines that end in a run, with it, behind it; that take one merge, two, three, and more runs than are merged at a time.
const lengths = [1, 2, 3, 4, 5, 9, 16, 35];

describe.each(levels)('orders of long lines at the %s level', (level) => {
  test('ranks, masses and lists are those of plain sorting, whatever the length', () => {
    for (const nK of lengths) {
      const given = launch(nK);
      const out = outputs(level, spec, given, { counted: 0, run: 2, fan: 2 });
      const data = given.tensors.get('w')?.data ?? [];
      const lines = Array.from({ length: lineCount }, (_, row) => ({ row, list: ordered(given, row) }));
      const each = (value: (list: readonly number[], row: number, place: number, j: number) => number): readonly number[] =>
        lines.flatMap(({ row, list }) => Array.from({ length: nK }, (_, j) => value(list, row, list.indexOf(j), j)));
      const mass = (list: readonly number[], row: number, end: number): number => list.slice(0, end).reduce((sum, j) => sum + Number(data[row * nK + j]), 0);
      expect(out('place'), `${nK} keys`).toEqual(each((list, _, place) => (place < 0 ? list.length : place)));
      expect(out('mass'), `${nK} keys`).toEqual(each((list, row, place) => mass(list, row, place < 0 ? list.length : place)));
      const listed = (length: number, from: (list: readonly number[]) => readonly number[]): readonly number[] => lines.flatMap(({ list }) => Array.from({ length }, (_, r) => from(list)[r] ?? -1));
      const ascending = (list: readonly number[]): readonly number[] => [...list].sort((a, b) => a - b);
      expect(out('list'), `${nK} keys`).toEqual(listed(nK + 2, (list) => list));
      expect(out('few'), `${nK} keys`).toEqual(listed(3, (list) => list));
      expect(out('up'), `${nK} keys`).toEqual(listed(nK + 2, ascending));
      expect(out('down'), `${nK} keys`).toEqual(listed(4, (list) => [...ascending(list)].reverse()));
    }
  });

  test('keys that are no number come last among those taking part, by number, behind the least keys and infinity', () => {
    const values = Float32Array.from(wholes(lineCount * 9, 3), (v, n) => (n % 4 === 1 ? NaN : n % 5 === 2 ? -Infinity : n % 7 === 3 ? -3.4028234663852886e38 : v));
    const given = launch(9, values);
    const out = outputs(level, stageSpec(spec.stages.filter((t) => t.name === 'place' || t.name === 'list'), [w]), given, { counted: 0, run: 2, fan: 4 });
    expect(out('list')).toEqual([0, 1, 2].flatMap((row) => Array.from({ length: 11 }, (_, r) => ordered(given, row)[r] ?? -1)));
  });

  test('lines of which nothing takes part are lists of nothing', () => {
    const none = stageSpec(spec.stages.map((t) => ('where' in t.rule ? { ...t, rule: { ...t.rule, where: x.lt(i('J'), x.int(0)) } } : t)), [w]);
    const out = outputs(level, none, launch(7), { counted: 0, run: 2, fan: 2 });
    for (const name of ['list', 'few', 'up', 'down']) expect(new Set(out(name))).toEqual(new Set([-1]));
    for (const name of ['place', 'mass']) expect(new Set(out(name))).toEqual(new Set([0]));
  });
});

test('the usual shape counts short lines and sorts long ones, at the tile level', () => {
  for (const nK of [64, 130]) {
    const given = launch(nK);
    const out = outputs('tile', spec, given, usualOrders);
    expect(out('list')).toEqual([0, 1, 2].flatMap((row) => Array.from({ length: nK + 2 }, (_, r) => ordered(given, row)[r] ?? -1)));
  }
});

test('only the way that a launch takes is launched', () => {
  const artefact = valueOf(compileSpec(spec, { target: swiftshader, dim: 1, dtype: 'f32' }));
  const names = (list: Expr | undefined): string => JSON.stringify(list);
  const steps = artefact.hostPlan.steps.filter((s) => s.kernel.startsWith('stage_0_'));
  expect(steps.map((s) => s.kernel)).toEqual(['stage_0_place', 'stage_0_place_pairs', 'stage_0_place_runs', 'stage_0_place_merge_1', 'stage_0_place_merge_2', 'stage_0_place_merge_3', 'stage_0_place_merge_4', 'stage_0_place_ranks']);
  expect(names(steps[0]?.when)).not.toBe(names(steps[1]?.when));
});
