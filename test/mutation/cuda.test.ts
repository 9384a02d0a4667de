/**
 * The CUDA path is broken on purpose: in the PTX that nvcc made of fragment kernels, and in the kernels before they are printed. Each break
 * must be noticed by the emulator against the interpreter: by a problem, or by rows outside their bounds. The unbroken program draws no
 * complaint in any order of warps and with copies as early or as late as may be.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { parsePtx } from '../../backends/cuda/emulator/index.ts';
import { printCudaUnits } from '../../backends/cuda/module.ts';
import { cudaEntry } from '../../backends/cuda/names.ts';
import { sm80 } from '../../backends/targets.ts';
import { attentionWithBounds, compareRows } from '../../compiler/interpreters/bounds.ts';
import type { Schedule } from '../../compiler/schedule.ts';
import { findNvcc } from '../../tools/cuda/find-nvcc.ts';
import { runNvcc } from '../../tools/cuda/nvcc.ts';
import { compileEmulated, neededOf, runEmulated, type EmulatedArtefact, type EmulatedProgram, type EmulationOptions } from '../../tools/engines/cuda-emulated.ts';
import { caseOf, levelsOf, sizesOf, specOf, type Case } from '../support/levels.ts';
import { kernelMutants, textMutants, type TextMutant } from './cuda-mutants.ts';
import { countSites, rewriteSite, type Match } from './rewrite.ts';

const found = findNvcc();
const missing = 'looked' in found ? `no nvcc in ${found.looked.join(', ')}` : undefined;

// Two warps of 16 rows, three steps of 16 keys in tiles of 32; neither rows nor keys fill their last tile, and there are two kv heads.
const prefill: Schedule = {
  layout: 'fragments', lanes: 64, rowsPerLane: 2, keyStep: 16, keyTile: 32, operand: 'workgroup', subgroup: 32, rowStorage: 'registers', chunkUnroll: 64,
};
const given: Case = caseOf(specOf('attention a(window: int = 21) { mask causal & (band(0 .. window) | keys(0 .. 3)) | keys(40 .. 60) }', 'a'), sizesOf(37, 43, 16, 2, 2));
// No split of the keys: one instance walks all steps, one after the other.
const levels = levelsOf(given.spec, given.launch.sizes.dim, { target: sm80, dtype: 'f16', prefill, parallelism: 1 });
const artefact = neededOf(levels, given.launch);
const { hostPlan } = levels;
const truth = attentionWithBounds(given.spec, given.launch, given.inputs, { outType: 'f16', splits: 1, keySteps: given.launch.sizes.nK });

/** Copies that arrive late and early, warps in order and against it. */
const runs: readonly EmulationOptions[] = [{ completion: 'late', order: 'reverse' }, { completion: 'eager', order: 'forward' }, { completion: 'late', order: 7 }];

/** What is wrong with a program, in a sentence. */
function complaint(program: EmulatedProgram, ways = runs): string | undefined {
  for (const way of ways) {
    const ran = runEmulated(program, { ...given.launch, ...given.inputs }, { ...way, stepLimit: 2_000_000 });
    if (!ran.ok) throw new Error(ran.diagnostics.map((d) => d.message).join('; '));
    const [problem] = ran.value.problems;
    if (problem !== undefined) return problem;
    const out = compareRows(ran.value.out, truth.out, truth.bounds.out);
    const lse = compareRows(ran.value.lse, truth.lse, truth.bounds.lse);
    if (!out.ok) return `out: row ${out.row} is ${out.actual}, not ${out.expected}`;
    if (!lse.ok) return `lse: row ${lse.row} is ${lse.actual}, not ${lse.expected}`;
  }
  return undefined;
}

function valueOf<T>(checked: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly diagnostics: readonly { readonly message: string }[] }): T {
  if (!checked.ok) throw new Error(checked.diagnostics.map((d) => d.message).join('; '));
  return checked.value;
}

/** Lines of the text that are an instruction the mutant matches. */
function sitesOf(lines: readonly string[], mutant: TextMutant): readonly number[] {
  return lines.flatMap((line, i) => (mutant.match.test(instruction(line)) ? [i] : []));
}

