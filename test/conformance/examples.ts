/**
 * The examples as conformance cases: every attention of every folder, with the schedule that a user gets, on launches of random small sizes.
 * In: the folders, a seed. Out: programs, cases, verdicts. `npm run conformance -- --backend B` judges all of them:
 *
 *   npm run conformance -- --backend cuda-emulated [--dtype f16] [--cases 2] [--only NAME] [--part 1/4] [--seed 1]
 *   npm run conformance -- --build sm_90a [--dtype f16] [--dim 128]      nvcc makes machine code of every kernel of every example
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { cudaTargets, sm80 } from '../../backends/targets.ts';
import { cutsOf } from '../../compiler/launch/cuts.ts';
import { compileSpec, type Compiled } from '../../compiler/pipeline.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import { buildCuda } from '../../tools/commands/build-cuda.ts';
import { compileEmulated, neededOf, runEmulated, type EmulatedProgram } from '../../tools/engines/cuda-emulated.ts';
import { backends, runBackend, type Backend } from '../../tools/engines/index.ts';
import { fileCases } from '../../tools/fuzz/file-cases.ts';
import { compareResult } from '../../tools/fuzz/levels.ts';
import type { Case } from '../../tools/fuzz/random-programs.ts';
import { withAllOutputs } from '../../tools/fuzz/stage-cases.ts';
import { asStored } from '../../tools/inputs.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

export interface ExampleProgram {
  readonly file: string;
  readonly name: string;
  readonly spec: Spec;
}

/**
 * Constants that fit short sequences: blocks of 64 and more would leave one tile of everything. A default of 16 or more becomes an eighth of
 * it, where the program takes that; a constant without one gets 4.
 */
function constantsOf(header: string, small: boolean): ReadonlyMap<string, number> {
  const all = [...header.matchAll(/const (\w+): int[^=,)]*(?:= (\d+))?/g)].map(([, name = '', value]) => [name, value === undefined ? undefined : Number(value)] as const);
  return new Map(all.flatMap(([name, value]): readonly (readonly [string, number])[] => {
    if (value === undefined) return [[name, 4]];
    return small && value >= 16 ? [[name, Math.ceil(value / 8)]] : [];
  }));
}

function specOf(file: string, name: string, header: string): Spec {
  const small = compileSource({ file }, read, name, constantsOf(header, true));
  if (small.ok) return small.value;
  const plain = compileSource({ file }, read, name, constantsOf(header, false));
  if (!plain.ok) throw new Error(`${file}: ${plain.diagnostics.map((d) => d.message).join('; ')}`);
  return plain.value;
}

