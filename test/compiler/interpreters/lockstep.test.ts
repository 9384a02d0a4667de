import { describe, expect, it } from 'vitest';
import { noSpan, originOf } from '../../../dsl/span.ts';
import { runKernel } from '../../../compiler/interpreters/lockstep/index.ts';
import type { LockstepInput, LockstepReport } from '../../../compiler/interpreters/lockstep/index.ts';
import { storageOf, storageValues, unwrittenStorage } from '../../../compiler/interpreters/lockstep/storage.ts';
import { bin, boolean, extract, f32, fma, i32, lane, pick, refer, subgroupLane, u32, un, vec4 } from '../../../compiler/kernel/build.ts';
import type { KernelExpr, KernelProgram, KernelStmt, KernelType, SharedDecl, StorageDecl, UniformDecl } from '../../../compiler/kernel/ir.ts';

const origin = originOf(noSpan);
const group: KernelExpr = { kind: 'builtin', type: 'i32', name: 'group_x' };

const load = (storage: string, index: KernelExpr, type: KernelType = 'f32'): KernelExpr => ({ kind: 'load', type, storage, index });
const loadShared = (shared: string, index: KernelExpr, type: KernelType = 'f32'): KernelExpr => ({ kind: 'load_shared', type, shared, index });
const loadArray = (array: string, index: KernelExpr, type: KernelType = 'f32'): KernelExpr => ({ kind: 'load_array', type, array, index });
const shuffle = (value: KernelExpr, from: KernelExpr): KernelExpr => ({ kind: 'shuffle', type: value.type, value, from });
const subgroup = (op: 'sum' | 'max', value: KernelExpr): KernelExpr => ({ kind: 'subgroup', type: value.type, op, value });
const store = (storage: string, index: KernelExpr, value: KernelExpr): KernelStmt => ({ kind: 'store', storage, index, value, origin });
const share = (shared: string, index: KernelExpr, value: KernelExpr): KernelStmt => ({ kind: 'store_shared', shared, index, value, origin });
const let_ = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'let', name, type: value.type, value, origin });
const var_ = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'var', name, type: value.type, value, origin });
const assign = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'assign', name, value, origin });
const barrier: KernelStmt = { kind: 'barrier', origin };
const when = (cond: KernelExpr, then: readonly KernelStmt[], otherwise: readonly KernelStmt[] = [], uniform = false): KernelStmt => ({ kind: 'if', cond, uniform, then, otherwise, origin });
const loop = (index: string, from: KernelExpr, to: KernelExpr, body: readonly KernelStmt[], uniform = true, step = 1): KernelStmt => ({ kind: 'for', index, from, to, step, uniform, body, origin });
const repeat = (cond: KernelExpr, body: readonly KernelStmt[], uniform = false): KernelStmt => ({ kind: 'while', cond, uniform, body, origin });

interface Parts {
  readonly body: readonly KernelStmt[];
  readonly lanes?: number;
  readonly storage?: readonly StorageDecl[];
  readonly uniforms?: readonly UniformDecl[];
  readonly shared?: readonly SharedDecl[];
  readonly subgroup?: number;
}

const outDecl: StorageDecl = { name: 'out', buffer: 'out', element: 'f32', access: 'write' };
const inDecl: StorageDecl = { name: 'x', buffer: 'x', element: 'f32', access: 'read' };
const cells: SharedDecl = { name: 'cells', element: 'f32', length: 8 };

function kernel(parts: Parts): KernelProgram {
  return {
    name: 'test', summary: 'a test', origin, body: parts.body, workgroupSize: parts.lanes ?? 8,
    storage: parts.storage ?? [outDecl, inDecl], uniforms: parts.uniforms ?? [], shared: parts.shared ?? [cells],
    ...(parts.subgroup === undefined ? {} : { subgroup: parts.subgroup }),
  };
}

interface Ran {
  readonly report: LockstepReport;
  readonly kinds: readonly string[];
  readonly out: readonly number[];
}

