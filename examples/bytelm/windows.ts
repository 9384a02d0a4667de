/**
 * What the model reads and what it is judged by. In: a text as bytes. Out: consecutive windows of one length (an incomplete last one is
 * dropped), each with its input, the start marker 0 followed by all bytes but the last, and its targets, all bytes of the window.
 */
export interface Window {
  /** Place in the text, in windows. */
  readonly number: number;
  readonly tokens: Int32Array;
  readonly targets: Uint8Array;
}

/** The window whose bytes are `targets`. */
export function windowOf(number: number, targets: Uint8Array): Window {
  const tokens = new Int32Array(targets.length);
  tokens.set(targets.subarray(0, -1), 1);
  return { number, tokens, targets };
}

/** Which of `count` windows: every `every`-th from the first, at most `limit`. Without `every` the `limit` are spread evenly: every floor(count / limit)-th. */
export function windowNumbers(count: number, limit?: number, every?: number): readonly number[] {
  const step = every ?? Math.max(1, Math.floor(count / (limit ?? Math.max(1, count))));
  const chosen = Math.min(limit ?? count, Math.ceil(count / step));
  return Array.from({ length: chosen }, (_, i) => i * step);
}

/** The windows of a text, or those of them that are asked for. */
export function windowsOf(text: Uint8Array, size: number, limit?: number, every?: number): readonly Window[] {
  return windowNumbers(Math.floor(text.length / size), limit, every).map((number) => windowOf(number, text.slice(number * size, (number + 1) * size)));
}
