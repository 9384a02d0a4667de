/** Programs without attention: merges, tables, stores of every shape, scalar control flow, keys that are read from a list. */
import { describe, expect, it } from 'vitest';
import { lavapipe, swiftshader, webgpuDefault } from '../../../backends/targets.ts';
import { add, and, binary, element, float, fold, ge, int, le, lt, min, mul, ne, read, ref, select, sub, toFloat, unary } from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import type { Schedule } from '../../../compiler/schedule.ts';
import type { TargetRecord } from '../../../compiler/target.ts';
import type { BufferDecl, TileProgram, TileStmt } from '../../../compiler/tile/ir.ts';
import { verifyKernel } from '../../../compiler/kernel/verify.ts';
import { chooseSchedule } from '../../../compiler/choose-schedule.ts';
import { lowerTile } from '../../../compiler/kernel/lower-tile.ts';
import { bindingDiagnostics } from '../../../compiler/kernel/resources.ts';
import { lowered, noise, runBoth, worstDifference } from './both.ts';
import { attention, b, col, f, i, origin, row, rowsSchedule } from './programs.ts';

interface Parts {
  readonly buffers: readonly BufferDecl[];
  readonly body: readonly TileStmt[];
  readonly scalars?: TileProgram['scalars'];
  readonly groups?: number;
}

function program(parts: Parts): TileProgram {
  return {
    name: 'program', summary: 'a test', origin, grid: [{ name: 'tile', extent: int(parts.groups ?? 1) }],
    scalars: parts.scalars ?? [], buffers: parts.buffers, body: parts.body,
  };
}

const buffer = (name: string, elementType: BufferDecl['element'], access: 'read' | 'write', ...extents: readonly (number | Expr)[]): BufferDecl => ({
  name, element: elementType, access, extents: extents.map((e) => (typeof e === 'number' ? int(e) : e)),
});

interface Run {
  readonly values?: readonly (readonly [string, number])[];
  readonly inputs?: readonly (readonly [string, readonly number[]])[];
  readonly schedule?: Schedule;
  readonly target?: TargetRecord;
  readonly width?: number;
  readonly within?: number;
}

function check(p: TileProgram, run: Run): void {
  const ran = runBoth(p, run.schedule ?? rowsSchedule(), run.target ?? swiftshader, run.width ?? 4, { values: new Map(run.values ?? []), inputs: new Map(run.inputs ?? []) });
  expect(ran.problems).toEqual([]);
  expect(verifyKernel(ran.kernel)).toEqual([]);
  expect(worstDifference(ran)).toBeLessThanOrEqual(run.within ?? 0);
}

const storages: readonly (readonly [string, Partial<Schedule>])[] = [
  ['registers', { rowStorage: 'registers' }],
  ['private arrays', { rowStorage: 'arrays' }],
  ['workgroup memory', { rowStorage: 'workgroup', chunkUnroll: 1 }],
];

