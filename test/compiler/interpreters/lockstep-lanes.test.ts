/**
 * All lanes in step are the same as each lane alone, as long as lanes do not talk: random kernels with branches and loops that lanes
 * take differently run on the lock-step interpreter and, lane by lane, on the few lines of interpreter below.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noSpan, originOf } from '../../../dsl/span.ts';
import { runKernel } from '../../../compiler/interpreters/lockstep/index.ts';
import { storageValues, unwrittenStorage } from '../../../compiler/interpreters/lockstep/storage.ts';
import type { KernelExpr, KernelProgram, KernelStmt } from '../../../compiler/kernel/ir.ts';
import { verifyKernel } from '../../../compiler/kernel/verify.ts';

const origin = originOf(noSpan);
const lanes = 8;
const ints = ['a', 'b'];
const floats = ['f', 'g'];

const i32 = (value: number): KernelExpr => ({ kind: 'literal', type: 'i32', value });
const ref = (name: string, type: 'i32' | 'f32'): KernelExpr => ({ kind: 'ref', type, name });

const intExpr: fc.Arbitrary<KernelExpr> = fc.letrec<{ e: KernelExpr }>((tie) => ({
  e: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -9, max: 9 }).map(i32),
    fc.constantFrom(...ints).map((n) => ref(n, 'i32')),
    fc.constant<KernelExpr>({ kind: 'builtin', type: 'i32', name: 'lane' }),
    fc.tuple(fc.constantFrom('add' as const, 'sub' as const, 'mul' as const, 'min' as const, 'max' as const, 'bit_and' as const, 'bit_xor' as const), tie('e'), tie('e'))
      .map(([op, left, right]): KernelExpr => ({ kind: 'binary', type: 'i32', op, left, right })),
    fc.tuple(fc.constantFrom('neg' as const, 'bit_not' as const, 'abs' as const, 'popcount' as const, 'bit_length' as const), tie('e')).map(([op, arg]): KernelExpr => ({ kind: 'unary', type: 'i32', op, arg })),
    fc.tuple(tie('e'), tie('e'), tie('e'), tie('e')).map(([x, y, then, otherwise]): KernelExpr => ({
      kind: 'select', type: 'i32', cond: { kind: 'binary', type: 'bool', op: 'lt', left: x, right: y }, then, otherwise,
    })),
  ),
})).e;

const floatExpr: fc.Arbitrary<KernelExpr> = fc.letrec<{ e: KernelExpr }>((tie) => ({
  e: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -40, max: 40 }).map((n): KernelExpr => ({ kind: 'literal', type: 'f32', value: n / 3 })),
    fc.constantFrom(...floats).map((n) => ref(n, 'f32')),
    intExpr.map((arg): KernelExpr => ({ kind: 'unary', type: 'f32', op: 'to_f32', arg })),
    fc.tuple(fc.constantFrom('add' as const, 'sub' as const, 'mul' as const, 'min' as const), tie('e'), tie('e')).map(([op, left, right]): KernelExpr => ({ kind: 'binary', type: 'f32', op, left, right })),
    fc.tuple(tie('e'), tie('e'), tie('e')).map(([a, b, c]): KernelExpr => ({ kind: 'fma', type: 'f32', a, b, c })),
  ),
})).e;

const condition: fc.Arbitrary<KernelExpr> = fc.tuple(fc.constantFrom('lt' as const, 'eq' as const, 'ge' as const), intExpr, intExpr)
  .map(([op, left, right]): KernelExpr => ({ kind: 'binary', type: 'bool', op, left, right }));

let loops = 0;
const statements: fc.Arbitrary<readonly KernelStmt[]> = fc.letrec<{ s: readonly KernelStmt[] }>((tie) => ({
  s: fc.array(fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(fc.constantFrom(...ints), intExpr).map(([name, value]): readonly KernelStmt[] => [{ kind: 'assign', name, value, origin }]),
    fc.tuple(fc.constantFrom(...floats), floatExpr).map(([name, value]): readonly KernelStmt[] => [{ kind: 'assign', name, value, origin }]),
    fc.tuple(condition, tie('s'), tie('s')).map(([cond, then, otherwise]): readonly KernelStmt[] => [{ kind: 'if', cond, uniform: false, then, otherwise, origin }]),
    fc.tuple(intExpr, fc.integer({ min: 1, max: 3 }), tie('s')).map(([from, step, body]): readonly KernelStmt[] => {
      loops += 1;
      // At most 6 turns, a different number for each lane.
      const to: KernelExpr = { kind: 'binary', type: 'i32', op: 'add', left: ref('first', 'i32'), right: { kind: 'binary', type: 'i32', op: 'bit_and', left: ref('a', 'i32'), right: i32(5) } };
      const first: KernelExpr = { kind: 'binary', type: 'i32', op: 'bit_and', left: from, right: i32(15) };
      return [{ kind: 'assign', name: 'first', value: first, origin }, { kind: 'for', index: `j${loops}`, from: ref('first', 'i32'), to, step, uniform: false, body, origin }];
    }),
    fc.tuple(condition, tie('s')).map(([cond, body]): readonly KernelStmt[] => [
      { kind: 'assign', name: 'fuel', value: i32(4), origin },
      {
        kind: 'while', uniform: false, origin,
        cond: { kind: 'binary', type: 'bool', op: 'and', left: { kind: 'binary', type: 'bool', op: 'lt', left: i32(0), right: ref('fuel', 'i32') }, right: cond },
        body: [...body, { kind: 'assign', name: 'fuel', value: { kind: 'binary', type: 'i32', op: 'sub', left: ref('fuel', 'i32'), right: i32(1) }, origin }],
      },
    ]),
  ), { maxLength: 4 }).map((parts) => parts.flat()),
})).s;

function program(body: readonly KernelStmt[]): KernelProgram {
  const declare = (name: string, type: 'i32' | 'f32', value: KernelExpr): KernelStmt => ({ kind: 'var', name, type, value, origin });
  const store = (storage: string, value: KernelExpr): KernelStmt => ({ kind: 'store', storage, index: { kind: 'builtin', type: 'i32', name: 'lane' }, value, origin });
  return {
    name: 'random', summary: '', workgroupSize: lanes, uniforms: [], shared: [], origin,
    storage: [...ints, ...floats].map((name) => ({ name: `out_${name}`, buffer: name, element: ints.includes(name) ? 'i32' : 'f32', access: 'write' })),
    body: [
      ...['fuel', 'first', ...ints].map((name) => declare(name, 'i32', i32(1))),
      ...floats.map((name) => declare(name, 'f32', { kind: 'literal', type: 'f32', value: 0.5 })),
      ...body,
      ...ints.map((name) => store(`out_${name}`, ref(name, 'i32'))),
      ...floats.map((name) => store(`out_${name}`, ref(name, 'f32'))),
    ],
  };
}

/** The value of an expression for one lane. */
function value(e: KernelExpr, lane: number, names: ReadonlyMap<string, number>): number {
  const of = (x: KernelExpr): number => value(x, lane, names);
  switch (e.kind) {
    case 'literal':
      return e.type === 'f32' ? Math.fround(e.value) : e.value;
    case 'ref':
      return names.get(e.name) ?? Number.NaN;
    case 'builtin':
      return lane;
    case 'select':
      return of(e.cond) !== 0 ? of(e.then) : of(e.otherwise);
    case 'fma':
      return Math.fround(of(e.a) * of(e.b) + of(e.c));
    case 'unary': {
      const x = of(e.arg);
      const bits = (x >>> 0).toString(2);
      switch (e.op) {
        case 'neg': return -x | 0;
        case 'bit_not': return ~x;
        case 'abs': return Math.abs(x) | 0;
        case 'popcount': return bits.replaceAll('0', '').length;
        case 'bit_length': return x === 0 ? 0 : bits.length;
        case 'to_f32': return Math.fround(x);
        default: throw new Error(e.op);
      }
    }
    case 'binary': {
      const [x, y] = [of(e.left), of(e.right)];
      const round = e.type === 'f32' ? Math.fround : (n: number): number => n | 0;
      switch (e.op) {
        case 'add': return round(x + y);
        case 'sub': return round(x - y);
        case 'mul': return e.type === 'f32' ? Math.fround(x * y) : Number(BigInt.asIntN(32, BigInt(x) * BigInt(y)));
        case 'min': return Math.min(x, y);
        case 'max': return Math.max(x, y);
        case 'bit_and': return x & y;
        case 'bit_xor': return x ^ y;
        case 'and': return x & y;
        case 'lt': return x < y ? 1 : 0;
        case 'eq': return x === y ? 1 : 0;
        case 'ge': return x >= y ? 1 : 0;
        default: throw new Error(e.op);
      }
    }
    default:
      throw new Error(e.kind);
  }
}

