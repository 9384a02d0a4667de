/**
 * What the lowering of one declaration carries along: bindings of names, the requirements found so far, and bounds on the size of the
 * result. The bounds stop programs whose inlined form is exponentially larger than their text, with a diagnostic.
 */
import * as report from '../../dsl/catalogue/index.ts';
import type { Expr as Syntax, StageDecl } from '../../dsl/ast.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import type { FileScope, Program } from '../../dsl/program.ts';
import type { Span } from '../../dsl/span.ts';
import { add, ge, int, le, min } from '../expr/build.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import { printExpr } from '../expr/print.ts';
import { children, freeRefs, readTensors, sameExpr } from '../expr/traverse.ts';
import type { Axis, MaskExpr, Requirement } from './ir.ts';
import type { StageIndex, StageTensor } from './stage.ts';
import { maskChildren, maskOperands } from './traverse.ts';

/** A tensor parameter as an expression sees it: some leading indices may be fixed already, `axes` are the others. */
export interface BoundTensor {
  readonly name: string;
  readonly element: ScalarType;
  readonly leading: readonly Expr[];
  readonly axes: readonly Axis[];
}

export type Value =
  | { readonly kind: 'scalar'; readonly expr: Expr }
  | { readonly kind: 'mask'; readonly mask: MaskExpr }
  | { readonly kind: 'tensor'; readonly tensor: BoundTensor };

export interface Env {
  readonly values: ReadonlyMap<string, Value>;
  readonly scope: FileScope;
  /** Variables of the quantifiers around, which inner ones must not reuse. */
  readonly locals: readonly string[];
  readonly stage?: StageScope;
  readonly equation?: EquationContext;
}

/** What the equations of one use of a stage share. */
export interface StageScope {
  readonly decl: StageDecl;
  /** Stands before the names of its tensors. */
  readonly prefix: string;
  readonly indices: Map<string, Axis>;
  /** Rounds of `repeat` so far. */
  readonly rounds: { count: number };
}

/** The equation around an expression. */
export interface EquationContext {
  /** Name of its tensor. */
  readonly name: string;
  readonly indices: readonly StageIndex[];
  /** Its indices by their names in the source. */
  readonly byName: ReadonlyMap<string, StageIndex>;
}

export interface Lowering {
  /** The value of an expression; here so that files about its parts need not import the file about all of them. */
  readonly lower: (e: Syntax, env: Env) => Value;
  readonly program: Program;
  readonly name: string;
  /** Names that are fixed in the spec: sizes, positions, launch scalars, tensors. */
  readonly taken: Set<string>;
  /** Refs whose value a launch knows: sizes, launch scalars, extents. */
  readonly launchRefs: Set<string>;
  readonly requires: Requirement[];
  readonly stages: StageTensor[];
  readonly found: Diagnostic[];
  readonly shapes: WeakMap<Expr | MaskExpr, Shape>;
  /** Syntax nodes lowered so far, and how deep the walk is. */
  steps: number;
  depth: number;
}

/** Nodes of the tree (shared parts counted as often as they occur) and its depth. */
interface Shape {
  readonly size: number;
  readonly depth: number;
}

/** Nodes of one spec. Kernels of that size take seconds to compile on any device. */
export const nodeLimit = 50_000;

/** Levels of a spec's trees: what recursive walks over them can take on the stack of Node many times over. */
export const depthLimit = 400;

export function stop(diagnostic: Diagnostic): never {
  throw new DiagnosticError([diagnostic]);
}

/** Counts one step down the tree of the source; every syntax node passes here. */
export function enter(l: Lowering, span: Span): void {
  l.steps += 1;
  l.depth += 1;
  if (l.steps > nodeLimit) stop(report.programTooLarge(span, { name: l.name, what: 'parts', limit: nodeLimit }));
  if (l.depth > depthLimit) stop(report.programTooLarge(span, { name: l.name, what: 'levels', limit: depthLimit }));
}

export function leave(l: Lowering): void {
  l.depth -= 1;
}

function shapeOf(l: Lowering, parts: readonly (Expr | MaskExpr)[]): Shape {
  let size = 1;
  let depth = 0;
  for (const part of parts) {
    const shape = l.shapes.get(part) ?? measure(l, part);
    size += shape.size;
    depth = Math.max(depth, shape.depth);
  }
  return { size, depth: depth + 1 };
}

/** Measures a node; its parts have been measured when they were made, so this goes down a few levels at most. */
function measure(l: Lowering, node: Expr | MaskExpr): Shape {
  const shape = shapeOf(l, isMask(node) ? [...maskChildren(node), ...maskOperands(node)] : children(node));
  l.shapes.set(node, shape);
  return shape;
}

function isMask(node: Expr | MaskExpr): node is MaskExpr {
  return 'span' in node;
}

/** The node, after checking that it is not too large. */
export function bounded<T extends Expr | MaskExpr>(l: Lowering, node: T, span: Span): T {
  const { size, depth } = l.shapes.get(node) ?? measure(l, node);
  if (size > nodeLimit) stop(report.programTooLarge(span, { name: l.name, what: 'parts', limit: nodeLimit }));
  if (depth > depthLimit) stop(report.programTooLarge(span, { name: l.name, what: 'levels', limit: depthLimit }));
  return node;
}

/** Notes something that must be true of a launch. What is known to be true is dropped, what is known to be false is an error now. */
export function require(l: Lowering, condition: Expr, message: string, span: Span): void {
  if (condition.kind === 'literal') {
    const isTold = l.found.some((d) => d.message === message);
    if (condition.value === 0 && !isTold) l.found.push(report.requirementNotMet(span, { message }));
    return;
  }
  if (l.requires.some((r) => r.message === message && sameExpr(r.condition, condition))) return;
  l.requires.push({ condition, message, span });
}

/** Divisors of `div` and `mod` are at least 1 where a launch can tell. */
export function requireDivisor(l: Lowering, divisor: Expr, op: string, span: Span): void {
  if (divisor.kind === 'literal') {
    if (divisor.value < 1) l.found.push(report.divisorTooSmall(span, { op, value: divisor.value }));
    return;
  }
  if (!isLaunchKnown(l, divisor)) return;
  require(l, ge(divisor, int(1)), `the divisor ${quote(divisor)} of \`${op}\` must be at least 1`, span);
}

/** Values that a quantifier runs over at most: more would hang an interpreter and reset a GPU. */
export const quantifierLimit = 65536;

/** The end of a quantifier's range: where a launch can tell, too long a range is refused; elsewhere the rest is not asked. */
export function quantifierEnd(l: Lowering, from: Expr, to: Expr, span: Span): Expr {
  const limit = add(from, int(quantifierLimit));
  if (!isLaunchKnown(l, from) || !isLaunchKnown(l, to)) return min(to, limit);
  require(l, le(to, limit), `\`any\` may run over at most ${quantifierLimit} values`, span);
  return to;
}

/** Whether a launch knows the value before anything is computed. */
export function isLaunchKnown(l: Lowering, e: Expr): boolean {
  return readTensors(e).size === 0 && [...freeRefs(e)].every((name) => l.launchRefs.has(name));
}

/** An expression in a message; long ones only in part. */
export function quote(e: Expr): string {
  const text = printExpr(e);
  return text.length <= 60 ? `\`${text}\`` : `\`${text.slice(0, 56)}...\``;
}
