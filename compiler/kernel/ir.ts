/**
 * Kernel programs: a tile program after layout and atom selection, as one lane sees it. Lanes of a workgroup run the
 * same body; memory spaces, barriers, subgroup operations and 32-bit index arithmetic are explicit. Printers (WGSL, later CUDA)
 * map it one to one to text; interpreters/lockstep.ts runs all lanes of a workgroup.
 *
 * Meaning: i32 and u32 wrap; `div`/`mod` on i32 are the machine's truncating ones (floor division has been lowered,
 * zero divisors excluded) and shift counts are already masked; f32 rounds after each operation; `and`/`or` evaluate both sides (no
 * short circuit). Every variable has an initial value. Subgroup and matrix operations, copies' commits and waits, and barriers stand in uniform control flow.
 */
import type { Origin } from '../../dsl/span.ts';

export type KernelType = 'bool' | 'i32' | 'u32' | 'f32' | 'vec4f' | 'vec2u';

/**
 * Elements of a storage buffer as the kernel sees it. f16 and bf16 data are seen as `u32` (a packed pair), `vec2u` (packed four), or where the
 * target has such elements as `f16` and `vec4h`, or `bf16`. `vec4u`: sixteen bytes (packed eight), which are copied to workgroup memory and never loaded as values.
 */
export type StorageElement = 'f32' | 'vec4f' | 'i32' | 'u32' | 'vec2u' | 'vec4u' | 'f16' | 'vec4h' | 'bf16';

export interface StorageDecl {
  readonly name: string;
  /** The buffer of the tile program (and the host plan) it views. */
  readonly buffer: string;
  readonly element: StorageElement;
  readonly access: 'read' | 'write';
}

/** Launch scalars, laid out in this order in one uniform block of 4-byte words, padded to a multiple of 16 bytes. */
export interface UniformDecl {
  readonly name: string;
  readonly type: 'i32' | 'f32';
}

/** Workgroup memory. `vec4u`: sixteen bytes, written by copies and read as rows of matrices. */
export interface SharedDecl {
  readonly name: string;
  readonly element: 'f32' | 'i32' | 'u32' | 'vec4f' | 'vec4u';
  readonly length: number;
}

/** 16-bit numbers. */
export type NarrowElement = 'f16' | 'bf16';

/** Numbers that matrix operations take; tf32: f32 of which the upper 11 digits count. */
export type MatrixElement = NarrowElement | 'tf32';

export type Four<T> = readonly [T, T, T, T];

export type KernelUnary =
  | 'neg' | 'not' | 'bit_not' | 'abs'
  | 'exp' | 'log' | 'tanh' | 'sqrt' | 'rsqrt' | 'floor'
  /** Bits needed for the 32-bit pattern (32 - leading zeros), set bits, zeros below the lowest set bit (32 for 0). i32 -> i32. */
  | 'bit_length' | 'popcount' | 'trailing_zeros'
  | 'to_i32' | 'to_u32' | 'to_f32' | 'bitcast_i32' | 'bitcast_u32' | 'bitcast_f32'
  /** f32 -> vec4f with equal lanes. */
  | 'splat'
  /** vec2u (four packed halves) -> vec4f, and back (round to nearest). */
  | 'unpack_half4' | 'pack_half4'
  /** u32 -> f32: the low or high half of a packed pair. */
  | 'unpack_half_low' | 'unpack_half_high'
  /** The same for bfloat16. */
  | 'unpack_bfloat4' | 'pack_bfloat4' | 'unpack_bfloat_low' | 'unpack_bfloat_high'
  /** f32 -> u32: the bits of the nearest number of 11 digits, ties away from zero. */
  | 'round_tf32';

export type KernelBinary =
  | 'add' | 'sub' | 'mul' | 'div' | 'mod' | 'min' | 'max'
  | 'bit_and' | 'bit_or' | 'bit_xor' | 'shl' | 'shr'
  | 'and' | 'or' | 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'
  /** vec4f x vec4f -> f32. */
  | 'dot'
  /** two f32 -> u32 packed halves, round to nearest, the left one low; the same for bfloat16. */
  | 'pack_half2' | 'pack_bfloat2';

