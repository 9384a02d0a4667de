import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatLiteral, needsBits } from '../../../backends/wgsl/dialect.ts';
import { legaliseForWgsl } from '../../../backends/wgsl/legalise.ts';
import { printWgsl } from '../../../backends/wgsl/module.ts';
import { nameProgram } from '../../../backends/wgsl/names.ts';
import { validatePrinted } from '../../../backends/wgsl/validate.ts';
import { mapProgram, walkExpressions } from '../../../compiler/kernel/walk.ts';
import { i32, un } from '../../../compiler/kernel/build.ts';
import type { KernelExpr } from '../../../compiler/kernel/ir.ts';
import { allKernels, buffer, letStmt, load, program, store } from '../kernels.ts';

const seed = { seed: 20260101, numRuns: 2000 };

describe('float literals', () => {
  it('read back to the same f32', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
        fc.pre(!needsBits(x));
        const { text } = floatLiteral(x);
        expect(text).toMatch(/^-?\d+\.\d+(e-?\d+)?f$/);
        expect(Math.fround(Number(text.slice(0, -1)))).toBe(x);
      }),
      seed,
    );
  });
  it('are as short as they can be', () => {
    const printed = [0, 1, -1, 0.5, 0.1, 1e-7, -3.0e38, 3.4028234663852886e38, 1 / 3, 16777216, 1e10, 2 ** -149].map((x) => floatLiteral(x).text);
    expect(printed).toEqual(['0.0f', '1.0f', '-1.0f', '0.5f', '0.1f', '1.0e-7f', '-3.0e38f', '3.4028234663852886e38f', '0.33333334f', '16777216.0f', '1.0e10f', '1.0e-45f']);
  });
  it('come from their bits where they have no decimal', () => {
    const printed = [Infinity, -Infinity, NaN, -0].map((x) => floatLiteral(x).text);
    expect(printed).toEqual(['f32_from_bits(0x7f800000u)', 'f32_from_bits(0xff800000u)', 'f32_from_bits(0x7fc00000u)', 'f32_from_bits(0x80000000u)']);
  });
  it('are accepted by Tint over the whole range of f32', async () => {
    const values = fc.sample(fc.float(), { seed: 7, numRuns: 300 });
    const body = values.map((value, i) => store('out', i32(i), { kind: 'literal', type: 'f32', value }));
    const kernel = program({ name: 'floats', workgroupSize: 1, storage: [buffer('out', 'f32', 'write')], body });
    expect(await validatePrinted('floats', printWgsl(kernel), { f16: false, subgroups: false })).toEqual([]);
  });
});

describe('legal form', () => {
  it('leaves no operator with only literals as operands', () => {
    for (const kernel of allKernels) {
      walkExpressions(legaliseForWgsl(kernel).body, (e) => {
        if (e.kind === 'binary') expect([e.left.kind, e.right.kind]).not.toEqual(['literal', 'literal']);
      });
    }
  });
  it('divides by a written zero as the machine does', () => {
    const x = load('x', 'i32', i32(0));
    const zero: KernelExpr = i32(0);
    const quotient = (op: 'div' | 'mod', left: KernelExpr): KernelExpr => ({ kind: 'binary', type: 'i32', op, left, right: zero });
    const kernel = program({
      name: 'zero',
      storage: [buffer('x', 'i32')],
      body: [letStmt('a', quotient('div', x)), letStmt('b', quotient('mod', x)), letStmt('c', quotient('div', i32(7)))],
    });
    expect(printWgsl(kernel).text).toContain('let a: i32 = x[0];\n  let b: i32 = 0;\n  let c: i32 = 7;');
  });
  it('keeps tanh away from the arguments where drivers overflow', () => {
    const kernel = program({ name: 'soft', storage: [buffer('x', 'f32')], body: [letStmt('a', un('tanh', load('x', 'f32', i32(0))))] });
    expect(printWgsl(kernel).text).toContain('tanh(max(min(x[0], 15.0f), -15.0f))');
  });
});

describe('names', () => {
  const names = fc.oneof(fc.constantFrom('var', 'for', 'max', 'a.b', 'a_b', 'a_b_2', '_x', '__x', '9', 'é', 'launch', 'lane', 'f32', 'x'), fc.string({ minLength: 1, maxLength: 6 }));
  it('stay apart and are identifiers', () => {
    fc.assert(
      fc.property(fc.uniqueArray(names, { maxLength: 12 }), fc.uniqueArray(names, { maxLength: 6 }), (locals, storages) => {
        const kernel = program({ name: 'k', storage: storages.map((s) => buffer(s, 'i32')), body: locals.map((l) => letStmt(l, i32(1))) });
        const naming = nameProgram(kernel);
        const printed = [naming.entry, ...locals.map((l) => naming.name('value', l)), ...storages.map((s) => naming.name('storage', s))];
        expect(new Set(printed).size).toBe(printed.length);
        for (const p of printed) expect(p).toMatch(/^[A-Za-z][A-Za-z0-9_]*$/);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
  it('are names that Tint takes', async () => {
    const locals = fc.sample(names, { seed: 5, numRuns: 200 });
    const kernel = program({ name: 'fn', storage: [], body: [...new Set(locals)].map((l) => letStmt(l, i32(1))) });
    expect(await validatePrinted('fn', printWgsl(kernel), { f16: false, subgroups: false })).toEqual([]);
  });
});

describe('rewriting a kernel program', () => {
  it('with the identity changes nothing', () => {
    for (const kernel of allKernels) expect(mapProgram(kernel, (e) => e)).toEqual(kernel);
  });
});
