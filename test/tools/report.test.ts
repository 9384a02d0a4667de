import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denseAttention, denseStages } from '../../compiler/interpreters/dense/index.ts';
import type { StoredTensor } from '../../compiler/interpreters/dense/index.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Launch, Spec } from '../../compiler/spec/ir.ts';
import { curvesToSvg } from '../../compiler/report/curve-plot.ts';
import { memoryIo } from '../../tools/command-line/io.ts';
import { runCommandLine } from '../../tools/command-line/main.ts';
import { randomInputs } from '../../tools/inputs.ts';
import { encodeTensor, writeSafetensors } from '../../tools/io/safetensors.ts';
import { lastRows, measure } from '../../tools/methods/measure.ts';
import { cachedStages, stagesRead } from '../../tools/methods/stage-cache.ts';
import type { HeadFigures, Subject } from '../../tools/methods/measure.ts';

const sizes = { batch: 1, heads: 2, kvHeads: 1, nQ: 8, nK: 8, dim: 4 };
const launch: Launch = { sizes, scalars: new Map(), tensors: new Map() };
const source = [
  'attention dense() {\n  mask causal\n}',
  'attention near(window: int tokens = 2) {\n  mask band(0 .. window)\n}',
  'attention none_of_it() {\n  mask none\n}',
  'attention soft() {\n  mask causal\n  score s => 0.5 * s\n}',
  'attention ahead() {\n  mask band(-2 .. 3)\n}',
  'attention picked() {\n  stage found = sums()\n  mask causal & keys(found.best)\n}',
  'attention chosen(const n: int = 1) {\n  stage found = some(n)\n  mask causal & keys(found.best)\n  output found.unread\n}',
  'stage some(const n: int) {\n  index j in keys\n  weight[h, j] = dot(k[h, j], k[h, j])\n  unread[h, j] = 2 * weight[h, j]\n  best[h, j] = top(n) j: weight[h, j]\n}',
  'stage sums() {\n  index j in keys\n  weight[h, j] = dot(k[h, j], k[h, j])\n  best[h, j] = top(3) j: weight[h, j]\n}',
].join('\n');

function specOf(name: string, constants: ReadonlyMap<string, number> = new Map()): Spec {
  const compiled = compileSource({ file: 'p.fil', text: source }, () => undefined, name, constants);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
  return compiled.value;
}

describe('figures of a method', () => {
  const equal = { ...randomInputs(sizes, 4), q: new Float32Array(2 * 8 * 4) };
  const inputs = randomInputs(sizes, 5);
  const against = (q: typeof inputs, ...subjects: readonly Subject[]): readonly (readonly HeadFigures[])[] => measure({ spec: specOf('dense'), launch }, q, subjects, 4);

  test('dense against itself loses nothing', () => {
    for (const head of against(inputs, { spec: specOf('dense'), launch })[0] ?? []) {
      expect(head).toMatchObject({ density: 1, selectionFlops: 0 });
      expect(head.recall).toBeCloseTo(1, 12);
      expect(head.error).toBeLessThan(1e-14);
      // Three of four tiles of 4 x 4 hold a pair.
      expect(head.attentionFlops).toBe(3 * 16 * 4 * 4);
    }
  });

  test('where all keys weigh the same, recall is the mean share of keys', () => {
    const [head] = against(equal, { spec: specOf('near'), launch })[0] ?? [];
    const share = Array.from({ length: 8 }, (_, i) => Math.min(2, i + 1) / (i + 1)).reduce((a, b) => a + b, 0) / 8;
    expect(head?.recall).toBeCloseTo(share, 12);
    expect(head?.density).toBeCloseTo(15 / 36, 12);
  });

  test('a mask without pairs has error 1, recall 0 and no work', () => {
    expect(against(inputs, { spec: specOf('none_of_it'), launch })[0]?.[1]).toEqual({ head: 1, density: 0, recall: 0, error: 1, attentionFlops: 0, selectionFlops: 0 });
  });

  test.each(['near', 'soft', 'ahead', 'picked'])('the error of %s is that of its definition', (name) => {
    const figures = against(inputs, { spec: specOf(name), launch })[0] ?? [];
    const [ours, dense] = [denseAttention(specOf(name), launch, inputs).out, denseAttention(specOf('dense'), launch, inputs).out];
    for (const h of [0, 1]) {
      const part = (x: Float64Array): readonly number[] => [...x.subarray(h * 32, (h + 1) * 32)];
      const norm = (x: readonly number[]): number => Math.hypot(...x);
      const wanted = norm(part(ours).map((x, i) => x - (part(dense)[i] ?? 0))) / norm(part(dense));
      expect(wanted).toBeGreaterThan(0.01);
      expect(figures[h]?.error).toBeCloseTo(wanted, 12);
    }
  });

  test.each(['near', 'soft', 'ahead', 'picked'])('of %s with the last rows only are those of a launch with fewer queries, each row a step', (name) => {
    const few: Launch = { ...launch, sizes: { ...sizes, nQ: 3 } };
    const part = lastRows(inputs, sizes, 3);
    const [whole, last] = [against(inputs, { spec: specOf(name), launch: few })[0] ?? [], against(inputs, { spec: specOf(name), launch: few, counted: 2 })[0] ?? []];
    const [ours, dense] = [denseAttention(specOf(name), few, part), denseAttention(specOf('dense'), few, part)];
    for (const h of [0, 1]) {
      const error = (from: number): number => {
        const rows = (x: Float64Array): readonly number[] => [...x.subarray((h * 3 + from) * 4, (h + 1) * 12)];
        return Math.hypot(...rows(ours.out).map((x, i) => x - (rows(dense.out)[i] ?? 0))) / Math.hypot(...rows(dense.out));
      };
      const live = (r: { readonly liveKeys: Int32Array }, from: number): number => r.liveKeys.subarray(h * 3 + from, (h + 1) * 3).reduce((a, b) => a + b, 0);
      expect(whole[h]?.error).toBeCloseTo(error(0), 12);
      expect(last[h]?.error).toBeCloseTo(error(1), 12);
      expect(last[h]?.density).toBeCloseTo(live(ours, 1) / live(dense, 1), 12);
      expect(whole[h]?.attentionFlops).toBe(4 * 4 * live(ours, 0));
    }
  });

  test('stage tensors that settings share are made once, and each setting still has its own', () => {
    const cache = new Map<string, StoredTensor>();
    const made = [1, 3].map((n) => cachedStages(specOf('chosen', new Map([['n', n]])), launch, inputs, cache));
    expect(made[0]?.get('found.weight')).toBe(made[1]?.get('found.weight'));
    for (const n of [1, 3]) {
      const spec = specOf('chosen', new Map([['n', n]]));
      const whole = denseStages(spec, launch, inputs);
      expect(stagesRead(spec)).toEqual(['found.best']);
      for (const [name, value] of cachedStages(spec, launch, inputs, cache)) expect([...value.data], `${name} of ${n}`).toEqual([...(whole.get(name)?.data ?? [])]);
      expect(cachedStages(spec, launch, inputs, cache).has('found.unread')).toBe(false);
    }
    const renamed = compileSource({ file: 'p.fil', text: source.replace('stage found = some(n)', 'stage other = some(n)').replaceAll('found.best)\n  output found', 'other.best)\n  output other') }, () => undefined, 'chosen');
    if (!renamed.ok) throw new Error('no program');
    expect(cachedStages(renamed.value, launch, inputs, cache).get('other.best')).toBe(made[0]?.get('found.best'));
    const changed = { ...inputs, k: inputs.k.map((x) => -x) };
    expect(cachedStages(renamed.value, launch, changed, cache).get('other.weight')).not.toBe(made[0]?.get('found.weight'));
  });
});