/** Every attention of the examples, in the order of the folders. */
export function examplePrograms(): readonly ExampleProgram[] {
  const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((f) => f.isDirectory()).map((f) => f.name).sort();
  const files = folders.flatMap((folder) => readdirSync(join(root, 'examples', folder)).filter((f) => f.endsWith('.fil')).sort().map((f) => `examples/${folder}/${f}`));
  return files.flatMap((file) => [...read(file).matchAll(/^attention (\w+)([^{]*)/gm)].map(([, name = '', header = '']) => ({ file, name, spec: specOf(file, name, header) })));
}

export interface ExampleCase {
  readonly title: string;
  readonly dtype: FloatElement;
  readonly given: Case;
}

export interface CaseOptions {
  readonly dtype: FloatElement;
  readonly dim: number;
  readonly maxLength: number;
  readonly seed: number;
  readonly count: number;
}

/** Random launches of a program; numbers as they are stored. */
export function exampleCases({ name, spec }: ExampleProgram, { dtype, dim, maxLength, seed, count }: CaseOptions): readonly ExampleCase[] {
  return fc.sample(fileCases(fc, [spec], { maxLength, dims: [dim] }), { seed, numRuns: count }).map((drawn) => {
    const { batch, heads, kvHeads, nQ, nK } = drawn.launch.sizes;
    const title = `${name} ${dtype} batch ${batch}, heads ${heads}:${kvHeads}, n_q ${nQ}, n_k ${nK}, dim ${dim}`;
    return { title, dtype, given: withAllOutputs({ ...drawn, inputs: asStored(drawn.inputs, dtype) }) };
  });
}

export interface ReadyCase extends ExampleCase {
  readonly compiled: Compiled;
  readonly program: EmulatedProgram;
}

/** The cases compiled with the schedules that a user gets, all with one run of nvcc. What a limit refuses is told instead. */
export async function compileCases(cases: readonly ExampleCase[]): Promise<{ readonly ready: readonly ReadyCase[]; readonly refused: readonly string[] }> {
  const refused: string[] = [];
  const compiled = cases.flatMap((c) => {
    const { spec, launch } = c.given;
    const made = compileSpec(spec, { target: sm80, dim: launch.sizes.dim, dtype: c.dtype });
    if (made.ok) return [{ ...c, compiled: made.value }];
    refused.push(`${c.title}: ${made.diagnostics.map((d) => `${d.code} ${d.message}`).join('; ')}`);
    return [];
  });
  const programs = await compileEmulated(compiled.map((c) => neededOf(c.compiled, c.given.launch)));
  if (!programs.ok) throw new Error(programs.diagnostics.map((d) => d.message).join('; '));
  const ready = compiled.flatMap((c, i) => {
    const program = programs.value[i];
    return program === undefined ? [] : [{ ...c, program }];
  });
  return { ready, refused };
}

/** What is wrong with a case on the emulator, or undefined. */
export function judgeEmulated({ given, dtype, compiled, program }: ReadyCase): string | undefined {
  const ran = runEmulated(program, { ...given.launch, ...given.inputs }, { completion: 'late', order: 'reverse' });
  if (!ran.ok) return ran.diagnostics.map((d) => d.message).join('; ');
  return ran.value.problems[0] ?? compareResult(given, ran.value, dtype, cutsOf(compiled, given.launch));
}

/** What is wrong with a case on any other backend. */
async function judgeOn(backend: Backend, { given, dtype }: ExampleCase): Promise<string | undefined> {
  const ran = await runBackend(backend, { ...given, dtype });
  if (!ran.ok) return ran.diagnostics.every((d) => d.kind === 'resource') ? undefined : ran.diagnostics.map((d) => d.message).join('; ');
  // How a device splits the keys is its own affair: the bound allows any way.
  return compareResult(given, ran.value, dtype, { splits: 16, keySteps: given.launch.sizes.nK + 2 });
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function option(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(`--${name}`);
  return at < 0 ? undefined : words[at + 1];
}

/** Machine code of every kernel of every example; the number that failed. */
async function buildAll(programs: readonly ExampleProgram[], arch: string, dim: number, dtype: FloatElement): Promise<number> {
  let failed = 0;
  for (const { file, name, spec } of programs) {
    const built = await buildCuda(spec, { arch, dim, dtype, trace: () => undefined, sources: new Map([[file, read(file)]]), plain: true, python: false });
    if (!built.ok) failed += 1;
    const kernels = built.ok ? built.value.report.kernels ?? [] : [];
    const spilled = kernels.reduce((sum, k) => sum + k.spillStores + k.spillLoads, 0);
    say(built.ok ? `built  ${name}: ${kernels.length} kernels, ${Math.max(...kernels.map((k) => k.registers))} registers at most, ${spilled} bytes spilled` : `FAIL   ${name}: ${built.diagnostics.map((d) => d.message).join('; ')}`);
  }
  return failed;
}

/** So many cases share a run of nvcc. */
const lot = 6;

async function main(words: readonly string[]): Promise<number> {
  const dtype = (['f32', 'f16', 'bf16'] as const).find((d) => d === (option(words, 'dtype') ?? 'f16'));
  const backend = backends.find((b) => b === (option(words, 'backend') ?? 'cuda-emulated'));
  const arch = option(words, 'build');
  if (dtype === undefined || backend === undefined || (arch !== undefined && !cudaTargets.some((t) => t.name === arch))) {
    process.stderr.write(`usage: npm run conformance -- --backend ${backends.join('|')} | --build ${cudaTargets.map((t) => t.name).join('|')} [--dtype f32|f16|bf16] [--dim 16] [--cases 2] [--seed 1] [--only NAME] [--part 1/4]\n`);
    return 2;
  }
  const only = option(words, 'only');
  // Part i of n: every n-th program, so that several machines may share them.
  const [part = 1, parts = 1] = (option(words, 'part') ?? '1/1').split('/').map(Number);
  const programs = examplePrograms().filter((p, i) => (only === undefined || p.name.includes(only)) && i % parts === part - 1);
  const dim = Number(option(words, 'dim') ?? (arch === undefined ? 16 : 128));
  if (arch !== undefined) return (await buildAll(programs, arch, dim, dtype)) > 0 ? 1 : 0;
  const cases = programs.flatMap((p, i) => exampleCases(p, { dtype, dim, maxLength: 150, seed: Number(option(words, 'seed') ?? 1) + i, count: Number(option(words, 'cases') ?? 2) }));
  const count = { pass: 0, fail: 0, refused: 0 };
  const tell = (title: string, wrong: string | undefined): void => {
    count[wrong === undefined ? 'pass' : 'fail'] += 1;
    say(wrong === undefined ? `pass  ${title}` : `FAIL  ${title}: ${wrong}`);
  };
  for (let at = 0; at < cases.length; at += lot) {
    const some = cases.slice(at, at + lot);
    if (backend !== 'cuda-emulated') {
      for (const c of some) tell(c.title, await judgeOn(backend, c));
      continue;
    }
    const { ready, refused } = await compileCases(some);
    count.refused += refused.length;
    refused.forEach((r) => say(`refused ${r}`));
    for (const c of ready) tell(c.title, judgeEmulated(c));
  }
  say(`${count.pass} passed, ${count.fail} failed, ${count.refused} refused (${backend}, ${dtype}, ${programs.length} programs)`);
  return count.fail > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main(process.argv.slice(2));
