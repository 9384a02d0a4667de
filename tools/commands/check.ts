/**
 * `filigree check FILE...`: reads programs with everything they import and says what is wrong with them. Exit code 1 when any has
 * an error; warnings alone are good.
 */
import type { CommandModule } from '../command-line/command.ts';
import { checkSource } from '../source.ts';
import { reportDiagnostics } from '../command-line/report.ts';

export const command: CommandModule = {
  declare: (c) => void c.description('Checks programs and says what is wrong.').argument('<file...>', '.fil files'),
  run: async (given) => {
    const results = given.files.map((file) => ({ file, diagnostics: checkSource(given, file) }));
    const failed = results.filter((r) => r.diagnostics.some((d) => d.severity === 'error'));
    if (given.json) {
      given.io.out(`${JSON.stringify({ files: results })}\n`);
      return failed.length > 0 ? 1 : 0;
    }
    for (const { diagnostics } of results) reportDiagnostics(diagnostics, given.io, given.sources, false);
    for (const { file, diagnostics } of results) if (!diagnostics.some((d) => d.severity === 'error')) given.io.out(`${file}: good\n`);
    return failed.length > 0 ? 1 : 0;
  },
};
