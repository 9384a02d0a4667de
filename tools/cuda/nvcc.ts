/**
 * Running the CUDA compiler. In: the text of a `.cu` file with its region map, an architecture, what to make of it. Out: PTX or machine
 * code and what the assembler said of resources; or diagnostics that point at the lines of the user's program. `nvcc` runs as a
 * child without a shell; results are cached by content, flags and compiler version.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noNvcc } from '../../dsl/catalogue/index.ts';
import { bad, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import type { Printed } from '../../backends/document.ts';
import { cacheFolder, contentKey, fileCache } from './cache.ts';
import type { ContentCache } from './cache.ts';
import { findNvcc } from './find-nvcc.ts';
import { diagnoseNvcc } from './messages.ts';

/** Decided once: float operators are not fused behind the back of the error bounds; only `fmaf` is. */
export const nvccFlags: readonly string[] = ['-std=c++17', '--fmad=false'];

/** An architecture as `-gencode` takes it: sm_90a. */
export interface NvccRequest {
  readonly source: Printed;
  readonly arch: string;
  /** PTX text, machine code of the kernels, or a shared library with them and the launcher. */
  readonly make: 'ptx' | 'cubin' | 'library';
}

export interface NvccResult {
  /** The PTX text or the machine code. */
  readonly data: Buffer;
  /** What `ptxas -v` said; empty for PTX. */
  readonly log: string;
}

export interface NvccOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly cache?: ContentCache;
}

interface Ran {
  readonly code: number;
  readonly output: string;
}

const timeLimit = 600_000;

function execute(program: string, args: readonly string[], cwd: string | undefined): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, [...args], { cwd, timeout: timeLimit, maxBuffer: 64 * 1024 * 1024, windowsHide: true }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      const said = `${stdout}${stderr}`;
      resolve({ code, output: said === '' && error !== null ? error.message : said });
    });
  });
}

const versions = new Map<string, Promise<Ran>>();

function versionOf(nvcc: string): Promise<Ran> {
  const known = versions.get(nvcc) ?? execute(nvcc, ['--version'], undefined);
  versions.set(nvcc, known);
  return known;
}

/** What makes a library of a `.cu` with its launcher: machine code, and PTX where later machines may compile that. */
export function libraryFlags(arch: string): readonly string[] {
  const virtual = arch.replace(/^sm_/, 'compute_');
  const code = arch.endsWith('a') ? arch : `[${arch},${virtual}]`;
  return ['-shared', '-Xcompiler', '-fPIC', '-O3', ...nvccFlags, `-gencode=arch=${virtual},code=${code}`];
}

function flagsOf({ arch, make }: NvccRequest): readonly string[] {
  const virtual = arch.replace(/^sm_/, 'compute_');
  if (make === 'library') return [...libraryFlags(arch), '-Xptxas', '-v'];
  // Line information lets findings about instructions name the line of the `.cu` text.
  return make === 'ptx'
    ? ['-ptx', `-arch=${virtual}`, ...nvccFlags, '-lineinfo']
    : ['-cubin', `-gencode=arch=${virtual},code=${arch}`, ...nvccFlags, '-Xptxas', '-v'];
}

/** Compiles one file. */
export async function runNvcc(request: NvccRequest, options: NvccOptions = {}): Promise<Checked<NvccResult>> {
  const found = findNvcc(options.environment);
  if ('looked' in found) return bad([noNvcc(noSpan, { looked: found.looked })]);
  const version = await versionOf(found.path);
  if (version.code !== 0) return bad([noNvcc(noSpan, { looked: [found.path], reason: version.output.trim().split('\n').at(-1) ?? '' })]);
  const cache = options.cache ?? fileCache(join(cacheFolder(options.environment), 'cuda'));
  const flags = flagsOf(request);
  const key = contentKey([version.output, flags.join('\n'), request.source.text]);
  const name = `${key}.${request.make}`;
  const [data, log] = [cache.get(name), cache.get(`${name}.log`)];
  if (data !== undefined && log !== undefined) return good({ data, log: log.toString() });

  const folder = mkdtempSync(join(tmpdir(), 'filigree-nvcc-'));
  try {
    writeFileSync(join(folder, 'kernels.cu'), request.source.text);
    const ran = await execute(found.path, [...flags, 'kernels.cu', '-o', 'kernels.out'], folder);
    if (ran.code !== 0) return bad(diagnoseNvcc(ran.output, request.source.regions));
    const made = readFileSync(join(folder, 'kernels.out'));
    // The log last: its presence says that both are there.
    cache.put(name, made);
    cache.put(`${name}.log`, ran.output);
    return good({ data: made, log: ran.output });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
