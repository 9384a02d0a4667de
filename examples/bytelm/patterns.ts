/**
 * Which patterns a command is about. In: `--pattern` (names of patterns.json, or FILE.fil[:NAME]) and `--set`. Out: a choice for each budget
 * of each. A name that nothing has, a file that is not there, a setting that is no number end the command with a diagnostic.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Span } from '../../dsl/span.ts';
import { textsOf, valueSpan } from '../../tools/command-line/command.ts';
import type { Given } from '../../tools/command-line/command.ts';
import { pathOf } from '../../tools/command-line/outputs.ts';
import { refuse, suggestion } from '../../tools/command-line/problems.ts';
import { wordSpan } from '../../tools/command-line/words.ts';
import { settingsOf } from '../../tools/commands/launch-options.ts';
import type { Parameters } from '../../tools/methods/methods-file.ts';
import { nearestFile } from '../../tools/tensor-file.ts';
import { exampleFile, readPatterns } from './programs.ts';
import type { Choice } from './programs.ts';

/** A pattern and where it was named. */
export interface Asked {
  readonly choice: Choice;
  readonly span: Span;
}

/** Those that are used everywhere; for commands that have no prompt to go before. */
export function usedEverywhere(asked: readonly Asked[]): readonly Asked[] {
  const behind = asked.find((a) => a.choice.tail !== undefined);
  if (behind !== undefined) refuse('FIL9004', `'${behind.choice.title}' chooses once, at the end of a prompt; only eval has one`, behind.span);
  return asked;
}

/** Those that are used behind a prompt need windows that hold one. */
export function withPrompts(asked: readonly Asked[], window: number): readonly Asked[] {
  for (const { choice: { tail, title }, span } of asked) {
    if (tail !== undefined && tail.rows >= window) refuse('FIL9004', `'${title}' is for the last ${tail.rows} bytes of a window; one of ${window} has no prompt before them`, span);
  }
  return asked;
}

/** `sinks + window` is asked for as `sinks-window`. */
const wordOf = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** The patterns that `--pattern` names, one for each budget; if it names none `usual`, or all of the list. */
export function patternsOf(given: Given, usual?: readonly string[]): readonly Asked[] {
  const list = readPatterns();
  const settings = settingsOf(given);
  const set: Parameters = Object.fromEntries([...settings].map(([name, { text }]) => [name, text === 'true' ? true : text === 'false' ? false : Number(text)]));
  const bad = [...settings].find(([, { text }]) => text !== 'true' && text !== 'false' && (text.trim() === '' || !Number.isFinite(Number(text))));
  if (bad !== undefined) refuse('FIL9004', `--set takes numbers, true or false, not '${bad[1].text}'`, bad[1].span);
  const named = textsOf(given, 'pattern');
  const listed = [{ title: 'dense', ...list.dense, budgets: [{}], rows: undefined, counted: undefined }, ...list.methods];
  const words = named.length > 0 ? named : usual ?? listed.map((m) => wordOf(m.title));
  return words.flatMap((word): readonly Asked[] => {
    const span = named.length === 0 ? wordSpan(given.line, () => false) : valueSpan(given, 'pattern', word);
    const file = /^(.*\.fil)(?::([A-Za-z_][A-Za-z0-9_]*))?$/.exec(word);
    if (file !== null) {
      const [, program = '', name] = file;
      if (!existsSync(pathOf(given, program))) {
        const help = nearestFile(pathOf(given, program));
        refuse('FIL9005', `the file '${program}' does not exist`, span, help === undefined ? {} : { help });
      }
      return [{ choice: { title: name ?? basename(program, '.fil'), program, name, parameters: set }, span }];
    }
    const method = listed.find((m) => wordOf(m.title) === wordOf(word));
    if (method === undefined) return refuse('FIL9004', `there is no pattern '${word}'`, span, { help: suggestion(word, listed.map((m) => wordOf(m.title)), 'patterns') });
    // What others are compared with has no settings.
    const own = method.title === 'dense' ? {} : set;
    const points = new Map(method.budgets.map((budget) => [JSON.stringify({ ...budget, ...own }), budget]));
    const { rows } = method;
    const tail = rows === undefined ? undefined : { rows, counted: method.counted ?? rows };
    return [...points.values()].map((budget) => ({ choice: { title: method.title, program: exampleFile(given, method.program), name: method.name, parameters: { ...method.parameters, ...budget, ...own }, tail }, span }));
  });
}
