import { describe, expect, it } from 'vitest';
import { noSpan } from '../../../dsl/span.ts';
import { add, bool, div, ge, int, ref, trueExpr } from '../../../compiler/expr/build.ts';
import type { HostKernel, HostPlan, HostStep } from '../../../compiler/launch/plan.ts';
import { printHostPlan } from '../../../compiler/launch/print.ts';
import { verifyHostPlan } from '../../../compiler/launch/verify.ts';

const i = (name: string): ReturnType<typeof ref> => ref(name, 'int');
const perQuery = [i('batch'), i('heads'), i('n_q'), int(16)];
const perKey = [i('batch'), i('kv_heads'), i('n_k'), int(16)];

const makeTable: HostKernel = {
  name: 'make_table', summary: 'a table', workgroupSize: 8, sharedBytes: 0, uniforms: [{ name: 'p_window', type: 'i32' }],
  storage: [{ name: 'p_cols', buffer: 'p_cols', element: 'i32', access: 'read' }, { name: 'd_table', buffer: 'd_table', element: 'i32', access: 'write' }],
};
const attend: HostKernel = {
  name: 'attend', summary: 'the attention', workgroupSize: 16, subgroup: 4, sharedBytes: 128,
  uniforms: [{ name: 'head_first', type: 'i32' }, { name: 'p_tau', type: 'f32' }],
  storage: [
    { name: 'd_table', buffer: 'd_table', element: 'i32', access: 'read' }, { name: 'q', buffer: 'q', element: 'vec4f', access: 'read' },
    { name: 'out', buffer: 'out', element: 'f32', access: 'write' }, { name: 'lse', buffer: 'lse', element: 'f32', access: 'write' },
  ],
};
const steps: readonly HostStep[] = [
  { kernel: 'make_table', buffers: ['p_cols', 'd_table'], uniforms: [i('window')], workgroups: [i('cols.n'), int(1), int(1)], when: ge(i('window'), int(2)), chunkable: false },
  { kernel: 'attend', buffers: ['d_table', 'q', 'out', 'lse'], uniforms: [i('head_first'), ref('tau', 'float')], workgroups: [i('tiles'), int(1), i('head_count')], when: trueExpr, chunkable: true },
];

const plan: HostPlan = {
  format: 'filigree-plan-1', name: 'demo', doc: [], dim: 16, dtype: 'f32',
  scalars: [{ name: 'window', type: 'int', defaultValue: 8, doc: [], span: noSpan }, { name: 'tau', type: 'float', doc: [], span: noSpan }],
  tensors: [{ name: 'cols', element: 'int', axes: [{ kind: 'heads' }, { kind: 'free', name: 'n' }], doc: [], span: noSpan }],
  requires: [{ condition: ge(i('window'), int(1)), message: 'window must be at least 1', span: noSpan }],
  variables: [{ name: 'tiles', type: 'int', value: div(add(i('n_q'), int(3)), int(4)) }],
  buffers: [
    { name: 'q', role: 'input', element: 'f32', extents: perQuery, chunked: 'query-heads' },
    { name: 'k', role: 'input', element: 'f32', extents: perKey, chunked: 'kv-heads' },
    { name: 'v', role: 'input', element: 'f32', extents: perKey, chunked: 'kv-heads' },
    { name: 'p_cols', role: 'input', element: 'int', extents: [i('heads'), i('cols.n')], chunked: 'whole' },
    { name: 'out', role: 'output', element: 'f32', extents: perQuery, chunked: 'query-heads' },
    { name: 'lse', role: 'output', element: 'f32', extents: [i('batch'), i('heads'), i('n_q')], chunked: 'query-heads' },
    { name: 'd_table', role: 'workspace', element: 'int', extents: [i('tiles')], chunked: 'whole' },
  ],
  kernels: [makeTable, attend],
  steps,
};

function rules(changes: Partial<HostPlan>): readonly string[] {
  return [...new Set(verifyHostPlan({ ...plan, ...changes }).map((f) => f.rule))];
}

const [first, second] = steps;

