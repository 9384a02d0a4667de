/**
 * What a PTX text says, before anything is known about what its instructions do. Registers and labels are resolved to their scope
 * (inline assembly may shadow outer names), so that later stages see unique names. Section 1 of the PTX subset this emulator covers.
 */
export type Operand =
  /** `name` is unique within the entry; `type` is the declared one. */
  | { readonly kind: 'register'; readonly name: string; readonly type: string; readonly negated: boolean }
  | { readonly kind: 'special'; readonly name: string }
  /** Bits of the value, low and high word; `decimal` is set for literals such as `1.5`, whose bits depend on the instruction. */
  | { readonly kind: 'immediate'; readonly low: number; readonly high: number; readonly decimal: number | undefined }
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'address'; readonly base: Operand; readonly offset: number }
  | { readonly kind: 'vector'; readonly items: readonly Operand[] }
  /** `%r1|%p2` */
  | { readonly kind: 'pair'; readonly first: Operand; readonly second: Operand }
  | { readonly kind: 'sink' };

export interface Instruction {
  /** Opcode and its modifiers, split at the dots. */
  readonly parts: readonly string[];
  readonly guard: { readonly name: string; readonly negated: boolean } | undefined;
  readonly operands: readonly Operand[];
  readonly text: string;
  /** Line of the PTX text. */
  readonly line: number;
  /** Line of the CUDA source by the last `.loc`, and the file number it names. */
  readonly source: { readonly file: number; readonly line: number } | undefined;
}

export interface Variable {
  readonly name: string;
  readonly space: 'param' | 'shared' | 'local' | 'global' | 'const';
  readonly align: number;
  /** Zero for an `extern` array. */
  readonly size: number;
  readonly external: boolean;
  readonly initial: readonly number[];
  readonly elementSize: number;
}

export interface EntrySyntax {
  readonly name: string;
  readonly params: readonly Variable[];
  readonly locals: readonly Variable[];
  readonly registers: ReadonlyMap<string, string>;
  readonly instructions: readonly Instruction[];
  /** Instruction index of each label (already unique names). */
  readonly labels: ReadonlyMap<string, number>;
  readonly maxThreads: number | undefined;
}

export interface ModuleSyntax {
  readonly target: string;
  readonly variables: readonly Variable[];
  readonly entries: readonly EntrySyntax[];
}
