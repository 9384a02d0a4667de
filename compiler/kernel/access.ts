/**
 * Buffers as a kernel sees them: which element a binding has, and how one element or a chunk of four along the last axis is read
 * and written through it. In: indices that may lie anywhere. Out: loads whose index is in range by construction: where an index is
 * not proved to be inside, it is replaced by 0 and the value by 0. Indices are 32-bit; the host refuses launches beyond 2^31 elements.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import type { BufferDecl } from '../tile/ir.ts';
import { bin, conjunction, extract, f32, i32, intValue, parts, pick, vec4, zeroOf } from './build.ts';
import { factsIn, kernelType, lowerExpr, type Scope } from './code.ts';
import type { Emitter } from './emitter.ts';
import { isBelow, rangeOf, saysBelow, saysNonNegative } from './facts.ts';
import type { KernelExpr, NarrowElement, StorageElement } from './ir.ts';
import { highHalf, lowHalf, packFour, packPair, unpackFour } from './packed.ts';

export interface BufferView {
  readonly decl: BufferDecl;
  readonly storage: string;
  readonly element: StorageElement;
}

/** Lowers launch-level expressions (extents) once, at the start of the kernel. */
export type LaunchValue = (e: Expr) => KernelExpr;

export interface Access {
  readonly emit: Emitter;
  readonly launch: LaunchValue;
  readonly view: (buffer: string) => BufferView;
}

/** An index into the buffer's leading axes and the conditions under which it is inside. */
export interface GuardedIndex {
  readonly flat: KernelExpr;
  readonly inside: KernelExpr;
}

function guards(access: Access, scope: Scope, index: Expr, value: KernelExpr, extent: Expr, known: readonly Expr[]): readonly KernelExpr[] {
  const facts = factsIn(scope);
  const list: KernelExpr[] = [];
  if (rangeOf(index, facts).low < 0 && !saysNonNegative(known, index)) list.push(access.emit.value(bin('ge', value, i32(0))));
  if (!isBelow(index, extent, facts) && !saysBelow(known, index, extent)) list.push(access.emit.value(bin('lt', value, access.launch(extent))));
  return list;
}

/** The row-major index over the given leading axes. `known` are conditions that the caller tests as well. */
export function flatIndex(access: Access, scope: Scope, indices: readonly Expr[], extents: readonly Expr[], known: readonly Expr[]): GuardedIndex {
  const conditions: KernelExpr[] = [];
  let flat: KernelExpr = i32(0);
  indices.forEach((index, axis) => {
    const extent = extents[axis];
    if (extent === undefined) throw new CompilerBug('lower-tile', 'more indices than axes');
    const value = lowerExpr(access.emit, index, scope);
    conditions.push(...guards(access, scope, index, value, extent, known));
    flat = axis === 0 ? value : access.emit.value(bin('add', access.emit.value(bin('mul', flat, access.launch(extent))), value));
  });
  return { flat, inside: conditions.length === 0 ? conjunction([]) : conditions.reduce((a, b) => access.emit.value(bin('and', a, b))) };
}

/** 0 where the index is outside, so that the access itself is always inside. */
export function heldIndex(emit: Emitter, index: GuardedIndex): KernelExpr {
  return emit.value(pick(index.inside, index.flat, i32(0)));
}

function product(list: readonly Expr[], access: Access): KernelExpr {
  return list.map((x) => access.launch(x)).reduce((a, b) => access.emit.value(bin('mul', a, b)), i32(1));
}

/** `read` of an expression: one linear index, or one index an axis. */
export function lowerRead(access: Access, e: Expr & { readonly kind: 'read' }, scope: Scope): KernelExpr {
  const { emit } = access;
  const view = access.view(e.tensor);
  const { extents } = view.decl;
  const only = e.indices[0];
  let index: GuardedIndex;
  if (e.indices.length === 1 && extents.length !== 1 && only !== undefined) {
    const value = lowerExpr(emit, only, scope);
    const low = rangeOf(only, factsIn(scope)).low >= 0 ? [] : [emit.value(bin('ge', value, i32(0)))];
    index = { flat: value, inside: emit.value(conjunction([...low, emit.value(bin('lt', value, product(extents, access)))])) };
  } else {
    if (e.indices.length !== extents.length) throw new CompilerBug('lower-tile', `'${e.tensor}' has ${extents.length} axes, not ${e.indices.length}`);
    index = flatIndex(access, scope, e.indices, extents, []);
  }
  const loaded = loadElement(emit, view, heldIndex(emit, index));
  const value = emit.value(pick(index.inside, loaded, zeroOf(loaded.type)));
  if (value.type !== kernelType(e.type)) throw new CompilerBug('lower-tile', `'${e.tensor}' is read as ${e.type}`);
  return value;
}

