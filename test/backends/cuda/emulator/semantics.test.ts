/** Single instructions against the tables of the PTX subset: bit tricks, rounding modes, special values, conversions, warp collectives. */
import { expect, test } from 'vitest';
import { f32Bits } from '../../../../compiler/interpreters/number.ts';
import { snippet } from './support.ts';

/** Runs one lane-wise body on words; answers lane 0. */
function one(body: string, ...words: readonly number[]): number {
  const { out, run } = snippet(body, words.map((w) => new Int32Array(32).fill(w)));
  expect(run.problems).toEqual([]);
  return out[0] ?? 0;
}
const f = f32Bits;
const hex = (x: number): string => (x >>> 0).toString(16).padStart(8, '0');

test.each([
  ['shl.b32 %r1, %r2, %r3;', [1, 32], 0],
  ['shr.s32 %r1, %r2, %r3;', [-8, 99], -1],
  ['shr.u32 %r1, %r2, %r3;', [-8, 99], 0],
  ['shf.l.wrap.b32 %r1, %r2, %r3, %r4;', [0x80000001, 0x12345678, 36], 0x23456788],
  ['shf.r.wrap.b32 %r1, %r2, %r3, %r4;', [0x80000001, 0x12345678, 4], 0x88000000],
  ['bfi.b32 %r1, %r2, %r3, 28, 8;', [0xab, 0x01234567], 0xb1234567],
  ['bfe.s32 %r1, %r2, 4, 4;', [0xf0], -1],
  ['bfind.u32 %r1, %r2;', [0x1000], 12],
  ['bfind.s32 %r1, %r2;', [-1], -1],
  ['bfind.shiftamt.u32 %r1, %r2;', [0x1000], 19],
  ['prmt.b32 %r1, %r2, %r3, 0xd048;', [0x03020180, 0x07069504], 0xff8004ff],
  ['lop3.b32 %r1, %r2, %r3, %r4, 0x96;', [5, 9, 12], 5 ^ 9 ^ 12],
  ['dp4a.s32.s32 %r1, %r2, %r3, %r4;', [0xff020304, 0x01010101, 10], 18],
  ['mul.hi.s32 %r1, %r2, %r3;', [-3, 0x60000000], -2],
  ['mul.hi.u32 %r1, %r2, %r3;', [-1, -1], -2],
  ['popc.b32 %r1, %r2;', [0xf0f], 8],
  ['mul.wide.s32 %rd1, %r2, %r3; shr.s64 %rd1, %rd1, 33; cvt.u32.u64 %r1, %rd1;', [-1, 5], -1],
  ['cvt.u64.u32 %rd1, %r2; cvt.u64.u32 %rd2, %r3; bfi.b64 %rd3, %rd1, %rd2, 28, 8; cvt.u32.u64 %r1, %rd3;', [0xab, 0x01234567], 0xb1234567],
  ['cvt.s8.s32 %r1, %r2;', [0x80], -128],
  ['mov.b32 {%rs1, %rs2}, %r2; mov.b32 %r1, {%rs2, %rs1};', [0x12345678], 0x56781234],
] as const)('%s', (body, words, wanted) => {
  expect(hex(one(body, ...words))).toBe(hex(wanted));
});

const float = (op: string): string => `mov.b32 %f2, %r2; mov.b32 %f3, %r3; mov.b32 %f4, %r4; ${op} mov.b32 %r1, %f1;`;

test.each([
  ['fma.rn.f32 %f1, %f2, %f3, %f4;', [f(1 + 2 ** -23), f(1 + 2 ** -23), f(-1)], f(Math.fround(2 ** -22 + 2 ** -46))],
  ['fma.rm.f32 %f1, %f2, %f3, %f4;', [f(1), f(0.75), f(12582913)], f(12582913)],
  ['fma.rp.f32 %f1, %f2, %f3, %f4;', [f(1), f(0.25), f(12582913)], f(12582914)],
  ['add.rz.f32 %f1, %f2, %f3;', [f(1), f(-(2 ** -60)), 0], f(1 - 2 ** -24)],
  ['mul.ftz.f32 %f1, %f2, %f3;', [f(-(2 ** -130)), f(1), 0], 0x80000000],
  ['min.f32 %f1, %f2, %f3;', [0x7fc00000, f(3), 0], f(3)],
  ['max.f32 %f1, %f2, %f3;', [f(-0), f(0), 0], 0],
  ['ex2.approx.ftz.f32 %f1, %f2;', [f(-Infinity), 0, 0], 0],
  ['ex2.approx.f32 %f1, %f2;', [f(-0), 0, 0], f(1)],
  ['lg2.approx.f32 %f1, %f2;', [f(-0), 0, 0], f(-Infinity)],
  ['rcp.approx.ftz.f32 %f1, %f2;', [f(-0), 0, 0], f(-Infinity)],
  ['rsqrt.approx.f32 %f1, %f2;', [f(-0), 0, 0], f(-Infinity)],
  ['sqrt.approx.f32 %f1, %f2;', [f(-0), 0, 0], 0x80000000],
  ['copysign.f32 %f1, %f2, %f3;', [f(-1), f(3), 0], f(-3)],
  ['cvt.sat.f32.f32 %f1, %f2;', [0x7fc00000, 0, 0], 0],
  ['cvt.rni.f32.f32 %f1, %f2;', [f(2.5), 0, 0], f(2)],
  ['cvt.rmi.f32.f32 %f1, %f2;', [f(-2.5), 0, 0], f(-3)],
] as const)('%s', (op, words, wanted) => {
  expect(hex(one(float(op), ...words))).toBe(hex(wanted));
});

