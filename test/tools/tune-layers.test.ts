import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileSource } from '../../compiler/spec/from-source.ts';
import { memoryIo } from '../../tools/command-line/io.ts';
import { runCommandLine } from '../../tools/command-line/main.ts';
import { encodeTensor, readSafetensors, writeSafetensors } from '../../tools/io/safetensors.ts';
import { calibrated } from '../../tools/methods/calibrate.ts';
import { errorAt } from '../../tools/methods/report-text.ts';
import { floatsOf, intsOf } from '../../tools/tensors.ts';

const repository = join(import.meta.dirname, '..', '..');
const n = 32;
const dim = 4;
const heads = 2;
let folder = '';

/** Head 0 of layer 0 sees its own position, head 1 the first key; in layer 1 it is the other way round. */
function writeLayer(layer: number): void {
  const [q, k, v] = [new Float32Array(heads * n * dim), new Float32Array(heads * n * dim), new Float32Array(heads * n * dim)];
  for (let h = 0; h < heads; h += 1) {
    for (let i = 0; i < n; i += 1) {
      const angle = (2 * Math.PI * i) / n;
      const at = (h * n + i) * dim;
      const local = h === layer;
      q.set(local ? [400 * Math.cos(angle), 400 * Math.sin(angle), 0, 0] : [80, 0, 0, 0], at);
      k.set(local ? [10 * Math.cos(angle), 10 * Math.sin(angle), 0, 0] : [i === 0 ? 10 : 0, 0, 0, 0], at);
      v.set([i + 1, 1, 0, 0], at);
    }
  }
  const tensor = (x: Float32Array) => encodeTensor('F32', [1, heads, n, dim], x);
  writeSafetensors(join(folder, `l${layer}.safetensors`), new Map([['q', tensor(q)], ['k', tensor(k)], ['v', tensor(v)]]), [], new Map([['layer', String(layer)]]));
}

/** The space of the examples with small budgets; programs are those of the repository. */
function space(change: (method: Readonly<Record<string, unknown>>) => object = (m) => m, perHead: object = {}): string {
  const example = (file: string): string => relative(folder, join(repository, 'examples', file));
  const dense = { program: example('causal/causal.fil'), name: 'dense_causal' };
  const tuned = example('per-head-mix/tuned.fil');
  const methods = [
    { title: 'window', program: example('sliding-window/sliding-window.fil'), name: 'sliding_window', which: 0, budgets: [{ window: 1 }, { window: 4 }] },
    { title: 'window and sinks', program: example('a-shape/a-shape.fil'), name: 'streaming', which: 1, parameters: { sinks: 1 }, budgets: [{ window: 1 }] },
    { title: 'block top-k', program: example('block-top-k/block-top-k.fil'), name: 'block_top_k', which: 2, parameters: { block: 32, local: true }, budgets: [{ best: 1 }] },
    { title: 'sample', program: tuned, name: 'sampled_and_recent', which: 3, parameters: { block: 64, window: 2 }, budgets: [{ tau: 0.5 }] },
    { title: 'lines', program: tuned, name: 'heavy_lines', which: 4, budgets: [{ lines: 2 }] },
    { title: 'dense', ...dense, which: 5 },
  ];
  return JSON.stringify({ dense, methods: methods.map(change), perHead: { program: tuned, name: 'tuned_heads', choice: 'which', layer: 'layer', ...perHead }, search: { rule: 'best', limit: 0.2 } });
}

async function filigree(...argv: readonly string[]) {
  const io = memoryIo(folder);
  const code = await runCommandLine(argv, io);
  return { code, out: io.stdout(), err: io.stderr() };
}