describe('rows of chunks', () => {
  const rows = 8;
  for (const [name, change] of storages) {
    for (const dim of [1, 5, 8, 12]) {
      it(`are accumulated over a loop from loads used once, in ${name}, D = ${dim}`, () => {
        const shape = { rows, cols: dim };
        check(program({
          groups: 2,
          scalars: [{ name: 'slots', type: 'int' }],
          buffers: [buffer('parts', 'f32', 'read', i('slots'), 13, dim), buffer('weight', 'f32', 'read', i('slots'), 13), buffer('out', 'f32', 'write', 13, dim)],
          body: [
            b.tile('index', 'int', { rows, cols: 1 }, add(mul(i('tile'), int(rows)), row)),
            b.tile('O', 'float', shape, float(0)),
            b.loop('slot', int(0), i('slots'), [
              b.tile('w', 'float', { rows, cols: 1 }, read('weight', 'float', [i('slot'), element('index', 'int')])),
              b.load('part', shape, 'parts', [i('slot'), element('index', 'int')], lt(element('index', 'int'), int(13))),
              b.map('O', add(f('O'), mul(f('part'), f('w')))),
            ]),
            b.store('out', shape, [element('index', 'int'), col], f('O'), lt(element('index', 'int'), int(13))),
          ],
        }), {
          values: [['slots', 3]], inputs: [['parts', noise(3 * 13 * dim, 5)], ['weight', noise(39, 6)]],
          schedule: rowsSchedule(change), within: 4 * 2 ** -24,
        });
      });
    }
    it(`take values that differ by column, in ${name}`, () => {
      const shape = { rows, cols: 6 };
      check(program({
        buffers: [buffer('x', 'f32', 'read', rows, 6), buffer('out', 'f32', 'write', rows, 6), buffer('sum', 'f32', 'write', rows)],
        body: [
          b.load('X', shape, 'x', [row], ne(row, int(3))),
          b.map('X', select(lt(col, row), mul(f('X'), toFloat(add(col, int(2)))), sub(float(1), f('X')))),
          b.tile('total', 'float', { rows, cols: 1 }, float(0)),
          b.reduce('total', 'sum', 'X'),
          b.store('out', shape, [row, col], f('X')),
          b.store('sum', { rows, cols: 1 }, [row], f('total')),
        ],
      }), { inputs: [['x', noise(48, 9)]], schedule: rowsSchedule(change), within: 64 * 2 ** -24 });
    });
  }
  it('that only a store speaks of are stored whole', () => {
    check(program({
      buffers: [buffer('out', 'f32', 'write', 6, 8)],
      body: [b.tile('O', 'float', { rows, cols: 8 }, float(0.25)), b.store('out', { rows, cols: 8 }, [row, col], f('O'), lt(row, int(6)))],
    }), {});
    check(program({
      buffers: [buffer('out', 'f32', 'write', rows, 8)],
      body: [b.store('out', { rows, cols: 8 }, [row, col], toFloat(add(mul(row, int(10)), col)))],
    }), {});
  });
  it('take elements of int tiles that differ by column', () => {
    check(program({
      buffers: [buffer('out', 'f32', 'write', rows, 8)],
      body: [
        b.tile('number', 'int', { rows, cols: 8 }, sub(mul(row, int(10)), col)),
        b.store('out', { rows, cols: 8 }, [row, col], toFloat(element('number', 'int'))),
      ],
    }), {});
  });
  it('are stored as halves, packed or not', () => {
    for (const [target, dim] of [[swiftshader, 8], [swiftshader, 6], [lavapipe, 8], [lavapipe, 5]] as const) {
      check(program({
        buffers: [buffer('x', 'f16', 'read', rows, dim), buffer('out', 'f16', 'write', rows, dim)],
        body: [b.load('X', { rows, cols: dim }, 'x', [row], ge(row, int(2))), b.store('out', { rows, cols: dim }, [row, col], mul(f('X'), float(0.5)))],
      }), { inputs: [['x', noise(rows * dim, 4)]], target, width: target === lavapipe ? 8 : 4 });
    }
  });
});

