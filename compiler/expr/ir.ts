/**
 * Scalar expressions, shared by the spec, the plan, tile programs and host plans. A level adds nothing to the
 * union; it only says which `ref` names are in scope (its verifier checks that).
 *
 * Meaning, the same everywhere:
 * - `int` is 32-bit two's complement and wraps. `bool` is 0 or 1. `float` is float64 in interpreters, f32 in kernels.
 * - `div` and `mod` are floor division and its remainder (result of `mod` in [0, divisor)); where the divisor is
 *   below 1 both give 0.
 * - `shl` / `shr` (arithmetic) take their count modulo 32. `bit_length` and `popcount` read the 32-bit pattern;
 *   `trailing_zeros(0)` is 32.
 * - `floor_to_int` saturates to the int range; NaN gives 0.
 * - `read` outside the tensor gives 0 (false, 0.0). Indices are storage indices counted from 0.
 * - `and` / `or` evaluate both sides.
 * - `fold` runs `local` over the half-open range [from, to); an empty range gives: any -> false, all -> true, sum and
 *   bit_or -> 0, min -> 2147483647, max -> -2147483648 (float: the largest f32, and its negation). Float sums may be
 *   taken in any order.
 *
 * Constructors normalise: constants are folded, and neutral elements dropped. Use them instead of literals.
 */
export type ScalarType = 'int' | 'float' | 'bool';

export type UnaryOp =
  | 'neg' | 'abs' | 'not'
  | 'bit_not' | 'bit_length' | 'popcount' | 'trailing_zeros'
  | 'to_float' | 'floor_to_int'
  | 'exp' | 'log' | 'tanh' | 'sqrt' | 'rsqrt';

export type BinaryOp =
  | 'add' | 'sub' | 'mul' | 'min' | 'max'
  | 'div' | 'mod'
  | 'divide'
  | 'bit_and' | 'bit_or' | 'bit_xor' | 'shl' | 'shr'
  | 'and' | 'or'
  | 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

export type FoldOp = 'any' | 'all' | 'sum' | 'min' | 'max' | 'bit_or';

export type Expr =
  | { readonly kind: 'literal'; readonly type: ScalarType; readonly value: number }
  | { readonly kind: 'ref'; readonly type: ScalarType; readonly name: string }
  | { readonly kind: 'read'; readonly type: ScalarType; readonly tensor: string; readonly indices: readonly Expr[] }
  | { readonly kind: 'unary'; readonly type: ScalarType; readonly op: UnaryOp; readonly arg: Expr }
  | { readonly kind: 'binary'; readonly type: ScalarType; readonly op: BinaryOp; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'select'; readonly type: ScalarType; readonly cond: Expr; readonly then: Expr; readonly otherwise: Expr }
  | {
      readonly kind: 'fold';
      readonly type: ScalarType;
      readonly op: FoldOp;
      readonly local: string;
      readonly from: Expr;
      readonly to: Expr;
      readonly body: Expr;
    }
  /** Tile programs only: the element of a tile at the current row and column (axes of extent 1 broadcast). */
  | { readonly kind: 'element'; readonly type: ScalarType; readonly tile: string };
