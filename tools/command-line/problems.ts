/**
 * The problems a command line can have, as diagnostics with codes FIL9xxx. Each function takes what is known and
 * gives the diagnostic; `toolCatalogue` explains each code (`filigree explain-code FIL9002`).
 */
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import type { Span } from '../../dsl/span.ts';

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
    title: 'No such parameter',
    explanation: '`--set` gives a value to a scalar or `const` parameter of the declaration, `--tensors` and `--in` give tensors by name.',
    wrong: 'filigree mask window.fil --name window --n-q 64 --n-k 64 --set widnow=8 --out w.png',
    right: 'filigree mask window.fil --name window --n-q 64 --n-k 64 --set window=8 --out w.png',
  },
  {
    code: 'FIL9008',
    title: 'A parameter has no value',
    explanation: 'The declaration has a parameter without a default, and the command line gives no value for it.',
    wrong: 'filigree explain window.fil --name window --n-q 64 --n-k 64',
    right: 'filigree explain window.fil --name window --n-q 64 --n-k 64 --set window=8',
  },
  {
    code: 'FIL9009',
    title: 'A tensor does not fit',
    explanation: 'A tensor of the file has another shape or element type than the declaration asks for, or values the type cannot hold.',
    wrong: 'doc: F32 [64] for `doc: int[keys]`',
    right: 'doc: I32 [64] for `doc: int[keys]`',
  },
  {
    code: 'FIL9010',
    title: 'No such declaration',
    explanation: 'The file declares nothing by this name. `filigree list FILE` shows what it declares.',
    wrong: 'filigree explain window.fil --name windw --n-q 64 --n-k 64',
    right: 'filigree explain window.fil --name window --n-q 64 --n-k 64',
  },
  {
    code: 'FIL9011',
    title: 'No device',
    explanation: 'The command needs a WebGPU device and none could be opened, or it was lost or ran out of memory.',
    wrong: '(an installation without the optional WebGPU packages)',
    right: 'npm ci',
  },
  {
    code: 'FIL9012',
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
    kind: code === 'FIL9011' ? 'resource' : 'user',
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

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The candidate nearest to `word`, when it is near enough to be what was meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < least) {
      best = candidate;
      least = d;
    }
  }
  return best;
}

/** "did you mean 'x'?" or the list of what there is. */
export function suggestion(word: string, candidates: readonly string[], what: string): string {
  const near = nearest(word, candidates);
  if (near !== undefined) return `did you mean '${near}'?`;
  return candidates.length === 0 ? `there are no ${what}` : `${what}: ${candidates.join(', ')}`;
}
