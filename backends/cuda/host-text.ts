/**
 * What texts of host expressions share, whether they are C++ or Python: names, calls, infix forms, finite floats, and the operators that both
 * write alike. In: parts as text. Out: text.
 */
import type { Expr } from '../../compiler/expr/ir.ts';

/** The text that stands for a name, or undefined when the name is unknown. */
export type HostNaming = (name: string) => string | undefined;

export function call(name: string, ...args: readonly string[]): string {
  return [name, '(', args.join(', '), ')'].join('');
}

export function infix(left: string, operator: string, right: string): string {
  return ['(', left, ' ', operator, ' ', right, ')'].join('');
}

/** A finite number as a float, in parentheses where it has a sign. */
export function floatText(value: number): string {
  const text = Object.is(value, -0) ? '-0.0' : String(value);
  const float = /[.e]/.test(text) ? text : [text, '.0'].join('');
  return float.startsWith('-') ? ['(', float, ')'].join('') : float;
}

/** Operators on 32-bit patterns, and comparisons. */
export const sharedOperators = { bit_and: '&', bit_or: '|', bit_xor: '^', eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

/** The variable of a fold, and the naming inside it. */
export function foldScope(e: Expr & { readonly kind: 'fold' }, naming: HostNaming): { readonly local: string; readonly inner: HostNaming } {
  const local = ['i_', e.local.replace(/[^A-Za-z0-9_]/g, '_')].join('');
  return { local, inner: (name) => (name === e.local ? local : naming(name)) };
}
