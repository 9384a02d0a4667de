import { describe, expect, it } from 'vitest';
import { noSpan, originOf } from '../../../dsl/span.ts';
import { bin, boolean, extract, f32, fma, i32, lane, pick, refer, u32, un, vec4 } from '../../../compiler/kernel/build.ts';
import type { KernelExpr, KernelProgram, KernelStmt, KernelType } from '../../../compiler/kernel/ir.ts';
import { printKernel } from '../../../compiler/kernel/print.ts';
import { uniformityOf } from '../../../compiler/kernel/uniformity.ts';
import { verifyKernel } from '../../../compiler/kernel/verify.ts';

const origin = originOf(noSpan);
const load = (storage: string, index: KernelExpr, type: KernelType = 'f32'): KernelExpr => ({ kind: 'load', type, storage, index });
const loadShared = (index: KernelExpr): KernelExpr => ({ kind: 'load_shared', type: 'f32', shared: 'cells', index });
const loadArray = (index: KernelExpr): KernelExpr => ({ kind: 'load_array', type: 'f32', array: 'a', index });
const shuffle = (value: KernelExpr, from: KernelExpr): KernelExpr => ({ kind: 'shuffle', type: value.type, value, from });
const let_ = (name: string, value: KernelExpr, type: KernelType = value.type): KernelStmt => ({ kind: 'let', name, type, value, origin });
const var_ = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'var', name, type: value.type, value, origin });
const assign = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'assign', name, value, origin });
const store = (storage: string, index: KernelExpr, value: KernelExpr): KernelStmt => ({ kind: 'store', storage, index, value, origin });
const share = (index: KernelExpr, value: KernelExpr): KernelStmt => ({ kind: 'store_shared', shared: 'cells', index, value, origin });
const array = (length: number, value: KernelExpr = f32(0)): KernelStmt => ({ kind: 'array', name: 'a', type: 'f32', length, value, origin });
const put = (index: KernelExpr, value: KernelExpr): KernelStmt => ({ kind: 'assign_array', array: 'a', index, value, origin });
const barrier: KernelStmt = { kind: 'barrier', origin };
const when = (cond: KernelExpr, uniform: boolean, then: readonly KernelStmt[], otherwise: readonly KernelStmt[] = []): KernelStmt => ({ kind: 'if', cond, uniform, then, otherwise, origin });
const loop = (from: KernelExpr, to: KernelExpr, uniform: boolean, body: readonly KernelStmt[], step = 1): KernelStmt => ({ kind: 'for', index: 'j', from, to, step, uniform, body, origin });
const repeat = (cond: KernelExpr, uniform: boolean, body: readonly KernelStmt[]): KernelStmt => ({ kind: 'while', cond, uniform, body, origin });
const n = refer('n', 'i32');

function program(body: readonly KernelStmt[], changes: Partial<KernelProgram> = {}): KernelProgram {
  return {
    name: 'test', summary: 'a test', workgroupSize: 8, subgroup: 4, origin, body,
    storage: [
      { name: 'x', buffer: 'x', element: 'f32', access: 'read' },
      { name: 'fours', buffer: 'x', element: 'vec4f', access: 'read' },
      { name: 'halves', buffer: 'h', element: 'vec4h', access: 'read' },
      { name: 'out', buffer: 'out', element: 'f32', access: 'write' },
    ],
    uniforms: [{ name: 'n', type: 'i32' }],
    shared: [{ name: 'cells', element: 'f32', length: 8 }],
    ...changes,
  };
}

function rules(body: readonly KernelStmt[], changes: Partial<KernelProgram> = {}): readonly string[] {
  return verifyKernel(program(body, changes)).map((f) => f.rule);
}

const good: readonly KernelStmt[] = [
  let_('v', load('x', lane)),
  let_('four', fma(refer('v', 'f32'), load('halves', i32(0), 'vec4f'), load('fours', n, 'vec4f'))),
  share(lane, extract(refer('four', 'vec4f'), 2)),
  barrier,
  var_('stride', i32(4)),
  repeat(bin('gt', refer('stride', 'i32'), i32(0)), true, [
    when(bin('lt', lane, refer('stride', 'i32')), false, [share(lane, loadShared(bin('add', lane, refer('stride', 'i32'))))]),
    barrier,
    assign('stride', bin('div', refer('stride', 'i32'), i32(2))),
  ]),
  array(2),
  loop(i32(0), n, true, [put(i32(0), shuffle(refer('v', 'f32'), i32(3)))], 2),
  { kind: 'comment', text: 'the end', origin },
  when(bin('eq', lane, i32(0)), false, [store('out', i32(0), loadArray(i32(0)))], [store('out', lane, un('neg', bin('mul', pick(boolean(true), f32(1), f32(2)), f32(3))))]),
];

