import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noSpan } from '../../../dsl/span.ts';
import { add, div, eq, float, ge, gt, int, mul, ref, select, sub, trueExpr } from '../../../compiler/expr/build.ts';
import type { HostPlan } from '../../../compiler/launch/plan.ts';
import { resolveLaunch, uniformWords } from '../../../compiler/launch/resolve.ts';
import type { LaunchLimits, ResolvedLaunch } from '../../../compiler/launch/resolve.ts';
import type { Sizes } from '../../../compiler/spec/ir.ts';

const i = (name: string): ReturnType<typeof ref> => ref(name, 'int');
const perQuery = [i('batch'), i('heads'), i('n_q'), int(16)];
const perKey = [i('batch'), i('kv_heads'), i('n_k'), int(16)];

const plan: HostPlan = {
  format: 'filigree-plan-1', name: 'demo', doc: [], dim: 16, dtype: 'f32',
  scalars: [
    { name: 'window', type: 'int', defaultValue: 8, doc: [], span: noSpan },
    { name: 'tau', type: 'float', doc: [], span: noSpan },
  ],
  tensors: [{ name: 'cols', element: 'int', axes: [{ kind: 'heads' }, { kind: 'free', name: 'n' }, { kind: 'blocks', of: 'keys', size: i('window') }], doc: [], span: noSpan }],
  requires: [{ condition: ge(i('window'), int(1)), message: 'window must be at least 1', span: noSpan }],
  variables: [
    { name: 'tiles', type: 'int', value: div(add(i('n_q'), int(3)), int(4)) },
    { name: 'double', type: 'int', value: mul(i('tiles'), int(2)) },
  ],
  buffers: [
    { name: 'q', role: 'input', element: 'f32', extents: perQuery, chunked: 'query-heads' },
    { name: 'k', role: 'input', element: 'f16', extents: perKey, chunked: 'kv-heads' },
    { name: 'p_cols', role: 'input', element: 'int', extents: [i('heads'), i('cols.n'), div(add(i('n_k'), sub(i('window'), int(1))), i('window'))], chunked: 'whole' },
    { name: 'out', role: 'output', element: 'f32', extents: perQuery, chunked: 'query-heads' },
  ],
  kernels: [
    {
      name: 'attend', summary: '', workgroupSize: 4, sharedBytes: 0,
      storage: ['q', 'k', 'out'].map((name) => ({ name, buffer: name, element: 'f32', access: name === 'out' ? 'write' : 'read' })),
      uniforms: [{ name: 'window', type: 'i32' }, { name: 'tau', type: 'f32' }, { name: 'first', type: 'i32' }, { name: 'kv', type: 'i32' }, { name: 'kvs', type: 'i32' }],
    },
    { name: 'count', summary: '', workgroupSize: 4, sharedBytes: 0, storage: [{ name: 'p_cols', buffer: 'p_cols', element: 'i32', access: 'read' }], uniforms: [] },
  ],
  steps: [
    { kernel: 'count', buffers: ['p_cols'], uniforms: [], workgroups: [i('cols.n'), int(1), int(1)], when: gt(i('window'), int(4)), chunkable: false },
    {
      kernel: 'attend', buffers: ['q', 'k', 'out'], uniforms: [i('window'), ref('tau', 'float'), i('head_first'), i('kv_first'), i('kv_count')],
      workgroups: [i('tiles'), int(1), i('head_count')], when: trueExpr, chunkable: true,
    },
  ],
};

const sizes: Sizes = { batch: 1, heads: 8, kvHeads: 2, nQ: 10, nK: 20, dim: 16 };
const scalars = new Map([['tau', 0.5]]);
const extents = new Map([['cols', [8, 5, 3]]]);

function resolved(given: { readonly sizes?: Sizes; readonly scalars?: ReadonlyMap<string, number>; readonly limits?: LaunchLimits; readonly plan?: HostPlan; readonly extents?: ReadonlyMap<string, readonly number[]> } = {}): ResolvedLaunch {
  const result = resolveLaunch(given.plan ?? plan, given.sizes ?? sizes, given.scalars ?? scalars, given.extents ?? extents, given.limits);
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('; '));
  return result.value;
}

