import { describe, expect, it } from 'vitest';
import { bin, extract, f32, fma, i32, lane, pick, refer, un, vec4 } from '../../compiler/kernel/build.ts';
import { bf16Bits, bf16FromBits } from '../../compiler/interpreters/number.ts';
import type { KernelBinary, KernelExpr, KernelStmt, KernelUnary } from '../../compiler/kernel/ir.ts';
import { bfloats, buffer, freshInLoop, halfStorage, halves, letStmt, load, program, sharedSum, shuffled, store, vectorAdd } from '../backends/kernels.ts';
import { runKernel, testDevice } from './run-kernel.ts';

/** Bits of a few halves: 1, -2, 0.5, 65504, the smallest subnormal, -0, 0.333. */
const someHalves = [0x3c00, 0xc000, 0x3800, 0x7bff, 0x0001, 0x8000, 0x3555];

describe('kernels on the device', () => {
  it('adds vectors and leaves what it does not write poisoned', async () => {
    const a = Float32Array.from({ length: 70 }, (_, i) => i);
    const b = Float32Array.from({ length: 70 }, (_, i) => 0.5 * i);
    const { out } = await runKernel(vectorAdd, { buffers: { a, b, out: 72 }, uniforms: [70], workgroups: 2 });
    expect(out?.slice(0, 70)).toEqual([...a].map((x) => 1.5 * x));
    expect(out?.slice(70)).toEqual([NaN, NaN]);
  });

  it('sums in workgroup memory', async () => {
    const x = Float32Array.from({ length: 128 }, (_, i) => i);
    const { sums } = await runKernel(sharedSum, { buffers: { x, sums: 2 }, workgroups: 2 });
    expect(sums).toEqual([(63 * 64) / 2, (63 * 64) / 2 + 64 * 64]);
  });

  it('shuffles and reduces over the subgroup, whatever its size', async () => {
    const x = Float32Array.from({ length: 64 }, (_, i) => i);
    const { from_two, reduced } = await runKernel(shuffled, { buffers: { x, from_two: 64, reduced: 16 } });
    const { target } = await testDevice();
    const size = target.subgroups?.min ?? 4;
    const width = Math.min(size, 16);
    for (let i = 0; i < 16; i += 1) {
      const first = i - (i % width);
      expect(from_two?.slice(4 * i, 4 * i + 4)).toEqual(Array(4).fill(4 * (first + 2 - i)));
      expect(reduced?.[i]).toBe(4 * (first + (width - 1) / 2) + 3);
    }
  });

  it('unpacks, scales and packs halves, exactly where halves are exact', async () => {
    const four = new Int32Array(128);
    const pairs = new Int32Array(64);
    someHalves.forEach((h, i) => {
      four[2 * i] = h | (0x3c00 << 16);
      four[2 * i + 1] = 0x3800 | (h << 16);
      pairs[i] = h | (0x4000 << 16);
    });
    const { scaled, swapped } = await runKernel(halves, { buffers: { four, pairs, scaled: 128, swapped: 64 }, uniforms: [1] });
    expect(scaled).toEqual([...four]);
    someHalves.forEach((h, i) => expect(swapped?.[i]).toBe(0x4000 | ((h << 16) | 0)));
  });

  it('rounds to the nearest half, ties to even', async () => {
    // 1 + 2^-11 is a tie between 1 and 1 + 2^-10; 1 + 3 * 2^-11 between 1 + 2^-10 and 1 + 2^-9.
    const values = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20, 2 ** -25, 3 * 2 ** -25, 65519];
    const kernel = program({
      name: 'round', workgroupSize: values.length, storage: [buffer('x', 'f32'), buffer('y', 'u32', 'write')],
      body: [store('y', lane, bin('pack_half2', load('x', 'f32', lane), f32(0)))],
    });
    const { y } = await runKernel(kernel, { buffers: { x: Float32Array.from(values), y: values.length } });
    expect(y).toEqual([0x3c00, 0x3c02, 0x3c01, 0x0000, 0x0002, 0x7bff]);
  });

  it('unpacks, scales and packs bfloat16, rounding to the nearest, ties to even', async () => {
    const values = [1, -2, 0.5, 3.0e38, 1 + 2 ** -7, 2 ** -100, -0, 258];
    const patterns = values.map(bf16Bits);
    const four = Int32Array.from({ length: 128 }, (_, i) => (patterns[i % 8] ?? 0) | ((patterns[(i + 3) % 8] ?? 0) << 16));
    const pairs = four.slice(0, 64);
    const same = await runKernel(bfloats, { buffers: { four, pairs, scaled: 128, swapped: 64 }, uniforms: [1] });
    expect(same['scaled']).toEqual([...four]);
    expect(same['swapped']).toEqual([...pairs].map((pair) => (pair << 16) | (pair >>> 16)));
    const ordinary = Int32Array.from({ length: 128 }, (_, i) => (bf16Bits(1 + i / 128) | (bf16Bits(-200 + i) << 16)));
    const { scaled } = await runKernel(bfloats, { buffers: { four: ordinary, pairs, scaled: 128, swapped: 64 }, uniforms: [1.01] });
    const once = (bits: number): number => bf16Bits(Math.fround(bf16FromBits(bits) * Math.fround(1.01)));
    expect(scaled).toEqual([...ordinary].map((pair) => once(pair & 0xffff) | (once(pair >>> 16) << 16)));
  });

  it('starts variables of a loop body afresh in each round', async () => {
    const { out } = await runKernel(freshInLoop, { buffers: { out: 8 } });
    expect(out).toEqual(Array(8).fill(2));
  });

  it('reads and writes f16 storage where the device has it', async ({ skip }) => {
    const { target } = await testDevice();
    if (!target.f16) return skip('the device has no shader-f16');
    const x = new Uint16Array(64).fill(0x3c00);
    const w = new Uint16Array(256).fill(0x4200);
    const { y, z } = await runKernel(halfStorage, { buffers: { x, w, y: 64, z: 256 } });
    expect(y).toEqual(Array(64).fill(0x4000));
    expect(z).toEqual(Array(256).fill(0x4700));
  });
});

