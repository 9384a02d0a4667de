/** Attention programs on matrix fragments in lock-step: random ones within the error bounds, and kernels that were broken, which must be found out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sm80 } from '../../../backends/targets.ts';
import { attentionWithBounds, compareRows } from '../../../compiler/interpreters/bounds.ts';
import { runPlanWithLockstep } from '../../../compiler/interpreters/launch.ts';
import { printProblem } from '../../../compiler/interpreters/problem.ts';
import type { KernelProgram } from '../../../compiler/kernel/ir.ts';
import { cutsOf } from '../../../compiler/launch/cuts.ts';
import { compileSpec, type Compiled } from '../../../compiler/pipeline.ts';
import type { Schedule } from '../../../compiler/schedule.ts';
import type { FloatElement } from '../../../compiler/tile/ir.ts';
import { asStored } from '../../../tools/inputs.ts';
import { countSites, is, nodeAt, removed, rewriteSite, type Match, type Node } from '../../mutation/rewrite.ts';
import { caseOf, sizesOf, specOf, type Case } from '../../support/levels.ts';
import { randomCases } from '../../support/random-spec.ts';

const prefill: Schedule = {
  layout: 'fragments', lanes: 64, rowsPerLane: 2, keyStep: 16, keyTile: 32, operand: 'workgroup', subgroup: 32, rowStorage: 'registers', chunkUnroll: 64,
};

function compiledFor(given: Pick<Case, 'spec' | 'launch'>, schedule: Schedule, dtype: FloatElement = 'f16', decode?: Schedule): Compiled {
  // Products of f32 are rounded to tf32.
  const compiled = compileSpec(given.spec, { target: sm80, dim: given.launch.sizes.dim, dtype, products: 'tf32', schedules: { prefill: schedule, ...(decode === undefined ? {} : { decode }) } });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('\n'));
  return compiled.value;
}

/** What is wrong with a run of the kernels; nothing: they agree with the dense interpreter. */
function complaint({ spec, launch, inputs: asked }: Case, compiled: Compiled, kernels: readonly KernelProgram[] = compiled.kernelPrograms): string | undefined {
  const { dtype } = compiled.hostPlan;
  // Random numbers have 11 digits; tf32 shall have more to round.
  const longer = (data: Case['inputs']['q']): Case['inputs']['q'] => data.map((x) => Math.fround(x * 1.1));
  const inputs = dtype === 'f32' ? { q: longer(asked.q), k: longer(asked.k), v: longer(asked.v) } : asStored(asked, dtype);
  const ran = runPlanWithLockstep({ ...compiled, kernelPrograms: kernels }, { ...launch, ...inputs }, { subgroupWidth: 32 });
  if (!ran.ok) throw new Error(ran.diagnostics.map((d) => d.message).join('\n'));
  const [problem] = ran.value.problems;
  if (problem !== undefined) return printProblem(problem);
  const truth = attentionWithBounds(spec, launch, inputs, { outType: dtype, ...cutsOf(compiled, launch) });
  const out = compareRows(ran.value.out, truth.out, truth.bounds.out);
  const lse = compareRows(ran.value.lse, truth.lse, truth.bounds.lse);
  return out.ok && lse.ok ? undefined : JSON.stringify({ out, lse });
}

describe('programs on fragments', () => {
  it('stay within the error bounds, whatever they mask', () => {
    fc.assert(fc.property(
      randomCases({ maxLength: 60, dims: [8, 16, 24, 32] }),
      fc.constantFrom<Partial<Schedule>>({}, { lanes: 32, rowsPerLane: 4, keyStep: 32 }, { lanes: 32, rowStorage: 'workgroup' }),
      fc.constantFrom<FloatElement>('f16', 'bf16', 'f32'),
      fc.boolean(),
      (given, change, dtype, few) => {
        const decode = few ? { ...prefill, lanes: 32 } : undefined;
        expect(complaint(given, compiledFor(given, { ...prefill, ...change }, dtype, decode))).toBeUndefined();
      },
    ), { numRuns: 18, seed: 11 });
  });
  it('multiply wide rows as well', () => {
    const spec = specOf('attention a() { mask causal }', 'a');
    for (const dim of [64, 136]) {
      const given = caseOf(spec, sizesOf(20, 40, dim));
      expect(complaint(given, compiledFor(given, { ...prefill, lanes: 32, ...(dim > 128 ? { rowStorage: 'workgroup' } : {}) }))).toBeUndefined();
    }
  });
});

function exchanged(list: unknown, a: number, b: number): unknown {
  if (!Array.isArray(list)) return list;
  const items: readonly unknown[] = list;
  return items.map((x, i) => (i === a ? items[b] : i === b ? items[a] : x));
}

