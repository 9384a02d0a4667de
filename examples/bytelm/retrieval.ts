/**
 * Whether something said once is found again. In: a text, a window length, a distance. Out: windows of that text in which the line
 * `API_KEY = "<24 random characters>"` stands `distance` bytes before the same line at the end, cut after the last character of the key.
 * The model is judged by these characters alone. Trials differ in key and place in the text; the same trial has the same key everywhere.
 */
import { mixSeeds, randomOf } from '../../tools/random.ts';
import { windowOf } from './windows.ts';
import type { Window } from './windows.ts';

export const keyLength = 24;
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
const opening = 'API_KEY = "';
const planted = opening.length + keyLength + '"\n'.length;
const asked = opening.length + keyLength;

/** Distances of windows of a length: the planted line and the line that asks must not touch, and both lie in the window. */
export function distanceFits(distance: number, size: number): boolean {
  return distance >= planted + 1 && distance + asked + 1 <= size;
}

/** A window in which the key is planted and asked for; undefined where the text is too short or the distance does not fit. */
export function retrievalWindow(text: Uint8Array, size: number, distance: number, trial: number): Window | undefined {
  if (text.length < size || !distanceFits(distance, size)) return undefined;
  const random = randomOf(mixSeeds(trial, 24));
  const key = Array.from({ length: keyLength }, () => alphabet[random.int(0, alphabet.length)] ?? '').join('');
  const from = random.int(0, text.length - size + 1);
  const window = Uint8Array.from(text.subarray(from, from + size));
  const put = (at: number, line: string): void => window.set(new TextEncoder().encode(line), at);
  const query = size - asked;
  // Both begin a line.
  put(query - distance - 1, `\n${opening}${key}"\n`);
  put(query - 1, `\n${opening}${key}`);
  return windowOf(trial, window);
}
