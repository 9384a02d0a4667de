/**
 * The published methods written as programs, against reference vectors of their authors' code: all on the interpreter, a few small ones on
 * emulated CUDA (golden.device.test.ts has some on WebGPU, `npm run golden` runs all on any backend). Where the vectors are not beside the
 * repository, or there is no CUDA compiler, the tests are skipped by name.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCase } from '../../tools/golden/case.ts';
import type { GoldenCase, GoldenTensor } from '../../tools/golden/case.ts';
import { compareTensor, toleranceOf } from '../../tools/golden/compare.ts';
import { execute } from '../../tools/golden/execute.ts';
import { loadMappings } from '../../tools/golden/main.ts';
import { runCase } from '../../tools/golden/run-case.ts';
import { findNvcc } from '../../tools/cuda/find-nvcc.ts';
import { caseOf, goldenFolder, systems, titleOf, vectorsOf } from './vectors.ts';

const files = systems.flatMap(vectorsOf);
const mappings = await loadMappings();

describe.skipIf(files.length === 0)('reference vectors on the interpreter', () => {
  for (const file of files) {
    it(`${titleOf(file)} is what the program gives`, async () => {
      const result = await runCase(caseOf(file), mappings, 'interpreter');
      expect(result.faults).toEqual([]);
      expect(result.status).toBe('pass');
    });
  }
});

describe.skipIf(files.length === 0 || !('path' in findNvcc()))('reference vectors on emulated CUDA', () => {
  it.each(['quest/fits_budget_is_dense', 'mminference/2d-boundary'])('%s', async (name) => {
    const result = await runCase(caseOf(join(goldenFolder, `${name}.json`)), mappings, 'cuda-emulated');
    expect(result.faults).toEqual([]);
    expect(result.status).toBe('pass');
  });
});

describe.skipIf(files.length === 0)('a selection that differs from the reference', () => {
  it('fails where the program itself differs, however right the kernels are', async () => {
    const given = caseOf(join(goldenFolder, 'quest', 'fits_budget_is_dense.json'));
    const mask = given.outputs.get('page_mask');
    if (mask === undefined) throw new Error('no page_mask');
    const other = { ...given, outputs: new Map(given.outputs).set('page_mask', { ...mask, data: mask.data.map((x, i) => (i === 0 ? 1 - x : x)) }) };
    const result = await runCase(other, mappings, 'lockstep');
    expect(result).toMatchObject({ status: 'fail', choices: 0 });
    expect(result.faults.at(-1)).toMatch(/^beyond rounding: the interpreter differs as well, page_mask: 1 of /);
  });
});

describe('a selection that rounding decides', () => {
  // Fifteen equal shares: whether three fifths of them reach 0.6 is a matter of the last bit, in float64 and in single precision.
  const n = 15;
  const floats = (shape: readonly number[], data: readonly number[]): GoldenTensor => ({ shape, dtype: 'float64', data });
  const given = (name: string, value: (i: number) => number): readonly [string, GoldenTensor] => [name, floats([1, n, 4], Array.from({ length: n * 4 }, (_, i) => value(i)))];
  const asked = (outputs: GoldenCase['outputs']): GoldenCase => ({
    system: 'xattention', name: 'equal shares', params: { block_size: 3, stride: 1, threshold: [0.6], causal: false, chunk_size: n },
    inputs: new Map([given('q', () => 0), given('k', () => 0), given('v', (i) => i % 7)]), outputs, tolerance: { abs: 1e-9, rel: 1e-9 },
  });

  it('passes with the number of choices, and the attention over them is judged', async () => {
    const wanted = new Map(['mask_minimal', 'o_minimal'].map((name) => [name, floats([0], [])]));
    const [run] = mappings.filter((m) => m.systems.includes('xattention')).flatMap((m) => m.runs(asked(wanted)));
    if (run === undefined) throw new Error('no run');
    const [exact, single] = [await execute(run, 'interpreter'), await execute(run, 'lockstep')];
    if (typeof exact === 'string' || typeof single === 'string') throw new Error('it does not run');
    const [keep, other] = [exact, single].map(({ made }) => Array.from(made.output('sel.keep').values));
    const different = keep?.filter((x, i) => x !== other?.[i]).length;
    expect(different, 'other numbers are needed for a tie').toBeGreaterThan(0);
    const outputs = new Map([['mask_minimal', { shape: [1, 5, 5], dtype: 'bool', data: keep ?? [] }], ['o_minimal', floats([1, n, 4], Array.from(exact.made.out.values))]]);
    expect(await runCase(asked(outputs), mappings, 'lockstep')).toMatchObject({ status: 'pass', faults: [], choices: different });
  });
});

describe('the comparison with a reference', () => {
  const tolerance = { absolute: 1e-9, relative: 0 };

  it('accepts what is within the tolerance, and the same infinity', () => {
    expect(compareTensor({ shape: [2], dtype: 'float64', data: [1, -Infinity] }, [1 + 1e-10, -Infinity], tolerance).kind).toBe('near');
  });

  it('refuses NaN, the other infinity, a missing element and any difference of ints', () => {
    const one = { shape: [1], dtype: 'float64', data: [1] };
    expect(compareTensor(one, [NaN], tolerance).kind).toBe('differs');
    expect(compareTensor({ ...one, data: [Infinity] }, [-Infinity], tolerance).kind).toBe('differs');
    expect(compareTensor(one, [], tolerance).kind).toBe('differs');
    expect(compareTensor({ ...one, dtype: 'int32' }, [1 + 1e-12], tolerance).kind).toBe('differs');
  });

  it('reads nested lists, truth values and infinities, and refuses data that do not fill the shape', () => {
    const text = (data: string): string => `{"system":"a","case":"b","inputs":{},"outputs":{"x":{"shape":[2],"dtype":"float64","data":${data}}},"tolerance":{"abs":1e-9,"rel":0}}`;
    const read = readCase(text('[["-inf"], true]'));
    if (!read.ok) throw new Error(read.reason);
    expect(read.value.outputs.get('x')?.data).toEqual([-Infinity, 1]);
    expect(toleranceOf(read.value, 'f64')).toEqual({ absolute: 1e-9, relative: 0 });
    expect(readCase(text('[1]')).ok).toBe(false);
  });
});
