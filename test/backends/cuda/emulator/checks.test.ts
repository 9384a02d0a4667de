/** What the emulator reports, each by a kernel of a few instructions; and what it refuses to read. */
import { expect, test } from 'vitest';
import { parsePtx } from '../../../../backends/cuda/emulator/index.ts';
import { snippet } from './support.ts';

const lanes = Int32Array.from({ length: 32 }, (_, i) => i);
const kinds = (body: string, options = {}, inputs: readonly Int32Array[] = [lanes]): readonly string[] => snippet(body, inputs, options).run.problems.map((p) => p.kind);
const sharedAddress = 'mov.u32 %r5, s; shl.b32 %r6, %r9, 2; add.s32 %r7, %r5, %r6;';

test('a value through shared memory is no problem', () => {
  const { out, run } = snippet(`${sharedAddress} st.shared.u32 [%r7], %r2; bar.sync 0; ld.shared.u32 %r1, [%r7];`, [lanes]);
  expect(run.problems).toEqual([]);
  expect([...out]).toEqual([...lanes]);
});

test.each([
  ['uninitialised-shared', `${sharedAddress} ld.shared.u32 %r1, [%r7];`],
  ['undefined-register', 'add.s32 %r1, %r2, %r30;'],
  ['misaligned', 'ld.param.u64 %rd1, [in0]; ld.global.u32 %r1, [%rd1+2];'],
  ['out-of-bounds', 'ld.param.u64 %rd1, [in0]; ld.global.u32 %r1, [%rd1+128];'],
  ['out-of-bounds', 'mov.u32 %r1, 0; st.shared.u32 [%r1], %r1;'],
  ['wrong-space', 'mov.u64 %rd1, s; cvta.shared.u64 %rd1, %rd1; ld.global.u32 %r1, [%rd1];'],
  ['read-only', 'mov.u32 %r1, 0; ld.param.u64 %rd1, [in0]; st.global.u32 [%rd1], %r1;'],
  ['conflicting-store', 'mov.u32 %r1, 0; mov.u32 %r5, s; st.shared.u32 [%r5], %r2;'],
  ['division-by-zero', 'div.s32 %r1, %r2, %r2;'],
  ['in-flight', 'ld.param.u64 %rd1, [in0]; mov.u32 %r5, s; cp.async.ca.shared.global [%r5], [%rd1], 4; ld.shared.u32 %r1, [%r5];'],
  ['barrier', 'mov.u32 %r1, 0; bar.sync 0, 40;'],
  ['trap', 'trap;'],
  ['inactive-lane', 'setp.lt.u32 %p1, %r9, 16; @!%p1 bra L; shfl.sync.bfly.b32 %r1, %r2, 16, 31, 65535; L: mov.u32 %r1, 0;'],
  ['divergence', 'setp.lt.u32 %p1, %r9, 16; mov.u32 %r1, 0; @%p1 shfl.sync.bfly.b32 %r1, %r2, 1, 31, -1;'],
  ['inactive-lane', 'mov.u32 %r1, 0; setp.lt.u32 %p1, %r9, 16; @%p1 ret; shfl.sync.bfly.b32 %r1, %r2, 1, 31, -1;'],
  ['divergence', 'mov.u32 %r1, 0; setp.lt.u32 %p1, %r9, 16; @%p1 bra L; bar.warp.sync -1; bra M; L: bar.warp.sync -1; M:'],
] as const)('%s is reported', (kind, body) => {
  expect(kinds(body)).toContain(kind);
});

test('a value that was never written is a problem where it is used, not where a select or a mask drops it', () => {
  const undefinedOf = (body: string): readonly string[] => kinds(`setp.lt.u32 %p1, %r9, 64; setp.gt.u32 %p2, %r9, 64; ${body}`);
  expect(undefinedOf('add.s32 %r5, %r30, 1; selp.b32 %r1, %r2, %r5, %p1;')).toEqual([]);
  expect(undefinedOf('add.s32 %r5, %r30, 1; selp.b32 %r1, %r5, %r2, %p1;')).toEqual(['undefined-register']);
  expect(undefinedOf('and.pred %p4, %p3, %p2; selp.b32 %r1, %r2, %r9, %p4;')).toEqual([]);
  expect(undefinedOf('and.pred %p4, %p3, %p1; selp.b32 %r1, %r2, %r9, %p4;')).toEqual(['undefined-register']);
  expect(undefinedOf('or.pred %p4, %p1, %p3; selp.b32 %r1, %r2, %r9, %p4;')).toEqual([]);
  expect(undefinedOf('or.pred %p4, %p3, %p2; mov.u32 %r1, 0; @%p4 bra L; L: mov.u32 %r1, 0;')).toEqual(['undefined-register']);
  expect(undefinedOf('mov.u32 %r1, %r2; setp.lt.u32 %p4, %r30, 5; selp.b32 %r5, 1, 0, %p4;')).toEqual([]);
});