const further = (n: Node, field: string): Node => ({ ...n, [field]: { kind: 'binary', type: 'i32', op: 'add', left: n[field], right: { kind: 'literal', type: 'i32', value: 1 } } });
/** The key after the last of 36: columns 4 of the last 16, the first register of the third lane of a quad. */
const isKeyAfterLast = (n: Node): boolean => is(n, 'ref', { name: 'k_slot_c0' });

const mutants: readonly (readonly [string, Match])[] = [
  ['a wait is missing', (n) => (is(n, 'copy_wait') ? removed : undefined)],
  ['a barrier is missing', (n) => (is(n, 'barrier') ? removed : undefined)],
  ['halves of the rows of a left fragment are exchanged', (n) => (is(n, 'mma') ? { ...n, a: exchanged(n['a'], 0, 1) } : undefined)],
  ['halves of the terms of a left fragment are exchanged', (n) => (is(n, 'mma') ? { ...n, a: exchanged(n['a'], 1, 2) } : undefined)],
  ['halves of a right fragment are exchanged', (n) => (is(n, 'mma') ? { ...n, b: exchanged(n['b'], 0, 1) } : undefined)],
  ['two sums are exchanged', (n) => (is(n, 'mma') ? { ...n, sums: exchanged(n['sums'], 1, 2) } : undefined)],
  ['a product is left out', (n) => (is(n, 'mma') ? removed : undefined)],
  ['matrices are read across', (n) => (is(n, 'load_matrix') ? { ...n, transposed: n['transposed'] !== true } : undefined)],
  ['a matrix is read one place aside', (n) => (is(n, 'load_matrix') ? further(n, 'index') : undefined)],
  ['a row is copied one place aside', (n) => (is(n, 'copy_async') ? further(n, 'at') : undefined)],
  ['a row is copied from one place aside', (n) => (is(n, 'copy_async') ? further(n, 'index') : undefined)],
  ['a quad exchanges with one lane twice', (n) => (is(n, 'shuffle_xor', { mask: 2 }) ? { ...n, mask: 1 } : undefined)],
  ['weights are packed in the wrong order', (n) => (is(n, 'binary', { op: 'pack_half2' }) ? { ...n, left: n['right'], right: n['left'] } : undefined)],
  ['the key after the last one is seen', (n) => (is(n, 'binary', { op: 'lt' }) && isKeyAfterLast(nodeAt(n, 'left')) ? { ...n, op: 'le' } : undefined)],
];

const words: readonly (readonly [string, Match])[] = [
  ['rows of words change places', (n) => (is(n, 'load_words') ? { ...n, offsets: exchanged(n['offsets'], 0, 1) } : undefined)],
  ['tiles of columns change places', (n) => (is(n, 'load_words') ? { ...n, offsets: exchanged(n['offsets'], 0, 2) } : undefined)],
  ['words are read one place aside', (n) => (is(n, 'load_words') ? further(n, 'index') : undefined)],
  ['weights are rounded in another order', (n) => (is(n, 'mma') ? { ...n, a: exchanged(n['a'], 1, 2) } : undefined)],
  ['columns of a right fragment are exchanged', (n) => (is(n, 'mma') ? { ...n, b: exchanged(n['b'], 0, 1) } : undefined)],
];

describe.each([['f16', mutants], ['f32', words]] as const)('broken kernels in %s', (dtype, list) => {
  const given = caseOf(specOf('attention a() { mask keys(0 .. 500) }', 'a'), sizesOf(40, 36, 16, 1));
  const compiled = compiledFor(given, prefill, dtype);
  const at = compiled.kernelPrograms.findIndex((k) => complaint(given, compiled, compiled.kernelPrograms.map((x) => (x === k ? { ...x, body: [] } : x))) !== undefined);
  const used = compiled.kernelPrograms[at];
  for (const [name, match] of list) {
    it(`are found out when ${name}`, () => {
      if (used === undefined) throw new Error('no kernel matters');
      const sites = countSites(used.body, match);
      expect(sites).toBeGreaterThan(0);
      // Every site where there are few, else some along the text.
      const step = Math.ceil(sites / 6);
      for (let site = 0; site < sites; site += step) {
        const body = rewriteSite(used.body, match, site);
        if (body === undefined) throw new Error('no such site');
        const broken = compiled.kernelPrograms.map((k) => (k === used ? { ...k, body } : k));
        expect(complaint(given, compiled, broken), `site ${site}`).toBeDefined();
      }
    });
  }
});
