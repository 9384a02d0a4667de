/**
 * `npm run eval -- --check [--backend NAME] [--bytes COUNT] [--pattern ...]`: is the model right? The first bytes of the text through the
 * interpreter, tile programs, a WebGPU device and, where nvcc is, CUDA kernels on the emulator; their logits against the reference in float64 and
 * against each other, each within what f32 arithmetic may be off. Reference and device also against the published values of 300 bytes.
 */
import { readFileSync } from 'node:fs';
import { choiceOf, countOf, textOf } from '../../tools/command-line/command.ts';
import type { Given } from '../../tools/command-line/command.ts';
import { wordSpan } from '../../tools/command-line/words.ts';
import type { Backend } from '../../tools/engines/engine.ts';
import { backends } from '../../tools/engines/index.ts';
import { orRefuse } from '../../tools/commands/launch-options.ts';
import { figure, percent, tableText } from '../../tools/table.ts';
import { distanceOf, expectedFor, referenceLogits } from './expected.ts';
import type { Distance, Expected } from './expected.ts';
import { dataFile, shape } from './model.ts';
import type { Weights } from './model.ts';
import { exampleFile, modelProgram, readPatterns } from './programs.ts';
import { openRunner } from './runner.ts';
import { mean, scoreBytes } from './score.ts';
import { windowOf } from './windows.ts';
import type { Window } from './windows.ts';

/** What the published implementation gave for the first 300 bytes. */
export interface PublishedLogits {
  readonly natsPerByte: number;
  /** [place in the logits of position 299, value]. */
  readonly logits: readonly (readonly [number, number])[];
  /** The likeliest byte after each of positions 290 to 299. */
  readonly likeliest: readonly number[];
}

const published = { bytes: 300, position: 299 };

/** Half a unit of the last digit printed, and the 2.5e-5 that the published implementations in f32 and float64 were apart. */
export const publishedTolerance = 2.5e-5 + 5e-6;

/** Errors of logits go either way; their mean over 300 bytes is a tenth of the largest, and rarely that. */
const lossTolerance = 5e-6;

export function readForwardCheck(): PublishedLogits {
  const parsed: unknown = JSON.parse(readFileSync(dataFile('forward-check.json'), 'utf8'));
  const fields = new Map<string, unknown>(Object.entries(typeof parsed === 'object' && parsed !== null ? parsed : {}));
  const numbers = (name: string): readonly number[] => {
    const value = fields.get(name);
    return Array.isArray(value) ? value.map(Number) : [Number(value)];
  };
  const from = (name: string, first: number): readonly (readonly [number, number])[] => numbers(name).map((v, i) => [first + i, v]);
  return {
    natsPerByte: numbers('nats_per_byte')[0] ?? NaN,
    likeliest: numbers('argmax_next_byte_positions_290_to_299'),
    logits: [...from('logits_position_299_first8', 0), ...from('logits_position_299_for_bytes_97_to_104', 97)],
  };
}

/** The largest difference to the published logits, and that of the loss. */
export function besideForwardCheck(logits: ArrayLike<number>, { targets }: Window, check: PublishedLogits): { readonly logits: number; readonly loss: number } {
  return {
    logits: Math.max(...check.logits.map(([o, wanted]) => Math.abs((logits[published.position * shape.bytes + o] ?? NaN) - wanted))),
    loss: Math.abs(mean(scoreBytes(logits, targets).nats) - check.natsPerByte),
  };
}

export const windowOfBytes = (count: number): Window => windowOf(0, Uint8Array.from(readFileSync(dataFile('eval-text.bin')).subarray(0, count)));

type Ran = { readonly backend: Backend; readonly device: string; readonly logits: ArrayLike<number> };
type Skipped = { readonly backend: Backend; readonly reason: string };

