/**
 * Layouts: which lane holds element (row, col) of a tile in which of its registers. A layout is data, a list of digits:
 * lane = sum of lane digits, register = sum of register digits (lowest first), and each digit that has the value v adds
 * v * stride to its axis. `rows on lanes`, `columns on lanes`, replication and the matrix fragments of other machines are
 * all such lists. Elements that no (lane, register) reaches do not occur; places past the shape are padding.
 * With `vector` 4 the lowest register digit runs over the four parts of a vec4, along the columns.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';

export type TileAxis = 'row' | 'col';

export interface Digit {
  readonly axis: TileAxis;
  readonly count: number;
  readonly stride: number;
}

export interface Layout {
  readonly rows: number;
  readonly cols: number;
  /** Empty: every lane holds all elements. Lanes past the product of counts repeat the first ones; so do lanes along a digit of stride 0. */
  readonly lane: readonly Digit[];
  readonly register: readonly Digit[];
  readonly vector: 1 | 4;
}

export interface Place {
  readonly row: number;
  readonly col: number;
}

function contribution(digits: readonly Digit[], index: number): Place {
  let rest = index;
  let row = 0;
  let col = 0;
  for (const d of digits) {
    const value = rest % d.count;
    rest = Math.floor(rest / d.count);
    if (d.axis === 'row') row += value * d.stride;
    else col += value * d.stride;
  }
  return { row, col };
}

export function digitCount(digits: readonly Digit[]): number {
  return digits.reduce((n, d) => n * d.count, 1);
}

/** Scalar registers a lane needs. */
export function registerCount(layout: Layout): number {
  return digitCount(layout.register);
}

/** Variables a lane needs: a vec4 counts as one. */
export function slotCount(layout: Layout): number {
  return registerCount(layout) / layout.vector;
}

/** The part of the element's place that the register decides; the lane's part is added to it. */
export function registerPlace(layout: Layout, register: number): Place {
  return contribution(layout.register, register);
}

/** The element that `lane` holds in `register`; it may lie past the shape (padding). */
export function elementOf(layout: Layout, lane: number, register: number): Place {
  const a = contribution(layout.lane, lane);
  const b = contribution(layout.register, register);
  return { row: a.row + b.row, col: a.col + b.col };
}

/** Whether the lane index decides (part of) the place along `axis`. */
export function spreads(layout: Layout, axis: TileAxis): boolean {
  return layout.lane.some((d) => d.axis === axis && d.count > 1 && d.stride !== 0);
}

/** Whether any place of the register lies past the shape. */
export function isPadded(layout: Layout, register: number): boolean {
  const last = elementOf(layout, digitCount(layout.lane) - 1, register);
  return last.row >= layout.rows || last.col >= layout.cols;
}

/** The register of `to` in which every lane finds the element that it holds in `register` of `from`; axes of extent 1 in `to` broadcast. */
export function matchingRegister(from: Layout, register: number, to: Layout): number | undefined {
  const lanes = Math.max(digitCount(from.lane), digitCount(to.lane));
  const total = registerCount(to);
  for (let candidate = 0; candidate < total; candidate += 1) {
    let fits = true;
    for (let lane = 0; lane < lanes && fits; lane += 1) {
      const wanted = elementOf(from, lane, register);
      const found = elementOf(to, lane, candidate);
      fits = (to.rows === 1 || found.row === wanted.row) && (to.cols === 1 || found.col === wanted.col);
    }
    if (fits) return candidate;
  }
  return undefined;
}

function split(axis: TileAxis, extent: number, lanes: number): { readonly lane: readonly Digit[]; readonly register: readonly Digit[] } {
  if (extent % lanes !== 0) throw new CompilerBug('layout', `${extent} elements over ${lanes} lanes`);
  return { lane: [{ axis, count: lanes, stride: 1 }], register: [{ axis, count: extent / lanes, stride: lanes }] };
}

/** Every lane holds every element. */
export function replicated(rows: number, cols: number, vector: 1 | 4): Layout {
  return { rows, cols, lane: [], register: [...columnDigits(cols, vector), { axis: 'row', count: rows, stride: 1 }], vector };
}

/** Row r in lane r mod lanes: neighbouring lanes touch neighbouring rows. */
export function rowsOnLanes(rows: number, cols: number, lanes: number, vector: 1 | 4): Layout {
  const { lane, register } = split('row', rows, lanes);
  return { rows, cols, lane, register: [...columnDigits(cols, vector), ...register], vector };
}

/** Column c in lane c mod lanes. */
export function colsOnLanes(rows: number, cols: number, lanes: number): Layout {
  const { lane, register } = split('col', cols, lanes);
  return { rows, cols, lane, register: [...register, { axis: 'row', count: rows, stride: 1 }], vector: 1 };
}

/** Groups of 32 lanes of a workgroup. */
export function warpsOf(schedule: { readonly lanes: number }): number {
  return schedule.lanes / 32;
}

/**
 * Sums of matrix products (m16n8k16): tiles of 16 x 8 over 32 lanes, each 32 with neighbouring rows of its own. Lane t holds rows t div 4 and
 * t div 4 + 8, columns 2(t mod 4) and the next. An axis of extent 1 is held by all lanes that share the place on the other.
 */
export function fragments(rows: number, cols: number, warps: number): Layout {
  const own = rows / warps;
  if (rows !== 1 && own % 16 !== 0) throw new CompilerBug('layout', `${rows} rows over ${warps} times 16`);
  const along = (extent: number, stride: number): number => (extent === 1 ? 0 : stride);
  const col: readonly Digit[] = cols === 1 ? [] : [{ axis: 'col', count: 2, stride: 1 }];
  const moreCols: readonly Digit[] = cols === 1 ? [] : [{ axis: 'col', count: Math.ceil(cols / 8), stride: 8 }];
  const row: readonly Digit[] = rows === 1 ? [] : [{ axis: 'row', count: 2, stride: 8 }];
  const moreRows: readonly Digit[] = rows === 1 ? [] : [{ axis: 'row', count: own / 16, stride: 16 }];
  return {
    rows, cols, vector: 1,
    lane: [{ axis: 'col', count: 4, stride: along(cols, 2) }, { axis: 'row', count: 8, stride: along(rows, 1) }, { axis: 'row', count: warps, stride: along(rows, own) }],
    register: [...col, ...row, ...moreCols, ...moreRows],
  };
}

function columnDigits(cols: number, vector: 1 | 4): readonly Digit[] {
  if (vector === 1) return [{ axis: 'col', count: cols, stride: 1 }];
  return [{ axis: 'col', count: 4, stride: 1 }, { axis: 'col', count: Math.ceil(cols / 4), stride: 4 }];
}

/** Where and how a tile is held. */
export interface Assignment {
  readonly layout: Layout;
  readonly place: 'registers' | 'workgroup' | 'arrays' | 'streamed' | 'reread';
  /** Lanes hold shares of the elements, which are combined before anything but a linear map sees them. */
  readonly partial: boolean;
}