test('curves put points at powers of ten on the grid and keep zeros at the edge', () => {
  const svg = curvesToSvg({ title: 'a < b', xTitle: 'x', yTitle: 'y', series: [{ name: 'one', points: [{ x: 0.1, y: 0.1 }, { x: 1, y: 0.001 }] }, { name: 'zero', points: [{ x: 1, y: 0 }] }] });
  expect(svg).toContain('a &lt; b');
  expect(svg).toContain('cx="70" cy="56"');
  expect(svg).toContain('cx="630" cy="456"');
  expect(svg).not.toContain('NaN');
});

describe('filigree report', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'filigree-report-'));
    writeFileSync(join(folder, 'p.fil'), source);
    const { q, k, v } = randomInputs(sizes, 3);
    writeSafetensors(join(folder, 'a.safetensors'), new Map([['q', encodeTensor('F32', [1, 2, 8, 4], q)], ['k', encodeTensor('F32', [1, 1, 8, 4], k)], ['v', encodeTensor('F32', [1, 1, 8, 4], v)]]), []);
    const dense = { program: 'p.fil', name: 'dense' };
    writeFileSync(join(folder, 'm.json'), JSON.stringify({ dense, methods: [{ title: 'near', program: 'p.fil', name: 'near', budgets: [{ window: 1 }, { window: 8 }] }, { title: 'picked', program: 'p.fil', name: 'picked' }] }));
    writeFileSync(join(folder, 'strange.json'), JSON.stringify({ dense, methods: [{ title: 'near', program: 'p.fil', name: 'near', parameters: { windows: 1 } }] }));
    writeFileSync(join(folder, 'broken.json'), JSON.stringify({ dense, methods: [{ title: 'near', program: 'p.fil' }] }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function filigree(...argv: readonly string[]) {
    const io = memoryIo(folder);
    const code = await runCommandLine(argv, io);
    return { code, out: io.stdout(), err: io.stderr() };
  }

  test('a table, the figures and a plot are written', async () => {
    const ran = await filigree('report', 'm.json', '--in', 'a.safetensors', '--out', 'out', '--threads', '1', '--json');
    expect(ran).toMatchObject({ code: 0 });
    const result: unknown = JSON.parse(ran.out);
    expect(result).toMatchObject({ settings: [{ title: 'near', parameters: 'window = 1' }, { density: 1, selectionShare: 0 }, { title: 'picked' }] });
    expect(readFileSync(join(folder, 'out', 'selection.md'), 'utf8')).toContain('| near | window = 8 | 100.0 % | 100.0 % | 0 |');
    expect(readFileSync(join(folder, 'out', 'selection-heads.md'), 'utf8')).toMatch(/\| a \| 1 \| \*\*/);
    expect(readFileSync(join(folder, 'out', 'selection.svg'), 'utf8')).toContain('>picked</text>');
  });

  test.each([['strange.json', "no parameter 'windows'"], ['broken.json', 'methods[0].name must be a text'], ['absent.json', 'does not exist']])('%s is refused: %s', async (file, message) => {
    const ran = await filigree('report', file, '--in', 'a.safetensors', '--out', 'out', '--threads', '1');
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(message);
  });
});
