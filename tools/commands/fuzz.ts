/**
 * `filigree fuzz [FILE] --runs N --seed S [--level algebra|tile|kernel|wgsl|cuda-emulated]`: random programs, or random launches of the declarations of
 * FILE (of a chain by `--name`), checked at one level against the dense interpreter. The first failure is shrunk and written as `fuzz-failure-SEED.fil` and
 * `.safetensors`, with the command that replays it (`--case`). Exit code 2 on a failure: it is a bug of ours.
 */
import { join } from 'node:path';
import type { Arbitrary } from 'fast-check';
import { choiceOf, countOf, textOf, valueSpan } from '../command-line/command.ts';
import type { CommandModule, Given } from '../command-line/command.ts';
import { claimFolder, pathOf } from '../command-line/outputs.ts';
import { refuse } from '../command-line/problems.ts';
import { wordSpan } from '../command-line/words.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import { campaign } from '../fuzz/campaign.ts';
import type { CampaignResult } from '../fuzz/campaign.ts';
import type { Numbers } from '../fuzz/random-schedule.ts';
import { failureFiles, replayedCase } from '../fuzz/failure-file.ts';
import type { Case, RandomPrograms } from '../fuzz/random-programs.ts';
import { fileCases } from '../fuzz/file-cases.ts';
import { checkCase, drawnNumbers, levels, warmEmulator } from '../fuzz/levels.ts';
import type { Level } from '../fuzz/levels.ts';
import { writeAtomic } from '../io/files.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import { chooseChain } from '../chains.ts';
import { checkChainCase, type ChainFuzzOptions } from '../fuzz/chains.ts';
import { openSource } from '../source.ts';
import { collect, declareSettings, orRefuse, settingsOf } from './launch-options.ts';

// Drivers take seconds for large kernels; short rows and small heads reach every path as well.
const sizes: Readonly<Record<Level, { readonly maxLength: number; readonly dims: readonly number[] }>> = {
  algebra: { maxLength: 70, dims: [4] },
  tile: { maxLength: 70, dims: [4, 1, 3, 8, 16, 20] },
  kernel: { maxLength: 40, dims: [4, 1, 3, 8, 16] },
  wgsl: { maxLength: 70, dims: [8, 16, 32] },
  'cuda-emulated': { maxLength: 40, dims: [8, 4, 16, 32] },
};

async function fastCheck(given: Given): Promise<(typeof import('fast-check'))['default']> {
  try {
    return (await import('fast-check')).default;
  } catch {
    return refuse('FIL9005', 'fuzz needs the package fast-check, which is not installed', wordSpan(given.line, (w) => w === 'fuzz'), { help: 'npm install fast-check, or run it in a clone after npm ci' });
  }
}

/** Specs of all declarations of a file, with the constants of `--set`. */
function specsOf(given: Given, file: string): readonly Spec[] {
  const source = openSource(given, file);
  const settings = settingsOf(given);
  const name = textOf(given, 'name');
  // A chain is tested alone, by its name.
  const chosen = source.declarations.filter((d) => d.kind !== 'chain' && (name === undefined ? true : d.name === name));
  if (chosen.length === 0) refuse('FIL9004', `${file} declares nothing to test`, wordSpan(given.line, (w) => w === file));
  const specs = chosen.flatMap((d) => {
    // Declarations whose constants nobody gives cannot be compiled: a mask that others use, mostly.
    const missing = d.parameters.some((p) => p.isConst && p.defaultText === undefined && !settings.has(p.name));
    if (missing && name === undefined) return [];
    return [source.specOf(d.name, new Map([...settings].filter(([p]) => d.parameters.some((x) => x.name === p && x.isConst))))];
  });
  return specs;
}

