/**
 * Hand-written kernel programs for the tests of printers and runtimes. In: nothing. Out: programs that use every part of the
 * kernel IR between them. Holds: each names the span `source` for its body, so that region maps can be checked.
 */
import { bin, boolean, extract, f32, fma, i32, lane, pick, refer, subgroupLane, u32, un, vec4 } from '../../compiler/kernel/build.ts';
import type { KernelExpr, KernelProgram, KernelStmt, KernelType, StorageDecl, StorageElement } from '../../compiler/kernel/ir.ts';
import { originOf, spanOf, type Origin } from '../../dsl/span.ts';

/** The origin of character `at` of a source that the tests pretend to compile. */
export function originAt(at: number): Origin {
  return originOf(spanOf('test.fil', at, at + 1));
}

const origin = originAt(0);

export const groupX: KernelExpr = { kind: 'builtin', type: 'i32', name: 'group_x' };

export function buffer(name: string, element: StorageElement, access: 'read' | 'write' = 'read'): StorageDecl {
  return { name, buffer: name, element, access };
}

export function letStmt(name: string, value: KernelExpr, at: Origin = origin): KernelStmt {
  return { kind: 'let', name, type: value.type, value, origin: at };
}

export function varStmt(name: string, value: KernelExpr, at: Origin = origin): KernelStmt {
  return { kind: 'var', name, type: value.type, value, origin: at };
}

export function assign(name: string, value: KernelExpr, at: Origin = origin): KernelStmt {
  return { kind: 'assign', name, value, origin: at };
}

export function store(storage: string, index: KernelExpr, value: KernelExpr, at: Origin = origin): KernelStmt {
  return { kind: 'store', storage, index, value, origin: at };
}

export function load(storage: string, type: KernelType, index: KernelExpr): KernelExpr {
  return { kind: 'load', type, storage, index };
}

export function when(cond: KernelExpr, then: readonly KernelStmt[], otherwise: readonly KernelStmt[] = [], uniform = false): KernelStmt {
  return { kind: 'if', cond, uniform, then, otherwise, origin };
}

export function loop(index: string, from: KernelExpr, to: KernelExpr, body: readonly KernelStmt[], step = 1): KernelStmt {
  return { kind: 'for', index, from, to, step, uniform: true, body, origin };
}

export const barrier: KernelStmt = { kind: 'barrier', origin };

export function program(parts: Pick<KernelProgram, 'name' | 'storage' | 'body'> & Partial<KernelProgram>): KernelProgram {
  return { summary: '', workgroupSize: 64, uniforms: [], shared: [], origin, ...parts };
}

/** out = a + b over n elements. */
export const vectorAdd: KernelProgram = program({
  name: 'vector_add',
  summary: 'out[i] = a[i] + b[i]',
  storage: [buffer('a', 'f32'), buffer('b', 'f32'), buffer('out', 'f32', 'write')],
  uniforms: [{ name: 'n', type: 'i32' }],
  body: [
    letStmt('i', bin('add', bin('mul', groupX, i32(64)), lane), originAt(10)),
    when(bin('lt', refer('i', 'i32'), refer('n', 'i32')), [
      store('out', refer('i', 'i32'), bin('add', load('a', 'f32', refer('i', 'i32')), load('b', 'f32', refer('i', 'i32'))), originAt(20)),
    ]),
  ],
});

/** Each workgroup of 64 sums 64 elements in workgroup memory. */
export const sharedSum: KernelProgram = program({
  name: 'shared_sum',
  summary: 'sums[g] = sum of 64 elements of x, by halving in workgroup memory',
  storage: [buffer('x', 'f32'), buffer('sums', 'f32', 'write')],
  shared: [{ name: 'partial', element: 'f32', length: 64 }],
  body: [
    { kind: 'store_shared', shared: 'partial', index: lane, value: load('x', 'f32', bin('add', bin('mul', groupX, i32(64)), lane)), origin },
    barrier,
    varStmt('width', i32(32)),
    {
      kind: 'while',
      cond: bin('gt', refer('width', 'i32'), i32(0)),
      uniform: true,
      body: [
        when(bin('lt', lane, refer('width', 'i32')), [
          {
            kind: 'store_shared',
            shared: 'partial',
            index: lane,
            value: bin(
              'add',
              { kind: 'load_shared', type: 'f32', shared: 'partial', index: lane },
              { kind: 'load_shared', type: 'f32', shared: 'partial', index: bin('add', lane, refer('width', 'i32')) },
            ),
            origin,
          },
        ]),
        barrier,
        assign('width', bin('div', refer('width', 'i32'), i32(2))),
      ],
      origin,
    },
    when(bin('eq', lane, i32(0)), [store('sums', groupX, { kind: 'load_shared', type: 'f32', shared: 'partial', index: i32(0) })]),
  ],
});

/** Subgroup operations that give the same answer for every subgroup size of at least 4. */
export const shuffled: KernelProgram = program({
  name: 'shuffled',
  summary: 'hands lane 2 round, and reduces over the subgroup',
  workgroupSize: 16,
  subgroup: 4,
  storage: [buffer('x', 'vec4f'), buffer('from_two', 'vec4f', 'write'), buffer('reduced', 'f32', 'write')],
  body: [
    letStmt('mine', load('x', 'vec4f', lane)),
    letStmt('other', { kind: 'shuffle', type: 'vec4f', value: refer('mine', 'vec4f'), from: i32(2) }),
    store('from_two', lane, bin('sub', refer('other', 'vec4f'), refer('mine', 'vec4f'))),
    letStmt('total', { kind: 'subgroup', type: 'f32', op: 'sum', value: extract(refer('mine', 'vec4f'), 3) }),
    letStmt('most', { kind: 'subgroup', type: 'i32', op: 'max', value: subgroupLane }),
    store('reduced', lane, bin('div', refer('total', 'f32'), un('to_f32', bin('add', refer('most', 'i32'), i32(1))))),
  ],
});

