/**
 * Tile programs: what one program instance (one workgroup, one thread block) does to whole tiles. Target independent:
 * no lanes, no memory spaces, no barriers. A kernel is one tile program.
 *
 * Tiles are [rows, cols] arrays; a row vector of per-row values is [rows, 1]. Scalars are uniform over the instance.
 * Expressions are compiler/expr Exprs. In scope: grid indices, launch scalars, names bound by `let`, `var` and `for`;
 * inside an element expression also `row` and `col` (int indices within the tile) and `element(tile)`, where axes of
 * extent 1 broadcast. `read` names a buffer; one linear or several logical indices as the buffer declares its extents;
 * outside it gives 0.
 *
 * Float tiles are f32 on devices and float64 in the tile interpreter. -inf never occurs: `lowest` (-3.0e38) stands
 * for "no score yet".
 */
import type { Origin } from '../../dsl/span.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';

/** Stands for minus infinity in kernels (finite, so that differences are defined). */
export const lowest = -3.0e38;

/** Storage of q, k, v and out. */
export type FloatElement = 'f32' | 'f16' | 'bf16';

export type BufferElement = FloatElement | 'int' | 'bool';

export interface BufferDecl {
  readonly name: string;
  readonly element: BufferElement;
  readonly access: 'read' | 'write';
  /** Row-major extents; launch level (sizes, scalars, extents, launch variables of the host plan). */
  readonly extents: readonly Expr[];
}

export interface GridAxis {
  /** Name of the index within the program. */
  readonly name: string;
  /** Number of instances along it; launch level. */
  readonly extent: Expr;
}

/** A launch-time scalar handed to the kernel. */
export interface ScalarDecl {
  readonly name: string;
  readonly type: ScalarType;
}

export interface TileShape {
  readonly rows: number;
  readonly cols: number;
}

export interface TileDecl extends TileShape {
  readonly name: string;
  readonly type: ScalarType;
}

export type TileStmt =
  /** An immutable scalar. */
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr; readonly origin: Origin }
  /** A mutable scalar and its assignment. */
  | { readonly kind: 'var'; readonly name: string; readonly value: Expr; readonly origin: Origin }
  | { readonly kind: 'set'; readonly name: string; readonly value: Expr; readonly origin: Origin }
  /** Declares a tile (every tile is declared once, before use, with a value for each element). */
  | { readonly kind: 'tile'; readonly tile: TileDecl; readonly value: Expr; readonly origin: Origin }
  /** Elementwise update of a declared tile; the value may read the tile's own old element. `precision` as for stores. */
  | { readonly kind: 'map'; readonly target: string; readonly value: Expr; readonly precision?: FloatElement; readonly origin: Origin }
  /**
   * Declares an operand tile read from a float buffer: element (r, c) = buffer[rowIndex(r), c] where `where(r)` holds and
   * c < the buffer's last extent, else 0. `index` are all indices but the last, per row (they may use `row`, no `col`, no tiles
   * other than [rows, 1] int tiles). The last axis is contiguous: this is what backends stream, stage or vectorise.
   */
  | {
      readonly kind: 'load';
      readonly tile: TileDecl;
      readonly buffer: string;
      readonly index: readonly Expr[];
      readonly where: Expr;
      readonly origin: Origin;
    }
  /** target[r, c] (+)= sum over d of left[r, d] * (transposed ? right[c, d] : right[d, c]). */
  | {
      readonly kind: 'dot';
      readonly target: string;
      readonly left: string;
      readonly right: string;
      readonly transposed: boolean;
      readonly accumulate: boolean;
      readonly origin: Origin;
    }
  /** target[r, 0] = op over c of source[r, c]. */
  | { readonly kind: 'reduce'; readonly target: string; readonly op: 'max' | 'sum'; readonly source: string; readonly origin: Origin }
  /**
   * buffer[index(r, c)] = value(r, c) for each element of `shape` where `where(r, c)` holds; no two elements write one place.
   * `precision`: a float is rounded to the nearest of this type first; absent: as the machine computes (interpreters keep float64).
   */
  | {
      readonly kind: 'store';
      readonly buffer: string;
      readonly shape: TileShape;
      readonly index: readonly Expr[];
      readonly value: Expr;
      readonly where: Expr;
      readonly precision?: FloatElement;
      readonly origin: Origin;
    }
  /** Conditions and bounds are scalars (uniform). */
  | { readonly kind: 'if'; readonly cond: Expr; readonly then: readonly TileStmt[]; readonly otherwise: readonly TileStmt[]; readonly origin: Origin }
  | { readonly kind: 'for'; readonly index: string; readonly from: Expr; readonly to: Expr; readonly body: readonly TileStmt[]; readonly origin: Origin }
  | { readonly kind: 'while'; readonly cond: Expr; readonly body: readonly TileStmt[]; readonly origin: Origin }
  | { readonly kind: 'comment'; readonly text: string; readonly origin: Origin };

export interface TileProgram {
  readonly name: string;
  /** One line for people: what it computes. */
  readonly summary: string;
  readonly grid: readonly GridAxis[];
  readonly scalars: readonly ScalarDecl[];
  readonly buffers: readonly BufferDecl[];
  readonly body: readonly TileStmt[];
  readonly origin: Origin;
}
