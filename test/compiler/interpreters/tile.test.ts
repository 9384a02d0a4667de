import { describe, expect, it } from 'vitest';
import { noSpan, originOf } from '../../../dsl/span.ts';
import { add, binary, element, float, fold, int, lt, mul, read, ref, select, sub, toFloat, trueExpr, unary } from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { runTile } from '../../../compiler/interpreters/tile.ts';
import type { BufferValue } from '../../../compiler/interpreters/tile.ts';
import { builderAt } from '../../../compiler/tile/build.ts';
import type { BufferDecl, TileProgram, TileStmt } from '../../../compiler/tile/ir.ts';

const origin = originOf(noSpan);
const t = builderAt(origin);
const row = ref('row', 'int');
const col = ref('col', 'int');
const n = ref('n', 'int');
const i = ref('i', 'int');

function program(parts: { readonly buffers: readonly BufferDecl[]; readonly body: readonly TileStmt[]; readonly grid?: Expr; readonly scalars?: TileProgram['scalars'] }): TileProgram {
  return {
    name: 'test', summary: 'a test', origin, body: parts.body, buffers: parts.buffers,
    grid: [{ name: 'i', extent: parts.grid ?? int(1) }],
    scalars: parts.scalars ?? [{ name: 'n', type: 'int' }],
  };
}

const input = (name: string, ...extents: readonly Expr[]): BufferDecl => ({ name, element: 'f32', access: 'read', extents });
const output = (name: string, ...extents: readonly Expr[]): BufferDecl => ({ name, element: 'f32', access: 'write', extents });
const given = (values: readonly number[]): BufferValue => ({ element: 'f32', data: Float64Array.from(values) });
const empty = (length: number, element: BufferValue['element'] = 'f32'): BufferValue => ({ element, data: new Float64Array(length).fill(Number.NaN), written: new Uint8Array(length) });

function run(p: TileProgram, values: Readonly<Record<string, number>>, buffers: Readonly<Record<string, BufferValue>>, maxSteps?: number): readonly string[] {
  const env = { values: new Map(Object.entries(values)), buffers: new Map(Object.entries(buffers)) };
  return runTile(p, env, maxSteps === undefined ? {} : { maxSteps }).map((x) => x.kind);
}