/** Packed halves in, scaled, packed halves out; no f16 feature. */
export const halves: KernelProgram = program({
  name: 'halves',
  summary: 'packed halves times a factor',
  storage: [buffer('four', 'vec2u'), buffer('pairs', 'u32'), buffer('scaled', 'vec2u', 'write'), buffer('swapped', 'u32', 'write')],
  uniforms: [{ name: 'factor', type: 'f32' }],
  body: [
    letStmt('values', un('unpack_half4', load('four', 'vec2u', lane))),
    store('scaled', lane, un('pack_half4', bin('mul', refer('values', 'vec4f'), refer('factor', 'f32')))),
    letStmt('pair', load('pairs', 'u32', lane)),
    store('swapped', lane, bin('pack_half2', un('unpack_half_high', refer('pair', 'u32')), un('unpack_half_low', refer('pair', 'u32')))),
  ],
});

/** The same with f16 storage. */
export const halfStorage: KernelProgram = program({
  name: 'half_storage',
  storage: [buffer('x', 'f16'), buffer('w', 'vec4h'), buffer('y', 'f16', 'write'), buffer('z', 'vec4h', 'write')],
  body: [
    store('y', lane, bin('add', load('x', 'f32', lane), f32(1))),
    store('z', lane, fma(f32(2), load('w', 'vec4f', lane), un('splat', load('x', 'f32', lane)))),
  ],
});

/** Packed bfloat16 in, scaled, packed bfloat16 out. */
export const bfloats: KernelProgram = program({
  name: 'bfloats',
  summary: 'packed bfloat16 times a factor',
  storage: [buffer('four', 'vec2u'), buffer('pairs', 'u32'), buffer('scaled', 'vec2u', 'write'), buffer('swapped', 'u32', 'write')],
  uniforms: [{ name: 'factor', type: 'f32' }],
  body: [
    letStmt('values', un('unpack_bfloat4', load('four', 'vec2u', lane))),
    store('scaled', lane, un('pack_bfloat4', bin('mul', refer('values', 'vec4f'), refer('factor', 'f32')))),
    letStmt('pair', load('pairs', 'u32', lane)),
    store('swapped', lane, bin('pack_bfloat2', un('unpack_bfloat_high', refer('pair', 'u32')), un('unpack_bfloat_low', refer('pair', 'u32')))),
  ],
});

/** A variable declared inside a loop: the case that Tint's SPIR-V writer gets wrong without an initialiser. */
export const freshInLoop: KernelProgram = program({
  name: 'fresh_in_loop',
  workgroupSize: 1,
  storage: [buffer('out', 'f32', 'write')],
  body: [
    loop('i', i32(0), i32(8), [
      varStmt('a', un('splat', f32(0))),
      { kind: 'array', name: 'b', type: 'f32', length: 2, value: f32(0), origin },
      assign('a', bin('add', refer('a', 'vec4f'), vec4([f32(1), f32(0), f32(0), f32(0)]))),
      { kind: 'assign_array', array: 'b', index: i32(1), value: bin('add', { kind: 'load_array', type: 'f32', array: 'b', index: i32(1) }, f32(1)), origin },
      store('out', refer('i', 'i32'), bin('add', extract(refer('a', 'vec4f'), 0), { kind: 'load_array', type: 'f32', array: 'b', index: i32(1) })),
    ]),
  ],
});

/** Expressions whose parentheses and constant parts are easy to get wrong. */
export const awkward: KernelProgram = program({
  name: 'loop',
  workgroupSize: 1,
  storage: [buffer('array', 'i32'), buffer('out', 'f32', 'write')],
  uniforms: [{ name: 'if', type: 'i32' }, { name: 'k.length', type: 'f32' }],
  body: [
    letStmt('max', load('array', 'i32', i32(0))),
    letStmt('a.b', bin('sub', refer('max', 'i32'), bin('sub', refer('if', 'i32'), i32(-2147483648)))),
    letStmt('a_b', bin('shl', bin('bit_xor', refer('a.b', 'i32'), bin('bit_and', refer('max', 'i32'), i32(-7))), bin('bit_and', refer('if', 'i32'), i32(31)))),
    letStmt('c', bin('and', bin('or', bin('lt', refer('a_b', 'i32'), i32(3)), bin('gt', refer('max', 'i32'), i32(4))), un('not', bin('eq', refer('a.b', 'i32'), refer('max', 'i32'))))),
    letStmt('d', pick(bin('ge', refer('k.length', 'f32'), f32(0.1)), bin('lt', refer('max', 'i32'), i32(1)), bin('gt', refer('a_b', 'i32'), i32(1)))),
    letStmt('e', un('neg', un('neg', un('tanh', bin('div', refer('k.length', 'f32'), f32(-3.0e38)))))),
    letStmt('f', bin('add', un('bit_length', refer('max', 'i32')), bin('mul', un('bit_length', refer('a_b', 'i32')), i32(2)))),
    when(refer('c', 'bool'), [
      store('out', i32(0), { kind: 'binary', type: 'f32', op: 'mul', left: f32(3.0e38), right: f32(10) }),
    ], [when(refer('d', 'bool'), [store('out', i32(1), refer('e', 'f32'))], [store('out', i32(2), un('to_f32', refer('f', 'i32')))])]),
    { kind: 'comment', text: 'two\nlines', origin },
  ],
});

export const allKernels: readonly KernelProgram[] = [vectorAdd, sharedSum, shuffled, halves, bfloats, halfStorage, freshInLoop, awkward];

export { boolean, u32 };
