/**
 * Trying a mutant: at sites where it applies, program after program, until a checker complains. In: a mutant, the level it breaks.
 * Out: how many sites were tried, how many were noticed, and the first complaint. A stage that refuses broken input has noticed it, too.
 */
import { webgpuDefault } from '../../backends/targets.ts';
import { coverageComplaints, kernelComplaints, lowerFrom, planOf, smallPrefill, tileComplaints } from '../support/levels.ts';
import type { LevelOptions, Levels } from '../support/levels.ts';
import type { NamedCase } from './programs.ts';
import { countSites, rewriteSite } from './rewrite.ts';
import type { Mutant } from './rewrite.ts';

/**
 * plan: broken plans against the coverage checker. tables: broken plans, lowered, against the tile interpreter. tile: broken tile
 * programs. kernel, staged, halves: broken kernels in lock-step, for three ways to lower (registers and shuffles; workgroup memory and
 * barriers; packed halves).
 */
export type Level = 'plan' | 'tables' | 'tile' | 'kernel' | 'staged' | 'halves';

export interface Hunt {
  /** Sites tried; 0: the mutant applies nowhere. */
  readonly tried: number;
  readonly caught: number;
  /** `program: complaint` of the first one caught. */
  readonly by: string | undefined;
}

const lowerings: Readonly<Record<Level, LevelOptions>> = {
  plan: {},
  tables: {},
  tile: {},
  kernel: {},
  staged: { target: { ...webgpuDefault, maxWorkgroupSize: 16, maxStorageBuffers: 12 }, prefill: { ...smallPrefill, operand: 'workgroup', rowStorage: 'workgroup', subgroup: 1, chunkUnroll: 1 } },
  halves: { dtype: 'f16' },
};

/** Odd rows of halves are refused where the device has no f16 (a diagnostic of the kernel level). */
export function runsAt(program: NamedCase, level: Level): boolean {
  return level !== 'halves' || program.launch.sizes.dim % 2 === 0;
}

const memo = new Map<string, Levels>();

export function levelsFor(program: NamedCase, level: Level): Levels {
  const options = lowerings[level];
  const key = `${program.name} / ${JSON.stringify(options)}`;
  let levels = memo.get(key);
  if (levels === undefined) {
    levels = lowerFrom(planOf(program.spec), program.launch.sizes.dim, options);
    memo.set(key, levels);
  }
  return levels;
}

/** Complaints of the level's checker; about the unbroken program where no levels are given. */
export function complaintsOf(program: NamedCase, level: Level, levels: Levels = levelsFor(program, level)): readonly string[] {
  switch (level) {
    case 'plan':
      return coverageComplaints(levels.plan, program);
    case 'tables':
    case 'tile':
      return tileComplaints(levels, program);
    case 'kernel':
      return kernelComplaints(levels, program);
    case 'staged':
      return kernelComplaints(levels, program, 1);
    case 'halves':
      return kernelComplaints(levels, program, 4, 'f16');
  }
}

/** The part of the levels that is broken. */
function sitesOf(levels: Levels, level: Level, mutant: Mutant): number {
  return countSites(level === 'plan' || level === 'tables' ? levels.plan : level === 'tile' ? levels.tilePrograms : levels.kernelPrograms, mutant.match);
}

function breakAt(program: NamedCase, levels: Levels, level: Level, mutant: Mutant, site: number): Levels | undefined {
  switch (level) {
    case 'plan': {
      const plan = rewriteSite(levels.plan, mutant.match, site);
      return plan === undefined ? undefined : { ...levels, plan };
    }
    case 'tables': {
      const plan = rewriteSite(levels.plan, mutant.match, site);
      return plan === undefined ? undefined : lowerFrom(plan, program.launch.sizes.dim, lowerings[level]);
    }
    case 'tile': {
      const tilePrograms = rewriteSite(levels.tilePrograms, mutant.match, site);
      return tilePrograms === undefined ? undefined : { ...levels, tilePrograms };
    }
    case 'kernel':
    case 'staged':
    case 'halves': {
      const kernelPrograms = rewriteSite(levels.kernelPrograms, mutant.match, site);
      return kernelPrograms === undefined ? undefined : { ...levels, kernelPrograms };
    }
  }
}

function complaintAt(program: NamedCase, level: Level, levels: Levels, mutant: Mutant, site: number): string | undefined {
  try {
    const broken = breakAt(program, levels, level, mutant, site);
    return broken === undefined ? undefined : complaintsOf(program, level, broken)[0];
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message.slice(0, 120) : String(error)}`;
  }
}

/** Whether there is a program in which the mutant changes anything. */
export function applies(mutant: Mutant, level: Level, programs: readonly NamedCase[]): boolean {
  return programs.some((program) => runsAt(program, level) && sitesOf(levelsFor(program, level), level, mutant) > 0);
}

/** At most about this many sites per program, spread over all there are. */
const sitesPerProgram = 4;

/** Hunts a mutant; stops at the first catch unless `all`. */
export function hunt(mutant: Mutant, level: Level, programs: readonly NamedCase[], all = false): Hunt {
  let tried = 0;
  let caught = 0;
  let by: string | undefined;
  for (const program of programs.filter((p) => runsAt(p, level))) {
    const levels = levelsFor(program, level);
    const sites = sitesOf(levels, level, mutant);
    const stride = Math.max(1, Math.floor(sites / sitesPerProgram));
    for (let site = 0; site < sites; site += stride) {
      const complaint = complaintAt(program, level, levels, mutant, site);
      tried += 1;
      if (complaint === undefined) continue;
      caught += 1;
      by ??= `${program.name}: ${complaint}`;
      if (!all) return { tried, caught, by };
    }
  }
  return { tried, caught, by };
}