async function replay(given: Given, level: Level | undefined, caseFile: string): Promise<number> {
  const file = given.files[0] ?? refuse('FIL9003', '--case needs the .fil file that was written beside it', wordSpan(given.line, () => false));
  const span = valueSpan(given, 'case', caseFile);
  const stored = orRefuse(readSafetensors(pathOf(given, caseFile)));
  const spec = specsOf(given, file)[0] ?? refuse('FIL9004', `${file} declares nothing to test`, span);
  const replayed = replayedCase(spec, stored);
  if (typeof replayed === 'string') return refuse('FIL9005', `'${caseFile}' holds no case of ${file}: ${replayed}`, span);
  const at = level ?? levels.find((l) => l === replayed.level) ?? 'tile';
  const wrong = await checkCase(at, replayed.case, replayed.seed, replayed);
  given.progress.clear();
  given.io.out(given.json ? `${JSON.stringify({ level: at, failed: wrong !== undefined, finding: wrong ?? null })}\n` : `${at}: ${wrong ?? 'good'}\n`);
  return wrong === undefined ? 0 : 2;
}

/** Writes the failure; the command that replays it. */
function store(given: Given, level: Level, numbersOf: (seed: number) => Numbers, seed: number, found: NonNullable<CampaignResult['found']>): { readonly program: string; readonly tensors: string; readonly command: string } {
  const out = textOf(given, 'out') ?? '.';
  const folder = claimFolder(given, out, valueSpan(given, 'out', out));
  const files = failureFiles({ case: found.case, seed: found.seed, level, ...numbersOf(found.seed) }, found.message);
  const name = `fuzz-failure-${seed}`;
  const program = join(out, `${name}.fil`);
  const tensors = join(out, `${name}.safetensors`);
  writeAtomic(join(folder, `${name}.fil`), files.program, [...given.inputs]);
  writeSafetensors(join(folder, `${name}.safetensors`), files.tensors, [...given.inputs], files.metadata);
  return { program, tensors, command: `filigree fuzz ${program} --case ${tensors} --level ${level}` };
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Tests the compiler with random programs, or the declarations of a file with random launches.')
      .argument('[file]', '.fil file; absent: random programs')
      .option('--name <name>', 'only this declaration of the file; a chain is tested by its name')
      .option('--with <parameter=file>', 'attention that a parameter of a chain stands for, as FILE.fil or FILE.fil:NAME; may be repeated', collect)
      .option('--runs <count>', 'how many cases (default: 200)')
      .option('--seed <number>', 'where the random numbers start (default: 1)')
      .option('--level <level>', `${levels.join(', ')} (default: tile)`)
      .option('--dtype <type>', 'storage of q, k, v and out: f32, f16 or bf16 (default: f32; for cuda-emulated each case draws one, and tf32 products too)')
      .option('--max-length <count>', 'largest n_q and n_k (default: 70, for kernel 40)')
      .option('--adapter <name>', 'for wgsl: part of the name of the WebGPU adapter')
      .option('--out <folder>', 'where a failure is written (default: here)')
      .option('--case <file>', 'replay a stored failure');
    declareSettings(c);
  },
  run: async (given) => {
    const level = choiceOf(given, 'level', levels);
    const caseFile = textOf(given, 'case');
    if (caseFile !== undefined) return replay(given, level, caseFile);
    const at = level ?? 'tile';
    const runs = countOf(given, 'runs', 1, 10_000_000) ?? 200;
    const seed = countOf(given, 'seed', 0, 2 ** 31 - 1) ?? 1;
    const asked = choiceOf(given, 'dtype', ['f32', 'f16', 'bf16'] as const);
    const numbersOf = (caseSeed: number): Numbers => (asked !== undefined ? { dtype: asked } : at === 'cuda-emulated' ? drawnNumbers(caseSeed) : { dtype: 'f32' });
    const maxLength = countOf(given, 'maxLength', 1, 4096) ?? sizes[at].maxLength;
    const adapter = textOf(given, 'adapter');
    const file = given.files[0];
    const chain = file === undefined ? undefined : chainNamed(given, file);
    if (chain !== undefined) return fuzzChain(given, chain, at, { runs, seed, dtype: asked ?? 'f32', maxLength: Math.min(maxLength, textOf(given, 'maxLength') === undefined ? 24 : maxLength), ...(adapter === undefined ? {} : { adapter }) });
    const fc = await fastCheck(given);
    const options = { ...sizes[at], maxLength };
    const cases = file !== undefined ? fileCases(fc, specsOf(given, file), options) : randomCasesOf(fc, await randomPrograms(given), options);
    let refused = 0;
    const onRefused = (): void => void (refused += 1);
    const result = await campaign(fc, cases, (c, s) => checkCase(at, c, s, { ...numbersOf(s), onRefused, ...(adapter === undefined ? {} : { adapter }) }), {
      runs, seed, shrinkMs: 60_000, said: given.progress.show, now: () => performance.now(),
      ...(at === 'cuda-emulated' ? { prepare: (lot) => warmEmulator(lot, numbersOf) } : {}),
    });
    given.progress.clear();
    const { found } = result;
    const stored = found === undefined ? undefined : store(given, at, numbersOf, seed, found);
    const rate = result.runs / Math.max(0.001, result.seconds);
    if (given.json) {
      const failure = found === undefined || stored === undefined ? null : { finding: found.message, before: found.firstMessage, tries: found.shrinks, ...stored };
      given.io.out(`${JSON.stringify({ level: at, runs: result.runs, failures: result.failures, refused, seed, seconds: Number(result.seconds.toFixed(2)), rate: Number(rate.toFixed(2)), failure })}\n`);
    } else {
      given.io.out(`${at}: ${result.runs} cases from seed ${seed}, ${result.failures} failed, ${refused} refused for want of resources (${rate.toFixed(1)} a second)\n`);
      if (found !== undefined && stored !== undefined) given.io.out(`first failure: ${found.message}\nwritten: ${stored.program}, ${stored.tensors}\nreplay:  ${stored.command}\n`);
    }
    return result.failures > 0 ? 2 : 0;
  },
};