test('a warp that reads what another wrote without a barrier is a race', () => {
  const body = `mov.u32 %r5, s; xor.b32 %r6, %r9, 32; shl.b32 %r7, %r9, 2; add.s32 %r7, %r7, %r5; shl.b32 %r6, %r6, 2; add.s32 %r6, %r6, %r5;
    st.shared.u32 [%r7], %r9; BARRIER ld.shared.u32 %r1, [%r6];`;
  expect(kinds(body.replace('BARRIER', 'bar.sync 0;'), { block: 64 }, [])).toEqual([]);
  expect(kinds(body.replace('BARRIER', ''), { block: 64 }, [])).toContain('race');
});

test('what a warp does after it only arrived at a barrier is not ordered by it', () => {
  const body = (order: string): string => `mov.u32 %r1, 0; mov.u32 %r5, s; setp.lt.u32 %p1, %r9, 32; shl.b32 %r7, %r9, 2; and.b32 %r7, %r7, 127; add.s32 %r7, %r7, %r5;
    @%p1 bra L; bar.sync 1, 64; ld.shared.u32 %r1, [%r7]; bra M; L: ${order} M:`;
  expect(kinds(body('st.shared.u32 [%r7], %r9; bar.arrive 1, 64;'), { block: 64 }, [])).toEqual([]);
  expect(kinds(body('bar.arrive 1, 64; st.shared.u32 [%r7], %r9;'), { block: 64 }, [])).toContain('race');
});

test('a barrier that one warp never reaches is a deadlock', () => {
  expect(kinds('mov.u32 %r1, 0; setp.lt.u32 %p1, %r9, 32; @%p1 bra L; bar.sync 0; L:', { block: 64 }, [])).toContain('deadlock');
});

test('a loop without end meets the step limit', () => {
  expect(kinds('L: bra L;', { stepLimit: 1000 }, [])).toEqual(['step-limit']);
});

test('a buffer that is read as constant and written is a problem', () => {
  expect(kinds('ld.param.u64 %rd1, [out]; ld.global.nc.u32 %r1, [%rd1];', {}, [])).toContain('constant-read-of-written');
});

test('a background copy fills with zeros what it does not read', () => {
  const { out, run } = snippet(
    'mov.u32 %r5, s; ld.param.u64 %rd1, [in0]; mov.u32 %r6, 8; setp.eq.u32 %p1, %r9, 0; @%p1 cp.async.cg.shared.global [%r5], [%rd1], 16, %r6; cp.async.commit_group; cp.async.wait_group 0; bar.sync 0; and.b32 %r7, %r9, 3; shl.b32 %r7, %r7, 2; add.s32 %r7, %r7, %r5; ld.shared.u32 %r1, [%r7];',
    [Int32Array.of(5, 6, 7, 8, ...new Int32Array(28))],
  );
  expect(run.problems).toEqual([]);
  expect([...out.subarray(0, 4)]).toEqual([5, 6, 0, 0]);
});

test.each(['wgmma.fence.sync.aligned', 'mbarrier.init.shared.b64', 'cp.async.bulk.commit_group', 'add.rn.f32x2', 'foo.b32', 'ld.global.weird.u32'])('%s is refused by name', (name) => {
  const parsed = parsePtx(`.version 9.0\n.target sm_90a\n.visible .entry k() { .reg .b32 %r<3>; .reg .b64 %rd<3>; ${name} %r1, [%rd1]; ret; }`);
  expect(parsed.ok).toBe(false);
  expect(parsed.diagnostics.map((d) => d.code)).toEqual(['FIL0903']);
  expect(parsed.diagnostics[0]?.message).toContain(`unknown instruction '${name}'`);
});
