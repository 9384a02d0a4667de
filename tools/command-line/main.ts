/**
 * The whole command line as one function: argv in, exit code out. 0: good. 1: the user's input is at fault, said in
 * diagnostics on stderr. 2: a bug of ours, said without a stack trace unless --debug is given. Commands are loaded when they are
 * named, so that a quick one does not wait for the parts of a slow one.
 */
import { Command, CommanderError } from 'commander';
import { CompilerBug, DiagnosticError } from '../../dsl/diagnostic.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import type { CommandModule, Given } from './command.ts';
import type { Io } from './io.ts';
import { problem, suggestion } from './problems.ts';
import { progressOn } from './progress.ts';
import { reportDiagnostics } from './report.ts';
import { commandLineName, commandLineOf, wordSpan } from './words.ts';
import type { CommandLine } from './words.ts';

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: CommandModule }>;
}

const commands: Readonly<Record<string, Entry>> = {
  check: { summary: 'check programs and say what is wrong', load: () => import('../commands/check.ts') },
  fmt: { summary: 'rewrite programs in canonical form', load: () => import('../commands/fmt.ts') },
  list: { summary: 'list the declarations of a program', load: () => import('../commands/list.ts') },
  build: { summary: 'write kernels, host plans and typed modules', load: () => import('../commands/build.ts') },
  mask: { summary: 'draw or save a mask', load: () => import('../commands/mask.ts') },
  run: { summary: 'run an attention on tensors', load: () => import('../commands/run.ts') },
  explain: { summary: 'say how an attention is computed and what it costs', load: () => import('../commands/explain.ts') },
  fuzz: { summary: 'test the compiler with random programs or data', load: () => import('../commands/fuzz.ts') },
  bench: { summary: 'measure programs against the dense causal kernel', load: () => import('../commands/bench.ts') },
  report: { summary: 'measure methods of selection on real heads', load: () => import('../commands/report.ts') },
  tune: { summary: 'choose a program and parameters for each head', load: () => import('../commands/tune.ts') },
  demo: { summary: 'compile, run, check and draw every example', load: () => import('../commands/demo.ts') },
  'explain-code': { summary: 'explain a diagnostic code', load: () => import('../commands/explain-code.ts') },
};

/** `--set a=1 b=2` is written out as `--set a=1 --set b=2`, so that a file may follow. */
function expandSettings(argv: readonly string[]): readonly string[] {
  const out: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    out.push(word);
    if (word !== '--set') continue;
    for (let first = true; i + 1 < argv.length && /^[^-=/.][^=/]*=/.test(argv[i + 1] ?? ''); first = false) {
      if (!first) out.push('--set');
      out.push(argv[i + 1] ?? '');
      i += 1;
    }
  }
  return out;
}

function quietly(command: Command, io: Io): Command {
  return command.exitOverride().configureOutput({ writeOut: io.out, writeErr: () => undefined, outputError: () => undefined }).showSuggestionAfterError(false);
}

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((n) => n.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `filigree: sparse attention, from a few lines to proven kernels\n\nUsage: filigree COMMAND [arguments] [options]\n\n${lines.join('\n')}\n\nfiligree COMMAND --help shows the options of a command. Options for all: --json, --debug.\n`;
}

/** Runs one command line. Never throws. */
export function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  return guarded(commandLineOf(argv), argv, io, (bare) => dispatch(argv, bare));
}

/** Runs a command that is a program of its own, such as one of an example: `program` is how it is called. Never throws. */
export function runProgram(program: string, module: CommandModule, argv: readonly string[], io: Io): Promise<number> {
  return guarded(commandLineOf(argv, program), argv, io, (bare) => runModule(program, module, argv, bare));
}

async function guarded(line: CommandLine, argv: readonly string[], io: Io, run: (bare: Given) => Promise<number>): Promise<number> {
  const json = argv.includes('--json');
  const debug = argv.includes('--debug');
  const sources = new Map([[commandLineName, line.text]]);
  const progress = progressOn(io, json);
  try {
    return await run({ io, line, files: [], options: {}, json, progress, sources, inputs: new Set() });
  } catch (error) {
    progress.clear();
    return failed(error, { io, sources, json, debug });
  }
}

