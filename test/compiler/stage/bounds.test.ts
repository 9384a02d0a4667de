/**
 * Loops over a line that keep to the bounds which a condition states: every form of bound, on both sides, and ones that no int holds.
 */
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import { checkStages } from '../../../compiler/interpreters/stage-check.ts';
import { compiled, counted, i, inputsOf, launchOf, levels, run, stageSpec, tensor } from './specs.ts';

const bounds: Readonly<Record<string, (J: Expr, I: Expr) => Expr>> = {
  'at most': (J, I) => x.le(J, x.mul(I, x.int(2))),
  'below': (J, I) => x.and(x.lt(J, x.sub(x.int(20), I)), x.ne(x.mod(J, x.int(3)), x.int(0))),
  'at least': (J, I) => x.ge(J, x.sub(x.mul(I, x.int(7)), x.int(5))),
  'above': (J, I) => x.gt(x.add(I, x.int(30)), x.mul(J, x.int(2))),
  'between': (J, I) => x.and(x.gt(J, I), x.ge(x.add(I, x.int(4)), J)),
  'equal': (J, I) => x.eq(x.mul(I, x.int(9)), J),
  'beyond the axis': (J, I) => x.and(x.le(J, x.sub(x.int(2147483647), I)), x.ge(J, x.add(x.int(-2147483648), I))),
};

describe.each(levels)('loops cut by the bounds of a condition at the %s level', (level) => {
  test.each(Object.keys(bounds))('%s', (name) => {
    const where = bounds[name]?.(i('J'), i('I')) ?? x.trueExpr;
    const rows = { I: { kind: 'queries' } as const, J: { kind: 'keys' } as const };
    const key = x.read('k', 'float', [i('b'), x.int(0), i('J'), x.int(1)]);
    const spec = stageSpec([
      tensor('rank', 'int', rows, { kind: 'rank', over: ['J'], where, key }),
      tensor('pairs', 'float', rows, { kind: 'mass', over: ['I', 'J'], where, key }),
      tensor('list', 'int', { I: rows.I, r: counted(4) }, { kind: 'order', along: 'r', over: [{ name: 'J', axis: rows.J }], where, key }),
      tensor('share', 'float', rows, { kind: 'softmax', over: ['J'], where, value: key }),
    ]);
    const small = { batch: 1, heads: 1, kvHeads: 1, nQ: 5, nK: 23, dim: 4 };
    const inputs = inputsOf(small, 9);
    const launch = launchOf(small);
    const ran = run(level, compiled(spec, 4), launch, inputs);
    expect(checkStages(spec, launch, inputs, ran.outputs)).toEqual([]);
    const dense = denseStages(spec, launch, inputs);
    for (const n of ['rank', 'pairs', 'list']) expect([...(ran.outputs.get(n)?.values ?? [])], n).toEqual([...(dense.get(n)?.data ?? [])]);
  });
});
