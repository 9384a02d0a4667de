/**
 * Dots by matrix operations on fragments (m16n8k16). In: `load` and `dot` statements under a schedule with the layout `fragments`. Out: for a load,
 * a copy in the background of its rows to workgroup memory, rows padded to an odd number of 16-byte elements, so that 8 rows at one
 * column lie in different banks; for a dot, loads of matrices and products into the sums, which the target's registers are.
 * A left operand lies in workgroup memory, or is a tile of sums: two neighbouring 16 x 8 tiles of sums, rounded to 16 bits, are
 * one 16 x 16 fragment of a left operand, lane by lane. Waits and barriers are placed by passes.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { TileStmt } from '../tile/ir.ts';
import { narrow, type BufferView } from './access.ts';
import { bin, f32, i32, lane, pick } from './build.ts';
import { heldTile, readRegister, type Held, type Lowering, type MatrixRows } from './held.ts';
import type { Four, KernelExpr, MatrixElement } from './ir.ts';
import { registerCount, registerPlace, warpsOf } from './layout.ts';
import { packPair } from './packed.ts';

type DotStmt = TileStmt & { readonly kind: 'dot' };
type Owned = Held & { readonly kind: 'registers' };

/** Sixteen-byte elements from one row to the next. */
function pitchOf(cols: number): number {
  return Math.ceil(cols / 16) * 2 + 1;
}

/** Row (over all axes but the last) and whether it is inside, for the row of the tile with this number. */
export type RowAt = (row: KernelExpr) => { readonly row: KernelExpr; readonly inside: KernelExpr };

/** Starts the copies of a tile's rows, one group; columns from the last to a multiple of 16, and rows that are not inside, become zeros. */
export function stageMatrix(low: Lowering, name: string, shape: { readonly rows: number; readonly cols: number }, view: BufferView, rowAt: RowAt): MatrixRows {
  const { emit, schedule } = low;
  if (view.element !== 'vec4u' || shape.cols % 8 !== 0 || shape.rows % 16 !== 0) throw new CompilerBug('lower-tile', `tile '${name}' has no whole rows of 16 bytes`);
  const shared = emit.fresh(`${name}_rows`);
  const pitch = pitchOf(shape.cols);
  const chunks = pitch - 1;
  const stored = shape.cols / 8;
  low.shared.push({ name: shared, element: 'vec4u', length: shape.rows * pitch });
  const total = shape.rows * chunks;
  const copy = (first: number): void => {
    const [row, chunk] = split(low, first, chunks);
    const place = rowAt(row);
    const inside = stored === chunks ? place.inside : emit.value(bin('and', place.inside, emit.value(bin('lt', chunk, i32(stored)))));
    emit.push({
      kind: 'copy_async', shared, at: emit.value(bin('add', emit.value(bin('mul', row, i32(pitch))), chunk)),
      storage: view.storage, index: emit.value(bin('add', emit.value(bin('mul', place.row, i32(stored))), chunk)),
      bytes: emit.value(pick(inside, i32(16), i32(0))), origin: emit.origin(),
    });
  };
  const { lanes } = schedule;
  const whole = Math.floor(total / lanes) * lanes;
  for (let first = 0; first < whole; first += lanes) copy(first);
  if (whole < total) {
    const then = emit.block(false, () => copy(whole));
    emit.push({ kind: 'if', cond: emit.value(bin('lt', lane, i32(total - whole))), uniform: false, then, otherwise: [], origin: emit.origin() });
  }
  emit.push({ kind: 'copy_commit', origin: emit.origin() });
  return { shared, pitch, rows: shape.rows, cols: shape.cols, element: narrow(view) };
}

/** Row and chunk of a copy: where whole rows go over the lanes, the chunk is the same for every copy of a lane. */
function split(low: Lowering, first: number, chunks: number): readonly [KernelExpr, KernelExpr] {
  const { emit } = low;
  const parted = (x: KernelExpr): readonly [KernelExpr, KernelExpr] => {
    const power = (chunks & (chunks - 1)) === 0;
    const row = emit.value(power ? bin('shr', x, i32(31 - Math.clz32(chunks))) : bin('div', x, i32(chunks)));
    return [row, emit.value(power ? bin('bit_and', x, i32(chunks - 1)) : bin('mod', x, i32(chunks)))];
  };
  if (first % chunks !== 0) return parted(emit.value(bin('add', lane, i32(first))));
  const [row, chunk] = emit.hoisted(1, () => parted(lane));
  return [emit.value(bin('add', row, i32(first / chunks))), chunk];
}

/** Number of the lane among its 32. */
function lane32(low: Lowering): KernelExpr {
  return low.emit.hoisted(1, () => low.emit.value(bin('bit_and', lane, i32(31)), 'lane32'));
}

/** Four matrices; `own` is the lane's part of the address, and row and chunk the rest. */
function matrices(low: Lowering, from: MatrixRows, own: KernelExpr, row: number, chunk: number, transposed: boolean): Four<KernelExpr> {
  const { emit } = low;
  const name = (): KernelExpr & { readonly kind: 'ref' } => emit.declared(`${from.shared}_x`, 'u32');
  const [a, b, c, d] = [name(), name(), name(), name()] as const;
  const index = emit.value(bin('add', own, i32(row * from.pitch + chunk)));
  emit.push({ kind: 'load_matrix', names: [a.name, b.name, c.name, d.name], shared: from.shared, index, transposed, origin: emit.origin() });
  return [a, b, c, d];
}

/** The lane's part of an address. */
function laneIndex(low: Lowering, from: MatrixRows, row: (l: KernelExpr) => KernelExpr, chunk: (l: KernelExpr) => KernelExpr): KernelExpr {
  return low.emit.hoisted(1, () => {
    const l = lane32(low);
    return low.emit.value(bin('add', low.emit.value(bin('mul', row(l), i32(from.pitch))), chunk(l)));
  });
}

