/**
 * Kernels on devices that bind few buffers: small tensors come from packed buffers, results are those of the dense interpreter, and what
 * cannot be packed is refused with all that it binds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { webgpuDefault } from '../../../backends/targets.ts';
import { denseAttention, denseStages } from '../../../compiler/interpreters/dense/index.ts';
import * as x from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { compileSpec, type Compiled } from '../../../compiler/pipeline.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Launch, Spec, TensorValue } from '../../../compiler/spec/ir.ts';
import type { Checked } from '../../../dsl/diagnostic.ts';
import { counted, heads, i, inputsOf, launchOf, levels, param, run, stageSpec, tensor, valueOf } from '../stage/specs.ts';

const examples = join(import.meta.dirname, '..', '..', '..', 'examples');

function example(file: string, name: string, constants: Readonly<Record<string, number>> = {}): Spec {
  return valueOf(compileSource({ file: join(examples, file) }, (path) => readFileSync(path, 'utf8'), name, new Map(Object.entries(constants))));
}

function compiledFor(spec: Spec, dim: number, maxStorageBuffers: number): Checked<Compiled> {
  return compileSpec(spec, { target: { ...webgpuDefault, maxStorageBuffers }, dim, dtype: 'f32' });
}

const ints = (extents: readonly number[], data: readonly number[]): TensorValue => ({ extents, data: Int32Array.from(data) });

const sizes = { batch: 1, heads: 4, kvHeads: 2, nQ: 21, nK: 33, dim: 8 };

const programs: Readonly<Record<string, { readonly spec: Spec; readonly launch: Launch }>> = {
  'a choice of patterns per head, by parameters': {
    spec: example('per-head-mix/per-head-mix.fil', 'per_head_mix'),
    launch: launchOf(sizes, {
      scalars: new Map([['sinks', 3]]),
      tensors: new Map([
        ['pattern', ints([4], [0, 1, 2, 3])], ['window', ints([4], [5, 4, 0, 0])],
        ['columns', ints([4, 3], [0, 0, 0, 1, 2, 3, 0, 9, 17, 4, 4, 4])], ['slashes_at', ints([4, 2], [0, 1, 0, 2, 0, 6, 5, 5])],
      ]),
    }),
  },
  'a choice of patterns per head, by stages': {
    spec: example('mminference/mminference.fil', 'grid', { tile: 2 }),
    launch: launchOf(sizes, {
      scalars: new Map([['rows', 1], ['columns', 1]]),
      tensors: new Map(Object.entries({ sinks: [1, 0, 2, 30], windows: [3, 2, 4, 3], starts: [2, 3, 1, 5], ends: [31, 30, 12, 33], strides: [3, 4, 5, 3] }).map(([name, data]) => [name, ints([4], data)])),
    }),
  },
};

describe.each(Object.keys(programs))('%s', (name) => {
  const { spec, launch } = programs[name] ?? { spec: stageSpec([]), launch: launchOf(sizes) };
  const inputs = inputsOf(sizes, 11);
  const dense = denseAttention(spec, launch, inputs);

  test.each([8, 7])('runs where a kernel binds %i buffers, at every level', (limit) => {
    const compiled = valueOf(compiledFor(spec, sizes.dim, limit));
    expect(Math.max(...compiled.hostPlan.kernels.map((k) => k.storage.length))).toBeLessThanOrEqual(limit);
    expect(compiled.hostPlan.buffers.some((b) => b.name.startsWith('packed_'))).toBe(true);
    for (const level of levels) {
      const { out, lse } = run(level, compiled, launch, inputs);
      const worst = Math.max(...out.map((v, n) => Math.abs(v - (dense.out[n] ?? NaN))), ...lse.map((v, n) => (v === dense.lse[n] ? 0 : Math.abs(v - (dense.lse[n] ?? NaN)))));
      expect(worst, level).toBeLessThan(1e-5);
    }
  });

  test('says all that a kernel binds where five are too few', () => {
    const refused = compiledFor(spec, sizes.dim, 5);
    expect(refused.ok).toBe(false);
    expect(refused.diagnostics[0]?.code).toBe('FIL0610');
  });
});

test('nothing is packed where all fit', () => {
  const compiled = valueOf(compiledFor(example('per-head-mix/per-head-mix.fil', 'per_head_mix'), 8, 64));
  expect(compiled.hostPlan.buffers.filter((b) => b.name.startsWith('packed_'))).toEqual([]);
});

/** A stage tensor that reads nine others, of ints, truth values and floats, some of them empty. */
function manyReads(): Spec {
  const at = (name: string, type: 'int' | 'float' | 'bool', j: Expr = i('J')): Expr => x.read(name, type, [i('b'), i('h'), j]);
  const parts = Array.from({ length: 3 }, (_, n) => [
    tensor(`i${n}`, 'int', { h: heads, J: counted(5 + n) }, { kind: 'map', value: x.add(x.mul(i('J'), x.int(n + 1)), i('h')) }),
    tensor(`f${n}`, 'float', { h: heads, J: { kind: 'keys' } }, { kind: 'map', value: x.read('table', 'float', [x.add(i('J'), x.int(n))]) }),
    tensor(`t${n}`, 'bool', { h: heads, J: counted(3 * n) }, { kind: 'map', value: x.eq(x.mod(i('J'), x.int(2)), x.int(0)) }),
  ]).flat();
  const sum = [0, 1, 2].flatMap((n) => [x.toFloat(at(`i${n}`, 'int')), at(`f${n}`, 'float'), x.select(at(`t${n}`, 'bool'), x.float(100), x.float(0))]).reduce(x.add);
  const all = tensor('all', 'float', { h: heads, J: { kind: 'keys' } }, { kind: 'map', value: sum });
  return stageSpec([...parts, all, tensor('twice', 'float', { h: heads, J: { kind: 'keys' } }, { kind: 'map', value: x.add(sum, at('all', 'float')) })], [param('table', 'float', [{ kind: 'fixed', extent: 7 }])]);
}

describe.each(levels)('a stage that reads many others, at the %s level', (level) => {
  test.each([9, 4, 3])('with %i bindings', (limit) => {
    const spec = manyReads();
    const launch = launchOf(sizes, { tensors: new Map([['table', { extents: [7], data: Float32Array.from([4, 8, 15, 16, 23, 42, 1]) }]]) });
    const inputs = inputsOf(sizes, 2);
    const compiled = valueOf(compiledFor(spec, sizes.dim, limit));
    expect(Math.max(...compiled.hostPlan.kernels.map((k) => k.storage.length))).toBeLessThanOrEqual(limit);
    const ran = run(level, compiled, launch, inputs);
    const dense = denseStages(spec, launch, inputs);
    for (const name of ['all', 'twice']) expect([...(ran.outputs.get(name)?.values ?? [])], name).toEqual([...(dense.get(name)?.data ?? [])]);
  });
});