describe('kernels are verified', () => {
  it('a sound kernel has no findings', () => {
    expect(verifyKernel(program(good))).toEqual([]);
  });

  const nowhere: KernelExpr = { kind: 'binary', type: 'i32', op: 'add', left: i32(1), right: f32(1) };
  const broken: readonly (readonly [string, string, readonly KernelStmt[]])[] = [
    ['a name declared again', 'declared-once', [let_('v', i32(0)), let_('v', i32(0))]],
    ['a name of a memory', 'declared-once', [let_('cells', i32(0))]],
    ['a name out of scope', 'in-scope', [when(boolean(true), true, [let_('v', i32(0))]), let_('w', refer('v', 'i32'))]],
    ['a name of another type', 'types', [let_('v', i32(0)), let_('w', refer('v', 'u32'))]],
    ['an operator on mixed types', 'types', [let_('v', nowhere)]],
    ['a literal out of range', 'types', [let_('v', { kind: 'literal', type: 'i32', value: 2 ** 31 })]],
    ['a declaration of another type', 'types', [let_('v', i32(0), 'f32')]],
    ['a mask by a number', 'types', [when(i32(1), true, [])]],
    ['part 3 of two words', 'types', [let_('v', { kind: 'extract', type: 'u32', vector: un('pack_half4', vec4([f32(0), f32(0), f32(0), f32(0)])), part: 3 })]],
    ['an assignment to a let', 'variables', [let_('v', i32(0)), assign('v', i32(1))]],
    ['an assignment to a loop index', 'variables', [loop(i32(0), n, true, [assign('j', i32(1))])]],
    ['an assignment to nothing', 'in-scope', [assign('v', i32(1))]],
    ['storage that is not declared', 'memory', [let_('v', load('z', i32(0)))]],
    ['an array that is not declared', 'memory', [put(i32(0), f32(1))]],
    ['a store into read storage', 'memory', [store('x', lane, f32(0))]],
    ['a load of another type', 'types', [let_('v', load('x', lane, 'i32'))]],
    ['a store of another type', 'types', [store('out', lane, u32(0))]],
    ['an index that is no i32', 'types', [let_('v', load('x', u32(0)))]],
    ['a constant index outside workgroup memory', 'bounds', [share(i32(8), f32(0))]],
    ['a constant index outside an array', 'bounds', [array(2), let_('v', loadArray(i32(-1)))]],
    ['an array without elements', 'bounds', [array(0)]],
    ['a loop that stands still', 'bounds', [loop(i32(0), n, true, [], 0)]],
    ['a barrier under a lane condition', 'together', [when(bin('lt', lane, i32(4)), false, [barrier])]],
    ['a barrier under a condition that is not declared uniform', 'together', [when(bin('lt', n, i32(4)), false, [barrier])]],
    ['a condition wrongly declared uniform', 'uniform-flow', [when(bin('lt', lane, i32(4)), true, [])]],
    ['a loop wrongly declared uniform', 'uniform-flow', [loop(i32(0), lane, true, [])]],
    ['a shuffle under a lane condition', 'together', [when(bin('lt', lane, i32(4)), false, [let_('v', shuffle(f32(0), i32(0)))])]],
    ['a shuffle from a lane of its own', 'together', [let_('v', shuffle(f32(0), lane))]],
    ['a shuffle among four from a fifth lane', 'subgroup', [let_('v', { kind: 'shuffle', type: 'f32', value: f32(0), from: i32(4), group: 4 })]],
    ['a shuffle among four from a lane that is no constant', 'subgroup', [let_('v', { kind: 'shuffle', type: 'f32', value: f32(0), from: n, group: 4 })]],
    ['a shuffle from a lane that small subgroups lack', 'subgroup', [let_('v', shuffle(f32(0), i32(4)))]],
  ];
  for (const [what, rule, body] of broken) {
    it(`${what} breaks \`${rule}\``, () => {
      expect(rules(body)).toContain(rule);
    });
  }

  it('the head of a kernel is looked at as well', () => {
    expect(rules([], { workgroupSize: 0 })).toEqual(['bounds']);
    expect(rules([], { shared: [{ name: 'cells', element: 'f32', length: 0 }] })).toEqual(['bounds']);
    expect(rules([], { uniforms: [{ name: 'x', type: 'i32' }] })).toEqual(['declared-once']);
    expect(rules([], { storage: [{ name: 'r', buffer: 'b', element: 'f32', access: 'read' }, { name: 'w', buffer: 'b', element: 'f32', access: 'write' }] })).toEqual(['memory']);
    const { subgroup: _, ...without } = program([let_('v', shuffle(f32(0), i32(0)))]);
    expect(verifyKernel(without).map((f) => f.rule)).toEqual(['subgroup']);
  });

  it('a finding carries the origin of its statement', () => {
    const place = originOf({ file: 'a.fil', start: 2, end: 5 });
    expect(verifyKernel(program([{ kind: 'assign', name: 'v', value: i32(1), origin: place }]))[0]?.origin).toBe(place);
  });
});

