import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ref } from '../../compiler/expr/build.ts';
import type { Axis, TensorParam } from '../../compiler/spec/ir.ts';
import { noSpan } from '../../dsl/span.ts';
import { groupQueryModel, multiHeadModel } from '../../tools/bench/onnx-model.ts';
import { toHeadMajor, toTokenMajor } from '../../tools/bench/onnx-runtime.ts';
import { interleave, medianOf } from '../../tools/bench/rounds.ts';
import { causalPairs } from '../../tools/demo/dense.ts';
import { readDemo } from '../../tools/demo/read-demo.ts';
import { makeTensor } from '../../tools/demo/tensor-source.ts';
import type { TensorSource } from '../../tools/demo/schema.ts';
import { cutInputs, randomInputs } from '../../tools/inputs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('demo descriptions', () => {
  test('of all examples and of the benchmark can be read', () => {
    const examples = readdirSync(join(root, 'examples')).map((f) => join(root, 'examples', f, 'demo.json')).filter(existsSync);
    expect(examples.length).toBeGreaterThanOrEqual(17);
    for (const file of [...examples, join(root, 'bench', 'patterns.json')]) expect(readDemo(readFileSync(file, 'utf8')), file).toMatchObject({ ok: true });
  });

  test.each([
    ['{', /JSON/],
    ['[]', /the file must be an object/],
    ['{"runs": {}}', /runs must be a list/],
    ['{"runs": [{"title": "a", "program": "a.fil"}]}', /runs\[0\]\.name must be a text/],
    ['{"runs": [{"title": "a", "program": "a.fil", "nmae": "a"}]}', /did you mean 'name'/],
    ['{"runs": [{"title": "a", "program": "a.fil", "name": "a", "sizes": {"nQ": 0}}]}', /runs\[0\]\.sizes\.nQ must be a whole number/],
    ['{"runs": [{"title": "a", "program": "a.fil", "name": "a", "set": {"w": "8"}}]}', /runs\[0\]\.set\.w must be a number/],
    ['{"runs": [{"title": "a", "program": "a.fil", "name": "a", "tensors": {"t": {"kind": "random"}}}]}', /tensors\.t\.kind must be one of/],
  ])('that are wrong are refused with the path of the field: %s', (text, reason) => {
    const read = readDemo(text);
    expect(read.ok ? '' : read.reason).toMatch(reason);
  });
});

describe('described tensors', () => {
  const made = (source: TensorSource, axes: readonly Axis[], extents: readonly (number | undefined)[], element: TensorParam['element'] = 'int'): readonly [readonly number[], readonly number[]] | string => {
    const param: TensorParam = { name: 't', element, axes, doc: [], span: noSpan };
    const result = makeTensor(source, { param, extents, sizes: { batch: 1, heads: 2, kvHeads: 2, nQ: 6, nK: 8, dim: 4 }, readFile: () => 'no file' });
    return result.ok ? [result.value.extents, [...result.value.data]] : result.reason;
  };
  const keys: Axis = { kind: 'keys' };
  const heads: Axis = { kind: 'heads' };
  const free: Axis = { kind: 'free', name: 'count' };

  test('take the extents of their axes', () => {
    expect(made({ kind: 'segments', lengths: [3, 2] }, [keys], [8])).toEqual([[8], [0, 0, 0, 1, 1, 1, 1, 1]]);
    expect(made({ kind: 'linear', from: 1, step: 2, rowStep: 10 }, [heads, keys], [2, 3])).toEqual([[2, 3], [1, 3, 5, 11, 13, 15]]);
    expect(made({ kind: 'geometric', first: 0.5, ratio: 0.5 }, [heads], [2], 'float')).toEqual([[2], [0.5, 0.25]]);
    expect(made({ kind: 'values', values: [[1, 2, 3], [4, 5, 6]] }, [heads, free], [2, undefined])).toEqual([[2, 3], [1, 2, 3, 4, 5, 6]]);
    expect(made({ kind: 'values', values: [1, 2, 3, 4] }, [heads, free], [2, undefined])).toEqual([[2, 2], [1, 2, 3, 4]]);
  });

  test('draw distinct entries per row, and block tables with their diagonal', () => {
    const distinct = made({ kind: 'distinct', low: 0, high: 'n_k', seed: 3, extents: { count: 5 } }, [heads, free], [2, undefined]);
    if (typeof distinct === 'string') throw new Error(distinct);
    for (const row of [distinct[1].slice(0, 5), distinct[1].slice(5)]) {
      expect(new Set(row).size).toBe(5);
      expect([...row].sort((a, b) => a - b)).toEqual(row);
      expect(row.every((x) => x >= 0 && x < 8)).toBe(true);
    }
    const block: Axis = { kind: 'blocks', of: 'keys', size: ref('b', 'int') };
    const coin = made({ kind: 'coin', probability: 0, seed: 1, diagonal: true }, [heads, block, block], [2, 3, 3], 'bool');
    expect(coin).toEqual([[2, 3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1]]);
  });

  test('say what is missing', () => {
    expect(made({ kind: 'uniform', low: 0, high: 5, seed: 1 }, [free], [undefined])).toMatch(/needs the extent of the axis 'count'/);
    expect(made({ kind: 'values', values: [1, 'x'] }, [keys], [2])).toMatch(/"x", which is no number/);
    expect(made({ kind: 'values', values: [1, 2, 3] }, [keys], [8])).toMatch(/has 3 values where \[8\] is needed/);
    expect(made({ kind: 'file', file: 'f', tensor: 't' }, [keys], [8])).toBe('no file');
  });
});

