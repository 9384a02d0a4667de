/**
 * A small plan in two kernels, written by hand: `mean` makes the mean of v over the keys for each key-value head, `apply` gives
 * out = q * scale + mean and lse = the query head's number. GQA, several batches, and pieces over heads.
 */
import { describe, expect, it } from 'vitest';
import { noSpan, originOf } from '../../../dsl/span.ts';
import { add, div, element, float, int, mul, read, ref, toFloat, trueExpr, unary } from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { runPlanWithLockstep, runPlanWithTiles } from '../../../compiler/interpreters/launch.ts';
import type { Artefact, LaunchInput, LaunchOutput, LaunchRunOptions } from '../../../compiler/interpreters/launch.ts';
import { bin, f32, i32, lane, refer, un } from '../../../compiler/kernel/build.ts';
import type { KernelExpr, KernelProgram, KernelStmt } from '../../../compiler/kernel/ir.ts';
import type { HostBuffer, HostKernel, HostPlan } from '../../../compiler/launch/plan.ts';
import { verifyKernel } from '../../../compiler/kernel/verify.ts';
import { verifyHostPlan } from '../../../compiler/launch/verify.ts';
import type { Sizes } from '../../../compiler/spec/ir.ts';
import { builderAt } from '../../../compiler/tile/build.ts';
import type { BufferDecl, TileProgram } from '../../../compiler/tile/ir.ts';
import { verifyTile } from '../../../compiler/tile/verify.ts';
import type { Checked } from '../../../dsl/diagnostic.ts';

const origin = originOf(noSpan);
const t = builderAt(origin);
const i = (name: string): Expr => ref(name, 'int');
const dim = 4;
const one = { rows: 1, cols: 1 };

function bufferPart(b: HostBuffer): Omit<BufferDecl, 'access'> {
  const rest = b.extents.slice(2);
  return { name: b.name, element: b.element, extents: b.chunked === 'query-heads' ? [i('head_count'), ...rest] : b.chunked === 'kv-heads' ? [i('kv_count'), ...rest] : b.extents };
}

function makePlan(dtype: 'f32' | 'f16', kernels: readonly HostKernel[]): HostPlan {
  const perQuery = [i('batch'), i('heads'), i('n_q')];
  const perKey = [i('batch'), i('kv_heads'), i('n_k'), int(dim)];
  return {
    format: 'filigree-plan-1', name: 'demo', doc: [], dim, dtype,
    scalars: [{ name: 'scale', type: 'float', doc: [], span: noSpan }],
    tensors: [{ name: 'shift', element: 'bool', axes: [{ kind: 'free', name: 'n' }], doc: [], span: noSpan }],
    requires: [], variables: [],
    buffers: [
      { name: 'q', role: 'input', element: dtype, extents: [...perQuery, int(dim)], chunked: 'query-heads' },
      { name: 'k', role: 'input', element: dtype, extents: perKey, chunked: 'kv-heads' },
      { name: 'v', role: 'input', element: dtype, extents: perKey, chunked: 'kv-heads' },
      { name: 'p_shift', role: 'input', element: 'bool', extents: [i('shift.n')], chunked: 'whole' },
      { name: 'out', role: 'output', element: dtype, extents: [...perQuery, int(dim)], chunked: 'query-heads' },
      { name: 'lse', role: 'output', element: 'f32', extents: perQuery, chunked: 'query-heads' },
      { name: 'means', role: 'workspace', element: 'f32', extents: [mul(i('batch'), i('kv_heads')), int(dim)], chunked: 'whole' },
    ],
    kernels,
    steps: [
      { kernel: 'mean', buffers: ['v', 'means'], uniforms: [i('n_k'), i('kv_first')], workgroups: [i('kv_count'), int(1), int(1)], when: trueExpr, chunkable: true },
      {
        kernel: 'apply', buffers: ['q', 'means', 'p_shift', 'out', 'lse'], uniforms: [i('n_q'), i('head_first'), div(i('heads'), i('kv_heads')), ref('scale', 'float')],
        workgroups: [i('n_q'), i('head_count'), int(1)], when: trueExpr, chunkable: true,
      },
    ],
  };
}

