/**
 * `filigree build`: being connected; refuses until it is.
 */
import type { CommandModule } from '../command-line/command.ts';

export const command: CommandModule = {
  declare: (c) => void c.description('being connected'),
  run: async () => {
    throw new Error('being connected');
  },
};
