/**
 * What both kinds of mask pictures share: the mask as bits, its classification into tiles, colours, how heads are
 * arranged on the page, and round numbers for axes. Plain functions of sizes; nothing is drawn here.
 */

/** Bytes 0 and 1, [heads, n_q, n_k]. */
export interface MaskBits {
  readonly heads: number;
  readonly nQ: number;
  readonly nK: number;
  readonly bits: Uint8Array;
}

/** What is known about each tile: 0 empty, 1 partial, 2 full; [heads, ceil(n_q / queryTile), ceil(n_k / keyTile)]. */
export interface TileClasses {
  readonly queryTile: number;
  readonly keyTile: number;
  readonly classes: Uint8Array;
}

export type Rgb = readonly [number, number, number];

/** Ink on warm paper; partial tiles in copper, so that they stand out against full ones in print and for the colour-blind. */
export const palette = {
  page: [253, 252, 249],
  dead: [241, 238, 231],
  live: [38, 55, 97],
  frame: [176, 169, 154],
  text: [74, 70, 62],
  partialDead: [250, 228, 203],
  partialLive: [190, 98, 38],
  fullTile: [31, 92, 106],
  grid: [255, 255, 255],
} as const satisfies Readonly<Record<string, Rgb>>;

export function hex([r, g, b]: Rgb): string {
  return `#${[r, g, b].map((c) => c.toString(16).padStart(2, '0')).join('')}`;
}

/** The colour at `t` in [0, 1] between two others. */
export function mix(a: Rgb, b: Rgb, t: number): Rgb {
  const at = (i: 0 | 1 | 2): number => Math.round(a[i] + (b[i] - a[i]) * t);
  return [at(0), at(1), at(2)];
}

/** Live and dead colours inside a tile of a class; without a classification, those of the plain picture. */
export function coloursOf(tileClass: number | undefined): { readonly live: Rgb; readonly dead: Rgb } {
  switch (tileClass) {
    case 1:
      return { live: palette.partialLive, dead: palette.partialDead };
    case 2:
      return { live: palette.fullTile, dead: palette.fullTile };
    default:
      return { live: palette.live, dead: palette.dead };
  }
}

/** Heads in rows of at most this many: all in one row up to 4, else about a square. */
export function columnsFor(heads: number): number {
  return heads <= 4 ? Math.max(1, heads) : Math.ceil(Math.sqrt(heads * 1.5));
}

/** The part of the pairs that is live, of one head or of all. */
export function densityOf(mask: MaskBits, head?: number): number {
  const size = mask.nQ * mask.nK;
  const bits = head === undefined ? mask.bits : mask.bits.subarray(head * size, (head + 1) * size);
  let live = 0;
  for (let i = 0; i < bits.length; i += 1) live += bits[i] === 0 ? 0 : 1;
  return bits.length === 0 ? 0 : live / bits.length;
}

/** `12.5 %`, `0.031 %`: three digits that mean something. */
export function percentText(part: number): string {
  const percent = part * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  return `${Number(percent.toPrecision(percent >= 99.95 ? 5 : 3))} %`;
}

/** Round numbers from 0 below `length`, about `wanted` of them: steps of 1, 2, 5 times a power of ten, or powers of two. */
export function ticks(length: number, wanted: number): readonly number[] {
  const rough = Math.max(1, length / Math.max(1, wanted));
  const binary = Number.isInteger(Math.log2(length)) && length >= 16;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = binary ? 2 ** Math.ceil(Math.log2(rough)) : [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? 10 * power;
  const found: number[] = [];
  for (let at = 0; at < length; at += step) found.push(at);
  return found;
}
