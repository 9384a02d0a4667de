/**
 * Masks that are chosen at run time, as `mask` and `explain` show them: made from the q, k and v of a file.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryIo } from '../../tools/command-line/io.ts';
import { runCommandLine } from '../../tools/command-line/main.ts';
import { randomInputs } from '../../tools/inputs.ts';
import { encodeTensor, readSafetensors, writeSafetensors } from '../../tools/io/safetensors.ts';

const sizes = { batch: 1, heads: 2, kvHeads: 1, nQ: 24, nK: 32, dim: 4 };
const inputs = randomInputs(sizes, 11);
let folder = '';

/** Each query keeps itself and the two earlier keys with the largest products. */
const source = `stage nearest(n: int, bonus: float[heads]) {
  index i in queries
  index j in keys
  keep[h, i, j] = j == i | (top(n) j where j < i: dot(q[h, i], k[h, j]) + bonus[h])
}
attention nearest_keys(n: int = 2, bonus: float[heads]) {
  stage sel = nearest(n, bonus)
  mask causal & { (q, k) => sel.keep[h, q, k] }
}
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-chosen-'));
  writeFileSync(join(folder, 'nearest.fil'), source);
  const qkv = [
    ['q', encodeTensor('F32', [1, 2, 24, 4], inputs.q)], ['k', encodeTensor('F32', [1, 1, 32, 4], inputs.k)], ['v', encodeTensor('F32', [1, 1, 32, 4], inputs.v)],
  ] as const;
  const bonus = ['bonus', encodeTensor('F32', [2], [0, 1])] as const;
  writeSafetensors(join(folder, 'qkv.safetensors'), new Map(qkv), []);
  writeSafetensors(join(folder, 'bonus.safetensors'), new Map([bonus]), []);
  writeSafetensors(join(folder, 'all.safetensors'), new Map([...qkv, bonus]), []);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function filigree(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = memoryIo(folder);
  const code = await runCommandLine(argv, io);
  return { code, out: io.stdout(), err: io.stderr() };
}

/** What the program says, computed by hand for the query at position `p` of a head. */
function expectedRow(head: number, p: number, nK: number): readonly number[] {
  const product = (j: number): number => {
    let sum = 0;
    for (let c = 0; c < 4; c += 1) sum += (inputs.q[(head * 24 + p - 8) * 4 + c] ?? 0) * (inputs.k[j * 4 + c] ?? 0);
    return sum;
  };
  const best = Array.from({ length: p }, (_, j) => j).sort((a, b) => product(b) - product(a) || a - b).slice(0, 2);
  return Array.from({ length: nK }, (_, j) => (j === p || best.includes(j) ? 1 : 0));
}

async function maskOf(nQ: number, nK: number, ...more: readonly string[]): Promise<readonly number[]> {
  const { code, err } = await filigree('mask', 'nearest.fil', '--n-q', `${nQ}`, '--n-k', `${nK}`, '--out', 'mask.safetensors', ...more);
  expect(err).toBe('');
  expect(code).toBe(0);
  const read = readSafetensors(join(folder, 'mask.safetensors'));
  if (!read.ok) throw new Error('the mask cannot be read');
  return [...(read.value.tensors.get('mask')?.data ?? [])];
}

function expected(nQ: number, nK: number): readonly number[] {
  return [0, 1].flatMap((head) => Array.from({ length: nQ }, (_, row) => expectedRow(head, nK - nQ + row, nK)).flat());
}

describe('a mask that is chosen at run time', () => {
  test('is made from the q, k and v of --in', async () => {
    expect(await maskOf(24, 32, '--in', 'qkv.safetensors', '--tensors', 'bonus.safetensors')).toEqual(expected(24, 32));
  });

  test('is made from the file of --tensors where that holds them', async () => {
    expect(await maskOf(24, 32, '--tensors', 'all.safetensors')).toEqual(expected(24, 32));
  });

  test('of the first part of a prompt takes the queries that end there', async () => {
    expect(await maskOf(5, 20, '--in', 'all.safetensors')).toEqual(expected(5, 20));
  });

  test('has the density in explain that the picture has', async () => {
    const live = expected(24, 32).reduce((sum, x) => sum + x, 0);
    const { code, out } = await filigree('explain', 'nearest.fil', '--n-q', '24', '--n-k', '32', '--in', 'all.safetensors', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ livePairs: live, density: live / (2 * 24 * 32), exact: true, sizes });
  });

  test.each([
    ['mask', [], 'FIL0506', 'tensor `bonus` is missing'],
    ['mask', ['--tensors', 'bonus.safetensors'], 'FIL0506', 'tensor `q` is missing in bonus.safetensors'],
    ['explain', ['--tensors', 'bonus.safetensors'], 'FIL0506', 'chosen at run time'],
    ['explain', ['--in', 'all.safetensors', '--heads', '4'], 'FIL0508', 'heads'],
    ['explain', ['--in', 'all.safetensors', '--dim', '8'], 'FIL0508', 'dim'],
    ['mask', ['--in', 'nothing.safetensors'], 'FIL9005', 'does not exist'],
  ])('%s %j says %s: %s', async (command, options, code, text) => {
    const more = command === 'mask' ? ['--out', 'mask.png'] : [];
    const ran = await filigree(command, 'nearest.fil', '--n-q', '24', '--n-k', '32', ...more, ...options);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(code);
    expect(ran.err).toContain(text);
  });

  test.each([['24', '64', 'n_k'], ['32', '32', 'n_q'], ['4', '8', 'n_q']])('of %s queries and %s keys is refused where the file does not hold them', async (nQ, nK, axis) => {
    const ran = await filigree('mask', 'nearest.fil', '--n-q', nQ, '--n-k', nK, '--in', 'all.safetensors', '--out', 'mask.png');
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('FIL0508');
    expect(ran.err).toContain(axis);
  });
});