function run(program: KernelProgram, given: Partial<LockstepInput> & { readonly outLength?: number; readonly width?: number; readonly maxSteps?: number } = {}): Ran {
  const out = unwrittenStorage('f32', given.outLength ?? program.workgroupSize);
  const x = storageOf('f32', [1, 2, 3, 4, 5, 6, 7, 8]);
  const storage = new Map([['out', out], ['x', x], ...(given.storage ?? [])]);
  const input = { uniforms: given.uniforms ?? [], groups: given.groups ?? [1, 1, 1] as const, storage };
  const report = runKernel(program, input, { subgroupWidth: given.width ?? 4, ...(given.maxSteps === undefined ? {} : { maxSteps: given.maxSteps }) });
  return { report, kinds: report.problems.map((p) => p.kind), out: [...storageValues(out)] };
}

const float = (e: KernelExpr): KernelExpr => un('to_f32', e);

/** The tree reduction of 8 values in workgroup memory, with or without the barrier inside its loop. */
function reduction(withBarrier: boolean): KernelProgram {
  const stride = refer('stride', 'i32');
  return kernel({
    body: [
      share('cells', lane, load('x', lane)),
      barrier,
      var_('stride', i32(4)),
      repeat(bin('gt', stride, i32(0)), [
        when(bin('lt', lane, stride), [share('cells', lane, bin('add', loadShared('cells', lane), loadShared('cells', bin('add', lane, stride))))]),
        ...(withBarrier ? [barrier] : []),
        assign('stride', bin('div', stride, i32(2))),
      ], true),
      when(bin('eq', lane, i32(0)), [store('out', i32(0), loadShared('cells', i32(0)))]),
    ],
  });
}