/** Runs statements for one lane; `stored` receives what it stores. */
function execute(body: readonly KernelStmt[], lane: number, names: Map<string, number>, stored: Map<string, number>): void {
  for (const s of body) {
    switch (s.kind) {
      case 'var':
      case 'assign':
        names.set(s.name, value(s.value, lane, names));
        break;
      case 'store':
        stored.set(s.storage, value(s.value, lane, names));
        break;
      case 'if':
        execute(value(s.cond, lane, names) !== 0 ? s.then : s.otherwise, lane, names, stored);
        break;
      case 'for':
        for (let i = value(s.from, lane, names); i < value(s.to, lane, names); i += s.step) {
          names.set(s.index, i);
          execute(s.body, lane, names, stored);
        }
        break;
      case 'while':
        while (value(s.cond, lane, names) !== 0) execute(s.body, lane, names, stored);
        break;
      default:
        throw new Error(s.kind);
    }
  }
}

describe('lanes in step', () => {
  it('compute what each of them computes alone', () => {
    let parted = 0;
    // Nested loops whose bound grows in their own body may run long; such programs say nothing here.
    const maxSteps = 20_000;
    fc.assert(fc.property(statements, (body) => {
      const p = program(body);
      expect(verifyKernel(p)).toEqual([]);
      const storage = new Map([...ints.map((n) => [n, unwrittenStorage('int', lanes)] as const), ...floats.map((n) => [n, unwrittenStorage('f32', lanes)] as const)]);
      const report = runKernel(p, { uniforms: [], groups: [1, 1, 1], storage }, { subgroupWidth: 4, maxSteps });
      if (report.problems.some((x) => x.kind === 'budget')) return;
      expect(report.problems).toEqual([]);
      for (let lane = 0; lane < lanes; lane += 1) {
        const stored = new Map<string, number>();
        execute(p.body, lane, new Map(), stored);
        for (const [name, memory] of storage) expect([name, lane, storageValues(memory)[lane]]).toEqual([name, lane, stored.get(`out_${name}`)]);
      }
      const a = storage.get('a');
      if (a !== undefined && new Set(storageValues(a)).size > 2) parted += 1;
    }), { seed: 11, numRuns: 300 });
    expect(parted).toBeGreaterThan(40);
  });
});
