/**
 * Which lanes of a result hold a value. In: an instruction and what is known of its sources. Out: the lanes whose result depends on a
 * register that was never written. Arithmetic carries that on and only a use (an address, a stored value, a branch, an exchange) is a
 * problem: nvcc computes some values before it knows whether they are wanted, and a select or a masking `and` drops the others.
 */
import type { Decoded } from './lanewise.ts';
import type { Operand } from './syntax.ts';
import type { Instruction } from './syntax.ts';
import type { Layout } from './operands.ts';
import type { Warp } from './state.ts';

export type Carry =
  /** Reading what was never written is a problem at once. */
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  /** Slots of the two values and the condition; -1: a constant. */
  | { readonly kind: 'select'; readonly then: number; readonly otherwise: number; readonly condition: number; readonly negated: boolean }
  /** Predicates: one operand alone may decide. */
  | { readonly kind: 'and' | 'or'; readonly left: number; readonly right: number };

// Their own checks look at values: a divisor that is not there would be said to be zero.
const checked = new Set(['div', 'rem']);

/** `pure`: the instruction computes a value from registers and does nothing else. */
export function carryOf(instruction: Instruction, decoded: Decoded, pure: boolean, layout: Layout): Carry {
  const [name = '', type] = instruction.parts;
  if (decoded.kind !== 'plain' || !pure || checked.has(name)) return { kind: 'none' };
  const slot = (operand: Operand | undefined): number => (operand?.kind === 'register' ? layout.slotOf(operand.name, operand.type) >>> 5 : -1);
  const [, a, b, c] = instruction.operands;
  if (name === 'selp') return { kind: 'select', then: slot(a), otherwise: slot(b), condition: slot(c), negated: c?.kind === 'register' && c.negated };
  const plainPair = a?.kind === 'register' && b?.kind === 'register' && !a.negated && !b.negated;
  if ((name === 'and' || name === 'or') && type === 'pred' && plainPair) return { kind: name, left: slot(a), right: slot(b) };
  return { kind: 'all' };
}

/** Lanes of `mask` whose result will hold no value; asked before the instruction runs. */
export function undefinedResult(carry: Carry, warp: Warp, reads: readonly number[], mask: number): number {
  const known = (slot: number): number => (slot < 0 ? -1 : warp.defined[slot] ?? 0);
  const bits = (slot: number): number => warp.I[slot * 32] ?? 0;
  switch (carry.kind) {
    case 'none':
      return 0;
    case 'all': {
      let defined = -1;
      for (const slot of reads) defined &= known(slot);
      return mask & ~defined;
    }
    case 'select': {
      const chosen = carry.condition < 0 ? -1 : carry.negated ? ~bits(carry.condition) : bits(carry.condition);
      return mask & ~(known(carry.condition) & ((chosen & known(carry.then)) | (~chosen & known(carry.otherwise))));
    }
    case 'and':
    case 'or': {
      const [a, b] = carry.kind === 'and' ? [~bits(carry.left), ~bits(carry.right)] : [bits(carry.left), bits(carry.right)];
      const [left, right] = [known(carry.left), known(carry.right)];
      return mask & ~((left & right) | (left & a) | (right & b));
    }
  }
}