describe('kernels run with all lanes in step', () => {
  it('adds a vector of several workgroups, with a guard at its ragged end', () => {
    const at = refer('at', 'i32');
    const n = refer('n', 'i32');
    const p = kernel({
      lanes: 4, uniforms: [{ name: 'n', type: 'i32' }, { name: 'scale', type: 'f32' }],
      body: [
        let_('at', bin('add', bin('mul', group, i32(4)), lane)),
        when(bin('lt', at, n), [store('out', at, bin('mul', load('x', at), refer('scale', 'f32')))]),
      ],
    });
    const { kinds, out, report } = run(p, { groups: [2, 1, 1], uniforms: [6, 0.5], outLength: 6 });
    expect(kinds).toEqual([]);
    expect(out).toEqual([0.5, 1, 1.5, 2, 2.5, 3]);
    expect(report.counters).toMatchObject({ loads: 6, stores: 6, barriers: 0 });
  });

  it('sums in workgroup memory', () => {
    const { kinds, out, report } = run(reduction(true), { outLength: 1 });
    expect(kinds).toEqual([]);
    expect(out).toEqual([36]);
    expect(report.counters.barriers).toBe(4);
  });

  it('hands a value round by shuffles at every subgroup width', () => {
    const p = kernel({ body: [store('out', lane, shuffle(load('x', lane), i32(2)))] });
    expect(run(p, { width: 4 })).toMatchObject({ kinds: [], out: [3, 3, 3, 3, 7, 7, 7, 7] });
    expect(run(p, { width: 8 })).toMatchObject({ kinds: [], out: [3, 3, 3, 3, 3, 3, 3, 3] });
    expect(run(p, { width: 64 })).toMatchObject({ kinds: [], out: [3, 3, 3, 3, 3, 3, 3, 3] });
  });

  it('hands a value round within fours, whatever the subgroup width', () => {
    const p = kernel({ body: [store('out', lane, { kind: 'shuffle', type: 'f32', value: load('x', lane), from: i32(1), group: 4 })] });
    for (const width of [4, 8, 64]) expect(run(p, { width })).toMatchObject({ kinds: [], out: [2, 2, 2, 2, 6, 6, 6, 6] });
  });

  it('adds and compares over subgroups, the last of which may be partial', () => {
    const p = kernel({ lanes: 6, body: [store('out', lane, bin('add', bin('mul', subgroup('sum', load('x', lane)), f32(100)), subgroup('max', load('x', lane))))] });
    expect(run(p, { width: 4 }).out).toEqual([1004, 1004, 1004, 1004, 1106, 1106]);
  });

  it('knows the lane within the subgroup', () => {
    const p = kernel({ lanes: 6, body: [store('out', lane, float(subgroupLane))] });
    expect(run(p, { width: 4 }).out).toEqual([0, 1, 2, 3, 0, 1]);
  });

  it('lets lanes leave a loop one by one, and keeps what each of them has', () => {
    const p = kernel({
      body: [
        var_('sum', i32(0)),
        loop('j', i32(0), lane, [assign('sum', bin('add', refer('sum', 'i32'), refer('j', 'i32')))], false),
        var_('left', lane),
        repeat(bin('gt', refer('left', 'i32'), i32(4)), [assign('left', bin('sub', refer('left', 'i32'), i32(2)))]),
        store('out', lane, float(bin('add', bin('mul', refer('sum', 'i32'), i32(10)), refer('left', 'i32')))),
      ],
    });
    expect(run(p)).toMatchObject({ kinds: [], out: [0, 1, 12, 33, 64, 103, 154, 213] });
  });

  it('asks the end of a loop again at every turn', () => {
    const p = kernel({
      body: [
        var_('end', i32(10)),
        var_('turns', i32(0)),
        loop('j', i32(0), refer('end', 'i32'), [assign('end', bin('sub', refer('end', 'i32'), i32(1))), assign('turns', bin('add', refer('turns', 'i32'), i32(1)))], true, 2),
        store('out', lane, float(refer('turns', 'i32'))),
      ],
    });
    expect(run(p).out[0]).toBe(4);
  });

  it('takes the branch of each lane', () => {
    const even = bin('eq', bin('bit_and', lane, i32(1)), i32(0));
    const p = kernel({ body: [var_('v', f32(0)), when(even, [assign('v', f32(1))], [when(bin('gt', lane, i32(4)), [assign('v', f32(2))], [assign('v', f32(3))])]), store('out', lane, refer('v', 'f32'))] });
    expect(run(p)).toMatchObject({ kinds: [], out: [1, 3, 1, 3, 1, 2, 1, 2] });
  });

  it('keeps a private array for each lane', () => {
    const p = kernel({
      body: [
        { kind: 'array', name: 'a', type: 'vec4f', length: 2, value: un('splat', float(lane)), origin },
        { kind: 'assign_array', array: 'a', index: bin('bit_and', lane, i32(1)), value: vec4([f32(1), f32(2), f32(3), f32(4)]), origin },
        store('out', lane, bin('add', bin('mul', extract(loadArray('a', i32(0), 'vec4f'), 3), f32(10)), extract(loadArray('a', i32(1), 'vec4f'), 0))),
      ],
    });
    expect(run(p).out).toEqual([40, 11, 42, 31, 44, 51, 46, 71]);
  });

  it('keeps a value that a variable had when it was named', () => {
    const p = kernel({ body: [var_('v', f32(1)), let_('before', refer('v', 'f32')), assign('v', f32(2)), store('out', lane, bin('sub', refer('v', 'f32'), refer('before', 'f32')))] });
    expect(run(p).out[0]).toBe(1);
  });

  it('rounds to f32 after each operation and once in fma', () => {
    const big = f32(16777216);
    const p = kernel({
      lanes: 4,
      body: [
        let_('a', bin('add', big, f32(1))),
        let_('third', bin('div', f32(1), f32(3))),
        var_('v', refer('a', 'f32')),
        when(bin('eq', lane, i32(1)), [assign('v', refer('third', 'f32'))]),
        when(bin('eq', lane, i32(2)), [assign('v', fma(f32(4097), f32(4097), f32(-16785408)))]),
        when(bin('eq', lane, i32(3)), [assign('v', bin('sub', bin('mul', f32(4097), f32(4097)), f32(16785408)))]),
        store('out', lane, refer('v', 'f32')),
      ],
    });
    expect(run(p).out).toEqual([16777216, Math.fround(1 / 3), 1, 0]);
  });

  it('wraps 32-bit integers, signed and unsigned', () => {
    const cases: readonly KernelExpr[] = [
      bin('eq', bin('add', un('bitcast_i32', un('bitcast_u32', i32(2147483647))), refer('one', 'i32')), i32(-2147483648)),
      bin('eq', bin('mul', refer('k', 'i32'), refer('k', 'i32')), i32(Math.imul(123456789, 123456789))),
      bin('eq', bin('sub', u32(0), u32(1)), u32(4294967295)),
      bin('eq', bin('div', refer('m', 'i32'), i32(2)), i32(-3)),
      bin('eq', bin('mod', refer('m', 'i32'), i32(2)), i32(-1)),
      bin('eq', bin('shr', refer('m', 'i32'), i32(1)), i32(-4)),
      bin('eq', bin('shr', u32(4294967289), u32(28)), u32(15)),
      bin('eq', un('to_i32', f32(-3.9)), i32(-3)),
      bin('eq', un('to_i32', f32(1e20)), i32(2147483647)),
      bin('eq', un('to_u32', f32(-1)), u32(0)),
      bin('eq', un('bit_length', refer('m', 'i32')), i32(32)),
      bin('eq', un('popcount', i32(255)), i32(8)),
      bin('eq', un('trailing_zeros', i32(0)), i32(32)),
      bin('eq', un('bitcast_i32', f32(1)), i32(0x3f800000)),
      bin('eq', un('bitcast_u32', bin('sub', i32(0), refer('one', 'i32'))), u32(4294967295)),
    ];
    const p = kernel({
      lanes: cases.length,
      body: [
        var_('one', i32(1)), var_('k', i32(123456789)), var_('m', i32(-7)), var_('good', boolean(false)),
        ...cases.map((c, k) => when(bin('eq', lane, i32(k)), [assign('good', c)])),
        store('out', lane, pick(refer('good', 'bool'), f32(1), f32(0))),
      ],
    });
    expect(run(p).out).toEqual(cases.map(() => 1));
  });

  it('reads and writes halves as pairs, fours and single elements', () => {
    const halves = storageOf('f16', [1, 2, 3, 4, 5, 6, 7, 0.1]);
    const made = unwrittenStorage('f16', 7);
    const view = (name: string, buffer: string, element: StorageDecl['element'], access: 'read' | 'write'): StorageDecl => ({ name, buffer, element, access });
    const p = kernel({
      lanes: 1,
      storage: [
        outDecl, view('pairs', 'h', 'u32', 'read'), view('fours', 'h', 'vec2u', 'read'), view('singles', 'h', 'f16', 'read'), view('vectors', 'h', 'vec4h', 'read'),
        view('made4', 'made', 'vec2u', 'write'), view('made2', 'made', 'u32', 'write'), view('made1', 'made', 'f16', 'write'),
      ],
      body: [
        store('out', i32(0), un('unpack_half_high', load('pairs', i32(1), 'u32'))),
        store('out', i32(1), un('unpack_half_low', load('pairs', i32(2), 'u32'))),
        store('out', i32(2), extract(un('unpack_half4', load('fours', i32(1), 'vec2u')), 2)),
        store('out', i32(3), load('singles', i32(7))),
        store('out', i32(4), extract(load('vectors', i32(1), 'vec4f'), 0)),
        store('made4', i32(0), un('pack_half4', load('vectors', i32(0), 'vec4f'))),
        store('made2', i32(2), bin('pack_half2', f32(0.1), f32(-2))),
        store('made1', i32(6), f32(70000)),
      ],
    });
    const { kinds, out } = run(p, { outLength: 5, storage: new Map([['h', halves], ['made', made]]) });
    expect(kinds).toEqual([]);
    expect(out).toEqual([4, 5, 7, Math.fround(0.0999755859375), 5]);
    expect([...storageValues(made)]).toEqual([1, 2, 3, 4, 0.0999755859375, -2, Number.POSITIVE_INFINITY]);
  });

  it('reads and writes bfloat16 as pairs, fours and single elements', () => {
    const given = storageOf('bf16', [1, 2, 3, 4, 5, 6, 7, 0.1]);
    const made = unwrittenStorage('bf16', 7);
    const view = (name: string, buffer: string, element: StorageDecl['element'], access: 'read' | 'write'): StorageDecl => ({ name, buffer, element, access });
    const p = kernel({
      lanes: 1,
      storage: [
        outDecl, view('pairs', 'h', 'u32', 'read'), view('fours', 'h', 'vec2u', 'read'), view('singles', 'h', 'bf16', 'read'),
        view('made4', 'made', 'vec2u', 'write'), view('made2', 'made', 'u32', 'write'), view('made1', 'made', 'bf16', 'write'),
      ],
      body: [
        store('out', i32(0), un('unpack_bfloat_high', load('pairs', i32(1), 'u32'))),
        store('out', i32(1), un('unpack_bfloat_low', load('pairs', i32(2), 'u32'))),
        store('out', i32(2), extract(un('unpack_bfloat4', load('fours', i32(1), 'vec2u')), 2)),
        store('out', i32(3), load('singles', i32(7))),
        store('made4', i32(0), un('pack_bfloat4', un('unpack_bfloat4', load('fours', i32(0), 'vec2u')))),
        // 1 + 2^-8 lies in the middle and goes to the even neighbour, as does 1 + 3 * 2^-8.
        store('made2', i32(2), bin('pack_bfloat2', f32(1 + 2 ** -8), f32(1 + 3 * 2 ** -8))),
        store('made1', i32(6), f32(-0.1)),
      ],
    });
    const { kinds, out } = run(p, { outLength: 4, storage: new Map([['h', given], ['made', made]]) });
    expect(kinds).toEqual([]);
    expect(out).toEqual([4, 5, 7, 0.10009765625]);
    expect([...storageValues(made)]).toEqual([1, 2, 3, 4, 1, 1 + 2 ** -6, -0.10009765625]);
  });

  it('computes on vectors elementwise, scaled, dotted and fused', () => {
    const v = vec4([f32(1), f32(2), f32(3), f32(4)]);
    const p = kernel({
      lanes: 2,
      body: [
        let_('v', v),
        let_('w', fma(bin('mul', refer('v', 'vec4f'), float(lane)), refer('v', 'vec4f'), un('splat', f32(1)))),
        let_('u', fma(float(lane), refer('w', 'vec4f'), refer('v', 'vec4f'))),
        store('out', lane, bin('dot', bin('sub', refer('u', 'vec4f'), refer('v', 'vec4f')), un('neg', un('splat', f32(1))))),
      ],
    });
    // Lane 1: w = v * v + 1 = 2, 5, 10, 17; u = w + v; their difference sums to 34.
    expect(run(p).out).toEqual([-0, -34]);
  });
});

