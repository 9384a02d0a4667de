/**
 * Values of element expressions at a place of a layout: one register, or one chunk of four columns. Elements of other tiles are found
 * through the layouts; arithmetic on whole chunks stays on vec4, everything else is done part by part. Parts past the last column are 0.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import { bin, extract, f32, i32, intValue, parts, pick, un, vec4 } from './build.ts';
import { lowerExpr, type Binding, type Scope } from './code.ts';
import { wholeParts, lowerRead } from './access.ts';
import { chunksOf, heldTile, matching, placeValue, readChunk, readRegister, type Lowering } from './held.ts';
import type { KernelExpr } from './ir.ts';
import { spreads, type Layout } from './layout.ts';

/** Scalars only: no rows, columns or elements. */
export function scalarScope(low: Lowering): Scope {
  return {
    lookup: (name) => low.env.scalars.get(name),
    element: (tile) => {
      throw new CompilerBug('lower-tile', `tile '${tile}' in a scalar`);
    },
    uniformElement: () => false,
    read: (e, scope) => lowerRead(low.access, e, scope),
  };
}

export function indexBinding(value: KernelExpr, extent: number, uniform: boolean): Binding {
  return { value, facts: { range: { low: 0, high: extent - 1 }, below: [] }, uniform };
}

/** The scope at a scalar register of `layout`. */
export function registerScope(low: Lowering, layout: Layout, register: number): Scope {
  const base = scalarScope(low);
  return {
    ...base,
    lookup: (name) => {
      if (name === 'row') return indexBinding(placeValue(low, layout, register, 'row'), layout.rows, !spreads(layout, 'row'));
      if (name === 'col') return indexBinding(placeValue(low, layout, register, 'col'), layout.cols, !spreads(layout, 'col'));
      return low.env.scalars.get(name);
    },
    element: (tile) => {
      const held = heldTile(low, tile);
      if (held.kind === 'streamed') throw new CompilerBug('lower-tile', `streamed tile '${tile}' has no elements`);
      const found = matching(layout, register, held.layout);
      if (found < 0) throw new CompilerBug('lower-tile', `tile '${tile}' has another layout`);
      if (held.layout.vector === 1) return readRegister(held, found);
      const slot = Math.floor(found / 4);
      const chunks = chunksOf(held.layout);
      return extract(readChunk(low, held, Math.floor(slot / chunks), i32(slot % chunks)), partOf(found % 4));
    },
    uniformElement: (tile) => {
      const held = heldTile(low, tile);
      return held.kind !== 'streamed' && held.layout.lane.length === 0;
    },
  };
}

export function partOf(n: number): 0 | 1 | 2 | 3 {
  return n === 0 ? 0 : n === 1 ? 1 : n === 2 ? 2 : 3;
}

/** The number of the row of `to` that holds row `row` of `from`. */
function matchingRow(from: Layout, row: number, to: Layout, tile: string): number {
  const found = matching(from, row * chunksOf(from) * 4, to);
  if (found < 0) throw new CompilerBug('lower-tile', `tile '${tile}' has another layout`);
  return to.vector === 4 ? Math.floor(found / (4 * chunksOf(to))) : found;
}

/** The scope at one part of a chunk. */
function partScope(low: Lowering, layout: Layout, row: number, chunk: KernelExpr, part: 0 | 1 | 2 | 3): Scope {
  const number = intValue(chunk);
  // A rolled chunk has no register of its own; tiles that vary along it are vector tiles, which are found by the chunk.
  const first = registerScope(low, layout, number === undefined ? row * chunksOf(layout) * 4 : (row * chunksOf(layout) + number) * 4 + part);
  return {
    ...first,
    lookup: (name) => {
      if (name !== 'col') return first.lookup(name);
      const col = low.emit.value(bin('add', low.emit.value(bin('mul', chunk, i32(4))), i32(part)));
      return indexBinding(col, layout.cols, true);
    },
    element: (tile) => {
      const held = heldTile(low, tile);
      if (held.kind === 'streamed' || held.layout.vector === 1) return first.element(tile);
      return low.emit.value(extract(readChunk(low, held, matchingRow(layout, row, held.layout, tile), chunk), part));
    },
  };
}

