/**
 * A few examples, one for each way to be compiled, on the emulator with the schedules that a user gets; `npm run conformance` takes all of
 * them. Each runs the largest of some random launches.
 */
import { beforeAll, expect, test } from 'vitest';
import { findNvcc } from '../../tools/cuda/find-nvcc.ts';
import { compileCases, exampleCases, examplePrograms, judgeEmulated, type ExampleCase, type ReadyCase } from './examples.ts';

const found = findNvcc();

// A permutation on fragments, a score and a sink, tables of stages, and lists that stages give back, without tensor cores.
const chosen = [
  ['strided_attention', 'f16'], ['alibi_softcap_sinks', 'f16'], ['block_top_k', 'f16'], ['query_boundary', 'f32'],
] as const;

function largest(cases: readonly ExampleCase[]): ExampleCase | undefined {
  const pairs = ({ given }: ExampleCase): number => given.launch.sizes.nQ * given.launch.sizes.nK;
  return cases.toSorted((a, b) => pairs(b) - pairs(a))[0];
}

const programs = examplePrograms();
let ready: readonly ReadyCase[] = [];

beforeAll(async () => {
  if ('looked' in found) return;
  const cases = chosen.flatMap(([name, dtype], seed) => {
    const program = programs.find((p) => p.name === name);
    const drawn = program === undefined ? undefined : largest(exampleCases(program, { dtype, dim: 16, maxLength: 90, seed, count: 8 }));
    return drawn === undefined ? [] : [drawn];
  });
  ready = (await compileCases(cases)).ready;
}, 180_000);

test('every example is among those that the whole run takes', () => {
  expect(programs.length).toBeGreaterThanOrEqual(40);
  expect(new Set(programs.map((p) => p.name)).size).toBe(programs.length);
});

test.for(chosen)('%s, %s, on the emulator is what the interpreter says', ([name], { skip }) => {
  if ('looked' in found) return skip(`no nvcc in ${found.looked.join(', ')}`);
  const one = ready.find((r) => r.given.spec.name === name);
  expect(one?.title).toBeDefined();
  if (one !== undefined) expect(judgeEmulated(one), one.title).toBeUndefined();
});