/** The type of a buffer that is seen through words. */
export function narrow(view: BufferView): NarrowElement {
  const { element } = view.decl;
  if (element === 'f16' || element === 'bf16') return element;
  throw new CompilerBug('lower-tile', `'${view.decl.name}' holds no 16-bit numbers`);
}

function isOdd(emit: Emitter, index: KernelExpr): KernelExpr {
  return emit.value(bin('ne', emit.value(bin('bit_and', index, i32(1))), i32(0)));
}

function load(view: BufferView, type: KernelExpr['type'], index: KernelExpr): KernelExpr {
  return { kind: 'load', type, storage: view.storage, index };
}

/** The element with the given row-major index, as f32, i32 or bool. */
export function loadElement(emit: Emitter, view: BufferView, index: KernelExpr): KernelExpr {
  const quarter = (): KernelExpr => emit.value(bin('shr', index, i32(2)));
  const half = (): KernelExpr => emit.value(bin('shr', index, i32(1)));
  const part = (): KernelExpr => emit.value(bin('bit_and', index, i32(3)));
  switch (view.element) {
    case 'f32':
    case 'f16':
    case 'bf16':
      return emit.value(load(view, 'f32', index));
    case 'vec4u':
      throw new CompilerBug('lower-tile', `'${view.decl.name}' is only copied`);
    case 'i32': {
      const word = emit.value(load(view, 'i32', index));
      return view.decl.element === 'bool' ? emit.value(bin('ne', word, i32(0))) : word;
    }
    case 'vec4f':
    case 'vec4h': {
      const four = emit.value(load(view, 'vec4f', quarter()));
      const at = part();
      const low = pick(bin('eq', at, i32(0)), extract(four, 0), extract(four, 1));
      const high = pick(bin('eq', at, i32(2)), extract(four, 2), extract(four, 3));
      return emit.value(pick(emit.value(bin('lt', at, i32(2))), emit.value(low), emit.value(high)));
    }
    case 'u32': {
      const word = emit.value(load(view, 'u32', half()));
      return emit.value(pick(isOdd(emit, index), highHalf(narrow(view), word), lowHalf(narrow(view), word)));
    }
    case 'vec2u': {
      const words = emit.value(load(view, 'vec2u', quarter()));
      const word = emit.value(pick(bin('lt', part(), i32(2)), extract(words, 0), extract(words, 1)));
      return emit.value(pick(isOdd(emit, index), highHalf(narrow(view), word), lowHalf(narrow(view), word)));
    }
  }
}

/** Chunks of four that the last axis is made of; the last may be short. */
export interface ChunkPlace {
  /** Row-major index of the row (over all axes but the last), inside. */
  readonly row: KernelExpr;
  readonly chunk: KernelExpr;
  /** Length of the last axis. */
  readonly extent: number;
}

/** How many of the chunk's parts are inside; of a rolled chunk, as many as of any (its loop is over an axis that is a multiple of 4). */
export function wholeParts(chunk: KernelExpr, extent: number): number {
  const literal = intValue(chunk);
  return literal === undefined ? 4 : Math.max(0, Math.min(4, extent - literal * 4));
}

/** Four elements along the last axis as a vec4f; parts past the axis are 0. */
export function loadChunk(emit: Emitter, view: BufferView, place: ChunkPlace): KernelExpr {
  if (intValue(place.chunk) === undefined && place.extent % 4 !== 0) return askingChunk(emit, view, place);
  const whole = wholeParts(place.chunk, place.extent);
  switch (view.element) {
    case 'vec4f':
    case 'vec4h':
      return emit.value(load(view, 'vec4f', chunkIndex(emit, place)), 'chunk');
    case 'vec2u':
      return emit.value(unpackFour(narrow(view), emit.value(load(view, 'vec2u', chunkIndex(emit, place)))), 'chunk');
    case 'f32':
    case 'f16':
    case 'bf16': {
      const first = firstOfChunk(emit, place);
      const part = (p: number): KernelExpr => (p < whole ? emit.value(load(view, 'f32', emit.value(bin('add', first, i32(p))))) : f32(0));
      return emit.value(vec4([part(0), part(1), part(2), part(3)]), 'chunk');
    }
    case 'u32':
      return emit.value(packedChunk(emit, view, place, whole), 'chunk');
    case 'vec4u':
    case 'i32':
      throw new CompilerBug('lower-tile', `'${view.decl.name}' is no float buffer`);
  }
}

/** A chunk of a row that may not be inside (then `row` is 0): all parts are 0. */
export function guardedChunk(emit: Emitter, view: BufferView, at: { readonly row: KernelExpr; readonly inside: KernelExpr }, chunk: KernelExpr, extent: number): KernelExpr {
  return emit.value(pick(at.inside, loadChunk(emit, view, { row: at.row, chunk, extent }), zeroOf('vec4f')));
}

