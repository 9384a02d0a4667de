/**
 * `filigree list FILE`: the masks and attentions that a file declares, with their parameters and doc comments.
 */
import { onlyFile } from '../command-line/command.ts';
import type { CommandModule } from '../command-line/command.ts';
import { openSource } from '../source.ts';
import type { Parameter } from '../source.ts';

function parameterText(p: Parameter): string {
  const type = [p.type, ...(p.unit === undefined ? [] : [p.unit]), ...(p.isTensor ? [`[${p.axes.join(', ')}]`] : [])].join(' ');
  return `${p.isConst ? 'const ' : ''}${p.name}: ${type}${p.defaultText === undefined ? '' : ` = ${p.defaultText}`}`;
}

export const command: CommandModule = {
  declare: (c) => void c.description('Lists the declarations of a program.').argument('<file>', '.fil file'),
  run: async (given) => {
    const { declarations } = openSource(given, onlyFile(given));
    if (given.json) {
      given.io.out(`${JSON.stringify(declarations)}\n`);
      return 0;
    }
    for (const d of declarations) {
      given.io.out(`${d.kind} ${d.name}(${d.parameters.map(parameterText).join(', ')})\n`);
      for (const line of d.doc) given.io.out(`    ${line.trim()}\n`);
    }
    return 0;
  },
};