/** An instruction with single spaces between its parts. */
function instruction(line: string): string {
  return line.trim().replace(/\s+/g, ' ');
}

function programOf(ptx: string): EmulatedProgram {
  return { plan: hostPlan, module: valueOf(parsePtx(ptx)), entryOf: (kernel) => cudaEntry('a', kernel) };
}

let text = '';
let broken: ReadonlyMap<string, EmulatedProgram> = new Map();

/** Where a mutant is tried, in turn: some breaks are none at the first place, where the text ends in full tiles. */
function placesOf(match: Match): readonly number[] {
  const sites = countSites(artefact.kernelPrograms, match);
  return [...new Set([sites - 1, 0, 1, 2])].filter((s) => s >= 0 && s < sites);
}

/** Kernel mutants at the `round`-th place of each, in one run of nvcc. */
async function compileBroken(names: readonly string[], round: number): Promise<ReadonlyMap<string, EmulatedProgram>> {
  const made = kernelMutants.flatMap(({ name, match }): readonly (readonly [string, EmulatedArtefact])[] => {
    const kernelPrograms = names.includes(name) ? rewriteSite(artefact.kernelPrograms, match, placesOf(match)[round] ?? Infinity) : undefined;
    return kernelPrograms === undefined ? [] : [[name, { hostPlan, kernelPrograms }]];
  });
  const programs = valueOf(await compileEmulated([...made.map(([, a]) => a), artefact]));
  return new Map(made.flatMap(([name], i) => {
    const program = programs[i];
    return program === undefined ? [] : [[name, program] as const];
  }));
}

beforeAll(async () => {
  if (missing !== undefined) return;
  const source = printCudaUnits([{ name: 'a', doc: [], kernels: artefact.kernelPrograms }]);
  const [ptx, first] = await Promise.all([runNvcc({ source, arch: 'sm_80', make: 'ptx' }), compileBroken(kernelMutants.map((m) => m.name), 0)]);
  text = valueOf(ptx).data.toString();
  broken = first;
}, 180_000);

test('there are at least 12 ways to break the CUDA path, each with its own name, and each applies', ({ skip }) => {
  const names = [...textMutants, ...kernelMutants].map((m) => m.name);
  expect(names.length).toBeGreaterThanOrEqual(12);
  expect(new Set(names).size).toBe(names.length);
  expect(kernelMutants.filter((m) => countSites(artefact.kernelPrograms, m.match) === 0)).toEqual([]);
  if (missing !== undefined) return skip(missing);
  expect(textMutants.filter((m) => sitesOf(text.split('\n'), m).length === 0).map((m) => m.name)).toEqual([]);
});

test('the unbroken program draws no complaint', ({ skip }) => {
  if (missing !== undefined) return skip(missing);
  expect(complaint(programOf(text))).toBeUndefined();
});

describe('in the text that nvcc emits, it is noticed that', () => {
  test.for(textMutants)('$name', (mutant, { skip }) => {
    if (missing !== undefined) return skip(missing);
    const lines = text.split('\n');
    const sites = sitesOf(lines, mutant);
    // The first and the last place, then those between: some breaks are none where nothing follows.
    const tried = [...new Set([0, sites.length - 1, Math.floor(sites.length / 2), 1])].flatMap((i) => sites[i] ?? []);
    const complaints = tried.map((site) => () => {
      const changed = lines.map((line, i) => (i === site ? instruction(line).replace(mutant.match, mutant.change) : line)).join('\n');
      return complaint(programOf(changed));
    });
    expect(complaints.some((at) => at() !== undefined)).toBe(true);
  });
});

describe('in kernels before they are printed, it is noticed that', () => {
  test.for(kernelMutants)('$name', { timeout: 120_000 }, async ({ name, match }, { skip }) => {
    if (missing !== undefined) return skip(missing);
    const places = placesOf(match);
    for (let round = 0; round < places.length; round += 1) {
      const program = round === 0 ? broken.get(name) : (await compileBroken([name], round)).get(name);
      if (program !== undefined && complaint(program) !== undefined) return;
    }
    expect.fail(`none of ${places.length} places draws a complaint`);
  });
});
