/**
 * Writing files so that a reader never sees half of one. In: a path, the bytes, and the files the command has read.
 * The bytes go to a temporary file beside the target, which then takes its name. An output that is one of the inputs
 * (under any spelling, link or hard link) is refused before anything is written. Failures are diagnostics.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { spanOf } from '../../dsl/span.ts';

/** A diagnostic about a whole file. */
export function fileProblem(code: 'FIL9005' | 'FIL9006', path: string, message: string, help?: string): Diagnostic {
  const base = { code, kind: 'user', severity: 'error', message, primary: { span: spanOf(path, 0, 0), text: '' }, related: [] } as const;
  return help === undefined ? base : { ...base, help };
}

/** What the system said about a failed operation, in one line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function canonical(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(canonical(parent), basename(absolute));
  }
}

/** Whether two paths name one file, existing or not. */
export function sameFile(a: string, b: string): boolean {
  if (canonical(a) === canonical(b)) return true;
  const [x, y] = [statSync(a, { throwIfNoEntry: false }), statSync(b, { throwIfNoEntry: false })];
  return x !== undefined && y !== undefined && x.ino !== 0 && x.ino === y.ino && x.dev === y.dev;
}

let serial = 0;

/** Writes a whole file or nothing; makes its folder. Throws DiagnosticError where that cannot be done. */
export function writeAtomic(path: string, data: Uint8Array | string, inputs: readonly string[]): void {
  const input = inputs.find((i) => sameFile(i, path));
  if (input !== undefined) {
    const message = `'${path}' is an input of this command and is not overwritten`;
    throw new DiagnosticError([fileProblem('FIL9006', path, message, 'choose another name for the output')]);
  }
  serial += 1;
  // Beside the target, because a rename is atomic only within one file system.
  const target = canonical(path);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}-${serial}.part`);
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeDurably(temporary, typeof data === 'string' ? Buffer.from(data) : data);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new DiagnosticError([fileProblem('FIL9006', path, `'${path}' cannot be written: ${reasonOf(error)}`)]);
  }
}

function writeDurably(path: string, data: Uint8Array): void {
  const file = openSync(path, 'wx');
  try {
    for (let at = 0; at < data.length; ) at += writeSync(file, data, at, data.length - at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
