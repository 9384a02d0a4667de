/**
 * Loops over the lanes of a warp. In: bases of operands and a function of one lane's numbers. Out: an `Exec`. The decoders of the
 * instruction groups use these; `Decoded` is what they answer.
 */
import { UnknownInstruction } from './operands.ts';
import type { Modifiers, Operands } from './operands.ts';
import type { Exec, Warp } from './state.ts';
import { reader, setWide, wide, writer } from './values.ts';
import type { Instruction } from './syntax.ts';

export type Decoded =
  | { readonly kind: 'plain'; readonly run: Exec }
  | { readonly kind: 'branch'; readonly label: string }
  | { readonly kind: 'exit' }
  /** Every live lane has to be there, or those that the word at `members` names. */
  | { readonly kind: 'collective'; readonly run: Exec; readonly members: number | undefined }
  /** `id` and `threads` are bases; `vote` holds the predicate of `bar.red`. */
  | { readonly kind: 'barrier'; readonly id: number; readonly threads: number | undefined; readonly waits: boolean; readonly reduce: { readonly how: string; readonly target: number; readonly source: number; readonly negated: boolean } | undefined };

/** Answers nothing for a form it does not know. */
export type Decode = (modifiers: Modifiers, operands: Operands, instruction: Instruction) => Decoded | undefined;
export type DecodeTable = ReadonlyMap<string, Decode>;

export type View = 'U' | 'I' | 'F';

function viewOf(w: Warp, view: View): Uint32Array | Int32Array | Float32Array {
  return view === 'F' ? w.F : view === 'I' ? w.I : w.U;
}

export const plain = (run: Exec): Decoded => ({ kind: 'plain', run });

export function lanes1(view: View, d: number, a: number, op: (a: number) => number): Exec {
  return (w, m) => {
    const r = viewOf(w, view);
    for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) r[d + l] = op(r[a + l] ?? 0);
  };
}

export function lanes2(view: View, d: number, a: number, b: number, op: (a: number, b: number) => number): Exec {
  return (w, m) => {
    const r = viewOf(w, view);
    for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) r[d + l] = op(r[a + l] ?? 0, r[b + l] ?? 0);
  };
}

export function lanes3(view: View, d: number, a: number, b: number, c: number, op: (a: number, b: number, c: number) => number): Exec {
  return (w, m) => {
    const r = viewOf(w, view);
    for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) r[d + l] = op(r[a + l] ?? 0, r[b + l] ?? 0, r[c + l] ?? 0);
  };
}

/** Any type that `reader` knows; the operation sees numbers. */
export function general(type: string, d: number, sources: readonly number[], op: (...values: number[]) => number): Exec {
  const reads = sources.map((s) => reader(type, s) ?? fail(type));
  const write = writer(type, d) ?? fail(type);
  return (w, m) => {
    for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) write(w, l, op(...reads.map((r) => r(w, l))));
  };
}

/** 64-bit integers, exact; signed when asked. */
export function wideLanes(signed: boolean, d: number, sources: readonly number[], op: (...values: bigint[]) => bigint): Exec {
  return (w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if ((m >>> l) & 1) setWide(w, d, l, op(...sources.map((s) => (signed ? BigInt.asIntN(64, wide(w, s, l)) : wide(w, s, l)))));
    }
  };
}

/** Both words of a 64-bit value through the same word operation. */
export function wordPairs(d: number, a: number, b: number, op: (a: number, b: number) => number): Exec {
  return (w, m) => {
    const r = w.U;
    for (let l = 0; l < 32; l += 1) {
      if ((m >>> l) & 1) {
        r[d + l] = op(r[a + l] ?? 0, r[b + l] ?? 0);
        r[d + 32 + l] = op(r[a + 32 + l] ?? 0, r[b + 32 + l] ?? 0);
      }
    }
  };
}

/** Sets the lanes of predicate `d` under the mask. */
export function setPredicate(w: Warp, d: number, mask: number, bits: number): void {
  w.I[d] = ((w.I[d] ?? 0) & ~mask) | (bits & mask);
}

function fail(type: string): never {
  throw new UnknownInstruction(`type ${type} is not known here`);
}
