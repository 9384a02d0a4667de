/**
 * Walking kernel programs: the direct operands of an expression, the expressions and blocks of a statement, and rebuilding both.
 * Every variant and every field is covered; passes are written on top of these.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { bin, extract, fma, pick, un, vec4 } from './build.ts';
import type { KernelExpr, KernelProgram, KernelStmt } from './ir.ts';

export function subexpressions(e: KernelExpr): readonly KernelExpr[] {
  switch (e.kind) {
    case 'literal':
    case 'ref':
    case 'builtin':
      return [];
    case 'unary':
      return [e.arg];
    case 'binary':
      return [e.left, e.right];
    case 'fma':
      return [e.a, e.b, e.c];
    case 'select':
      return [e.cond, e.then, e.otherwise];
    case 'vec4':
      return e.parts;
    case 'extract':
      return [e.vector];
    case 'load':
    case 'load_shared':
    case 'load_array':
      return [e.index];
    case 'shuffle':
      return [e.value, e.from];
    case 'shuffle_xor':
    case 'subgroup':
      return [e.value];
    default:
      return unreachable(e);
  }
}

/** The node over operands `f(operand)`, and nothing else changed; the node itself where all operands stayed. */
export function mapOperands(e: KernelExpr, f: (e: KernelExpr) => KernelExpr): KernelExpr {
  switch (e.kind) {
    case 'literal':
    case 'ref':
    case 'builtin':
      return e;
    case 'unary': {
      const arg = f(e.arg);
      return arg === e.arg ? e : { ...e, arg };
    }
    case 'binary': {
      const left = f(e.left);
      const right = f(e.right);
      return left === e.left && right === e.right ? e : { ...e, left, right };
    }
    case 'fma': {
      const a = f(e.a);
      const b = f(e.b);
      const c = f(e.c);
      return a === e.a && b === e.b && c === e.c ? e : { ...e, a, b, c };
    }
    case 'select': {
      const cond = f(e.cond);
      const then = f(e.then);
      const otherwise = f(e.otherwise);
      return cond === e.cond && then === e.then && otherwise === e.otherwise ? e : { ...e, cond, then, otherwise };
    }
    case 'vec4': {
      const [a, b, c, d] = e.parts;
      return { ...e, parts: [f(a), f(b), f(c), f(d)] };
    }
    case 'extract': {
      const vector = f(e.vector);
      return vector === e.vector ? e : { ...e, vector };
    }
    case 'load':
    case 'load_shared':
    case 'load_array': {
      const index = f(e.index);
      return index === e.index ? e : { ...e, index };
    }
    case 'shuffle':
      return { ...e, value: f(e.value), from: f(e.from) };
    case 'shuffle_xor':
    case 'subgroup':
      return { ...e, value: f(e.value) };
    default:
      return unreachable(e);
  }
}

/** The node over operands `f(operand)`, folded again. */
export function mapExpr(e: KernelExpr, f: (e: KernelExpr) => KernelExpr): KernelExpr {
  const next = mapOperands(e, f);
  return next === e ? e : folded(next);
}

function folded(e: KernelExpr): KernelExpr {
  switch (e.kind) {
    case 'unary':
      return un(e.op, e.arg);
    case 'binary':
      return bin(e.op, e.left, e.right);
    case 'fma':
      return fma(e.a, e.b, e.c);
    case 'select':
      return pick(e.cond, e.then, e.otherwise);
    case 'vec4':
      return vec4(e.parts);
    case 'extract':
      return extract(e.vector, e.part);
    case 'literal': case 'ref': case 'builtin': case 'load': case 'load_shared': case 'load_array': case 'shuffle': case 'shuffle_xor': case 'subgroup':
      return e;
    default:
      return unreachable(e);
  }
}

/** Rewrites operands first, then the expression; folds nothing. */
function rewrite(e: KernelExpr, f: (e: KernelExpr) => KernelExpr): KernelExpr {
  return f(mapOperands(e, (x) => rewrite(x, f)));
}

/** Expressions of the statement itself. */
export function expressionsOf(s: KernelStmt): readonly KernelExpr[] {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
    case 'array':
      return [s.value];
    case 'assign_array':
    case 'store':
    case 'store_shared':
      return [s.index, s.value];
    case 'if':
    case 'while':
      return [s.cond];
    case 'for':
      return [s.from, s.to];
    case 'copy_async':
      return [s.at, s.index, s.bytes];
    case 'load_matrix':
    case 'load_words':
      return [s.index];
    case 'mma':
      return [...s.a, ...s.b];
    case 'copy_commit':
    case 'copy_wait':
    case 'barrier':
    case 'comment':
      return [];
    default:
      return unreachable(s);
  }
}

