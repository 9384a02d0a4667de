/**
 * A mask as a sharp drawing. In: bits per head, a title, optionally the class of each tile. Out: SVG text with one path
 * of merged rectangles per colour, axes with key and query numbers, title and density. Size grows with the number of
 * rectangles, so this is for small masks and for large regular ones; `svgIsSmall` says which those are.
 */
import { coloursOf, columnsFor, densityOf, hex, palette, percentText, ticks } from './picture-layout.ts';
import type { MaskBits, Rgb, TileClasses } from './picture-layout.ts';

export interface SvgOptions {
  readonly title?: string;
  readonly tiles?: TileClasses;
  /** Names of the heads; `head 0`, `head 1`, ... by default. */
  readonly headNames?: readonly string[];
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Live cells as rectangles that cover each of them once: runs of a row, joined downwards where the next row repeats them. */
export function mergedRects(nQ: number, nK: number, isLive: (row: number, key: number) => boolean): readonly Rect[] {
  const done: Rect[] = [];
  // Open rectangles by their run; a run keeps its rectangle open as long as each row repeats it exactly.
  let open = new Map<string, { readonly x: number; readonly width: number; readonly y: number }>();
  for (let row = 0; row <= nQ; row += 1) {
    const next: typeof open = new Map();
    for (let key = 0; row < nQ && key < nK; ) {
      if (!isLive(row, key)) {
        key += 1;
        continue;
      }
      const start = key;
      while (key < nK && isLive(row, key)) key += 1;
      const name = `${start}:${key}`;
      next.set(name, open.get(name) ?? { x: start, width: key - start, y: row });
    }
    for (const [name, rect] of open) {
      if (!next.has(name)) done.push({ x: rect.x, y: rect.y, width: rect.width, height: row - rect.y });
    }
    open = next;
  }
  return done;
}

/** Whether the drawing stays below about half a megabyte. */
export function svgIsSmall(mask: MaskBits): boolean {
  const { nQ, nK, bits } = mask;
  if (mask.heads * nQ * nK > 2 ** 22) return false;
  let rects = 0;
  for (let head = 0; head < mask.heads; head += 1) {
    rects += mergedRects(nQ, nK, (row, key) => bits[(head * nQ + row) * nK + key] !== 0).length;
  }
  return rects <= 20_000;
}

// All in SVG units, which are pixels at scale 1.
const panelSide = 320;
const leastSide = 14;
const margin = 24;
const axisLeft = 44;
const axisTop = 34;
const gap = 26;
const titleHeight = 44;
const captionHeight = 22;
const font = 'font-family="ui-sans-serif, system-ui, Segoe UI, Helvetica, Arial, sans-serif"';

/** The drawing; at least one head, row and key. */
export function maskToSvg(mask: MaskBits, options: SvgOptions = {}): string {
  const { heads, nQ, nK } = mask;
  const columns = columnsFor(heads);
  const rows = Math.ceil(heads / columns);
  const cell = panelSide / Math.max(nQ, nK);
  const width = Math.max(leastSide, nK * cell);
  const height = Math.max(leastSide, nQ * cell);
  const stepX = axisLeft + width + gap;
  const stepY = axisTop + height + captionHeight + gap;
  const total = { width: round(2 * margin + columns * stepX - gap), height: round(margin + titleHeight + rows * stepY - gap + margin) };
  const title = options.title ?? 'mask';
  const density = percentText(densityOf(mask));
  const size = `${nQ} queries × ${nK} keys${heads > 1 ? ` × ${heads} heads` : ''}`;

  const panels = Array.from({ length: heads }, (_, head) => {
    const x = margin + (head % columns) * stepX + axisLeft;
    const y = margin + titleHeight + Math.floor(head / columns) * stepY + axisTop;
    return panel(mask, head, round(x), round(y), width, height, options);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${total.width}" height="${total.height}" viewBox="0 0 ${total.width} ${total.height}" role="img" aria-label="${escape(`${title}, ${size}, density ${density}`)}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="100%" height="100%" fill="${hex(palette.page)}"/>`,
    `<g ${font} fill="${hex(palette.text)}">`,
    `<text x="${margin}" y="${margin + 12}" font-size="17" font-weight="600">${escape(title)}</text>`,
    `<text x="${margin}" y="${margin + 30}" font-size="12" opacity="0.75">${escape(size)} · density ${density}</text>`,
    ...panels,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function panel(mask: MaskBits, head: number, x: number, y: number, width: number, height: number, options: SvgOptions): string {
  const { nQ, nK } = mask;
  const scaleX = width / nK;
  const scaleY = height / nQ;
  const name = options.headNames?.[head] ?? `head ${head}`;
  const caption = mask.heads === 1 && options.headNames === undefined ? [] : [
    `<text x="${round(x + width / 2)}" y="${round(y + height + 17)}" font-size="12" text-anchor="middle">${escape(name)} · ${percentText(densityOf(mask, head))}</text>`,
  ];
  const transform = `translate(${x} ${y}) scale(${round(scaleX, 6)} ${round(scaleY, 6)})`;
  return [
    `<rect x="${x}" y="${y}" width="${round(width)}" height="${round(height)}" fill="${hex(palette.dead)}"/>`,
    `<g transform="${transform}" shape-rendering="crispEdges">`,
    ...layers(mask, head, options.tiles).map(([colour, rects]) => `<path fill="${hex(colour)}" d="${pathOf(rects)}"/>`),
    '</g>',
    ...gridLines(mask, options.tiles, x, y, width, height),
    `<rect x="${round(x - 0.5)}" y="${round(y - 0.5)}" width="${round(width + 1)}" height="${round(height + 1)}" fill="none" stroke="${hex(palette.frame)}"/>`,
    ...axis(nK, width, (at, label) => [
      `<path d="M${round(x + at)} ${y - 1}v-4" stroke="${hex(palette.frame)}"/>`,
      `<text x="${round(x + at)}" y="${y - 9}" font-size="10" text-anchor="middle">${label}</text>`,
    ]),
    // Short panels have room for one number only.
    ...axis(nQ, height, (at, label) => [
      `<path d="M${x - 1} ${round(y + at)}h-4" stroke="${hex(palette.frame)}"/>`,
      `<text x="${x - 8}" y="${round(y + at + 3.5)}" font-size="10" text-anchor="end">${label}</text>`,
    ]),
    `<text x="${round(x + width / 2)}" y="${y - 22}" font-size="10" opacity="0.75" text-anchor="middle">keys</text>`,
    `<text transform="translate(${x - 33} ${round(y + height / 2)}) rotate(-90)" font-size="10" opacity="0.75" text-anchor="middle">queries</text>`,
    ...caption,
  ].join('\n');
}

/** Rectangles by colour: live cells, or with tiles the shade of each class and its live cells. */
function layers(mask: MaskBits, head: number, tiles: TileClasses | undefined): readonly (readonly [Rgb, readonly Rect[]])[] {
  const { nQ, nK, bits } = mask;
  const live = (row: number, key: number): boolean => bits[(head * nQ + row) * nK + key] !== 0;
  if (tiles === undefined) return [[palette.live, mergedRects(nQ, nK, live)]];
  const tileRows = Math.ceil(nQ / tiles.queryTile);
  const tileColumns = Math.ceil(nK / tiles.keyTile);
  const classAt = (row: number, key: number): number =>
    tiles.classes[(head * tileRows + Math.floor(row / tiles.queryTile)) * tileColumns + Math.floor(key / tiles.keyTile)] ?? 0;
  return [
    [coloursOf(1).dead, mergedRects(nQ, nK, (row, key) => classAt(row, key) === 1)],
    [coloursOf(2).dead, mergedRects(nQ, nK, (row, key) => classAt(row, key) === 2)],
    [coloursOf(1).live, mergedRects(nQ, nK, (row, key) => classAt(row, key) === 1 && live(row, key))],
    // Live cells of a tile called empty would be a bug of the classification: shown in plain ink, not hidden.
    [palette.live, mergedRects(nQ, nK, (row, key) => classAt(row, key) === 0 && live(row, key))],
  ];
}

function pathOf(rects: readonly Rect[]): string {
  return rects.map((r) => `M${r.x} ${r.y}h${r.width}v${r.height}h-${r.width}z`).join('');
}

function gridLines({ nQ, nK }: MaskBits, tiles: TileClasses | undefined, x: number, y: number, width: number, height: number): readonly string[] {
  if (tiles === undefined) return [];
  const stepX = (tiles.keyTile * width) / nK;
  const stepY = (tiles.queryTile * height) / nQ;
  if (Math.min(stepX, stepY) < 6) return [];
  const lines: string[] = [];
  for (let i = 1; i * stepX < width; i += 1) lines.push(`M${round(x + i * stepX)} ${y}v${round(height)}`);
  for (let j = 1; j * stepY < height; j += 1) lines.push(`M${x} ${round(y + j * stepY)}h${round(width)}`);
  return [`<path d="${lines.join('')}" stroke="${hex(palette.grid)}" stroke-width="0.75" fill="none"/>`];
}

/** Marks at round positions; small masks are numbered at the middle of cells, large ones at their edges. */
function axis(length: number, pixels: number, mark: (at: number, label: string) => readonly string[]): readonly string[] {
  const cell = pixels / length;
  const offset = cell >= 8 ? cell / 2 : 0;
  return ticks(length, Math.max(1, Math.floor(pixels / 40))).flatMap((n) => mark(n * cell + offset, String(n)));
}

function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
