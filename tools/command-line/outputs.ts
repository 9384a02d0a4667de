/**
 * Where results may be written, asked before long work starts. In: the output and the files the command has read. Holds: an output
 * is never one of the inputs, however it is spelled (relative, through a link, another hard link), and no folder.
 */
import { mkdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Span } from '../../dsl/span.ts';
import { reasonOf, sameFile } from '../io/files.ts';
import type { Given } from './command.ts';
import { refuse } from './problems.ts';

/** The absolute path of a file that the command line names. */
export function pathOf(given: Given, file: string): string {
  return resolve(given.io.folder, file);
}

/** The absolute path of an output; refuses an input of the command and a folder. */
export function claimOutput(given: Given, output: string, span: Span): string {
  const path = pathOf(given, output);
  let [isInput, isFolder] = [false, false];
  try {
    isInput = [...given.inputs].some((input) => sameFile(input, path));
    isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    refuse('FIL9006', `'${output}' cannot be written: ${reasonOf(error)}`, span);
  }
  if (isInput) refuse('FIL9006', `'${output}' is an input of this command and is not overwritten`, span, { label: 'the same file', help: 'choose another name for the output' });
  if (isFolder) refuse('FIL9006', `'${output}' is a folder`, span, { help: 'give the name of a file' });
  return path;
}

/** Makes a folder for results and those above it; its absolute path. */
export function claimFolder(given: Given, folder: string, span: Span): string {
  const path = pathOf(given, folder);
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    refuse('FIL9006', `the folder '${folder}' cannot be made: ${reasonOf(error)}`, span);
  }
  return path;
}