const ints = [0, 1, -1, 2, -2, 7, -7, 31, 32, 100, -100, 65535, 2147483647, -2147483648];

/** Every operator on every pair of awkward integers, against JavaScript's own 32-bit arithmetic. */
describe('integer operators on the device', () => {
  const pairs = ints.flatMap((a) => ints.map((b) => [a, b] as const));
  const binaryOps: readonly (readonly [KernelBinary, (a: number, b: number) => number])[] = [
    ['add', (a, b) => (a + b) | 0],
    ['sub', (a, b) => (a - b) | 0],
    ['mul', Math.imul],
    ['min', Math.min],
    ['max', Math.max],
    ['bit_and', (a, b) => a & b],
    ['bit_or', (a, b) => a | b],
    ['bit_xor', (a, b) => a ^ b],
    ['eq', (a, b) => Number(a === b)],
    ['ne', (a, b) => Number(a !== b)],
    ['lt', (a, b) => Number(a < b)],
    ['le', (a, b) => Number(a <= b)],
    ['gt', (a, b) => Number(a > b)],
    ['ge', (a, b) => Number(a >= b)],
    ['shl', (a, b) => a << (b & 31)],
    ['shr', (a, b) => a >> (b & 31)],
    ['div', (a, b) => (b === 0 || (b === -1 && a === -2147483648) ? 0 : Math.trunc(a / b) | 0)],
    ['mod', (a, b) => (b === 0 || (b === -1 && a === -2147483648) ? 0 : a % b | 0)],
  ];
  const unaryOps: readonly (readonly [KernelUnary, (a: number) => number])[] = [
    ['neg', (a) => -a | 0],
    ['abs', (a) => Math.abs(a) | 0],
    ['bit_not', (a) => ~a],
    ['bit_length', (a) => 32 - Math.clz32(a)],
    ['popcount', (a) => [...(a >>> 0).toString(2)].filter((c) => c === '1').length],
    ['trailing_zeros', (a) => (a === 0 ? 32 : 31 - Math.clz32(a & -a))],
  ];

  function asInt(e: KernelExpr): KernelExpr {
    return e.type === 'bool' ? pick(e, i32(1), i32(0)) : e;
  }

  it('agree for values known at run time only', async () => {
    const a = load('a', 'i32', lane);
    const b = load('b', 'i32', lane);
    const ops = [...binaryOps.map(([op]) => op), ...unaryOps.map(([op]) => op)];
    const body: KernelStmt[] = [letStmt('x', a), letStmt('y', b)];
    const [x, y] = [refer('x', 'i32'), refer('y', 'i32')];
    const undefinedQuotient = bin('or', bin('eq', y, i32(0)), bin('and', bin('eq', y, i32(-1)), bin('eq', x, i32(-2147483648))));
    const results = [
      ...binaryOps.map(([op]) => {
        if (op === 'shl' || op === 'shr') return bin(op, x, bin('bit_and', y, i32(31)));
        if (op === 'div' || op === 'mod') return pick(undefinedQuotient, i32(0), bin(op, x, pick(undefinedQuotient, i32(1), y)));
        return asInt(bin(op, x, y));
      }),
      ...unaryOps.map(([op]) => un(op, x)),
    ];
    results.forEach((value, i) => body.push(store('out', bin('add', bin('mul', lane, i32(ops.length)), i32(i)), value)));
    const storage = [buffer('a', 'i32'), buffer('b', 'i32'), buffer('out', 'i32', 'write')];
    const kernel = program({ name: 'operators', workgroupSize: pairs.length, storage, body });
    const first = Int32Array.from(pairs, ([p]) => p);
    const second = Int32Array.from(pairs, ([, p]) => p);
    const { out } = await runKernel(kernel, { buffers: { a: first, b: second, out: pairs.length * ops.length } });
    pairs.forEach(([p, q], i) => {
      const wanted = [...binaryOps.map(([, f]) => f(p, q)), ...unaryOps.map(([, f]) => f(p))];
      expect([p, q, ...(out ?? []).slice(i * ops.length, (i + 1) * ops.length)]).toEqual([p, q, ...wanted.map((w) => w + 0)]);
    });
  });

  it('agree for literals, which WGSL would refuse where they overflow', async () => {
    const small = [1, -1, 33, -2147483648];
    const cases = binaryOps.flatMap(([op, f]) => small.flatMap((a) => small.map((b) => ({ op, a, b, wanted: f(a, b) }))));
    const literal = (value: number): KernelExpr => ({ kind: 'literal', type: 'i32', value });
    const usable = cases.filter(({ op, a, b }) => !((op === 'div' || op === 'mod') && (b === 0 || (b === -1 && a === -2147483648))));
    const body = usable.map(({ op, a, b }, i) => {
      const type = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'].includes(op) ? 'bool' : 'i32';
      return store('out', i32(i), asInt({ kind: 'binary', type, op, left: literal(a), right: literal(b) }));
    });
    const kernel = program({ name: 'literals', workgroupSize: 1, storage: [buffer('out', 'i32', 'write')], body });
    const { out } = await runKernel(kernel, { buffers: { out: usable.length } });
    expect(out).toEqual(usable.map((c) => c.wanted + 0));
  });
});