function tilePrograms(plan: HostPlan): readonly TileProgram[] {
  const decl = (name: string, access: 'read' | 'write'): BufferDecl => {
    const found = plan.buffers.find((b) => b.name === name);
    if (found === undefined) throw new Error(name);
    return { ...bufferPart(found), access };
  };
  const head = add(i('head_first'), i('head'));
  return [
    {
      name: 'mean', summary: 'mean of v', origin,
      grid: [{ name: 'kv', extent: i('kv_count') }],
      scalars: [{ name: 'n_k', type: 'int' }, { name: 'kv_first', type: 'int' }],
      buffers: [decl('v', 'read'), decl('means', 'write')],
      body: [
        t.tile('sum', 'float', { rows: 1, cols: dim }, float(0)),
        t.loop('j', int(0), i('n_k'), [t.load('line', { rows: 1, cols: dim }, 'v', [i('kv'), i('j')], trueExpr), t.map('sum', add(element('sum', 'float'), element('line', 'float')))]),
        t.store('means', { rows: 1, cols: dim }, [add(i('kv_first'), i('kv')), i('col')], mul(element('sum', 'float'), unary('exp', unary('neg', unary('log', toFloat(i('n_k'))))))),
      ],
    },
    {
      name: 'apply', summary: 'out and lse', origin,
      grid: [{ name: 'row_at', extent: i('n_q') }, { name: 'head', extent: i('head_count') }],
      scalars: [{ name: 'n_q', type: 'int' }, { name: 'head_first', type: 'int' }, { name: 'group', type: 'int' }, { name: 'scale', type: 'float' }],
      buffers: [decl('q', 'read'), decl('means', 'read'), decl('p_shift', 'read'), decl('out', 'write'), decl('lse', 'write')],
      body: [
        t.letScalar('kv', div(head, i('group'))),
        t.load('line', { rows: 1, cols: dim }, 'q', [i('head'), i('row_at')], trueExpr),
        t.store('out', { rows: 1, cols: dim }, [i('head'), i('row_at'), i('col')], add(mul(element('line', 'float'), ref('scale', 'float')), read('means', 'float', [i('kv'), i('col')]))),
        t.store('lse', one, [i('head'), i('row_at')], toFloat(head)),
      ],
    },
  ];
}

function kernelPrograms(dtype: 'f32' | 'f16'): readonly KernelProgram[] {
  const groupX: KernelExpr = { kind: 'builtin', type: 'i32', name: 'group_x' };
  const groupY: KernelExpr = { kind: 'builtin', type: 'i32', name: 'group_y' };
  const load = (storage: string, index: KernelExpr): KernelExpr => ({ kind: 'load', type: 'f32', storage, index });
  const store = (storage: string, index: KernelExpr, value: KernelExpr): KernelStmt => ({ kind: 'store', storage, index, value, origin });
  const let_ = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'let', name, type: value.type, value, origin });
  const head = refer('head', 'i32');
  const row = bin('mul', bin('add', bin('mul', groupY, refer('n_q', 'i32')), groupX), i32(dim));
  return [
    {
      name: 'mean', summary: 'mean of v', origin, workgroupSize: dim, shared: [],
      uniforms: [{ name: 'n_k', type: 'i32' }, { name: 'kv_first', type: 'i32' }],
      storage: [{ name: 'v', buffer: 'v', element: dtype, access: 'read' }, { name: 'means', buffer: 'means', element: 'f32', access: 'write' }],
      body: [
        { kind: 'var', name: 'sum', type: 'f32', value: f32(0), origin },
        {
          kind: 'for', index: 'j', from: i32(0), to: refer('n_k', 'i32'), step: 1, uniform: true, origin,
          body: [{ kind: 'assign', name: 'sum', value: bin('add', refer('sum', 'f32'), load('v', bin('add', bin('mul', bin('add', bin('mul', groupX, refer('n_k', 'i32')), refer('j', 'i32')), i32(dim)), lane))), origin }],
        },
        store('means', bin('add', bin('mul', bin('add', refer('kv_first', 'i32'), groupX), i32(dim)), lane), bin('div', refer('sum', 'f32'), un('to_f32', refer('n_k', 'i32')))),
      ],
    },
    {
      name: 'apply', summary: 'out and lse', origin, workgroupSize: dim, shared: [],
      uniforms: [{ name: 'n_q', type: 'i32' }, { name: 'head_first', type: 'i32' }, { name: 'group', type: 'i32' }, { name: 'scale', type: 'f32' }],
      storage: [
        { name: 'q', buffer: 'q', element: dtype, access: 'read' }, { name: 'means', buffer: 'means', element: 'f32', access: 'read' },
        { name: 'p_shift', buffer: 'p_shift', element: 'i32', access: 'read' },
        { name: 'out', buffer: 'out', element: dtype, access: 'write' }, { name: 'lse', buffer: 'lse', element: 'f32', access: 'write' },
      ],
      body: [
        let_('head', bin('add', refer('head_first', 'i32'), groupY)),
        let_('first', row),
        let_('mean', load('means', bin('add', bin('mul', bin('div', head, refer('group', 'i32')), i32(dim)), lane))),
        store('out', bin('add', refer('first', 'i32'), lane), bin('add', bin('mul', load('q', bin('add', refer('first', 'i32'), lane)), refer('scale', 'f32')), refer('mean', 'f32'))),
        { kind: 'if', cond: bin('eq', lane, i32(0)), uniform: false, then: [store('lse', bin('add', bin('mul', groupY, refer('n_q', 'i32')), groupX), un('to_f32', head))], otherwise: [], origin },
      ],
    },
  ];
}