/** Whether the value changes along a row. */
function variesAlongRow(low: Lowering, e: Expr): boolean {
  if (e.kind === 'ref') return e.name === 'col';
  if (e.kind === 'element') {
    const held = heldTile(low, e.tile);
    return held.kind !== 'streamed' && held.layout.cols !== 1;
  }
  return children(e).some((c) => variesAlongRow(low, c));
}

/** The value of the expression at a chunk, as a vec4f. */
export function chunkValue(low: Lowering, e: Expr, layout: Layout, row: number, chunk: KernelExpr): KernelExpr {
  const whole = wholeParts(chunk, layout.cols);
  if (whole === 4) {
    const value = wholeChunk(low, e, layout, row, chunk);
    if (value.kind === 'literal') return un('splat', value);
    return value.type === 'vec4f' ? value : low.emit.value(un('splat', value));
  }
  return byParts(low, e, layout, row, chunk, whole);
}

function byParts(low: Lowering, e: Expr, layout: Layout, row: number, chunk: KernelExpr, whole: number): KernelExpr {
  const part = (p: 0 | 1 | 2 | 3): KernelExpr => (p < whole ? lowerExpr(low.emit, e, partScope(low, layout, row, chunk, p)) : f32(0));
  return low.emit.value(vec4([part(0), part(1), part(2), part(3)]));
}

/** A vec4f, or an f32 that is the same for all four parts. */
function wholeChunk(low: Lowering, e: Expr, layout: Layout, row: number, chunk: KernelExpr): KernelExpr {
  const { emit } = low;
  const again = (x: Expr): KernelExpr => wholeChunk(low, x, layout, row, chunk);
  const wide = (x: KernelExpr): KernelExpr => (x.type === 'vec4f' ? x : emit.value(un('splat', x)));
  if (!variesAlongRow(low, e)) return lowerExpr(emit, e, partScope(low, layout, row, chunk, 0));
  switch (e.kind) {
    case 'element': {
      const held = heldTile(low, e.tile);
      if (held.kind === 'streamed' || held.layout.vector === 1) break;
      return readChunk(low, held, matchingRow(layout, row, held.layout, e.tile), chunk);
    }
    case 'unary':
      if (e.op === 'neg' && e.type === 'float') return emit.value(un('neg', again(e.arg)));
      break;
    case 'binary': {
      if (e.type !== 'float') break;
      if (e.op === 'mul') {
        const left = again(e.left);
        const right = again(e.right);
        // Scaling takes the scalar on the right.
        return emit.value(left.type === 'vec4f' ? bin('mul', left, right) : bin('mul', right, left));
      }
      if (e.op === 'add' || e.op === 'sub') return emit.value(bin(e.op, wide(again(e.left)), wide(again(e.right))));
      if (e.op === 'divide') return emit.value(bin('div', wide(again(e.left)), wide(again(e.right))));
      break;
    }
    case 'select':
      if (e.type === 'float' && !variesAlongRow(low, e.cond)) {
        const cond = lowerExpr(emit, e.cond, partScope(low, layout, row, chunk, 0));
        return emit.value(pick(cond, wide(again(e.then)), wide(again(e.otherwise))));
      }
      break;
    default:
      break;
  }
  return byParts(low, e, layout, row, chunk, 4);
}

/** The parts of a chunk that are inside, as scalars. */
export function insideParts(chunk: KernelExpr, value: KernelExpr, extent: number): readonly KernelExpr[] {
  if (intValue(chunk) === undefined) throw new CompilerBug('lower-tile', 'parts of a rolled chunk');
  return parts.filter((p) => p < wholeParts(chunk, extent)).map((p) => extract(value, p));
}
