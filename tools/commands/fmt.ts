/**
 * `filigree fmt FILE...`: prints programs in canonical form. --check says which files would change (exit code 1); --write rewrites the
 * files that would, each as a whole or not at all.
 */
import { has } from '../command-line/command.ts';
import type { CommandModule } from '../command-line/command.ts';
import { pathOf } from '../command-line/outputs.ts';
import { problem, refuse } from '../command-line/problems.ts';
import { wordSpan } from '../command-line/words.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import { formatSource } from '../../dsl/format-source.ts';
import { spanOf } from '../../dsl/span.ts';
import { writeAtomic } from '../io/files.ts';
import { programPath, readSource } from '../source.ts';

export const command: CommandModule = {
  declare: (c) => {
    c.description('Prints programs in canonical form.')
      .argument('<file...>', '.fil files')
      .option('--check', 'only say which files would change')
      .option('--write', 'rewrite the files in place');
  },
  run: async (given) => {
    const [check, write] = [has(given, 'check'), has(given, 'write')];
    if (check && write) refuse('FIL9004', '--check and --write exclude each other', wordSpan(given.line, (w) => w === '--write'));
    const formatted = given.files.map((file) => {
      const before = readSource(given, file);
      const after = formatSource(before, programPath(file));
      if (!after.ok) throw new DiagnosticError(after.diagnostics);
      return { file, before, after: after.value };
    });
    const changed = formatted.filter((f) => f.before !== f.after);
    if (check) {
      if (given.json) given.io.out(`${JSON.stringify({ changed: changed.map((f) => f.file) })}\n`);
      if (changed.length === 0 || given.json) return changed.length === 0 ? 0 : 1;
      throw new DiagnosticError(changed.map((f) => problem('FIL9007', `'${f.file}' is not in canonical form`, spanOf(programPath(f.file), 0, 0), { help: `run filigree fmt --write ${f.file}` })));
    }
    if (write) {
      for (const f of changed) writeAtomic(pathOf(given, f.file), f.after, []);
      given.io.out(given.json ? `${JSON.stringify({ changed: changed.map((f) => f.file) })}\n` : changed.map((f) => `${f.file}\n`).join(''));
      return 0;
    }
    if (given.json) given.io.out(`${JSON.stringify(formatted.map(({ file, after }) => ({ file, text: after })))}\n`);
    else for (const f of formatted) given.io.out(f.after);
    return 0;
  },
};
