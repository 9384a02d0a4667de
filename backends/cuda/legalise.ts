/**
 * Makes a kernel program one whose CUDA C++ has no undefined arithmetic. In: any verified kernel program. Out: one with the same meaning in
 * which i32 sums, products, negations and left shifts are computed as u32, where they wrap, and turned back. Two places keep plain
 * signed operators, because they cannot overflow: an index plus a constant (an index is in range, so it did not wrap; the compiler
 * may then put the constant into the address), and operands that are literals.
 */
import type { KernelExpr, KernelProgram, KernelStmt } from '../../compiler/kernel/ir.ts';
import { u32 } from '../../compiler/kernel/build.ts';
import { mapBlocks, mapOperands, mapStatement } from '../../compiler/kernel/walk.ts';

function convert(op: 'to_i32' | 'to_u32', arg: KernelExpr): KernelExpr {
  return { kind: 'unary', type: op === 'to_i32' ? 'i32' : 'u32', op, arg };
}

function unsignedBinary(op: 'add' | 'sub' | 'mul' | 'shl', left: KernelExpr, right: KernelExpr): KernelExpr {
  return { kind: 'binary', type: 'u32', op, left, right };
}

/** An i32 expression that may wrap. */
function wraps(e: KernelExpr): boolean {
  if (e.type !== 'i32') return false;
  if (e.kind === 'binary') return e.op === 'add' || e.op === 'sub' || e.op === 'mul' || e.op === 'shl';
  return e.kind === 'unary' && e.op === 'neg';
}

/** The u32 of the same bits. */
function asUnsigned(e: KernelExpr): KernelExpr {
  if (e.kind === 'literal') return u32(e.value);
  if (wraps(e)) {
    if (e.kind === 'unary') return unsignedBinary('sub', u32(0), asUnsigned(e.arg));
    if (e.kind === 'binary' && (e.op === 'add' || e.op === 'sub' || e.op === 'mul')) {
      // For readers: x + -1 is x - 1.
      const { right } = e;
      const negative = e.op === 'add' && right.kind === 'literal' && right.value < 0 && right.value !== -2147483648;
      return negative ? unsignedBinary('sub', asUnsigned(e.left), u32(-right.value)) : unsignedBinary(e.op, asUnsigned(e.left), asUnsigned(right));
    }
    if (e.kind === 'binary' && e.op === 'shl') return unsignedBinary('shl', asUnsigned(e.left), legal(e.right));
  }
  return convert('to_u32', legal(e));
}

function legal(e: KernelExpr): KernelExpr {
  if (wraps(e)) return convert('to_i32', asUnsigned(e));
  if (e.kind === 'load' || e.kind === 'load_shared' || e.kind === 'load_array') return { ...e, index: legalIndex(e.index) };
  // Sums over a subgroup wrap as well.
  if (e.kind === 'subgroup' && e.op === 'sum' && e.type === 'i32') return convert('to_i32', { ...e, type: 'u32', value: convert('to_u32', legal(e.value)) });
  return mapOperands(e, legal);
}

/** An index that is in range: the sum of something and a constant that is not negative has not wrapped. */
function legalIndex(e: KernelExpr): KernelExpr {
  if (e.kind === 'binary' && e.op === 'add' && e.right.kind === 'literal' && e.right.value >= 0) return { ...e, left: legal(e.left) };
  return legal(e);
}

function legalStatement(s: KernelStmt): KernelStmt {
  const nested = mapBlocks(s, (body) => body.map(legalStatement));
  if (nested.kind === 'store' || nested.kind === 'store_shared' || nested.kind === 'assign_array') {
    return { ...nested, index: legalIndex(nested.index), value: legal(nested.value) };
  }
  return mapStatement(nested, legal);
}

/** The program in the form the CUDA printer takes. */
export function legaliseForCuda(program: KernelProgram): KernelProgram {
  return { ...program, body: program.body.map(legalStatement) };
}
