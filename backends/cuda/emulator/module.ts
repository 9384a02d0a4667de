/**
 * A PTX text to a module whose instructions are decoded: each a closure over the bases of its operands. What is unknown is a diagnostic
 * that names the instruction. A module holds no state of a run and can be run any number of times.
 */
import { bad, good } from '../../../dsl/diagnostic.ts';
import type { Checked } from '../../../dsl/diagnostic.ts';
import { noSpan } from '../../../dsl/span.ts';
import { ptxNotUnderstood } from '../../../dsl/catalogue/index.ts';
import { convertOps } from './ops-convert.ts';
import { floatOps } from './ops-float.ts';
import { integerOps } from './ops-integer.ts';
import { memoryOps } from './ops-memory.ts';
import { tensorOps } from './ops-tensor.ts';
import { warpOps } from './ops-warp.ts';
import { carryOf } from './definedness.ts';
import type { Carry } from './definedness.ts';
import type { Decode, Decoded } from './lanewise.ts';
import { UnknownInstruction, createLayout, modifiersOf, operandsOf, placeVariables } from './operands.ts';
import type { Constant, Layout, SpecialSlot } from './operands.ts';
import { PtxSyntaxError, parseModule } from './parse.ts';
import type { EntrySyntax, Instruction, Variable } from './syntax.ts';
import { localTag, paramTag, sharedStart } from './state.ts';

export interface Code {
  readonly instruction: Instruction;
  readonly decoded: Decoded;
  /** Base of the guard predicate, or -1. */
  readonly guard: number;
  readonly negated: boolean;
  /** Slots (base / 32) read and written. */
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  /** What becomes of a source that was never written. */
  readonly carry: Carry;
  /** Instruction index of a branch. */
  readonly target: number;
}

export interface PtxEntry {
  readonly name: string;
  readonly code: readonly Code[];
  readonly params: readonly Variable[];
  /** Address of each parameter, in order. */
  readonly paramAddresses: readonly number[];
  readonly constants: readonly Constant[];
  readonly specials: readonly SpecialSlot[];
  /** Words of a warp's register file. */
  readonly words: number;
  readonly staticShared: number;
  readonly localBytes: number;
  readonly maxThreads: number | undefined;
}

export interface PtxModule {
  readonly target: string;
  readonly entries: readonly PtxEntry[];
  /** Module variables in global and constant memory, with their addresses. */
  readonly variables: readonly { readonly variable: Variable; readonly address: number }[];
}

const tables: readonly ReadonlyMap<string, Decode>[] = [floatOps, integerOps, convertOps, memoryOps, warpOps, tensorOps];
const variablesStart = 2 ** 33;

/** Diagnoses what the emulator does not know: an instruction, one of its modifiers, a form of the text. */
export function parsePtx(text: string): Checked<PtxModule> {
  try {
    const syntax = parseModule(text);
    const constants = syntax.variables.filter((v) => v.space === 'global' || v.space === 'const');
    const { places } = placeVariables(constants, variablesStart);
    const entries = syntax.entries.map((entry) => decodeEntry(entry, syntax.variables, places));
    const variables = constants.map((variable) => ({ variable, address: places.get(variable.name) ?? 0 }));
    return good({ target: syntax.target, entries, variables });
  } catch (error) {
    if (error instanceof PtxSyntaxError) return bad([ptxNotUnderstood(noSpan, { line: error.line, message: error.message })]);
    throw error;
  }
}

function decodeEntry(entry: EntrySyntax, outer: readonly Variable[], globals: ReadonlyMap<string, number>): PtxEntry {
  const shared = [...outer, ...entry.locals].filter((v) => v.space === 'shared');
  const { places: sharedPlaces, end } = placeVariables(shared, sharedStart);
  const { places: localPlaces, end: localBytes } = placeVariables(entry.locals.filter((v) => v.space === 'local'), 0);
  // Every parameter is a block of its own, so an offset past its end is caught.
  const paramAddresses = entry.params.map((_, i) => paramTag + i * 65536);
  const addresses = new Map([...globals, ...sharedPlaces, ...[...localPlaces].map(([name, at]) => [name, localTag + at] as const)]);
  entry.params.forEach((p, i) => addresses.set(p.name, paramAddresses[i] ?? 0));
  const layout = createLayout(addresses);
  const code = entry.instructions.map((instruction) => decodeInstruction(instruction, entry, layout));
  return {
    name: entry.name, code, params: entry.params, paramAddresses, constants: layout.constants, specials: layout.specials, words: layout.words(),
    staticShared: end - sharedStart, localBytes, maxThreads: entry.maxThreads,
  };
}

function decodeInstruction(instruction: Instruction, entry: EntrySyntax, layout: Layout): Code {
  const { parts, guard, line } = instruction;
  const unknown = (why: string): never => {
    throw new PtxSyntaxError(line, `unknown instruction '${parts.join('.')}'${why} in ${entry.name}: ${instruction.text}`);
  };
  const name = parts[0] ?? '';
  const decode = tables.map((t) => t.get(name)).find((d) => d !== undefined) ?? unknown('');
  const pure = [floatOps, integerOps, convertOps].some((t) => t.has(name));
  const modifiers = modifiersOf(instruction);
  const operands = operandsOf(instruction, layout);
  try {
    const decoded = decode(modifiers, operands, instruction) ?? unknown('');
    if (modifiers.rest().length > 0) unknown(` (modifier .${modifiers.rest().join('.')})`);
    const target = decoded.kind === 'branch' ? entry.labels.get(decoded.label) : 0;
    return {
      instruction, decoded, carry: carryOf(instruction, decoded, pure, layout), negated: guard?.negated ?? false, guard: guard === undefined ? -1 : layout.slotOf(guard.name, 'pred'),
      reads: operands.reads.map((b) => b >>> 5), writes: operands.writes.map((b) => b >>> 5), target: target ?? unknown(' (its label is missing)'),
    };
  } catch (error) {
    if (error instanceof UnknownInstruction) return unknown(` (${error.message})`);
    throw error;
  }
}
