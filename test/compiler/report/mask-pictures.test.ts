import fc from 'fast-check';
import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { maskToRgba } from '../../../compiler/report/mask-picture.ts';
import { maskToSvg, mergedRects, svgIsSmall } from '../../../compiler/report/mask-svg.ts';
import { coloursOf, densityOf, hex, palette, percentText, ticks } from '../../../compiler/report/picture-layout.ts';
import type { MaskBits, Rgb } from '../../../compiler/report/picture-layout.ts';
import { encodePng } from '../../../tools/io/png.ts';

function maskOf(heads: number, nQ: number, nK: number, live: (head: number, row: number, key: number) => boolean): MaskBits {
  const bits = Uint8Array.from({ length: heads * nQ * nK }, (_, i) => (live(Math.floor(i / nK / nQ), Math.floor(i / nK) % nQ, i % nK) ? 1 : 0));
  return { heads, nQ, nK, bits };
}

const causal = (_: number, row: number, key: number): boolean => key <= row;

function pixel(picture: { readonly width: number; readonly data: ArrayLike<number> }, x: number, y: number): Rgb {
  const at = 4 * (y * picture.width + x);
  return [picture.data[at] ?? -1, picture.data[at + 1] ?? -1, picture.data[at + 2] ?? -1];
}

/** Pixels of a colour. */
function count(picture: { readonly width: number; readonly height: number; readonly data: ArrayLike<number> }, colour: Rgb): number {
  let found = 0;
  for (let i = 0; i < picture.width * picture.height; i += 1) if (pixel(picture, i % picture.width, Math.floor(i / picture.width)).join() === colour.join()) found += 1;
  return found;
}