async function logitsOn(given: Given, backend: Backend, window: Window, weights: Weights): Promise<Ran | Skipped> {
  const { dense } = readPatterns();
  const choice = { title: 'dense', program: exampleFile(given, dense.program), name: dense.name, parameters: dense.parameters };
  const n = window.tokens.length;
  const { chain, scalars, tensors } = modelProgram(given, { choice, window: n, weights, tensors: new Map(), span: wordSpan(given.line, () => false) });
  const runner = orRefuse(await openRunner({ chain, sizes: { batch: 1, nQ: n, nK: n }, scalars, fixed: tensors, backend, adapter: textOf(given, 'adapter') }));
  const outputs = await runner.run(new Map([['token', { extents: [1, n], data: window.tokens }]]));
  runner.close();
  // What this machine has no compiler or device for is left out; whoever names it wants to know.
  if (!outputs.ok && choiceOf(given, 'backend', backends) === undefined) return { backend, reason: outputs.diagnostics[0]?.message ?? 'refused' };
  return { backend, device: runner.device, logits: orRefuse(outputs).get('y.logits')?.values ?? [] };
}

/** Each against the reference, then all pairs. */
function distancesOf(ran: readonly Ran[], { logits, allowed }: Expected): readonly { readonly pair: string; readonly distance: Distance }[] {
  const inexact = ({ backend }: Ran): boolean => backend !== 'interpreter';
  return [
    ...ran.map((r) => ({ pair: `${r.backend} - reference`, distance: distanceOf(r.logits, logits, allowed, 1) })),
    ...ran.flatMap((a, i) => ran.slice(i + 1).map((b) => ({ pair: `${a.backend} - ${b.backend}`, distance: distanceOf(a.logits, b.logits, allowed, inexact(a) && inexact(b) ? 2 : 1) }))),
  ];
}

/** The exit code: 0, or 2 where something is farther off than it may be. */
export async function checkModel(given: Given, weights: Weights): Promise<number> {
  const bytes = countOf(given, 'bytes', 2, 4096) ?? 16;
  const only = choiceOf(given, 'backend', backends);
  const window = windowOfBytes(bytes);
  given.progress.show('the reference');
  const expected = expectedFor(weights, Uint8Array.from(window.tokens));
  const all: (Ran | Skipped)[] = [];
  for (const backend of only === undefined ? ['interpreter', 'tile', 'wgsl', 'cuda-emulated'] as const : [only]) {
    given.progress.show(`${bytes} bytes on ${backend}`);
    all.push(await logitsOn(given, backend, window, weights));
  }
  const ran = all.flatMap((r) => ('logits' in r ? [r] : []));
  const skipped = all.flatMap((r) => ('reason' in r ? [r] : []));
  const distances = distancesOf(ran, expected);

  given.progress.show('the published values');
  const check = readForwardCheck();
  const long = windowOfBytes(published.bytes);
  const reference = referenceLogits(weights, Uint8Array.from(long.tokens));
  const device = ran.some((r) => r.backend === 'wgsl') ? [await logitsOn(given, 'wgsl', long, weights)].flatMap((r) => ('logits' in r ? [r] : [])) : [];
  const beside = [{ pair: 'reference - published', ...besideForwardCheck(reference, long, check) }, ...device.map((r) => ({ pair: 'wgsl - published', ...besideForwardCheck(r.logits, long, check) }))];
  given.progress.clear();

  const wrong = distances.some(({ distance }) => !(distance.ofAllowed <= 1)) || beside.some((b) => !(b.logits <= publishedTolerance && b.loss <= lossTolerance));
  if (given.json) given.io.out(`${JSON.stringify({ bytes, distances, published: beside, skipped, right: !wrong })}\n`);
  else {
    const right = (title: string) => ({ title, align: 'right' as const });
    given.io.out(tableText([{ title: `${bytes} bytes, ${bytes * shape.bytes} logits`, align: 'left' }, right('apart'), right('of what f32 may be')], distances.map(({ pair, distance }) => [pair, figure(distance.largest), percent(distance.ofAllowed)])));
    given.io.out(`\n${tableText([{ title: `${published.bytes} bytes, ${check.logits.length} logits and the loss`, align: 'left' }, right('apart'), right('loss apart')], beside.map((b) => [b.pair, figure(b.logits), figure(b.loss)]))}`);
    skipped.forEach((s) => given.io.out(`without ${s.backend}: ${s.reason}\n`));
    given.io.out(`${ran.map((r) => (r.device === r.backend ? r.backend : `${r.backend}: ${r.device}`)).join('; ')}\n${wrong ? 'WRONG' : 'all within what rounding may do'}\n`);
  }
  return wrong ? 2 : 0;
}