describe('float operators on the device', () => {
  const results: readonly (readonly [string, KernelExpr, number])[] = [
    ['infinity', f32(Infinity), Infinity],
    ['minus infinity', f32(-Infinity), -Infinity],
    ['lowest', f32(-3.0e38), Math.fround(-3.0e38)],
    ['a tenth', f32(0.1), Math.fround(0.1)],
    ['the smallest normal', f32(2 ** -126), 2 ** -126],
    ['the largest', f32(3.4028234663852886e38), 3.4028234663852886e38],
    ['minus zero', un('bitcast_f32', i32(-2147483648)), -0],
    ['tanh far out', un('tanh', load('x', 'f32', i32(0))), 1],
    ['tanh far out below', un('tanh', un('neg', load('x', 'f32', i32(0)))), -1],
    ['conversion of -2.5', un('to_f32', un('to_i32', load('x', 'f32', i32(1)))), -2],
    ['floor of -2.5', un('floor', load('x', 'f32', i32(1))), -3],
    ['fma of vectors', extract(fma(vec4([f32(1), f32(2), f32(3), f32(4)]), f32(2), un('splat', load('x', 'f32', i32(1)))), 3), 5.5],
    ['dot', bin('dot', vec4([f32(1), f32(2), f32(3), f32(4)]), un('splat', load('x', 'f32', i32(1)))), -25],
    ['select', pick(bin('lt', load('x', 'f32', i32(1)), f32(0)), f32(8), f32(9)), 8],
    ['square root', un('sqrt', f32(16)), 4],
  ];
  it.each(results)('%s', async (_name, value, wanted) => {
    const kernel = program({ name: 'value', workgroupSize: 1, storage: [buffer('x', 'f32'), buffer('out', 'f32', 'write')], body: [store('out', i32(0), value)] });
    const { out } = await runKernel(kernel, { buffers: { x: Float32Array.from([500, -2.5]), out: 1 } });
    expect(out?.[0]).toBe(wanted);
  });
});
