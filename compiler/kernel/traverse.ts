/**
 * Walking kernel programs: the direct operands of an expression, the expressions of a statement, all statements of a body.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { KernelExpr, KernelStmt } from './ir.ts';

/** The direct operands, in the order in which they are written. */
export function kernelChildren(e: KernelExpr): readonly KernelExpr[] {
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
    case 'subgroup':
      return [e.value];
    default:
      return unreachable(e);
  }
}

/** The expressions of a statement itself, without those of nested statements. */
export function kernelExpressions(s: KernelStmt): readonly KernelExpr[] {
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
    case 'barrier':
    case 'comment':
      return [];
    default:
      return unreachable(s);
  }
}

/** The nested statement lists of a statement. */
export function kernelBodies(s: KernelStmt): readonly (readonly KernelStmt[])[] {
  switch (s.kind) {
    case 'if':
      return [s.then, s.otherwise];
    case 'for':
    case 'while':
      return [s.body];
    case 'let': case 'var': case 'assign': case 'array': case 'assign_array': case 'store': case 'store_shared': case 'barrier': case 'comment':
      return [];
    default:
      return unreachable(s);
  }
}