describe('tables', () => {
  const rows = 8;
  it('are built word by word with folds, bit operations and masked stores', () => {
    const entry = read('list', 'int', [i('entry')]);
    const here = and(and(ge(entry, int(0)), lt(entry, i('size'))), lt(sub(entry, mul(element('word', 'int'), int(32))), int(32)));
    const inWord = and(here, ge(entry, mul(element('word', 'int'), int(32))));
    check(program({
      groups: 2, scalars: [{ name: 'size', type: 'int' }, { name: 'length', type: 'int' }],
      buffers: [buffer('list', 'int', 'read', i('length')), buffer('marks', 'int', 'write', 11)],
      body: [
        b.tile('word', 'int', { rows, cols: 1 }, add(mul(i('tile'), int(rows)), row)),
        b.tile('bits', 'int', { rows, cols: 1 }, fold('bit_or', 'entry', int(0), i('length'), select(inWord, binary('shl', int(1), binary('bit_and', entry, int(31))), int(0)))),
        b.store('marks', { rows, cols: 1 }, [element('word', 'int')], element('bits', 'int'), lt(element('word', 'int'), int(11))),
      ],
    }), { values: [['size', 340], ['length', 9]], inputs: [['list', [0, 5, 31, 32, 339, 340, -1, 64, 63]]] });
  });
  it('are compacted by stores at running places', () => {
    const bit = (e: Expr): Expr => binary('bit_and', binary('shr', element('bits', 'int'), e), int(1));
    check(program({
      buffers: [buffer('marks', 'int', 'read', rows), buffer('out', 'int', 'write', 257)],
      body: [
        b.tile('bits', 'int', { rows, cols: 1 }, read('marks', 'int', [row])),
        b.tile('before', 'int', { rows, cols: 1 }, fold('sum', 'w', int(0), row, unary('popcount', read('marks', 'int', [i('w')])))),
        b.loop('bit', int(0), int(32), [
          b.store('out', { rows, cols: 1 }, [add(element('before', 'int'), unary('popcount', binary('bit_and', element('bits', 'int'), sub(binary('shl', int(1), i('bit')), int(1)))))],
            add(mul(row, int(32)), i('bit')), ne(bit(i('bit')), int(0))),
        ]),
      ],
    }), { inputs: [['marks', [1, -1, 0, 5, 1 << 31, 7, 0, 255]]] });
  });
  it('hold bools as words', () => {
    check(program({
      buffers: [buffer('flag', 'bool', 'read', rows), buffer('out', 'bool', 'write', rows)],
      body: [b.store('out', { rows, cols: 1 }, [row], and(read('flag', 'bool', [sub(row, int(1))]), read('flag', 'bool', [row])))],
    }), { inputs: [['flag', [1, 0, 1, 1, 1, 0, 0, 1]]] });
  });
});

describe('scalar control flow', () => {
  it('keeps variables, loops and branches in order', () => {
    check(program({
      scalars: [{ name: 'n', type: 'int' }, { name: 'fast', type: 'bool' }],
      buffers: [buffer('table', 'int', 'read', 6), buffer('out', 'int', 'write', 8)],
      body: [
        b.varScalar('total', int(0)),
        b.varScalar('at', int(0)),
        b.repeat(and(lt(i('at'), i('n')), lt(i('total'), int(100))), [
          b.letScalar('now', read('table', 'int', [i('at')])),
          ...b.when(lt(i('now'), int(0)), [b.set('total', sub(i('total'), i('now')))], [b.set('total', add(i('total'), mul(i('now'), i('now'))))]),
          b.letScalar('old', i('at')),
          b.set('at', add(i('at'), select(ref('fast', 'bool'), int(2), int(1)))),
          b.set('total', add(i('total'), i('old'))),
        ]),
        b.loop('again', int(0), i('at'), [b.set('at', sub(i('at'), int(1)))]),
        b.store('out', { rows: 8, cols: 1 }, [row], add(mul(i('total'), int(1000)), add(mul(i('at'), int(10)), row))),
      ],
    }), { values: [['n', 6], ['fast', 0]], inputs: [['table', [3, -4, 5, 0, 2, -1]]] });
  });
  it('renews a while condition that takes a loop to compute', () => {
    const seen = fold('sum', 'j', int(0), i('at'), read('table', 'int', [i('j')]));
    check(program({
      buffers: [buffer('table', 'int', 'read', 6), buffer('out', 'int', 'write', 8)],
      body: [
        b.varScalar('at', int(0)),
        b.repeat(lt(seen, int(9)), [b.set('at', add(i('at'), int(1)))]),
        b.store('out', { rows: 8, cols: 1 }, [row], add(i('at'), row)),
      ],
    }), { inputs: [['table', [3, 1, 4, 1, 5, 9]]] });
  });
  it('does not use a value again after what it was made of has changed', () => {
    check(program({
      buffers: [buffer('out', 'int', 'write', 8), buffer('x', 'int', 'read', 8)],
      body: [
        b.tile('T', 'int', { rows: 8, cols: 1 }, read('x', 'int', [row])),
        b.tile('before', 'int', { rows: 8, cols: 1 }, mul(element('T', 'int'), int(3))),
        b.map('T', add(element('T', 'int'), int(1))),
        b.loop('j', int(0), int(3), [b.map('T', add(mul(element('T', 'int'), int(3)), i('j')))]),
        b.store('out', { rows: 8, cols: 1 }, [row], add(mul(element('T', 'int'), int(3)), element('before', 'int'))),
      ],
    }), { inputs: [['x', [1, 2, 3, 4, 5, 6, 7, 8]]] });
  });
});

