/**
 * Progress of long work, on stderr. On a terminal one line is rewritten; elsewhere a plain line appears at most every few
 * seconds, so that logs stay short. With `quiet` (a `--json` run that is not on a terminal) nothing is written.
 */
import type { Io } from './io.ts';

export interface Progress {
  /** Shows `text` when it is time to. */
  readonly show: (text: string) => void;
  /** Removes the line. */
  readonly clear: () => void;
}

const terminalEvery = 100;
const logEvery = 5000;

export function progressOn(io: Io, quiet: boolean, now: () => number = Date.now): Progress {
  const every = io.terminal ? terminalEvery : logEvery;
  let last = io.terminal ? -Infinity : now();
  let visible = false;
  return {
    show: (text) => {
      if ((quiet && !io.terminal) || now() - last < every) return;
      last = now();
      if (io.terminal) {
        const line = text.length > io.columns - 1 ? text.slice(0, io.columns - 1) : text;
        io.err(`\r\u001b[2K${line}`);
        visible = true;
      } else io.err(`${text}\n`);
    },
    clear: () => {
      if (visible) io.err('\r\u001b[2K');
      visible = false;
    },
  };
}
