/**
 * Safetensors files that the command line names. In: the file and where it is named. Out: its tensors; the file counts as
 * an input of the command from then on.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Span } from '../dsl/span.ts';
import { DiagnosticError } from '../dsl/diagnostic.ts';
import type { Given } from './command-line/command.ts';
import { pathOf } from './command-line/outputs.ts';
import { nearest, refuse } from './command-line/problems.ts';
import { readSafetensors } from './io/safetensors.ts';
import type { SafetensorsFile } from './io/safetensors.ts';
import type { RawTensor } from './tensors.ts';

/** "did you mean 'x'?" among the files of the folder. */
export function nearestFile(path: string): string | undefined {
  try {
    const near = nearest(basename(path), readdirSync(dirname(path)));
    return near === undefined ? undefined : `did you mean '${near}'?`;
  } catch {
    return `there is no folder '${dirname(path)}'`;
  }
}

/** The tensors of a file by name. */
export function readTensors(given: Given, file: string, span: Span): ReadonlyMap<string, RawTensor> {
  return readTensorFile(given, file, span).tensors;
}

/** The tensors of a file and the notes in it. */
export function readTensorFile(given: Given, file: string, span: Span): SafetensorsFile {
  const path = pathOf(given, file);
  if (!existsSync(path)) {
    const help = nearestFile(path);
    refuse('FIL9005', `the file '${file}' does not exist`, span, help === undefined ? {} : { help });
  }
  given.inputs.add(path);
  const read = readSafetensors(path);
  if (!read.ok) throw new DiagnosticError(read.diagnostics.map((d) => ({ ...d, primary: { span, text: 'this file' } })));
  return read.value;
}