function tensorsOf(file: string): { readonly ints: (name: string) => readonly number[]; readonly floats: (name: string) => readonly number[]; readonly shape: (name: string) => readonly number[] | undefined } {
  const read = readSafetensors(join(folder, file));
  if (!read.ok) throw new Error(`${file} cannot be read`);
  const { tensors } = read.value;
  const numbers = (name: string, convert: typeof intsOf | typeof floatsOf): readonly number[] => {
    const raw = tensors.get(name);
    const made = raw === undefined ? undefined : convert(raw);
    return made?.ok === true ? [...made.data] : [];
  };
  return { ints: (name) => numbers(name, intsOf), floats: (name) => numbers(name, floatsOf), shape: (name) => tensors.get(name)?.shape };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-layers-'));
  writeLayer(0);
  writeLayer(1);
  writeFileSync(join(folder, 'space.json'), space());
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('tune on several layers', () => {
  test('writes tables by layer and head that the example program runs with, and the program does on each layer what was chosen', async () => {
    const ran = await filigree('tune', 'space.json', '--in', 'l0.safetensors', '--in', 'l1.safetensors', '--out', 'table.safetensors', '--plot', 'table.svg', '--threads', '1', '--json');
    expect(ran).toMatchObject({ code: 0 });
    const result: unknown = JSON.parse(ran.out);
    expect(result).toMatchObject({ heads: [{ layer: 0, head: 0, which: 0 }, { layer: 0, head: 1, which: 1 }, { layer: 1, head: 0, which: 1 }, { layer: 1, head: 1, which: 0 }] });
    expect(readFileSync(join(folder, 'table.svg'), 'utf8')).toContain('>chosen per head</text>');
    const table = tensorsOf('table.safetensors');
    expect(table.ints('which')).toEqual([0, 1, 1, 0]);
    expect(table.ints('window')).toEqual([1, 1, 1, 1]);
    expect(['which', 'window', 'sinks', 'best', 'tau', 'lines'].map(table.shape)).toEqual(Array.from({ length: 6 }, () => [2, heads]));
    for (const layer of [0, 1]) {
      const own = await filigree(
        'run', join(repository, 'examples', 'per-head-mix', 'tuned.fil'), '--name', 'tuned_heads', '--set', `layer=${layer}`, '--in', `l${layer}.safetensors`, '--tensors', 'table.safetensors',
        '--out', 'out.safetensors', '--backend', 'interpreter',
      );
      expect(own.code).toBe(0);
      // The local head copies its own value, the other the first one.
      const out = tensorsOf('out.safetensors').floats('out');
      for (const i of [0, 7, n - 1]) {
        expect(out[(layer * n + i) * dim]).toBeCloseTo(i + 1, 3);
        expect(out[((1 - layer) * n + i) * dim]).toBeCloseTo(1, 3);
      }
    }
  });

  test('a layer without an input stays dense', async () => {
    const ran = await filigree('tune', 'space.json', '--in', 'l1.safetensors', '--out', 'one.safetensors', '--threads', '1', '--unchecked');
    expect(ran.code).toBe(0);
    expect(tensorsOf('one.safetensors').ints('which')).toEqual([5, 5, 1, 0]);
  });

  test.each([
    ['numbers of methods and program that disagree', () => space((m) => (m['title'] === 'window' ? { ...m, which: 1 } : m)), "'tuned_heads' does not do what was chosen: head 0 of layer 0"],
    ['a parameter that no candidate sets', () => space((m) => (m['title'] === 'lines' ? { ...m, as: { lines: 'line_count' } } : m)), "no candidate has a value for 'lines'"],
    ['a choice that the program does not read', () => space(undefined, { choice: 'pattern' }), "no tensor 'pattern' with a value per head"],
  ])('%s: refused', async (_, written, message) => {
    writeFileSync(join(folder, 'wrong.json'), written());
    const ran = await filigree('tune', 'wrong.json', '--in', 'l0.safetensors', '--out', 'refused.safetensors', '--threads', '1');
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(message);
  });

  test('a deeper layer than the tables of the program have is refused', async () => {
    writeFileSync(join(folder, 'flat.fil'), 'attention flat(choice: int[heads], window: int tokens [heads]) {\n  mask per head choose choice[h] { 0 => band(0 .. window[h]), else => causal }\n}\n');
    const dense = { program: relative(folder, join(repository, 'examples', 'causal', 'causal.fil')), name: 'dense_causal' };
    const window = { title: 'window', program: relative(folder, join(repository, 'examples', 'sliding-window', 'sliding-window.fil')), name: 'sliding_window', which: 0, budgets: [{ window: 4 }] };
    writeFileSync(join(folder, 'flat.json'), JSON.stringify({ dense, methods: [window], perHead: { program: 'flat.fil', name: 'flat', choice: 'choice' }, search: { rule: 'best', limit: 1 } }));
    const flat = await filigree('tune', 'flat.json', '--in', 'l0.safetensors', '--out', 'flat-table.safetensors', '--threads', '1');
    expect(flat.code).toBe(0);
    expect(tensorsOf('flat-table.safetensors').shape('choice')).toEqual([heads]);
    const deep = await filigree('tune', 'flat.json', '--in', 'l1.safetensors', '--out', 'flat-table.safetensors', '--threads', '1');
    expect(deep.code).toBe(1);
    expect(deep.err).toContain('no axis for layers');
  });
});

describe('calibration of thresholds', () => {
  const compiled = compileSource({ file: 'p.fil', text: 'attention dense() {\n  mask causal\n}' }, () => undefined, 'dense');
  if (!compiled.ok) throw new Error('no program');
  const sizes = { batch: 1, heads: 1, kvHeads: 1, nQ: 4, nK: 4, dim: 1 };
  const inputs = { q: new Float32Array(4), k: new Float32Array(4), v: new Float32Array(4) };

  /** All keys weigh the same: the first row of blocks holds [2, 0] of its two rows, the second [2/3 + 1/2, 1/3 + 1/2]. */
  const threshold = (share: number, scores: readonly number[]): number | undefined =>
    calibrated({ spec: compiled.value, launch: { sizes, scalars: new Map(), tensors: new Map() } }, inputs, { scores: { extents: [1, 1, 2, 2], data: Float64Array.from(scores) }, height: 2, width: 2 }, share)[0];

  test('the threshold reaches down to the smallest score among the blocks that are truly needed', () => {
    expect(threshold(0.5, [1, 0, 0.8, 0.2])).toBeCloseTo(1.8 / 2, 12);
    expect(threshold(0.5, [1, 0, 0.2, 0.8])).toBeCloseTo(1, 12);
    expect(threshold(0.9, [1, 0, 0.8, 0.2])).toBeCloseTo(1, 12);
    expect(threshold(0.5, [3, 1, 0.8, 0.2])).toBeCloseTo(3.8 / 5, 12);
  });

  test('tune writes the largest over the inputs of a layer, and the program with it keeps at least the share it was made for', async () => {
    writeFileSync(join(folder, 'calibrate.json'), JSON.stringify({
      dense: { program: relative(folder, join(repository, 'examples', 'causal', 'causal.fil')), name: 'dense_causal' },
      methods: [{ title: 'sample', program: relative(folder, join(repository, 'examples', 'xattention', 'xattention.fil')), name: 'xattention', parameters: { block: 8, stride: 4, tau: 0.5 } }],
      search: { rule: 'calibrate', share: 0.9, scores: 'sel.score_of', parameter: 'tau' },
    }));
    const ran = await filigree('tune', 'calibrate.json', '--in', 'l0.safetensors', '--in', 'l1.safetensors', '--out', 'tau.safetensors', '--threads', '1', '--json');
    expect(ran).toMatchObject({ code: 0 });
    const table = tensorsOf('tau.safetensors');
    expect(table.shape('tau')).toEqual([2, heads]);
    const result: unknown = JSON.parse(ran.out);
    expect(result).toMatchObject({ heads: [{ layer: 0, head: 0 }, { layer: 0, head: 1 }, { layer: 1, head: 0 }, { layer: 1, head: 1 }] });
    const record: unknown = JSON.parse(readFileSync(join(folder, 'tau.json'), 'utf8'));
    expect(record).toEqual(result);
    expect(table.floats('tau').every((t) => t > 0 && t <= 1)).toBe(true);
  });
});

test('the error at a density lies on the line between the neighbouring budgets, and nowhere outside', () => {
  const points = [{ density: 0.5, error: 0.1 }, { density: 0.1, error: 0.5 }, { density: 0.3, error: 0.2 }];
  expect(errorAt(points, 0.2)).toBeCloseTo(0.35, 12);
  expect(errorAt(points, 0.5)).toBe(0.1);
  expect(errorAt(points, 0.05)).toBeUndefined();
  expect(errorAt(points, 0.6)).toBeUndefined();
});