test.each([
  ['f16.f32', 65519, 0x7bff], ['f16.f32', 65520, 0x7c00], ['f16.f32', NaN, 0x7fff], ['bf16.f32', 3.4e38, 0x7f80], ['bf16.f32', NaN, 0x7fff],
  ['bf16.f32', 1 + 2 ** -8, 0x3f80], ['bf16.f32', 1 + 3 * 2 ** -8, 0x3f82],
] as const)('cvt.rn.%s of %d', (form, value, wanted) => {
  expect(hex(one(`mov.b32 %f2, %r2; cvt.rn.${form} %rs1, %f2; cvt.u32.u16 %r1, %rs1;`, f(value)))).toBe(hex(wanted));
});

test('packs put the first source in the upper half', () => {
  expect(hex(one('mov.b32 %f2, %r2; mov.b32 %f3, %r3; cvt.rn.bf16x2.f32 %r1, %f2, %f3;', f(2), f(1)))).toBe('40003f80');
});

test.each([[NaN, 0], [1e20, 0x7fffffff], [-1e20, 0x80000000], [2.5, 2]] as const)('cvt.rni.s32.f32 of %d saturates', (value, wanted) => {
  expect(hex(one('mov.b32 %f2, %r2; cvt.rni.s32.f32 %r1, %f2;', f(value)))).toBe(hex(wanted));
});

test.each([['lt', 0], ['ltu', 1], ['eq', 0], ['neu', 1], ['ne', 0], ['nan', 1], ['num', 0]] as const)('setp.%s on a NaN', (compare, wanted) => {
  expect(one(`mov.b32 %f2, %r2; mov.b32 %f3, %r3; setp.${compare}.f32 %p1, %f2, %f3; selp.b32 %r1, 1, 0, %p1;`, f(NaN), f(1))).toBe(wanted);
});

const lanes = Int32Array.from({ length: 32 }, (_, i) => i);

test.each([
  ['shfl.sync.bfly.b32 %r1, %r2, 1, 31, -1;', (i: number) => i ^ 1],
  ['shfl.sync.up.b32 %r1, %r2, 3, 0, -1;', (i: number) => (i < 3 ? i : i - 3)],
  ['shfl.sync.down.b32 %r1, %r2, 1, 0x1807, -1;', (i: number) => (i % 8 === 7 ? i : i + 1)],
  ['shfl.sync.idx.b32 %r1, %r2, 2, 0x181f, -1;', (i: number) => (i & 24) + 2],
  ['redux.sync.max.s32 %r1, %r2, -1;', () => 31],
  ['and.b32 %r3, %r2, 1; match.any.sync.b32 %r1, %r3, -1;', (i: number) => (i % 2 === 0 ? 0x55555555 : 0xaaaaaaaa)],
  ['setp.gt.s32 %p1, %r2, 3; vote.sync.ballot.b32 %r1, %p1, -1;', () => 0xfffffff0],
  ['elect.sync %r1|%p1, -1; selp.b32 %r1, 7, 9, %p1;', (i: number) => (i === 0 ? 7 : 9)],
  ['mov.u32 %r1, 0; setp.lt.u32 %p1, %r9, 5; @%p1 bra L; add.s32 %r1, %r1, 10; L: add.s32 %r1, %r1, 1;', (i: number) => (i < 5 ? 1 : 11)],
] as const)('%s', (body, wanted) => {
  const { out, run } = snippet(body, [lanes]);
  expect(run.problems).toEqual([]);
  expect([...out]).toEqual([...lanes].map((i) => wanted(i) >>> 0));
});
