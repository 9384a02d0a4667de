/**
 * Copies of tensors in another storage, between the calls of a chain: an attention keeps q, k, v and out in 16 bits where it is compiled so, a
 * stage keeps floats in words of 32, rounded or not. In: what is stored how and wanted how. Out: whether nothing is lost, and the tile
 * program that copies rows of one width. Holds: only copies that change no number are made, so a chain means the same with them.
 */
import { noSpan, originOf } from '../../dsl/span.ts';
import { add, element, int, lt, mul, ref } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { gridOf, instanceNumber } from '../stage/places.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import { builderAt, finishProgram } from '../tile/build.ts';
import type { BufferElement, FloatElement, TileProgram } from '../tile/ir.ts';

/** Whether every number of a tensor that is stored as `from`, rounded to `precision`, is one of `to`. */
export function keepsNumbers(from: BufferElement, to: BufferElement, precision: FloatElement = 'f32'): boolean {
  if (from === 'f32') return to === precision && to !== 'f32';
  return (from === 'f16' || from === 'bf16') && to === 'f32';
}

export interface Conversion {
  readonly from: FloatElement;
  readonly to: FloatElement;
  /** Elements of a row, fixed in the kernel. */
  readonly width: number;
}

/** Name of the only scalar of the program: how many rows there are. */
export const conversionRows = 'rows';

/** Copies `rows` x width elements of the buffer `from` to the buffer `to`; a tile has `tileRows` rows. */
export function conversionProgram(name: string, { from, to, width }: Conversion, tileRows: number): TileProgram {
  const rows = ref(conversionRows, 'int');
  const tiles = ceilDiv(rows, int(tileRows));
  const origin = originOf(noSpan);
  const b = builderAt(origin);
  const i = (n: string): Expr => ref(n, 'int');
  const row = add(mul(instanceNumber, int(tileRows)), i('row'));
  const shape = { rows: tileRows, cols: width };
  const exists = lt(row, rows);
  const body = [
    b.load('line', shape, 'from', [row], exists),
    b.store('to', shape, [row, i('col')], element('line', 'float'), exists),
  ];
  const extents = [rows, int(width)];
  return finishProgram({ name, summary: `rows of ${width} from ${from} to ${to}`, grid: gridOf(tiles), body, origin }, new Map([
    ['from', { name: 'from', element: from, extents }], ['to', { name: 'to', element: to, extents }],
  ]));
}