/** The statement with its own expressions replaced. */
export function mapStatement(s: KernelStmt, f: (e: KernelExpr) => KernelExpr): KernelStmt {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
    case 'array':
      return { ...s, value: f(s.value) };
    case 'assign_array':
    case 'store':
    case 'store_shared':
      return { ...s, index: f(s.index), value: f(s.value) };
    case 'if':
    case 'while':
      return { ...s, cond: f(s.cond) };
    case 'for':
      return { ...s, from: f(s.from), to: f(s.to) };
    case 'copy_async':
      return { ...s, at: f(s.at), index: f(s.index), bytes: f(s.bytes) };
    case 'load_matrix':
    case 'load_words':
      return { ...s, index: f(s.index) };
    case 'mma':
      return { ...s, a: [f(s.a[0]), f(s.a[1]), f(s.a[2]), f(s.a[3])], b: [f(s.b[0]), f(s.b[1])] };
    case 'copy_commit':
    case 'copy_wait':
    case 'barrier':
    case 'comment':
      return s;
    default:
      return unreachable(s);
  }
}

export function nestedBlocks(s: KernelStmt): readonly (readonly KernelStmt[])[] {
  switch (s.kind) {
    case 'if':
      return [s.then, s.otherwise];
    case 'for':
    case 'while':
      return [s.body];
    case 'let': case 'var': case 'assign': case 'array': case 'assign_array': case 'store': case 'store_shared': case 'barrier': case 'comment':
    case 'copy_async': case 'copy_commit': case 'copy_wait': case 'load_matrix': case 'load_words': case 'mma':
      return [];
    default:
      return unreachable(s);
  }
}

/** The statement with its blocks replaced. */
export function mapBlocks(s: KernelStmt, f: (block: readonly KernelStmt[]) => readonly KernelStmt[]): KernelStmt {
  switch (s.kind) {
    case 'if':
      return { ...s, then: f(s.then), otherwise: f(s.otherwise) };
    case 'for':
    case 'while':
      return { ...s, body: f(s.body) };
    case 'let': case 'var': case 'assign': case 'array': case 'assign_array': case 'store': case 'store_shared': case 'barrier': case 'comment':
    case 'copy_async': case 'copy_commit': case 'copy_wait': case 'load_matrix': case 'load_words': case 'mma':
      return s;
    default:
      return unreachable(s);
  }
}

/** Variables and arrays that the statement itself writes; declarations are no writes. */
export function writtenBy(s: KernelStmt): readonly string[] {
  if (s.kind === 'assign') return [s.name];
  if (s.kind === 'assign_array') return [s.array];
  return s.kind === 'mma' ? s.sums : [];
}

/** Whether the statement itself writes workgroup memory or orders accesses to it. */
export function movesMemory(s: KernelStmt): boolean {
  return s.kind === 'store_shared' || s.kind === 'copy_async' || s.kind === 'copy_commit' || s.kind === 'copy_wait' || s.kind === 'barrier';
}

/** Calls `f` on every statement, outer ones first. */
export function walkStatements(body: readonly KernelStmt[], f: (s: KernelStmt) => void): void {
  for (const s of body) {
    f(s);
    nestedBlocks(s).forEach((block) => walkStatements(block, f));
  }
}

function walkExpression(e: KernelExpr, f: (e: KernelExpr) => void): void {
  f(e);
  subexpressions(e).forEach((x) => walkExpression(x, f));
}

/** Calls `f` on every expression of the statements, outer ones first. */
export function walkExpressions(body: readonly KernelStmt[], f: (e: KernelExpr) => void): void {
  walkStatements(body, (s) => expressionsOf(s).forEach((e) => walkExpression(e, f)));
}

/** The program with every expression rewritten, operands first; nothing else is folded. */
export function mapProgram(program: KernelProgram, f: (e: KernelExpr) => KernelExpr): KernelProgram {
  const block = (body: readonly KernelStmt[]): readonly KernelStmt[] => body.map((s) => mapBlocks(mapStatement(s, (e) => rewrite(e, f)), block));
  return { ...program, body: block(program.body) };
}
