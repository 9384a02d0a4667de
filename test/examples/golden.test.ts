/**
 * The published methods written as programs, against reference vectors of their authors' code: all on the interpreter, a few small ones on
 * emulated CUDA (golden.device.test.ts has some on WebGPU, `npm run golden` runs all on any backend). Where the vectors are not beside the
 * repository, or there is no CUDA compiler, the tests are skipped by name.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCase } from '../../tools/golden/case.ts';
import { compareTensor, toleranceOf } from '../../tools/golden/compare.ts';
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
