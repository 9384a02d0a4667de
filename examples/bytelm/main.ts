/**
 * The process around the evaluation: `npm run eval -- --help`. Exit codes as those of `filigree`.
 */
import { processIo } from '../../tools/command-line/io.ts';
import { runProgram } from '../../tools/command-line/main.ts';
import { command } from './eval.ts';

const code = await runProgram('npm run eval --', command, process.argv.slice(2), processIo(undefined));
// An open device would keep the process.
process.exit(code);
