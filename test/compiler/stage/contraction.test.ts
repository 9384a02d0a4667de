/**
 * Sums of products by tiles of dots: strided and reversed rows, rows outside, shared heads, scaled parts; judged against the dense
 * interpreter on whole numbers, whose sums are exact. Which maps are made so is a matter of structure.
 */
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { denseStages } from '../../../compiler/interpreters/dense/index.ts';
import { sm80, webgpuDefault } from '../../../backends/targets.ts';
import { compileSpec } from '../../../compiler/pipeline.ts';
import type { Spec } from '../../../compiler/spec/ir.ts';
import type { StageTensor } from '../../../compiler/spec/stage.ts';
import { compiled, counted, heads, i, inputsOf, launchOf, levels, param, run, stageSpec, tensor, valueOf } from './specs.ts';

const sizes = { batch: 2, heads: 4, kvHeads: 2, nQ: 19, nK: 37, dim: 6 };
const keys = { kind: 'keys' } as const;
const queries = { kind: 'queries' } as const;
const kvHead = x.div(i('h'), x.div(i('heads'), i('kv_heads')));
const inputs = inputsOf(sizes, 3);

function product(row: Expr, key: Expr): Expr {
  const body = x.mul(x.read('q', 'float', [i('b'), i('h'), row, i('c')]), x.read('k', 'float', [i('b'), kvHead, key, i('c')]));
  return x.fold('sum', 'c', x.int(0), i('dim'), body);
}

const stride = (n: Expr, by: number): Expr => x.mul(n, x.int(by));
/** Rows from the last of a stride down, keys upwards; both axes go beyond what is there. */
const antidiagonal = (more: (e: Expr) => Expr): Expr =>
  x.fold('sum', 't', x.int(0), x.int(3), more(product(x.sub(x.add(stride(i('I'), 3), x.int(2)), i('t')), x.add(stride(i('J'), 3), x.sub(i('t'), x.int(1))))));

const tables = [param('table', 'float', [{ kind: 'fixed', extent: 7 }, { kind: 'fixed', extent: 5 }])];
const table = { extents: [7, 5], data: Float32Array.from({ length: 35 }, (_, n) => (n * 5) % 7 - 3) };
const launch = launchOf(sizes, { tensors: new Map([['table', table]]) });
const tableProduct = x.fold('sum', 'c', x.int(0), x.int(5), x.mul(x.read('table', 'float', [i('J'), i('c')]), x.read('table', 'float', [x.sub(x.int(8), i('I')), i('c')])));

const cases: readonly (readonly [string, StageTensor])[] = [
  ['every row with every key', tensor('s', 'float', { h: heads, I: queries, J: keys }, { kind: 'map', value: product(i('I'), i('J')) })],
  ['strided and reversed rows, some outside', tensor('s', 'float', { h: heads, I: counted(9), J: counted(15) }, { kind: 'map', value: antidiagonal((e) => e) })],
  ['parts with factors of their own, and what is around the sum', tensor('s', 'float', { h: heads, I: counted(7), J: counted(13) }, {
    kind: 'map', value: x.add(x.mul(antidiagonal((e) => x.mul(e, x.toFloat(x.add(i('t'), i('J'))))), x.float(0.5)), x.toFloat(x.sub(i('I'), i('h')))),
  })],
  ['the column index slower than the row index', tensor('s', 'float', { J: keys, h: heads, I: queries }, { kind: 'map', value: product(i('I'), i('J')) })],
  ['a comparison of sums', tensor('s', 'bool', { h: heads, I: queries, J: keys }, { kind: 'map', value: x.gt(product(i('I'), i('J')), x.float(2)) })],
  ['rows of a parameter with rows of itself', tensor('s', 'float', { I: counted(9), J: counted(7) }, { kind: 'map', value: tableProduct })],
];

const specOf = (s: StageTensor): Spec => stageSpec([s], tables);

describe.each(cases)('a sum of products: %s', (_, s) => {
  const spec = specOf(s);
  test('is made by dots on every target, in both storage types', () => {
    for (const target of [webgpuDefault, sm80]) {
      for (const dtype of ['f32', 'f16'] as const) {
        const { tilePrograms } = valueOf(compileSpec(spec, { target, dim: sizes.dim, dtype }));
        expect(JSON.stringify(tilePrograms).match(/"kind":"dot"/g)).toHaveLength(1);
      }
    }
  });

  test.each(levels)('has the values of its meaning at the %s level', (level) => {
    const wanted = denseStages(spec, launch, inputs).get('s');
    const made = run(level, compiled(spec, sizes.dim), launch, inputs).outputs.get('s');
    expect([...(made?.values ?? [])]).toEqual([...(wanted?.data ?? [])]);
    expect(wanted?.data.some((v) => v !== 0)).toBe(true);
  });
});

test('factors that share both indices are made an element at a time', () => {
  for (const value of [product(x.add(i('I'), i('J')), i('J'))]) {
    const spec = specOf(tensor('s', 'float', { h: heads, I: queries, J: keys }, { kind: 'map', value }));
    const artefact = compiled(spec, sizes.dim);
    expect(JSON.stringify(artefact.tilePrograms)).not.toContain('"kind":"dot"');
    expect([...(run('tile', artefact, launch, inputs).outputs.get('s')?.values ?? [])]).toEqual([...(denseStages(spec, launch, inputs).get('s')?.data ?? [])]);
  }
});
