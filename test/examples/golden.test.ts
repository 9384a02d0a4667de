/**
 * The published methods written as programs, against reference vectors of their authors' code: all on the interpreter, the smallest of each
 * method on kernels. Where the vectors are not beside the repository, the tests are skipped by name.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCase } from '../../tools/golden/case.ts';
import { compareTensor, toleranceOf } from '../../tools/golden/compare.ts';
import { goldenFiles, loadMappings } from '../../tools/golden/main.ts';
import { runCase } from '../../tools/golden/run-case.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'shared', 'golden');
const systems = ['xattention', 'vertical-slash', 'mminference', 'flexprefill', 'quest', 'snapkv', 'sparse-frontier'];
const files = existsSync(folder) ? systems.flatMap((system) => goldenFiles(join(folder, system))) : [];
const mappings = await loadMappings();

describe.skipIf(files.length === 0)('reference vectors on the interpreter', () => {
  for (const file of files) {
    it(`${relative(folder, file)} is what the program gives`, async () => {
      const read = readCase(readFileSync(file, 'utf8'));
      if (!read.ok) throw new Error(read.reason);
      const result = await runCase(read.value, mappings, 'interpreter');
      expect(result.faults).toEqual([]);
      // The search compares whole candidates with each other, which no single program does.
      expect(result.status).toBe(read.value.params['candidates'] === undefined ? 'pass' : 'none');
    });
  }
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
