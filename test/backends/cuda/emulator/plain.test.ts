/** Kernels as nvcc compiles them, without tensor cores: results against arithmetic done here, and no problems. */
import { expect, test } from 'vitest';
import { f16Bits, f16FromBits, bf16FromBits } from '../../../../compiler/interpreters/number.ts';
import { fixture, input, int, moduleOf, output, run } from './support.ts';

const plain = moduleOf(fixture('plain.ptx'));
const ramp = (n: number, f: (i: number) => number): Float32Array => Float32Array.from({ length: n }, (_, i) => f(i));

test('a vector sum over a ragged last workgroup is exact', () => {
  const [a, b, c] = [ramp(100, (i) => i / 3), ramp(100, (i) => i * i), new Float32Array(100)];
  const { problems } = run(plain, 'vector_add', { grid: [4, 1, 1], params: [input(a), input(b), output(c), int(100)] });
  expect(problems).toEqual([]);
  expect([...c]).toEqual([...a].map((x, i) => Math.fround(x + (b[i] ?? 0))));
});

test('the mathematical functions that nvcc expands are within their bounds', () => {
  const x = ramp(32, (i) => (i - 15.5) * 5.3);
  const y = new Float32Array(320);
  expect(run(plain, 'functions', { params: [input(x), output(y)] }).problems).toEqual([]);
  const truths: readonly ((v: number) => number)[] = [Math.exp, (v) => 2 ** v, (v) => Math.log(Math.abs(v)), Math.tanh];
  truths.forEach((truth, f) => x.forEach((v, i) => {
    const wanted = truth(v);
    expect(Math.abs((y[f * 32 + i] ?? 0) - wanted), `function ${f} of ${v}`).toBeLessThanOrEqual(Math.abs(wanted) * 2 ** -22 + 2 ** -126);
  }));
  x.forEach((v, i) => {
    expect(y[160 + i]).toBe(Math.fround(Math.sqrt(Math.abs(v))));
    expect(y[224 + i]).toBe(Math.fround(1 / v));
    expect(y[256 + i]).toBe(Math.fround(v / 3));
  });
});

test('half and bfloat conversions and pairs round once', () => {
  const x = Uint16Array.from({ length: 32 }, (_, i) => f16Bits((i - 9) * 0.37));
  const [y, z] = [new Uint16Array(32), new Uint16Array(64)];
  expect(run(plain, 'halves', { params: [input(x), output(y), output(z)] }).problems).toEqual([]);
  x.forEach((bits, i) => {
    const v = f16FromBits(bits);
    expect(Math.abs(bf16FromBits(y[i] ?? 0) - 3 * v)).toBeLessThanOrEqual(Math.abs(3 * v) * 2 ** -8);
    expect(z[2 * i]).toBe(f16Bits(0.5 * v + 1));
    expect(z[2 * i + 1]).toBe(f16Bits(2 * v - 1));
  });
});

test('shuffles, shared memory and a barrier sum rows', () => {
  const x = ramp(300, (i) => i % 17);
  const y = new Float32Array(2);
  const { problems } = run(plain, 'row_sum', { grid: [2, 1, 1], block: 128, params: [input(x), output(y), int(150)] });
  expect(problems).toEqual([]);
  expect([...y]).toEqual([0, 1].map((r) => x.subarray(r * 150, r * 150 + 150).reduce((s, v) => s + v, 0)));
});

test.each(['forward', 'reverse', 7] as const)('a tiled product is right in %s order', (order) => {
  const [m, n, k] = [20, 18, 23];
  const [a, b, c] = [ramp(m * k, (i) => (i % 7) - 3), ramp(k * n, (i) => (i % 5) - 2), new Float32Array(m * n)];
  const { problems } = run(plain, 'matmul', { grid: [2, 2, 1], block: 256, order, params: [input(a), input(b), output(c), int(m), int(n), int(k)] });
  expect(problems).toEqual([]);
  for (let i = 0; i < m * n; i += 1) {
    let sum = 0;
    for (let j = 0; j < k; j += 1) sum += (a[Math.floor(i / n) * k + j] ?? 0) * (b[j * n + (i % n)] ?? 0);
    expect(c[i]).toBe(sum);
  }
});

test('votes and atomics collect the exact set', () => {
  const x = Int32Array.from({ length: 200 }, (_, i) => (i * 37) % 101);
  const [out, count] = [new Int32Array(200), new Int32Array(1)];
  const { problems } = run(plain, 'threshold', { grid: [4, 1, 1], block: 64, params: [input(x), output(out), output(count), int(200), int(50)] });
  expect(problems).toEqual([]);
  const wanted = [...x.keys()].filter((i) => (x[i] ?? 0) > 50);
  expect([...out.subarray(0, count[0])].sort((p, q) => p - q)).toEqual(wanted);
});

test('integer division, products, bit tricks and folds agree with two-complement arithmetic', () => {
  const x = Int32Array.from({ length: 32 }, (_, i) => Math.imul(i - 13, 98765431));
  const y = Int32Array.from({ length: 32 }, (_, i) => Math.imul(i + 1, 7919) * (i % 2 === 0 ? 1 : -1));
  const z = new Int32Array(384);
  expect(run(plain, 'integers', { params: [input(x), input(y), output(z)] }).problems).toEqual([]);
  const sum = x.reduce((s, v) => (s + v) | 0, 0);
  for (let i = 0; i < 32; i += 1) {
    const [a, b] = [x[i] ?? 0, y[i] ?? 0];
    const product = BigInt(a) * BigInt(b);
    expect(z[i]).toBe(Math.trunc(a / b) | 0);
    expect(z[32 + i]).toBe(a % b | 0);
    expect(z[64 + i]).toBe(Math.trunc(a / 7) | 0);
    expect(z[96 + i]).toBe(Number(BigInt.asIntN(32, product >> 32n)));
    expect(z[128 + i]).toBe(Number(BigInt.asIntN(32, product >> 13n)));
    expect(z[256 + i]).toBe((a >>> (b & 31)) | 0);
    expect(z[288 + i]).toBe(Math.min(a, b) ^ Math.max(a, b));
    expect(z[320 + i]).toBe(i === 0 ? b : (b << i) | (a >>> (32 - i)));
    expect(z[352 + i]).toBe(sum);
  }
});

test('an access outside a buffer names the buffer, the instruction, the lane and the source line', () => {
  const { problems } = run(plain, 'vector_add', { params: [input(new Float32Array(32)), input(new Float32Array(30)), output(new Float32Array(32)), int(32)] });
  expect(problems.map((p) => [p.kind, p.lane, p.message])).toEqual([['out-of-bounds', 30, '4 bytes at byte 120 of parameter 1, which has 120']]);
  expect(problems[0]?.instruction).toMatch(/^ld\.global\.nc\.f32/);
  expect(problems[0]?.source).toBe(6);
});
