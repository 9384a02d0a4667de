/**
 * The entry of `filigree`: the real process around `runCommandLine`. Exit codes: 0 good, 1 the user's input, 2 our bug.
 */
import { processIo } from './command-line/io.ts';
import type { Io } from './command-line/io.ts';
import { runCommandLine } from './command-line/main.ts';

/** Runs the process's own command line. `load` imports a part that is bundled beside this one (bin/load.mjs). */
export async function main(load: Io['load']): Promise<void> {
  // A reader that closes early (`filigree list x.fil | head -1`) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  process.exitCode = await runCommandLine(process.argv.slice(2), processIo(load));
}