describe('what differs among lanes', () => {
  const differs = (body: readonly KernelStmt[], name: string, type: KernelType = 'f32'): boolean => !uniformityOf(program(body)).uniform(refer(name, type));

  it('starts at lanes, workgroup memory, written storage and subgroup results', () => {
    expect(differs([let_('v', lane)], 'v', 'i32')).toBe(true);
    expect(differs([let_('v', loadShared(i32(0)))], 'v')).toBe(true);
    expect(differs([let_('v', load('out', i32(0)))], 'v')).toBe(true);
    expect(differs([let_('v', shuffle(f32(1), i32(0)))], 'v')).toBe(true);
    expect(differs([let_('v', load('x', i32(0)))], 'v')).toBe(false);
    expect(differs([let_('v', bin('add', n, { kind: 'builtin', type: 'i32', name: 'group_x' }))], 'v', 'i32')).toBe(false);
  });

  it('spreads through values, arrays, and assignments under conditions that differ', () => {
    expect(differs([let_('v', load('x', lane))], 'v')).toBe(true);
    expect(differs([array(2), put(lane, f32(1)), let_('v', loadArray(i32(0)))], 'v')).toBe(true);
    expect(differs([array(2), put(i32(0), f32(1)), let_('v', loadArray(i32(1)))], 'v')).toBe(false);
    expect(differs([var_('v', f32(0)), when(bin('lt', lane, i32(1)), false, [assign('v', f32(1))])], 'v')).toBe(true);
    expect(differs([var_('v', f32(0)), when(bin('lt', n, i32(1)), true, [assign('v', f32(1))])], 'v')).toBe(false);
  });

  it('also backwards through loops', () => {
    const body = [var_('a', i32(0)), var_('b', i32(0)), loop(i32(0), n, true, [assign('a', refer('b', 'i32')), assign('b', lane)])];
    expect(differs(body, 'a', 'i32')).toBe(true);
    expect(differs([var_('v', i32(0)), repeat(bin('lt', refer('v', 'i32'), lane), false, [assign('v', bin('add', refer('v', 'i32'), i32(1)))])], 'v', 'i32')).toBe(true);
  });
});

describe('kernels are printed', () => {
  it('one statement a line', () => {
    expect(printKernel(program(good))).toBe(`kernel test: a test
  workgroup of 8 lanes, subgroups of at least 4
  uniform n: i32
  read x: f32[] of x
  read fours: vec4f[] of x
  read halves: vec4h[] of h
  write out: f32[] of out
  shared cells: f32[8]
  let v: f32 = x[@lane]
  let four: vec4f = fma(v, halves[0], fours[n])
  share cells[@lane] = four.2
  barrier
  var stride: i32 = 4
  uniform while stride > 0
    if @lane < stride
      share cells[@lane] = cells[@lane + stride]
    barrier
    stride = stride / 2
  array a: f32[2] = 0.0
  uniform for j in 0 .. n step 2
    a[0] = shuffle(v, 3)
  # the end
  if @lane == 0
    store out[0] = a[0]
  else
    store out[@lane] = -(1.0 * 3.0)
`);
  });
});