describe('what lanes do to each other is found', () => {
  it('a reduction without its barrier is a race', () => {
    const { report } = run(reduction(false), { outLength: 1 });
    expect(report.problems.map((p) => p.kind)).toContain('race');
    expect(report.problems[0]).toMatchObject({
      message: 'lane 0 of workgroup (0, 0, 0) loads cells[2], which lane 2 has stored with no barrier between',
      place: 'share cells[@lane] = cells[@lane] + cells[@lane + stride]',
    });
  });

  it('two lanes that store one cell, and a store to a cell that another lane has loaded, are races', () => {
    const both = kernel({ body: [share('cells', i32(0), float(lane))] });
    expect(run(both).kinds).toEqual(['race']);
    const after = kernel({
      body: [share('cells', lane, f32(0)), barrier, let_('v', loadShared('cells', bin('sub', i32(7), lane))), share('cells', lane, refer('v', 'f32'))],
    });
    expect(run(after).kinds).toEqual(['race']);
  });

  it('a lane may rewrite its own cell, and barriers order the cells of others', () => {
    const p = kernel({
      body: [
        share('cells', lane, f32(0)), share('cells', lane, loadShared('cells', lane)), barrier,
        let_('v', loadShared('cells', bin('sub', i32(7), lane))), barrier, share('cells', lane, refer('v', 'f32')),
      ],
    });
    expect(run(p).kinds).toEqual([]);
  });

  it('two lanes that store one element of storage are found, within a workgroup and between workgroups', () => {
    const within = kernel({ body: [store('out', i32(0), f32(1))] });
    expect(run(within).kinds).toEqual(['store-twice']);
    const between = kernel({ lanes: 1, body: [store('out', i32(0), f32(1))] });
    const { report } = run(between, { groups: [1, 2, 1] });
    expect(report.problems.map((p) => p.message)).toEqual(['lane 0 of workgroup (0, 1, 0) stores out[0], which lane 0 of workgroup number 0 has stored in the same dispatch']);
  });

  it('a load of what another lane has stored, or stores later, is a race even with a barrier', () => {
    const later = kernel({ body: [store('out', lane, f32(1)), barrier, let_('v', load('out', bin('sub', i32(7), lane)))] });
    expect(run(later).kinds).toEqual(['race']);
    const earlier = kernel({ storage: [outDecl, { ...inDecl, access: 'write' }], body: [let_('v', load('x', i32(0))), store('x', lane, f32(0))] });
    expect(run(earlier).kinds).toEqual(['race']);
  });

  it('a lane may load what it has stored itself', () => {
    expect(run(kernel({ body: [store('out', lane, f32(1)), store('out', lane, bin('add', load('out', lane), f32(1)))] }))).toMatchObject({ kinds: [], out: Array(8).fill(2) });
  });

  it('overlapping views of one buffer are one memory', () => {
    const wide: StorageDecl = { name: 'wide', buffer: 'out', element: 'vec4f', access: 'write' };
    const p = kernel({ lanes: 2, storage: [outDecl, wide], body: [when(bin('eq', lane, i32(0)), [store('wide', i32(0), un('splat', f32(1)))], [store('out', i32(2), f32(2))])] });
    expect(run(p, { outLength: 4 }).kinds).toEqual(['store-twice']);
  });
});

