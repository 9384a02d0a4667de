/**
 * The outside of a command: where its text goes. Commands never touch process.stdout or process.stderr themselves, so that
 * tests can run them in-process and read what they said. Results go to `out`, diagnostics and progress to `err`.
 */
import type { RandomPrograms } from '../fuzz/random-programs.ts';

export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `err` is a terminal whose last line may be rewritten. */
  readonly terminal: boolean;
  readonly columns: number;
  readonly color: boolean;
  /** The folder against which relative paths are resolved. */
  readonly folder: string;
  /** The random programs of the test support, which stand outside the tools; absent in an installation without them. */
  readonly load?: ((part: 'random-spec') => Promise<RandomPrograms>) | undefined;
}

/** The real process. */
export function processIo(load: Io['load']): Io {
  const terminal = process.stderr.isTTY === true;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    terminal,
    columns: process.stderr.columns ?? 100,
    color: terminal && process.env['NO_COLOR'] === undefined,
    folder: process.cwd(),
    load,
  };
}

/** Collects everything; for tests. */
export function memoryIo(folder: string, load?: Io['load']): Io & { readonly stdout: () => string; readonly stderr: () => string } {
  const outs: string[] = [];
  const errs: string[] = [];
  return {
    out: (text) => void outs.push(text),
    err: (text) => void errs.push(text),
    terminal: false,
    columns: 100,
    color: false,
    folder,
    load,
    stdout: () => outs.join(''),
    stderr: () => errs.join(''),
  };
}
