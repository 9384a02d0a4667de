/**
 * Dots by matrix operations on fragments (m16n8k16, for f32 m16n8k8). In: `load` and `dot` statements under a schedule with the layout `fragments`. Out: for a load,
 * a copy in the background of its rows to workgroup memory, rows padded to an odd number of 16-byte elements, so that 8 rows at one
 * column lie in different banks; for a dot, loads of matrices and products into the sums, which the target's registers are.
 * A left operand lies in workgroup memory, or is a tile of sums: two neighbouring 16 x 8 tiles of sums, rounded to 16 bits, are
 * one 16 x 16 fragment of a left operand, lane by lane; one tile rounded to tf32 is a 16 x 8 fragment whose terms stand in another order. Waits and barriers are placed by passes.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { TileStmt } from '../tile/ir.ts';
import { narrow, type BufferView } from './access.ts';
import { bin, f32, i32, lane, pick, un } from './build.ts';
import { heldTile, readRegister, type Held, type Lowering, type MatrixRows } from './held.ts';
import type { Four, KernelExpr, MatrixElement } from './ir.ts';
import { registerCount, registerPlace, warpsOf } from './layout.ts';
import { packPair } from './packed.ts';

type DotStmt = TileStmt & { readonly kind: 'dot' };
type Owned = Held & { readonly kind: 'registers' };

/** Numbers in 16 bytes: fragments of operands are two of these long. */
function perChunk(element: MatrixElement): number {
  return element === 'tf32' ? 4 : 8;
}

/** What matrix operations make of a buffer's numbers; f32 is stored, and rounded where it is multiplied. */
function matrixElement(view: BufferView): MatrixElement {
  return view.decl.element === 'f32' ? 'tf32' : narrow(view);
}

/** Row (over all axes but the last) and whether it is inside, for the row of the tile with this number. */
export type RowAt = (row: KernelExpr) => { readonly row: KernelExpr; readonly inside: KernelExpr };

/** Starts the copies of a tile's rows, one group; columns from the last to a whole fragment, and rows that are not inside, become zeros. */
export function stageMatrix(low: Lowering, name: string, shape: { readonly rows: number; readonly cols: number }, view: BufferView, rowAt: RowAt): MatrixRows {
  const { emit, schedule } = low;
  const element = matrixElement(view);
  const numbers = perChunk(element);
  if (view.element !== 'vec4u' || shape.cols % 8 !== 0 || shape.rows % 16 !== 0) throw new CompilerBug('lower-tile', `tile '${name}' has no whole rows of 16 bytes`);
  const shared = emit.fresh(`${name}_rows`);
  const stored = shape.cols / numbers;
  const chunks = 2 * Math.ceil(stored / 2);
  const pitch = chunks + 1;
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
  return { shared, pitch, rows: shape.rows, cols: shape.cols, element };
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
  if (from.element !== 'tf32') return [a, b, c, d];
  const rounded = (word: KernelExpr): KernelExpr => emit.value(un('round_tf32', un('bitcast_f32', word)));
  return [rounded(a), rounded(b), rounded(c), rounded(d)];
}

/**
 * Two right fragments of 8 rows of f32 and 8 columns each, from rows [k][n]. Matrices cannot be read across by words of 32 bits, so lanes load words:
 * t the rows 2(t mod 4) and 2(t mod 4) + 1, which is the order of terms that tiles of sums have as a left operand (packed).
 */
function wordsAcross(low: Lowering, from: MatrixRows, row: number, col: number): Four<KernelExpr> {
  const { emit } = low;
  const line = 4 * from.pitch;
  const own = emit.hoisted(1, () => {
    const l = lane32(low);
    const first = emit.value(bin('mul', bits(low, l, 0, 3), i32(2 * line)));
    return emit.value(bin('add', first, emit.value(bin('shr', l, i32(2)))));
  });
  const name = (): KernelExpr & { readonly kind: 'ref' } => emit.declared(`${from.shared}_x`, 'f32');
  const [a, b, c, d] = [name(), name(), name(), name()] as const;
  const at = row * line + col;
  // The second tile of columns may not be there; its words are not used then.
  const next = col + 8 < from.cols ? 8 : 0;
  emit.push({
    kind: 'load_words', names: [a.name, b.name, c.name, d.name], shared: from.shared, index: own,
    offsets: [at, at + line, at + next, at + line + next], origin: emit.origin(),
  });
  const rounded = (word: KernelExpr): KernelExpr => emit.value(un('round_tf32', word));
  return [rounded(a), rounded(b), rounded(c), rounded(d)];
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

/** A fragment of a left operand in workgroup memory: rows 16 * tile .. of the lane's own part, 32 bytes from 32 * step on. */
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
  return Array.from({ length: tiles }, (_, tile) => Array.from({ length: Math.ceil(from.cols / (2 * perChunk(from.element))) }, (_, step) => leftMatrix(low, from, tile, step)));
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

/** Two neighbouring tiles of sums as a left operand; for tf32 one, its even columns first. */
function packed(low: Lowering, at: SumsAt, tile: number, step: number, element: MatrixElement): Four<KernelExpr> {
  if (element === 'tf32') {
    const word = (row: number, col: number): KernelExpr => low.emit.value(un('round_tf32', at(16 * tile + row, 8 * step + col)));
    return [word(0, 0), word(8, 0), word(0, 1), word(8, 1)];
  }
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
  const long = 2 * perChunk(from.element);
  for (let step = 0; step < Math.ceil(depth / long); step += 1) {
    const a = Array.from({ length: tiles }, (_, tile) => fragment(tile, step));
    for (let col = 0; col < cols; col += 16) {
      const b = s.transposed ? matrices(low, from, own, col, 2 * step, false)
        : from.element === 'tf32' ? wordsAcross(low, from, long * step, col) : matrices(low, from, own, 16 * step, col / 8, true);
      a.forEach((rows, tile) => {
        multiply(low, from.element, at, tile, col, rows, [b[0], b[1]]);
        if (col + 8 < cols) multiply(low, from.element, at, tile, col + 8, rows, [b[2], b[3]]);
      });
    }
  }
}