describe('control flow that lanes do not share is found', () => {
  it('a barrier that some lanes do not reach', () => {
    const p = kernel({ body: [when(bin('lt', lane, i32(3)), [barrier])] });
    const { report } = run(p);
    expect(report.problems.map((x) => [x.kind, x.message])).toEqual([['divergent-barrier', 'a barrier that lanes 3, 4, 5, 6, ... of workgroup (0, 0, 0) did not reach']]);
  });

  it('a barrier under a branch that happens to be shared but is not declared so', () => {
    expect(run(kernel({ body: [when(bin('lt', lane, i32(8)), [barrier])] })).kinds).toEqual(['divergent-barrier']);
  });

  it('a subgroup operation that some lanes do not reach', () => {
    expect(run(kernel({ body: [when(bin('lt', lane, i32(4)), [store('out', lane, subgroup('sum', f32(1)))])] })).kinds).toEqual(['divergent-subgroup']);
  });

  it('a branch or loop declared uniform whose condition differs', () => {
    expect(run(kernel({ body: [when(bin('lt', lane, i32(3)), [], [], true)] })).kinds).toEqual(['not-uniform']);
    expect(run(kernel({ body: [loop('j', i32(0), lane, [])] })).kinds).toEqual(['not-uniform']);
    expect(run(kernel({ body: [var_('v', lane), repeat(bin('gt', refer('v', 'i32'), i32(0)), [assign('v', bin('sub', refer('v', 'i32'), i32(1)))], true)] })).kinds).toEqual(['not-uniform']);
  });

  it('a barrier in a loop that lanes leave at different turns', () => {
    expect(run(kernel({ body: [loop('j', i32(0), lane, [barrier])] })).kinds).toEqual(['not-uniform', 'divergent-barrier']);
  });

  it('a shuffle from a lane that is not active', () => {
    const kinds = run(kernel({ body: [when(bin('lt', lane, i32(2)), [store('out', lane, shuffle(load('x', lane), i32(3)))])] })).kinds;
    expect(kinds).toEqual(['divergent-subgroup', 'shuffle']);
  });

  it('a shuffle from outside the subgroup, from beyond the lanes counted on, or from different lanes', () => {
    const from = (e: KernelExpr, limit?: number): KernelProgram => kernel({ body: [store('out', lane, shuffle(load('x', lane), e))], ...(limit === undefined ? {} : { subgroup: limit }) });
    expect(run(from(i32(5))).kinds).toEqual(['shuffle']);
    expect(run(from(i32(5)), { width: 8 }).kinds).toEqual([]);
    expect(run(from(i32(5), 4), { width: 8 }).kinds).toEqual(['shuffle']);
    expect(run(from(i32(-1))).kinds).toEqual(['shuffle']);
    expect(run(from(subgroupLane)).kinds).toEqual(['shuffle']);
  });
});

