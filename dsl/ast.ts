/**
 * The syntax tree of a `.fil` file, one union for all expressions: whether an expression is a mask, an int,
 * a float or a bool is decided by the checker, not by the grammar. Every node has a span.
 */
import type { Span } from './span.ts';

export interface Ident {
  readonly name: string;
  readonly span: Span;
}

export interface SourceFile {
  readonly file: string;
  readonly text: string;
  readonly items: readonly Item[];
}

export type Item = ImportDecl | MaskDecl | StageDecl | AttentionDecl | ChainDecl;

export interface ImportDecl {
  readonly kind: 'import';
  /** `name` or `name as alias`. */
  readonly names: readonly { readonly name: Ident; readonly alias?: Ident }[];
  readonly from: string;
  readonly fromSpan: Span;
  readonly span: Span;
}

export interface MaskDecl {
  readonly kind: 'mask';
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly body: Expr;
  /** Lines of `///`, without the slashes. */
  readonly doc: readonly string[];
  readonly span: Span;
}

/** Run-time tensors in index notation, computed before the attention that uses them. */
export interface StageDecl {
  readonly kind: 'stage';
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly items: readonly StageItem[];
  readonly doc: readonly string[];
  readonly span: Span;
}

export type StageItem =
  /** An index and its range: `lo .. hi`, or an axis such as `queries / 64`. */
  | { readonly kind: 'index'; readonly name: Ident; readonly range: Expr | RangeExpr; readonly span: Span }
  | { readonly kind: 'let'; readonly name: Ident; readonly value: Expr; readonly span: Span }
  /** `name[i, j]: f16 = body`. */
  | { readonly kind: 'equation'; readonly name: Ident; readonly indices: readonly Ident[]; readonly precision?: Ident; readonly body: Expr; readonly doc: readonly string[]; readonly span: Span }
  | { readonly kind: 'repeat'; readonly count: Expr; readonly items: readonly StageItem[]; readonly span: Span }
  | StageUse;

/** `stage name = callee(args)`: the tensors of another stage, as `name.tensor`. */
export interface StageUse {
  readonly kind: 'stage';
  readonly name: Ident;
  readonly callee: Ident;
  readonly args: readonly Arg[];
  readonly span: Span;
}

export interface AttentionDecl {
  readonly kind: 'attention';
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly clauses: readonly Clause[];
  readonly doc: readonly string[];
  readonly span: Span;
}

export type Clause =
  | { readonly kind: 'mask'; readonly body: Expr; readonly span: Span }
  /** Factor on q.k; default 1/sqrt(dim). */
  | { readonly kind: 'scale'; readonly body: Expr; readonly span: Span }
  /** `score s => ...`: the logit from the scaled product `s`. */
  | { readonly kind: 'score'; readonly variable: Ident; readonly body: Expr; readonly span: Span }
  /** An extra logit in the denominator, per batch and head. */
  | { readonly kind: 'sink'; readonly body: Expr; readonly span: Span }
  | StageUse
  /** Stage tensors that the caller gets beside `out` and `lse`. */
  | { readonly kind: 'output'; readonly tensors: readonly Ident[]; readonly span: Span }
  /** Pins of the schedule; may change speed, never the result. */
  | { readonly kind: 'schedule'; readonly pins: readonly { readonly name: Ident; readonly value: Expr }[]; readonly span: Span };

/** Stages and attentions run one after another on each other's tensors. */
export interface ChainDecl {
  readonly kind: 'chain';
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly items: readonly ChainItem[];
  readonly doc: readonly string[];
  readonly span: Span;
}

export type ChainItem =
  /** `heads`, `kv_heads` and `dim` of everything in the chain. */
  | { readonly kind: 'sizes'; readonly sizes: readonly { readonly name: Ident; readonly value: Expr }[]; readonly span: Span }
  | { readonly kind: 'let'; readonly name: Ident; readonly value: Expr; readonly span: Span }
  | StageUse
  | AttentionUse
  /** The items once for every value of an int. */
  | { readonly kind: 'repeat'; readonly variable: Ident; readonly range: Expr | RangeExpr; readonly items: readonly ChainItem[]; readonly span: Span }
  | { readonly kind: 'output'; readonly tensors: readonly Ident[]; readonly span: Span };

