/**
 * The problems a command line can have, as diagnostics with codes FIL9xxx. Each function takes what is known and
 * gives the diagnostic; `toolCatalogue` explains each code (`filigree explain-code FIL9002`).
 */
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import type { Span } from '../../dsl/span.ts';
import { nearestNames } from '../../dsl/suggest.ts';

export interface ToolCode {
  readonly code: string;
  readonly title: string;
  readonly explanation: string;
  readonly wrong: string;
  readonly right: string;
}

export const toolCatalogue: readonly ToolCode[] = [
  {
    code: 'FIL9001',
    title: 'Unknown command',
    explanation: 'The first word after `filigree` names the command. `filigree --help` lists them all.',
    wrong: 'filigree chek causal.fil',
    right: 'filigree check causal.fil',
  },
  {
    code: 'FIL9002',
    title: 'Unknown option',
    explanation: 'The command has no such option. `filigree COMMAND --help` lists the options of a command.',
    wrong: 'filigree explain causal.fil --name causal --nq 64 --n-k 64',
    right: 'filigree explain causal.fil --name causal --n-q 64 --n-k 64',
  },
  {
    code: 'FIL9003',
    title: 'Something is missing',
    explanation: 'The command needs an argument, an option or the value of an option that was not given.',
    wrong: 'filigree mask causal.fil --name causal --n-q 64 --n-k 64',
    right: 'filigree mask causal.fil --name causal --n-q 64 --n-k 64 --out causal.png',
  },
  {
    code: 'FIL9004',
    title: 'A value cannot be used',
    explanation: 'An option or a setting has a value of the wrong form (a word where a whole number is needed) or outside its range.',
    wrong: 'filigree mask causal.fil --name causal --n-q many --n-k 64 --out causal.png',
    right: 'filigree mask causal.fil --name causal --n-q 64 --n-k 64 --out causal.png',
  },
  {
    code: 'FIL9005',
    title: 'A file cannot be read',
    explanation: 'A file does not exist, may not be read, or is not in the format it should be in.',
    wrong: 'filigree check casual.fil',
    right: 'filigree check causal.fil',
  },
  {
    code: 'FIL9006',
    title: 'A file cannot be written',
    explanation: 'Outputs never replace an input of the same command, under any spelling of its name, and their folder must be writable.',
    wrong: 'filigree run a.fil --name a --in qkv.safetensors --out ./qkv.safetensors --backend wgsl',
    right: 'filigree run a.fil --name a --in qkv.safetensors --out result.safetensors --backend wgsl',
  },
  {
    code: 'FIL9007',
    title: 'Not canonical',
    explanation: '`filigree fmt --check` found a file that `filigree fmt` would change.',
    wrong: 'mask   a=causal',
    right: 'mask a = causal',
  },
];

export interface ProblemExtra {
  readonly help?: string;
  readonly label?: string;
}

/** A diagnostic of the tools. Messages are sentences without the full stop. */
export function problem(code: string, message: string, span: Span, extra: ProblemExtra = {}): Diagnostic {
  return {
    code,
    kind: 'user',
    severity: 'error',
    message,
    primary: { span, text: extra.label ?? '' },
    related: [],
    ...(extra.help === undefined ? {} : { help: extra.help }),
  };
}

/** Stops the command with one problem. */
export function refuse(code: string, message: string, span: Span, extra: ProblemExtra = {}): never {
  throw new DiagnosticError([problem(code, message, span, extra)]);
}

/** The candidate nearest to `word`, when it is near enough to be what was meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  return nearestNames(word, candidates, 1)[0];
}

/** "did you mean 'x'?" or the list of what there is. */
export function suggestion(word: string, candidates: readonly string[], what: string): string {
  const near = nearest(word, candidates);
  if (near !== undefined) return `did you mean '${near}'?`;
  return candidates.length === 0 ? `there are no ${what}` : `${what}: ${candidates.join(', ')}`;
}
