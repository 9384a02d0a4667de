/**
 * FIL09xx: our own bugs. They ask for a report and never blame the user; the exit code is 2.
 */
import { entry } from './entry.ts';

const askForReport = 'this is a bug of Filigree; please report it with the source file';

export const internalError = entry<{ readonly stage: string; readonly message: string }>({
  code: 'FIL0901',
  kind: 'bug',
  title: 'Bug in the compiler',
  explanation: 'A promise between two steps of the compiler was broken. The program may well be right.',
  wrong: '(any program)',
  right: '(the same program, after the bug is fixed)',
  say: ({ stage, message }) => ({ message: `${stage}: ${message}`, help: askForReport }),
});

export const kernelRejected = entry<{ readonly device: string; readonly message: string }>({
  code: 'FIL0902',
  kind: 'bug',
  title: 'Kernel rejected by the device',
  explanation: 'The device refused the text of a generated kernel. The place shown is the line of the program it came from.',
  wrong: '(any program)',
  right: '(the same program, after the bug is fixed)',
  say: ({ device, message }) => ({ message: `${device} rejected the kernel made from this: ${message}`, label: 'made from here', help: askForReport }),
});

export const ptxNotUnderstood = entry<{ readonly line: number; readonly message: string }>({
  code: 'FIL0903',
  kind: 'bug',
  title: 'PTX the emulator does not know',
  explanation: 'The emulator executes the instructions that the CUDA backend is known to lead to. One it does not know is refused and named, never guessed.',
  wrong: '(a program whose compiled kernel holds another instruction)',
  right: '(the same program, after the instruction was added to the emulator)',
  say: ({ line, message }) => ({ message: `line ${line} of the PTX: ${message}`, help: askForReport }),
});

export const bugsEntries = [internalError, kernelRejected, ptxNotUnderstood];