test('inputs are cut to the last rows and the first keys of each head', () => {
  const inputs = randomInputs({ batch: 1, heads: 2, kvHeads: 1, nQ: 4, nK: 5, dim: 2 }, 1);
  const cut = cutInputs(inputs, 1, 3);
  expect([...cut.q]).toEqual([...inputs.q.slice(6, 8), ...inputs.q.slice(14, 16)]);
  expect([...cut.k]).toEqual([...inputs.k.slice(0, 6)]);
  expect(randomInputs(inputs.sizes, 1)).toEqual(inputs);
});

test.each([[4, 4], [1, 7], [7, 3], [3, 7]])('pairs of the causal mask are counted, n_q %d and n_k %d', (nQ, nK) => {
  let pairs = 0;
  for (let i = 0; i < nQ; i += 1) for (let k = 0; k < nK; k += 1) pairs += k <= i + nK - nQ ? 1 : 0;
  expect(causalPairs({ batch: 2, heads: 3, kvHeads: 1, nQ, nK, dim: 8 })).toBe(6 * pairs);
});

describe('the benchmark', () => {
  test('interleaves its variants and leaves the warm-up out', async () => {
    const order: string[] = [];
    const variant = (name: string) => ({ name, run: async () => void order.push(name) });
    const timings = await interleave([variant('a'), variant('b')], 3);
    expect(order.join('')).toBe('abababab');
    expect(timings.map((t) => t.rounds.length)).toEqual([3, 3]);
  });

  test('reports medians', () => {
    expect(medianOf([3, 1, 2])).toBe(2);
    expect(medianOf([4, 1, 3, 2])).toBe(2.5);
  });

  test('hands the peer its layout and reads it back', () => {
    const data = Float32Array.from({ length: 2 * 3 * 4 * 5 }, (_, i) => i);
    const turned = toTokenMajor(data, 2, 3, 4, 5);
    expect([...turned.slice(0, 5)]).toEqual([...data.slice(0, 5)]);
    expect([...turned.slice(5, 10)]).toEqual([...data.slice(20, 25)]);
    expect(toHeadMajor(turned, 2, 3, 4, 5)).toEqual(data);
  });

  test('writes models whose fields can be walked to the end', () => {
    // A length that is wrong anywhere makes the walk leave the bytes or end early.
    const walk = (bytes: Uint8Array): readonly number[] => {
      const fields: number[] = [];
      let at = 0;
      const varint = (): number => {
        let [value, shift] = [0, 1];
        for (;;) {
          const byte = bytes[at] ?? -1;
          if (byte < 0) throw new Error('ran over the end');
          at += 1;
          value += (byte & 127) * shift;
          shift *= 128;
          if (byte < 128) return value;
        }
      };
      while (at < bytes.length) {
        const tag = varint();
        fields.push(tag >> 3);
        const size = varint();
        if ((tag & 7) === 2) at += size;
      }
      expect(at).toBe(bytes.length);
      return fields;
    };
    const sizes = { batch: 1, heads: 8, kvHeads: 2, n: 1024, dim: 64 };
    expect(walk(multiHeadModel(sizes))).toEqual([1, 7, 8, 8]);
    expect(walk(groupQueryModel(sizes, 256))).toEqual([1, 7, 8, 8]);
    expect(Buffer.from(groupQueryModel(sizes, 256)).includes('local_window_size')).toBe(true);
    expect(Buffer.from(groupQueryModel(sizes, undefined)).includes('local_window_size')).toBe(false);
  });
});