export type KernelExpr =
  | { readonly kind: 'literal'; readonly type: 'bool' | 'i32' | 'u32' | 'f32'; readonly value: number }
  /** A `let`, `var`, loop index or uniform. */
  | { readonly kind: 'ref'; readonly type: KernelType; readonly name: string }
  | { readonly kind: 'builtin'; readonly type: 'i32'; readonly name: 'lane' | 'group_x' | 'group_y' | 'group_z' | 'subgroup_lane' }
  | { readonly kind: 'unary'; readonly type: KernelType; readonly op: KernelUnary; readonly arg: KernelExpr }
  /** Arithmetic on vec4f is elementwise; mul of vec4f by f32 scales. */
  | { readonly kind: 'binary'; readonly type: KernelType; readonly op: KernelBinary; readonly left: KernelExpr; readonly right: KernelExpr }
  /** a * b + c, fused or not at the target's choice (the bound allows both); f32 or vec4f, a or b may be f32 with vec4f. */
  | { readonly kind: 'fma'; readonly type: 'f32' | 'vec4f'; readonly a: KernelExpr; readonly b: KernelExpr; readonly c: KernelExpr }
  | { readonly kind: 'select'; readonly type: KernelType; readonly cond: KernelExpr; readonly then: KernelExpr; readonly otherwise: KernelExpr }
  | { readonly kind: 'vec4'; readonly type: 'vec4f'; readonly parts: readonly [KernelExpr, KernelExpr, KernelExpr, KernelExpr] }
  | { readonly kind: 'extract'; readonly type: 'f32' | 'u32'; readonly vector: KernelExpr; readonly part: 0 | 1 | 2 | 3 }
  /** Index in elements of the declaration. In range by construction: the lowering guards. `type` f32 for f16 and bf16, vec4f for vec4h. */
  | { readonly kind: 'load'; readonly type: KernelType; readonly storage: string; readonly index: KernelExpr }
  | { readonly kind: 'load_shared'; readonly type: KernelType; readonly shared: string; readonly index: KernelExpr }
  | { readonly kind: 'load_array'; readonly type: KernelType; readonly array: string; readonly index: KernelExpr }
  /**
   * The value that lane `from` of the subgroup holds; `from` is uniform and below the smallest subgroup size. With `group` 4: lane `from` (a
   * literal below 4) of the own four, lanes 4i to 4i + 3 of the subgroup.
   */
  | { readonly kind: 'shuffle'; readonly type: KernelType; readonly value: KernelExpr; readonly from: KernelExpr; readonly group?: 4 }
  /** The value that the lane with this number xor `mask` of the subgroup holds. */
  | { readonly kind: 'shuffle_xor'; readonly type: KernelType; readonly value: KernelExpr; readonly mask: number }
  /** Over the whole subgroup. */
  | { readonly kind: 'subgroup'; readonly type: KernelType; readonly op: 'sum' | 'max'; readonly value: KernelExpr };

