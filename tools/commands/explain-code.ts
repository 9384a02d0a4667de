/**
 * `filigree explain-code CODE`: what a diagnostic code means, with a wrong and a right example. Without a code: lists them all.
 */
import type { CommandModule } from '../command-line/command.ts';
import { refuse, suggestion, toolCatalogue } from '../command-line/problems.ts';
import { wordSpan } from '../command-line/words.ts';
import { catalogue } from '../../dsl/catalogue/index.ts';

interface Entry {
  readonly code: string;
  readonly title: string;
  readonly explanation: string;
  readonly wrong: string;
  readonly right: string;
}

function indented(text: string): string {
  return text.split('\n').map((l) => `    ${l}`).join('\n');
}

export const command: CommandModule = {
  declare: (c) => void c.description('Explains a diagnostic code.').argument('[code]', 'such as FIL0203; absent: all codes'),
  run: async (given) => {
    const all: readonly Entry[] = [...catalogue, ...toolCatalogue];
    const code = given.files[0];
    if (code === undefined) {
      if (given.json) given.io.out(`${JSON.stringify(all)}\n`);
      else given.io.out(all.map((e) => `${e.code}  ${e.title}\n`).join(''));
      return 0;
    }
    const digits = /^\d+$/.test(code) ? `FIL${code.padStart(4, '0')}` : code.toUpperCase();
    const entry = all.find((e) => e.code === digits);
    if (entry === undefined) {
      return refuse('FIL9004', `there is no code '${code}'`, wordSpan(given.line, (w) => w === code), { help: suggestion(digits, all.map((e) => e.code).filter((c) => c.startsWith(digits.slice(0, 5))), 'codes nearby') });
    }
    const { title, explanation, wrong, right } = entry;
    if (given.json) given.io.out(`${JSON.stringify({ code: entry.code, title, explanation, wrong, right })}\n`);
    else given.io.out(`${entry.code}: ${title}\n\n${explanation}\n\nWrong:\n${indented(wrong)}\n\nRight:\n${indented(right)}\n`);
    return 0;
  },
};