describe('operands whose rows are read from a list', () => {
  const schedules: readonly (readonly [string, Schedule, TargetRecord, number])[] = [
    ['direct', rowsSchedule(), swiftshader, 4], ['shuffle', rowsSchedule({ operand: 'shuffle' }), swiftshader, 4],
    ['workgroup', rowsSchedule({ operand: 'workgroup' }), swiftshader, 4],
    ['own', rowsSchedule({ layout: 'keys-on-lanes', lanes: 4, rowsPerLane: 8, keyStep: 8 }), webgpuDefault, 32],
  ];
  for (const [name, schedule, target, width] of schedules) {
    it(`are found with the ${name} atom, directly and through a tile of row numbers`, () => {
      const keyStep = 8;
      const listed = (x: Expr): Expr => read('list', 'int', [min(add(mul(i('step'), int(keyStep)), x), int(15))]);
      const where = (throughTile: boolean): Expr => (throughTile ? element('at', 'int') : listed(row));
      for (const throughTile of [false, true]) {
        check(program({
          buffers: [buffer('q', 'f32', 'read', 8, 8), buffer('k', 'f32', 'read', 20, 8), buffer('list', 'int', 'read', 16), buffer('out', 'f32', 'write', 8, 8)],
          body: [
            b.load('Q', { rows: 8, cols: 8 }, 'q', [row], le(row, int(6))),
            b.tile('O', 'float', { rows: 8, cols: 8 }, float(0)),
            b.loop('step', int(0), int(2), [
              b.tile('at', 'int', { rows: keyStep, cols: 1 }, listed(row)),
              b.load('K', { rows: keyStep, cols: 8 }, 'k', [where(throughTile)], and(ge(where(throughTile), int(0)), lt(where(throughTile), int(20)))),
              b.tile('S', 'float', { rows: 8, cols: keyStep }, float(0)),
              b.dot('S', 'Q', 'K', true, false),
              b.dot('O', 'S', 'K', false, true),
            ]),
            b.store('out', { rows: 8, cols: 8 }, [row, col], f('O')),
          ],
        }), {
          inputs: [['q', noise(64, 1)], ['k', noise(160, 2)], ['list', [3, 1, 19, 0, -1, 7, 7, 20, 4, 5, 6, 18, 2, -5, 11, 12]]],
          schedule, target, width, within: 512 * 2 ** -24,
        });
      }
    });
  }
});

describe('shares of sums (keys on lanes)', () => {
  const schedule = rowsSchedule({ layout: 'keys-on-lanes', lanes: 4, rowsPerLane: 2, keyStep: 4, keyTile: 4 });
  it('are added up before a map that is not linear, and before the next sum starts from them', () => {
    for (const [target, width] of [[swiftshader, 4], [webgpuDefault, 16]] as const) {
      check(program({
        buffers: [buffer('q', 'f32', 'read', 2, 8), buffer('k', 'f32', 'read', 4, 8), buffer('out', 'f32', 'write', 2, 8), buffer('total', 'f32', 'write', 2)],
        body: [
          b.load('Q', { rows: 2, cols: 8 }, 'q', [row], lt(row, int(2))),
          b.load('K', { rows: 4, cols: 8 }, 'k', [row], lt(row, int(4))),
          b.tile('O', 'float', { rows: 2, cols: 8 }, float(0.5)),
          b.tile('S', 'float', { rows: 2, cols: 4 }, float(0)),
          b.dot('S', 'Q', 'K', true, false),
          b.dot('O', 'S', 'K', false, true),
          b.map('O', add(mul(f('O'), f('O')), float(1))),
          b.map('O', mul(f('O'), float(-2))),
          b.dot('O', 'S', 'K', false, true),
          b.tile('l', 'float', { rows: 2, cols: 1 }, float(3)),
          b.reduce('l', 'sum', 'S'),
          b.store('out', { rows: 2, cols: 8 }, [row, col], f('O')),
          b.store('total', { rows: 2, cols: 1 }, [row], f('l')),
        ],
      }), { inputs: [['q', noise(16, 1)], ['k', noise(32, 2)]], schedule, target, width, within: 4096 * 2 ** -24 });
    }
  });
});