function artefact(dtype: 'f32' | 'f16' = 'f32'): Artefact {
  const programs = kernelPrograms(dtype);
  const kernels = programs.map((k): HostKernel => ({ name: k.name, summary: k.summary, workgroupSize: k.workgroupSize, sharedBytes: 0, storage: k.storage, uniforms: k.uniforms }));
  const hostPlan = makePlan(dtype, kernels);
  return { hostPlan, tilePrograms: tilePrograms(hostPlan), kernelPrograms: programs };
}

const sizes: Sizes = { batch: 2, heads: 6, kvHeads: 2, nQ: 3, nK: 5, dim };
const perQuery = sizes.batch * sizes.heads * sizes.nQ * dim;
const perKey = sizes.batch * sizes.kvHeads * sizes.nK * dim;
const input: LaunchInput = {
  sizes, scalars: new Map([['scale', 0.5]]), tensors: new Map([['shift', { extents: [3], data: Uint8Array.from([1, 0, 1]) }]]),
  q: Float32Array.from({ length: perQuery }, (_, n) => n % 13), k: new Float32Array(perKey), v: Float32Array.from({ length: perKey }, (_, n) => (n % 7) - 3),
};

function expected(): { readonly out: readonly number[]; readonly lse: readonly number[] } {
  const mean = (kv: number, c: number): number => Array.from({ length: sizes.nK }, (_, j) => input.v[(kv * sizes.nK + j) * dim + c] ?? 0).reduce((a, b) => a + b, 0) / sizes.nK;
  const heads = sizes.batch * sizes.heads;
  return {
    out: Array.from({ length: perQuery }, (_, n) => (input.q[n] ?? 0) * 0.5 + mean(Math.floor(n / (3 * sizes.nQ * dim)), n % dim)),
    lse: Array.from({ length: heads * sizes.nQ }, (_, n) => Math.floor(n / sizes.nQ)),
  };
}

function value(checked: Checked<LaunchOutput>): LaunchOutput {
  if (!checked.ok) throw new Error(checked.diagnostics.map((d) => d.message).join('; '));
  return checked.value;
}

const machines: readonly (readonly [string, (a: Artefact, given: LaunchInput, options?: LaunchRunOptions) => Checked<LaunchOutput>])[] = [
  ['tile programs', runPlanWithTiles],
  ['kernels in lock-step', (a, given, options = {}) => runPlanWithLockstep(a, given, { ...options, subgroupWidth: 4 })],
];

describe('the plan of these tests', () => {
  it('is sound on every level', () => {
    const a = artefact();
    expect([...verifyHostPlan(a.hostPlan), ...a.tilePrograms.flatMap(verifyTile), ...a.kernelPrograms.flatMap(verifyKernel)]).toEqual([]);
  });
});

for (const [name, run] of machines) {
  describe(`whole launches with ${name}`, () => {
    const check = (result: LaunchOutput, digits: number): void => {
      expect(result.problems).toEqual([]);
      const wanted = expected();
      wanted.out.forEach((x, n) => expect(result.out[n]).toBeCloseTo(x, digits));
      expect([...result.lse]).toEqual(wanted.lse);
    };

    it('give the outputs of all kernels in order', () => {
      check(value(run(artefact(), input)), 6);
    });

    it('round to half precision where the plan stores it', () => {
      check(value(run(artefact('f16'), input)), 2);
      expect(value(run(artefact('f16'), { ...input, v: new Float32Array(perKey), q: new Float32Array(perQuery).fill(0.2) })).out[0]).toBe(0.0999755859375);
    });

    it('give the same in pieces over heads, whole groups or parts of them', () => {
      const whole = value(run(artefact(), input));
      for (const maxBindingBytes of [192, 96, 80]) {
        const pieces = value(run(artefact(), input, { limits: { maxBindingBytes } }));
        expect(pieces.resolved.pieces.length).toBeGreaterThan(whole.resolved.pieces.length);
        expect(pieces.problems).toEqual([]);
        expect([...pieces.out]).toEqual([...whole.out]);
        expect([...pieces.lse]).toEqual([...whole.lse]);
      }
    });

    it('report outputs that no kernel has written', () => {
      const a = artefact();
      const result = value(run({ ...a, hostPlan: { ...a.hostPlan, steps: a.hostPlan.steps.slice(0, 1) } }, input));
      expect(result.problems.map((p) => [p.kind, p.count])).toEqual([['unwritten', perQuery], ['unwritten', 36]]);
      expect(result.problems[0]?.message).toBe('nothing has written element 0 of the output out [2, 6, 3, 4]');
    });

    it('report what a kernel reads before it is made', () => {
      const a = artefact();
      const result = value(run({ ...a, hostPlan: { ...a.hostPlan, steps: a.hostPlan.steps.slice(1) } }, input));
      expect(result.problems.map((p) => p.kind)).toEqual(['unwritten']);
    });

    it('refuse a launch that does not fit', () => {
      const result = run(artefact(), { ...input, scalars: new Map() });
      expect(result.ok ? [] : result.diagnostics.map((d) => d.code)).toEqual(['FIL0503']);
    });
  });
}