function bits(low: Lowering, l: KernelExpr, shift: number, mask: number): KernelExpr {
  return low.emit.value(bin('bit_and', low.emit.value(bin('shr', l, i32(shift))), i32(mask)));
}

/** A fragment of a left operand in workgroup memory: rows 16 * tile .. of the lane's own part, columns 16 * step .. */
function leftMatrix(low: Lowering, from: MatrixRows, tile: number, step: number): Four<KernelExpr> {
  const { emit } = low;
  const rows = from.rows / warpsOf(low.schedule);
  const own = laneIndex(low, from,
    (l) => emit.value(bin('add', emit.value(bin('mul', emit.value(bin('shr', lane, i32(5))), i32(rows))), bits(low, l, 0, 15))),
    (l) => bits(low, l, 4, 1));
  return matrices(low, from, own, 16 * tile, 2 * step, false);
}

/** Every fragment of a left operand, for as long as its tile lives. */
export function leftMatrices(low: Lowering, from: MatrixRows): readonly (readonly Four<KernelExpr>[])[] {
  const tiles = from.rows / (16 * warpsOf(low.schedule));
  low.usesSubgroups.value = true;
  return Array.from({ length: tiles }, (_, tile) => Array.from({ length: Math.ceil(from.cols / 16) }, (_, step) => leftMatrix(low, from, tile, step)));
}

/** Gives registers of a tile of sums by the lane-independent part of their place. */
type SumsAt = (row: number, col: number) => KernelExpr & { readonly kind: 'ref' };

function sumsAt(held: Owned): SumsAt {
  const places = new Map<string, number>();
  for (let r = 0; r < registerCount(held.layout); r += 1) {
    const { row, col } = registerPlace(held.layout, r);
    places.set(`${row} ${col}`, r);
  }
  return (row, col) => {
    const register = places.get(`${row} ${col}`);
    const slot = register === undefined ? undefined : readRegister(held, register);
    if (slot?.kind !== 'ref') throw new CompilerBug('lower-tile', 'operands of a dot have different layouts');
    return slot;
  };
}

/** Two neighbouring tiles of sums as a left operand. */
function packed(low: Lowering, at: SumsAt, tile: number, step: number, element: MatrixElement): Four<KernelExpr> {
  const pair = (row: number, col: number): KernelExpr => packPair(low.emit, element, at(16 * tile + row, 16 * step + col), at(16 * tile + row, 16 * step + col + 1));
  return [pair(0, 0), pair(8, 0), pair(0, 8), pair(8, 8)];
}

function multiply(low: Lowering, element: MatrixElement, target: SumsAt, tile: number, col: number, a: Four<KernelExpr>, b: readonly [KernelExpr, KernelExpr]): void {
  const row = 16 * tile;
  const [w, x, y, z] = [target(row, col), target(row, col + 1), target(row + 8, col), target(row + 8, col + 1)];
  low.emit.push({ kind: 'mma', operands: element, sums: [w.name, x.name, y.name, z.name], a, b, origin: low.emit.origin() });
  low.emit.touch([w, x, y, z]);
}

/** target (+)= left x right, or left x right transposed. */
export function lowerProduct(low: Lowering, s: DotStmt): void {
  const { emit } = low;
  const target = heldTile(low, s.target);
  const left = heldTile(low, s.left);
  const right = heldTile(low, s.right);
  const from = right.kind === 'streamed' ? right.matrix : undefined;
  if (target.kind !== 'registers' || target.layout.vector !== 1 || from === undefined) throw new CompilerBug('lower-tile', 'this dot has no fragments');
  low.usesSubgroups.value = true;
  if (!s.accumulate) for (const slot of target.slots) emit.assign(slot, f32(0));
  const tiles = target.layout.rows / (16 * warpsOf(low.schedule));
  // Columns of the product, and the length of its sums.
  const [cols, depth] = s.transposed ? [from.rows, from.cols] : [from.cols, from.rows];
  const at = sumsAt(target);
  const leftAt = left.kind === 'registers' ? sumsAt(left) : undefined;
  // Of a matrix [n][k], two tiles of 8 rows; of [k][n] transposed, two tiles of 8 columns.
  const own = s.transposed
    ? laneIndex(low, from, (l) => emit.value(bin('add', bits(low, l, 0, 7), emit.value(bin('shl', bits(low, l, 4, 1), i32(3))))), (l) => bits(low, l, 3, 1))
    : laneIndex(low, from, (l) => bits(low, l, 0, 15), (l) => bits(low, l, 4, 1));
  const fragment = (tile: number, step: number): Four<KernelExpr> => {
    if (leftAt !== undefined) return packed(low, leftAt, tile, step, from.element);
    const rows = left.kind === 'streamed' ? left.matrix : undefined;
    if (rows === undefined) throw new CompilerBug('lower-tile', 'this dot has no left operand in fragments');
    const kept = left.kind === 'streamed' ? left.fragments?.[tile]?.[step] : undefined;
    return kept ?? leftMatrix(low, rows, tile, step);
  };
  for (let step = 0; step < Math.ceil(depth / 16); step += 1) {
    const a = Array.from({ length: tiles }, (_, tile) => fragment(tile, step));
    for (let col = 0; col < cols; col += 16) {
      const b = s.transposed ? matrices(low, from, own, col, 2 * step, false) : matrices(low, from, own, 16 * step, col / 8, true);
      a.forEach((rows, tile) => {
        multiply(low, from.element, at, tile, col, rows, [b[0], b[1]]);
        if (col + 8 < cols) multiply(low, from.element, at, tile, col + 8, rows, [b[2], b[3]]);
      });
    }
  }
}