describe('refusals', () => {
  it('names the bytes of workgroup memory that do not fit', () => {
    const schedule = rowsSchedule({ rowStorage: 'workgroup', lanes: 64, rowsPerLane: 4, operand: 'direct', chunkUnroll: 1 });
    const result = lowerTile(attention({ queryTile: 256, keyTile: 8, keyStep: 4, dim: 128, element: 'f32' }), schedule, webgpuDefault);
    expect(result.ok).toBe(false);
    expect(result.diagnostics.map((d) => d.kind)).toEqual(['resource']);
    expect(result.diagnostics[0]?.message).toContain('Q 128.0 KiB + O 128.0 KiB');
    expect(result.diagnostics.map((d) => d.code)).toEqual(['FIL0604']);
  });
  it('does not pack halves of two rows into one word', () => {
    const result = lowerTile(attention({ queryTile: 8, keyTile: 8, keyStep: 4, dim: 5, element: 'f16' }), rowsSchedule(), swiftshader);
    expect(result.ok).toBe(false);
    expect(result.diagnostics[0]?.message).toContain('`out` holds f16 in rows of 5');
    expect(result.diagnostics.map((d) => d.code)).toEqual(['FIL0611']);
  });
  it('counts the lanes of a query tile that cannot be dealt out', () => {
    const schedule = chooseSchedule(webgpuDefault, { dim: 8, dtype: 'f32', kind: 'prefill', pins: { queryTile: 1021 } });
    const result = lowerTile(attention({ queryTile: 1021, keyTile: schedule.keyTile, keyStep: schedule.keyStep, dim: 8, element: 'f32' }), schedule, webgpuDefault);
    expect(result.ok).toBe(false);
    expect(result.diagnostics.map((d) => d.code)).toEqual(['FIL0609']);
    expect(result.diagnostics[0]?.message).toContain('needs 1021 lanes in a workgroup, the device gives 256');
  });
  it('lists the buffers of a kernel that binds too many, and names the tensor parameters', () => {
    const whole = attention({ queryTile: 8, keyTile: 8, keyStep: 4, dim: 8, element: 'f32' });
    const extra = ['p_cols', 'p_doc', 'd_starts'].map((name): BufferDecl => ({ name, element: 'int', access: 'read', extents: [int(8)] }));
    const result = lowerTile({ ...whole, buffers: [...whole.buffers, ...extra] }, rowsSchedule(), swiftshader);
    if (!result.ok) throw new Error('the kernel itself fits');
    expect(bindingDiagnostics(result.value, { ...swiftshader, maxStorageBuffers: 6 }).map((d) => [d.code, d.message, d.help])).toEqual([[
      'FIL0610', 'kernel `attention` binds 8 buffers (q, k, v, out, lse, cols, doc, d_starts), the device allows 6',
      'make one tensor with one axis more of `cols` and `doc`, or numbers of those that do not change along an axis',
    ]]);
  });
});

describe('what is computed once', () => {
  it('divides by row numbers outside the key loop', () => {
    const p = program({
      scalars: [{ name: 'n', type: 'int' }, { name: 'width', type: 'int' }],
      buffers: [buffer('out', 'int', 'write', 8)],
      body: [
        b.tile('T', 'int', { rows: 8, cols: 1 }, int(0)),
        b.loop('j', int(0), i('n'), [b.map('T', add(element('T', 'int'), mul(binary('div', row, i('width')), i('j'))))]),
        b.store('out', { rows: 8, cols: 1 }, [row], element('T', 'int')),
      ],
    });
    const kernel = lowered(p, rowsSchedule(), swiftshader);
    const inLoop = kernel.body.flatMap((s) => (s.kind === 'for' ? [JSON.stringify(s.body)] : []));
    expect(inLoop.length).toBe(1);
    expect(inLoop.join('')).not.toContain('"op":"div"');
    expect(JSON.stringify(kernel.body).split('"op":"div"').length - 1).toBe(2);
    check(p, { values: [['n', 3], ['width', 3]] });
  });
});