async function dispatch(argv: readonly string[], bare: Given): Promise<number> {
  const { io, line } = bare;
  const name = argv.find((word) => !word.startsWith('-'));
  if (argv.length === 0 || (name === undefined && argv.some((w) => w === '--help' || w === '-h')) || name === 'help') {
    io.out(overview());
    return argv.length === 0 ? 1 : 0;
  }
  const entry = name === undefined ? undefined : commands[name];
  if (name === undefined || entry === undefined || !Object.hasOwn(commands, name)) {
    const said = name ?? argv[0] ?? '';
    const span = wordSpan(line, (word) => word === said);
    throw new DiagnosticError([problem('FIL9001', `there is no command '${said}'`, span, { help: suggestion(said, Object.keys(commands), 'commands') })]);
  }
  const { command } = await entry.load();
  const at = argv.indexOf(name);
  return runModule(`filigree ${name}`, command, [...argv.slice(0, at), ...argv.slice(at + 1)], bare);
}

async function runModule(title: string, module: CommandModule, words: readonly string[], bare: Given): Promise<number> {
  const { io, line } = bare;
  const command = quietly(new Command(title), io);
  module.declare(command);
  command.option('--json', 'machine-readable output').option('--debug', 'show stack traces of internal errors');
  try {
    command.parse(expandSettings(words), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      throw new DiagnosticError([commanderProblem(error, command, line)]);
    }
    throw error;
  }
  const code = await module.run({ ...bare, files: command.args, options: command.opts() });
  bare.progress.clear();
  return code;
}

/** Commander's complaint as a diagnostic that points at the word. */
function commanderProblem(error: CommanderError, command: Command, line: CommandLine): Diagnostic {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const flags = command.options.map((o) => o.long ?? o.short ?? '');
  switch (error.code) {
    case 'commander.unknownOption': {
      const flag = quoted.split('=')[0] ?? quoted;
      const help = suggestion(flag, flags, 'options');
      return problem('FIL9002', `unknown option '${flag}'`, wordSpan(line, (w) => w === quoted || w.startsWith(`${flag}=`)), { help });
    }
    case 'commander.optionMissingArgument': {
      const flag = /--[a-z0-9-]+/.exec(quoted)?.[0] ?? quoted;
      return problem('FIL9003', `the option ${flag} needs a value`, wordSpan(line, (w) => w === flag), { help: `as in ${quoted}` });
    }
    case 'commander.missingArgument':
      return problem('FIL9003', `the argument ${quoted.toUpperCase()} is missing`, wordSpan(line, () => false), { help: `usage: ${command.name()} ${command.usage()}` });
    case 'commander.excessArguments': {
      const extra = command.args[command.registeredArguments.length];
      return problem('FIL9004', `too many arguments`, wordSpan(line, (w) => w === extra), { help: `usage: ${command.name()} ${command.usage()}` });
    }
    default:
      return problem('FIL9004', error.message.replace(/^error: /, ''), wordSpan(line, (w) => w === quoted));
  }
}

interface FailureContext {
  readonly io: Io;
  readonly sources: ReadonlyMap<string, string>;
  readonly json: boolean;
  readonly debug: boolean;
}

function failed(error: unknown, context: FailureContext): number {
  if (error instanceof DiagnosticError) {
    reportDiagnostics(error.diagnostics, context.io, context.sources, context.json);
    return error.diagnostics.some((d) => d.kind === 'bug') ? 2 : 1;
  }
  const { io } = context;
  const message = error instanceof Error ? error.message : String(error);
  const stage = error instanceof CompilerBug ? error.stage : 'tools';
  if (context.json) io.err(`${JSON.stringify({ bug: { stage, message } })}\n`);
  else {
    io.err(`filigree: internal error: ${message}\n`);
    io.err('This is a bug of Filigree, not of your program. Please report it with the command line and the .fil file.\n');
  }
  if (context.debug && error instanceof Error) io.err(`${error.stack ?? ''}\n`);
  return 2;
}
