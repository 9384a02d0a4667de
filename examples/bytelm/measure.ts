/**
 * One pattern on windows and retrieval trials. In: a program of the model, windows, and what has been measured before. Out: the row, told
 * after every window so that it can be kept. A pattern for the end of a window is judged by its last bytes; in a trial it begins so that what
 * it chooses from ends with the question, and the bytes of the key are decoded. Two forms of the chain are run: on a few windows one that counts what the mask lets through as
 * well, on all others the plain one.
 */
import { selectionWork } from '../../compiler/report/stage-work.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { TensorValue } from '../../compiler/spec/ir.ts';
import type { Backend } from '../../tools/engines/engine.ts';
import { orRefuse } from '../../tools/commands/launch-options.ts';
import { livePairs, withCounts } from './counted.ts';
import type { ModelProgram } from './programs.ts';
import { keyLength } from './retrieval.ts';
import { openReader } from './reader.ts';
import type { Prompts, Reader } from './reader.ts';
import type { Row, Trial } from './results.ts';
import type { Outputs } from './runner.ts';
import { mean, scoreBytes } from './score.ts';
import type { Scored } from './score.ts';
import type { Window } from './windows.ts';

export interface MeasureRequest {
  readonly program: ModelProgram;
  readonly windows: readonly Window[];
  /** Windows of each distance. */
  readonly trials: ReadonlyMap<number, readonly Window[]>;
  readonly before: Row | undefined;
  readonly text: string;
  readonly backend: Backend;
  readonly adapter: string | undefined;
  /** For patterns that are used behind one. */
  readonly prompts: Prompts;
  readonly done: (row: Row, what: string) => void;
}

/** Windows whose pairs are counted: a mask that nothing chooses at run time lets the same through in all of them. */
function countedWindows(program: ModelProgram, windows: readonly Window[]): ReadonlySet<number> {
  const wanted = program.attention.stages.length === 0 ? 1 : 2;
  return new Set(Array.from({ length: wanted }, (_, i) => windows[Math.floor((i * windows.length) / wanted)]?.number ?? -1));
}

const last = <T extends Float64Array | Uint8Array>(values: T, count: number): number => mean(values.subarray(values.length - count));

function trialOf({ nats, hits }: Scored): Trial {
  return { nats: last(nats, keyLength), accuracy: last(hits, keyLength), natsLater: last(nats, keyLength - 2), accuracyLater: last(hits, keyLength - 2) };
}

/** Float operations of the stages of all calls of the attention. */
function selectionOf({ attention, chain, sizes, scalars, tensors }: ModelProgram): number {
  const at = chain.units.findIndex((u) => u.computes === 'attention');
  const calls = chain.calls.filter((c) => c.unit === at);
  if (attention.stages.length === 0) return 0;
  const given = new Map(attention.tensors.flatMap((t): readonly (readonly [string, TensorValue])[] => {
    const value = tensors.get(t.name);
    return value === undefined ? [] : [[t.name, value]];
  }));
  const known = new Map(attention.scalars.map((s) => [s.name, scalars.get(s.name) ?? 0] as const));
  return calls.length * selectionWork(attention, { sizes, scalars: known, tensors: given }).flops;
}

export async function measurePattern({ program, windows, trials, before, text, backend, adapter, prompts, done }: MeasureRequest): Promise<Row> {
  const size = program.sizes.nK;
  const { rows, counted } = program.tail ?? { rows: size, counted: size };
  const trialRows = program.tail === undefined ? size : rows - counted + keyLength;
  let row: Row = before ?? {
    title: program.title, program: program.program, name: program.attention.name, settings: settingsText(program), window: size, counted, text, device: '',
    selectionFlops: selectionOf(program), nats: {}, live: {}, retrieval: {},
  };
  const put = (next: Row, what: string): void => {
    row = next;
    done(row, what);
  };
  const open = async (chain: ChainSpec): Promise<Reader> => {
    const reader = orRefuse(await openReader(program, chain, prompts, backend, adapter));
    row = { ...row, device: reader.device };
    return reader;
  };
  const scored = async (reader: Reader, window: Window, count: number): Promise<{ readonly outputs: Outputs; readonly scored: Scored }> => {
    const outputs = orRefuse(await reader.read(window, count));
    const logits = outputs.get('y.logits')?.values ?? [];
    return { outputs, scored: scoreBytes(logits, window.targets.subarray(window.targets.length - count)) };
  };

  const withLive = countedWindows(program, windows);
  const toCount = windows.filter((w) => withLive.has(w.number) && row.live[w.number] === undefined);
  if (toCount.length > 0) {
    const reader = await open(withCounts(program.chain));
    for (const window of toCount) {
      const { outputs, scored: s } = await scored(reader, window, rows);
      const live = livePairs(outputs, program.sizes.heads, counted);
      put({ ...row, nats: { ...row.nats, [window.number]: last(s.nats, counted) }, live: { ...row.live, [window.number]: live } }, `window ${window.number}, counted`);
    }
    reader.close();
  }
  const open1 = windows.filter((w) => row.nats[w.number] === undefined);
  const open2 = [...trials].flatMap(([distance, list]) => list.filter((w) => row.retrieval[distance]?.[w.number] === undefined).map((window) => ({ distance, window })));
  if (open1.length + open2.length === 0) return row;
  const reader = await open(program.chain);
  for (const window of open1) {
    const { scored: s } = await scored(reader, window, rows);
    put({ ...row, nats: { ...row.nats, [window.number]: last(s.nats, counted) } }, `window ${window.number}`);
  }
  for (const { distance, window } of open2) {
    const { scored: s } = await scored(reader, window, trialRows);
    const known = row.retrieval[distance] ?? {};
    put({ ...row, retrieval: { ...row.retrieval, [distance]: { ...known, [window.number]: trialOf(s) } } }, `distance ${distance}, trial ${window.number}`);
  }
  reader.close();
  return row;
}

/** Parameters in words; whole tables only by name. */
export function settingsText({ parameters }: ModelProgram): string {
  return Object.entries(parameters).map(([name, value]) => (typeof value === 'object' ? name : `${name} = ${value}`)).join(', ');
}
