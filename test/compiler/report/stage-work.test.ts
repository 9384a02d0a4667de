import { describe, expect, test } from 'vitest';
import { selectionWork, stageWork } from '../../../compiler/report/stage-work.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Launch, Spec } from '../../../compiler/spec/ir.ts';

function specOf(source: string, name: string): Spec {
  const compiled = compileSource({ file: 'p.fil', text: source }, () => undefined, name);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
  return compiled.value;
}

const launch: Launch = { sizes: { batch: 2, heads: 4, kvHeads: 2, nQ: 6, nK: 10, dim: 8 }, scalars: new Map(), tensors: new Map() };

describe('the work of stages', () => {
  test('a product of queries and keys costs two operations for each channel', () => {
    const spec = specOf('stage scores() {\n  index i in 0 .. n_q\n  index j in keys\n  s[h, i, j] = dot(q[h, first_q + i], k[h, j])\n}\n', 'scores');
    expect(selectionWork(spec, launch).flops).toBe(2 * 4 * 6 * 10 * (2 * 8));
  });

  test('bytes are the tensor written and its operands read', () => {
    const spec = specOf('stage scores() {\n  index i in 0 .. n_q\n  index j in keys\n  s[h, i, j] = dot(q[h, first_q + i], k[h, j])\n}\n', 'scores');
    const [q, k, s] = [2 * 4 * 6 * 8 * 4, 2 * 2 * 10 * 8 * 4, 2 * 4 * 6 * 10 * 4];
    expect(selectionWork(spec, launch).bytes).toBe(q + k + s);
  });

  test('bounds that move with an index count with their length', () => {
    const spec = specOf('stage sums() {\n  index A in 0 .. 3\n  index c in dim\n  m[h, A] = sum t in A * 2 .. (A + 1) * 2: k[h, t, 0] * 2.0\n}\n', 'sums');
    expect(selectionWork(spec, launch).flops).toBe(2 * 4 * 3 * (2 * 2));
  });

  test('there is an entry for each tensor, and none without stages', () => {
    expect(stageWork(specOf('attention a() {\n  mask causal\n}\n', 'a'))).toEqual([]);
    expect(selectionWork(specOf('attention a() {\n  mask causal\n}\n', 'a'), launch)).toEqual({ flops: 0, bytes: 0 });
  });

  test('sizes beyond 32 bits do not wrap', () => {
    const spec = specOf('stage scores() {\n  index i in 0 .. n_q\n  index j in keys\n  s[h, i, j] = dot(q[h, first_q + i], k[h, j])\n}\n', 'scores');
    const sizes = { batch: 1, heads: 32, kvHeads: 8, nQ: 1048576, nK: 1048576, dim: 128 };
    expect(selectionWork(spec, { ...launch, sizes }).flops).toBe(32 * 2 ** 40 * 256);
  });
});