describe('tile programs run over their whole grid', () => {
  it('adds two vectors, tile after tile, with a ragged last tile', () => {
    const at = add(mul(i, int(4)), row);
    const sum = add(read('a', 'float', [at]), read('b', 'float', [at]));
    const p = program({
      grid: binary('div', add(n, int(3)), int(4)),
      buffers: [input('a', n), input('b', n), output('c', n)],
      body: [t.tile('s', 'float', { rows: 4, cols: 1 }, sum), t.store('c', { rows: 4, cols: 1 }, [at], element('s', 'float'), lt(at, n))],
    });
    const c = empty(6);
    expect(run(p, { n: 6 }, { a: given([1, 2, 3, 4, 5, 6]), b: given([10, 20, 30, 40, 50, 60]), c })).toEqual([]);
    expect([...c.data]).toEqual([11, 22, 33, 44, 55, 66]);
    expect([...(c.written ?? [])]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('computes a row softmax', () => {
    const shape = { rows: 2, cols: 3 };
    const vector = { rows: 2, cols: 1 };
    const p = program({
      buffers: [input('x', int(2), int(3)), output('y', int(2), int(3))],
      body: [
        t.load('x_tile', shape, 'x', [row], trueExpr),
        t.tile('m', 'float', vector, float(0)),
        t.reduce('m', 'max', 'x_tile'),
        t.tile('e', 'float', shape, unary('exp', sub(element('x_tile', 'float'), element('m', 'float')))),
        t.tile('l', 'float', vector, float(0)),
        t.reduce('l', 'sum', 'e'),
        t.store('y', shape, [row, col], binary('divide', element('e', 'float'), element('l', 'float'))),
      ],
    });
    const y = empty(6);
    expect(run(p, { n: 0 }, { x: given([1, 2, 3, -5, 0, 5]), y })).toEqual([]);
    const expected = [[1, 2, 3], [-5, 0, 5]].flatMap((r) => r.map((v) => Math.exp(v) / r.reduce((s, w) => s + Math.exp(w), 0)));
    expected.forEach((v, k) => expect(y.data[k]).toBeCloseTo(v, 14));
  });

  it('multiplies matrices tile by tile, plain and transposed, with accumulation over a loop', () => {
    const k = ref('k', 'int');
    const square = { rows: 2, cols: 2 };
    for (const transposed of [false, true]) {
      const rightRow = transposed ? add(mul(i, int(0)), row) : add(mul(k, int(2)), row);
      const p = program({
        buffers: [input('a', int(2), int(2), int(2)), input('b', int(transposed ? 2 : 4), int(transposed ? 4 : 2)), output('c', int(2), int(2))],
        body: [
          t.tile('acc', 'float', square, float(0)),
          t.loop('k', int(0), int(2), [
            t.load('left', square, 'a', [k, row], trueExpr),
            transposed
              ? t.tile('right', 'float', square, read('b', 'float', [row, add(mul(k, int(2)), col)]))
              : t.load('right', square, 'b', [rightRow], trueExpr),
            t.dot('acc', 'left', 'right', transposed, true),
          ]),
          t.store('c', square, [row, col], element('acc', 'float')),
        ],
      });
      // a[k] holds columns 2k, 2k+1 of [[1, 2, 5, 6], [3, 4, 7, 8]].
      const b = [[1, 0], [2, 1], [0, 3], [1, 1]];
      const flat = transposed ? [0, 1].flatMap((c) => b.map((r) => r[c] ?? 0)) : b.flat();
      const c = empty(4);
      expect(run(p, { n: 0 }, { a: given([1, 2, 3, 4, 5, 6, 7, 8]), b: given(flat), c })).toEqual([]);
      expect([...c.data]).toEqual([1 + 4 + 0 + 6, 0 + 2 + 15 + 6, 3 + 8 + 0 + 8, 0 + 4 + 21 + 8]);
    }
  });

  it('loads zeros where the condition fails and beyond the last axis', () => {
    const shape = { rows: 2, cols: 4 };
    const p = program({
      buffers: [input('x', int(2), int(3)), output('y', int(2), int(4))],
      body: [t.load('a', shape, 'x', [row], lt(row, int(1))), t.store('y', shape, [row, col], element('a', 'float'))],
    });
    const y = empty(8);
    expect(run(p, { n: 0 }, { x: given([1, 2, 3, 4, 5, 6]), y })).toEqual([]);
    expect([...y.data]).toEqual([1, 2, 3, 0, 0, 0, 0, 0]);
  });

  it('walks while a condition holds, with variables, branches and folds', () => {
    const v = ref('v', 'int');
    const count = ref('count', 'int');
    const p = program({
      buffers: [{ name: 'out', element: 'int', access: 'write', extents: [int(2)] }],
      body: [
        t.varScalar('v', n),
        t.varScalar('count', int(0)),
        t.repeat(binary('gt', v, int(1)), [
          ...t.when(binary('eq', binary('mod', v, int(2)), int(0)), [t.set('v', binary('div', v, int(2)))], [t.set('v', add(mul(v, int(3)), int(1)))]),
          t.set('count', add(count, int(1))),
        ]),
        t.store('out', { rows: 1, cols: 1 }, [int(0)], count),
        t.store('out', { rows: 1, cols: 1 }, [int(1)], fold('sum', 'z', int(0), n, mul(ref('z', 'int'), ref('z', 'int')))),
      ],
    });
    const out: BufferValue = { element: 'int', data: new Int32Array(2), written: new Uint8Array(2) };
    expect(run(p, { n: 27 }, { out })).toEqual([]);
    expect([...out.data]).toEqual([111, 6201]);
  });

  it('reads one linear index or one index for each axis, and 0 outside', () => {
    const p = program({
      buffers: [input('x', int(2), int(3)), output('y', int(4))],
      body: [
        t.store('y', { rows: 1, cols: 1 }, [int(0)], read('x', 'float', [int(5)])),
        t.store('y', { rows: 1, cols: 1 }, [int(1)], read('x', 'float', [int(1), int(2)])),
        t.store('y', { rows: 1, cols: 1 }, [int(2)], read('x', 'float', [int(0), int(3)])),
        t.store('y', { rows: 1, cols: 1 }, [int(3)], read('x', 'float', [int(-1)])),
      ],
    });
    const y = empty(4);
    expect(run(p, { n: 0 }, { x: given([1, 2, 3, 4, 5, 6]), y })).toEqual([]);
    expect([...y.data]).toEqual([6, 6, 0, 0]);
  });

  it('rounds what it stores into half-precision buffers', () => {
    const p = program({
      buffers: [{ name: 'y', element: 'f16', access: 'write', extents: [int(3)] }],
      body: [t.store('y', { rows: 3, cols: 1 }, [row], select(lt(row, int(1)), float(0.1), select(lt(row, int(2)), float(2049), float(70000))))],
    });
    const y = empty(3, 'f16');
    expect(run(p, { n: 0 }, { y })).toEqual([]);
    expect([...y.data]).toEqual([0.0999755859375, 2048, Number.POSITIVE_INFINITY]);
  });

  it('visits every instance of a grid with several axes once', () => {
    const p: TileProgram = {
      ...program({ buffers: [output('y', int(2), int(3), int(4))], body: [] }),
      grid: [{ name: 'a', extent: int(2) }, { name: 'b', extent: int(3) }, { name: 'c', extent: int(4) }],
      body: [t.store('y', { rows: 1, cols: 1 }, [ref('a', 'int'), ref('b', 'int'), ref('c', 'int')], toFloat(add(mul(ref('a', 'int'), int(100)), add(mul(ref('b', 'int'), int(10)), ref('c', 'int')))))],
    };
    const y = empty(24);
    expect(run(p, { n: 0 }, { y })).toEqual([]);
    expect(y.data[23]).toBe(123);
    expect(y.written?.every((w) => w === 1)).toBe(true);
  });
});

describe('faults of a tile program are reported, each with its statement', () => {
  const one = { rows: 1, cols: 1 };

  it('a store outside the buffer', () => {
    const p = program({ buffers: [output('y', n)], grid: int(4), body: [t.store('y', one, [i], float(1))] });
    const y = empty(3);
    const problems = runTile(p, { values: new Map([['n', 3]]), buffers: new Map([['y', y]]) });
    expect(problems.map((x) => [x.kind, x.count])).toEqual([['outside', 1]]);
    expect(problems[0]?.message).toBe('element (0, 0) stores y[3], outside [3] at i = 3');
    expect(problems[0]?.place).toBe('store y[i] = 1.0 over [1 x 1]');
  });

  it('two stores to one element, within an instance and between instances', () => {
    const within = program({ buffers: [output('y', n)], body: [t.store('y', { rows: 2, cols: 1 }, [int(0)], float(1))] });
    expect(run(within, { n: 1 }, { y: empty(1) })).toEqual(['store-twice']);
    const between = program({ buffers: [output('y', n)], grid: int(2), body: [t.store('y', one, [int(0)], float(1))] });
    expect(run(between, { n: 1 }, { y: empty(1) })).toEqual(['store-twice']);
  });

  it('a read and a load of elements that nothing has written', () => {
    const body = [t.tile('a', 'float', one, read('x', 'float', [int(1)])), t.store('y', one, [int(0)], element('a', 'float'))];
    const reads = program({ buffers: [input('x', n), output('y', int(1))], body });
    expect(run(reads, { n: 2 }, { x: empty(2), y: empty(1) })).toEqual(['unwritten']);
    const loads = program({ buffers: [input('x', int(1), n), output('y', int(1))], body: [t.load('a', { rows: 1, cols: 2 }, 'x', [int(0)], trueExpr)] });
    expect(run(loads, { n: 2 }, { x: empty(2), y: empty(1) })).toEqual(['unwritten']);
  });

  it('but no read that a select leaves out', () => {
    const value = select(lt(n, int(0)), read('x', 'float', [int(0)]), float(1));
    const p = program({ buffers: [input('x', n), output('y', int(1))], body: [t.store('y', one, [int(0)], value)] });
    expect(run(p, { n: 2 }, { x: empty(2), y: empty(1) })).toEqual([]);
  });

  it('a load of a row outside the buffer', () => {
    const p = program({ buffers: [input('x', n, int(2))], body: [t.load('a', { rows: 4, cols: 2 }, 'x', [row], trueExpr)] });
    expect(run(p, { n: 3 }, { x: given([1, 2, 3, 4, 5, 6]) })).toEqual(['outside']);
  });

  it('a loop that does not end', () => {
    const p = program({ buffers: [], body: [t.repeat(trueExpr, [t.note('for ever')])] });
    expect(run(p, { n: 0 }, {}, 1000)).toEqual(['budget']);
  });

  it('a launch without a value, without memory, or with too little of it', () => {
    const p = program({ buffers: [output('y', n)], body: [] });
    expect(run(p, {}, { y: empty(1) })).toEqual(['launch']);
    expect(run(p, { n: 1 }, {})).toEqual(['launch']);
    expect(run(p, { n: 2 }, { y: empty(1) })).toEqual(['launch']);
    expect(run(p, { n: 1 }, { y: empty(1, 'f16') })).toEqual(['launch']);
  });
});
