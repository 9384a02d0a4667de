import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryIo } from '../../tools/command-line/io.ts';
import { runCommandLine } from '../../tools/command-line/main.ts';
import { encodeTensor, readSafetensors, writeSafetensors } from '../../tools/io/safetensors.ts';
import { assign, lowerHull } from '../../tools/methods/assign.ts';
import type { Point } from '../../tools/methods/assign.ts';
import { intsOf } from '../../tools/tensors.ts';

const point = (cost: number, loss: number, recall = 1 - loss): Point => ({ cost, loss, recall });

describe('assignment of candidates', () => {
  test('a budget goes where it saves most', () => {
    const easy = [point(0.1, 0.01), point(1, 0)];
    const hard = [point(0.1, 0.9), point(1, 0)];
    expect(assign([easy, hard, easy], { rule: 'budget', limit: 0.4 })).toEqual([0, 1, 0]);
    expect(assign([easy, hard, easy], { rule: 'budget', limit: 0.05 })).toEqual([undefined, undefined, undefined]);
    expect(assign([easy, hard, easy], { rule: 'budget', limit: 1 })).toEqual([1, 1, 1]);
  });

  test('points above the hull are never taken, and equal ones give the first', () => {
    expect(lowerHull([point(1, 0), point(0.5, 0.9), point(0, 1), point(0.5, 0.2), point(0.5, 0.2), point(0.7, 0.5)]).map((c) => c.index)).toEqual([2, 3, 0]);
  });

  test('a budget is kept, and the loss is within one step of the hull of the least that any assignment reaches', () => {
    const candidate = fc.record({ cost: fc.integer({ min: 0, max: 8 }), loss: fc.integer({ min: 0, max: 8 }) }).map(({ cost, loss }) => point(cost / 8, loss / 8));
    const heads = fc.array(fc.array(candidate, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(heads, fc.integer({ min: 0, max: 8 }), (points, eighths) => {
      const limit = eighths / 8;
      const found = assign(points, { rule: 'budget', limit });
      const all = points.reduce<readonly (readonly Point[])[]>((so, list) => so.flatMap((head) => list.map((p) => [...head, p])), [[]]);
      const sum = (list: readonly Point[], pick: (p: Point) => number): number => list.reduce((n, p) => n + pick(p), 0);
      const allowed = all.filter((list) => sum(list, (p) => p.cost) <= limit * points.length + 1e-9);
      const chosen = found.flatMap((i, head) => points[head]?.[i ?? -1] ?? []);
      if (chosen.length < points.length) {
        expect(allowed).toEqual([]);
        return;
      }
      const [cost, loss] = [sum(chosen, (p) => p.cost), sum(chosen, (p) => p.loss)];
      expect(cost).toBeLessThanOrEqual(limit * points.length + 1e-9);
      // What the budget leaves unused is less than one step of the hull, so the loss is within that step of the best.
      const best = Math.min(...allowed.map((list) => sum(list, (p) => p.loss)));
      const largestStep = Math.max(0, ...points.flatMap((list) => lowerHull(list).map((c, i, hull) => (hull[i - 1]?.loss ?? c.loss) - c.loss)));
      expect(loss).toBeLessThanOrEqual(best + largestStep + 1e-9);
    }), { seed: 7, numRuns: 300 });
  });

  test('the best within a limit, the walk with a threshold, and the cheapest that reaches a recall', () => {
    const points = [point(0.2, 0.5), point(0.4, 0.495), point(0.3, 0.3), point(0.9, 0.1)];
    expect(assign([points], { rule: 'best', limit: 0.5 })).toEqual([2]);
    expect(assign([points], { rule: 'best', limit: 0.1 })).toEqual([undefined]);
    expect(assign([points.slice(0, 2)], { rule: 'improve', threshold: 0.01 })).toEqual([0]);
    expect(assign([points], { rule: 'improve', threshold: 0.01 })).toEqual([3]);
    expect(assign([points], { rule: 'reach', recall: 0.6 })).toEqual([2]);
    expect(assign([points], { rule: 'reach', recall: 0.99 })).toEqual([3]);
  });
});

describe('filigree tune', () => {
  let folder = '';
  const n = 32;
  const dim = 4;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'filigree-tune-'));
    writeFileSync(join(folder, 'p.fil'), 'attention dense() {\n  mask causal\n}\nattention near(window: int tokens) {\n  mask band(0 .. window)\n}\n'
      + 'attention mixed(choice: int[heads], window: int tokens [heads]) {\n  mask per head choose choice[h] {\n    0 => band(0 .. window[h]),\n    else => causal\n  }\n}\n');
    // Head 0 looks at its own position alone, head 1 at the first key alone.
    const q = new Float32Array(2 * n * dim);
    const k = new Float32Array(2 * n * dim);
    const v = new Float32Array(2 * n * dim);
    for (let i = 0; i < n; i += 1) {
      const angle = (2 * Math.PI * i) / n;
      const at = i * dim;
      q.set([40 * Math.cos(angle) * 10, 40 * Math.sin(angle) * 10, 0, 0], at);
      k.set([10 * Math.cos(angle), 10 * Math.sin(angle), 0, 0], at);
      q.set([80, 0, 0, 0], (n + i) * dim);
      k.set([i === 0 ? 10 : 0, 0, 0, 0], (n + i) * dim);
      v.set([i + 1, 1, 0, 0], at);
      v.set([i + 1, 1, 0, 0], (n + i) * dim);
    }
    writeSafetensors(join(folder, 'a.safetensors'), new Map([
      ['q', encodeTensor('F32', [1, 2, n, dim], q)], ['k', encodeTensor('F32', [1, 2, n, dim], k)], ['v', encodeTensor('F32', [1, 2, n, dim], v)],
    ]), []);
    const methods = [
      { title: 'near', program: 'p.fil', name: 'near', which: 0, budgets: [{ window: 2 }, { window: 8 }] },
      { title: 'dense', program: 'p.fil', name: 'dense', which: 1 },
    ];
    writeFileSync(join(folder, 'space.json'), JSON.stringify({ dense: { program: 'p.fil', name: 'dense' }, methods, search: { rule: 'budget', limit: 0.6 } }));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function filigree(...argv: readonly string[]) {
    const io = memoryIo(folder);
    const code = await runCommandLine(argv, io);
    return { code, out: io.stdout(), err: io.stderr() };
  }

  test('a local head gets a window, a head that looks far stays dense, and the program reads the table', async () => {
    const ran = await filigree('tune', 'space.json', '--in', 'a.safetensors', '--out', 'table.safetensors', '--threads', '1');
    expect(ran).toMatchObject({ code: 0 });
    const read = readSafetensors(join(folder, 'table.safetensors'));
    if (!read.ok) throw new Error('no table');
    const ints = (name: string): readonly number[] => {
      const raw = read.value.tensors.get(name);
      const made = raw === undefined ? undefined : intsOf(raw);
      return made?.ok === true ? [...made.data] : [];
    };
    expect(ints('choice')).toEqual([0, 1]);
    expect(ints('window')).toEqual([2, 2]);
    const record: unknown = JSON.parse(readFileSync(join(folder, 'table.json'), 'utf8'));
    expect(record).toMatchObject({ budget: 'density', heads: [{ head: 0, which: 0 }, { head: 1, which: 1, error: 0, recall: 1 }] });
    const mixed = await filigree('run', 'p.fil', '--name', 'mixed', '--in', 'a.safetensors', '--tensors', 'table.safetensors', '--out', 'out.safetensors', '--backend', 'interpreter');
    expect(mixed).toMatchObject({ code: 0 });
  });

  test('a limit that nothing meets, and a space without a rule, are said', async () => {
    const tight = await filigree('tune', 'space.json', '--in', 'a.safetensors', '--out', 't.safetensors', '--threads', '1', '--limit', '0.01');
    expect(tight.code).toBe(1);
    expect(tight.err).toContain('no choice costs at most 0.01');
    const file: unknown = JSON.parse(readFileSync(join(folder, 'space.json'), 'utf8'));
    writeFileSync(join(folder, 'bare.json'), JSON.stringify(typeof file === 'object' ? { ...file, search: undefined } : {}));
    const bare = await filigree('tune', 'bare.json', '--in', 'a.safetensors', '--out', 't.safetensors');
    expect(bare.code).toBe(1);
    expect(bare.err).toContain('has no "search"');
  });
});