export type KernelStmt =
  | { readonly kind: 'let'; readonly name: string; readonly type: KernelType; readonly value: KernelExpr; readonly origin: Origin }
  | { readonly kind: 'var'; readonly name: string; readonly type: KernelType; readonly value: KernelExpr; readonly origin: Origin }
  | { readonly kind: 'assign'; readonly name: string; readonly value: KernelExpr; readonly origin: Origin }
  /** A private array, every element set to `value`. */
  | { readonly kind: 'array'; readonly name: string; readonly type: 'f32' | 'vec4f' | 'i32'; readonly length: number; readonly value: KernelExpr; readonly origin: Origin }
  | { readonly kind: 'assign_array'; readonly array: string; readonly index: KernelExpr; readonly value: KernelExpr; readonly origin: Origin }
  | { readonly kind: 'store'; readonly storage: string; readonly index: KernelExpr; readonly value: KernelExpr; readonly origin: Origin }
  | { readonly kind: 'store_shared'; readonly shared: string; readonly index: KernelExpr; readonly value: KernelExpr; readonly origin: Origin }
  /**
   * Starts a copy of one 16-byte element: its first `bytes` (0 to 16) come from storage, the rest are zeros. With 0 bytes nothing is read,
   * and `index` may lie anywhere. The copy belongs to the lane; it has ended after a `copy_wait` for its group, and other lanes
   * see it after a barrier that follows the wait.
   */
  | { readonly kind: 'copy_async'; readonly shared: string; readonly at: KernelExpr; readonly storage: string; readonly index: KernelExpr; readonly bytes: KernelExpr; readonly origin: Origin }
  /** Closes the group of copies that the lane has started since the last commit. */
  | { readonly kind: 'copy_commit'; readonly origin: Origin }
  /** Waits until at most `pending` groups of the lane, the latest ones, are under way. */
  | { readonly kind: 'copy_wait'; readonly pending: number; readonly origin: Origin }
  /**
   * Declares `names` (u32): four 8 x 8 matrices of 16-bit numbers from workgroup memory. Lane 8i + j of each 32 says where row j of matrix i lies
   * (an element of 16 bytes); lane t gets in names[i] the elements 2(t mod 4) and 2(t mod 4) + 1 of row t div 4; transposed, of column t div 4.
   */
  | { readonly kind: 'load_matrix'; readonly names: Four<string>; readonly shared: string; readonly index: KernelExpr; readonly transposed: boolean; readonly origin: Origin }
  /** Declares `names` (f32): words `index` + offsets[i] of workgroup memory of 16-byte elements, four words an element. */
  | { readonly kind: 'load_words'; readonly names: Four<string>; readonly shared: string; readonly index: KernelExpr; readonly offsets: Four<number>; readonly origin: Origin }
  /**
   * sums += a x b for each 32 lanes: a is 16 x 16 and b 16 x 8 packed 16-bit numbers, sums 16 x 8 f32 variables. Lane t, with g = t div 4 and
   * q = t mod 4, holds of a (g, 2q..), (g + 8, 2q..), (g, 2q + 8..), (g + 8, 2q + 8..), of b (2q.., g), (2q + 8.., g), of the sums
   * (g, 2q), (g, 2q + 1), (g + 8, 2q), (g + 8, 2q + 1); of a pair the first is low. With operands of tf32, a is 16 x 8 and b 8 x 8 words, of a
   * (g, q), (g + 8, q), (g, q + 4), (g + 8, q + 4), of b (q, g), (q + 4, g). Products are exact, sums f32 in any order.
   */
  | { readonly kind: 'mma'; readonly operands: MatrixElement; readonly sums: Four<string>; readonly a: Four<KernelExpr>; readonly b: readonly [KernelExpr, KernelExpr]; readonly origin: Origin }
  /** Workgroup execution and memory barrier. */
  | { readonly kind: 'barrier'; readonly origin: Origin }
  /** `uniform`: the lowering knows that all lanes of the workgroup take the same way (barriers and shuffles may stand inside). */
  | { readonly kind: 'if'; readonly cond: KernelExpr; readonly uniform: boolean; readonly then: readonly KernelStmt[]; readonly otherwise: readonly KernelStmt[]; readonly origin: Origin }
  /** for (var index = from; index < to; index += step), index i32 and immutable in the body. */
  | { readonly kind: 'for'; readonly index: string; readonly from: KernelExpr; readonly to: KernelExpr; readonly step: number; readonly uniform: boolean; readonly body: readonly KernelStmt[]; readonly origin: Origin }
  | { readonly kind: 'while'; readonly cond: KernelExpr; readonly uniform: boolean; readonly body: readonly KernelStmt[]; readonly origin: Origin }
  | { readonly kind: 'comment'; readonly text: string; readonly origin: Origin };

export interface KernelProgram {
  readonly name: string;
  readonly summary: string;
  readonly workgroupSize: number;
  /** Smallest subgroup size the program counts on; absent when it uses no subgroup operation. */
  readonly subgroup?: number;
  readonly storage: readonly StorageDecl[];
  readonly uniforms: readonly UniformDecl[];
  readonly shared: readonly SharedDecl[];
  readonly body: readonly KernelStmt[];
  readonly origin: Origin;
}
