/**
 * Rewriting and reading of kernel programs. In: a program and a function on expressions. Out: the program with every
 * expression rewritten bottom-up, or a walk over all expressions and statements. Holds: with the identity the program is
 * unchanged; origins are kept.
 */
import { unreachable } from '../dsl/diagnostic.ts';
import type { KernelExpr, KernelProgram, KernelStmt } from '../compiler/kernel/ir.ts';

/** The direct operands of an expression. */
export function operandsOf(expr: KernelExpr): readonly KernelExpr[] {
  switch (expr.kind) {
    case 'literal':
    case 'ref':
    case 'builtin':
      return [];
    case 'unary':
      return [expr.arg];
    case 'binary':
      return [expr.left, expr.right];
    case 'fma':
      return [expr.a, expr.b, expr.c];
    case 'select':
      return [expr.cond, expr.then, expr.otherwise];
    case 'vec4':
      return expr.parts;
    case 'extract':
      return [expr.vector];
    case 'load':
    case 'load_shared':
    case 'load_array':
      return [expr.index];
    case 'shuffle':
      return [expr.value, expr.from];
    case 'subgroup':
      return [expr.value];
    default:
      return unreachable(expr);
  }
}

/** The expression with its direct operands replaced. */
export function mapOperands(expr: KernelExpr, f: (e: KernelExpr) => KernelExpr): KernelExpr {
  switch (expr.kind) {
    case 'literal':
    case 'ref':
    case 'builtin':
      return expr;
    case 'unary':
      return { ...expr, arg: f(expr.arg) };
    case 'binary':
      return { ...expr, left: f(expr.left), right: f(expr.right) };
    case 'fma':
      return { ...expr, a: f(expr.a), b: f(expr.b), c: f(expr.c) };
    case 'select':
      return { ...expr, cond: f(expr.cond), then: f(expr.then), otherwise: f(expr.otherwise) };
    case 'vec4': {
      const [a, b, c, d] = expr.parts;
      return { ...expr, parts: [f(a), f(b), f(c), f(d)] };
    }
    case 'extract':
      return { ...expr, vector: f(expr.vector) };
    case 'load':
    case 'load_shared':
    case 'load_array':
      return { ...expr, index: f(expr.index) };
    case 'shuffle':
      return { ...expr, value: f(expr.value), from: f(expr.from) };
    case 'subgroup':
      return { ...expr, value: f(expr.value) };
    default:
      return unreachable(expr);
  }
}

/** Rewrites operands first, then the expression. */
export function mapExpr(expr: KernelExpr, f: (e: KernelExpr) => KernelExpr): KernelExpr {
  return f(mapOperands(expr, (e) => mapExpr(e, f)));
}

/** The expressions that stand directly in a statement. */
export function expressionsOf(stmt: KernelStmt): readonly KernelExpr[] {
  switch (stmt.kind) {
    case 'let':
    case 'var':
    case 'assign':
    case 'array':
      return [stmt.value];
    case 'assign_array':
    case 'store':
    case 'store_shared':
      return [stmt.index, stmt.value];
    case 'barrier':
    case 'comment':
      return [];
    case 'if':
    case 'while':
      return [stmt.cond];
    case 'for':
      return [stmt.from, stmt.to];
    default:
      return unreachable(stmt);
  }
}

/** The statements that stand directly in a statement. */
export function statementsOf(stmt: KernelStmt): readonly KernelStmt[] {
  switch (stmt.kind) {
    case 'if':
      return [...stmt.then, ...stmt.otherwise];
    case 'for':
    case 'while':
      return stmt.body;
    case 'let':
    case 'var':
    case 'assign':
    case 'array':
    case 'assign_array':
    case 'store':
    case 'store_shared':
    case 'barrier':
    case 'comment':
      return [];
    default:
      return unreachable(stmt);
  }
}

/** Calls `f` on every statement, outer ones first. */
export function walkStatements(body: readonly KernelStmt[], f: (s: KernelStmt) => void): void {
  for (const stmt of body) {
    f(stmt);
    walkStatements(statementsOf(stmt), f);
  }
}

function walkExpr(expr: KernelExpr, f: (e: KernelExpr) => void): void {
  f(expr);
  for (const operand of operandsOf(expr)) walkExpr(operand, f);
}

/** Calls `f` on every expression of the program. */
export function walkExpressions(body: readonly KernelStmt[], f: (e: KernelExpr) => void): void {
  walkStatements(body, (stmt) => {
    for (const expr of expressionsOf(stmt)) walkExpr(expr, f);
  });
}

function mapStatement(stmt: KernelStmt, f: (e: KernelExpr) => KernelExpr): KernelStmt {
  const on = (e: KernelExpr): KernelExpr => mapExpr(e, f);
  const body = (list: readonly KernelStmt[]): readonly KernelStmt[] => list.map((s) => mapStatement(s, f));
  switch (stmt.kind) {
    case 'let':
    case 'var':
    case 'assign':
    case 'array':
      return { ...stmt, value: on(stmt.value) };
    case 'assign_array':
    case 'store':
    case 'store_shared':
      return { ...stmt, index: on(stmt.index), value: on(stmt.value) };
    case 'barrier':
    case 'comment':
      return stmt;
    case 'if':
      return { ...stmt, cond: on(stmt.cond), then: body(stmt.then), otherwise: body(stmt.otherwise) };
    case 'for':
      return { ...stmt, from: on(stmt.from), to: on(stmt.to), body: body(stmt.body) };
    case 'while':
      return { ...stmt, cond: on(stmt.cond), body: body(stmt.body) };
    default:
      return unreachable(stmt);
  }
}

/** The program with every expression rewritten, operands first. */
export function mapProgram(program: KernelProgram, f: (e: KernelExpr) => KernelExpr): KernelProgram {
  return { ...program, body: program.body.map((s) => mapStatement(s, f)) };
}