/** The chain that `--name` names, if it names one. */
function chainNamed(given: Given, file: string): ChainSpec | undefined {
  const name = textOf(given, 'name');
  const source = openSource(given, file);
  return name !== undefined && source.declarations.find((d) => d.name === name)?.kind === 'chain' ? chooseChain(given, source, name, settingsOf(given)).chain : undefined;
}

/** Random launches of a chain, each from a seed that replays it. */
async function fuzzChain(given: Given, chain: ChainSpec, level: Level, { runs, seed, ...options }: ChainFuzzOptions & { readonly runs: number; readonly seed: number }): Promise<number> {
  const start = performance.now();
  let refused = 0;
  const found: { readonly seed: number; readonly finding: string }[] = [];
  for (let n = 0; n < runs; n += 1) {
    given.progress.show(`fuzz: ${n} of ${runs}, ${found.length} failed`);
    const finding = await checkChainCase(level, chain, seed + n, { ...options, onRefused: () => void (refused += 1) });
    if (finding !== undefined) found.push({ seed: seed + n, finding });
  }
  given.progress.clear();
  const [first] = found;
  const seconds = (performance.now() - start) / 1000;
  if (given.json) given.io.out(`${JSON.stringify({ level, runs, failures: found.length, refused, seed, seconds: Number(seconds.toFixed(2)), failure: first ?? null })}\n`);
  else {
    given.io.out(`${level}: ${runs} launches of ${chain.name} from seed ${seed}, ${found.length} failed, ${refused} refused for want of resources\n`);
    if (first !== undefined) given.io.out(`first failure: ${first.finding}\nreplay:  the same command with --seed ${first.seed} --runs 1\n`);
  }
  return found.length > 0 ? 2 : 0;
}

/** Random programs, one in five with stages; those are short, since every element of every tensor is judged. */
function randomCasesOf(fc: (typeof import('fast-check'))['default'], from: RandomPrograms, options: { readonly maxLength: number; readonly dims: readonly number[] }): Arbitrary<Case> {
  const stages = from.randomStageCases({ maxLength: Math.min(14, options.maxLength), dims: options.dims.filter((d) => d <= 8) });
  return fc.oneof({ weight: 4, arbitrary: from.randomCases(options) }, { weight: 1, arbitrary: stages });
}

async function randomPrograms(given: Given): ReturnType<NonNullable<Given['io']['load']>> {
  const load = given.io.load ?? refuse('FIL9005', 'random programs come from the source tree of filigree, which is not here', wordSpan(given.line, (w) => w === 'fuzz'), { help: 'give a .fil file, or run it in a clone' });
  return load('random-spec');
}