function refused(given: { readonly sizes?: Sizes; readonly scalars?: ReadonlyMap<string, number>; readonly extents?: ReadonlyMap<string, readonly number[]>; readonly limits?: LaunchLimits; readonly plan?: HostPlan }): readonly (readonly [string, string, string])[] {
  const result = resolveLaunch(given.plan ?? plan, given.sizes ?? sizes, given.scalars ?? scalars, given.extents ?? extents, given.limits);
  return result.ok ? [] : result.diagnostics.map((d) => [d.code, d.kind, d.message]);
}

describe('a host plan is resolved to numbers', () => {
  it('with variables, defaults, extents, padded bytes and dispatches in order', () => {
    const launch = resolved();
    expect(launch.values.get('double')).toBe(6);
    expect(launch.values.get('window')).toBe(8);
    expect(launch.values.get('cols.n')).toBe(5);
    expect(launch.buffers.map((b) => [b.name, b.elements, b.bytes])).toEqual([['q', 1280, 5120], ['k', 640, 1280], ['p_cols', 120, 480], ['out', 1280, 5120]]);
    expect(launch.pieces).toEqual([
      { kernel: 'count', step: 0, heads: { first: 0, count: 8, kvFirst: 0, kvCount: 2 }, uniforms: [], workgroups: [5, 1, 1], bindings: [{ buffer: 'p_cols', offset: 0, bytes: 480, elements: 120 }] },
      {
        kernel: 'attend', step: 1, heads: { first: 0, count: 8, kvFirst: 0, kvCount: 2 }, uniforms: [8, 0.5, 0, 0, 2], workgroups: [3, 1, 8],
        bindings: [{ buffer: 'q', offset: 0, bytes: 5120, elements: 1280 }, { buffer: 'k', offset: 0, bytes: 1280, elements: 640 }, { buffer: 'out', offset: 0, bytes: 5120, elements: 1280 }],
      },
    ]);
  });

  it('leaving out steps whose condition fails and dispatches without workgroups', () => {
    const narrow = resolved({ scalars: new Map([...scalars, ['window', 4]]), extents: new Map([['cols', [8, 5, 5]]]) });
    expect(narrow.pieces.map((p) => p.kernel)).toEqual(['attend']);
    const none = resolved({ extents: new Map([['cols', [8, 0, 3]]]) });
    expect(none.pieces.map((p) => p.kernel)).toEqual(['attend']);
    expect(none.buffers.find((b) => b.name === 'p_cols')).toMatchObject({ elements: 0, bytes: 16 });
  });

  it('and its uniforms to words, floats by their bits', () => {
    const kernel = plan.kernels[0];
    if (kernel === undefined) throw new Error('no kernel');
    expect([...uniformWords(kernel, [-1, 0.5, 3, 4, 5])]).toEqual([-1, 0x3f000000, 3, 4, 5, 0, 0, 0]);
  });
});