describe('pixels', () => {
  test('a small mask shows each pair as a square of whole pixels', () => {
    const picture = maskToRgba(maskOf(1, 4, 4, causal), { maxSize: 64 });
    // 64 / 2 pixels for 4 pairs: 8 each; 10 live and 6 dead pairs.
    expect(count(picture, palette.live)).toBe(10 * 64);
    expect(count(picture, palette.dead)).toBe(6 * 64);
  });

  test('a large mask is averaged: each pixel is between dead and live by the root of its density', () => {
    const picture = maskToRgba(maskOf(1, 256, 256, (_, row) => row % 4 === 0), { maxSize: 64 });
    const shades = new Set<string>();
    for (let y = 20; y < 60; y += 1) for (let x = 20; x < 60; x += 1) shades.add(pixel(picture, x, y).join());
    const half = ([0, 1, 2] as const).map((i) => Math.round(palette.dead[i] + (palette.live[i] - palette.dead[i]) * 0.5));
    expect([...shades]).toEqual([half.join()]);
  });

  test('every live pair of a large mask leaves a trace', () => {
    fc.assert(
      fc.property(fc.nat(299), fc.nat(299), (row, key) => {
        const picture = maskToRgba(maskOf(1, 300, 300, (_, r, k) => r === row && k === key), { maxSize: 64 });
        const plain = count(picture, palette.page) + count(picture, palette.frame) + count(picture, palette.dead);
        expect(plain).toBe(picture.width * picture.height - 1);
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  test('tiles colour full, partial and empty parts differently', () => {
    const tiles = { queryTile: 2, keyTile: 2, classes: Uint8Array.of(1, 0, 2, 1) };
    const picture = maskToRgba(maskOf(1, 4, 4, causal), { tiles, maxSize: 64 });
    // 64 pixels per pair, less the hairlines along the first row and column of the tiles below and to the right.
    expect(count(picture, coloursOf(2).live)).toBe(4 * 64 - 16);
    expect(count(picture, coloursOf(1).live)).toBe(6 * 64 - 15 - 8);
    expect(count(picture, coloursOf(1).dead)).toBe(2 * 64 - 8);
    expect(count(picture, coloursOf(0).dead)).toBe(4 * 64 - 16);
  });

  test('heads stand side by side, each with its own mask', () => {
    const one = maskToRgba(maskOf(1, 8, 8, causal));
    const two = maskToRgba(maskOf(2, 8, 8, (head, row, key) => head === 1 && causal(head, row, key)));
    expect(two.width).toBeGreaterThan(one.width * 1.5);
    expect(two.height).toBe(one.height);
    expect(count(two, palette.live)).toBe(count(one, palette.live));
  });

  test('a single query row is tall enough to be seen', () => {
    expect(maskToRgba(maskOf(1, 1, 512, causal)).height).toBeGreaterThanOrEqual(40);
  });

  test('a PNG file gives the pixels back', () => {
    const picture = maskToRgba(maskOf(2, 5, 7, causal));
    const back = decode(encodePng(picture, { Title: 'causal' }));
    expect([back.width, back.height, back.channels]).toEqual([picture.width, picture.height, 4]);
    expect(Buffer.compare(Buffer.from(back.data), Buffer.from(picture.data))).toBe(0);
    expect(back.text['Title']).toBe('causal');
  });
});

describe('drawings', () => {
  test('merged rectangles cover each live cell once and no dead one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.boolean()), (nQ, nK, stream) => {
        const live = Array.from({ length: nQ * nK }, () => stream.next().value === true);
        const covered = new Uint8Array(nQ * nK);
        for (const r of mergedRects(nQ, nK, (row, key) => live[row * nK + key] === true)) {
          for (let y = r.y; y < r.y + r.height; y += 1) for (let x = r.x; x < r.x + r.width; x += 1) covered[y * nK + x] = (covered[y * nK + x] ?? 0) + 1;
        }
        expect([...covered]).toEqual(live.map((l) => (l ? 1 : 0)));
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  test('bars of a regular mask become one rectangle each', () => {
    expect(mergedRects(100, 100, (_, key) => key < 3)).toEqual([{ x: 0, y: 0, width: 3, height: 100 }]);
  });

  test('title, numbers, density and heads are written, and nothing in a title is markup', () => {
    const svg = maskToSvg(maskOf(2, 4, 4, causal), { title: 'a < b & "c"', headNames: ['near', 'far'] });
    expect(svg).toContain('>a &lt; b &amp; &quot;c&quot;<');
    expect(svg).toContain('density 62.5 %');
    expect(svg).toContain('near · 62.5 %');
    expect(svg).toContain('M0 0h1v1h-1z');
    expect(svg).toMatch(/text-anchor="end">3</);
    expect(svg.match(/<g[ >]/g)?.length).toBe(svg.match(/<\/g>/g)?.length);
  });

  test('tiles shade full and partial parts', () => {
    const svg = maskToSvg(maskOf(1, 4, 4, causal), { tiles: { queryTile: 2, keyTile: 2, classes: Uint8Array.of(1, 0, 2, 1) } });
    expect(svg).toContain(`fill="${hex(coloursOf(2).dead)}" d="M0 2h2v2h-2z"`);
    expect(svg).toContain(`fill="${hex(coloursOf(1).dead)}" d="M0 0h2v2h-2zM2 2h2v2h-2z"`);
  });

  test('a mask of noise is too large to draw, a regular one is not', () => {
    expect(svgIsSmall(maskOf(1, 512, 512, (_, row, key) => (row * 7 + key * 13) % 3 === 0))).toBe(false);
    expect(svgIsSmall(maskOf(1, 512, 512, causal))).toBe(true);
  });
});

describe('words and numbers', () => {
  test('densities have three digits', () => {
    expect([0, 1, 0.5, 0.123456, 0.000123456, 0.9996].map(percentText)).toEqual(['0 %', '100 %', '50 %', '12.3 %', '0.0123 %', '99.96 %']);
    expect(densityOf(maskOf(2, 2, 2, (head) => head === 0), 1)).toBe(0);
  });

  test('ticks are round and start at 0', () => {
    expect(ticks(64, 8)).toEqual([0, 8, 16, 24, 32, 40, 48, 56]);
    expect(ticks(100, 5)).toEqual([0, 20, 40, 60, 80]);
    expect(ticks(1, 8)).toEqual([0]);
  });
});