describe('host plans are verified', () => {
  it('a sound plan has no findings', () => {
    expect(verifyHostPlan(plan)).toEqual([]);
  });

  it('names are declared once', () => {
    expect(rules({ variables: [...plan.variables, ...plan.variables] })).toEqual(['declared-once']);
    expect(rules({ variables: [...plan.variables, { name: 'head_first', type: 'int', value: int(0) }] })).toEqual(['declared-once']);
    expect(rules({ kernels: [...plan.kernels, makeTable] })).toEqual(['declared-once']);
  });

  it('expressions speak of what is declared before, with its type', () => {
    expect(rules({ variables: [{ name: 'tiles', type: 'int', value: i('later') }] })).toEqual(['expressions']);
    expect(rules({ variables: [{ name: 'tiles', type: 'float', value: int(1) }] })).toContain('expressions');
    expect(rules({ requires: [{ condition: int(1), message: '', span: noSpan }] })).toEqual(['expressions']);
    expect(rules({ variables: [{ name: 'tiles', type: 'int', value: i('head_count') }] })).toEqual(['expressions']);
  });

  it('the interface of an attention is there', () => {
    expect(rules({ buffers: plan.buffers.filter((b) => b.name !== 'k') })).toEqual(['interface']);
    expect(rules({ buffers: plan.buffers.map((b) => (b.name === 'k' ? { ...b, extents: [int(4)] } : b)) })).toEqual(['chunks']);
  });

  it('kernels see buffers as they are, and do not write inputs', () => {
    if (first === undefined || second === undefined) throw new Error('no steps');
    const seen = (storage: HostKernel['storage'][number], bound: string): readonly string[] =>
      rules({ kernels: [{ ...makeTable, storage: [storage, ...makeTable.storage] }, attend], steps: [{ ...first, buffers: [bound, ...first.buffers] }, second] });
    expect(seen({ name: 'x', buffer: 'x', element: 'i32', access: 'read' }, 'p_cols')).toEqual([]);
    expect(seen({ name: 'z', buffer: 'z', element: 'i32', access: 'write' }, 'z')).toEqual(['buffers']);
    expect(seen({ name: 'q', buffer: 'q', element: 'i32', access: 'read' }, 'q')).toEqual(['buffers']);
    expect(seen({ name: 'q', buffer: 'q', element: 'f32', access: 'write' }, 'q')).toEqual(['buffers']);
  });

  it('a step binds each storage of its kernel, and nothing that it writes a second time', () => {
    if (first === undefined || second === undefined) throw new Error('no steps');
    expect(rules({ steps: [{ ...first, buffers: ['d_table'] }, second] })).toContain('buffers');
    expect(rules({ steps: [first, { ...second, buffers: ['d_table', 'out', 'out', 'lse'] }] })).toContain('buffers');
    expect(rules({ steps: [first, { ...second, begins: ['d_table'] }] })).toEqual(['written-before-read']);
    expect(rules({ steps: [{ ...first, begins: ['d_table'] }, { ...second, begins: ['out'] }] })).toEqual(['buffers']);
  });

  it('steps run kernels that exist, with all their uniforms, each of its type', () => {
    if (first === undefined || second === undefined) throw new Error('no steps');
    expect(rules({ steps: [first, { ...second, kernel: 'none' }] })).toContain('kernels');
    expect(rules({ kernels: [...plan.kernels, { ...makeTable, name: 'idle' }] })).toEqual(['kernels']);
    expect(rules({ steps: [{ ...first, uniforms: [] }, second] })).toEqual(['uniforms']);
    expect(rules({ steps: [{ ...first, uniforms: [ref('tau', 'float')] }, second] })).toEqual(['expressions']);
    expect(rules({ steps: [{ ...first, when: int(1) }, second] })).toEqual(['expressions']);
  });

  it('what is read has been written, and every output is', () => {
    if (first === undefined || second === undefined) throw new Error('no steps');
    expect(rules({ steps: [second, first] })).toEqual(['written-before-read']);
    const silent = { ...attend, storage: attend.storage.filter((s) => s.name !== 'lse') };
    expect(rules({ kernels: [makeTable, silent], steps: [first, { ...second, buffers: second.buffers.filter((b) => b !== 'lse') }] })).toEqual(['written-before-read']);
  });
});

describe('host plans are printed', () => {
  it('one idea a line', () => {
    expect(printHostPlan({ ...plan, steps: steps.map((s) => ({ ...s, when: s.kernel === 'attend' ? bool(true) : s.when })) })).toBe(`host plan demo: dim 16, f32
  scalar window: int = 8
  scalar tau: float
  tensor cols: int[heads, n]
  require window >= 1: window must be at least 1
  let tiles: int = (n_q + 3) div 4
  input q: f32 [batch, heads, n_q, 16] in parts over query-heads
  input k: f32 [batch, kv_heads, n_k, 16] in parts over kv-heads
  input v: f32 [batch, kv_heads, n_k, 16] in parts over kv-heads
  input p_cols: int [heads, cols.n]
  output out: f32 [batch, heads, n_q, 16] in parts over query-heads
  output lse: f32 [batch, heads, n_q] in parts over query-heads
  workspace d_table: int [tiles]
  kernel make_table: a table
    8 lanes
    read p_cols: i32[] of p_cols
    write d_table: i32[] of d_table
  kernel attend: the attention
    16 lanes, subgroups of at least 4, 128 bytes of workgroup memory
    read d_table: i32[] of d_table
    read q: vec4f[] of q
    write out: f32[] of out
    write lse: f32[] of lse
  run make_table over [cols.n, 1, 1] when window >= 2
    p_window = window
  run attend over [tiles, 1, head_count], in pieces over heads where needed
    head_first = head_first
    p_tau = tau
`);
  });
});