describe('a launch that does not fit is refused with reasons', () => {
  it('sizes out of range, heads that do not divide, a wrong head dimension', () => {
    expect(refused({ sizes: { ...sizes, nQ: 0 } }).map((d) => d[0])).toEqual(['FIL0501']);
    expect(refused({ sizes: { ...sizes, nK: 2 ** 24 + 1 } }).map((d) => d[0])).toEqual(['FIL0501']);
    expect(refused({ sizes: { ...sizes, dim: 32 } }).map((d) => d[0])).toEqual(['FIL0501']);
    expect(refused({ sizes: { ...sizes, kvHeads: 3 } }).map((d) => d[0])).toEqual(['FIL0502']);
    expect(refused({ sizes: { ...sizes, batch: 65536, heads: 65536, kvHeads: 1 } }).map((d) => d[0])).toEqual(['FIL0501']);
  });

  it('missing, unfit and unknown scalars, all in one answer', () => {
    expect(refused({ scalars: new Map([['window', 1.5], ['windw', 3]]) }).map((d) => d[0])).toEqual(['FIL0504', 'FIL0503', 'FIL0505']);
    expect(refused({ scalars: new Map([['tau', Number.NaN]]) }).map((d) => d[0])).toEqual(['FIL0504']);
    expect(refused({ scalars: new Map([['tau', 1], ['window', 2 ** 30 + 1]]) }).map((d) => d[0])).toEqual(['FIL0504']);
  });

  it('missing tensors, wrong ranks and wrong extents', () => {
    expect(refused({ extents: new Map() }).map((d) => d[0])).toEqual(['FIL0506']);
    expect(refused({ extents: new Map([['cols', [8, 5]]]) }).map((d) => d[0])).toEqual(['FIL0507']);
    expect(refused({ extents: new Map([['cols', [4, 5, 4]]]) }).map((d) => d[0])).toEqual(['FIL0508', 'FIL0508']);
    expect(refused({ extents: new Map([['cols', [8, -1, 3]]]) }).map((d) => d[0])).toEqual(['FIL0504']);
  });

  it('a requirement that fails, even where a block size makes no sense', () => {
    expect(refused({ scalars: new Map([...scalars, ['window', 0]]) })).toEqual([['FIL0511', 'user', 'window must be at least 1']]);
  });

  it('a buffer that is bound as a whole and too large, with its extents and bytes', () => {
    expect(refused({ limits: { maxBindingBytes: 256 }, scalars, extents: new Map([['cols', [8, 5, 3]]]) })).toContainEqual(
      ['FIL0603', 'resource', 'buffer `p_cols [8, 5, 3] of int` has 480 B (480 B), the device binds at most 256 B (256 B)'],
    );
  });

  it('one head that is too large', () => {
    const found = refused({ limits: { maxBindingBytes: 512 } }).map((d) => d[2]);
    expect(found).toEqual(['buffer `q [1, 8, 10, 16] of f32, 1 of its heads` has 640 B (640 B), the device binds at most 512 B (512 B)']);
  });

  it('more elements in one binding than 32-bit indices reach', () => {
    const huge: Sizes = { ...sizes, batch: 64, heads: 64, kvHeads: 64, nQ: 2 ** 24 };
    const whole: HostPlan = { ...plan, steps: plan.steps.map((s) => ({ ...s, chunkable: false })) };
    const found = refused({ sizes: huge, plan: whole, extents: new Map([['cols', [64, 5, 3]]]) });
    expect(found.map((d) => [d[0], d[1]])).toEqual([['FIL0608', 'resource']]);
    expect(found[0]?.[2]).toContain('1099511627776 elements');
  });

  it('more workgroups along an axis than the device runs, where nothing can be divided', () => {
    const found = refused({ sizes: { ...sizes, nQ: 4000 }, limits: { maxWorkgroupsPerAxis: 999 } });
    expect(found.map((d) => d[0])).toEqual(['FIL0608']);
    expect(found[0]?.[2]).toContain('[1000, 1, 1] workgroups');
  });
});