describe('memory is used within its bounds and after it has a value', () => {
  it('loads and stores outside storage, workgroup memory and private arrays', () => {
    const array: KernelStmt = { kind: 'array', name: 'a', type: 'f32', length: 2, value: f32(0), origin };
    expect(run(kernel({ body: [store('out', bin('add', lane, i32(1)), f32(0))] })).kinds).toEqual(['outside']);
    expect(run(kernel({ body: [let_('v', load('x', bin('sub', lane, i32(1))))] })).kinds).toEqual(['outside']);
    expect(run(kernel({ body: [share('cells', bin('add', lane, i32(1)), f32(0))] })).kinds).toEqual(['outside']);
    expect(run(kernel({ body: [share('cells', lane, f32(0)), let_('v', loadShared('cells', bin('mul', lane, i32(8))))] })).kinds).toEqual(['outside']);
    expect(run(kernel({ body: [array, let_('v', loadArray('a', lane))] })).kinds).toEqual(['outside']);
    expect(run(kernel({ body: [array, { kind: 'assign_array', array: 'a', index: lane, value: f32(1), origin }] })).kinds).toEqual(['outside']);
  });

  it('also where a select drops the value: machines load both arms', () => {
    expect(run(kernel({ body: [let_('v', pick(bin('lt', lane, i32(0)), load('x', i32(99)), f32(0)))] })).kinds).toEqual(['outside']);
  });

  it('the first element of a wide view must exist, its tail may hang over into padding', () => {
    const wide: StorageDecl = { name: 'wide', buffer: 'x', element: 'vec4f', access: 'read' };
    const at = (k: number): KernelProgram => kernel({ lanes: 1, storage: [wide], body: [let_('v', load('wide', i32(k), 'vec4f'))] });
    const storage = new Map([['x', storageOf('f32', [1, 2, 3, 4, 5])]]);
    expect(run(at(1), { storage }).kinds).toEqual([]);
    expect(run(at(2), { storage }).kinds).toEqual(['outside']);
  });

  it('workgroup memory that no lane has stored in this workgroup', () => {
    const p = kernel({ lanes: 1, body: [when(bin('eq', group, i32(0)), [share('cells', i32(0), f32(1))]), store('out', group, loadShared('cells', i32(0)))] });
    expect(run(p, { groups: [1, 1, 1] }).kinds).toEqual([]);
    expect(run(p, { groups: [2, 1, 1], outLength: 2 }).kinds).toEqual(['unwritten']);
  });

  it('storage that nothing has written: where it is stored, branched on, or used as an address', () => {
    const storage = new Map([['x', unwrittenStorage('f32', 8)]]);
    const kinds = (...body: readonly KernelStmt[]): readonly string[] => run(kernel({ body: [let_('v', load('x', lane)), ...body] }), { storage }).kinds;
    const v = refer('v', 'f32');
    expect(kinds(store('out', lane, bin('add', v, f32(1))))).toEqual(['unwritten']);
    expect(kinds(when(bin('gt', v, f32(0)), []))).toEqual(['unwritten']);
    expect(kinds(loop('j', i32(0), un('to_i32', v), []))).toContain('unwritten');
    expect(kinds(let_('w', load('out', bin('bit_and', un('to_i32', v), i32(7)))))).toContain('unwritten');
    expect(kinds(repeat(bin('gt', v, f32(1)), []))).toEqual(['unwritten']);
    const { report } = run(kernel({ body: [let_('v', load('x', lane)), store('out', lane, v)] }), { storage });
    expect(report.problems[0]?.message).toBe('lane 0 of workgroup (0, 0, 0) stores into out a value that depends on x[0], which nothing has written');
  });

  it('also after a detour through variables, workgroup memory, arrays and other lanes', () => {
    const storage = new Map([['x', unwrittenStorage('f32', 8)]]);
    const kinds = (...body: readonly KernelStmt[]): readonly string[] => run(kernel({ body }), { storage }).kinds;
    const zero: KernelStmt = { kind: 'array', name: 'a', type: 'f32', length: 2, value: f32(0), origin };
    const put: KernelStmt = { kind: 'assign_array', array: 'a', index: i32(1), value: load('x', lane), origin };
    expect(kinds(var_('v', f32(0)), assign('v', load('x', lane)), store('out', lane, refer('v', 'f32')))).toEqual(['unwritten']);
    expect(kinds(share('cells', lane, load('x', lane)), store('out', lane, loadShared('cells', lane)))).toEqual(['unwritten']);
    expect(kinds(zero, put, store('out', lane, loadArray('a', i32(1))))).toEqual(['unwritten']);
    expect(kinds(zero, put, store('out', lane, loadArray('a', i32(0))))).toEqual([]);
    expect(kinds(store('out', lane, shuffle(load('x', lane), i32(1))))).toEqual(['unwritten']);
    expect(kinds(store('out', lane, subgroup('sum', load('x', lane))))).toEqual(['unwritten']);
    expect(kinds(store('out', lane, extract(vec4([f32(0), load('x', lane), f32(0), f32(0)]), 1)))).toEqual(['unwritten']);
  });

  it('but guarded code may load it and drop it', () => {
    const storage = new Map([['x', unwrittenStorage('f32', 8)]]);
    const kinds = (...body: readonly KernelStmt[]): readonly string[] => run(kernel({ body: [let_('v', load('x', lane)), ...body] }), { storage }).kinds;
    const v = refer('v', 'f32');
    const never = bin('lt', lane, i32(0));
    expect(kinds(let_('w', pick(never, v, f32(7))), store('out', lane, refer('w', 'f32')))).toEqual([]);
    expect(kinds(when(bin('and', never, bin('gt', v, f32(0))), []))).toEqual([]);
    expect(kinds(when(bin('or', bin('gt', v, f32(0)), bin('ge', lane, i32(0))), []))).toEqual([]);
    expect(kinds(when(never, [store('out', lane, v)]))).toEqual([]);
  });

  it('element 0 of an empty buffer may be loaded, but has no value', () => {
    const storage = new Map([['x', storageOf('f32', [])]]);
    const p = (used: KernelExpr): KernelProgram => kernel({ lanes: 1, body: [let_('v', load('x', i32(0))), store('out', i32(0), used)] });
    expect(run(p(f32(0)), { storage }).kinds).toEqual([]);
    expect(run(p(refer('v', 'f32')), { storage }).kinds).toEqual(['unwritten']);
    expect(run(kernel({ lanes: 1, body: [let_('v', load('x', i32(1)))] }), { storage }).kinds).toEqual(['outside']);
  });

  it('a run does not remember what the run before it had no value for', () => {
    const p = kernel({ body: [var_('v', load('x', lane)), share('cells', lane, refer('v', 'f32')), store('out', lane, loadShared('cells', lane))] });
    expect(run(p, { storage: new Map([['x', unwrittenStorage('f32', 8)]]) }).kinds).toEqual(['unwritten']);
    expect(run(p).kinds).toEqual([]);
  });

  it('an integer division by zero, of lanes that execute it', () => {
    expect(run(kernel({ body: [let_('v', bin('div', i32(1), bin('sub', lane, i32(3))))] })).kinds).toEqual(['division-by-zero']);
    expect(run(kernel({ body: [let_('v', bin('mod', i32(1), lane))] })).kinds).toEqual(['division-by-zero']);
    expect(run(kernel({ body: [when(bin('gt', lane, i32(3)), [let_('v', bin('div', i32(1), bin('sub', lane, i32(3))))])] })).kinds).toEqual([]);
  });

  it('a loop that does not end is given up, in the first workgroup', () => {
    const p = kernel({ body: [repeat(boolean(true), [assign('v', bin('add', refer('v', 'i32'), i32(1)))], true)].flatMap((s) => [var_('v', i32(0)), s]) });
    expect(run(p, { maxSteps: 1000, groups: [5, 1, 1] }).kinds).toEqual(['budget']);
  });

  it('a launch without uniforms or memory, or with subgroups narrower than the kernel counts on', () => {
    expect(run(kernel({ body: [], subgroup: 8 }), { width: 4 }).kinds).toEqual(['launch']);
    expect(run(kernel({ body: [], subgroup: 8 }), { width: 8 }).kinds).toEqual([]);
    const p = kernel({ uniforms: [{ name: 'n', type: 'i32' }], body: [] });
    expect(run(p).kinds).toEqual(['launch']);
    expect(run(kernel({ storage: [{ ...inDecl, buffer: 'none' }], body: [] })).kinds).toEqual(['launch']);
  });

  it('one report for a place, with a count and the origin of the statement', () => {
    const place = originOf({ file: 'a.fil', start: 3, end: 9 });
    const p = kernel({ body: [{ ...store('out', bin('add', lane, i32(4)), f32(0)), origin: place }] });
    expect(run(p).report.problems).toMatchObject([{ kind: 'outside', count: 4, origin: place }]);
  });
});
