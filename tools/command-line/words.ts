/**
 * The command line as a source text of its own, so that a bad argument gets a diagnostic with a caret like a bad
 * line of a program. In: argv without node and script. Out: one line of text and the span of each word in it.
 */
import { spanOf } from '../../dsl/span.ts';
import type { Span } from '../../dsl/span.ts';

/** Stands where a file name stands in spans. */
export const commandLineName = 'command line';

export interface CommandLine {
  readonly text: string;
  readonly words: readonly { readonly word: string; readonly span: Span }[];
}

const plain = /^[A-Za-z0-9_\-+=:,./~@%]+$/;

function shown(word: string): string {
  return plain.test(word) ? word : `'${word.replace(/[\r\n]+/g, ' ')}'`;
}

/** `program` is how the command is called. */
export function commandLineOf(argv: readonly string[], program = 'filigree'): CommandLine {
  let text = program;
  const words: { readonly word: string; readonly span: Span }[] = [];
  for (const word of argv) {
    text += ' ';
    const start = text.length;
    text += shown(word);
    words.push({ word, span: spanOf(commandLineName, start, text.length) });
  }
  return { text, words };
}

/** The span of the first word that satisfies `wanted`, or of the place after the last word. */
export function wordSpan(line: CommandLine, wanted: (word: string) => boolean): Span {
  const found = line.words.find(({ word }) => wanted(word));
  return found?.span ?? spanOf(commandLineName, line.text.length, line.text.length);
}

/**
 * The span of the value of an option (`--n-q 5` and `--n-q=5` alike), of the option itself when it has none, of the end of the line when
 * it was not given. `value` picks one of several occurrences.
 */
export function optionSpan(line: CommandLine, flag: string, value?: string): Span {
  for (const [i, { word, span }] of line.words.entries()) {
    if (word === flag) {
      const next = line.words[i + 1];
      if (next === undefined) return span;
      if (value === undefined || next.word === value) return next.span;
    }
    if (word.startsWith(`${flag}=`) && (value === undefined || word === `${flag}=${value}`)) {
      return spanOf(span.file, span.start + flag.length + 1, span.end);
    }
  }
  return wordSpan(line, (word) => word === value || word === flag);
}