/** `attention name = callee(q = .., k = .., v = .., args)`: results are `name.out`, `name.lse` and what the callee gives back. */
export interface AttentionUse {
  readonly kind: 'attention';
  readonly name: Ident;
  readonly callee: Ident;
  readonly args: readonly Arg[];
  readonly span: Span;
}

export interface Param {
  readonly name: Ident;
  /** `const`: known when the kernel is generated. */
  readonly isConst: boolean;
  readonly type: TypeExpr;
  readonly defaultValue?: Expr;
  readonly doc: readonly string[];
  readonly span: Span;
}

export interface TypeExpr {
  /** `attention`: a parameter of a chain that stands for any attention. `hole`: a type that could not be read; the parser has reported it. */
  readonly scalar: 'int' | 'float' | 'bool' | 'attention' | 'hole';
  /** `int tokens`, `int tiles`: a unit that the checker keeps apart and the bindings show. */
  readonly unit?: Ident;
  /** Axes of a tensor, outermost first; empty for a scalar. `batch heads kv_heads queries keys`, a new name (a free
   *  axis, whose extent can be read by that name), an integer, or `queries / B` and `keys / B` (counted in blocks of B, rounded up). */
  readonly axes: readonly Expr[];
  readonly span: Span;
}

export type UnaryOp = '-' | '~';
export type BinaryOp =
  | '|' | '&'
  | '==' | '!=' | '<' | '<=' | '>' | '>='
  | '+' | '-' | '*' | '/' | 'div' | 'mod';

export type Expr =
  /** What stands where the source has an error; the parser has reported it, later steps stay silent about it. */
  | { readonly kind: 'hole'; readonly span: Span }
  | { readonly kind: 'int'; readonly value: number; readonly span: Span }
  | { readonly kind: 'float'; readonly value: number; readonly text: string; readonly span: Span }
  | { readonly kind: 'bool'; readonly value: boolean; readonly span: Span }
  | { readonly kind: 'name'; readonly name: string; readonly span: Span }
  /** Constructors (`band(..)`), named masks, and functions (`abs(..)`) alike. */
  | { readonly kind: 'call'; readonly callee: Ident; readonly args: readonly Arg[]; readonly span: Span }
  | { readonly kind: 'index'; readonly base: Ident; readonly indices: readonly Expr[]; readonly span: Span }
  | { readonly kind: 'unary'; readonly op: UnaryOp; readonly arg: Expr; readonly span: Span }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly left: Expr; readonly right: Expr; readonly span: Span }
  | { readonly kind: 'if'; readonly cond: Expr; readonly then: Expr; readonly otherwise: Expr; readonly span: Span }
  | { readonly kind: 'let'; readonly name: Ident; readonly value: Expr; readonly body: Expr; readonly span: Span }
  | { readonly kind: 'any'; readonly variable: Ident; readonly from: Expr; readonly to: Expr; readonly body: Expr; readonly span: Span }
  /**
   * A reduction over indices (`sum t in 0 .. n where c: body`), or, over an index of the equation itself, something that sees its whole axis
   * (`softmax J: body`, `top(n) J: body`). Names with dots are tensors of a used stage.
   */
  | { readonly kind: 'reduce'; readonly op: ReduceOp; readonly arg?: Expr; readonly over: readonly ReduceIndex[]; readonly where?: Expr; readonly body: Expr; readonly span: Span }
  | { readonly kind: 'predicate'; readonly query: Ident; readonly key: Ident; readonly body: Expr; readonly span: Span }
  | {
      readonly kind: 'choose';
      readonly selector: Expr;
      readonly cases: readonly { readonly value: Expr; readonly body: Expr; readonly span: Span }[];
      readonly otherwise?: Expr;
      readonly span: Span;
    };

export type ReduceOp =
  | 'sum' | 'mean' | 'min' | 'max' | 'any' | 'all'
  | 'argmax' | 'nth'
  | 'softmax' | 'rank' | 'mass' | 'cumsum' | 'top' | 'top_mass';

/** Without a range: an index that the stage declares. */
export interface ReduceIndex {
  readonly name: Ident;
  readonly range?: Expr | RangeExpr;
}

/** `name = value`, `value`, or the half-open range `from .. to`. */
export interface Arg {
  readonly name?: Ident;
  readonly value: Expr | RangeExpr;
  readonly span: Span;
}

export interface RangeExpr {
  readonly kind: 'range';
  readonly from: Expr;
  readonly to: Expr;
  readonly span: Span;
}
