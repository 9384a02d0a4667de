/**
 * The processes around the commands of this example: `npm run eval -- --help`, `npm run generate -- --help`, `heads` and `speed`.
 * Exit codes as those of `filigree`.
 */
import { processIo } from '../../tools/command-line/io.ts';
import { runProgram } from '../../tools/command-line/main.ts';
import { command as evaluation } from './eval.ts';
import { command as generation } from './generation.ts';
import { command as heads } from './heads.ts';
import { command as speed } from './speed.ts';

const [name = 'eval', ...words] = process.argv.slice(2);
const command = new Map([['eval', evaluation], ['generate', generation], ['heads', heads], ['speed', speed]]).get(name) ?? evaluation;
const code = await runProgram(`npm run ${name} --`, command, words, processIo(undefined));
// An open device would keep the process.
process.exit(code);