describe('a dispatch is divided over heads where it would be too large', () => {
  const heads = (launch: ResolvedLaunch): readonly (readonly number[])[] =>
    launch.pieces.filter((p) => p.kernel === 'attend').map(({ heads: h }) => [h.first, h.count, h.kvFirst, h.kvCount]);

  it('by whole groups, with the names of the range in scope', () => {
    const launch = resolved({ limits: { maxBindingBytes: 2560 } });
    expect(heads(launch)).toEqual([[0, 4, 0, 1], [4, 4, 1, 1]]);
    expect(launch.pieces[2]).toMatchObject({
      uniforms: [8, 0.5, 4, 1, 1], workgroups: [3, 1, 4],
      bindings: [{ offset: 2560, bytes: 2560, elements: 640 }, { offset: 640, bytes: 640, elements: 320 }, { offset: 2560, bytes: 2560, elements: 640 }],
    });
  });

  it('within a group where one group is too large, never across two groups', () => {
    expect(heads(resolved({ limits: { maxBindingBytes: 2000 } }))).toEqual([[0, 3, 0, 1], [3, 1, 0, 1], [4, 3, 1, 1], [7, 1, 1, 1]]);
  });

  it('by the workgroups of an axis', () => {
    expect(heads(resolved({ limits: { maxWorkgroupsPerAxis: 5 } }))).toEqual([[0, 4, 0, 1], [4, 4, 1, 1]]);
  });

  it('so that bindings start at aligned bytes', () => {
    // q: 640 bytes a head (a multiple of 128), k: 640 bytes a head.
    const launch = resolved({ sizes: { ...sizes, batch: 2 }, limits: { maxBindingBytes: 5120, offsetAlignment: 256 } });
    expect(heads(launch)).toEqual([[0, 8, 0, 2], [8, 8, 2, 2]]);
    expect(refused({ limits: { maxBindingBytes: 2560, offsetAlignment: 256 } }).map((d) => d[0])).toEqual(['FIL0603']);
  });

  it('every head once, in order, inside the limits and aligned, whatever the numbers', () => {
    const shape = fc.record({ batch: fc.integer({ min: 1, max: 3 }), kvHeads: fc.integer({ min: 1, max: 4 }), group: fc.integer({ min: 1, max: 6 }), nQ: fc.integer({ min: 1, max: 40 }), nK: fc.integer({ min: 1, max: 40 }) });
    const limits = fc.record({ maxBindingBytes: fc.integer({ min: 64, max: 20000 }), maxWorkgroupsPerAxis: fc.integer({ min: 1, max: 30 }), offsetAlignment: fc.constantFrom(1, 16, 64, 256) });
    let divided = 0;
    fc.assert(fc.property(shape, limits, (s, allowed) => {
      const given: Sizes = { batch: s.batch, heads: s.kvHeads * s.group, kvHeads: s.kvHeads, nQ: s.nQ, nK: s.nK, dim: 16 };
      const only: HostPlan = { ...plan, steps: plan.steps.slice(1) };
      const result = resolveLaunch(only, given, scalars, new Map([['cols', [given.heads, 0, Math.ceil(s.nK / 8)]]]), allowed);
      if (!result.ok) return;
      const pieces = result.value.pieces;
      if (pieces.length > 1) divided += 1;
      let next = 0;
      for (const p of pieces) {
        expect(p.heads.first).toBe(next);
        next += p.heads.count;
        expect(p.heads.kvFirst).toBe(Math.floor(p.heads.first / s.group));
        expect(p.heads.kvFirst + p.heads.kvCount).toBe(Math.ceil(next / s.group));
        expect(Math.max(...p.workgroups)).toBeLessThanOrEqual(allowed.maxWorkgroupsPerAxis);
        for (const b of p.bindings) {
          expect(b.bytes).toBeLessThanOrEqual(allowed.maxBindingBytes);
          expect(b.offset % allowed.offsetAlignment).toBe(0);
        }
      }
      expect(next).toBe(given.batch * given.heads);
    }), { seed: 1, numRuns: 400 });
    expect(divided).toBeGreaterThan(50);
  });
});

describe('expressions of a plan', () => {
  it('may choose by launch values', () => {
    const chosen: HostPlan = { ...plan, variables: [{ name: 'tiles', type: 'int', value: select(eq(i('heads'), int(8)), int(7), int(9)) }] };
    expect(resolved({ plan: chosen }).values.get('tiles')).toBe(7);
    expect(resolved({ plan: { ...chosen, variables: [...chosen.variables, { name: 'x', type: 'float', value: mul(ref('tau', 'float'), float(2)) }] } }).values.get('x')).toBe(1);
  });
});
