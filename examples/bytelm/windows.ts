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

/** The windows of a text, or `limit` of them, evenly chosen: every floor(count / limit)-th from the first. */
export function windowsOf(text: Uint8Array, size: number, limit?: number): readonly Window[] {
  const count = Math.floor(text.length / size);
  const chosen = limit === undefined ? count : Math.min(limit, count);
  const step = chosen === 0 ? 1 : Math.floor(count / chosen);
  return Array.from({ length: chosen }, (_, i) => windowOf(i * step, text.slice(i * step * size, (i * step + 1) * size)));
}
