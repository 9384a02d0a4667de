/**
 * A mask as pixels. In: bits per head, optionally the class of each tile. Out: an RGBA picture with the heads side by
 * side. Small masks get whole pixels per pair; large ones are averaged, with a curve that keeps thin lines visible.
 * With tiles, full ones are teal, partial ones copper, and empty ones stay paper.
 */
import { coloursOf, columnsFor, mix, palette } from './picture-layout.ts';
import type { MaskBits, Rgb, TileClasses } from './picture-layout.ts';

export type { MaskBits, TileClasses } from './picture-layout.ts';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGBA, 4 * width * height bytes. */
  readonly data: Uint8Array;
}

export interface PictureOptions {
  readonly tiles?: TileClasses;
  /** Largest width and height of the part that shows one head, in pixels; 1024 by default. */
  readonly maxSize?: number;
}

const margin = 14;
const gap = 14;
// A panel is at least this long on each side, so that a single query row can be seen.
const leastSide = 20;

/** Pixels for a mask; at least one head, row and key. */
export function maskToRgba(mask: MaskBits, options: PictureOptions = {}): Picture {
  const columns = columnsFor(mask.heads);
  const rows = Math.ceil(mask.heads / columns);
  // Many heads share the space of two large ones.
  const limit = Math.max(64, Math.floor((options.maxSize ?? 1024) / Math.max(1, columns / 2)));
  const [width, height] = panelSize(mask, limit);
  const canvas = newCanvas(2 * margin + columns * (width + 2) + (columns - 1) * gap, 2 * margin + rows * (height + 2) + (rows - 1) * gap);
  for (let head = 0; head < mask.heads; head += 1) {
    const x = margin + (head % columns) * (width + 2 + gap);
    const y = margin + Math.floor(head / columns) * (height + 2 + gap);
    fillRect(canvas, x, y, width + 2, height + 2, palette.frame);
    drawHead(canvas, mask, head, x + 1, y + 1, width, height, options.tiles);
  }
  return canvas;
}

/** Width and height of one head: whole pixels per pair where there is room, else the limit, in proportion. */
function panelSize({ nQ, nK }: MaskBits, limit: number): readonly [number, number] {
  const longer = Math.max(nQ, nK);
  // Small masks grow to about half of the limit.
  const perPair = longer > limit ? limit / longer : Math.max(1, Math.floor(limit / 2 / longer));
  const side = (n: number): number => {
    const length = Math.max(1, Math.round(n * perPair));
    return length >= leastSide || n >= leastSide ? length : n * Math.ceil(leastSide / n);
  };
  return [side(nK), side(nQ)];
}

interface Canvas extends Picture {
  readonly data: Uint8Array;
}

function newCanvas(width: number, height: number): Canvas {
  const canvas = { width, height, data: new Uint8Array(4 * width * height).fill(255) };
  fillRect(canvas, 0, 0, width, height, palette.page);
  return canvas;
}

function put(canvas: Canvas, x: number, y: number, [r, g, b]: Rgb): void {
  const at = 4 * (y * canvas.width + x);
  canvas.data[at] = r;
  canvas.data[at + 1] = g;
  canvas.data[at + 2] = b;
}

function fillRect(canvas: Canvas, x: number, y: number, width: number, height: number, colour: Rgb): void {
  for (let j = y; j < y + height; j += 1) for (let i = x; i < x + width; i += 1) put(canvas, i, j, colour);
}

/** First and last + 1 of the `n` entries that pixel `i` of `pixels` shows: at least one, together all. */
function span(i: number, pixels: number, n: number): readonly [number, number] {
  const from = Math.floor((i * n) / pixels);
  return [from, Math.max(from + 1, Math.floor(((i + 1) * n) / pixels))];
}

function drawHead(canvas: Canvas, mask: MaskBits, head: number, x: number, y: number, width: number, height: number, tiles: TileClasses | undefined): void {
  const { nQ, nK, bits } = mask;
  const base = head * nQ * nK;
  const counts = new Uint32Array(nK + 1);
  for (let j = 0; j < height; j += 1) {
    const [fromRow, toRow] = span(j, height, nQ);
    // counts[k] = live pairs of these rows at keys below k, so that a box is one subtraction.
    let sum = 0;
    for (let k = 0; k < nK; k += 1) {
      for (let row = fromRow; row < toRow; row += 1) sum += bits[base + row * nK + k] === 0 ? 0 : 1;
      counts[k + 1] = sum;
    }
    for (let i = 0; i < width; i += 1) {
      const [fromKey, toKey] = span(i, width, nK);
      const live = (counts[toKey] ?? 0) - (counts[fromKey] ?? 0);
      const density = live / ((toKey - fromKey) * (toRow - fromRow));
      const colours = coloursOf(tiles === undefined ? undefined : classAt(tiles, mask, head, fromRow, fromKey));
      // The square root keeps single lines of a large mask visible.
      put(canvas, x + i, y + j, mix(colours.dead, colours.live, Math.sqrt(density)));
    }
  }
  if (tiles !== undefined) drawGrid(canvas, mask, tiles, x, y, width, height);
}

function classAt(tiles: TileClasses, { nQ, nK }: MaskBits, head: number, row: number, key: number): number | undefined {
  const tileRows = Math.ceil(nQ / tiles.queryTile);
  const tileColumns = Math.ceil(nK / tiles.keyTile);
  return tiles.classes[(head * tileRows + Math.floor(row / tiles.queryTile)) * tileColumns + Math.floor(key / tiles.keyTile)];
}

/** Hairlines between tiles, where tiles are large enough to bear them. */
function drawGrid(canvas: Canvas, { nQ, nK }: MaskBits, tiles: TileClasses, x: number, y: number, width: number, height: number): void {
  const cellWidth = (tiles.keyTile * width) / nK;
  const cellHeight = (tiles.queryTile * height) / nQ;
  if (Math.min(cellWidth, cellHeight) < 8) return;
  for (let i = 1; i * cellWidth < width; i += 1) fillRect(canvas, x + Math.round(i * cellWidth), y, 1, height, palette.grid);
  for (let j = 1; j * cellHeight < height; j += 1) fillRect(canvas, x, y + Math.round(j * cellHeight), width, 1, palette.grid);
}