/** A chunk of a rolled loop over a last axis that is no multiple of 4: each part asks whether it is inside. */
function askingChunk(emit: Emitter, view: BufferView, place: ChunkPlace): KernelExpr {
  const base = emit.value(bin('mul', place.row, i32(place.extent)), 'base');
  const first = emit.value(bin('mul', place.chunk, i32(4)));
  const part = (p: number): KernelExpr => {
    const col = emit.value(bin('add', first, i32(p)));
    const inside = emit.value(bin('lt', col, i32(place.extent)));
    const loaded = loadElement(emit, view, emit.value(bin('add', base, emit.value(pick(inside, col, i32(0))))));
    return emit.value(pick(inside, loaded, f32(0)));
  };
  return emit.value(vec4([part(0), part(1), part(2), part(3)]), 'chunk');
}

/** Index of a chunk in a view by fours. */
function chunkIndex(emit: Emitter, place: ChunkPlace): KernelExpr {
  const base = emit.value(bin('mul', place.row, i32(place.extent / 4)), 'base');
  return emit.value(bin('add', base, place.chunk));
}

/** Index of a chunk's first element. */
function firstOfChunk(emit: Emitter, place: ChunkPlace): KernelExpr {
  const base = emit.value(bin('mul', place.row, i32(place.extent)), 'base');
  return emit.value(bin('add', base, emit.value(bin('mul', place.chunk, i32(4)))));
}

/** Rows of packed pairs whose length is no multiple of 4: an odd row begins in the middle of a word. */
function packedChunk(emit: Emitter, view: BufferView, place: ChunkPlace, whole: number): KernelExpr {
  const first = firstOfChunk(emit, place);
  const word0 = emit.value(bin('shr', first, i32(1)));
  const wordAt = (n: number, index: KernelExpr): KernelExpr => emit.value(load(view, 'u32', n === 0 ? word0 : index));
  const low = (word: KernelExpr): KernelExpr => lowHalf(narrow(view), word);
  const high = (word: KernelExpr): KernelExpr => highHalf(narrow(view), word);
  if (place.extent % 2 === 0) {
    const word = (n: number): KernelExpr => wordAt(n, emit.value(bin('add', word0, i32(n))));
    const part = (p: number): KernelExpr => (p >= whole ? f32(0) : p % 2 === 0 ? low(word(p >> 1)) : high(word(p >> 1)));
    return vec4([part(0), part(1), part(2), part(3)]);
  }
  const odd = isOdd(emit, first);
  // Word n holds parts 2n, 2n+1 of an even start and 2n-1, 2n of an odd one; where only one of them needs it, the other must not go past the buffer.
  const word = (n: number): KernelExpr => {
    const next = emit.value(bin('add', word0, i32(n)));
    return wordAt(n, 2 * n < whole ? next : emit.value(pick(odd, next, word0)));
  };
  const part = (p: number): KernelExpr => {
    if (p >= whole) return f32(0);
    const even = p % 2 === 0 ? low(word(p >> 1)) : high(word(p >> 1));
    const shifted = p % 2 === 0 ? high(word(p >> 1)) : low(word((p >> 1) + 1));
    return pick(odd, shifted, even);
  };
  return vec4([part(0), part(1), part(2), part(3)]);
}

/** Writes one element; the index is inside. */
export function storeElement(emit: Emitter, view: BufferView, index: KernelExpr, value: KernelExpr): void {
  const bits = view.decl.element === 'bool' ? emit.value(pick(value, i32(1), i32(0))) : value;
  emit.push({ kind: 'store', storage: view.storage, index, value: bits, origin: emit.origin() });
}

/** Writes the parts of a chunk that are inside; the row is. */
export function storeChunk(emit: Emitter, view: BufferView, place: ChunkPlace, value: KernelExpr): void {
  const origin = emit.origin();
  const put = (index: KernelExpr, stored: KernelExpr): void => emit.push({ kind: 'store', storage: view.storage, index, value: stored, origin });
  const whole = wholeParts(place.chunk, place.extent);
  switch (view.element) {
    case 'vec4f':
    case 'vec4h':
      return put(chunkIndex(emit, place), value);
    case 'vec2u':
      return put(chunkIndex(emit, place), packFour(emit, narrow(view), value));
    case 'f32':
    case 'f16':
    case 'bf16': {
      const first = firstOfChunk(emit, place);
      for (const p of parts) if (p < whole) put(emit.value(bin('add', first, i32(p))), extract(value, p));
      return;
    }
    case 'u32': {
      const word0 = emit.value(bin('shr', firstOfChunk(emit, place), i32(1)));
      for (const n of [0, 1] as const) {
        if (2 * n < whole) put(emit.value(bin('add', word0, i32(n))), packPair(emit, narrow(view), extract(value, n === 0 ? 0 : 2), extract(value, n === 0 ? 1 : 3)));
      }
      return;
    }
    case 'vec4u':
    case 'i32':
      throw new CompilerBug('lower-tile', `'${view.decl.name}' is no float buffer`);
  }
}
